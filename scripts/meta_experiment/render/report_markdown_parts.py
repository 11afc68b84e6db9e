"""What is folded of a report in Markdown: why, the picture, and what the figures rest on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.render.blocks import (
    Block,
    Column,
    Commands,
    Difference,
    Emphasis,
    Facts,
    FoldedPart,
    Notes,
    Paragraph,
    Table,
    Tone,
)
from meta_experiment.render.findings import (
    cases_finding,
    change_finding,
    course_finding,
    data_finding,
    evidence_finding,
    impact_finding,
    metrics_finding,
)
from meta_experiment.render.gate_words import gate_seen, gate_title
from meta_experiment.render.report_figures import evidence_course, leading_series
from meta_experiment.render.report_forest import forest, ordered
from meta_experiment.render.report_words import (
    amounts,
    between,
    day,
    evidence,
    moment,
    name,
    per_cent,
    planned,
    quantity,
    value,
)
from meta_experiment.render.standing_words import why_heading
from meta_experiment.render.words import capital, counted
from meta_experiment.types import Interval
from meta_experiment.types.results.report import GateState, ReportDocument

SIGNS: dict[GateState, tuple[str, Tone]] = {
    GateState.PASSED: ("✓", "good"),
    GateState.FAILED: ("✗", "bad"),
    GateState.OPEN: ("?", "warn"),
    GateState.NOT_ASKED: ("–", "dim"),
    GateState.NOTHING_YET: ("–", "dim"),
}
_LOOKS = 24  # that are told one by one
_PICTURE = (
    "← worse · better →. ● is the estimate, the line the interval of the plan’s rule, │ no "
    "change, ┆ the change worth having, ┊ how much worse a guardrail may get: it holds when "
    "its line lies right of that."
)
_QUANTILES = (("0", "Least"), ("50", "Median"), ("100", "Largest"))


def folded_parts(report: ReportDocument) -> Iterator[FoldedPart]:
    """Yield each part that has something to tell, below what was found."""
    parts: Sequence[tuple[str, Iterator[Block]]] = (
        (f"{why_heading(report)}: what was asked, and what was seen", _gates(report)),
        (metrics_finding(report), _picture(report)),
        ("Data summary: what each arm came to", _arms(report)),
        ("Statistical tests: the evidence on every metric", _tests(report)),
        (impact_finding(report) or "", _impact(report)),
        (_course_title(report), _course(report)),
        (_cases_title(report), _cases(report)),
        (data_finding(report), _data(report)),
        (change_finding(report), _change(report)),
        ("Plan and history", _plan(report)),
        (f"{capital(counted(len(report.notes), 'note'))} of the analysis", _notes(report)),
        ("How to get this report again", _again(report)),
    )
    for title, found in parts:
        blocks = tuple(found)
        if blocks:
            yield FoldedPart(name(title, 300), blocks)


def _table(titles: str, rows: Sequence[tuple[str, ...]], words: int = 1) -> Iterator[Table]:
    """Yield a table where it has rows; after so many columns of words there are numbers."""
    names = titles.split(" | ")
    columns = (
        Column(title, align="left" if place < words else "right")
        for place, title in enumerate(names)
    )
    if rows:
        yield Table(tuple(columns), tuple(rows))


def _gates(report: ReportDocument) -> Iterator[Block]:
    rows = [
        (
            f"{SIGNS[gate.state][0]} {gate.state.value.replace('_', ' ')}",
            gate_title(report, gate),
            gate_seen(report, gate),
        )
        for gate in report.gates
    ]
    yield from _table("State | What it came to | What was seen", rows, 3)


def _picture(report: ReportDocument) -> Iterator[Block]:
    goal = report.plan.improvement_threshold
    drawn = forest(report.results, report.verdict.leading, goal)
    if drawn.lines:
        yield drawn
        yield Paragraph((_PICTURE,))


def _arms(report: ReportDocument) -> Iterator[Block]:
    rows = [
        (
            f"{name(result.metric.label, 60)}, {name(who, 40)}",
            f"{arm.n:,}",
            value(arm.mean, result.metric),
            value(arm.sd, result.metric),
            *(value(arm.quantiles.get(key), result.metric) for key, _ in _QUANTILES),
            f"{arm.missing:,}",
        )
        for result in report.results
        for who, arm in result.arms.items()
    ]
    quantiles = " | ".join(title for _, title in _QUANTILES)
    yield from _table(f"Arm | Units | Mean | Std. dev. | {quantiles} | Missing", rows)


def _tests(report: ReportDocument) -> Iterator[Block]:
    odds = report.verdict.by_e_values
    rows = [
        (
            f"{name(result.metric.label, 60)}, {name(item.treatment, 40)}",
            name(item.error or (known.rule if known else ""), 200),
            per_cent(item.effect.relative, signed=True),
            between(item.interval),
            evidence(known.log_better_adjusted, odds=odds) if known else "–",
            evidence(known.log_worse, odds=odds) if known else "–",
        )
        for result, item in ordered(report.results, report.verdict.leading)
        for known in (item.evidence,)
    ]
    bar = evidence(report.verdict.bar, odds=odds)
    titles = "Metric | Rule | Change | True change | For better | For worse"
    yield from _table(titles, rows, 2)
    if rows:
        yield Paragraph((f"A promotion needs {bar} for better on the metric that decides.",))


def _impact(report: ReportDocument) -> Iterator[Block]:
    impact = report.impact
    if impact is None or impact.uses is None or not impact.items:
        return
    treatment = name(impact.treatment, 40)
    yield Paragraph((f"At about {impact.uses:,.0f} uses in 30 days, all with {treatment}.",))
    rows = [
        (
            name(it.label, 60),
            quantity(it.per_use, it.unit),
            quantity(it.saved, it.unit),
            amounts(it.low, it.high, it.unit),
        )
        for it in impact.items
    ]
    yield from _table("What | A use takes now | Saved in 30 days | Interval", rows)


def _course_title(report: ReportDocument) -> str:
    series = leading_series(report)
    return course_finding(report, series) if series is not None else ""


def _course(report: ReportDocument) -> Iterator[Block]:
    series, drawn = leading_series(report), evidence_course(report)
    if series is None or drawn is None:
        return
    yield Paragraph((f"{evidence_finding(report, series)}. Look by look: {drawn}",))
    odds, points = report.verdict.by_e_values, series.points
    shown = [*points[:-1][:: max(1, -(-len(points) // _LOOKS))], points[-1]]
    rows = [
        (
            f"{it.control_units:,} / {it.treatment_units:,}",
            per_cent(it.effect, signed=True),
            between(Interval(0.0, it.low, it.high)),
            evidence(it.log_better_adjusted, odds=odds),
            evidence(it.log_worse, odds=odds),
        )
        for it in shown
    ]
    yield from _table("Units | Change | True change | For better | For worse", rows)


def _cases_title(report: ReportDocument) -> str:
    return next((cases_finding(it) for it in report.pairs), "")


def _cases(report: ReportDocument) -> Iterator[Block]:
    metric = report.results[0].metric
    for pair in report.pairs:
        rows = [
            (
                name(row.case, 80),
                value(row.control, metric),
                value(row.treatment, metric),
                f"{row.control_runs} / {row.treatment_runs}",
            )
            for row in pair.rows
        ]
        yield from _table(f"Case | Control | {_cell(pair.treatment)} | Runs", rows)


def _cell(title: str) -> str:
    return name(capital(title), 40).replace(" | ", " ")


def _data(report: ReportDocument) -> Iterator[Block]:
    rows = [
        (
            name(arm, 40),
            *(f"{n:,}" for n in (it.assigned, it.exposed, it.closed, it.compared, it.trials)),
            _left_out(it.exclusions | it.cut_short, it.missing),
        )
        for arm, it in report.flow.items()
    ]
    yield from _table("Arm | Assigned | Exposed | Closed | Compared | Trials | Left out", rows)
    arms = list(report.flow)
    versions = [
        (
            f"{name(it.kind, 40)} {name(it.version, 80)}",
            *(f"{it.trials.get(arm, 0):,}" for arm in arms),
        )
        for it in report.versions
    ]
    yield from _table(" | ".join(("Version", *map(_cell, arms))), versions)
    strata = [
        (
            f"{name(it.name, 60)}, {name(it.treatment, 40)}",
            f"{it.control_units:,} / {it.treatment_units:,}",
            per_cent(it.effect, signed=True),
            between(it.interval),
        )
        for it in report.strata
    ]
    yield from _table("Part (decides nothing) | Units | Change | True change", strata)


def _left_out(trials: dict[str, int], missing: dict[str, int]) -> str:
    told = [f"{name(why.replace('_', ' '), 60)} {n:,}" for why, n in trials.items()]
    told += [f"no {name(metric, 60)} {n:,}" for metric, n in missing.items()]
    return ", ".join(told[:12]) or "none"


def _change(report: ReportDocument) -> Iterator[Block]:
    for prompt in report.prompts:
        for item in prompt.diffs:
            lines = f"{counted(item.added, 'line')} in, {item.removed:,} out"
            shown = "" if item.diff else "; its words are not shown here"
            path = Emphasis(name(prompt.path), "code")
            yield Paragraph(((path, f", {name(item.treatment, 40)}: {lines}{shown}."),))
            if item.diff:
                yield Difference(item.diff)


def _plan(report: ReportDocument) -> Iterator[Block]:
    plan = report.plan
    primary = plan.primary
    ends = f"after {plan.max_duration_days:g} days"
    if plan.max_sample:
        ends += f" or {plan.max_sample:,} units per arm"
    better = f"{planned(plan.improvement_threshold)} better or more"
    yield Facts(
        (
            ("Decides on", f"{name(primary.name)}, {primary.direction.value} is better"),
            ("Rule", f"{plan.stopping.value}, error at most {planned(plan.alpha)}"),
            ("Least units", f"{plan.sample_size:,} per arm"),
            ("Worth having", better),
            ("Ends", ends),
            ("Arms", ", ".join(name(arm.name, 40) for arm in report.arms)),
        )
    )
    amended = [
        (day(it.at), name(it.key, 60), _moved(str(it.before), str(it.after)), name(it.why, 300))
        for it in report.amendments
    ]
    yield from _table("Amended | What | From → to | Why", amended, 4)
    events = [
        (moment(it.at), name(it.verb, 40), _moved(it.before, it.after), name(it.reason, 300))
        for it in report.events
    ]
    yield from _table("When | What was done | Status | Why", events, 4)


def _moved(before: str | None, after: str | None) -> str:
    if before == after or after is None:
        return ""
    return f"{name(before, 60)} → {name(after, 60)}" if before else name(after, 60)


def _notes(report: ReportDocument) -> Iterator[Block]:
    if report.notes:
        yield Notes(tuple(name(note, 1_000) for note in report.notes[:40]))


def _again(report: ReportDocument) -> Iterator[Block]:
    made = report.provenance
    yield Commands(tuple(name(line, 400) for line in made.commands))
    yield Facts(
        (
            ("Program", f"meta-experiment {made.program}, Python {made.python}"),
            ("Plan", Emphasis(made.plan_sha256[:16], "code")),
            (
                "Data",
                (f"{counted(made.trials, 'trial')}, ", Emphasis(made.data_sha256[:16], "code")),
            ),
            ("Seed", f"{made.seed}"),
        )
    )
