"""The whole way from a plan and its trials to an analysis with a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from meta_experiment.decide import alerts as alarms
from meta_experiment.decide import quality, safety
from meta_experiment.decide.basis import Basis
from meta_experiment.decide.comparators import with_comparators, without_comparators
from meta_experiment.decide.compare import compare, result_of
from meta_experiment.decide.doubts import Promotion, doubts
from meta_experiment.decide.ending import Grounds, ending
from meta_experiment.decide.errors_rise import errors_rise
from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.guardrails import Judgement, judge
from meta_experiment.decide.holdout import standing
from meta_experiment.decide.horizon import comes_in, days_running, horizon_reached, readiness
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.primary import corrected, is_equivalent, weigh, with_correction
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.rules.rule import Look, Rule
from meta_experiment.decide.safety import Harm
from meta_experiment.decide.samples import Samples, covariates_of, match_of
from meta_experiment.decide.scale import improvement
from meta_experiment.decide.shares import shares_of
from meta_experiment.decide.telling.notes import notes
from meta_experiment.decide.treatment_state import TreatmentState, VerdictInput
from meta_experiment.decide.units import Arm, arms_of, is_closed
from meta_experiment.decide.verdict import held_back, verdict
from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.types import (
    Analysis,
    EndedArm,
    Guardrail,
    Metric,
    Plan,
    PrimaryResult,
    SampleCount,
    Trial,
    Unit,
)

T = TypeVar("T")


def analyze(
    plan: Plan,
    trials: Sequence[Trial],
    *,
    experiment_id: str,
    as_of: float,
    started: float | None,
    current: Mapping[str, str] | None = None,
    beside: Sequence[Metric] = (),
    ended: Sequence[EndedArm] = (),
    exhausted: str | None = None,
    over: float | None = None,
) -> Analysis:
    """Compute evidence and verdict from a plan and its trials alone.

    Args:
        plan: what was fixed before data.
        trials: all trials, in any order.
        experiment_id: goes into the result as it is.
        as_of: the moment of the analysis, seconds since the epoch.
        started: when the experiment started; None if that is not known, so that its days
            are not counted.
        current: the fingerprint of what runs now (`model`, `prompt`, …); a promotion on
            evidence that never saw it is held back.
        beside: metrics that the plan does not name, reported with the secondary ones.
        ended: treatments that have ended on record and get no more units.
        exhausted: where nothing more can come, at which point (`after all its runs`): the plan
            ends there without a decision, if there is none.
        over: when the experiment ended, None while it goes on; its days are counted until then.

    When a decision may be asked for is said by the plan's rule (see `rules.rule.Rule`).
    """
    return analyze_on(
        basis_of(plan, trials, as_of, ended),
        plan,
        trials,
        experiment_id=experiment_id,
        started=started,
        current=current,
        beside=beside,
        ended=ended,
        exhausted=exhausted,
        over=over,
    )


def basis_of(
    plan: Plan, trials: Sequence[Trial], as_of: float, ended: Sequence[EndedArm] = ()
) -> Basis:
    """Return what a decision on these trials rests on (see `analyze`)."""
    plan, trials = without_comparators(plan.as_compared, trials)
    rule = rule_of(plan)
    look = _look(plan, rule, trials, as_of, {item.treatment for item in ended})
    samples = Samples(
        arms_of(plan, look.trials), match_of(plan), covariates=covariates_of(plan)
    )
    return Basis(plan, rule, look, samples, as_of)


def analyze_on(
    basis: Basis,
    plan: Plan,
    trials: Sequence[Trial],
    *,
    experiment_id: str,
    started: float | None,
    current: Mapping[str, str] | None = None,
    beside: Sequence[Metric] = (),
    ended: Sequence[EndedArm] = (),
    exhausted: str | None = None,
    over: float | None = None,
) -> Analysis:
    """Do as `analyze` on a basis that was made of this plan and these trials."""
    plan = plan.as_compared
    analysis = _analysis(
        basis,
        without_comparators(plan, trials)[1],
        experiment_id=experiment_id,
        started=started,
        current=current,
        beside=beside,
        recorded=ended,
        exhausted=exhausted,
        over=over,
    )
    return with_comparators(plan, trials, analysis)


def _look(
    plan: Plan, rule: Rule, trials: Sequence[Trial], as_of: float, ended: Container[str]
) -> Look:
    """Look at the trials as the rule does with the arms that get units, and at the others'."""
    going = tuple(item for item in plan.variants if item.name not in ended)
    if len(going) in (1, len(plan.variants)):
        return rule.look(plan, trials, as_of)
    look = rule.look(
        replace(plan, variants=going),
        [item for item in trials if item.variant not in ended],
        as_of,
    )
    return replace(
        look, trials=(*look.trials, *(item for item in trials if item.variant in ended))
    )


