"""A report tells where an experiment stands: what was done, what is missing, what ended it."""

import math
import random
import re

import pytest
from tests.everyday import some

GUARDED = ("--guardrail", "cost_usd:20%")


def made(project, pairs, *flags, speed=0.7, cost=1.0, errors=0.0, arms=None):
    """Make an experiment and record so many pairs; cost and time as shares of the control's."""
    name = project.create(*flags)
    record(project, name, pairs, arms or {"treatment": (speed, cost)}, errors=errors)
    return name


def record(project, name, pairs, arms, errors=0.0):
    chance = random.Random(3)  # noqa: S311 - data
    lines = [
        {
            "experiment": name,
            "variant": arm,
            "trial_id": f"{arm}-{number}",
            "status": "error" if arm != "control" and chance.random() < errors else "ok",
            "metrics": {
                "duration_seconds": 60 * speed * chance.lognormvariate(0, 0.2),
                "cost_usd": 0.1 * cost * chance.lognormvariate(0, 0.25),
            },
        }
        for number in range(pairs)
        for arm, (speed, cost) in {"control": (1.0, 1.0), **arms}.items()
    ]
    if pairs:
        project.stdin("record", "--stdin", lines=lines)


def told(project, name, *flags):
    return project("report", name, *flags, "--json").json


def state_of(document, metric="cost_usd"):
    (found,) = [
        item["state"]
        for result in document["results"]
        if result["metric"]["name"] == metric
        for item in result["comparisons"]
    ]
    return found


def gate(document, name):
    return next(item for item in document["gates"] if item["gate"] == name)


DONE = {
    "promoted": ([("promote", "--yes")], 20, {}),
    "override": ([("promote", "--override", "seen enough", "--yes")], 12, {"speed": 0.95}),
    "taken back": (
        [("promote", "--yes"), ("rollback", "--reason", "it broke", "--yes")],
        20,
        {},
    ),
    "rolled back": ([("rollback", "--reason", "complaints", "--yes")], 20, {}),
    "as shown": ([("rollback", "--yes")], 30, {"speed": 1.8}),
    "stopped": ([("stop", "--reason", "no time", "--yes")], 12, {"speed": 0.95}),
    "paused": ([("pause",)], 20, {}),
    "put away": ([("promote", "--yes"), ("archive",)], 20, {}),
    "running": ([], 20, {}),
}
STANDING = {
    "promoted": ("promoted", "evidence", True, "PROMOTE"),
    "override": ("promoted", "override", False, "EXTEND"),
    "taken back": ("taken_back", "hand", False, "PROMOTE"),
    "rolled back": ("rolled_back", "hand", False, "PROMOTE"),
    "as shown": ("rolled_back", "evidence", True, "REJECT"),
    "stopped": ("stopped", "hand", False, "EXTEND"),
    "paused": ("paused", None, None, "PROMOTE"),
    "put away": ("promoted", "evidence", True, "PROMOTE"),
    "running": ("running", None, None, "PROMOTE"),
}


def done(project, case):
    verbs, pairs, arms = DONE[case]
    name = made(project, pairs, *GUARDED, **arms)
    for verb, *flags in verbs:
        project(verb, name, *flags)
    return name


@pytest.mark.parametrize("case", some(DONE, 4))
def test_what_was_done_stands_beside_what_the_evidence_says(project, case):
    name = done(project, case)
    document = told(project, name)
    standing = document["standing"]
    found = (standing["state"], standing["cause"], standing["agrees"])
    assert (*found, document["verdict"]["decision"]) == STANDING[case]
    assert standing["archived"] == (case == "put away")
    if standing["at"] is not None:
        badge = re.search(r"[▲▼■◆] (.+?)  on ", project("report", name).out)[1]
        assert f" {badge} 20" in project("report", "--all").out
    outcomes = document["outcomes"]
    if not outcomes:
        assert (standing["at"], standing["reason"]) == (None, None)
        return
    assert standing["at"] == outcomes[-1]["at"]
    assert standing["reason"] == (outcomes[-1]["override"] or outcomes[-1]["reason"])


def test_of_then_it_stands_as_it_did_then(project):
    name = made(project, 20, *GUARDED)
    then = project("analyze", name, "--json").json["as_of"]
    project("rollback", name, "--reason", "complaints", "--yes")
    assert told(project, name)["standing"]["state"] == "rolled_back"
    assert told(project, name, "--as-of", then)["standing"]["state"] == "running"


