"""Evidence on units that a bandit drew: by their values and by their draw, at once."""

import math
import random

import pytest
from tests.decide.making import DURATION, SUCCESS, plan, trial

from meta_experiment.decide import best_chances, quality
from meta_experiment.decide.analysis import analyze
from meta_experiment.decide.metrics import moving_shares
from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.units import arms_of
from meta_experiment.stats.randomization import Group, Part, log_e_of_groups
from meta_experiment.types import (
    Aim,
    Assignment,
    Bandit,
    Decision,
    Draw,
    ReasonCode,
    TrialStatus,
)

TURN = Draw((1, 1), 0)


def dice(seed):
    return random.Random(seed)  # noqa: S311


def chances_to_be_best(base, trials, ended):
    return best_chances.best_chances(base, best_chances.closed_values(base, trials), ended)


def bandit(*treatments, metric=DURATION, burn_in=5, **changes):
    moving = Bandit(Aim.FEW_BAD_USES, 0.05, burn_in)
    return plan(
        *treatments, assignment=Assignment.BANDIT, bandit=moving, primary=metric, **changes
    )


def drawn(variant, order, value, parts, *, metric="duration_seconds"):
    draw = TURN if parts is None else Draw(parts, 10)
    return trial(variant, order, metrics={metric: value}, draw=draw)


def seen(base, trials, **changes):
    return analyze(base, trials, experiment_id="x", as_of=2e9, started=None, **changes)


def chances_of(base, trials, name="b"):
    arms = arms_of(base, trials)
    names = tuple(item.name for item in base.variants)
    samples = (sample_of(arms[arm], base.primary) for arm in ("control", name))
    return moving_shares.chances(names, *samples)


def test_a_chance_is_that_among_the_two_arms_that_are_compared():
    base = bandit("b", "c")
    trials = [
        drawn("control", 20, 9.0, (2000, 3000, 5000)),
        drawn("b", 21, 8.0, (1000, 9000, 0)),
        drawn("c", 22, 5.0, (2000, 3000, 5000)),
    ]
    assert chances_of(base, trials).probabilities == (0.6, 0.9)
    assert chances_of(base, trials).treated == (0, 1)
    assert chances_of(base, trials, "c").probabilities == (5 / 7, 5 / 7)


def test_a_turn_is_one_draw_of_which_came_first():
    """Equal to the exact mean over both orders, when the evidence is worked out."""
    base = bandit("b")
    values = {"b": (9.0, 7.0), "control": (4.0, 5.0)}
    trials = [
        drawn(name, 2 * turn + at, values[name][turn], None)
        for turn in range(2)
        for at, name in enumerate(("b", "control"))
    ]
    found = chances_of(base, trials)
    assert (found.probabilities, found.treated) == ((0.5, 0.5), (1, 1))
    assert found.scores[0] == 0.0  # nothing was known before
    known = moving_shares._ArmsSoFar()
    for place, (treated, value) in enumerate(((1, 9.0), (0, 4.0))):
        known.add(moving_shares._PlacedUnit(place, treated, math.log(value), TURN))
    scores = [known.score(math.log(value)) for value in (7.0, 5.0)]
    assert scores[0] > 0 > scores[1]
    group = Group((1, 0), scores, ((Part(2, 1),),))
    alone = moving_shares.log_e_of_draws(found.probabilities, found.treated, found.scores, 1)
    assert alone == pytest.approx(log_e_of_groups([group], 1))


def test_a_score_does_not_know_the_arm_it_weighs():
    """Whichever arm a unit was of, its own score is the same; later ones may differ."""
    base = bandit("b")
    values = [9.0, 7.0, 5.0, 8.0, 6.5]
    turns = [drawn("control", 0, 8.0, None), drawn("b", 1, 6.0, None)]
    one, other = (
        chances_of(
            base,
            [
                *turns,
                *(
                    drawn(name, 2 + place, value, (5000, 5000))
                    for place, (name, value) in enumerate(zip(names, values, strict=True))
                ),
            ],
        ).scores
        for names in (("control", "b", "b", "b", "control"), ("control", "b", "b", "b", "b"))
    )
    assert one == other


