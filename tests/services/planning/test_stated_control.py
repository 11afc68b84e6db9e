"""What is known of the control before anything is measured: sums, rates, the hypothesis."""

import json
import math

import pytest
from tests.decide.making import COST, DURATION, SUCCESS, plan

from meta_experiment.cli.main import main
from meta_experiment.decide.telling.outlook import outlook
from meta_experiment.errors import UsageError
from meta_experiment.services.planning.stated_control import (
    of_hypothesis,
    question,
    stated_control,
)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("500,21", 0.042),
        ("5%", 0.05),
        ("about 5 %", 0.05),
        ("maybe 1 in 20 users", 0.05),
        ("3 of 12", 0.25),
    ],
)
def test_a_rate_is_read_as_people_say_it(text, rate):
    """Successes of so many, per cents, one in so many."""
    found = stated_control(text, SUCCESS)
    assert (found.centre, found.assumed) == (pytest.approx(rate), False)
    assert found.sd == pytest.approx(math.sqrt(rate * (1 - rate)))


def test_means_are_read_on_the_metrics_scale():
    """On the raw scale as they are; on the log scale as a log-normal of that mean and sd."""
    raw = stated_control("30,40,20", COST)
    assert (raw.centre, raw.sd) == (40, 20)
    log = stated_control("30,40,20", DURATION)
    assert math.exp(log.centre + log.sd**2 / 2) == pytest.approx(40)
    assert log.sd == pytest.approx(math.sqrt(math.log(1.25)))


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("a lot", SUCCESS), ("0%", SUCCESS), ("120%", SUCCESS), ("10,11", SUCCESS),
        ("x,1", SUCCESS), ("30,40,20", SUCCESS), ("5%", COST), ("30,40,0", COST),
        ("1,40,2", COST), ("30,-4,2", DURATION), ("1,2,3,4", COST), ("1 in 0", SUCCESS),
        ("30,nan,2", COST),
    ],
)  # fmt: skip
def test_what_says_nothing_of_the_metric_is_refused(text, metric):
    """No form, no rate, a rate of a mean, a spread of nothing."""
    with pytest.raises(UsageError):
        stated_control(text, metric)


def test_the_hypothesis_may_name_the_rate():
    """From 4% to 5% tells where a rate stands; of a mean, or without from, it tells nothing."""
    said = plan(primary=SUCCESS, hypothesis="shorter raises signups from 4% to 5%")
    assert of_hypothesis(said).centre == pytest.approx(0.04)
    assert of_hypothesis(plan(hypothesis="falls from 4% to 3%")) is None
    assert of_hypothesis(plan(primary=SUCCESS, hypothesis="5% better")) is None
    assert of_hypothesis(plan(primary=SUCCESS, hypothesis="from 0% up")) is None


@pytest.mark.long
def test_what_is_stated_makes_the_sentence():
    """A rate of 4% finds less than the assumed half, and the sentence says whence it is."""
    asked = plan(primary=SUCCESS)
    known = outlook(asked, stated=stated_control("4%", SUCCESS))
    assert "as stated (4%), a rate of 4%" in known.sentence
    assumed = outlook(asked)
    assert known.reach[-1].improvement is None or (
        known.reach[-1].improvement > assumed.reach[-1].improvement
    )
    assert outlook(asked, past=[1, 0] * 5, stated=stated_control("4%", SUCCESS)).spread.stated


@pytest.mark.long
def test_one_question_is_asked_where_nothing_is_known(tmp_path, capsys):
    """Only then, and the flag in it answers it."""
    call = ["plan", "--root", str(tmp_path), "--primary-metric", "success", "--json"]
    assert main(call) == 0
    asked = json.loads(capsys.readouterr().out)
    assert asked["question"] == question(SUCCESS)
    assert main([*call, "--control-past", "1 in 20"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "question" not in told
    assert told["outlook"]["spread"]["stated"] == "1 in 20"
    assert main([*call, "--hypothesis", "success rises from 20% to 30%"]) == 0
    assert json.loads(capsys.readouterr().out)["outlook"]["spread"]["centre"] == 0.2
