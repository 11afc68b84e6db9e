"""Steps of a ramp: which share the treatments have now, and what the next one waits for.

The step in force is that of the last unit drawn, so that the log of draws is all the memory
there is. A step is left for the next once its days are over and its units have closed, if the
evidence speaks against none of it: never on counts or time alone. A step without control
units, which could show no harm, waits for the evidence of a promotion. Harm that is shown leads
back to the first step. Shares that were known before each draw do the evidence no harm, however
they were chosen: it rests on the chance of each unit (see `metrics.moving_shares`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.units import is_closed
from meta_experiment.records import dataclass
from meta_experiment.stats.figures import chosen
from meta_experiment.types import (
    Analysis,
    Comparison,
    Decision,
    GuardrailState,
    Metric,
    Plan,
    Ramp,
    RampStanding,
    Trial,
)

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class _StepSoFar:
    """Units that were drawn last, one after the other, at one step."""

    step: int
    since: float | None
    closed: Counter[str]


def shares_of_step(plan: Plan, step: int, ended: Container[str]) -> list[float]:
    """Return the share of each arm at a step (0, 1, …).

    The treatments that go on share its part by their weights; without any the control has all.
    """
    ramp = _ramp(plan)
    going = [item.weight if item.name not in ended else 0.0 for item in plan.variants[1:]]
    total = sum(going)
    if not total:
        return [1.0, *(0.0 for _ in going)]
    share = ramp.steps[step]
    return [1.0 - share, *(share * weight / total for weight in going)]


def ramp_standing(
    plan: Plan,
    trials: Sequence[Trial],
    analysis: Analysis,
    as_of: float,
    ended: Container[str] = (),
    *,
    over: str | None = None,
) -> RampStanding:
    """Say at which step the next unit is drawn; `ended` are arms that get no more.

    Where no unit is drawn any more, `over` says why, and the step is that of the last one.
    """
    ramp, run = _ramp(plan), _last_run(plan, trials)
    going = [it.name for it in plan.treatments if it.name not in ended]
    units = min((run.closed[name] for name in going), default=0)
    back, step, last = _harm(analysis), run.step, len(ramp.steps) - 1
    due = None if run.since is None or step == last else run.since + ramp.days * _DAY
    waits = next(_hindrances(plan, analysis, run, units, due, as_of), "")
    if over is not None:
        back, due, waits = None, None, f"nothing: {over}"
    elif back is not None:
        step, waits = 0, f"harm is shown: {back}"
    elif not waits and step < last:
        step += 1
        waits = "the first unit of this step"
    if step != run.step:
        run, units = _StepSoFar(step, None, Counter()), 0
        due = None
    shares = shares_of_step(plan, step, ended)
    return RampStanding(
        steps=ramp.steps,
        step=step + 1,
        share=ramp.steps[step],
        since=run.since,
        units=units,
        needed=ramp.units,
        next_share=ramp.steps[step + 1] if over is None and step < last else None,
        due=due,
        waits=waits,
        back=back,
        shares=dict(zip((item.name for item in plan.variants), shares, strict=True)),
        known=sum(map(is_closed, trials)),
    )


def expected_units(ramp: Ramp, treatments: int) -> list[int]:
    """Return how many units of all arms each step but the last takes, for a foresight."""
    return [round(ramp.units * treatments / step) for step in ramp.steps[:-1]]


def step_of(ramp: Ramp, parts: Sequence[int]) -> int:
    """Return the step (0, 1, …) at which such parts are in force."""
    share = 1.0 - parts[0] / sum(parts)
    return min(range(len(ramp.steps)), key=lambda step: abs(ramp.steps[step] - share))


def _ramp(plan: Plan) -> Ramp:
    if plan.ramp is None:
        raise ValueError("the plan has no ramp")
    return plan.ramp


def _last_run(plan: Plan, trials: Iterable[Trial]) -> _StepSoFar:
    """Return what was drawn since the step changed last, in the order of the draws."""
    drawn = sorted(
        (item for item in trials if item.draw and len(item.draw.parts) == len(plan.variants)),
        key=lambda item: item.order,
        reverse=True,
    )
    step, since, closed = 0, None, Counter[str]()
    for place, item in enumerate(drawn):
        own = step_of(_ramp(plan), item.draw.parts) if item.draw else 0
        if place and own != step:
            break
        step, since = own, item.assigned_at if item.assigned_at is not None else since
        closed[item.variant] += is_closed(item) and item.exposed and item.excluded is None
    return _StepSoFar(step, since, closed)


def _harm(analysis: Analysis) -> str | None:
    """Return what is shown of harm by an arm that still gets units."""
    if analysis.decision is Decision.REJECT:
        return analysis.reason
    shown = [item.reason for item in analysis.ended if item.at is None]
    on_record = {item.treatment for item in analysis.ended}
    shown += [
        item.reason
        for item in analysis.guardrails
        if item.state is GuardrailState.FAIL and item.treatment not in on_record
    ]
    return next(iter(shown), None)


def _hindrances(
    plan: Plan,
    analysis: Analysis,
    run: _StepSoFar,
    units: int,
    due: float | None,
    as_of: float,
) -> Iterator[str]:
    """Yield what the next step waits for, first what is told first."""
    ramp = _ramp(plan)
    if run.step == len(ramp.steps) - 1:
        yield "nothing: it is the last step"
    if run.since is None or due is None:
        yield "the first unit of this step"
        return
    if as_of < run.since:
        yield "the clock, which stands before the first unit of this step and must catch up"
    if units < ramp.units:
        yield f"{ramp.units - units} more closed units of a treatment at this step"
    if as_of < due:
        yield f"the end of its {ramp.days:g} days"
    yield from _against(plan, analysis)
    if ramp.steps[run.step + 1] == 1.0 and analysis.decision is not Decision.PROMOTE:
        yield (
            "the evidence of a promotion, as at 100% there is no control to show harm: "
            f"{analysis.reason}"
        )


def _against(plan: Plan, analysis: Analysis) -> Iterator[str]:
    """Yield what in the evidence speaks against more units of a treatment."""
    checks, primary = analysis.checks, plan.primary
    if not (checks.srm.ok and checks.attrition.ok and checks.exposure.ok):
        yield f"sound data: {analysis.reason}"
    for comparison in analysis.going_on:
        seen = comparison.estimate.relative
        if seen is None and not _is_rate(primary):
            yield f"a relative effect on {primary.name}, which is not known yet"
        elif _is_beyond(primary, comparison, plan.max_regression):
            yield (
                f"{primary.name}, which looks worse by more than the "
                f"{chosen(plan.max_regression)} that the plan tolerates"
                if not _is_rate(primary)
                else f"{primary.name}, of which the draw leans to worse"
            )
    yield from _against_guardrails(plan, analysis)
    if analysis.alerts:
        yield f"a look of yours: {analysis.alerts[0].message}"


def _against_guardrails(plan: Plan, analysis: Analysis) -> Iterator[str]:
    ended = {item.treatment for item in analysis.ended}
    metrics = {item.metric.name: item.metric for item in plan.guardrails}
    for rail in analysis.guardrails:
        if rail.treatment in ended or rail.state is GuardrailState.PASS:
            continue
        if rail.state is GuardrailState.MISSING or rail.comparison is None:
            yield f"values of the guardrail {rail.metric}: {rail.reason}"
        elif _is_beyond(metrics[rail.metric], rail.comparison, rail.margin):
            yield f"the guardrail {rail.metric}, which looks beyond its margin: {rail.reason}"


def _is_rate(metric: Metric) -> bool:
    return family_of(metric).draw_suffices


def _is_beyond(metric: Metric, comparison: Comparison, margin: float) -> bool:
    """Say whether a treatment looks worse by more than a margin.

    The rates of the arms themselves are of other times as well. Of one it is said where what
    the draw tells is likelier by harm than by no effect at all.
    """
    if _is_rate(metric):
        return comparison.sequential is not None and comparison.sequential.e_reject > 1.0
    seen = comparison.estimate.relative
    return seen is None or seen < -margin