def test_half_a_turn_tells_nothing_yet():
    assert chances_of(bandit("b"), [drawn("b", 0, 9.0, None)]).probabilities == ()


def test_units_that_no_bandit_drew_are_no_evidence():
    base = bandit("b", sample_size=10)
    trials = [
        trial(name, 2 * k + at, metrics={"duration_seconds": value * (1 + k / 100)})
        for k in range(40)
        for at, (name, value) in enumerate((("control", 40.0), ("b", 10.0)))
    ]
    analysis = seen(base, trials)
    assert analysis.decision is Decision.EXTEND
    assert analysis.primary.comparisons[0].sequential.e_promote == 1.0
    assert any("drawn elsewhere" in note for note in analysis.notes)
    apart = seen(plan("b"), trials)
    assert apart.decision is Decision.PROMOTE


def moving_with_time(count=400):
    """Arms that are alike, slow at first and quick later, when the treatment is drawn most."""
    rng = dice(4)
    trials = []
    for order in range(count):
        late = order >= count // 2
        parts = (1000, 9000) if late else (9000, 1000)
        name = "b" if rng.random() < parts[1] / 10_000 else "control"
        value = math.exp(rng.gauss(2.0 if late else 3.0, 0.3))
        trials.append(drawn(name, order + 10, value, parts))
    return trials


def test_a_drift_that_the_shares_follow_promotes_nothing():
    trials = moving_with_time()
    assert seen(plan("b"), trials).checks.srm.p_value > 0.001
    fooled = seen(plan("b"), trials).primary.comparisons[0].sequential
    assert fooled.e_promote > 1e6
    analysis = seen(bandit("b"), trials)
    found = analysis.primary.comparisons[0].sequential
    assert found.e_promote < 20
    assert analysis.decision is not Decision.PROMOTE
    assert found.interval.low <= 0  # it passes no change only when the evidence does


@pytest.mark.parametrize("metric", [DURATION, SUCCESS], ids=lambda item: item.name)
def test_a_better_arm_is_promoted_and_its_interval_says_so(metric):
    rng = dice(1)
    trials = []
    for order in range(200):
        parts = None if order < 10 else (3000, 7000)
        name = ("control", "b")[order % 2] if parts is None else rng.choices("cb", (3, 7))[0]
        name = "control" if name == "c" else name
        worth = 0.25 + 0.6 * (name == "b")
        if metric is DURATION:
            value = math.exp(rng.gauss(3.0 - worth, 0.4))
        else:
            value = float(rng.random() < worth)
        trials.append(drawn(name, order, value, parts, metric=metric.name))
    analysis = seen(bandit("b", metric=metric), trials)
    assert (analysis.decision, analysis.winner) == (Decision.PROMOTE, "b")
    assert analysis.primary.comparisons[0].sequential.interval.low > 0
    assert any("lean to the winner" in note for note in analysis.notes)


def test_the_ratio_of_the_arms_is_held_against_the_shares_in_force():
    base = bandit("b")
    fair = moving_with_time(300)
    check = quality.sample_ratio(base, arms_of(base, fair))
    assert check.ok
    assert check.expected["b"] == pytest.approx(0.5, abs=0.01)
    lost = [item for item in fair if item.variant == "control" or not item.order % 3]
    assert not quality.sample_ratio(base, arms_of(base, lost)).ok


def test_the_arms_that_a_bandit_starves_hold_nothing_up():
    base = bandit("b", "c", sample_size=10)
    counts = {"control": 12, "b": 30, "c": 4}
    trials = [
        drawn(name, 20 + 40 * place + k, 20.0 + k, (3000, 6000, 1000))
        for place, (name, count) in enumerate(counts.items())
        for k in range(count)
    ]
    analysis = seen(base, trials)
    assert analysis.readiness.ready
    assert analysis.readiness.smallest_arm == 12
    fewer = [item for item in trials if item.variant != "control" or item.order % 2]
    assert not seen(base, fewer).readiness.ready