def analyze_summaries(
    plan: Plan,
    summaries: Mapping[str, Mapping[str, Sample]],
    *,
    experiment_id: str,
    as_of: float,
    started: float | None,
    once: bool = False,
) -> Analysis:
    """Compute evidence and verdict from sums alone, by variant and name of the metric.

    They pass the same gates, as far as sums go: what asks for single units (interruptions,
    attrition, ranks, the order in time) finds nothing. A rule that looks at the first units
    cannot tell them from sums and waits, but where the sums are the `once` that is looked: then
    as soon as they hold the units that the plan asks for.

    Raises:
        UsageError: the plan compares case by case, which sums cannot be.
    """
    if plan.unit is Unit.CASE:
        raise UsageError(
            "Eval cases are compared one by one, expected their values.",
            hint="Hand over the value of every case.",
        )
    rule = rule_of(plan)
    arms = {
        item.name: Arm(
            item.name,
            (),
            {},
            counted=max(map(len, summaries.get(item.name, {}).values()), default=0),
        )
        for item in plan.variants
    }
    enough = once and min(arm.counted or 0 for arm in arms.values()) >= plan.sample_size
    look = Look((), complete=rule.extendable or enough)
    samples = Samples(arms, match_of(plan), summaries)
    return _analysis(
        Basis(plan, rule, look, samples, as_of),
        (),
        experiment_id=experiment_id,
        started=started,
    )


def _analysis(
    basis: Basis,
    trials: Sequence[Trial],
    *,
    experiment_id: str,
    started: float | None,
    current: Mapping[str, str] | None = None,
    beside: Sequence[Metric] = (),
    recorded: Sequence[EndedArm] = (),
    exhausted: str | None = None,
    over: float | None = None,
) -> Analysis:
    plan, rule, samples, as_of = basis.plan, basis.rule, basis.samples, basis.as_of
    clock = as_of if over is None else min(as_of, over)
    until = clock if basis.heard is None else min(clock, basis.heard)
    kept = standing(plan, rule, samples)
    on_record = {item.treatment: item for item in recorded}
    shares = shares_of(plan, rule)
    harms = {
        item.name: safety.harm(plan, samples, item.name, shares.harm)
        for item in plan.treatments
    }
    harmed = {name for name, harm in harms.items() if harm}
    unharmed = _without(harmed.union(on_record), samples.arms)
    checks = quality.check(
        plan, unharmed, as_of=as_of, current=current, lateness=basis.lateness
    )
    problems = tuple(quality.problems(checks))
    counts = {name: _count(arm, samples, plan.primary) for name, arm in samples.arms.items()}
    weights = weigh(plan, rule, samples)
    primary = with_correction(
        plan, rule, samples, result_of(plan, plan.primary, samples), weights
    )
    together = corrected(rule, weights)
    states = _states(basis, primary, together, shares.guardrail, harms)
    against = {item.treatment: _against(plan, rule, item, shares.look) for item in states}
    raised = alarms.alerts(
        plan,
        alarms.watched(plan, samples, against),
        days_running(clock, started) if over is None else None,
    )
    grounds = Grounds(plan, rule, shares.look, sound=not problems, alerts=raised)
    ended = tuple(
        found
        for item in states
        if kept is None  # what was promoted has no arm to go on without it
        and (found := on_record.get(item.treatment) or ending(grounds, item)) is not None
    )
    measured = _without({item.treatment for item in ended}, _comparable(plan, samples))
    left_out = Counter[str]()
    for item in plan.variants:
        left_out.update(samples.of(item.name, plan.primary).skipped)
    ready = readiness(plan, rule, basis.look, measured, until, started, left_out)
    if basis.heard is not None and started is not None:
        waits = comes_in(plan, started, basis.settles)
        ready = replace(ready, waits_until=waits if waits - basis.settles > until else None)
    inputs = VerdictInput(
        plan=plan,
        rule=rule,
        readiness=ready,
        states=states,
        measured=sum(measured.values()),
        highest=partial(_highest, basis, primary),
        problems=problems,
        ended=ended,
        alerts=raised,
        horizon=horizon_reached(plan, ready, until) or exhausted,
        waiting=basis.look.waiting,
        stale=checks.fingerprint.reason,
        holdout=kept,
    )
    decided = verdict(inputs)
    return Analysis(
        experiment_id=experiment_id,
        as_of=as_of,
        decision=decided.decision,
        reason_code=decided.code,
        reason=decided.reason,
        winner=decided.winner,
        readiness=ready,
        samples=counts,
        primary=primary,
        secondary=tuple(
            result_of(plan, metric, samples) for metric in (*plan.secondary, *beside)
        ),
        guardrails=tuple(judged.result for state in states for judged in state.guardrails),
        checks=checks,
        notes=(*notes(inputs, decided, samples, trials), *map(_exploratory, beside)),
        alerts=raised,
        ended=ended,
        obstacles=held_back(inputs, decided),
        holdout=kept,
        best=rule.best(
            plan,
            {
                name: samples.of(name, plan.primary)
                for name in _without({item.treatment for item in ended}, samples.arms)
            },
        ),
    )


