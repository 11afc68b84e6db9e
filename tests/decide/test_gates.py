"""The gates apply in their order, each with its stable reason."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from scipy import stats
from tests.decide.making import (
    COST,
    DAY,
    DURATION,
    SCORE,
    START,
    TOKENS,
    guardrail,
    look,
    plan,
    spread,
    trial,
    trials,
)

from meta_experiment.decide.horizon import stands_until
from meta_experiment.decide.opening import opens_at
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.samples import Samples
from meta_experiment.decide.telling.outlook import outlook
from meta_experiment.decide.units import arms_of
from meta_experiment.model.metrics import describe
from meta_experiment.types import (
    Claim,
    Decision,
    EndedArm,
    GuardrailState,
    Metric,
    MetricKind,
    ReasonCode,
    Scale,
    Stopping,
    TrialStatus,
    Variant,
)
from meta_experiment.types.trial import EARLIER, GATED
from meta_experiment.types.vocabulary import Direction, Unit

FAST, SLOW = spread(30, 40), spread(90, 40)
BASE = spread(60, 40)


def outcome(analysis):
    return analysis.decision, analysis.reason_code


def with_tokens(made, factor):
    """Add output tokens to trials, multiplied in the treatment."""
    return [
        replace(
            item,
            metrics={
                **item.metrics,
                "output_tokens": (1000 + 40 * (item.order // 2 % 5))
                * (factor if item.variant == "b" else 1),
            },
        )
        for item in made
    ]


def test_a_clear_improvement_is_promoted():
    """Half the time over 40 units an arm is promoted, with the winner's name and numbers."""
    found = look(plan(), trials(control=BASE, b=FAST))
    assert outcome(found) == (Decision.PROMOTE, ReasonCode.TREATMENT_BETTER)
    assert found.winner == "b"
    assert "b is 50% better than control on duration_seconds" in found.reason


def test_a_clear_regression_is_rejected():
    """Half as slow again is rejected on the primary metric, or as harm, with no winner."""
    found = look(plan(), trials(control=BASE, b=SLOW))
    assert found.decision is Decision.REJECT
    assert found.reason_code in (ReasonCode.TREATMENT_WORSE, ReasonCode.SAFETY_HARM)
    assert found.winner is None


@pytest.mark.long
@pytest.mark.parametrize("side", ["e_promote", "e_reject"])
def test_an_action_needs_evidence_of_one_over_its_share_of_alpha(side):
    """A promotion 1/α; a rejection for the primary metric 3/(2α), errors having the rest."""
    step, bar = (-0.001, 20) if side == "e_promote" else (0.001, 30)
    for factor in itertools.count(1.0, step):
        found = look(
            plan(improvement_threshold=0.0), trials(control=BASE, b=[factor * x for x in BASE])
        )
        e = getattr(found.primary.comparisons[0].sequential, side)
        acted = found.decision in (Decision.PROMOTE, Decision.REJECT)
        assert acted is (e >= bar)
        if e > bar + 5:
            break
    expected = ReasonCode.TREATMENT_BETTER if bar == 20 else ReasonCode.TREATMENT_WORSE
    assert found.reason_code is expected


def test_no_trials_is_no_data():
    """An experiment without trials says so."""
    assert outcome(look(plan(), [])) == (Decision.EXTEND, ReasonCode.NO_DATA)


@pytest.mark.parametrize("unit", [Unit.SESSION, Unit.CASE])
def test_a_quantile_opens_no_sooner_than_it_can_be_told(unit):
    """Its own minimum is what is waited for and spoken of, not that of the plan."""
    tail = describe("duration_seconds.p90")
    made = plan(primary=tail, unit=unit, sample_size=10)
    least = {Unit.SESSION: 64, Unit.CASE: 57}[unit]
    assert opens_at(made) == least
    values = [10.0 + n for n in range(20)]
    found = look(made, trials(control=values, b=values))
    assert found.readiness.needed_per_arm == least
    assert f"from {least} units per arm" in rule_of(made).words.terms(made)
    assert outlook(made).reach[0].units == least
    assert opens_at(plan(sample_size=12)) == 12


def test_too_few_units_open_no_decision_however_clear():
    """Nine units an arm do not open a promotion that ten would."""
    nine = trials(control=BASE[:9], b=[x / 5 for x in BASE[:9]])
    assert outcome(look(plan(), nine)) == (Decision.EXTEND, ReasonCode.INSUFFICIENT_SAMPLES)
    ten = trials(control=BASE[:10], b=[x / 5 for x in BASE[:10]])
    assert look(plan(), ten).decision is Decision.PROMOTE


def test_readiness_counts_the_smallest_arm():
    """Forty units of one arm do not make up for nine of the other."""
    found = look(plan(), trials(control=BASE, b=FAST[:9]))
    assert not found.readiness.ready
    assert found.readiness.smallest_arm == 9


def test_harm_acts_before_readiness():
    """Six units ten times as slow are rolled back although ten are needed for anything else."""
    made = trials(control=BASE[:6], b=[10 * x for x in BASE[:6]])
    found = look(plan(), made)
    assert not found.readiness.ready
    assert outcome(found) == (Decision.REJECT, ReasonCode.SAFETY_HARM)


