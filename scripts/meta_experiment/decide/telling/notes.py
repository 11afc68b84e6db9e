"""Notes that a reader needs to read an analysis rightly, one sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.decide.effect_drift import drift_note
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.sample import MISSING, NOT_POSITIVE
from meta_experiment.decide.safety import safety_metrics
from meta_experiment.decide.samples import Samples, sample_of
from meta_experiment.decide.scale import effect
from meta_experiment.decide.treatment_state import VerdictInput
from meta_experiment.decide.units import was_cut_short
from meta_experiment.decide.verdict import Verdict
from meta_experiment.stats.figures import chosen, described
from meta_experiment.types import (
    AlertKind,
    Decision,
    Direction,
    GuardrailState,
    Plan,
    Trial,
    Unit,
)

_ERRS_UP_TO = 0.12  # of experiments on alike arms, by simulation: docs/error-rates.md


def notes(
    inputs: VerdictInput, decided: Verdict, samples: Samples, trials: Sequence[Trial]
) -> Iterator[str]:
    """Yield the notes of an analysis."""
    yield from _on_the_rule(inputs)
    yield from _on_the_look(inputs, samples)
    yield from _on_the_comparisons(inputs, samples)
    yield from _on_the_bandit(inputs.plan, samples)
    yield from _on_the_ramp(inputs.plan)
    yield from _on_the_covariates(inputs, samples)
    yield from _on_the_threshold(inputs, samples)
    if inputs.plan.unit is Unit.CASE:
        yield from _on_the_cases(inputs, samples)
    yield from _on_the_trials(inputs, samples, trials)
    yield from _on_the_decision(inputs, decided)
    yield from _strata(inputs, samples)
    yield from _drift(inputs.plan, samples)


def _drift(plan: Plan, samples: Samples) -> Iterator[str]:
    if not family_of(plan.primary).compares_means or plan.moves_shares:
        return  # by moving shares early and late units are of other arms
    for item in plan.treatments:
        control, treated = samples.compared(item.name, plan.primary)
        weights = (plan.control.weight, item.weight)
        note = drift_note(control, treated, plan.primary, item.name, weights)
        if note is not None:
            yield note


def _on_the_rule(inputs: VerdictInput) -> Iterator[str]:
    plan, words = inputs.plan, inputs.rule.words
    yield words.reading(plan, inputs.readiness.ready)
    if words.one_look and any(it.comparison.p_value is not None for it in inputs.states):
        yield words.one_look
    if len(plan.treatments) > 1:
        yield (
            f"{len(plan.treatments)} treatments are tried at once, corrected by "
            f"{words.correction}."
        )
    for name in sorted({*plan.safety_metrics} - {item.name for item in safety_metrics(plan)}):
        yield f"The safety metric {name} is no metric of the plan, so it is not watched."
    for name in sorted({*plan.acting_alerts} - {kind.value for kind in AlertKind}):
        yield f"There is no alert named {name}, so it cannot act."


def _on_the_look(inputs: VerdictInput, samples: Samples) -> Iterator[str]:
    """Say that a look holds more than the first units, where these are not known."""
    plan, most = inputs.plan, max(arm.assigned for arm in samples.arms.values())
    if not inputs.rule.extendable and inputs.readiness.ready and most > plan.sample_size:
        yield (
            "Units that were imported, or recorded at once, came in no order that is known: "
            f"the look is at all of them, up to {most} an arm, and more would change it."
        )


def _on_the_comparisons(inputs: VerdictInput, samples: Samples) -> Iterator[str]:
    plan, family = inputs.plan, family_of(inputs.plan.primary)
    for state in inputs.states:
        arms = samples.compared(state.treatment, plan.primary)
        for note in family.notes(plan, state.comparison, *arms):
            yield f"{state.treatment}: {note}"
        if plan.robust and not state.comparison.error and state.comparison.test == "none":
            yield (
                f"{state.treatment}: the values of the arms do not vary, so that the interval "
                "speaks of one and the same shift of every unit; of a mean it says nothing."
            )


def _on_the_bandit(plan: Plan, samples: Samples) -> Iterator[str]:
    """Say how to read estimates of units that were drawn by what was seen before."""
    if plan.bandit is None:
        return
    yield (
        "A bandit drew the units, so that the estimates lean to the winner: an arm that was "
        "unlucky early is drawn less and keeps that luck. Read the always-valid interval; a "
        "plain test on these units errs more often than it says, at 5% in up to "
        f"{_ERRS_UP_TO:.0%}."
    )
    yield from _drawn_elsewhere(samples)


def _on_the_ramp(plan: Plan) -> Iterator[str]:
    """Say how to read estimates of arms whose units came at different times."""
    if plan.ramp is None:
        return
    if family_of(plan.primary).takes_covariates:
        how = "What is decided on is compared at equal shares, the means of the arms are not."
    else:
        how = (
            "The evidence rests on each unit's chance; the rates of the arms are pooled, and "
            "differ by what changed in time as well."
        )
    yield (
        "On a ramp the treatments have more of the later units than of the earlier ones. " + how
    )


def _drawn_elsewhere(samples: Samples) -> Iterator[str]:
    arms = samples.arms.values()
    unknown = sum(unit.exposed and unit.draw is None for arm in arms for unit in arm.units)
    if unknown:
        yield (
            f"{unknown} units were drawn elsewhere: how is not on record, so that they are "
            "in the means and in no evidence of the draw."
        )


def _on_the_covariates(inputs: VerdictInput, samples: Samples) -> Iterator[str]:
    """Say why the covariates of the plan change nothing, or which of them do not."""
    plan = inputs.plan
    if not plan.covariates:
        return
    if not samples.covariates(plan.primary):
        kind = "eval cases are" if plan.unit is Unit.CASE else f"{plan.primary.name} is"
        yield f"The plan names covariates, and {kind} compared without: they serve means."
        return
    for state in inputs.states:
        found = state.comparison.adjusted
        if found is None and state.comparison.error is None:
            yield (
                f"{state.treatment}: compared without covariates, as none of them varies or "
                "there are too few units yet."
            )
        told = (name for name in found.dropped if not name.endswith(MISSING)) if found else ()
        for name in told:
            yield f"{state.treatment}: the covariate {name} tells nothing beside the others."


def _on_the_threshold(inputs: VerdictInput, samples: Samples) -> Iterator[str]:
    plan, primary = inputs.plan, inputs.plan.primary
    control = samples.of(plan.control.name, primary)
    centre = control.centre if len(control) else 0.0
    room = family_of(primary).largest_improvement(centre, primary.direction)
    if primary.direction is Direction.HIGHER and room < plan.improvement_threshold:
        yield (
            f"{plan.control.name} is at {centre:.0%}, so that at most "
            f"{described(room)} is possible: the threshold of "
            f"{chosen(plan.improvement_threshold)} cannot be reached."
        )


def _on_the_cases(inputs: VerdictInput, samples: Samples) -> Iterator[str]:
    plan, metric = inputs.plan, inputs.plan.primary
    if family_of(metric).compares_means:
        yield (
            f"{metric.name} is compared case by case: one difference per case, however often "
            "it was run."
        )
    yield from inputs.rule.words.on_cases(plan)
    for item in plan.treatments:
        shared = len(samples.compared(item.name, metric)[0])
        alone = {
            name: len(samples.of(name, metric)) - shared
            for name in (plan.control.name, item.name)
        }
        if any(alone.values()):
            counts = " and ".join(f"{count} in {name}" for name, count in alone.items())
            yield (
                f"Cases with {metric.name} in one arm only are not compared: {counts}; "
                f"{shared} are measured in both."
            )


def _on_the_trials(
    inputs: VerdictInput, samples: Samples, trials: Sequence[Trial]
) -> Iterator[str]:
    plan = inputs.plan
    counted = [trial for arm in samples.arms.values() for trial in arm.trials]
    cut = sum(map(was_cut_short, counted))
    if cut:
        yield (
            f"{cut} of {len(counted)} trials were cut short; they count with their value so "
            "far, and a promotion must also hold with four times that value."
        )
    lost = sum(
        samples.of(item.name, plan.primary).skipped.get(NOT_POSITIVE, 0)
        for item in plan.variants
    )
    if lost:
        yield (
            f"{lost} values of {plan.primary.name} are zero or negative and have no "
            "logarithm; they are left out. Use the raw scale if they are real."
        )
    strangers = {item.variant for item in trials} - {item.name for item in plan.variants}
    if strangers:
        names = ", ".join(sorted(strangers))
        yield f"Trials of variants the plan does not name are left out: {names}."


def _on_the_decision(inputs: VerdictInput, decided: Verdict) -> Iterator[str]:
    if decided.decision is not Decision.PROMOTE:
        return
    if inputs.rule.words.on_promotion is not None:
        yield inputs.rule.words.on_promotion
    winner = next(item for item in inputs.states if item.treatment == decided.winner)
    doubtful = [
        item.result.metric
        for item in winner.guardrails
        if item.result.state is GuardrailState.UNDETERMINED
    ]
    if doubtful:
        yield (
            f"Not proven harmless: {', '.join(doubtful)}. More harm than the plan tolerates "
            "is not ruled out there; mark such a guardrail as required to demand proof."
        )


def _strata(inputs: VerdictInput, samples: Samples) -> Iterator[str]:
    """Show the primary effect within each model that enough units of both arms ran on."""
    plan = inputs.plan
    models = sorted(
        {
            trial.fingerprint["model"]
            for arm in samples.arms.values()
            for trial in arm.trials
            if "model" in trial.fingerprint
        }
    )
    if len(models) < 2:
        return
    for item in plan.treatments:
        parts = [
            part
            for model in models
            if (part := _stratum(inputs, samples, item.name, model)) is not None
        ]
        if parts:
            yield f"By model, {item.name} on {plan.primary.name}: {'; '.join(parts)}."


def _stratum(inputs: VerdictInput, samples: Samples, treatment: str, model: str) -> str | None:
    plan = inputs.plan
    control, treated = samples.match(
        *(
            sample_of(samples.arms[name].having("model", model), plan.primary)
            for name in (plan.control.name, treatment)
        )
    )
    if min(len(control), len(treated)) < plan.sample_size:
        return None
    seen = effect(control.centre, treated.centre, plan.primary)
    return f"{model} {described(seen.relative)} ({len(control)} and {len(treated)} units)"
