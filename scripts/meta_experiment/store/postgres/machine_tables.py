"""Who belongs to a project, and what its machines publish of experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import ConflictError, NotFoundError, cite
from meta_experiment.files.confine import Content
from meta_experiment.store.exchange import (
    Contents,
    MachineAdmission,
    MachineKey,
    PublishedExperiment,
    TeamMachine,
    TeamNote,
    UnreadRows,
)
from meta_experiment.store.postgres import measured
from meta_experiment.store.postgres.project_tables import ProjectTables, save_texts, texts_of

if TYPE_CHECKING:
    from psycopg import Connection


class MachineTables(ProjectTables):
    """The machines of a project, and the owner's word on each."""

    def owner(self) -> MachineKey | None:
        """Return the owner of the project, None as long as nobody made it."""
        with self._connections.transaction() as connection:
            found = connection.execute(_OWNER, [self._known(connection)]).fetchone()
        return MachineKey(*found) if found else None

    def join(self, key: MachineKey) -> MachineKey:
        """Publish this machine's key, make the project if need be; return its owner."""
        with self._connections.transaction() as connection:
            number = self._made(connection)
            connection.execute(
                "insert into meta_experiment.machines (project_id, machine, public_key, name)"
                " values (%s, %s, %s, %s) on conflict do nothing",
                [number, *key],
            )
            known = connection.execute(
                "select public_key, left(name, 1024) from meta_experiment.machines"
                " where (project_id, machine) = (%s, %s)",
                [number, key.machine],
            ).fetchone()
            if known is None or bytes(known[0]) != key.public_key:
                raise ConflictError(f"Another key has the id {cite(key.machine)} of a machine.")
            if known[1] != key.name:
                connection.execute(
                    "update meta_experiment.machines set name = %s"
                    " where (project_id, machine) = (%s, %s)",
                    [key.name, number, key.machine],
                )
            # who may not be owner does not try, where there is one
            if not connection.execute(
                "select 1 from meta_experiment.owners where project_id = %s", [number]
            ).fetchone():
                # the key of the table lets one in; who comes at the same time waits for it
                connection.execute(
                    "insert into meta_experiment.owners (project_id, machine) values (%s, %s)"
                    " on conflict do nothing",
                    [number, key.machine],
                )
            (machine, public_key, name) = connection.execute(_OWNER, [number]).fetchone() or key
            return MachineKey(machine, bytes(public_key), name)

    def machines(self) -> Sequence[TeamMachine]:
        """Return all machines that joined, in that order."""
        with self._connections.transaction() as connection:
            number = self._known(connection)
            words: dict[str, list[MachineAdmission]] = {}
            for row in measured.rows(
                connection,
                "admissions",
                _ADMISSION,
                "meta_experiment.admissions where project_id = %s order by number",
                [number],
            ):
                if None not in row:
                    words.setdefault(row[0], []).append(MachineAdmission(*row))
            rows = measured.rows(
                connection,
                "machines",
                {
                    "machine": measured.FIXED,
                    "public_key": measured.FIXED,
                    "name": measured.NAME,
                    "joined": measured.FIXED,
                    "shipped": measured.FIXED,
                },
                "(select machine, public_key, name,"  # noqa: S608
                " least(greatest(joined, %s), %s) as joined,"
                " (select least(greatest(max(shipped), %s), %s)"
                " from meta_experiment.log_sizes sizes"
                " where sizes.project_id = shared.project_id and sizes.machine = shared.machine"
                " having count(*) > 0)"
                f" as shipped from {_MACHINES} where so_far <= %s or trusted"
                " order by number) joined",
                [*_TIMES, *_TIMES, self.machine, number, _room() // _FEWER],
            )
        return [
            TeamMachine(
                MachineKey(machine, bytes(public_key), name or "(too long a name)"),
                tuple(words.get(machine, ())),
                joined.timestamp(),
                shipped.timestamp() if isinstance(shipped, datetime) else None,
            )
            for machine, public_key, name, joined, shipped in rows
        ]

    def unread_machines(self) -> Sequence[UnreadRows]:
        """Return what is left out of the machines, by who joined them."""
        with self._connections.transaction() as connection:
            place = [self.machine, self._known(connection), _room() // _FEWER]
            found = f"{_MACHINES} where so_far > %s and not trusted"
            return _unread(connection, "machines", found, place)

    def admit(self, admission: MachineAdmission) -> None:
        """Keep the owner's word on a machine."""
        with self._connections.transaction() as connection:
            number = self._known(connection)
            if not connection.execute(
                "select 1 from meta_experiment.machines where (project_id, machine) = (%s, %s)",
                [number, admission.machine],
            ).fetchone():
                raise NotFoundError(f"No machine {cite(admission.machine)} joined the project.")
            connection.execute(
                "insert into meta_experiment.admissions"
                " (project_id, machine, public_key, number, counts, signature)"
                " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
                [number, *admission],
            )
            known = connection.execute(
                "select machine, public_key, number, counts, signature"
                " from meta_experiment.admissions"
                " where (project_id, machine, number) = (%s, %s, %s)",
                [number, admission.machine, admission.number],
            ).fetchone()
        if known is None or MachineAdmission(*known) != admission:
            raise ConflictError(
                f"Another word on the machine {cite(admission.machine)} has the number "
                f"{admission.number}.",
                hint="Run it again.",
            )


class PublicationTables(ProjectTables):
    """The experiments of a project, their texts, and what was said of them."""

    def publish(self, experiment: PublishedExperiment, contents: Contents) -> None:
        """Publish an experiment with the bytes of its arms, all or nothing."""
        name = experiment.experiment_id
        with self._connections.transaction() as connection:
            number = self._made(connection)
            # who publishes it at the same time waits here, then finds it and compares
            made = connection.execute(
                "insert into meta_experiment.experiments (project_id, experiment, plan_sha256,"
                " document, machine, signature, beginning) values (%s, %s, %s, %s, %s, %s, %s)"
                " on conflict do nothing returning number",
                [number, *experiment],
            ).fetchone()
            if made:
                save_texts(connection, number, name, contents, replace=False)
                return
            texts = texts_of(connection, number, name, ())
        if experiment not in self.published(name) or texts != _plain(contents):
            raise ConflictError(
                f"The team's store has another plan or other texts of {cite(name)}.",
                hint="Make a new experiment; what is published never changes.",
            )

    def published(self, experiment_id: str | None = None) -> Sequence[PublishedExperiment]:
        """Return all experiments, in the order of their coming, or that of an id alone.

        Of who wrote too much the largest come without their plans.
        """
        with self._connections.transaction() as connection:
            rows = measured.rows(
                connection,
                "names of published plans",
                _PUBLICATION,
                _PUBLISHED,
                [*[_room()] * 2, self._known(connection), *[experiment_id] * 2],
            )
        return [
            PublishedExperiment(
                name, plan or "", document or b"", machine or "", said or b"", beginning
            )
            for name, plan, document, machine, said, beginning in rows
            if name
        ]

    def contents(self, experiment_id: str) -> dict[str, dict[str, Content | None]]:
        """Return the bytes of every arm, by path, then by variant; None is no file."""
        with self._connections.transaction() as connection:
            number = self._require(connection, experiment_id)
            return texts_of(connection, number, experiment_id, ())

    def note(self, note: TeamNote) -> int:
        """Tell the others something of an experiment; return its number."""
        with self._connections.transaction() as connection:
            number = self._require(connection, note.experiment_id)
            # Numbers follow one another in the order in which notes can be seen: who has all up
            # to one misses none. So the next is given when the last is there for all.
            connection.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 1))",
                [f"{number}/{note.experiment_id}"],
            )
            known = connection.execute(
                "select number from meta_experiment.notes where (project_id, experiment,"
                " content_sha256, machine) = (%s, %s, sha256(%s), %s)",
                [number, note.experiment_id, note.document + note.signature, note.machine],
            ).fetchone()
            if known is None:
                known = connection.execute(
                    "insert into meta_experiment.notes (project_id, experiment, machine,"
                    " document, signature) values (%s, %s, %s, %s, %s) returning number",
                    [number, note.experiment_id, note.machine, note.document, note.signature],
                ).fetchone()
        return int(known[0]) if known else 0

    def notes(self, experiment_id: str, after: int = 0) -> Sequence[TeamNote]:
        """Return what was told of an experiment behind this number, in the store's order."""
        with self._connections.transaction() as connection:
            rows = measured.rows(
                connection,
                f"notes of {cite(experiment_id)}",
                {
                    "number": measured.FIXED,
                    "machine": measured.NAME,
                    "document": measured.DOCUMENT,
                    "signature": measured.SIGNATURE,
                },
                f"{_NOTES} where so_far <= %s order by number",
                [self._known(connection), experiment_id, after, _room()],
            )
        why = measured.too_large("it", measured.DOCUMENT)
        return [
            TeamNote(experiment_id, number, machine, document, signature)
            if None not in (machine, document, signature)
            else TeamNote(experiment_id, number, machine or "", b"", b"", why)
            for number, machine, document, signature in rows
        ]

    def unread(self, experiment_id: str) -> Sequence[UnreadRows]:
        """Return what is left out of an experiment's notes, by who wrote it."""
        with self._connections.transaction() as connection:
            place = [self._known(connection), experiment_id, 0, _room()]
            return _unread(connection, "notes", f"{_NOTES} where so_far > %s", place)


