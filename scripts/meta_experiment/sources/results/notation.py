"""Decimal sign of a table: found out once, for all its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from meta_experiment.errors import UsageError
from meta_experiment.sources.results.imported import Ledger
from meta_experiment.sources.results.values import Decimal, notations

_HINT = "Say which sign stands before the decimals: --decimal point, or --decimal comma."
_LOCAL = ";"  # parts the columns where the comma stands before decimals
_WRITTEN_BY_PROGRAMS = (",", "")  # separators beside which a comma can only part thousands


class WrittenValue(NamedTuple):
    """The text of a value, and where it stands, in words; `counts`: it has no decimals."""

    text: str
    place: str
    counts: bool = False

    def __str__(self) -> str:
        """Return both for a message."""
        return f"{self.text[:40]!r} ({self.place})"


def decimal_of(
    texts: Iterable[WrittenValue],
    name: str,
    separator: str,
    chosen: Decimal | None,
    ledger: Ledger,
) -> Decimal:
    """Return the sign before the decimals.

    `1.5` has a point and `12,5` a comma. Where all have the form of `1,250`, which is one
    thousand or one, the separator of the columns decides: beside a semicolon the comma stands
    before decimals, between commas and in JSON it parts thousands. A point of this form stands
    before decimals there, but for what has none, as tokens.

    Args:
        texts: the values of all columns that are read as numbers.
        name: what the table is called in messages.
        separator: what parts its columns; empty where nothing does.
        chosen: the user's own word.
        ledger: takes what is assumed.

    Raises:
        UsageError: some have a point and some a comma, or nothing tells; names two of them.
    """
    first = _first_of_each(texts)
    if chosen is not None:
        _refuse_other(first, name, chosen)
        return chosen
    point, comma = first.get(_ONLY_POINT), first.get(_ONLY_COMMA)
    either, dotted = first.get(_EITHER_COMMA), first.get(_EITHER_POINT)
    if separator == _LOCAL and (point or not dotted):
        comma = comma or either
    if point and comma:
        raise UsageError(
            f"{name} writes some numbers with a decimal point, as {point}, and some with a "
            f"decimal comma, as {comma}.",
            hint="Write all numbers of the table in one way.",
        )
    if comma:
        ledger.note(f"Numbers have a decimal comma, as in {comma}.")
        return Decimal.COMMA
    by_program = separator in _WRITTEN_BY_PROGRAMS
    unclear = first.get(_COUNTED) if by_program else either or dotted
    if unclear and not point:
        raise UsageError(
            f"{name}: nothing tells whether {unclear} means thousands or decimals.",
            hint=_HINT,
        )
    if either:
        ledger.note(f"Commas in numbers part thousands, as in {either}.")
    return Decimal.POINT


_ONLY_POINT, _ONLY_COMMA = "only a point", "only a comma"
_EITHER_POINT, _EITHER_COMMA = "either, with a point", "either, with a comma"
_COUNTED = "either, with a point, of what has no decimals"


def _first_of_each(texts: Iterable[WrittenValue]) -> dict[str, WrittenValue]:
    """Return the first number of each kind, by what its form allows."""
    first: dict[str, WrittenValue] = {}
    for written in texts:
        allowed = notations(written.text)
        if len(allowed) == 1:
            first.setdefault(_ONLY_POINT if Decimal.POINT in allowed else _ONLY_COMMA, written)
        elif allowed:
            first.setdefault(_EITHER_COMMA if "," in written.text else _EITHER_POINT, written)
            if written.counts and "." in written.text:
                first.setdefault(_COUNTED, written)
    return first


def _refuse_other(first: dict[str, WrittenValue], name: str, chosen: Decimal) -> None:
    other = first.get(_ONLY_COMMA if chosen is Decimal.POINT else _ONLY_POINT)
    if other is not None:
        raise UsageError(
            f"{name}: {other} is no number with a decimal {chosen.name.lower()}.",
            hint="Write all numbers of the table in one way.",
        )
