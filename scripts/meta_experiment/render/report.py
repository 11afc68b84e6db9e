"""The report that `analyze` prints: data, tests, checks, verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from meta_experiment.decide.reporting.guardrail_states import guardrail_state
from meta_experiment.decide.reporting.health import health
from meta_experiment.decide.telling.progress import leading
from meta_experiment.model.result_document import to_document
from meta_experiment.render import over_time, words
from meta_experiment.render.blocks import (
    Column,
    Emphasis,
    Heading,
    Notes,
    Page,
    Paragraph,
    Section,
    Table,
    Text,
    Tone,
)
from meta_experiment.render.check_words import lateness_seen
from meta_experiment.render.comparators import comparators
from meta_experiment.render.report_forest import forest
from meta_experiment.types import (
    Adjustment,
    Analysis,
    Comparison,
    Correction,
    GuardrailResult,
    Plan,
    Posterior,
    PrimaryResult,
    Readiness,
    Risk,
)
from meta_experiment.types.results.examination import Examination
from meta_experiment.types.results.report_metrics import ReportResult, ResultState
from meta_experiment.types.results.report_standing import CheckName, CheckState

_CHECKED: dict[CheckState, tuple[str, Tone]] = {
    CheckState.PASSED: ("ok  ", "good"),
    CheckState.NOTED: ("NOTE", "warn"),
    CheckState.FAILED: ("FAIL", "bad"),
    CheckState.NOTHING_YET: ("–   ", "dim"),
}
_OF_LOGARITHMS = "geometric mean"


def report(examined: Examination, changes: Sequence[ReportResult] = ()) -> Page:
    """Show the full report of one experiment; `changes` are drawn on one axis."""
    analysis, plan = examined.analysis, examined.experiment.plan
    primary, unit = analysis.primary, plan.primary.unit
    return (
        (Heading(f"ANALYSIS  {words.name(analysis.experiment_id)}", words.quoted(plan.name)),),
        *_planned(examined.experiment.plan),
        _verdict(analysis),
        *_picture(analysis, plan, changes),
        (Heading(f"Primary metric: {primary.metric}", _reading(primary), level=2),),
        (arms(primary, unit),),
        *_ended(analysis),
        *(
            _comparison(item, unit, _too_few(analysis, primary, item))
            for item in primary.comparisons
        ),
        *_chances(analysis),
        *_exact(analysis),
        *_bandit(analysis),
        *_ramp(analysis),
        *_interactions(analysis),
        *_guardrails(analysis),
        *_secondary(analysis),
        *comparators(analysis),
        (Heading("Checks", level=2),),
        (Paragraph(tuple(_checks(analysis)), indent=2),),
        *_notes(analysis),
    )


def _planned(plan: Plan) -> Iterator[Section]:
    """Say when units take part, and of which layer."""
    if told := tuple(f"{name}: {text}" for name, text in over_time.planned(plan)):
        yield (Paragraph(told, indent=2),)


def _verdict(analysis: Analysis) -> Section:
    word = Emphasis(analysis.decision.value, words.tone(analysis.decision))
    reasons = [words.one_line(analysis.reason)]
    if analysis.winner:
        reasons.append(f"Winner: {words.printable(analysis.winner)}")
    return (
        Paragraph(((word, f" ({analysis.reason_code.value})"),)),
        Paragraph(tuple(reasons), indent=2),
    )


def _picture(
    analysis: Analysis, plan: Plan, changes: Sequence[ReportResult]
) -> Iterator[Section]:
    """Draw the change of every metric, with the interval of the plan's own rule."""
    best = leading(analysis)
    drawn = forest(changes, best.treatment if best else None, plan.improvement_threshold)
    if drawn.lines:
        yield (drawn,)


def _ended(analysis: Analysis) -> Iterator[Section]:
    for item in analysis.ended:
        word = Emphasis("ENDED", "bad")
        name, reason = words.printable(item.treatment), words.one_line(item.reason)
        code = item.reason_code.value if item.reason_code else "by hand"
        yield (Paragraph(((word, f"  {name} ({code}): {reason}"),), indent=2),)