def test_what_ended_a_treatment_has_its_evidence_and_its_bar(project):
    """The bar is that of the ending, which is higher than that of a promotion."""
    dear = made(project, 40, *GUARDED, cost=2.0)
    document = told(project, dear)
    (ending,) = document["endings"]
    assert (ending["reason_code"], ending["metric"]) == ("guardrail_failed", "cost_usd")
    assert ending["beyond"] == pytest.approx(0.2)
    (item,) = document["results"][1]["comparisons"]
    assert ending["seen"] == item["evidence"]["log_beyond_margin"]
    assert ending["seen"] >= ending["needed"] > document["verdict"]["bar"]
    assert document["verdict"]["reason"] == ending["reason"]
    found = gate(document, "guardrails")
    assert (found["state"], found["decides"]) == ("failed", True)
    assert (found["seen"], found["needed"]) == (ending["seen"], ending["needed"])
    assert not gate(document, "evidence")["decides"]


def test_harm_and_an_alert_that_acted_are_told_with_what_there_is(project):
    failing = made(project, 30, *GUARDED, errors=0.7)
    document = told(project, failing)
    (ending,) = document["endings"]
    assert (ending["reason_code"], ending["metric"]) == ("safety_harm", "error_rate")
    assert ending["seen"] >= ending["needed"] > math.log(20)
    assert [it["kind"] for it in document["alerts"]] == ["error_rate"]
    assert document["alerts"] == project("analyze", failing, "--json").json["alerts"]


def test_a_check_that_has_nothing_to_look_at_has_not_passed(project):
    empty = made(project, 0, *GUARDED)
    document = told(project, empty)
    assert {it["state"] for it in document["health"]} == {"nothing_yet"}
    assert gate(document, "data")["state"] == "nothing_yet"
    assert gate(document, "guardrails")["state"] == "nothing_yet"
    record(project, empty, 12, {"treatment": (0.7, 1.0)})
    document = told(project, empty)
    assert [it["state"] for it in document["health"]] == [*["passed"] * 3, "nothing_yet"]
    assert gate(document, "data")["state"] == "passed"
    assert "of versions there is nothing to check" in gate(document, "data")["sentence"]


def test_a_guardrail_that_looks_beyond_its_margin_is_no_open_one(project):
    name = made(project, 24, *GUARDED, cost=1.35)
    document = told(project, name)
    (item,) = document["results"][1]["comparisons"]
    assert item["effect"]["relative"] < -0.2
    assert item["interval"]["low"] < -0.2 < item["interval"]["high"]
    assert state_of(document) == "beyond"
    found = gate(document, "guardrails")
    assert found["state"] == "open"
    assert found["sentence"].startswith("Beyond its margin: cost (")
    (judged,) = project("analyze", name, "--json").json["guardrails"]
    assert judged["beyond"]
    assert f"beyond its margin of {judged['margin']:.0%}" in judged["reason"]
    assert gate(document, "evidence")["state"] == "passed"
    assert [it["metric"] for it in document["ahead"]["obstacles"]] == ["cost_usd"]
    assert "until cost_usd looks within its margin" in document["ahead"]["sentence"]


def test_a_guardrail_that_nobody_records_is_missing_before_the_least_units_too(project):
    name = project.create(*GUARDED)
    project.observe(name, 4)
    assert state_of(told(project, name)) == "missing"
    assert "MISSING  cost_usd" in project("analyze", name).out


def test_before_the_least_units_a_guardrail_is_as_early_as_the_rest(project):
    name = made(project, 4, *GUARDED, cost=1.35)
    assert state_of(told(project, name)) == "early"
    assert gate(told(project, name), "guardrails")["state"] == "nothing_yet"


def test_status_explain_and_report_name_the_same_obstacle(project):
    """Not the evidence, which is there, and no part of a way that leads nowhere."""
    name = made(project, 24, *GUARDED, cost=1.35)
    (row,) = project("status", name, "--json").json["experiments"]
    ahead = told(project, name)["ahead"]
    explained = project("explain", name, "--json").json
    assert row["missing"] == ["guardrail_within_margin"]
    assert row["progress"]["held_by"] == ahead["obstacles"]
    assert ahead["obstacles"][0]["reason_code"] == explained["reason_code"]
    assert explained["explanation"].endswith(ahead["sentence"])
    shown = project("status", name).out
    assert "held back by the guardrail cost_usd (24 per arm, at least 10 needed" in shown
    assert "%" not in shown[shown.index("Progress") : shown.index("Decision")].splitlines()[0]


def test_units_that_would_be_evidence_are_not_said_to_decide(project):
    name = made(project, 10, *GUARDED, speed=0.85, cost=1.25)
    (row,) = project("status", name, "--json").json["experiments"]
    ahead = told(project, name)["ahead"]
    codes = [it["reason_code"] for it in ahead["obstacles"]]
    assert codes == ["evidence_insufficient", "guardrail_beyond_margin"]
    assert row["missing"] == ["evidence", "guardrail_within_margin"]
    assert row["progress"]["units_to_go"] == ahead["units_to_go"] > 0
    said = project("explain", name).out
    assert "would decide" not in said
    assert "would be evidence enough. Besides: cost_usd looks" in said
    assert "until cost_usd looks within its margin" in said
    assert "of the evidence, and held back by the guardrail cost_usd" in (
        project("status", name).out
    )
