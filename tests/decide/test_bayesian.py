"""The bayesian rule shows what is believed, and decides as the sequential one does."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.decide.making import (
    COST,
    DURATION,
    SCORE,
    SUCCESS,
    TOKENS,
    guardrail,
    look,
    plan,
    spread,
    trials,
)

from meta_experiment.decide.analysis import analyze_summaries
from meta_experiment.decide.metrics.sample import SummarySample
from meta_experiment.errors import UsageError
from meta_experiment.model.plan_checks import check_plan
from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.stats.bayes import beta_binomial, two_means
from meta_experiment.stats.moments import Moments
from meta_experiment.types import Decision, LiftPrior, MetricKind, ReasonCode, Stopping, Unit

P90 = replace(DURATION, name="duration_seconds.p90", kind=MetricKind.QUANTILE)
BAYES = {"stopping": Stopping.BAYESIAN}
SLOW, FAST = spread(40.0, 20), spread(33.0, 20)


def believed(analysis):
    return analysis.primary.comparisons[0].posterior


def test_it_decides_as_the_sequential_rule_does():
    """All of the analysis but what is believed is that of the sequential rule, to the word."""
    data = trials(control=SLOW, b=FAST)
    for asked in (plan(), plan("b", primary=COST, guardrails=(guardrail(),))):
        shown = look(replace(asked, **BAYES), data)
        plain = look(asked, data)
        comparisons = tuple(replace(item, posterior=None) for item in shown.primary.comparisons)
        assert comparisons == plain.primary.comparisons
        assert (shown.decision, shown.reason_code, shown.reason) == (
            plain.decision,
            plain.reason_code,
            plain.reason,
        )
        assert plain.best == {}
        assert all(item.posterior is None for item in plain.primary.comparisons)


def test_means_are_believed_on_the_metrics_scale():
    """The chance that the logarithms' mean is lower, and what is lost, of lower is better."""
    found = believed(look(plan(**BAYES), trials(control=SLOW, b=FAST)))
    one, other = (Moments.of([math.log(x) for x in values]) for values in (SLOW, FAST))
    pair = two_means(one, other)
    assert found.chance_better == pytest.approx(1 - pair.chance_better)
    assert found.risk_treatment.relative == pytest.approx(pair.loss_control)
    assert found.risk_control.relative == pytest.approx(pair.loss_treatment)
    assert found.risk_control.absolute is None
    assert found.interval.low < 1 - 33 / 40 < found.interval.high
    assert found.lift.mean == pytest.approx(math.log(40 / 33))
    assert found.lift.risk_treatment < found.lift.risk_control


def test_rates_are_believed_by_their_counts():
    """Beta(1 + k, 1 + n - k) of both; the same from sums, which hold one look."""
    arms = {"control": [1] * 9 + [0] * 21, "b": [1] * 17 + [0] * 13}
    asked = plan(primary=SUCCESS, **BAYES)
    found = believed(look(asked, trials("success", **arms)))
    pair = beta_binomial(9, 30, 17, 30)
    assert found.chance_better == pytest.approx(pair.chance_better)
    assert found.risk_treatment.absolute == pytest.approx(pair.loss_treatment)
    assert found.risk_control.relative == pytest.approx(pair.loss_control / 0.3)
    sums = {
        name: {"success": SummarySample.of_counts(sum(values), len(values))}
        for name, values in arms.items()
    }
    once = believed(analyze_summaries(asked, sums, experiment_id="e", as_of=0.0, started=None))
    assert (once.looks, found.looks) == (1, 21)
    assert once.reached_by_equal_arms == pytest.approx(1 - pair.chance_better, abs=1e-6)
    assert found.reached_by_equal_arms > 2 * once.reached_by_equal_arms
    assert once.interval == found.interval


def test_a_control_without_a_success_has_a_posterior_and_no_lift():
    """0 of 12 against 5 of 12: a chance and a loss, no relative interval."""
    found = believed(
        look(
            plan(primary=SUCCESS, **BAYES),
            trials("success", control=[0] * 12, b=[1] * 5 + [0] * 7),
        )
    )
    assert found.chance_better == pytest.approx(beta_binomial(0, 12, 5, 12).chance_better)
    assert found.risk_control.absolute > 0.3
    assert found.risk_control.relative is found.interval.low is found.lift is None


def test_an_arm_without_a_unit_is_believed_nothing_of():
    """Before the first unit of either arm, and of a rate as well, there is no posterior."""
    for metric, values in ((SUCCESS, [1, 0, 1]), (COST, [1.0, 2.0, 3.0])):
        data = trials(metric.name, control=values, b=[])
        found = look(plan(primary=metric, **BAYES), data)
        assert believed(found) is None
        assert found.best == {}


def test_arms_that_do_not_vary_are_believed_nothing_of():
    """A t of constants is no posterior: none is shown, and the arm has no chance to be best."""
    found = look(plan("b", "c", **BAYES), trials(control=SLOW, b=FAST, c=[33.0] * 20))
    assert found.best["c"] is None
    assert found.best["control"] + found.best["b"] == pytest.approx(1.0)
    alike = look(plan(primary=SCORE, **BAYES), trials("score", control=[3] * 12, b=[3] * 12))
    assert believed(alike) is None
    assert alike.best == {}