def test_harm_needs_three_pairs():
    """Two pairs never roll back, whatever they show."""
    made = trials(control=[60, 60.001], b=[6e6, 6.1e6])
    assert look(plan(), made).decision is Decision.EXTEND


def test_harm_is_seen_on_the_error_rate_of_the_statuses():
    """Errors roll back though the primary metric is as good as ever, under `fixed` too."""
    made = [
        trial(
            name,
            2 * i + j,
            status=TrialStatus.ERROR if name == "b" else TrialStatus.OK,
            metrics={"duration_seconds": BASE[i]},
        )
        for i in range(9)
        for j, name in enumerate(("control", "b"))
    ]
    for stopping in Stopping:
        found = look(plan(stopping=stopping), made)
        assert outcome(found) == (Decision.REJECT, ReasonCode.SAFETY_HARM)
        assert "error_rate" in found.reason


def test_the_bar_of_harm_rises_with_what_else_may_reject():
    """Harm just past 30 acts with the default metrics and not with one more."""
    extra = Metric("tool_errors", MetricKind.COUNT, Direction.LOWER, Scale.RAW)
    short = BASE[:8]
    for slower in itertools.count(1.1, 0.01):
        made = trials(control=short, b=[slower * x for x in short])
        found = look(plan(), made)
        if found.decision is Decision.REJECT:
            break
    e = found.primary.comparisons[0].sequential.e_reject
    assert 30 <= e < 40
    more = plan(secondary=(extra,), safety_metrics=("tool_errors",))
    assert look(more, made).decision is Decision.EXTEND
    assert look(plan(guardrails=(guardrail(),)), made).decision is Decision.EXTEND


def test_arms_of_the_wrong_size_block_any_promotion():
    """Forty against fourteen units do not come from equal shares."""
    found = look(plan(), trials(control=BASE, b=FAST[:12]))
    assert outcome(found) == (Decision.EXTEND, ReasonCode.SAMPLE_RATIO_MISMATCH)


def test_treatments_cut_short_more_often_block():
    """A third of the treatment's trials interrupted, none of the control's: not comparable."""
    made = [
        replace(item, status=TrialStatus.INTERRUPTED)
        if item.variant == "b" and item.order % 3 == 0
        else item
        for item in trials(control=BASE * 2, b=FAST * 2)
    ]
    found = look(plan(), made)
    assert outcome(found) == (Decision.EXTEND, ReasonCode.ATTRITION_DIFFERS)


def test_controls_cut_short_more_often_do_not_block():
    """A faster treatment is interrupted less often; that is no reason to doubt it."""
    made = [
        replace(item, status=TrialStatus.INTERRUPTED)
        if item.variant == "control" and item.order % 3 == 0
        else item
        for item in trials(control=BASE * 2, b=FAST * 2)
    ]
    assert look(plan(), made).decision is Decision.PROMOTE


@pytest.mark.parametrize("loser", ["control", "b"])
def test_values_that_go_missing_in_one_arm_block(loser):
    """A third of one arm's trials closed without the metric: what is left is a selection."""
    made = [
        replace(item, metrics={}) if item.variant == loser and item.order % 3 == 0 else item
        for item in trials(control=BASE * 2, b=FAST * 2)
    ]
    assert look(plan(), made).reason_code is ReasonCode.ATTRITION_DIFFERS


@pytest.mark.parametrize("loser", ["control", "b"])
def test_exclusions_in_one_arm_block(loser):
    """A third of one arm's trials left out, as without an answer: the rest is a selection."""
    made = [
        replace(item, metrics={}, status=None, closed_at=None, excluded="no_answer")
        if item.variant == loser and item.order % 3 == 0
        else item
        for item in trials(control=BASE * 2, b=FAST * 2)
    ]
    found = look(plan(), made)
    assert outcome(found) == (Decision.EXTEND, ReasonCode.ATTRITION_DIFFERS)
    lost = sum(item.excluded is not None for item in made)
    assert found.checks.attrition.lost[loser] == lost
    assert found.checks.attrition.exposed == {"control": len(BASE) * 2, "b": len(FAST) * 2}


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (GATED, ReasonCode.TREATMENT_BETTER),
        (EARLIER, ReasonCode.TREATMENT_BETTER),
        ("by hand", ReasonCode.ATTRITION_DIFFERS),
    ],
)
def test_a_trial_that_was_not_drawn_for_an_experiment_is_no_loss_of_its_arm(reason, code):
    """Outside of its dates all runs of a workflow get the control: one arm alone has them."""
    others = [replace(trial("control", -40 + number), excluded=reason) for number in range(40)]
    found = look(plan(), others + trials(control=BASE, b=FAST))
    assert found.reason_code is code


def test_exclusions_in_both_arms_alike_do_not_block():
    """A third of either arm left out says nothing of the treatment."""
    made = [
        replace(item, metrics={}, status=None, closed_at=None, excluded="transcript_missing")
        if item.order % 6 < 2
        else item
        for item in trials(control=BASE * 2, b=FAST * 2)
    ]
    assert look(plan(), made).decision is Decision.PROMOTE


