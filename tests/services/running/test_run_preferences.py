"""Works of all variants are held against each other by a judge, and decided on."""

import json
import os
import sys
from dataclasses import replace

import pytest
from tests.services.running.test_running import agent, create, opened, project

from meta_experiment.errors import ConflictError, UsageError
from meta_experiment.runs.agents import JUDGES, AgentOptions, agent_of
from meta_experiment.runs.contests import held
from meta_experiment.services.running import run_plan, running
from meta_experiment.services.running.run_summary import summary
from meta_experiment.types import Decision, TrialStatus
from meta_experiment.types.cases import Case, Criterion, CriterionKind
from meta_experiment.types.runs import Contest, ContestOutcome

__all__ = ["project"]  # the fixture

# Its answer says how it went, but for case 1, where it is the same, and case 2, where it fails.
AGENT = """\
import os, sys
number = int(sys.stdin.read().split()[-1])
text = open(os.environ["META_EXPERIMENT_PROMPT"]).read()
good = "at once" in text
if number == 2 and not good:
    sys.exit(3)
print("The same." if number == 1 else "A good one." if good else "A bad one.", number)
"""

# It prefers what is good, but in case 3 what it reads first.
JUDGE = """\
import json, os, sys
asked = sys.stdin.read()
with open(os.environ["META_EXPERIMENT_METRICS"], "w") as stream:
    json.dump({"cost_usd": 0.001, "total_tokens": 10}, stream)
told = [*os.listdir(), os.getcwd(), *os.environ.values(), asked]
if any(word in text for text in told for word in ("control", "treatment")):
    sys.exit("it tells the variant")
good, bad = asked.index("A good one."), asked.index("A bad one.")
better = "first" if good < bad or "one. 3" in asked else "second"
print(json.dumps({"better": better, "why": "so"}))
"""
PREFERENCE = {"metrics": {"primary": "preference"}}


def judge(project, code=JUDGE):
    path = project.parent / "judge.py"
    path.write_text(code)
    return agent_of(
        f"{sys.executable} -I -S {path}", AgentOptions(within=120), os.environ, JUDGES
    )


def request(project, count, judged, **more):
    cases = project.parent / "cases.jsonl"
    criterion = {"type": "preference", "name": "nicer", "target": "The nicer one."}
    cases.write_text(
        "".join(
            json.dumps({"id": f"c{n}", "prompt": f"/review {n}", "criteria": [criterion]})
            + "\n"
            for n in range(count)
        )
    )
    return run_plan.RunRequest(cases, agent(project, AGENT), at_once=2, judge=judged, **more)


def run(space, name, wanted):
    return running.run(space, run_plan.plan_runs(space, name, wanted), wanted, lambda *_: None)


@pytest.mark.long
def test_what_a_judge_prefers_decides(project):
    space = opened(project)
    name = create(space, project, **PREFERENCE, stopping={"sample_size": 7})
    done = run(space, name, request(project, 16, judge(project)))
    assert done.decision is Decision.PROMOTE
    trials = space.store.trials(space.store.experiment(name)).trials
    shares = {(item.variant, item.unit): item.metrics["preference"] for item in trials}
    assert {share for (arm, _), share in shares.items() if arm == "control"} == {0.5}
    ties = {"c1": 0.5, "c3": 0.5}  # the same work; the one that was read first
    treated = {unit: share for (arm, unit), share in shares.items() if arm == "treatment"}
    assert treated == {unit: ties.get(unit, 1.0) for unit in treated}
    assert not any("success" in item.metrics for item in trials if item.unit != "c2")
    (judge_name,) = {item.fingerprint["judge"] for item in trials}
    assert "prompts" in judge_name
    folder = running.run_folder(space, name)
    held = {one.cell.case_id: one for one in folder.contests()}
    (loses,) = held["c3"].results if "c3" in held else [None]
    assert loses is None or (loses.preferred, loses.answers) == (0.5, (0.0, 1.0))
    found = summary(space, name)
    (figures,) = found.preferences
    assert figures.pairs == len(treated)
    assert (figures.won, figures.lost) == (list(treated.values()).count(1.0), 0)
    assert figures.unasked == len({"c1", "c2"} & treated.keys())
    assert figures.first_twice == figures.contradicted == len({"c3"} & treated.keys())
    asked = 2 * (figures.pairs - figures.unasked)
    assert found.judge.usd == pytest.approx(0.001 * asked)
    assert found.judge.tokens == 10 * asked
    values = {item.variant: item.value for item in found.variants}
    assert values["control"] == 0.5 < values["treatment"]


