"""A team's store on a PostgreSQL server, as tests of teams take it."""

from __future__ import annotations

from meta_experiment.store.postgres.exchange import open_exchange


class PostgresTeam:
    """The project of a database as its machines see it, at whatever address they reach it."""

    def __init__(self, url, project="project"):
        self.url, self.project = url, project

    def seen_by(self, machine):
        return open_exchange(self.url, self.project, machine)


def logs_in(server, database):
    """Return what a database has of every log, by machine and name, none twice and no gap."""
    rows = server.rows(
        "select machine, log, byte_offset, coalesce(raw, convert_to(line, 'utf-8'))"
        " from meta_experiment.events join meta_experiment.logs using (project_id, log_id)"
        " order by machine, log, byte_offset",
        database,
    )
    found = {}
    for machine, log, offset, line in rows:
        data = found.setdefault((machine, log), bytearray())
        assert len(data) == offset, "a gap, or twice the same"
        data += bytes(line) + b"\n"
    return found
