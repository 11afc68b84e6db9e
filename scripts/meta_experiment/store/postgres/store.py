"""The store in PostgreSQL: the ports over tables, as `store.ports` describes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import CorruptStoreError, NotFoundError, UsageError, cite
from meta_experiment.files.confine import Content, plain_path
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.platform import machine
from meta_experiment.files.roots import Layout
from meta_experiment.model.registry import as_stored, decode_registry, encode_registry
from meta_experiment.store.fold.lines import decoded
from meta_experiment.store.history import History, HistoryEntry
from meta_experiment.store.history_lines import encode_entry, entry_of
from meta_experiment.store.ports import Change, Changed
from meta_experiment.store.postgres.connections import Connections
from meta_experiment.store.postgres.project_tables import (
    ProjectTables,
    save_texts,
    texts_of,
)
from meta_experiment.store.postgres.trial_tables import TrialTables
from meta_experiment.store.trial_log import DamagedLine
from meta_experiment.types import Experiment, Status

if TYPE_CHECKING:
    from psycopg import Connection

URL = "META_EXPERIMENT_STORE"
_LOOKED_BACK = 200  # experiments put away; their ids begin with the day


def open_store(layout: Layout, files: FileSystem, checkout: object) -> PostgresStore:
    """Open the store that the environment names, for a project named as the root's folder.

    Nobody is asked before it is used.

    Raises:
        UsageError: it names none, or the URL cannot be read. DependencyError: no driver.
    """
    del files, checkout
    url = os.environ.get(URL)
    if not url:
        raise UsageError(
            f"{URL} names no store.", hint=f"Set it: {URL}=postgresql://USER@HOST/DATABASE"
        )
    return PostgresStore(Connections(url), layout.root.name, machine())


class RegistryTables(ProjectTables):
    """Every experiment: plan, status, outcomes. What is put away leaves the list alone."""

    _read: tuple[int, list[Experiment]] = (-1, [])

    def experiments(self) -> list[Experiment]:
        """Return all experiments that are not put away, in the order of their coming."""
        with self._connections.transaction() as connection:
            revision = self._revision(connection)
            if revision != self._read[0]:
                self._read = revision, self._listed(connection)
        return list(self._read[1])

    def experiment(self, experiment_id: str) -> Experiment:
        """Return the experiment with exactly this id, also one that was put away."""
        with self._connections.transaction() as connection:
            return self._one(connection, experiment_id)

    def archived_ids(self) -> frozenset[str]:
        """Return the ids of all experiments that were put away."""
        with self._connections.transaction() as connection:
            rows = connection.execute(
                "select experiment from meta_experiment.registry where archived"
                " and project_id = %s",
                [self._known(connection)],
            ).fetchall()
        return frozenset(name for (name,) in rows)

    def archived(self, experiment_id: str) -> Experiment:
        """Return an experiment that was put away."""
        with self._connections.transaction() as connection:
            return self._one(connection, experiment_id, "and archived")

    def archived_last(self, text: str | None = None) -> Iterator[Experiment]:
        """Yield what was put away last, newest first, or of that what holds a text."""
        with self._connections.transaction() as connection:
            rows = connection.execute(
                "select document from"
                " (select experiment, document from meta_experiment.registry"
                ' where archived and project_id = %s order by experiment collate "C" desc'
                " limit %s) last where strpos(document, %s) > 0",
                [self._known(connection), _LOOKED_BACK, text or "{"],
            ).fetchall()
        yield from (_experiment(document) for (document,) in rows)

    def add(self, make: Callable[[Sequence[Experiment]], Experiment]) -> Experiment:
        """Register what a function makes, given all others."""
        with self._connections.transaction() as connection:
            number = self._alone(connection)
            others = self._listed(connection)
            made = make(others)
            for known in others:
                if known.experiment_id == made.experiment_id:
                    return known
            return self._put(connection, number, as_stored(made))

    def change(self, experiment_id: str, change: Change) -> Changed:
        """Replace one experiment by what a function makes of it; return it before and after."""
        with self._connections.transaction() as connection:
            number = self._alone(connection)
            before = self._one(connection, experiment_id)
            after = change(before)
            if after == before:
                return before, before
            return before, self._put(connection, number, as_stored(after))

    def change_all(self, change: Change) -> list[Changed]:
        """Replace every experiment that is not put away; return all, before and after."""
        with self._connections.transaction() as connection:
            number = self._alone(connection)
            before = self._listed(connection)
            after = [as_stored(change(item)) for item in before]
            return [
                (old, old if new == old else self._put(connection, number, new))
                for old, new in zip(before, after, strict=True)
            ]

    def revision(self) -> int:
        """Return what changes whenever an experiment does; take it before reading them."""
        with self._connections.transaction() as connection:
            return self._revision(connection)

    def _alone(self, connection: Connection[Any]) -> int:
        """Hold the registry until the transaction ends, by the row that all changes write."""
        number = self._made(connection)
        connection.execute(
            "select 1 from meta_experiment.projects where project_id = %s for update", [number]
        )
        return number

    def _revision(self, connection: Connection[Any]) -> int:
        (revision,) = connection.execute(
            "select revision from meta_experiment.projects where project_id = %s",
            [self._known(connection)],
        ).fetchone() or (0,)
        return int(revision)

    def _listed(self, connection: Connection[Any]) -> list[Experiment]:
        rows = connection.execute(
            "select document from meta_experiment.registry where not archived"
            " and project_id = %s order by number",
            [self._known(connection)],
        ).fetchall()
        return [_experiment(document) for (document,) in rows]

    def _one(self, connection: Connection[Any], name: str, more: str = "") -> Experiment:
        found = connection.execute(
            b"select document from meta_experiment.registry"
            b" where (project_id, experiment) = (%s, %s) " + more.encode(),
            [self._known(connection), name],
        ).fetchone()
        if found is None:
            raise NotFoundError(
                f"There is no experiment {cite(name)}.", hint="Run: meta-experiment status"
            )
        return _experiment(found[0])

    def _put(
        self, connection: Connection[Any], number: int, experiment: Experiment
    ) -> Experiment:
        connection.execute(
            "insert into meta_experiment.registry (project_id, experiment, document, archived)"
            " values (%s, %s, %s, %s) on conflict (project_id, experiment)"
            " do update set document = excluded.document, archived = excluded.archived",
            [
                number,
                experiment.experiment_id,
                encode_registry([experiment]).decode(),
                experiment.status is Status.ARCHIVED,
            ],
        )
        connection.execute(
            "update meta_experiment.projects set revision = revision + 1 where project_id = %s",
            [number],
        )
        return experiment


class PostgresStore(RegistryTables, TrialTables):
    """The ports of a store over the tables of one project."""

    def save_variants(
        self, experiment_id: str, contents: Mapping[str, Mapping[str, Content | None]]
    ) -> None:
        """Store the bytes of every arm: by path, then by variant."""
        plain = {plain_path(path): arms for path, arms in contents.items()}
        with self._connections.transaction() as connection:
            number = self._made(connection)
            save_texts(connection, number, experiment_id, plain, replace=True)

    def variant(self, experiment: Experiment, name: str) -> dict[str, Content | None]:
        """Return the exact files of one arm, by path; None where it has no such file."""
        versions = {
            path: arms[name] for path, arms in experiment.versions.items() if name in arms
        }
        with self._connections.transaction() as connection:
            number = self._known(connection)
            texts = texts_of(connection, number, experiment.experiment_id, list(versions))
        contents: dict[str, Content | None] = {}
        for path, version in versions.items():
            stored = texts.get(path, {}).get(name)
            where = f"The text of {cite(path)} in variant {cite(name)}"
            if version is None:
                contents[path] = None
            elif stored is None:
                raise NotFoundError(f"{where} is gone.", hint="Restore the database.")
            elif stored.sha256 != version.sha256:
                raise CorruptStoreError(
                    f"{where} is not what the plan names (SHA-256 {version.sha256[:12]}…).",
                    hint="Restore the database.",
                )
            else:
                contents[path] = Content(stored.data, version.mode)
        return contents

    def note(self, experiment_id: str, entry: HistoryEntry, *, own: bool = False) -> None:
        """Add an entry to the audit of an experiment, which is the same for all here."""
        del own
        line = encode_entry(entry).decode()
        with self._connections.transaction() as connection:
            connection.execute(
                "insert into meta_experiment.history (project_id, experiment, entry)"
                " values (%s, %s, %s)",
                [self._made(connection), experiment_id, line],
            )

    def history(self, experiment_id: str) -> History:
        """Return the audit of an experiment."""
        with self._connections.transaction() as connection:
            rows = connection.execute(
                "select entry from meta_experiment.history"
                " where (project_id, experiment) = (%s, %s) order by number",
                [self._known(connection), experiment_id],
            ).fetchall()
        entries, damaged = [], []
        for number, value in enumerate(decoded([line for (line,) in rows]), start=1):
            entry = entry_of(value)
            if isinstance(entry, HistoryEntry):
                entries.append(entry)
            elif entry is not None:
                damaged.append(DamagedLine("history", number, entry.reason))
        return History(tuple(entries), tuple(damaged))


def _experiment(document: str) -> Experiment:
    (experiment,) = decode_registry(document.encode())
    return experiment
