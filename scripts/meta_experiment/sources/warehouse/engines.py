"""Engines that compute where the data lie: opened by their address, spoken to through Ibis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from meta_experiment.errors import (
    MetaExperimentError,
    NetworkError,
    NotFoundError,
    RemoteError,
    UsageError,
    cite,
)
from meta_experiment.model.fields import suggestion
from meta_experiment.sources.warehouse.client_events import OTLP, client_events, otlp_lines
from meta_experiment.sources.warehouse.columns import Table
from meta_experiment.sources.warehouse.engine_words import (
    REWORDED,
    SETTINGS,
    reworded,
    without_words,
)
from meta_experiment.sources.warehouse.missing_driver import BY_IBIS, missing_driver
from meta_experiment.sources.warehouse.spark import spark_backend, times_as_text, zoned
from meta_experiment.sources.warehouse.sqlite_file import (
    SCHEME,
    sqlite_path,
    sqlite_table,
    sqlite_tables,
)
from meta_experiment.sources.warehouse.whole_files import head, require_whole
from meta_experiment.types.mapping import EventTable, TableForm, WarehouseMapping

EMBEDDED = "duckdb://"
_LONGEST_ERROR = 400
_NOT_CONVERTED = "Leave out what is no value: where: [{column: NAME, not_in: [N/A]}]"
READERS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}
_TEXTS = {"auto_type_candidates": ["BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR"]}
_NO_TIME = {"timestampformat": "%Y~%m~%d~%H~%M~%S"}  # a form that no time has
_TIMES_AS_TEXT: dict[str, dict[str, Any]] = {
    ".csv": _TEXTS,
    ".tsv": _TEXTS,
    ".json": _NO_TIME,
    ".jsonl": _NO_TIME,
    ".ndjson": _NO_TIME,
}
COMPRESSED = (".gz", ".zst", ".bz2")
SQLITE = (".sqlite", ".sqlite3", ".db")


class Engine:
    """Engine that is connected: its tables, and the rows that it answers with."""

    def __init__(
        self,
        backend: Any,  # noqa: ANN401
        name: str,
        secrets: tuple[str, ...],
        file: Path | None = None,
    ) -> None:
        """Take what Ibis connected; `name` has no secret in it, `file` the tables of SQLite."""
        self.backend, self.name, self._secrets, self._file = backend, name, secrets, file

    def tables(self, mapping: WarehouseMapping) -> dict[str, Table]:
        """Return the tables of a mapping, by their names there.

        Raises:
            NotFoundError: there is none of that name, or no file.
        """
        used = {mapping.exposure.table}
        used |= {
            item.table for item in (*mapping.metrics.values(), *mapping.covariates.values())
        }
        return {
            name: self.table(
                item, name, mapping.folder, local_times=name in mapping.local_tables
            )
            for name, item in mapping.tables.items()
            if name in used
        }

    def rows(self, query: Table) -> list[dict[str, Any]]:
        """Return what a query answers.

        Raises:
            RemoteError: it fails. UsageError: the engine has no words for it.
        """
        from ibis.common.exceptions import (
            OperationNotDefinedError,
            UnsupportedOperationError,
        )

        with self.errors("computing the sums"):
            try:
                if self.backend.name in REWORDED:
                    words = str(self.backend.compile(query))
                    query = self.backend.sql(reworded(words, self.backend.name))
                found: list[dict[str, Any]] = query.to_pyarrow().to_pylist()
            except (OperationNotDefinedError, UnsupportedOperationError) as error:
                raise without_words(error, self.backend.name) from None
            return found

    @contextmanager
    def errors(self, doing: str) -> Iterator[None]:
        """Say of an engine's error what was being done, without a secret."""
        try:
            yield
        except MetaExperimentError:
            raise
        except Exception as error:  # noqa: BLE001 - every engine has a tree of its own
            said = shortened(error, self._secrets)
            hint = _NOT_CONVERTED if "conver" in said.lower() else None
            raise RemoteError(f"{self.name} failed while {doing}: {said}", hint=hint) from None

    def table(
        self, wanted: EventTable, name: str, folder: str, *, local_times: bool = False
    ) -> Table:
        """Return a table that the mapping calls so, in the form that it says.

        With `local_times` no engine may settle what a time in it means that says no zone.

        Raises:
            NotFoundError: there is none of that name, or no file. RemoteError: it is no whole
                file, or cannot be read.
        """
        found = self._table(wanted, name, folder, local_times=local_times)
        if local_times and self.backend.name == "pyspark":
            found = zoned(self.backend, found)
        if wanted.form is not TableForm.CLAUDE_CODE:
            return found
        if wanted.path is not None and OTLP in found.columns:
            found = otlp_lines(self.backend, str(Path(folder, wanted.path)))
        return client_events(found)

    def listed(self, database: str | None = None) -> list[str]:
        """Return the names of the tables there are; none where that cannot be told."""
        if self._file is not None:
            return sqlite_tables(self._file)
        try:
            return sorted(self.backend.list_tables(database=database))
        except Exception:  # noqa: BLE001 - of a database that is not there either
            return []

    def _table(self, wanted: EventTable, name: str, folder: str, *, local_times: bool) -> Table:
        if wanted.path is not None:
            return self._files(wanted, wanted.path, name, folder, local_times=local_times)
        typed = wanted.table or name
        if self._file is not None:
            return sqlite_table(self.backend, self._file, typed, name)
        *place, table = typed.split(".")
        database = ".".join(place) or None
        with self.errors(f"looking for tables.{name}"):
            try:
                return self.backend.table(table, database=database)
            except Exception as error:
                if not _is_missing(error):
                    raise
        known = self.listed(database)
        raise NotFoundError(
            f"tables.{name}: {self.name} has no table {cite(typed)}; it has "
            f"{', '.join(known[:20]) or 'none'}.",
            hint=suggestion(table, known),
        )

    def _files(
        self, wanted: EventTable, path: str, name: str, folder: str, *, local_times: bool
    ) -> Table:
        found = Path(folder, path)
        is_one = found.is_file()
        pattern = escape(str(found)) if is_one else str(found)
        paths = [found] if is_one else sorted(Path(folder).glob(path))
        if found.is_dir():
            raise UsageError(
                f"tables.{name}: {cite(str(found))} is a folder, expected files.",
                hint=f"For example: path: {path.rstrip('/')}/**/*.parquet",
            )
        if not paths:
            raise NotFoundError(
                f"tables.{name}: there is no file {cite(str(found))}.",
                hint="Paths are relative to the folder of the mapping.",
            )
        suffixes = [item.lower() for item in found.suffixes if item.lower() not in COMPRESSED]
        suffix = suffixes[-1] if suffixes else ""
        if suffix in SQLITE:
            return self._sqlite(found, wanted, name)
        reader = getattr(self.backend, READERS.get(suffix, ""), None)
        if reader is None:
            raise UsageError(
                f"tables.{name}: {self.name} cannot read {cite(found.name)}.",
                hint="Parquet, CSV, JSON lines and SQLite are read by the embedded engine.",
            )
        require_whole(paths)
        embedded = self.backend.name == "duckdb"
        settings = _TIMES_AS_TEXT.get(suffix, {}) if local_times and embedded else {}
        with self.errors(f"reading {found.name}"):
            read = reader(pattern, **settings)
            if suffix == ".csv" and embedded and b";" in head(paths[0]):
                # as spreadsheets have it there
                other = reader(pattern, decimal_separator=",", **settings)
                return max(read, other, key=_numeric)
            if local_times and suffix in (".csv", ".tsv") and not embedded:
                return reader(pattern, schema=times_as_text(self.backend, read))
            return read

    def _sqlite(self, path: Path, wanted: EventTable, name: str) -> Table:
        if self.backend.name != "duckdb":
            raise UsageError(
                f"tables.{name}: SQLite files are read by the embedded engine.",
                hint="Leave --engine out.",
            )
        known = sqlite_tables(path)
        typed = wanted.table or (known[0] if len(known) == 1 else None)
        if typed is None:
            raise UsageError(
                f"tables.{name}: {path.name} holds {', '.join(known) or 'no table'}, "
                "expected table: NAME.",
                hint=f"For example: {{path: {path.name}, table: {known[0]}}}"
                if known
                else None,
            )
        with self.errors(f"reading {path.name}"):
            return sqlite_table(self.backend, path, typed, name)


