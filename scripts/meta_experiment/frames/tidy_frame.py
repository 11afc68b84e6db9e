"""A table as analysts take it: to pandas, polars or Arrow, or row by row without any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from meta_experiment.errors import DependencyError
from meta_experiment.frames.way_out import way_out
from meta_experiment.render.frame_views import frame_html, frame_text
from meta_experiment.types.tidy_table import Cell, ColumnKind, TidyTable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TidyFrame:
    """Table of an experiment whose columns have one type each; what is missing is null.

    Moments are in UTC, to the microsecond.
    """

    def __init__(self, title: str, table: TidyTable) -> None:
        """Go through the rows once and keep them as columns."""
        cells = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
        self._title = title
        self._kinds = {column.name: column.kind for column in table.columns}
        self._cells = {
            name: _exact(column, kind)
            for (name, kind), column in zip(self._kinds.items(), cells, strict=True)
        }

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._cells)

    @property
    def types(self) -> dict[str, ColumnKind]:
        """What the cells of each column are: text, number, whole, flag or moment."""
        return dict(self._kinds)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self._cells.values()), ()))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each row by the names of the columns, None where a cell is missing."""
        moments = [name for name, kind in self._kinds.items() if kind == "moment"]
        for cells in zip(*self._cells.values(), strict=True):
            row: dict[str, Any] = dict(zip(self._cells, cells, strict=True))
            for name in moments:
                if row[name] is not None:
                    row[name] = _EPOCH + timedelta(microseconds=row[name])
            yield row

    def to_pandas(self) -> Any:  # noqa: ANN401 - the library may be missing
        """Return a pandas.DataFrame; whole numbers with gaps are of its type Int64.

        Raises:
            DependencyError: pandas is not installed.
        """
        pandas = _library("pandas")
        return pandas.DataFrame(
            {name: self._pandas_column(pandas, name) for name in self._cells},
            columns=self.columns,
        )

    def _pandas_column(self, pandas: Any, name: str) -> Any:  # noqa: ANN401
        cells, kind = self._cells[name], self._kinds[name]
        whole, flag = ("Int64", "boolean") if None in cells else ("int64", "bool")
        if kind == "moment":
            series = pandas.Series(cells, dtype="Int64")
            return pandas.to_datetime(series, unit="us", utc=True)
        types = {"text": "string", "number": "float64", "whole": whole, "flag": flag}
        return pandas.Series(cells, dtype=types[kind])

    def to_polars(self) -> Any:  # noqa: ANN401
        """Return a polars.DataFrame.

        Raises:
            DependencyError: polars is not installed.
        """
        polars = _library("polars")
        moment = polars.Datetime("us", "UTC")
        types = {
            "text": polars.String,
            "number": polars.Float64,
            "whole": polars.Int64,
            "flag": polars.Boolean,
            "moment": polars.Int64,
        }
        found = [
            polars.Series(name, cells, dtype=types[self._kinds[name]])
            for name, cells in self._cells.items()
        ]
        return polars.DataFrame(
            [it.cast(moment) if self._kinds[it.name] == "moment" else it for it in found]
        )

    def to_arrow(self) -> Any:  # noqa: ANN401
        """Return a pyarrow.Table.

        Raises:
            DependencyError: pyarrow is not installed.
        """
        arrow = _library("pyarrow")
        types = {
            "text": arrow.string(),
            "number": arrow.float64(),
            "whole": arrow.int64(),
            "flag": arrow.bool_(),
            "moment": arrow.timestamp("us", tz="UTC"),
        }
        return arrow.table(
            {
                name: arrow.array(cells, type=types[self._kinds[name]])
                for name, cells in self._cells.items()
            }
        )

    def __repr__(self) -> str:
        """Name the columns, with their types and the first row."""
        return frame_text(self._title, len(self), self._kinds, self._cells)

    def _repr_html_(self) -> str:
        """Show the first rows in a notebook."""
        return frame_html(self._title, len(self), self._kinds, self._cells)


def _library(name: str) -> Any:  # noqa: ANN401
    with way_out():
        try:
            return import_module(name)
        except ImportError:
            raise DependencyError(
                f"This needs {name}, which is not installed.",
                hint=f"pip install {name}; without it: for row in table, each a dict.",
            ) from None


def _exact(cells: Sequence[Cell], kind: ColumnKind) -> Sequence[Cell]:
    """Return moments as whole microseconds, and texts without what no encoding has."""
    if kind == "moment":
        return [None if it is None else round(float(it) * 1_000_000) for it in cells]
    if kind == "text":
        return [
            it
            if not isinstance(it, str) or it.isascii()
            else it.encode("utf-8", "replace").decode()
            for it in cells
        ]
    return cells