def _reading(primary: PrimaryResult) -> str:
    return f"({primary.direction.value} is better; the {primary.statistic} is compared)"


def arms(primary: PrimaryResult, unit: str) -> Table:
    """Show what each arm came to on the metric that decides."""
    columns = [
        Column("variant", 16),
        Column("units", 7, "right"),
        Column(_heading(primary), 14, "right"),
        Column("std. dev.", 14, "right"),
    ]
    of_logarithms = primary.statistic == _OF_LOGARITHMS
    if of_logarithms:
        columns.append(Column(_OF_LOGARITHMS, 15, "right"))
    rows = []
    for name, arm in primary.variants.items():
        geometric = None if arm.log_mean is None else math.exp(arm.log_mean)
        values = [words.quantity(value, unit) for value in (arm.mean, arm.sd)]
        if of_logarithms:
            values.append(words.quantity(geometric, unit))
        rows.append((words.printable(name), f"{arm.n:,}", *values))
    return Table(tuple(columns), tuple(rows))


def _heading(result: PrimaryResult) -> str:
    """Name the figure of an arm that stands in its unit: a mean, where logarithms have one."""
    return "mean" if result.statistic == _OF_LOGARITHMS else result.statistic


def _too_few(analysis: Analysis, result: PrimaryResult, item: Comparison) -> str | None:
    """Say that an effect is not shown yet: an arm has fewer units than the plan's minimum."""
    units = [result.variants[name].n for name in (item.control, item.treatment)]
    least = analysis.readiness.needed_per_arm
    if min(units) >= least:
        return None
    return f"an effect is shown from {least:,} units per arm on"


def _comparison(item: Comparison, unit: str, too_few: str | None) -> Section:
    head = f"{words.printable(item.treatment)} against {words.printable(item.control)}"
    if too_few:
        return (Paragraph((f"{head}: {too_few}",), indent=2),)
    if item.error:
        return (Paragraph((f"{head}: no evidence, {item.error}",), indent=2),)
    effect = (
        f"{head}: {words.signed_per_cent(item.effect.relative)} (positive is better), "
        f"difference {words.quantity(item.effect.absolute, unit)}"
    )
    return Paragraph((effect,), indent=2), Paragraph(tuple(_tests(item, unit)), indent=4)


def _tests(item: Comparison, unit: str) -> Iterator[str]:
    yield (
        f"{item.test}: statistic {_figure(item.statistic)}, df {_figure(item.df)}, "
        f"p {words.p_value(item.p_value)} (one look only), {words.interval(item.interval)}"
    )
    if item.adjusted:
        yield _adjusted(item.adjusted)
    size = item.effect_size
    if size.cohens_d is not None:
        yield f"effect size d {_figure(size.cohens_d)}, g {_figure(size.hedges_g)}"
    if item.sequential:
        evidence = item.sequential
        yield (
            f"valid at every look ({evidence.rule}): e(better) "
            f"{words.e_value(evidence.e_promote)}, "
            f"e(worse) {words.e_value(evidence.e_reject)}, "
            f"p {words.p_value(evidence.p_anytime)}, {words.interval(evidence.interval)}"
        )
    if item.corrected:
        yield _corrected(item.corrected, item.interval.level)
    if item.posterior:
        yield from _believed(item.posterior, unit)


def _corrected(found: Correction, alone: float) -> str:
    """Say what is left beside the other treatments, by which it is decided.

    `alone` is the level of the intervals that stand above, of which it may be another.
    """
    evidence, why = f"p {words.p_value(found.p_value)}", ""
    if found.e_promote is not None:
        evidence = f"e(better) {words.e_value(found.e_promote)}, {evidence}"
    if round(found.interval.level, 4) != round(alone, 4):
        error = words.per_cent(found.alpha, 1)
        why = f" (another level: {error} of error are left to its lower end beside the others)"
    return (
        f"the above is of this treatment alone; as one of several, and as it is decided: "
        f"{evidence}, {words.interval(found.interval)}{why}"
    )


