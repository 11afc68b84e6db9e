"""Plans whose evidence is averaged with that of the draw."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decide.making import COST, SCORE, SUCCESS, look, plan, trial

from meta_experiment.assign.permuted_blocks import block_arm
from meta_experiment.decide.metrics import design_of
from meta_experiment.decide.metrics.robust import _LAYOUTS, _ROUND, rounds, units
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.errors import UsageError
from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.types import Assignment, Claim, Decision

ARMS = ("control", "b")
ROBUST = plan(robust=True)


def drawn(count, value, metric="duration_seconds", seed=5):
    """Return trials drawn as a plan draws them; value(arm, number) is measured."""
    made = []
    for place in range(count):
        arm = block_arm(2, seed, place)
        made.append(trial(ARMS[arm], place, metrics={metric: float(value(arm, place))}))
    return made


def test_constant_arms_decide():
    """A t says nothing of them, for ever."""
    made = drawn(20, lambda arm, _: (60, 30)[arm])
    assert look(plan(), made).decision is Decision.EXTEND
    found = look(ROBUST, made)
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
    (comparison,) = found.primary.comparisons
    assert comparison.effect.relative == pytest.approx(0.5)
    assert comparison.sequential.interval.low > 0
    assert comparison.p_value is None
    assert any("same shift of every unit" in note for note in found.notes)
    slower = look(ROBUST, drawn(20, lambda arm, _: (30, 60)[arm]))
    assert slower.decision is Decision.REJECT
    alike = look(ROBUST, drawn(40, lambda *_: 60))
    assert alike.decision is Decision.EXTEND


def test_wild_values_do_not_hide_what_the_ranks_show():
    rng = np.random.default_rng(3)

    def value(arm, _):
        wild = 10.0 if rng.random() < 0.1 else 1.0
        return rng.lognormal(0, 0.3) * (1.0, 0.6)[arm] * wild

    made = drawn(80, value)
    assert look(plan(), made).decision is not Decision.PROMOTE
    assert look(ROBUST, made).decision is Decision.PROMOTE


def test_success_is_weighed_by_the_draw_too():
    made = drawn(40, lambda arm, number: arm or number % 5 == 0, metric="success")
    plain, robust = (
        look(plan(primary=SUCCESS, robust=robust), made).primary.comparisons[0].sequential
        for robust in (False, True)
    )
    assert robust.e_promote != plain.e_promote
    assert "draw" in robust.rule


@pytest.mark.long
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**20), st.floats(0.4, 1.6), st.sampled_from(["log", "raw"]))
def test_a_promotion_is_where_the_interval_passes_the_null(seed, ratio, scale):
    rng = np.random.default_rng(seed)
    base = replace(ROBUST, primary=COST) if scale == "raw" else ROBUST
    made = drawn(40, lambda arm, _: rng.lognormal(3, 0.4) * (1, ratio)[arm], base.primary.name)
    evidence = look(base, made).primary.comparisons[0].sequential
    low, high = evidence.interval.low, evidence.interval.high
    assert (evidence.e_promote >= 20) == (low is not None and low > 0)
    assert (evidence.e_reject >= 20) == (high is not None and high < 0)


def test_the_claim_of_the_threshold_is_weighed_at_the_threshold():
    made = drawn(20, lambda arm, number: (60, 50)[arm] + number / 100)
    better = look(ROBUST, made)
    beyond = look(replace(ROBUST, claim=Claim.THRESHOLD, improvement_threshold=0.3), made)
    strengths = [item.primary.comparisons[0].sequential.e_promote for item in (better, beyond)]
    assert strengths[0] > 20 > strengths[1]


def test_the_layouts_are_those_that_are_drawn():
    """Every round of the sequence falls into blocks in one of the two ways, each as often."""
    seen = [0, 0]
    for seed in range(200):
        arms = [block_arm(2, seed, place) for place in range(_ROUND)]
        fits = []
        for layout in _LAYOUTS:
            start, good = 0, True
            for part in layout:
                good &= sum(arms[start : start + part.length]) == part.treated
                start += part.length
            fits.append(good)
        assert any(fits)
        if sum(fits) == 1:
            seen[fits.index(True)] += 1
    assert min(seen) > 0.35 * sum(seen)


def test_a_round_counts_when_it_is_over_and_what_is_missing_is_neutral():
    arm = [block_arm(2, 1, place) for place in range(25)]
    control, treatment = (
        [place for place in range(25) if arm[place] == which and place != 3] for which in (0, 1)
    )
    found = list(rounds(units(_sample(control), _sample(treatment))))
    assert [list(group.treated) for group in found[1:]] == [arm[10:20]], "two are over"
    assert found[0].scores[3] == found[0].treated[3] == 0
    assert found[0].scores[5] == 0, "the middle one of nine"
    assert list(found[1].scores) == sorted(found[1].scores) != [0.0] * 10


def test_units_of_one_place_tell_nothing():
    """Their order is not known, so that nothing is known of their draw."""
    same = Sample((1.0, 2.0), (1.0, 2.0), {}, ("a", "b"), (4, 4))
    assert units(same, _sample([5])) == units(_sample([]), _sample([5]))


def _sample(places):
    values = tuple(1.0 + place for place in places)
    return Sample(values, values, {}, tuple(map(str, places)), tuple(places))


def test_other_metrics_of_the_plan_are_weighed_as_ever():
    assert design_of(ROBUST, COST) is design_of(plan(), COST)


@pytest.mark.parametrize(
    "changes",
    [
        {"assignment": Assignment.EXTERNAL},
        {"assignment": Assignment.LEAST_USED},
        {"variants": (*ROBUST.variants, replace(ROBUST.variants[1], name="c"))},
    ],
)
def test_a_draw_that_is_not_known_is_refused(changes):
    document = plan_to_document(replace(ROBUST, **changes))
    with pytest.raises(UsageError, match="robust"):
        plan_from_document(document)
    assert plan_from_document(plan_to_document(ROBUST)) == ROBUST


def test_single_draws_are_weighed_by_their_shares():
    made = drawn(40, lambda arm, _: (60, 30)[arm])
    found = look(replace(ROBUST, assignment=Assignment.HASH), made)
    assert found.decision is Decision.PROMOTE


def test_an_end_that_is_near_no_change_lies_on_its_side():
    """A promotion's interval does not touch the null, however small what is shown."""
    made = drawn(20, lambda arm, _: (60, 59.99999)[arm])
    found = look(replace(ROBUST, improvement_threshold=0.0), made)
    assert found.decision is Decision.PROMOTE
    assert found.primary.comparisons[0].sequential.interval.low > 0


def test_values_without_a_ratio_are_weighed_as_ever():
    """Means at or below zero have no ratio whose nulls could be gone through."""
    rng = np.random.default_rng(4)
    made = drawn(40, lambda arm, _: rng.normal(-5, 1) * (1, 0.3)[arm], metric="score")
    plain, robust = (
        look(plan(primary=SCORE, robust=robust), made).primary.comparisons[0].sequential
        for robust in (False, True)
    )
    assert robust == plain
