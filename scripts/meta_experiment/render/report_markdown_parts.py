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
)
from meta_experiment.render.check_words import check_rows
from meta_experiment.render.findings import (
    cases_finding,
    change_finding,
    course_finding,
    data_finding,
    evidence_finding,
    impact_finding,
    metrics_finding,
)
from meta_experiment.render.gate_words import SIGNS, gate_seen, gate_title
from meta_experiment.render.plan_words import plan_rows
from meta_experiment.render.report_figures import evidence_course, leading_series
from meta_experiment.render.report_forest import forest, ordered
from meta_experiment.render.report_tables import (
    case_rows,
    flow_rows,
    look_rows,
    ordered_cases,
    saving_rows,
    strata_rows,
    version_rows,
)
from meta_experiment.render.report_words import (
    between,
    day,
    evidence,
    evidence_bar,
    moment,
    moved,
    name,
    per_cent,
    setting,
    value,
)
from meta_experiment.render.standing_words import why_heading
from meta_experiment.render.words import capital, counted
from meta_experiment.types.results.report import ReportDocument

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


def _table(
    titles: Sequence[str], rows: Sequence[tuple[str, ...]], words: int = 1
) -> Iterator[Table]:
    """Yield a table where it has rows; after so many columns of words there are numbers."""
    columns = (
        Column(title, align="left" if place < words else "right")
        for place, title in enumerate(titles)
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
    yield from _table(("State", "What it came to", "What was seen"), rows, 3)


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
    quantiles = (title for _, title in _QUANTILES)
    yield from _table(("Arm", "Units", "Mean", "Std. dev.", *quantiles, "Missing"), rows)


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
    least = evidence_bar(report.verdict.bar, odds=odds)
    titles = ("Metric", "Rule", "Change", "True change", "For better", "For worse")
    yield from _table(titles, rows, 2)
    if rows:
        yield Paragraph((f"A promotion needs {least} for better on the metric that decides.",))


def _impact(report: ReportDocument) -> Iterator[Block]:
    impact = report.impact
    if impact is None or impact.uses is None or not impact.items:
        return
    treatment = name(impact.treatment, 40)
    yield Paragraph((f"At about {impact.uses:,.0f} uses in 30 days, all with {treatment}.",))
    titles = ("What", "A use takes now", "Saved in 30 days", "Interval")
    yield from _table(titles, [*saving_rows(impact)])


def _course_title(report: ReportDocument) -> str:
    series = leading_series(report)
    return course_finding(report, series) if series is not None else ""


def _course(report: ReportDocument) -> Iterator[Block]:
    series, drawn = leading_series(report), evidence_course(report)
    if series is None or drawn is None:
        return
    yield Paragraph((f"{evidence_finding(report, series)}. Look by look: {drawn}",))
    rows = [
        (f"{control} / {treatment}", *rest)
        for control, treatment, *rest in look_rows(report, series)
    ]
    yield from _table(("Units", "Change", "True change", "For better", "For worse"), rows)


def _cases_title(report: ReportDocument) -> str:
    return next((cases_finding(it) for it in ordered_cases(report)), "")


def _cases(report: ReportDocument) -> Iterator[Block]:
    for pair in ordered_cases(report):
        titles = ("Case", "Control", _arm(pair.treatment), "Runs")
        yield from _table(titles, [*case_rows(report, pair)])


def _arm(title: str) -> str:
    return name(capital(title), 40)


def _data(report: ReportDocument) -> Iterator[Block]:
    checks = [
        (what, seen, f"{sign} {word}") for what, seen, (sign, word, _) in check_rows(report)
    ]
    yield from _table(("Check", "What was seen", "State"), checks, 3)
    titles = ("Arm", "Assigned", "Exposed", "Closed", "Compared", "Trials", "Left out")
    yield from _table(titles, [*flow_rows(report)])
    versions = [
        (f"{kind} {version}", *counts) for kind, version, _, _, *counts in version_rows(report)
    ]
    yield from _table(("Version", *map(_arm, report.flow)), versions)
    parts = ("Part (decides nothing)", "Units", "Change", "True change")
    yield from _table(parts, [*strata_rows(report)])


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
    yield Facts(tuple(plan_rows(report)))
    amended = [
        (
            day(it.at),
            name(it.key, 60),
            moved(setting(it.before), setting(it.after)),
            name(it.why, 300),
        )
        for it in report.amendments
    ]
    yield from _table(("Amended", "What", "From → to", "Why"), amended, 4)
    events = [
        (moment(it.at), name(it.verb, 40), moved(it.before, it.after), name(it.reason, 300))
        for it in report.events
    ]
    yield from _table(("When", "What was done", "Status", "Why"), events, 4)


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