def _adjusted(found: Adjustment) -> str:
    """Say what the covariates change, how much they explain, and what that saves."""
    return (
        f"adjusted for {words.one_line(', '.join(found.slopes))}: "
        f"{words.signed_per_cent(found.effect.relative)}, {words.interval(found.interval)} "
        f"(one look only); they explain {found.explained:.0%} of the variance and save about "
        f"{words.counted(found.units_saved, 'unit')}"
    )


def _believed(found: Posterior, unit: str) -> Iterator[str]:
    """Say what is believed, how often equal arms look so, and what either choice may cost."""
    looks = f"one of {found.looks:,} looks" if found.looks > 1 else "this one look"
    yield (
        f"believed ({found.model}): better with a chance of {_chance(found.chance_better)}, as "
        f"high as equal arms reach at {looks} in {_chance(found.reached_by_equal_arms)} of "
        f"experiments; credible {words.interval(found.interval)}"
    )
    yield (
        f"expected loss: {_loss(found.risk_control, unit)} by keeping the control, "
        f"{_loss(found.risk_treatment, unit)} by taking the treatment"
    )


def _loss(risk: Risk, unit: str) -> str:
    if risk.relative is None and risk.absolute is None:
        return "not finite"
    known = [] if risk.absolute is None else [words.quantity(risk.absolute, unit)]
    part = [] if risk.relative is None else [f"{100 * risk.relative:.3g}%"]
    return " or ".join((*part, *known))


def _chance(value: float) -> str:
    return f"{100 * value:.1f}%"


def _chances(analysis: Analysis) -> Iterator[Section]:
    if len(analysis.best) > 2 and analysis.bandit is None:  # which says it itself
        told = ", ".join(
            f"{words.printable(name)} {'unknown' if value is None else _chance(value)}"
            for name, value in analysis.best.items()
        )
        yield (Paragraph((f"chance to be the best of all: {told}",), indent=2),)


def _exact(analysis: Analysis) -> Iterator[Section]:
    found = analysis.exact
    if found is not None:
        seen = words.counted(found.units, "unit")
        told = (
            f"by the draw alone ({seen}, valid at every look): e(better) "
            f"{words.e_value(found.e_better)}, e(worse) {words.e_value(found.e_worse)}; it "
            "asks nothing of the values, and weighs ranks, not means"
        )
        yield (Paragraph((told,), indent=4),)


def _bandit(analysis: Analysis) -> Iterator[Section]:
    found = analysis.bandit
    if found is None:
        return
    from meta_experiment.render import bandit

    chances = ", ".join(
        f"{words.name(name)} {words.per_cent(chance)}" for name, chance in found.chances.items()
    )
    said = [
        bandit.drawn(found.shares, found.known),
        f"chance to be the best, which moves the shares and is no evidence: {chances}",
        bandit.worth(found.leads, found.spared, found.information),
    ]
    yield (
        Heading(f"Bandit: {found.aim.value}", level=2),
        Paragraph(tuple(filter(None, said)), indent=2),
    )


def _ramp(analysis: Analysis) -> Iterator[Section]:
    if analysis.ramp is not None:
        told = tuple(over_time.ramp(to_document(analysis.ramp)))
        yield Heading("Ramp", level=2), Paragraph(told, indent=2)


def _interactions(analysis: Analysis) -> Iterator[Section]:
    """Show what other experiments on the same units do to the effect; it decides nothing."""
    if analysis.interactions:
        told = tuple(over_time.interaction(item) for item in analysis.interactions)
        yield Heading("On the same units", level=2), Paragraph(told, indent=2)


def _guardrails(analysis: Analysis) -> Iterator[Section]:
    if analysis.guardrails:
        yield (Heading("Guardrails", level=2),)
        judged = (_guardrail(item, analysis.readiness) for item in analysis.guardrails)
        yield (Paragraph(tuple(judged), indent=2),)


