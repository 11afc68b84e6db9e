"""The gates of a report say what the plan's rule asked, and nothing that it did not."""

import math

from tests.cli.test_standing_told import read
from tests.cli.test_where_it_stands import GUARDED, gate, made, told

from meta_experiment.decide.odds import odds
from meta_experiment.decide.rules.fixed import FIXED
from meta_experiment.render.report_words import apart, evidence
from meta_experiment.stats.figures import described


def plain(project, name):
    return " ".join(project("report", name).out.split())


def test_before_its_one_look_a_plan_has_shown_nothing(project):
    name = made(project, 12, *GUARDED, "--stopping", "fixed", "--sample-size", "30")
    document = told(project, name)
    assert gate(document, "evidence")["state"] == "not_asked"
    assert gate(document, "evidence")["seen"] is None
    text = plain(project, name)
    assert "– Better than control: asked at the plan's one look" in text
    assert "needed at the plan's one look, and none counts before" in text
    page, *_ = read(project, name)
    told_there = [it["text"] for it in page.having("li", "data-gate")]
    assert not any(it.startswith("✓ Better than control") for it in told_there)


def test_at_its_one_look_it_is_asked(project):
    name = made(project, 30, *GUARDED, "--stopping", "fixed", "--sample-size", "30")
    assert gate(told(project, name), "evidence")["state"] == "passed"
    assert "and not before" not in plain(project, name)


def test_what_lies_beyond_its_margin_at_the_end_is_not_called_broken(project):
    flags = (*GUARDED, "--stopping", "fixed", "--sample-size", "24")
    text = plain(project, made(project, 24, *flags, cost=1.18))
    assert "INCONCLUSIVE (guardrail_beyond_margin)" in text
    assert "✗ A guardrail holds it back: beyond its margin: cost (" in text
    assert "A guardrail is broken" not in text


def test_a_gain_from_nothing_is_worth_having(project):
    name = project.create("--primary-metric", "success", "--guardrail", "duration_seconds")
    lines = [
        {"experiment": name, "variant": arm, "metrics": {"success": float(arm == "treatment")}}
        for _ in range(20)
        for arm in ("control", "treatment")
    ]
    for line in lines:
        line["metrics"]["duration_seconds"] = 20.0 + len(line["variant"])
    project.stdin("record", "--stdin", lines=lines)
    document = told(project, name)
    assert document["verdict"]["decision"] == "PROMOTE"
    assert {it["state"] for it in document["gates"]} <= {"passed", "not_asked"}
    assert "✓ Worth having: of a control of zero any gain" in plain(project, name)


def test_two_findings_against_it_are_joined_as_such(project):
    name = made(project, 40, *GUARDED, speed=1.5, cost=2.0)
    headline = plain(project, name)
    assert "slower than control, and cost broke its guardrail" in headline


def test_a_margin_is_told_as_it_was_chosen_everywhere(project):
    name = made(project, 24, "--guardrail", "cost_usd:12.5%", cost=1.3)
    for verb in ("report", "analyze", "explain"):
        text = " ".join(project(verb, name).out.split())
        assert "12.5%" in text, verb
        assert "12%" not in text, verb


def test_what_just_misses_its_bar_is_told_apart_from_it():
    twenty = math.log(20)
    assert odds(math.log(19.9), twenty) == "just under 20 to 1"
    assert odds(twenty, twenty) == odds(math.log(20.2), twenty) == "20 to 1"
    assert odds(math.log(12), twenty) == "12 to 1"
    assert FIXED.words.strength(-math.log(0.0502), twenty) == "one-sided p just over 0.05"
    assert FIXED.words.strength(-math.log(0.0498), twenty) == "one-sided p = 0.05"
    assert evidence(-math.log(0.0502), odds=False, bar=twenty) == "p just over 0.05"
    assert evidence(math.log(19.9), odds=True, bar=twenty) == "just under 20 to 1"
    assert described(-0.1004, 0.1) == "just over 10% worse"
    assert described(0.1496, 0.15) == "just under 15% better"
    assert described(0.15, 0.15) == "15% better"
    assert apart(0.1496, 0.15, signed=True) == "just under +15%"
    assert apart(-0.15, 0.15, signed=True) == "−15%"
