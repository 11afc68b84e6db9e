"""Page of `import`: what was read, what was left out, what it can show."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Section,
    Table,
    Text,
    remarks,
)
from meta_experiment.types.results.import_result import ArmRead, ImportResult
from meta_experiment.types.results.source_result import MetricRows, Recomputation, VariantRow
from meta_experiment.types.results.sums import ArmSums, SumsComparison


def imported(done: ImportResult) -> Page:
    """Show what an import read and did."""
    assumed = done.notes[: -len(done.reach) or None]  # the rest is what the data can show
    next_verb = Facts((("Next", f"meta-experiment analyze {_id(done)}"),), width=5)
    return (
        (Paragraph((_headline(done),)), Facts(tuple(_facts(done)))),
        *remarks(_excluded(done), "Left out"),
        *remarks(map(words.one_line, assumed), "Assumed and noted"),
        *remarks(map(words.one_line, done.reach), "What these data can show"),
        *(() if done.dry_run else ((next_verb,),)),
    )


def summed(result: SumsComparison) -> Page:
    """Show the comparison of two arms that are known by their sums alone."""
    arms = (result.control, result.treatment)
    title = f"{words.name(result.treatment.name)} against {words.name(result.control.name)}"
    return (
        (
            Heading(title, "from sums alone; no experiment was created"),
            Facts(
                tuple((words.name(item.name), _sums(item, result.unit)) for item in arms),
                width=16,
            ),
            Facts((("Difference", _difference(result)),)),
            Paragraph(tuple(_tests(result)), indent=2),
        ),
        *remarks(result.limits, "What sums can and cannot show"),
    )


def recomputed(found: Recomputation) -> Page:
    """Show what sums come to, and what a document states that they do not."""
    result = found.result
    metrics = (result.primary_metric, *result.guardrails)
    title = Heading(
        f"{words.name(result.experiment)}", f"from {words.name(found.source)}; nothing recorded"
    )
    word = (Emphasis(result.decision.value, "strong"), f" ({result.reason_code.value})")
    return (
        (title, Paragraph((word,)), Paragraph((words.one_line(result.reason),), indent=2)),
        *(section for metric in metrics for section in _metric(metric)),
        *remarks(
            (
                f"{words.printable(item.place)}: stated {words.printable(item.stated)}, "
                f"recomputed {words.printable(item.recomputed)}"
                for item in found.differences
            ),
            "Stated otherwise, and not what the counts give",
        ),
    )


def _metric(metric: MetricRows) -> Iterator[Section]:
    detail = f"{'lower' if metric.inverse else 'higher'} is better"
    if metric.state is not None:
        detail += f"; guardrail: {metric.state.value}"
    yield (Heading(words.printable(metric.event), f"({detail})", level=2),)
    columns = (
        Column("variant", 16),
        Column("units", 12, "right"),
        Column("rate" if metric.metric_type == "proportion" else "mean", 12, "right"),
        Column("lift", 10, "right"),
        Column("95% interval", 20, "right"),
        Column("P(better)", 10, "right"),
        Column("risk control", 13, "right"),
        Column("treatment", 10, "right"),
    )
    yield (Table(columns, tuple(map(_compared, metric.rows))),)


def _compared(row: VariantRow) -> tuple[str, ...]:
    value = row.mean if row.rate is None else row.rate
    own = (words.printable(row.variant), f"{row.n:,}", words.quantity(value))
    if row.is_control:
        return own
    interval = "–"
    if row.ci_lower is not None and row.ci_upper is not None:
        ends = (words.signed_per_cent(end) for end in (row.ci_lower, row.ci_upper))
        interval = f"[{', '.join(ends)}]"
    return (
        *own,
        words.signed_per_cent(row.rel_delta),
        interval,
        words.per_cent(row.p_win, 1),
        words.per_cent(row.risk_ctrl, 2),
        words.per_cent(row.risk_trt, 2),
    )


def _headline(done: ImportResult) -> Text:
    trials = words.counted(done.added, "trial")
    if done.dry_run:
        return (Emphasis(f"Would import {trials}", "strong"), "; nothing was written")
    name = Emphasis(_id(done), "strong")
    if not done.added:
        return (name, "  holds all of this already; nothing was added")
    known = done.already_recorded
    return (
        name,
        f"  imported {trials}" + (f", {known:,} were there before" if known else ""),
    )


def _id(done: ImportResult) -> str:
    return words.name(done.experiment.experiment_id)


def _facts(done: ImportResult) -> Iterator[tuple[str, str]]:
    primary = done.experiment.plan.primary
    yield "Read", f"{words.listed(done.sources)} ({words.name(done.kind)})"
    yield "Decides on", f"{words.name(primary.name)} ({primary.direction.value} is better)"
    yield "Metrics", words.listed(done.metrics)
    for arm in done.arms.values():
        yield "Arm", _arm(arm, done)
    if done.paired_cases:
        yield "Paired", f"{words.counted(done.paired_cases, 'case')} in every arm"


def _arm(arm: ArmRead, done: ImportResult) -> str:
    role = "control" if arm.variant == done.control else "treatment"
    unit = "case" if done.paired_cases else "unit"
    repeats = ""
    if arm.cases and arm.runs > arm.cases:
        repeats = f", {arm.runs / arm.cases:.3g} runs a case"
    return (
        f"{words.name(arm.variant)} ({role}): {words.counted(arm.cases, unit)}{repeats}, "
        f"{arm.measured:,} of {words.counted(arm.runs, 'run')} measured"
    )


def _excluded(done: ImportResult) -> list[str]:
    return [f"{count:,} × {words.name(reason)}" for reason, count in done.excluded.items()]


def _sums(arm: ArmSums, unit: str) -> str:
    spread = "" if arm.sd is None else f", sd {words.quantity(arm.sd, unit)}"
    bounds = ""
    if arm.low is not None:
        bounds = f" [{words.per_cent(arm.low, 1)}, {words.per_cent(arm.high, 1)}]"
        value = words.per_cent(arm.mean, 1)
    else:
        value = words.quantity(arm.mean, unit)
    return f"n {arm.n:,}  {value}{spread}{bounds}"


def _difference(result: SumsComparison) -> str:
    verdict = {True: "better", False: "worse", None: "higher is neither better nor worse here"}
    relative = "" if result.relative is None else f", {words.signed_per_cent(result.relative)}"
    difference = words.quantity(result.difference, result.unit)
    return f"{difference}{relative} ({verdict[result.better]})"


def _tests(result: SumsComparison) -> Iterator[str]:
    low, high = (words.quantity(bound, result.unit) for bound in (result.low, result.high))
    yield (
        f"{result.level:.0%} interval of the difference [{low}, {high}], "
        f"{result.test} p {words.p_value(result.p_value)} (one look only)"
    )
    if result.size is not None:
        yield f"Effect size g {result.size:.3g}"
