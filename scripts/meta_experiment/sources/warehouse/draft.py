"""Draft of a mapping file, of the tables that were found: guesses, and a word on each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from meta_experiment.sources.warehouse.guesses import (
    GuessedMetric,
    LikelyColumn,
    exposure_table,
    guess_experiment,
    guess_meanings,
    guess_metrics,
    guess_time,
    guess_unit,
    guess_unit_beside,
    guess_variant,
    several_experiments,
    time_form,
)
from meta_experiment.types import Plan
from meta_experiment.types.found_table import ColumnKind, FoundColumn, FoundTable
from meta_experiment.types.mapping import TimeForm, UnitAggregate

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n", "nan", "inf"}
_MOST = 40  # columns that are listed of a table


def draft_mapping(
    tables: Sequence[FoundTable], plan: Plan | None = None, experiment_id: str | None = None
) -> str:
    """Return the text of a mapping file; what could not be guessed is left empty."""
    return "".join(f"{line}\n" for line in _lines(tables, plan, experiment_id))


def _lines(
    tables: Sequence[FoundTable], plan: Plan | None, experiment_id: str | None
) -> Iterator[str]:
    name = experiment_id or "ID"
    yield "# A draft: guesses by name, kind and values of the columns. Look at every line, then"
    yield f"#   meta-experiment collect {name} --mapping THIS_FILE"
    yield "tables:"
    for table in tables:
        yield f"  {_text(table.name)}: {_place(table)}"
        yield from _listed(table)
    exposure = exposure_table(tables, plan)
    if exposure is None:
        yield "  # No table was found."
        return
    unit, at = guess_unit(exposure, plan), guess_time(exposure)
    yield "exposure:"
    yield f"  table: {_text(exposure.name)}"
    yield _guessed("  unit", exposure, unit, "what was randomised")
    variant = guess_variant(exposure, plan)
    yield _guessed("  variant", exposure, variant, "which variant it was served")
    yield from _variants(exposure, variant, plan)
    if at is None:
        yield "  # No column looks like a time: there is one look, and no window."
    else:
        yield _at("  at", exposure, at)
    told = guess_experiment(exposure, experiment_id)
    if told is not None:
        yield "  where:"
        yield f"    - {{column: {_named(_column(exposure, told))}, equals: {_text(name)}}}"
    elif (several := several_experiments(exposure)) is not None:
        yield f"  # Of which experiment, by {_shown(several.name)}?"
        yield f"  # where: [{{column: {_named(several)}, equals: …}}]"
    if at is not None:
        yield "window: {days: 1}  # an event counts for so long after the exposure"
    yield "metrics:"
    metrics = list(guess_metrics(tables, exposure, unit.column if unit else None, plan))
    if not metrics:
        yield "  # No column looks like a measurement."
    by_name = {table.name: table for table in tables}
    own = unit.column if unit else None
    for metric in metrics:
        found, timed = by_name.get(metric.table), at is not None
        beside = guess_unit_beside(found, own, plan) if found is not None else None
        yield from _metric(
            metric,
            found,
            unit=beside if beside != own else None,
            timed=timed and metric.table != exposure.name,
        )
    yield from _not_found(exposure, unit, variant, metrics, plan)


def _not_found(
    exposure: FoundTable,
    unit: LikelyColumn | None,
    variant: LikelyColumn | None,
    metrics: Sequence[GuessedMetric],
    plan: Plan | None,
) -> Iterator[str]:
    """Say what keeps this from being a mapping, and where it may lie."""
    places = {"exposure.unit": unit, "exposure.variant": variant}
    lacking = [name for name, guess in places.items() if guess is None]
    values = _column(exposure, variant.column).values if variant else ()
    meant = guess_meanings(values, plan).values()
    unmet = [it.name for it in plan.variants if it.name not in meant] if plan else []
    if unmet or not meant:
        lacking.append(f"exposure.variants ({', '.join(map(_shown, unmet)) or 'none'})")
    lacking += [f"metrics.{_shown(it.name)}" for it in metrics if not it.table]
    if not metrics:
        lacking.append("metrics")
    if not lacking:
        return
    yield f"# Not found, to be filled in before this is a mapping: {'; '.join(lacking)}."
    for column in exposure.columns:
        if column.kind is ColumnKind.LIST:
            yield f"#   {_shown(column.name)} is a list: read a view with its items as columns."
        if column.kind is ColumnKind.OTHER:
            yield f"#   {_shown(column.name)} may hold it: {{column: …, path: [KEY]}}."


def _place(table: FoundTable) -> str:
    said = (("path", table.place.path), ("table", table.place.table))
    inner = ", ".join(f"{key}: {_text(value)}" for key, value in said if value is not None)
    return f"{{{inner}}}"


def _listed(table: FoundTable) -> Iterator[str]:
    for column in table.columns[:_MOST]:
        few = f": {', '.join(map(_shown, column.values))}" if column.values else ""
        yield f"    # {_shown(column.name)} ({column.kind.value}{few})"
    if len(table.columns) > _MOST:
        yield f"    # and {len(table.columns) - _MOST} more columns"


def _guessed(key: str, table: FoundTable, guess: LikelyColumn | None, what: str) -> str:
    if guess is None:
        return f"{key}:  # {what}: no column looks like it, name it here"
    others = f"; or: {', '.join(map(_shown, guess.others))}" if guess.others else ""
    return f"{key}: {_named(_column(table, guess.column))}  # {what}{others}"


def _variants(
    table: FoundTable, guess: LikelyColumn | None, plan: Plan | None
) -> Iterator[str]:
    wanted = [it.name for it in plan.variants] if plan else []
    meant = guess_meanings(_column(table, guess.column).values if guess else (), plan)
    said = f"the plan's are {', '.join(map(_shown, wanted))}" if wanted else "those of the plan"
    yield f"  variants:  # what stands in the column: the variant of the plan; {said}"
    for value, name in meant.items():
        written = json.dumps(value, ensure_ascii=False)
        told = "" if value == name else "  # a guess: is it?"
        yield (
            f"    {written}: {_text(name)}{told}"
            if name
            else f"    # {written}: none of the plan"
        )
    for name in wanted:
        if name not in meant.values():
            yield f"    # …: {_text(name)}"


def _at(key: str, table: FoundTable, guess: LikelyColumn) -> str:
    column = _column(table, guess.column)
    form = time_form(column)
    written = _named(column)
    if form is not TimeForm.TIMESTAMP:
        inner = written.strip("{}") if column.path else f"column: {written}"
        written = f"{{{inner}, form: {form.value}}}"
    others = f"  # or: {', '.join(map(_shown, guess.others))}" if guess.others else ""
    return f"{key}: {written}{others}"


def _metric(
    metric: GuessedMetric, table: FoundTable | None, *, unit: str | None, timed: bool
) -> Iterator[str]:
    if table is None:
        yield f"  # {metric.name}: no column looks like it"
        return
    yield f"  {_text(metric.name)}:"
    yield f"    table: {_text(table.name)}"
    if unit is not None:
        own = _named(_column(table, unit))
        yield f"    unit: {own}  # is it the same that exposure.unit is?"
    if metric.value is not None:
        yield f"    value: {_named(_column(table, metric.value))}"
    if metric.told_by is not None:
        told_by = _named(_column(table, metric.told_by))
        yield f"    where: [{{column: {told_by}, equals: {_text(metric.name)}}}]"
    told = "  # or sum, count, any, min, max, first, last" if metric.aggregate else ""
    yield f"    aggregate: {metric.aggregate.value}{told}"
    if timed:
        guess = guess_time(table)
        yield _at("    at", table, guess) if guess else "    at:  # when it happened: name it"
    if metric.aggregate is UnitAggregate.ANY and metric.value is not None:
        yield "    # an event counts where the column is true or above 0"


def _column(table: FoundTable, name: str) -> FoundColumn:
    return next(it for it in table.columns if it.name == name)


def _named(column: FoundColumn) -> str:
    """Return a column as a mapping names it: by its name, or with the path within it."""
    if not column.path:
        return _text(column.name)
    path = ", ".join(map(_text, column.path))
    return f"{{column: {_text(column.root)}, path: [{path}]}}"


def _text(value: str) -> str:
    """Return a text as YAML has it: as it is where it is one plain word, else in quotes."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def _shown(value: str) -> str:
    """Return somebody's text for a comment: one line of printable signs."""
    kept = "".join(sign if sign.isprintable() else "�" for sign in value)
    return kept if len(kept) <= 40 else f"{kept[:39]}…"