def test_every_arm_has_its_chance_to_be_best():
    """Of three arms, lower being better, the fastest is most likely the best."""
    found = look(plan("b", "c", **BAYES), trials(control=SLOW, b=FAST, c=spread(30.0, 20)))
    assert sum(found.best.values()) == pytest.approx(1.0)
    assert found.best["c"] > found.best["b"] > found.best["control"]


def test_cases_are_believed_by_their_differences():
    """The same cases in both arms: narrower than arms that have nothing to do with another."""
    values = {
        "control": spread(40.0, 20),
        "b": [0.95 * x + 0.3 * (-1) ** i for i, x in enumerate(spread(40.0, 20))],
    }
    data = [
        replace(item, unit=f"case-{item.order // 2}") for item in trials("cost_usd", **values)
    ]
    asked = plan(primary=COST, unit=Unit.CASE, **BAYES)
    found = look(asked, data)
    assert believed(found).chance_better > 0.999
    assert found.best == {}
    apart = believed(look(plan(primary=COST, **BAYES), trials("cost_usd", **values)))
    assert apart.chance_better < 0.9


def test_a_prior_touches_the_primary_metric_s_lift_alone():
    """A prior around no effect draws it there; guardrails and the arms' means are as before."""
    data = trials("cost_usd", control=SLOW, b=FAST)
    data = [
        replace(item, metrics={**item.metrics, "output_tokens": item.metrics["cost_usd"]})
        for item in data
    ]
    flat = plan(primary=COST, guardrails=(guardrail(TOKENS),), **BAYES)
    sure = replace(flat, prior=LiftPrior(0.0, 0.01))
    one, other = look(flat, data), look(sure, data)
    assert believed(other).chance_better < believed(one).chance_better - 0.1
    assert believed(other).interval.high < believed(one).interval.high / 2
    assert believed(other).lift.mean < believed(one).lift.mean / 2
    assert other.guardrails == one.guardrails
    assert other.primary.variants == one.primary.variants
    assert other.decision is one.decision
    glad = believed(look(replace(flat, prior=LiftPrior(0.2, 0.02)), data))
    assert glad.chance_better > believed(one).chance_better


def test_a_prior_of_a_rate_and_of_logarithms():
    """By the normal's conjugate for both, on the scale that they are compared on."""
    belief = LiftPrior(0.5, 0.05)
    rates = trials("success", control=[1, 0, 0, 1, 0] * 4, b=[1, 0, 1, 1, 0] * 4)
    found = believed(look(plan(primary=SUCCESS, prior=belief, **BAYES), rates))
    assert found.lift.mean == pytest.approx(0.5, abs=0.02)
    assert found.interval.low > 0.3
    sure = LiftPrior(0.5, 0.005)
    quick = believed(look(plan(prior=sure, **BAYES), trials(control=SLOW, b=FAST)))
    assert 0.45 < quick.interval.low < quick.interval.high < 0.52


def test_a_plan_ends_when_neither_choice_loses_what_it_calls_nothing():
    """Of two arms that are alike a price of 5% ends it, one of 0.1% does not."""
    asked = plan(improvement_threshold=0.0, **BAYES)
    data = trials(control=spread(40.0, 60), b=spread(40.1, 60))
    ended = look(replace(asked, price=0.05), data)
    assert (ended.decision, ended.reason_code) == (
        Decision.INCONCLUSIVE,
        ReasonCode.RISKS_BELOW_PRICE,
    )
    assert "less than the 5%" in ended.reason
    assert look(replace(asked, price=0.001), data).decision is Decision.EXTEND
    assert look(asked, data).decision is Decision.EXTEND


def test_no_price_ends_what_is_shown_to_be_better():
    """The e-values come first: what convinces is promoted whatever the price is."""
    found = look(plan(price=0.9, **BAYES), trials(control=spread(40.0, 60), b=spread(20.0, 60)))
    assert found.decision is Decision.PROMOTE


def test_prior_and_price_stand_in_the_plan_file():
    """Written in per cent, read again as they were; no plan without them changes."""
    asked = plan(prior=LiftPrior(0.1, 0.05, "exp-0"), price=0.005, **BAYES)
    document = plan_to_document(asked)
    assert document["prior"] == {"mean": 10, "sd": 5, "source": "exp-0"}
    assert document["stopping"]["price"] == 0.5
    assert plan_from_document(document) == asked
    plain = plan_to_document(plan(**BAYES))
    assert "prior" not in plain
    assert "price" not in plain["stopping"]


@pytest.mark.parametrize(
    "changes",
    [
        {"price": 0.01},
        {"prior": LiftPrior(0.1, 0.1)},
        {**BAYES, "prior": LiftPrior(1.5, 0.1)},
        {**BAYES, "price": 0.01, "primary": P90},
    ],
)
def test_beliefs_need_a_rule_and_a_metric_that_have_them(changes):
    """Under another rule, of a quantile, or beyond what can be: refused."""
    with pytest.raises(UsageError):
        check_plan(plan(**changes))


@pytest.mark.parametrize("prior", [{"mean": 10}, {"mean": 10, "sd": 0}, {"mean": "x", "sd": 1}])
def test_a_prior_says_how_sure_it_is(prior):
    """Without a standard deviation above zero there is none."""
    document = plan_to_document(plan(**BAYES)) | {"prior": prior}
    with pytest.raises(UsageError):
        plan_from_document(document)