def test_units_seen_in_two_variants_are_no_loss_of_either():
    """They are left out of both arms at once, so that they cannot tell one from the other."""
    made = trials(control=BASE * 2, b=FAST * 2)
    made += [
        trial(name, 500 + number, unit=f"both{number}", metrics={"duration_seconds": 50.0})
        for number in range(20)
        for name in ("control", "b")
    ]
    found = look(plan(), made)
    assert found.samples["b"].excluded == 20
    assert set(found.checks.attrition.lost.values()) == {0}


def test_a_trial_that_is_rated_while_it_is_open_is_not_lost():
    """Its duration is yet to come; after a day without it, it is."""
    rated = trial("b", 100, status=None, metrics={"rating": 4.0}, assigned_at=START + 3600)
    made = [*trials(control=BASE, b=FAST), rated]
    assert look(plan(), made, days=0.5).checks.attrition.lost["b"] == 0
    assert look(plan(), made, days=2).checks.attrition.lost["b"] == 1


@pytest.mark.parametrize(
    ("open_trials", "as_of", "until"),
    [
        ([], 0.0, 14.0),
        ([], 14.0, None),
        ([2.0, 1.0], 1.5, 2.0),
        ([2.0, 1.0], 2.0, 3.0),
        ([2.0, 1.0], 3.0, 14.0),
    ],
)
def test_it_is_known_how_long_an_analysis_stands_by_itself(open_trials, as_of, until):
    """Until the next open trial is given up, a day after it began, or the days are over."""
    made = [
        *trials(control=BASE, b=FAST),
        *(trial("b", 100, status=None, assigned_at=START + day * DAY) for day in open_trials),
        trial("b", 101, status=None, exposed=False, excluded="no_answer"),
    ]
    found = stands_until(plan(), made, START + as_of * DAY, START)
    assert found == (None if until is None else START + until * DAY)
    assert stands_until(plan(), made[:10], START, None) is None


def test_unconfirmed_exposure_blocks():
    """When a third of the assigned units never got their variant nothing is decided."""
    made = [replace(item, exposed=item.order % 6 > 1) for item in trials(control=BASE, b=FAST)]
    assert look(plan(), made).reason_code is ReasonCode.EXPOSURE_UNCONFIRMED


def test_constant_values_carry_no_evidence():
    """Two constant arms are degenerate data, with the point estimate and nothing beside it."""
    found = look(plan(), trials(control=[60] * 12, b=[30] * 12))
    comparison = found.primary.comparisons[0]
    assert outcome(found) == (Decision.EXTEND, ReasonCode.DEGENERATE_DATA)
    assert comparison.effect.relative == pytest.approx(0.5)
    assert comparison.sequential is None
    assert comparison.p_value is None
    assert comparison.error


def test_a_guardrail_shown_to_be_worse_rejects_a_better_treatment():
    """Twice as fast, twice the tokens."""
    made = with_tokens(trials(control=BASE, b=FAST), 2.0)
    found = look(plan(guardrails=(guardrail(),)), made)
    assert outcome(found) == (Decision.REJECT, ReasonCode.GUARDRAIL_FAILED)


def test_a_guardrail_shown_to_be_within_its_margin_passes_though_shown_to_be_worse():
    """Three per cent more tokens, clearly, under a margin of ten: the plan tolerates that."""
    made = with_tokens(trials(control=BASE * 5, b=FAST * 5), 1.03)
    found = look(plan(guardrails=(guardrail(),)), made)
    judged = found.guardrails[0]
    assert judged.comparison.sequential.e_reject >= 20
    assert judged.state is GuardrailState.PASS
    assert found.decision is Decision.PROMOTE


def against_margin(chosen, made):
    """Return the e-value that the guardrail of a plan is worse than its margin."""
    (rail,) = chosen.guardrails
    arms = Samples(arms_of(chosen, made)).compared("b", rail.metric)
    rule = rule_of(chosen)
    return math.exp(rule.evidence(chosen, *arms, rail.metric, -rail.margin).worse)


def test_a_guardrail_fails_and_rejects_on_evidence_against_its_margin():
    """At 1/α of being worse than the margin it blocks, at 4/α the treatment is rejected."""
    chosen, step, seen = plan(guardrails=(guardrail(margin=0.2),)), 1.2, set()
    while True:
        step += 0.02
        made = wide_tokens(trials(control=BASE, b=FAST), step)
        found, e = look(chosen, made), against_margin(chosen, made)
        assert (found.guardrails[0].state is GuardrailState.FAIL) is (e >= 20)
        if e >= 20:
            assert found.reason_code is ReasonCode.GUARDRAIL_FAILED
            assert found.decision is (Decision.REJECT if e >= 80 else Decision.EXTEND)
        seen.add(found.decision)
        if e >= 100:
            break
    assert seen == {Decision.EXTEND, Decision.REJECT}


@pytest.mark.parametrize(
    ("rounds", "state"), [(2, "undetermined"), (24, "undetermined"), (80, "pass")]
)
def test_harm_within_the_margin_never_fails_and_passes_once_shown(rounds, state):
    """12% more tokens, ever more surely, under a margin of 20%."""
    made = wide_tokens(trials(control=BASE * rounds, b=FAST * rounds), 1.12)
    found = look(plan(guardrails=(guardrail(margin=0.2),)), made)
    assert found.guardrails[0].state == state
    assert found.decision is Decision.PROMOTE
    surely = found.guardrails[0].comparison.sequential.e_reject
    assert (surely > 20) is (rounds > 2)


