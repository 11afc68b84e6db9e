"""Mappings that nobody wrote yet: drafts of what was found, and those that are ready."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import NotFoundError, UsageError, cite
from meta_experiment.model.mapping_document import mapping_from_document
from meta_experiment.services.find import find_in
from meta_experiment.services.planning.written_document import read_document
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.warehouse.draft import draft_mapping
from meta_experiment.sources.warehouse.engines import (
    COMPRESSED,
    READERS,
    SQLITE,
    Engine,
    opened,
)
from meta_experiment.sources.warehouse.finding import found_table
from meta_experiment.sources.warehouse.ready_mappings import ready_document, ready_names
from meta_experiment.sources.warehouse.sqlite_file import sqlite_tables
from meta_experiment.types.found_table import FoundTable
from meta_experiment.types.mapping import EventTable, WarehouseMapping
from meta_experiment.types.results.collection import MappingDraft

_MOST = 20  # tables


def find_mapping(
    workspace: Workspace,
    selector: str,
    path: Path,
    places: Mapping[str, str],
    served_as: str | None,
) -> WarehouseMapping:
    """Read a mapping file, or make a ready one for an experiment; tables lie where told.

    `served_as` is what a ready mapping's exposures call the experiment, its own ID by default.

    Raises:
        NotFoundError, UsageError: there is none, or it is no mapping.
    """
    folder = str(path.parent)
    if path.exists() or path.name not in ready_names():
        if served_as is not None:
            raise UsageError(
                f"--served-as is of mappings that are ready: {', '.join(ready_names())}.",
                hint="Name the experiment in exposure.where.",
            )
        try:
            found = mapping_from_document(read_document(path, "mapping"), folder)
        except NotFoundError as error:
            ready = ", ".join(ready_names())
            raise NotFoundError(error.message, hint=f"Ready are: {ready}.") from None
    else:
        experiment = find_in(workspace.store, selector)
        name = served_as or experiment.experiment_id
        found = mapping_from_document(ready_document(path.name, experiment.plan, name), folder)
    for name in places:
        if name not in found.tables:
            raise UsageError(
                f"--table {cite(name)}: the mapping has the tables {', '.join(found.tables)}."
            )
    moved = {name: _moved(found.tables[name], place) for name, place in places.items()}
    return replace(found, tables={**found.tables, **moved})


def draft(
    workspace: Workspace,
    selector: str | None,
    places: Mapping[str, str],
    engine: str | None,
    folder: Path,
) -> MappingDraft:
    """Look at tables, those of the engine or the files of a folder, and guess a mapping.

    Raises:
        NotFoundError: there is no table. DependencyError, NetworkError, RemoteError: as
        `collect_sums`.
    """
    experiment = None if selector is None else find_in(workspace.store, selector)
    with opened(engine) as opened_engine:
        found = tuple(_found(opened_engine, places, engine, folder))
    if not found:
        where = str(folder) if engine is None else opened_engine.name
        raise NotFoundError(
            f"There is no table in {where}.",
            hint="Name what to look at: --table orders.parquet, or --engine URL.",
        )
    text = draft_mapping(
        found,
        experiment.plan if experiment else None,
        experiment.experiment_id if experiment else None,
    )
    return MappingDraft(text, tuple(table.name for table in found))


def _found(
    engine: Engine, places: Mapping[str, str], address: str | None, folder: Path
) -> Iterator[FoundTable]:
    named = {name: _moved(EventTable(), place) for name, place in places.items()}
    if not named and address is None:
        named = {_stem(path): EventTable(path=path.name) for path in _files(folder)}
    elif not named:
        named = {name: EventTable(table=name) for name in engine.listed()}
    named = dict(_within_files(named, folder))
    for name, place in list(named.items())[:_MOST]:
        table = engine.table(place, name, str(folder))
        with engine.errors(f"looking at {name}"):
            yield found_table(name, place, table)


def _within_files(
    named: Mapping[str, EventTable], folder: Path
) -> Iterator[tuple[str, EventTable]]:
    """Yield each table, of a file that holds several all of them by their own names."""
    for name, place in named.items():
        path = Path(folder, place.path) if place.path else None
        if path is None or place.table or path.suffix.lower() not in SQLITE:
            yield name, place
        elif path.is_file():
            for table in sqlite_tables(path):
                yield table, replace(place, table=table)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and _is_table(path))


def _is_table(path: Path) -> bool:
    kinds = [item.lower() for item in path.suffixes if item.lower() not in COMPRESSED]
    return bool(kinds) and kinds[-1] in (*READERS, *SQLITE)


def _stem(path: Path) -> str:
    """Return the name of a file without what says how it is to be read."""
    name = path
    while name.suffix.lower() in (*READERS, *SQLITE, *COMPRESSED):
        name = name.with_suffix("")
    return name.name


def _moved(known: EventTable, place: str) -> EventTable:
    """Return a table elsewhere: a path where it looks like one, else a name in the engine.

    Of a file that holds several it is the one that it was.
    """
    is_path = "/" in place or "*" in place or _is_table(Path(place)) or Path(place).exists()
    if is_path:
        several = Path(place).suffix.lower() in SQLITE
        return replace(known, path=place, table=known.table if several else None)
    return replace(known, table=place, path=None)


def table_places(written: tuple[str, ...]) -> dict[str, str]:
    """Read what was written of tables: NAME=PLACE, or a place that is its own name.

    Raises:
        UsageError: two have one name.
    """
    found: dict[str, str] = {}
    for item in written:
        name, sign, place = item.partition("=")
        name, place = (name, place) if sign else (_stem(Path(item)), item)
        if not name or not place or name in found:
            raise UsageError(
                f"--table {cite(item)}: expected NAME=PLACE, each name once.",
                hint="For example: --table events=telemetry/*.jsonl",
            )
        found[name] = place
    return found