def test_a_treatment_of_too_few_units_is_not_promoted():
    base = bandit("b", "c", sample_size=10)
    rng = dice(8)
    trials = []
    for order in range(15, 95):
        name = rng.choices(("control", "b"), (5, 5))[0]
        trials.append(drawn(name, order, rng.gauss(60, 2), (4500, 4500, 1000)))
    wins = [drawn("c", 100 + k, 3.0 + k / 10, (4500, 4500, 1000)) for k in range(9)]
    assert seen(base, trials + wins).winner is None
    more = [*wins, drawn("c", 120, 3.0, (4500, 4500, 1000))]
    found = seen(base, trials + more)
    assert found.reason_code is not ReasonCode.INSUFFICIENT_SAMPLES


def test_chances_follow_what_has_closed_and_leave_out_what_cannot_be_scored():
    base = bandit("b", "c")
    trials = [drawn("control", k, 9.0 + k / 9, None) for k in range(5)]
    trials += [drawn("b", 5 + k, 4.0 + k / 9, None) for k in range(5)]
    trials += [drawn("c", 10 + k, 7.0, None) for k in range(5)]
    chances = chances_to_be_best(base, trials, ())
    assert chances[2] is None  # all alike
    assert chances[1] > 0.99
    assert chances_to_be_best(base, trials[:6], ())[1] is None  # one value
    assert chances_to_be_best(base, trials, {"b"}) == [pytest.approx(1.0), None]
    assert chances_to_be_best(base, [], ()) == [None, None, None]


def test_a_rate_of_none_is_scored_as_any_other():
    base = bandit("b", metric=SUCCESS)
    trials = [drawn("control", k, float(k == 0), None, metric="success") for k in range(20)]
    trials += [drawn("b", 20 + k, 0.0, None, metric="success") for k in range(20)]
    control, none = chances_to_be_best(base, trials, ())
    assert 0.7 < control < 0.8
    assert none == pytest.approx(1 - control)


def test_trials_close_in_an_order_that_the_log_tells():
    open_still = trial("b", 3, status=None, closed_at=None)
    late = trial("b", 1, closed_at=1_800_000_000.0, status=TrialStatus.OK)
    early = trial("b", 2, closed_at=1_700_000_000.0, status=TrialStatus.OK)
    assert best_chances.closed_first([open_still, late, early]) == [early, late]


@pytest.mark.parametrize("alike", [("b",), ("b", "control")])
def test_values_that_do_not_vary_promote_nothing(alike):
    base = bandit("b")
    trials = [
        drawn(name, 20 + 2 * k + at, 9.0 if name in alike else 20.0 + k, (5000, 5000))
        for k in range(30)
        for at, name in enumerate(("control", "b"))
    ]
    analysis = seen(base, trials)
    if len(alike) == 2:
        assert analysis.reason_code is ReasonCode.DEGENERATE_DATA
    assert analysis.decision is not Decision.REJECT


def test_one_unit_is_no_evidence():
    analysis = seen(bandit("b"), [drawn("b", 0, 9.0, None)])
    assert analysis.decision is Decision.EXTEND
    assert analysis.primary.comparisons[0].error is not None


def test_an_arm_without_a_success_is_rejected_for_what_it_is():
    base = bandit("b", metric=SUCCESS)
    trials = [
        drawn(name, 20 + 2 * k + at, float(name == "control"), (5000, 5000), metric="success")
        for k in range(30)
        for at, name in enumerate(("control", "b"))
    ]
    analysis = seen(base, trials)
    assert analysis.decision is Decision.REJECT
    assert analysis.primary.comparisons[0].sequential.interval.high < 0