@contextmanager
def opened(url: str | None) -> Iterator[Engine]:
    """Connect to an engine, the embedded one without an address, and leave it at the end.

    Raises:
        DependencyError: it is not installed. UsageError: the address is none.
        NetworkError: it does not answer, or refuses who asks.
    """
    address = url or EMBEDDED
    try:
        urlsplit(address)
    except ValueError:  # whose words may hold the password
        raise UsageError(
            "--engine: the address cannot be taken apart.",
            hint="In a user or a password write [ ] / @ as %5B %5D %2F %40.",
        ) from None
    name, secrets = safe_name(address), _secrets(address)
    file = sqlite_path(address) if address.startswith(SCHEME) else None
    try:
        backend = _connected(EMBEDDED if file else address)
    except ImportError as error:
        raise missing_driver(urlsplit(address).scheme, name, error) from None
    except MetaExperimentError:
        raise
    except Exception as error:  # noqa: BLE001 - every engine has a tree of its own
        said = shortened(error, secrets)
        raise NetworkError(
            f"{name} cannot be reached: {said}",
            hint="Look at --engine: its host, database, user and password; is it running?",
        ) from None
    try:
        yield Engine(backend, name, secrets, file)
    finally:
        backend.disconnect()


def _connected(address: str) -> Any:  # noqa: ANN401 - a backend of Ibis
    import ibis

    parts = urlsplit(address)
    if parts.scheme == "duckdb":
        place = address.removeprefix(EMBEDDED)
        if place and not Path(place).exists():
            raise NotFoundError(f"There is no database {cite(place)}.")
        backend = ibis.duckdb.connect(place or ":memory:", read_only=bool(place))
        backend.raw_sql("SET TimeZone = 'UTC'")
        return backend
    if parts.scheme in ("postgresql", "postgres"):
        backend = ibis.connect(address.replace("postgresql://", "postgres://", 1))
        backend.raw_sql("SET TIME ZONE 'UTC'").close()
        return backend
    if parts.scheme == "spark":
        return spark_backend(parts.netloc)
    if parts.scheme in BY_IBIS:
        backend = ibis.connect(address)
        if parts.scheme in SETTINGS:
            backend.raw_sql(SETTINGS[parts.scheme])
        return backend
    raise UsageError(
        f"--engine {cite(safe_name(address))}: there is no such engine.",
        hint="One of duckdb://, sqlite:///, postgresql://, spark://, "
        f"{', '.join(f'{item}://' for item in BY_IBIS)}.",
    )