def _without(ended: Container[str], arms: Mapping[str, T]) -> Mapping[str, T]:
    """Return what is known of the arms that go on; of all where no treatment does."""
    left = {name: item for name, item in arms.items() if name not in ended}
    return left if len(left) > 1 else arms


def _exploratory(metric: Metric) -> str:
    return (
        f"{metric.name} was recorded and is not in the plan: it is shown to be explored, and "
        "decides nothing."
    )


def _states(
    basis: Basis,
    primary: PrimaryResult,
    weights: Mapping[str, Evidence],
    share: float,
    harms: Mapping[str, Harm | None],
) -> tuple[TreatmentState, ...]:
    plan, rule, samples = basis.plan, basis.rule, basis.samples
    bar = rule.bar(plan.alpha, 1)
    near = tuple(name for name, evidence in weights.items() if evidence.better >= bar)
    doubtful = doubts(Promotion(basis, near))
    return tuple(
        TreatmentState(
            comparison=comparison,
            improvement=improvement(
                comparison.estimate, plan.primary, family_of(plan.primary).lowest_change
            ),
            better=weights[comparison.treatment].better,
            worse=weights[comparison.treatment].worse,
            guardrails=tuple(
                _judge(basis, guardrail, comparison.treatment, share)
                for guardrail in plan.guardrails
            ),
            doubt=doubtful.get(comparison.treatment),
            equivalent=is_equivalent(plan, rule, samples, comparison.treatment),
            errors=errors_rise(plan, samples, comparison.treatment),
            ready=rule.is_ready(
                plan, basis.look, _smaller(samples.compared(comparison.treatment, plan.primary))
            ),
            harm=harms[comparison.treatment],
        )
        for comparison in primary.comparisons
    )


def _against(plan: Plan, rule: Rule, state: TreatmentState, share: float) -> str | None:
    """Say how strongly the data speak against a treatment; nothing before the one look."""
    if not (rule.extendable or state.ready):
        return None
    bar = rule.bar(plan.alpha, 1 / share)
    strength = rule.words.strength(state.worse, bar)
    if state.worse >= bar:
        return f"shown to be worse ({strength})"
    return f"that may be chance ({strength}, needed {rule.words.needed(share * plan.alpha)})"


def _highest(basis: Basis, primary: PrimaryResult, treatment: str) -> float | None:
    """Return the largest effect that may still be true, α being shared by the treatments."""
    plan, rule = basis.plan, basis.rule
    if not rule.extendable:
        return None
    if rule.by_e_values and len(primary.comparisons) == 1:  # its interval is known already
        known = primary.comparisons[0].sequential
        return known.interval.high if known else None
    arms = basis.samples.compared(treatment, plan.primary)
    try:
        return rule.interval(plan, *arms, plan.alpha / len(plan.treatments))[1]
    except DegenerateDataError:
        return None


def _judge(basis: Basis, guardrail: Guardrail, treatment: str, share: float) -> Judgement:
    plan, rule, samples = basis.plan, basis.rule, basis.samples
    control, treated = samples.compared(treatment, guardrail.metric)
    return judge(
        plan,
        rule,
        guardrail,
        control,
        treated,
        comparison=compare(plan, guardrail.metric, control, treated, treatment),
        measured=_smaller(samples.compared(treatment, plan.primary)),
        share=share,
        ready=rule.is_ready(plan, basis.look, min(len(control), len(treated))),
    )


def _smaller(arms: tuple[Sample, Sample]) -> int:
    return min(map(len, arms))


def _comparable(plan: Plan, samples: Samples) -> dict[str, int]:
    """Return how many units of every arm with a value of the primary metric are compared.

    Of a bandit, which starves the arms that look bad, the control and the arm it drew most.
    """
    treated = {
        item.name: len(samples.compared(item.name, plan.primary)[1]) for item in plan.treatments
    }
    if plan.bandit is not None:
        most = max(treated, key=treated.__getitem__)
        treated = {most: treated[most]}
    return {plan.control.name: len(samples.of(plan.control.name, plan.primary)), **treated}


def _count(arm: Arm, samples: Samples, primary: Metric) -> SampleCount:
    sample = samples.of(arm.variant, primary)
    exclusions = {**arm.exclusions, **sample.skipped}
    return SampleCount(
        assigned=arm.assigned,
        exposed=arm.exposed,
        completed=len(sample),
        trials=sum(is_closed(trial) for unit in arm.units for trial in unit.trials),
        excluded=sum(exclusions.values()),
        exclusions=exclusions,
    )