_TIMES = "1970-01-02 00:00Z", "9999-01-01 00:00Z"  # between which a program reads one
_ADMISSION = {
    "machine": measured.FIXED,
    "public_key": measured.SIGNATURE,
    "number": measured.FIXED,
    "counts": measured.FIXED,
    "signature": measured.SIGNATURE,
}
_PUBLICATION = {
    "experiment": measured.NAME,
    "plan_sha256": measured.NAME,
    "document": measured.DOCUMENT,
    "machine": measured.NAME,
    "signature": measured.SIGNATURE,
    "beginning": measured.FIXED,
}
_OWNER = (
    "select machine, public_key, left(machines.name, 1024) from meta_experiment.owners"
    " join meta_experiment.machines using (project_id, machine) where project_id = %s"
)
# The largest go first, so that what a program of ours wrote stays.
_PLANS = measured.shared(
    "select *, octet_length(document)::bigint + octet_length(signature) as bytes"
    " from meta_experiment.experiments"
    " where project_id = %s and (%s::text is null or experiment = %s)",
    "written_by",
    "bytes, number",
)
_PUBLISHED = f"""
    (select experiment, left(plan_sha256, 64) as plan_sha256, left(machine, 64) as machine,
        case when so_far <= %s then document end as document,
        case when so_far <= %s then signature end as signature, beginning
    from {_PLANS} order by number) published
"""  # noqa: S608 - of constants
_NOTES = measured.shared(
    "select *, octet_length(document)::bigint + octet_length(signature) + octet_length(machine)"
    " as bytes from meta_experiment.notes"
    " where (project_id, experiment) = (%s, %s) and number > %s",
    "written_by",
    "bytes, number",
)


_MACHINES = measured.shared(
    "select *, octet_length(name) as bytes, machine = %s or exists ("
    " select from meta_experiment.admissions word where (word.project_id, word.machine)"
    " = (joined.project_id, joined.machine)) as trusted"
    " from meta_experiment.machines joined where project_id = %s",
    "joined_by",
    "number",
)
_FEWER = 16  # times less room for machines than for what they write: some ten thousand


def _unread(
    connection: Connection[Any], what: str, found: str, parameters: Sequence[object]
) -> Sequence[UnreadRows]:
    """Add up rows that are not read, by who wrote them."""
    rows = connection.execute(
        "select coalesce(writer, ''), count(*), sum(size)::bigint"  # noqa: S608
        f" from {found} group by writer order by 3 desc limit 20".encode(),
        parameters,
    ).fetchall()
    return [UnreadRows(what, *row) for row in rows]


def _room() -> int:
    """Return how many bytes of rows are read that everybody writes."""
    return measured.WHOLE // 2


def _plain(contents: Contents) -> Mapping[str, Mapping[str, Content | None]]:
    return {path: dict(arms) for path, arms in contents.items() if arms}