@pytest.mark.long
def test_another_judge_is_told_and_not_mixed_in_silence(project):
    space = opened(project)
    name = create(space, project, **PREFERENCE)
    run(space, name, request(project, 3, judge(project)))
    other = agent_of(f"{sys.executable} -S judge.py", AgentOptions(), os.environ, JUDGES)
    with pytest.raises(ConflictError, match="What two of them did"):
        run_plan.plan_runs(space, name, request(project, 5, other))
    wanted = request(project, 5, other, another_judge=True)
    assert "what all did counts" in run_plan.plan_runs(space, name, wanted).outlook[0]
    wanted = request(project, 5, judge(project))
    assert run(space, name, wanted).counted == 10


def test_a_preference_that_nobody_would_be_asked_for_is_refused(project):
    space = opened(project)
    name = create(space, project, **PREFERENCE)
    with pytest.raises(UsageError, match="no judge is named"):
        run_plan.plan_runs(space, name, request(project, 3, None))
    plain = project.parent / "plain.jsonl"
    plain.write_text('{"id": "a", "prompt": "/review 1"}\n')
    wanted = run_plan.RunRequest(plain, agent(project), judge=judge(project))
    with pytest.raises(UsageError, match="no case has a criterion of that type"):
        run_plan.plan_runs(space, name, wanted)


def test_what_is_said_before_names_how_often_a_judge_is_asked(project):
    space = opened(project)
    name = create(space, project)
    shown = run_plan.preview(space, name, request(project, 3, judge(project)))
    assert any("at most 3 times which of two works" in item for item in shown.outlook)
    shown = run_plan.preview(space, name, request(project, 3, None))
    assert any("3 preferences are for a judge and none" in item for item in shown.outlook)


@pytest.mark.long
def test_verdicts_on_runs_that_were_made_anew_are_asked_anew(project):
    """Those before are of other works."""
    space = opened(project)
    name = create(space, project, **PREFERENCE)
    wanted = request(project, 2, judge(project))
    planned = run_plan.plan_runs(space, name, wanted)
    run(space, name, wanted)
    folder = running.run_folder(space, name)
    first = {one.cell: one.began for one in folder.contests()}
    known = running._known(folder, planned, wanted.judge)
    assert set(known.contests) == set(first)
    outcome = folder.outcome(planned.left[0].cells[0])
    folder.conclude(replace(outcome, started=1.0))
    again = running._known(folder, planned, wanted.judge)
    assert set(again.contests) == {planned.left[1].contest}
    other = agent_of(f"{sys.executable} -S judge.py", AgentOptions(), os.environ, JUDGES)
    assert not running._known(folder, planned, other).contests


def test_each_treatment_is_held_against_the_control_without_a_name(made_up):
    runs = made_up(metrics={"primary": "preference"})
    told = {"model": "my-model-7"}
    ended = [
        runs.end("a", 1, "control", output="It was I: my-model-7", fingerprint=told),
        runs.end("a", 1, "b", output="Shorter.", fingerprint=told),
        runs.end("a", 1, "c", output="", status=TrialStatus.ERROR, fingerprint=told),
    ]
    case = Case(
        "a",
        "Review it.",
        "",
        tuple(
            Criterion(name, CriterionKind.PREFERENCE, f"The {name} one.")
            for name in ("shorter", "nicer")
        ),
    )
    asked = []

    def ask(question):
        asked.append(question)
        first = question.index("It was I") < question.index("Shorter.")
        better = "first" if first == ("nicer" in question) else "second"
        return json.dumps({"better": better, "why": ""})

    found = list(held(case, ended, runs.folder, ask))
    assert [(item.treatment, item.name, item.preferred) for item in found] == [
        ("b", "shorter", 1.0),
        ("b", "nicer", 0.0),
        ("c", "shorter", 0.0),
        ("c", "nicer", 0.0),
    ]
    assert len(asked) == 4
    assert not any("my-model-7" in question for question in asked)
    outcome = ContestOutcome(Contest("a", 1), tuple(found), "judge", began=(1.5, 2.0, 3.0))
    assert (outcome.preferred("b"), outcome.preferred("c")) == (0.5, 0.0)
    runs.folder.keep_contest(outcome)
    assert runs.folder.contest(outcome.cell) == outcome
    assert [*runs.folder.contests()] == [outcome]
