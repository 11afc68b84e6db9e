"""Options that write a table for other programs into a file, or onto the standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meta_experiment.cli.frame import Place
from meta_experiment.errors import (
    DependencyError,
    NotFoundError,
    StorageError,
    UsageError,
    as_word,
    cite,
)
from meta_experiment.files.installed import install_hint
from meta_experiment.render.words import counted
from meta_experiment.table import entry

if TYPE_CHECKING:
    from meta_experiment.types.tidy_table import TidyColumn, TidyTable

_STDOUT = "-"
_FORMS = {
    "csv": "meta_experiment.render.tidy_text:csv_lines",
    "jsonl": "meta_experiment.render.tidy_text:json_lines",
}
_TYPES = {
    "text": "VARCHAR",
    "number": "DOUBLE",
    "whole": "BIGINT",
    "flag": "BOOLEAN",
    "moment": "TIMESTAMPTZ",
}

csv_option = click.option(
    "--csv", metavar="FILE", help="Write the whole table as CSV; - for the standard output."
)
jsonl_option = click.option(
    "--jsonl", metavar="FILE", help="Write it as JSON lines; - for the standard output."
)
parquet_option = click.option(
    "--parquet", metavar="FILE", help="Write it as Parquet (needs the extra 'export')."
)


def write_table(
    place: Place, make: Callable[[], TidyTable], **asked: str | None
) -> list[str] | None:
    """Write a table in the forms that were asked for; None where none was.

    Returns a sentence for each file. What goes onto the standard output ends the program there,
    as nothing else may follow it.

    Raises:
        UsageError: two forms for the standard output, or a folder in the place of a file.
        NotFoundError: there is no folder for a file.
        DependencyError: Parquet without duckdb. StorageError: it cannot make this table.
        OSError: a file cannot be written; what was there stays.
    """
    wanted = {form: path for form, path in asked.items() if path is not None}
    if not wanted:
        return None
    if _STDOUT in wanted.values():
        if len(wanted) > 1 or "parquet" in wanted:
            raise UsageError("The standard output takes one table, as --csv - or --jsonl -.")
        (form,) = wanted
        for line in _lines(form, make()):
            sys.stdout.write(line)
        sys.stdout.flush()
        raise click.exceptions.Exit(0)
    said = []
    for form, path in wanted.items():
        target = place.directory / Path(path).expanduser()
        rows = _write(make(), form, target)
        were = "was" if rows == 1 else "were"
        said.append(f"{counted(rows, 'row')} {were} written to {target}.")
    return said


def _write(table: TidyTable, form: str, target: Path) -> int:
    """Write a file as a whole, or leave what was there; return the number of rows.

    What is no file, such as a device or a pipe, is written into and never replaced.
    """
    import tempfile

    if target.is_dir():
        raise UsageError(f"{target} is a folder.", hint="Name a file in it.")
    if not target.parent.is_dir():
        raise NotFoundError(
            f"There is no folder {target.parent} to write {target.name} into.",
            hint=f"mkdir -p {as_word(str(target.parent))}",
        )
    if target.exists() and not target.is_file():
        if form == "parquet":
            raise UsageError(f"Parquet takes a file, and {target} is none.")
        return _written(table, form, target)
    target = target.resolve()  # a link stays one
    with tempfile.TemporaryDirectory(prefix=".table-", dir=target.parent) as beside:
        text = Path(beside, "text")
        rows = _written(table, "jsonl" if form == "parquet" else form, text)
        if form == "parquet":
            text = _as_parquet(text, table.columns, Path(beside, "parquet"))
        text.replace(target)
    return rows


def _written(table: TidyTable, form: str, target: Path) -> int:
    rows = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        for line in _lines(form, table):
            file.write(line)
            rows += 1
    return rows - (form == "csv")


def _lines(form: str, table: TidyTable) -> Iterable[str]:
    lines: Iterable[str] = entry(_FORMS[form])(table)
    return lines


def _as_parquet(lines: Path, columns: Iterable[TidyColumn], target: Path) -> Path:
    """Turn JSON lines into a Parquet file, row group by row group."""
    try:
        duckdb = import_module("duckdb")
    except ImportError:
        raise DependencyError(
            "Parquet needs duckdb, which is not installed.",
            hint=f"{install_hint('export')}, or take --csv or --jsonl.",
        ) from None
    types = ", ".join(f"{_quoted(it.name)}: '{_TYPES[it.kind]}'" for it in columns)
    query = (
        f"COPY (SELECT * FROM read_json({_quoted(str(lines))}, "  # noqa: S608 - all quoted
        f"format = 'newline_delimited', columns = {{{types}}})) "
        f"TO {_quoted(str(target))} (FORMAT parquet)"
    )
    try:
        with duckdb.connect() as database:
            database.execute(query)
    except duckdb.Error as error:
        told = str(error).partition("\n")[0]
        raise StorageError(
            f"duckdb cannot write this table as Parquet: {cite(told)}",
            hint="--csv and --jsonl write the same rows.",
        ) from error
    return target


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
