"""A judge, here a few lines of Python, judges each run after its agent, and is paid apart."""

import json
import os
import sys
from contextlib import suppress

import pytest
from tests.runs.test_fence import needs_bwrap
from tests.services.running.test_hostile_agents import started, until
from tests.services.running.test_running import agent, create, opened, project

from meta_experiment.errors import DependencyError, RefusedError
from meta_experiment.runs import supervising
from meta_experiment.runs.agents import JUDGES, AgentOptions, agent_of
from meta_experiment.runs.budget import Caps
from meta_experiment.services.running import run_plan, running
from meta_experiment.services.running.clearing import clear_runs
from meta_experiment.services.running.run_list import run_list
from meta_experiment.services.running.run_summary import summary
from meta_experiment.types.results.run import RunEnd

__all__ = ["project"]  # the fixture

# It finds each answer good but that of case 1, and of case 2 only where it is asked so first.
JUDGE = """\
import json, os, sys
asked = sys.stdin.read()
with open(os.environ["META_EXPERIMENT_METRICS"], "w") as stream:
    json.dump({"cost_usd": 0.001, "total_tokens": 10}, stream)
told = [*os.listdir(), os.getcwd(), *os.environ.values(), asked]
if any(word in text for text in told for word in ("control", "treatment")):
    sys.exit("it tells the variant")
met = "answer is 1" not in asked
if "answer is 2" in asked:
    met = asked.index('"met": true') < asked.index('"met": false')
print(json.dumps({"met": met, "why": "so"}))
"""


def judge(project, code=JUDGE):
    path = project.parent / "judge.py"
    path.write_text(code)
    words = f"{sys.executable} -I -S {path}"
    return agent_of(words, AgentOptions(within=120), os.environ, JUDGES)


def request(project, judged, caps=None):
    cases = project.parent / "cases.jsonl"
    criterion = {"type": "judge", "name": "kind", "target": "It is kind."}
    cases.write_text(
        "".join(
            json.dumps({"id": f"c{n}", "prompt": f"/review file {n}", "criteria": [criterion]})
            + "\n"
            for n in range(3)
        )
    )
    return run_plan.RunRequest(cases, agent(project), caps=caps or Caps(), judge=judged)


def run(space, name, wanted):
    return running.run(space, run_plan.plan_runs(space, name, wanted), wanted, lambda *_: None)


@pytest.mark.long
def test_each_run_is_judged_twice_and_paid_apart(project):
    space = opened(project)
    name = create(space, project)
    done = run(space, name, request(project, judge(project)))
    assert done.ended is RunEnd.EXHAUSTED
    assert done.spent.usd == pytest.approx(6 * 0.01 + 12 * 0.001)
    found = summary(space, name)
    verdicts = {
        (item.case, item.variant): (item.success, item.evaluations[0].answers)
        for item in found.runs
    }
    for variant in ("control", "treatment"):
        assert verdicts["c0", variant] == (True, (True, True))
        assert verdicts["c1", variant] == (False, (False, False))
        assert verdicts["c2", variant] == (None, (True, False))
    judged = found.judge
    assert (judged.asked, judged.disagreements, judged.unanswered) == (6, 2, 0)
    assert judged.usd == pytest.approx(0.012)
    assert [item.usd for item in found.variants] == pytest.approx([0.01, 0.01])
    trials = space.store.trials(space.store.experiment(name)).trials
    assert {item.metrics["cost_usd"] for item in trials} == {0.01}
    assert sum("success" in item.metrics for item in trials) == 4


@pytest.mark.long
def test_a_judge_is_in_the_caps(project):
    space = opened(project)
    name = create(space, project)
    done = run(space, name, request(project, judge(project), Caps(usd=0.03)))
    assert done.ended is RunEnd.CAPPED
    assert done.spent.usd == pytest.approx(0.024)


@pytest.mark.long
def test_a_judge_of_unknown_price_is_told_beside_what_agents_took(project):
    space = opened(project)
    name = create(space, project)
    done = run(space, name, request(project, judge(project, "print('{\"met\": true}')")))
    assert done.spent.usd == pytest.approx(6 * 0.01)
    assert (done.spent.unpriced, done.spent.judge_unpriced) == (0, 6)
    listed = run_list(space).experiments[0]
    assert (listed.usd, listed.usd_known) == (None, pytest.approx(0.06))


