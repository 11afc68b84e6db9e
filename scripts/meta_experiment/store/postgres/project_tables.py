"""What all that is kept of one project rests on: its connections, its number, its machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import CorruptStoreError, ForbiddenError, NotFoundError, cite
from meta_experiment.files.confine import Content
from meta_experiment.store.postgres import measured
from meta_experiment.store.postgres.connections import Connections
from meta_experiment.store.postgres.refusals import allow_hint

if TYPE_CHECKING:
    from psycopg import Connection

Arms = dict[str, dict[str, Content | None]]


class ProjectTables:
    """A project of a database, as one machine sees it; nothing is asked before it is needed."""

    def __init__(self, connections: Connections, project: str, machine: str) -> None:
        self._connections = connections
        self.project = project
        self.machine = machine
        self._number: int | None = None

    def close(self) -> None:
        """Let go of all connections."""
        self._connections.close()

    def _known(self, connection: Connection[Any]) -> int | None:
        """Return the number of the project; None as long as nobody made it."""
        if self._number is None:
            found = connection.execute(
                "select project_id from meta_experiment.projects where name = %s",
                [self.project],
            ).fetchone()
            self._number = found and found[0]
        return self._number

    def _made(self, connection: Connection[Any]) -> int:
        """Return the number of the project, made if need be.

        It is made for good at once: what is done with it may fail, and its number is kept.
        """
        known = self._known(connection)
        if known is None:
            with self._connections.transaction(apart=True) as other:
                other.execute(
                    "insert into meta_experiment.projects (name) values (%s)"
                    " on conflict do nothing",
                    [self.project],
                )
            known = self._known(connection)
        if known is None:
            raise ForbiddenError(
                f"This user of the team's store may not see the project {cite(self.project)}.",
                hint=allow_hint(self._connections.address, self.project),
            )
        return known

    def _require(self, connection: Connection[Any], experiment_id: str) -> int:
        """Return the number of the project, which has this experiment.

        What is published stays, so that it needs no lock.
        """
        number = self._known(connection)
        found = connection.execute(
            "select 1 from meta_experiment.experiments"
            " where (project_id, experiment) = (%s, %s)",
            [number, experiment_id],
        ).fetchone()
        if number is None or found is None:
            raise NotFoundError(
                f"The team's store has no experiment {cite(experiment_id)} of "
                f"{cite(self.project)}.",
                hint="Run: meta-experiment store ship",
            )
        return number


_INSERTING = (
    "insert into meta_experiment.variants (project_id, experiment, path, variant, sha256, mode)"
    " values (%s, %s, %s, %s, %s, %s) on conflict do nothing"
)
_REPLACING = _INSERTING.replace(
    "do nothing",
    "(project_id, experiment, path, variant)"
    " do update set sha256 = excluded.sha256, mode = excluded.mode",
)


def save_texts(
    connection: Connection[Any],
    project_id: int,
    experiment_id: str,
    contents: Mapping[str, Mapping[str, Content | None]],
    *,
    replace: bool,
) -> None:
    """Keep the bytes of arms, each text once; what stands is replaced or left."""
    from hashlib import sha256

    rows = [
        (path, variant, content, content and sha256(content.data).digest())
        for path, arms in sorted(contents.items())
        for variant, content in sorted(arms.items())
    ]
    texts = {digest: content.data for *_, content, digest in rows if content and digest}
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into meta_experiment.texts (project_id, sha256, data) values (%s, %s, %s)"
            " on conflict do nothing",
            [(project_id, digest, data) for digest, data in sorted(texts.items())],
        )
        cursor.executemany(
            _REPLACING if replace else _INSERTING,
            [
                (project_id, experiment_id, path, variant, digest, content and content.mode)
                for path, variant, content, digest in rows
            ],
        )


def texts_of(
    connection: Connection[Any],
    project_id: int | None,
    experiment_id: str,
    paths: Sequence[str],
) -> Arms:
    """Return the bytes of every arm, by path, then by variant; of no paths, those of all."""
    found: Arms = {}
    rows = measured.rows(
        connection,
        f"texts of {cite(experiment_id)}",
        {
            "path": measured.NAME,
            "variant": measured.NAME,
            "mode": measured.FIXED,
            "data": measured.TEXT,
        },
        "(select path, variant, mode, case when mode is null then '' else data end as data"
        " from meta_experiment.variants left join meta_experiment.texts"
        " using (project_id, sha256)"
        " where (project_id, experiment) = (%s, %s) and (%s or path = any (%s))) arms",
        [project_id, experiment_id, not paths, list(paths)],
    )
    for path, variant, mode, data in rows:
        if None in (path, variant, data):
            raise CorruptStoreError(
                f"The team's store: {measured.too_large('a text', measured.TEXT)}, of "
                f"{cite(experiment_id)}.",
                hint="Ask who keeps the store to look who published it.",
            )
        content = None if mode is None else Content(bytes(data), mode)
        found.setdefault(path, {})[variant] = content
    return found