@pytest.mark.parametrize("stopping", Stopping)
@pytest.mark.parametrize("values", [{}, {"rating": 4.0}])
def test_a_failed_guardrail_needs_no_value_of_the_primary(stopping, values):
    """Ratings that nobody gave, or that are all alike, do not keep twice the tokens."""
    rating = Metric("rating", MetricKind.CONTINUOUS, Direction.HIGHER, Scale.RAW)
    made = [
        replace(item, metrics={"output_tokens": item.metrics["output_tokens"], **values})
        for item in with_tokens(trials(control=BASE[:20], b=BASE[:20]), 2.0)
    ]
    chosen = plan(primary=rating, guardrails=(guardrail(),), stopping=stopping, sample_size=20)
    found = look(chosen, made)
    assert outcome(found) == (Decision.REJECT, ReasonCode.GUARDRAIL_FAILED)
    assert found.readiness.ready is (stopping is Stopping.FIXED or bool(values))
    # of the guardrail itself the plan asks for as many units as of the primary metric
    few = [item for item in made if item.order < 36]
    assert look(chosen, few).decision is Decision.EXTEND


def test_harm_needs_no_value_of_the_primary():
    """Every unit of the treatment fails, and nobody rated any."""
    rating = Metric("rating", MetricKind.CONTINUOUS, Direction.HIGHER, Scale.RAW)
    made = [
        replace(
            item, metrics={}, status=TrialStatus.ERROR if item.variant == "b" else item.status
        )
        for item in trials(control=BASE[:12], b=BASE[:12])
    ]
    found = look(plan(primary=rating), made)
    assert outcome(found) == (Decision.REJECT, ReasonCode.SAFETY_HARM)


