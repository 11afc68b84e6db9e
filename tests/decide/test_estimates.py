"""What is told and compared is the effect that the evidence speaks of, in every place alike."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from tests.decide.making import COST, guardrail, look, plan, trial

from meta_experiment.decide.horizon import in_days
from meta_experiment.decide.telling.progress import best_estimate, leading, progress
from meta_experiment.stats.figures import described
from meta_experiment.types import EndedArm, ReasonCode

LENGTHS = {"control": 40.0, "b": 55.0}  # the draw gave the treatment the longer arguments


def drawn(factor, n=30, *, lengths=LENGTHS, treatments=("b",)):
    """Return units whose cost follows a covariate that differs between the arms by chance."""
    chance, made = random.Random(5), []  # noqa: S311
    for order in range(n):
        for place, variant in enumerate(("control", *treatments)):
            length = lengths[variant] + chance.uniform(-25.0, 25.0)
            cost = (length + chance.gauss(0.0, 2.0)) * (factor if variant == "b" else 1.0)
            cost += 0.0 if variant != "worse" else 4.0
            made.append(
                trial(
                    variant,
                    len(treatments) * 2 * order + place,
                    metrics={"cost_usd": cost, "success": 1.0},
                    covariates={"size": length},
                )
            )
    return made


PLAN = plan(primary=COST, covariates=("size",), improvement_threshold=0.15)


def test_the_sentence_names_the_effect_that_decides():
    """Not the plain one, which the threshold is not held against."""
    seen = look(PLAN, drawn(0.72))
    comparison = seen.primary.comparisons[0]
    assert comparison.effect.relative < 0.05
    assert comparison.adjusted.effect.relative > 0.25
    assert f"b is {100 * comparison.adjusted.effect.relative:.3g}% better" in seen.reason
    assert best_estimate(seen) == comparison.adjusted.effect.relative


def test_what_a_promotion_must_stand_is_held_against_the_same_effect():
    """One dear unit undoes nothing here, though the plain effect is below the threshold."""
    assert look(PLAN, drawn(0.72, 200)).reason_code is ReasonCode.TREATMENT_BETTER


def test_a_guardrail_speaks_of_the_same_effect():
    """What the draw alone made dearer is not said of the treatment."""
    (held,) = look(replace(PLAN, guardrails=(guardrail(COST),)), drawn(0.9)).guardrails
    assert held.comparison.effect.relative < -0.1
    assert f"is {described(held.comparison.estimate.relative)}; " in held.reason


@pytest.mark.parametrize("ended", [(), ("b",), ("b", "worse")])
def test_what_leads_is_an_arm_that_goes_on(ended):
    """Else the best of all, so that a rejection has its effect."""
    lengths = LENGTHS | {"worse": 40.0}
    made = drawn(0.5, lengths=lengths, treatments=("b", "worse"))
    arms = tuple(EndedArm(name, 1.0, None, "by hand") for name in ended)
    seen = look(plan("b", "worse", primary=COST), made, ended=arms)
    assert leading(seen).treatment == ("worse" if ended == ("b",) else "b")


def test_only_covariates_are_said_to_tell_nothing():
    """Not the column that says where one is missing, in a comparison where none is."""
    made = drawn(0.9, lengths=LENGTHS | {"worse": 40.0}, treatments=("b", "worse"))
    gone = [replace(item, covariates={}) if item.variant == "b" else item for item in made[:60]]
    seen = look(plan("b", "worse", primary=COST, covariates=("size",)), [*gone, *made[60:]])
    assert "size missing" in seen.primary.comparisons[1].adjusted.dropped
    assert not any("tells nothing" in note for note in seen.notes)


def test_long_times_have_no_tenths_of_days():
    """A forecast of a year is not right to two hours."""
    assert [in_days(days) for days in (0.25, 3.33, 373.8)] == ["0.25", "3.3", "374"]


def test_an_arm_that_has_ended_is_not_on_its_way_to_a_decision():
    """However good it looks, it is not promoted: the forecast is of the others."""
    made = drawn(0.5, lengths=LENGTHS | {"worse": 40.0}, treatments=("b", "worse"))
    chosen = plan("b", "worse", primary=COST, improvement_threshold=0.05)
    seen = look(chosen, made, ended=(EndedArm("b", 1.0, None, "by hand"),))
    assert seen.primary.comparisons[0].sequential.e_promote > 20
    assert progress(chosen, seen).fraction < 0.5
    assert progress(chosen, seen).units_to_go is None