def safe_name(address: str) -> str:
    """Return an address without user, password or settings."""
    parts = urlsplit(address)
    if address == EMBEDDED:
        return "the embedded engine"
    if not parts.scheme:
        return "the engine"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _secrets(address: str) -> tuple[str, ...]:
    """Return what of an address no message may hold."""
    from urllib.parse import parse_qsl, unquote

    parts = urlsplit(address)
    user = parts.netloc.rpartition("@")[0]
    found = [user, user.partition(":")[2], unquote(user.partition(":")[2]), parts.query]
    found += [value for _, value in parse_qsl(parts.query)]
    return tuple(sorted({item for item in found if len(item) > 2}, key=len, reverse=True))


def shortened(error: Exception, secrets: tuple[str, ...]) -> str:
    """Return what an engine says of an error: its first lines, without a secret."""
    said = " ".join(str(error).split()) or type(error).__name__
    for secret in secrets:
        said = said.replace(secret, "***")
    said = re.sub(r"(?i)(password|token|secret)=\S+", r"\1=***", said)
    return said if len(said) <= _LONGEST_ERROR else f"{said[:_LONGEST_ERROR]}…"


def _numeric(table: Table) -> int:
    return sum(kind.is_numeric() for kind in table.schema().values())


def _is_missing(error: Exception) -> bool:
    words = f"{type(error).__name__} {error}".lower()
    return any(word in words for word in ("tablenotfound", "not found", "does not exist"))