def wide_tokens(made, factor):
    """Add output tokens that vary widely, multiplied in the treatment."""
    return [
        replace(
            item,
            metrics={
                **item.metrics,
                "output_tokens": 1000
                * 3.0 ** ((item.order // 2 % 7) / 3 - 1)
                * (factor if item.variant == "b" else 1),
            },
        )
        for item in made
    ]


@pytest.mark.parametrize(
    ("factor", "required", "expected"),
    [
        (1.05, False, (Decision.PROMOTE, ReasonCode.TREATMENT_BETTER)),
        (1.05, True, (Decision.EXTEND, ReasonCode.GUARDRAIL_UNDETERMINED)),
        (1.15, False, (Decision.EXTEND, ReasonCode.GUARDRAIL_BEYOND_MARGIN)),
        (1.15, True, (Decision.EXTEND, ReasonCode.GUARDRAIL_BEYOND_MARGIN)),
    ],
)
def test_an_undetermined_guardrail_blocks_beyond_its_margin_or_where_required(
    factor, required, expected
):
    """Doubt inside the margin passes unless the plan demands proof; beyond it blocks."""
    made = wide_tokens(trials(control=BASE, b=FAST), factor)
    found = look(plan(guardrails=(guardrail(required=required),)), made)
    assert found.guardrails[0].state is GuardrailState.UNDETERMINED
    assert outcome(found) == expected


@pytest.mark.parametrize(("known", "state"), [(19, "missing"), (20, "pass")])
def test_a_guardrail_known_of_less_than_half_the_units_is_missing(known, state):
    """Nineteen of forty units are too few to say anything of the rest."""
    made = with_tokens(trials(control=BASE, b=FAST), 0.5)
    made = [
        item
        if item.order // 2 < known
        else replace(item, metrics={"duration_seconds": item.metrics["duration_seconds"]})
        for item in made
    ]
    found = look(plan(guardrails=(guardrail(),)), made)
    assert found.guardrails[0].state == state
    blocked = (Decision.EXTEND, ReasonCode.GUARDRAIL_MISSING)
    assert (outcome(found) == blocked) is (state == "missing")


@pytest.mark.parametrize(
    ("known", "reason"),
    [(1, "2 values per arm are needed, the smaller arm has 1."), (5, "known of only 5 of 40")],
)
def test_a_missing_guardrail_says_how_much_is_missing(known, reason):
    """One value of one unit is not "only 1 of 1": a spread takes two."""
    made = with_tokens(trials(control=BASE, b=FAST), 0.5)
    few = [item for item in made if item.order // 2 < known] if known == 1 else made
    made = [
        item
        if item.order // 2 < known
        else replace(item, metrics={"duration_seconds": item.metrics["duration_seconds"]})
        for item in few
    ]
    (found,) = look(plan(guardrails=(guardrail(),)), made).guardrails
    assert found.state is GuardrailState.MISSING
    assert reason in found.reason


def test_an_improvement_below_the_threshold_waits_for_more():
    """Shown to be better by 8%, with 15% still possible: not promoted, not ended."""
    made = trials(control=BASE * 2, b=[0.92 * x for x in BASE * 2])
    found = look(plan(improvement_threshold=0.10), made)
    assert found.primary.comparisons[0].sequential.e_promote >= 20
    assert outcome(found) == (Decision.EXTEND, ReasonCode.BELOW_THRESHOLD_SO_FAR)


def test_an_improvement_that_cannot_reach_the_threshold_ends_the_experiment():
    """When the upper always-valid bound is below the threshold, waiting is of no use."""
    made = trials(control=BASE * 10, b=[0.97 * x for x in BASE * 10])
    found = look(plan(), made)
    assert found.primary.comparisons[0].sequential.interval.high < 0.15
    assert outcome(found) == (Decision.INCONCLUSIVE, ReasonCode.EFFECT_BELOW_THRESHOLD)


@pytest.mark.parametrize("threshold", [0.0, 0.15])
def test_a_mean_of_zero_has_no_per_cent_to_hold_against_the_threshold(threshold):
    """On values that may be negative; where nothing is below zero any gain exceeds nothing."""
    around = trials("score", control=[-1.0, 1.0] * 20, b=[2.0, 3.0] * 20)
    found = look(plan(primary=SCORE, improvement_threshold=threshold), around)
    if threshold:
        assert outcome(found) == (Decision.EXTEND, ReasonCode.NO_RELATIVE_EFFECT)
        assert "so that the 15% the plan asks for cannot be checked" in found.reason
    else:
        assert found.decision is Decision.PROMOTE
    shown = found.primary.comparisons[0]
    assert {shown.interval.low, shown.sequential.interval.high} == {None}
    counted = replace(TOKENS, direction=Direction.HIGHER)
    nothing = trials(TOKENS.name, control=[0.0] * 40, b=[2.0, 3.0] * 20)
    found = look(plan(primary=counted, improvement_threshold=threshold), nothing)
    assert found.decision is Decision.PROMOTE


def test_a_treatment_that_costs_nothing_is_promoted_and_shows_no_point_as_interval():
    made = trials("cost_usd", control=[1.0, 1.2] * 20, b=[0.0] * 40)
    found = look(plan(primary=COST), made)
    assert found.decision is Decision.PROMOTE
    shown = found.primary.comparisons[0]
    assert shown.estimate.relative == 1.0
    assert {shown.interval.low, shown.sequential.interval.high} == {None}


def test_the_bound_that_ends_an_experiment_says_its_level():
    """It is a bound of 95%, not of whatever may be true, and holds for all arms together."""
    one = look(plan(), trials(control=BASE * 10, b=[0.97 * x for x in BASE * 10]))
    assert "at 95% confidence, whenever one looks, the true effect is at best" in one.reason
    assert "whatever" not in one.reason
    arms = {name: [0.97 * x for x in BASE * 10] for name in ("b", "c", "d")}
    several = look(plan("b", "c", "d"), trials(control=BASE * 10, **arms))
    assert several.reason_code is ReasonCode.EFFECT_BELOW_THRESHOLD
    assert "looks, for all 3 treatments together, the true" in several.reason
    best = [float(found.reason.split("at best ")[1].split("%")[0]) for found in (one, several)]
    assert best[1] > best[0]


def test_more_arms_take_more_to_be_given_up():
    """What ends one treatment does not end the same treatment among eight."""
    low = [0.9 * x for x in BASE * 4]
    alone = look(plan(), trials(control=BASE * 4, b=low))
    assert alone.reason_code is ReasonCode.EFFECT_BELOW_THRESHOLD
    names = [f"b{k}" for k in range(8)]
    among = look(plan(*names), trials(control=BASE * 4, **dict.fromkeys(names, low)))
    assert among.decision is Decision.EXTEND


def test_equivalence_ends_the_experiment_where_the_plan_asks():
    """Within 10% either way is no meaningful difference, for those who asked."""
    made = trials(control=BASE * 3, b=BASE[1:] * 3)
    asked = look(plan(equivalence_margin=0.10, improvement_threshold=0.5), made)
    assert outcome(asked) == (Decision.INCONCLUSIVE, ReasonCode.NO_MEANINGFUL_DIFFERENCE)
    assert look(plan(), made).reason_code is not ReasonCode.NO_MEANINGFUL_DIFFERENCE


@pytest.mark.parametrize("stopping", Stopping)
def test_no_positive_value_gets_better_by_more_than_all_of_it(stopping):
    """A claim of 120 % less time can never be shown, and is no error either."""
    chosen = plan(
        claim=Claim.THRESHOLD, improvement_threshold=1.2, stopping=stopping, sample_size=40
    )
    found = look(chosen, trials(control=BASE, b=[0.001 * x for x in BASE]))
    assert found.decision in (Decision.EXTEND, Decision.INCONCLUSIVE)
    assert found.primary.comparisons[0].sequential.e_promote == 0


def test_a_margin_of_all_of_it_always_holds_for_a_positive_value():
    """No positive score gets worse by 100 %, so that such a guardrail passes by itself."""
    score = replace(DURATION, name="score", direction=Direction.HIGHER)
    made = [
        replace(item, metrics={**item.metrics, "score": BASE[(item.order * 7) % 40]})
        for item in trials(control=BASE, b=FAST)
    ]
    found = look(plan(guardrails=(guardrail(score, margin=1.0),)), made)
    assert found.guardrails[0].state is GuardrailState.PASS


@pytest.mark.parametrize(("margin", "state"), [(0.6, "pass"), (0.05, "undetermined")])
def test_a_rate_as_guardrail_is_held_against_its_margin(margin, state):
    """Equal success of 3 in 4: surely no 60 % worse, maybe 5 %."""
    success = Metric("success", MetricKind.PROPORTION, Direction.HIGHER, Scale.RAW)
    made = [
        replace(item, metrics={**item.metrics, "success": float(item.order // 2 % 4 > 0)})
        for item in trials(control=BASE, b=FAST)
    ]
    found = look(plan(guardrails=(guardrail(success, margin=margin),)), made)
    assert found.guardrails[0].state == state


def test_an_arm_without_failures_does_not_let_a_rate_pass():
    """20 of 20 against 19 of 20 is no proof of being within 10%, though one arm is constant."""
    success = Metric("success", MetricKind.PROPORTION, Direction.HIGHER, Scale.RAW)
    made = [
        replace(item, metrics={**item.metrics, "success": float(item.order != 7)})
        for item in trials(control=BASE[:20], b=FAST[:20])
    ]
    for stopping in Stopping:
        chosen = plan(guardrails=(guardrail(success),), stopping=stopping, sample_size=20)
        assert look(chosen, made).guardrails[0].state is GuardrailState.UNDETERMINED


def test_a_fixed_plan_corrects_for_several_treatments():
    """A one-sided p of 0.03 promotes alone and not as the best of two (Holm)."""
    fixed = {"stopping": Stopping.FIXED, "sample_size": 40, "improvement_threshold": 0.0}
    for factor in itertools.count(1.0, -0.0005):
        better = [factor * x for x in BASE]
        logs = [[math.log(x) for x in arm] for arm in (better, BASE)]
        if stats.ttest_ind(*logs, equal_var=False).pvalue <= 0.06:
            break
    assert look(plan(**fixed), trials(control=BASE, b=better)).decision is Decision.PROMOTE
    both = look(plan("b", "c", **fixed), trials(control=BASE, b=better, c=BASE[1:] + BASE[:1]))
    assert outcome(both) == (Decision.INCONCLUSIVE, ReasonCode.EVIDENCE_INSUFFICIENT)


def test_a_difference_outside_the_margin_is_not_equivalent():
    """30% better is not within 10%, though it is clearly no 10% worse."""
    made = trials(control=BASE, b=[0.7 * x for x in BASE])
    found = look(plan(equivalence_margin=0.10, improvement_threshold=0.4), made)
    assert found.reason_code is not ReasonCode.NO_MEANINGFUL_DIFFERENCE


def test_the_claim_of_the_threshold_itself_needs_more_evidence():
    """17% better is clearly better, and not clearly better by 15%."""
    made = trials(control=BASE, b=[0.83 * x for x in BASE])
    assert look(plan(), made).decision is Decision.PROMOTE
    shifted = look(plan(claim=Claim.THRESHOLD), made)
    assert shifted.decision is Decision.EXTEND
    assert shifted.primary.comparisons[0].sequential.e_promote < 20
    much = trials(control=BASE, b=[0.6 * x for x in BASE])
    found = look(plan(claim=Claim.THRESHOLD), much)
    assert found.decision is Decision.PROMOTE
    assert "better by more than 15%" in found.reason


def undecided(n=12):
    return trials(control=spread(60, n, 3), b=[0.9 * x for x in spread(60, n, 3)])


def test_evidence_that_is_not_enough_extends():
    """Twelve noisy units decide nothing yet."""
    found = look(plan(), undecided())
    assert outcome(found) == (Decision.EXTEND, ReasonCode.EVIDENCE_INSUFFICIENT)


@pytest.mark.parametrize("limit", [{"max_duration_days": 3.0}, {"max_sample": 12}])
def test_the_horizon_ends_an_undecided_experiment(limit):
    """At the days or the units planned at most, the result is inconclusive."""
    found = look(plan(**limit), undecided(), days=3)
    assert outcome(found) == (Decision.INCONCLUSIVE, ReasonCode.HORIZON_REACHED)


def test_the_horizon_does_not_take_back_a_clear_result():
    """What is clear at the horizon is decided, not expired."""
    found = look(plan(), trials(control=BASE, b=FAST), days=30)
    assert found.decision is Decision.PROMOTE


def test_the_horizon_comes_before_the_sample():
    """Five units after all the days are inconclusive; they will not become ten."""
    found = look(plan(), trials(control=BASE[:5], b=FAST[:5]), days=15)
    assert outcome(found) == (Decision.INCONCLUSIVE, ReasonCode.HORIZON_REACHED)


def test_doubtful_data_at_the_horizon_are_inconclusive():
    """What cannot be decided because of the data ends at the horizon under its own reason."""
    found = look(plan(), trials(control=BASE, b=FAST[:12]), days=15)
    assert outcome(found) == (Decision.INCONCLUSIVE, ReasonCode.SAMPLE_RATIO_MISMATCH)


def test_without_a_start_no_days_are_counted():
    """An experiment whose start is not known has no horizon in days."""
    from meta_experiment.decide import analyze

    found = analyze(plan(), undecided(), experiment_id="x", as_of=START + 1e9, started=None)
    assert found.readiness.days_left is None
    assert found.decision is Decision.EXTEND


def slowly_cut(ratio, n=40):
    """A treatment that looks faster because its slow trials were cut short."""
    made = []
    for i in range(n):
        made.append(trial("control", 2 * i, metrics={"duration_seconds": BASE[i % 40]}))
        cut = i % 8 == 0
        made.append(
            trial(
                "b",
                2 * i + 1,
                status=TrialStatus.INTERRUPTED if cut else TrialStatus.OK,
                metrics={"duration_seconds": ratio * BASE[(i + 3) % 40]},
            )
        )
    return made


def test_a_promotion_must_also_hold_with_interrupted_trials_at_four_times_their_value():
    """23% faster with an eighth of the trials cut short is not promoted, 50% is."""
    doubtful = look(plan(), slowly_cut(0.77))
    assert doubtful.primary.comparisons[0].sequential.e_promote >= 20
    assert outcome(doubtful) == (Decision.EXTEND, ReasonCode.INTERRUPTIONS_UNCERTAIN)
    assert look(plan(), slowly_cut(0.4)).decision is Decision.PROMOTE


def test_the_threshold_too_must_hold_with_interrupted_trials():
    """Clearly better even then, but by less than asked for."""
    made = slowly_cut(0.5)
    asked = plan(improvement_threshold=0.45)
    assert look(plan(), made).decision is Decision.PROMOTE
    assert outcome(look(asked, made)) == (
        Decision.EXTEND,
        ReasonCode.INTERRUPTIONS_UNCERTAIN,
    )


@pytest.mark.parametrize("arms", [("b", "c"), ("b", "c", "d")])
def test_the_best_of_several_promotable_treatments_wins(arms):
    """Two treatments are clearly better: the one that looks best is promoted."""
    values = {"control": BASE, "b": [0.6 * x for x in BASE], "c": [0.4 * x for x in BASE]}
    if "d" in arms:
        values["d"] = BASE
    found = look(plan(*arms), trials(**values))
    assert (found.decision, found.winner) == (Decision.PROMOTE, "c")


def test_several_treatments_need_more_evidence_each():
    """Evidence that promotes one treatment alone does not when two useless ones ran beside."""
    better = [0.9 * x for x in BASE]
    alone = look(plan(improvement_threshold=0), trials(control=BASE, b=better))
    assert alone.decision is Decision.PROMOTE
    assert alone.primary.comparisons[0].sequential.e_promote < 60
    among = look(
        plan("b", "c", "d", improvement_threshold=0),
        trials(control=BASE, b=better, c=BASE, d=BASE),
    )
    assert among.decision is Decision.EXTEND


def failing(made, name):
    """Make every trial of a variant an error."""
    return [
        replace(item, status=TrialStatus.ERROR) if item.variant == name else item
        for item in made
    ]


@pytest.mark.parametrize(
    ("worse", "code"),
    [
        (lambda made: made, ReasonCode.TREATMENT_WORSE),
        (lambda made: failing(made, "c"), ReasonCode.SAFETY_HARM),
        (lambda made: with_tokens(made, 1.0), ReasonCode.GUARDRAIL_FAILED),
        (lambda made: made, ReasonCode.ALERT_ACTED),
    ],
)
def test_harm_ends_an_arm_and_the_winner_is_promoted_all_the_same(worse, code):
    """Of three treatments one is half as slow and one does harm, in one of four ways."""
    slow = SLOW if code is ReasonCode.TREATMENT_WORSE else BASE[1:] + BASE[:1]
    if code is ReasonCode.ALERT_ACTED:
        slow = [1.12 * x for x in BASE]
    made = worse(trials(control=BASE, b=FAST, c=slow, d=BASE))
    if code is ReasonCode.GUARDRAIL_FAILED:
        made = [
            replace(
                item,
                metrics=item.metrics
                | {"output_tokens": (1000 + item.order % 7) * (1 + (item.variant == "c"))},
            )
            for item in made
        ]
    chosen = plan(
        "b", "c", "d",
        guardrails=(guardrail(),) if code is ReasonCode.GUARDRAIL_FAILED else (),
        acting_alerts=("regression",) if code is ReasonCode.ALERT_ACTED else (),
    )  # fmt: skip
    found = look(chosen, made)
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
    (ended,) = found.ended
    assert (ended.treatment, ended.reason_code, ended.at) == ("c", code, None)
    assert ended.reason


def test_an_experiment_is_rejected_when_every_arm_has_ended():
    """With one open arm it goes on; the reason is that of the arm that looks least bad."""
    slower = [1.2 * x for x in SLOW]
    open_still = plan("b", "c", improvement_threshold=0.05)
    going = look(open_still, trials(control=BASE, b=SLOW, c=BASE[1:] + BASE[:1]))
    assert going.decision is Decision.EXTEND
    assert [item.treatment for item in going.ended] == ["b"]
    found = look(plan("b", "c"), trials(control=BASE, b=slower, c=SLOW))
    assert outcome(found) == (Decision.REJECT, ReasonCode.TREATMENT_WORSE)
    assert {item.treatment for item in found.ended} == {"b", "c"}
    assert found.reason.startswith("c is 50% worse")


def test_an_arm_that_harm_ended_early_keeps_nothing_waiting():
    """Six units ten times as slow end an arm; readiness and ratio are those of the others."""
    slow = [10 * x for x in BASE[:6]]
    found = look(plan("b", "c"), trials(control=BASE, b=FAST, c=slow))
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
    assert [(item.treatment, item.reason_code) for item in found.ended] == [
        ("c", ReasonCode.SAFETY_HARM)
    ]
    assert found.checks.srm.counts == {"control": 40, "b": 40}


@pytest.mark.parametrize("stopping", Stopping)
def test_an_arm_that_has_ended_on_record_is_waited_for_no_more(stopping):
    """It got six units, the others forty: no ratio is amiss, and the one look is complete."""
    chosen = plan("b", "c", stopping=stopping, sample_size=40)
    made = trials(control=BASE, b=FAST, c=BASE[:6])
    made.append(trial("c", 500, status=None, exposed=False))
    waiting = look(chosen, made)
    assert waiting.decision is Decision.EXTEND
    by_hand = EndedArm("c", START, None, "it asks too much")
    found = look(chosen, made, ended=(by_hand,))
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
    assert found.ended == (by_hand,)
    assert found.samples["c"].completed == 6
    assert found.readiness.smallest_arm == 40


def test_a_fixed_plan_decides_once_at_its_size():
    """Before N nothing, at N the decision, and later data change nothing at all."""
    fixed = plan(stopping=Stopping.FIXED, sample_size=20)
    early = look(fixed, trials(control=BASE[:19], b=FAST[:19]))
    assert outcome(early) == (Decision.EXTEND, ReasonCode.INSUFFICIENT_SAMPLES)
    assert any("not valid" in note for note in early.notes)
    at = look(fixed, trials(control=BASE[:20], b=FAST[:20]))
    assert at.decision is Decision.PROMOTE
    later = look(fixed, trials(control=BASE[:20] + FAST, b=FAST[:20] + SLOW))
    assert (later.decision, later.primary) == (at.decision, at.primary)


def test_a_fixed_plan_that_shows_nothing_is_inconclusive_and_not_extended():
    """One look, no second."""
    fixed = plan(stopping=Stopping.FIXED, sample_size=12)
    assert outcome(look(fixed, undecided())) == (
        Decision.INCONCLUSIVE,
        ReasonCode.EVIDENCE_INSUFFICIENT,
    )


def test_a_fixed_plan_waits_for_open_trials():
    """Assigned but not closed: wait, and say so."""
    made = [*undecided()[:-1], trial("b", 23, status=None, assigned_at=START + 80_000)]
    found = look(plan(stopping=Stopping.FIXED, sample_size=12), made)
    assert outcome(found) == (Decision.EXTEND, ReasonCode.WAITING_FOR_TRIALS)


def test_a_plan_may_let_an_alert_act():
    """A regression alert rolls back identical-looking arms only where the plan says so."""
    made = trials(control=spread(60, 8, 2), b=[1.2 * x for x in spread(60, 8, 2)])
    assert look(plan(), made).decision is Decision.EXTEND
    found = look(plan(acting_alerts=("regression",)), made)
    assert outcome(found) == (Decision.REJECT, ReasonCode.ALERT_ACTED)


def test_stale_evidence_is_not_promoted():
    """Evidence of a model that no longer runs does not speak of what would be promoted."""
    made = [
        replace(item, fingerprint={"model": "old"}) for item in trials(control=BASE, b=FAST)
    ]
    assert look(plan(), made, current={"model": "old"}).decision is Decision.PROMOTE
    found = look(plan(), made, current={"model": "new"})
    assert outcome(found) == (Decision.EXTEND, ReasonCode.EVIDENCE_STALE)
    assert not found.checks.fingerprint.ok


def test_higher_is_better_where_the_metric_says_so():
    """The same numbers promote one direction and reject the other."""
    score = replace(DURATION, name="score", direction=Direction.HIGHER)
    assert look(plan(primary=score), trials("score", control=BASE, b=SLOW)).decision is (
        Decision.PROMOTE
    )
    assert look(plan(primary=score), trials("score", control=BASE, b=FAST)).decision is (
        Decision.REJECT
    )


def test_unequal_shares_are_no_mismatch_when_planned():
    """One unit in ten in the treatment is what weights of nine and one say."""
    chosen = plan(variants=(Variant("control", 9), Variant("b", 1)))
    made = trials(control=BASE * 3, b=FAST[:13])
    assert look(chosen, made).checks.srm.ok
    assert look(chosen, made).decision is Decision.PROMOTE
    assert not look(plan(), made).checks.srm.ok


def test_a_metric_of_the_plan_is_analysed_beside_the_primary():
    """Secondary metrics are reported and decide nothing."""
    made = with_tokens(trials(control=BASE, b=FAST), 3.0)
    found = look(plan(secondary=(TOKENS,)), made)
    assert found.decision is Decision.PROMOTE
    assert found.secondary[0].comparisons[0].effect.relative == pytest.approx(-2.0)
