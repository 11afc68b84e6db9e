"""Single runs: those of one case, each with its verdicts and the beginning of its answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Emphasis,
    Heading,
    Paragraph,
    Section,
    Table,
    Text,
    Tone,
)
from meta_experiment.types.results.run_summary import CriterionEvaluation, RunView

LONGEST_ARM = 20  # characters of a variant's name
_VERDICTS = {True: "passed", False: "failed", None: "no verdict"}


def money(usd: float | None) -> str:
    """Write a price; a dash where it is not known."""
    return "–" if usd is None else f"${usd:.4f}"


def runs_of_case(runs: Sequence[RunView], unit: str) -> Iterator[Section]:
    """Show the runs of a case as a table, then each with its verdicts and its answer."""
    yield (Heading("Runs", level=2), _table(runs, unit))
    for item in runs:
        if item.evaluations or item.output:
            yield _run(item)


def _table(runs: Sequence[RunView], unit: str) -> Table:
    columns = (
        Column("repeat", 6, "right"),
        Column("variant", LONGEST_ARM, gap=2),
        Column("is", 10),
        Column("ended", 12),
        Column("score", 5, "right"),
        Column("value", 12, "right", gap=2),
        Column("cost", 8, "right", gap=2),
        Column("time", 7, "right", gap=2),
        Column("why", gap=2),
    )
    return Table(columns, tuple(_run_row(item, unit) for item in runs))


def _run_row(item: RunView, unit: str) -> tuple[str, ...]:
    metrics = item.metrics
    milliseconds = metrics.duration_ms if metrics else None
    return (
        f"{item.repeat:,}",
        words.name(item.variant, LONGEST_ARM),
        item.state.value.replace("_", " "),
        item.status.value if item.status else "–",
        "–" if item.score is None else f"{item.score:.2f}",
        words.quantity(item.value, unit),
        money(metrics.total_cost if metrics else None),
        words.elapsed(None if milliseconds is None else milliseconds / 1000),
        words.one_line(item.error or "", 80),
    )


def _run(item: RunView) -> Section:
    head = Heading(f"Repeat {item.repeat:,}, {words.name(item.variant)}", level=2)
    verdicts = Paragraph(tuple(map(_evaluation, item.evaluations)), indent=2)
    preview = words.quoted(item.output) if item.output else "no output"
    return (head, verdicts, Paragraph((Emphasis(preview, "dim"),), indent=2))


def _evaluation(item: CriterionEvaluation) -> Text:
    tones: dict[bool | None, Tone] = {True: "good", False: "bad", None: "warn"}
    detail = f": {words.one_line(item.details, 200)}" if item.details else ""
    person = "" if item.person is None else f" (a person says {_VERDICTS[item.person]})"
    return (
        Emphasis(_VERDICTS[item.passed], tones[item.passed]),
        f"  {words.name(item.criterion)}{person}{detail}",
    )