@pytest.mark.long
@pytest.mark.parametrize("code", ["print('yes')\n", "import sys; sys.exit(1)\n"])
def test_a_judge_that_answers_nothing_leaves_the_verdict_open_and_is_soon_left(project, code):
    space = opened(project)
    name = create(space, project)
    with pytest.raises(RefusedError, match="5 times in a row the judge gave no answer"):
        run(space, name, request(project, judge(project, code)))
    found = summary(space, name)
    assert found.judge.unanswered == found.open_verdicts == 5
    assert {item.score for item in found.runs} == {None}


@pytest.mark.long
def test_a_judge_that_cannot_be_asked_stops_everything(project):
    space = opened(project)
    name = create(space, project)
    broken = judge(project, JUDGE.replace("0.001", '"x"'))
    with pytest.raises(RefusedError, match="the judge: what it wrote"):
        run(space, name, request(project, broken))
    missing = agent_of("no-such-judge", AgentOptions(), os.environ, JUDGES)
    with pytest.raises(DependencyError, match="no-such-judge"):
        run(space, name, request(project, missing))
    assert run(space, name, request(project, judge(project))).counted == 6


def test_what_is_said_before_names_the_verdicts_to_come(project):
    space = opened(project)
    name = create(space, project)
    shown = run_plan.preview(space, name, request(project, None))
    assert any("6 verdicts are for a judge and none is named" in it for it in shown.outlook)
    shown = run_plan.preview(space, name, request(project, judge(project)))
    assert any("at most 6 verdicts, twice each" in item for item in shown.outlook)


# It writes what it may not, and begins what would outlive it.
WANDERER = """
import subprocess
for path in {paths!r}:
    try:
        open(path, "a").write("changed")
    except OSError:
        pass
child = subprocess.Popen(["sleep", "300"], start_new_session=True)
print(child.pid, file=sys.stderr)
"""


def is_running(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.mark.long
@needs_bwrap
def test_a_judge_writes_to_its_own_folder_alone_and_leaves_nothing_behind(project):
    space = opened(project)
    name = create(space, project)
    folder = running.run_folder(space, name)
    paths = [project / "mine.txt", folder.folder / "cells" / "mine.txt", "mine.txt"]
    code = JUDGE + WANDERER.format(paths=list(map(str, paths)))
    assert run(space, name, request(project, judge(project, code))).counted == 6
    assert not any(path.exists() for path in paths[:2])
    assert not [*folder.unheard()]
    assert not [*folder.folder.glob("judge/*/*/empty")]
    said = [path.read_text() for path in folder.folder.glob("judge/*/*/stderr")]
    assert len(said) == 12
    assert not any(is_running(int(pid)) for pid in said)
    assert sum(item.whole.usd for item in folder.bills()) == pytest.approx(
        6 * 0.01 + 12 * 0.001
    )


@pytest.mark.long
@pytest.mark.parametrize("next_command", ["recover", "run"])
def test_a_judge_that_outlives_its_runner_is_ended(project, next_command):
    space = opened(project)
    name = create(space, project)
    folder = running.run_folder(space, name)
    judge(project, JUDGE + "import time\ntime.sleep(300)\n")
    request(project, None)  # writes the cases
    words = [sys.executable, "-I", "-S", str(project.parent / "judge.py")]
    process = started(project, name, project.parent / "cases.jsonl", "--judge", " ".join(words))
    until(lambda: any(supervising.ending(path) is None for path in folder.unheard()))
    process.kill()
    process.communicate()
    questions = [*folder.unheard()]
    if next_command == "recover":
        assert any("Questions to a judge" in line for line in clear_runs(space))
    else:
        assert run(space, name, request(project, judge(project))).counted == 6
    assert all(supervising.ending(path) is not None for path in questions)
    assert not [*folder.unheard()]
    assert any(item.whole.cut for item in folder.bills())