def _guardrail(item: GuardrailResult, ready: Readiness) -> Text:
    reason, state = item.reason, guardrail_state(item, ready)
    if state is ResultState.EARLY:
        reason = f"an effect is shown from {ready.needed_per_arm:,} units per arm on"
    tones: dict[ResultState, Tone] = {
        ResultState.HOLDS: "good",
        ResultState.BROKEN: "bad",
        ResultState.BEYOND: "bad",
    }
    return (
        Emphasis(state.word.upper(), tones.get(state, "warn")),
        (
            f"  {words.printable(item.metric)} ({words.printable(item.treatment)}, may worsen "
            f"by {words.chosen(item.margin)}): {words.one_line(reason)}"
        ),
    )


def _secondary(analysis: Analysis) -> Iterator[Section]:
    results = analysis.secondary
    if not results:
        return
    yield (Heading("Secondary metrics", "(they decide nothing)", level=2),)
    columns = (
        Column("metric", max(18, *(len(words.printable(item.metric)) for item in results))),
        Column("variant", 16),
        Column("units", 7, "right"),
        Column(_shared({_heading(item) for item in results}), 14, "right"),
        Column("effect", gap=2),
    )
    yield (Table(columns, tuple(row for item in results for row in _measured(analysis, item))),)


def _shared(headings: set[str]) -> str:
    return headings.pop() if len(headings) == 1 else "value"


def _measured(analysis: Analysis, result: PrimaryResult) -> Iterator[tuple[str, ...]]:
    effects = {
        item.treatment: "too few units"
        if _too_few(analysis, result, item)
        else words.signed_per_cent(item.estimate.relative)
        for item in result.comparisons
    }
    for name, arm in result.variants.items():
        effect = (effects[name],) if name in effects else ()
        row = (words.printable(result.metric), words.printable(name), f"{arm.n:,}")
        yield (*row, words.quantity(arm.mean), *effect)


def _checks(analysis: Analysis) -> Iterator[Text]:
    checks = analysis.checks
    told = {
        CheckName.ASSIGNMENT: ("assignment ratio", _counts(checks.srm.counts)),
        CheckName.LOSSES: ("attrition", _lost(analysis)),
        CheckName.LATENESS: ("lateness", lateness_seen(checks)),
        CheckName.EXPOSURE: (
            "exposure",
            f"{checks.exposure.exposed:,} of {checks.exposure.assigned:,} assigned units",
        ),
        CheckName.VERSIONS: ("fingerprint", _fingerprint(analysis)),
    }
    for item in health(checks):
        name, detail = told[item.check]
        yield (Emphasis(*_CHECKED[item.state]), f"  {name}: {detail}")
    for name, count in analysis.samples.items():
        listed = ", ".join(
            f"{words.name(reason)} {number:,}" for reason, number in count.exclusions.items()
        )
        if listed:
            yield f"excluded in {words.name(name)}: {words.one_line(listed)}"


def _notes(analysis: Analysis) -> Iterator[Section]:
    if analysis.notes:
        yield (Heading("Notes", level=2),)
        yield (Notes(tuple(map(words.one_line, analysis.notes))),)


def _lost(analysis: Analysis) -> str:
    attrition = analysis.checks.attrition
    lost = ", ".join(
        f"{words.printable(name)} {count:,} of {attrition.exposed[name]:,}"
        for name, count in attrition.lost.items()
    )
    shown = f"lost {lost}, p {words.p_value(attrition.p_value)}"
    return f"{shown}: {words.one_line(attrition.reason)}" if attrition.reason else shown


def _fingerprint(analysis: Analysis) -> str:
    seen = analysis.checks.fingerprint
    if seen.reason:
        return words.one_line(seen.reason)
    return words.listed(seen.models) or "no model recorded"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{words.printable(name)} {count:,}" for name, count in counts.items())


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
