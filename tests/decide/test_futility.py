"""Runs on cases end where those to come could hardly bring a promotion."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from tests.decide.making import SUCCESS, look
from tests.decide.test_paired import case_plan, cases

from meta_experiment.decide.futility import ended_if_futile
from meta_experiment.stats.mixed_prior import log_e_mixed
from meta_experiment.types import Decision, ReasonCode, Stopping

RNG = np.random.default_rng(7)
BASE = np.exp(RNG.normal(4, 1, 16))
NOISE = RNG.normal(0, 0.4, 16)
NOISE -= NOISE.mean()


def after(shift, *, spread=1.0, seen=16, all_cases=40, done=None, treatments=("b",), **changes):
    """Analyse so many cases of a schedule, the treatment's logs being shifted."""
    arms = {name: (BASE * np.exp(spread * NOISE + shift))[:seen] for name in treatments}
    made = case_plan(*treatments, **changes)
    found = look(made, cases(control=BASE[:seen], **arms))
    done = seen / all_cases if done is None else done
    return ended_if_futile(made, found, cases=all_cases, done=done)


def outcome(analysis):
    return analysis.decision, analysis.reason_code


FUTILE = (Decision.INCONCLUSIVE, ReasonCode.FUTILE)
OPEN = (Decision.EXTEND, ReasonCode.EVIDENCE_INSUFFICIENT)


def test_arms_alike_end_and_say_why():
    found = after(0.0)
    assert outcome(found) == FUTILE
    assert "not enough evidence" in found.reason
    assert "plausible after 16 cases, all 40 would end at an e-value of" in found.reason


@pytest.mark.parametrize("shift", [0.2, 0.4])
def test_what_looks_worse_ends(shift):
    assert outcome(after(shift, spread=3.0)) == FUTILE


def test_what_may_still_decide_goes_on():
    assert outcome(after(-0.2)) == OPEN
    assert outcome(after(0.0, all_cases=500)) == OPEN
    assert outcome(after(0.0, seen=9)) == (Decision.EXTEND, ReasonCode.INSUFFICIENT_SAMPLES)


def test_the_bound_is_that_of_a_single_look():
    """By hand: the effect of those seen, the rest at its 95% bound; the e-value on the edge."""
    size, edges = -NOISE.std(ddof=1), []
    for shift in np.linspace(-0.3, 0.0, 13):
        seen = shift / size  # better is less
        end = 0.4 * seen + 0.6 * (seen + stats.t.isf(0.05, 15) / 4)
        promising = log_e_mixed(end * math.sqrt(40), 39, 40) >= math.log(20)
        assert (outcome(after(shift))[1] is not ReasonCode.FUTILE) == promising
        edges.append(promising)
    assert any(edges)
    assert not all(edges)


def test_repeats_to_come_may_narrow_the_spread():
    """All cases were seen once, of five times: chance within a case may be all there is."""
    assert outcome(after(-0.1, all_cases=16, done=0.2)) == OPEN
    assert outcome(after(-0.1, all_cases=16, done=0.9)) == FUTILE


def test_at_the_end_of_the_schedule_nothing_changes():
    assert outcome(after(0.0, all_cases=16)) == OPEN


def test_a_decision_stands():
    assert after(-1.0).decision is Decision.PROMOTE


def test_as_long_as_one_treatment_may_win_all_go_on():
    made = case_plan("b", "c")
    good, bad = (BASE * np.exp(NOISE + shift) for shift in (-0.2, 0.1))
    for other, expected in ((good, OPEN), (bad, FUTILE)):
        found = look(made, cases(control=BASE, b=bad, c=other))
        assert outcome(ended_if_futile(made, found, cases=40, done=0.4)) == expected


def test_proof_of_equivalence_and_a_single_look_are_waited_for():
    assert after(0.0, equivalence_margin=0.1).reason_code is not ReasonCode.FUTILE
    fixed = after(0.0, stopping=Stopping.FIXED, sample_size=20)
    assert fixed.reason_code is not ReasonCode.FUTILE


def test_rates_end_likewise():
    made = case_plan(primary=SUCCESS)
    arms = {"control": [0, 1] * 8, "b": [1, 0, 0, 1] * 4}
    found = look(made, cases("success", **arms))
    assert outcome(ended_if_futile(made, found, cases=40, done=0.4)) == FUTILE
    assert ended_if_futile(made, found, cases=400, done=0.04) == found


def test_what_carries_no_evidence_is_left_as_it_is():
    made = case_plan()
    found = look(made, cases(control=BASE, b=BASE))
    assert found.reason_code is ReasonCode.DEGENERATE_DATA
    assert ended_if_futile(made, found, cases=40, done=0.4) == found
