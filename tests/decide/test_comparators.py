"""Arms that are compared alone: the decision is the same with them and without."""

from dataclasses import replace

import pytest
from tests.decide.making import COST, DURATION, guardrail, look, plan
from tests.decide.test_paired import cases

from meta_experiment.decide.analysis import analyze
from meta_experiment.errors import UsageError
from meta_experiment.model.plan_checks import check_plan
from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.render.report import report
from meta_experiment.render.style import Style
from meta_experiment.render.writers import write
from meta_experiment.types import (
    Comparator,
    Decision,
    Experiment,
    Status,
    Stopping,
    Unit,
    Variant,
)
from meta_experiment.types.results.examination import Examination

PLACEBO = Variant("placebo", comparator=Comparator.PLACEBO)
AGAIN = Variant("aa", comparator=Comparator.AA)
SLOW = [40.0 + 3 * n + n * n % 5 for n in range(14)]
FAST = [0.7 * value + n % 3 for n, value in enumerate(SLOW)]
LONG = [1.2 * value + n % 4 for n, value in enumerate(SLOW)]
SAME = [value + (-1) ** n for n, value in enumerate(SLOW)]


def planned(*beside, **changes):
    alone = plan(unit=Unit.CASE, guardrails=(guardrail(COST),), **changes)
    return replace(alone, variants=(*alone.variants, *beside))


@pytest.mark.parametrize("stopping", Stopping)
@pytest.mark.parametrize("treated", [FAST, LONG, SAME])
def test_the_decision_is_that_of_the_other_arms_alone(stopping, treated):
    """Also of its evidence, its bars and its readiness: no α is shared."""
    own = cases(control=SLOW, b=treated)
    more = cases(placebo=LONG[:9], aa=SAME, first=5000)
    alone = look(planned(stopping=stopping), own)
    beside = look(planned(PLACEBO, AGAIN, stopping=stopping), [*more, *own])
    assert {item.treatment for item in beside.comparators} == {"placebo", "aa", "b"}
    variants = {name: beside.primary.variants[name] for name in ("control", "b")}
    assert set(beside.primary.variants) == {"control", "b", "placebo", "aa"}
    primary = replace(beside.primary, variants=variants)
    assert replace(beside, comparators=(), primary=primary) == alone


def test_even_the_best_of_all_is_never_promoted():
    found = look(planned(PLACEBO, AGAIN), cases(control=SLOW, b=SAME, placebo=FAST, aa=FAST))
    assert found.decision is not Decision.PROMOTE
    assert found.winner is None


def test_a_treatment_is_held_against_its_placebo_and_all_against_the_control():
    made = cases(control=SLOW, b=FAST, placebo=LONG, aa=SAME)
    found = look(planned(PLACEBO, AGAIN), made)
    pairs = [(item.comparator, item.control, item.treatment) for item in found.comparators]
    assert pairs == [
        (Comparator.PLACEBO, "control", "placebo"),
        (Comparator.PLACEBO, "placebo", "b"),
        (Comparator.AA, "control", "aa"),
    ]
    assert {len(item.results) for item in found.comparators} == {2}
    length, words, noise = (item.results[0].comparisons[0] for item in found.comparators)
    assert length.effect.relative < -0.1
    assert words.effect.relative > found.primary.comparisons[0].effect.relative
    assert abs(noise.effect.relative) < 0.02
    assert words.sequential.e_promote > 20
    experiment = Experiment("exp-1", planned(PLACEBO, AGAIN), "0", Status.RUNNING, 0.0, {})
    text = write("text", report(Examination(experiment, found, (), (), None)), Style())
    assert "Compared alone" in text
    assert "b against placebo" in text
    assert "aa is the control once more" in text


def test_a_plan_keeps_them():
    whole = planned(PLACEBO, AGAIN, primary=DURATION)
    assert plan_from_document(plan_to_document(whole)) == whole
    assert "comparator" not in str(plan_to_document(planned()))


@pytest.mark.parametrize(
    ("variants", "unit", "why"),
    [
        ((Variant("control"), Variant("b"), AGAIN), Unit.SESSION, "compared alone"),
        ((Variant("control"), AGAIN), Unit.CASE, "a treatment beside it"),
        ((AGAIN, Variant("b")), Unit.CASE, "a control first"),
        ((Variant("control"), Variant("b"), Variant("c"), PLACEBO), Unit.CASE, "one treatment"),
        (
            (Variant("control"), Variant("b"), AGAIN, replace(AGAIN, name="a2")),
            Unit.CASE,
            "enough",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(variants, unit, why):
    with pytest.raises(UsageError, match=why):
        check_plan(replace(plan(), variants=variants, unit=unit))


def test_looked_at_through_the_front_door():
    found = analyze(
        planned(AGAIN), cases(control=SLOW, b=FAST), experiment_id="e", as_of=0.0, started=None
    )
    assert found.comparators[0].results[0].comparisons[0].error
