"""Runs from a plan to a decision, with an agent that is a few lines of shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.git import git

from meta_experiment.errors import (
    ConflictError,
    DependencyError,
    LockedError,
    RefusedError,
    UsageError,
)
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.runs import supervising
from meta_experiment.runs.agents import AgentOptions, agent_of
from meta_experiment.runs.budget import Caps
from meta_experiment.runs.runner import CountedBlock
from meta_experiment.services.acting import promotion
from meta_experiment.services.planning import creating, request
from meta_experiment.services.running import run_merge, run_plan, running
from meta_experiment.services.running.clearing import clear_runs
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Decision, ReasonCode, Status, TrialStatus
from meta_experiment.types.results.run import RunEnd

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
COMMAND = ".claude/commands/review.md"
TEXT = "---\ndescription: Review\n---\nReview $ARGUMENTS {how}.\n"

# The time of a case is that of its number, half of it where the text says so.
AGENT = """\
import json, os, sys
prompt = sys.stdin.read()
number = int(prompt.split()[-1])
text = open(os.environ["META_EXPERIMENT_PROMPT"]).read()
seconds = (10 + 7 * number % 5) * (0.5 if "at once" in text else 1.0) + number % 3 / 10
with open(os.environ["META_EXPERIMENT_METRICS"], "w") as stream:
    json.dump({"active_seconds": seconds, "cost_usd": 0.01, "total_tokens": 100}, stream)
open("work.txt", "w").write(prompt)
print("The answer is", number)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with a command, a better text beside it, and an agent."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = tmp_path / "project"
    (root / COMMAND).parent.mkdir(parents=True)
    (root / COMMAND).write_text(TEXT.format(how="slowly"))
    (tmp_path / "new.md").write_text(TEXT.format(how="at once"))
    (tmp_path / "agent.py").write_text(AGENT)
    git(root, "init", "--quiet", "--initial-branch=main", ".")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "start")
    return root


def opened(project):
    times = iter(range(1_760_000_000, 1_770_000_000))
    return Workspace.open(Layout(project), lambda: float(next(times)))


def create(space, project, **more):
    plan = {
        "name": "review",
        "seed": 7,
        "unit": "case",
        "metrics": {"primary": "active_seconds"},
        "stopping": {"sample_size": 6},
        **more,
    }
    wanted = request.from_flags(
        plan, [f"{COMMAND}={project.parent / 'new.md'}"], project, project
    )
    return creating.create(space, wanted, manual=True).experiment.experiment_id


def cases(project, count=12, **more):
    path = project.parent / "cases.jsonl"
    lines = [
        {
            "id": f"c{number}",
            "prompt": f"/review file {number}",
            "criteria": [{"type": "contains", "target": f"answer is {number}"}],
            **more,
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def agent(project, code=None):
    if code is not None:
        (project.parent / "agent.py").write_text(code)
    words = f"{sys.executable} -I -S {project.parent / 'agent.py'}"
    return agent_of(words, AgentOptions(within=120.0), os.environ)


def run(space, name, project, *, tell=lambda *_: None, code=None, **more):
    wanted = run_plan.RunRequest(
        more.pop("cases", None) or cases(project), agent(project, code), **more
    )
    return running.run(space, run_plan.plan_runs(space, name, wanted), wanted, tell)


@pytest.mark.long
def test_a_run_stops_at_the_fewest_cases_that_decide_and_its_winner_is_promoted(project):
    space = opened(project)
    name = create(space, project)
    before = git(project, "status", "--porcelain")
    folder, counted = running.run_folder(space, name), []

    def tell(_, event, __):
        """Let the run beside the last one end before anything is stopped."""
        counted.extend([event] if isinstance(event, CountedBlock) else ())
        if len(counted) > 5:
            await_so(lambda: len([*folder.bills()]) > 2 * len(counted), 20)

    done = run(space, name, project, cases=cases(project, 20), tell=tell, at_once=2)
    assert (done.ended, done.decision) == (RunEnd.DECIDED, Decision.PROMOTE)
    assert 12 <= done.counted < done.runs == 40
    assert done.saved == 40 - done.counted
    took = [item.whole.usd for item in folder.bills()]
    assert len(took) > done.counted
    assert done.spent.usd == pytest.approx(sum(took))
    trials = space.store.trials(space.store.experiment(name)).trials
    assert len(trials) == done.counted
    assert {item.status for item in trials} == {TrialStatus.OK}
    assert {item.metrics["success"] for item in trials} == {1.0}
    assert {item.metrics["files_touched"] for item in trials} == {1.0}
    assert git(project, "status", "--porcelain") == before
    assert git(project, "branch", "--list") == "* main\n"
    assert not folder.slots.exists()
    options = promotion.ActionOptions(commit=False)
    assert promotion.promote(space, name, options, dry_run=False).status is Status.PROMOTED
    assert "at once" in (project / COMMAND).read_text()
    git(project, "commit", "--quiet", "-am", "promoted")
    taken = run_merge.merge(space, name, run_merge.MergeRequest("c3"), dry_run=False)
    assert (taken.variant, taken.files) == ("treatment", {"work.txt": 1})
    assert git(project, "show", f"{taken.branch}:work.txt") == "/review file 3"


@pytest.mark.long
def test_a_plan_that_acts_by_itself_promotes(project):
    space = opened(project)
    done = run(space, create(space, project, auto=True), project)
    assert done.status is Status.PROMOTED
    assert "at once" in (project / COMMAND).read_text()


@pytest.mark.long
def test_what_nothing_decides_ends_with_its_schedule(project):
    """Two texts that do the same: all runs are made, and it is over, undecided."""
    space = opened(project)
    name = create(space, project)
    same = AGENT.replace("0.5 if", "1.0 if").replace("% 3 / 10", "* len(text) % 11 / 2")
    done = run(space, name, project, code=same, cases=cases(project, 7))
    assert (done.ended, done.status) == (RunEnd.EXHAUSTED, Status.EXPIRED)
    assert done.reason_code is ReasonCode.HORIZON_REACHED
    assert "after all runs of its 7 cases" in done.reason
    more = run(space, name, project, code=AGENT, cases=cases(project, 20))
    assert more.runs == 40
    assert more.counted > 14


@pytest.mark.long
def test_other_cases_than_before_add_to_what_is_known(project):
    """A set without any of the cases that were run goes on from them, and says so before."""
    space = opened(project)
    name = create(space, project)
    same = AGENT.replace("0.5 if", "1.0 if").replace("% 3 / 10", "* len(text) % 11 / 2")
    first = run(space, name, project, code=same, cases=cases(project, 7))
    assert first.status is Status.EXPIRED
    path = cases(project, 12)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[7:]))
    wanted = run_plan.RunRequest(path, agent(project), at_once=2)
    planned = run_plan.plan_runs(space, name, wanted)
    assert (planned.runs, planned.runs_left, planned.cases_in_all) == (10, 10, 12)
    assert "cannot decide" not in planned.outlook[0]
    assert " 67 seconds; fewer" in planned.outlook[-1]
    done = running.run(space, planned, wanted, lambda *_: None)
    assert done.ended is not RunEnd.FUTILE or "all 12 would end" in done.reason
    assert done.counted > 0


@pytest.mark.long
def test_another_agent_goes_on_only_where_that_is_said(project):
    space = opened(project)
    name = create(space, project)
    path = cases(project)
    run(space, name, project, cases=path, caps=Caps(usd=0.025))
    other = agent_of(f"{sys.executable} other.py", AgentOptions(within=120.0), os.environ)
    with pytest.raises(ConflictError, match="so far it was") as refused:
        run_plan.plan_runs(space, name, run_plan.RunRequest(path, other))
    assert "--another-agent" in refused.value.hint
    wanted = run_plan.RunRequest(path, other, another_agent=True)
    assert "what all did counts" in run_plan.plan_runs(space, name, wanted).outlook[0]


@pytest.mark.long
def test_a_cap_leaves_what_is_valid_and_the_next_call_goes_on(project):
    space = opened(project)
    name = create(space, project)
    first = run(space, name, project, caps=Caps(usd=0.055))
    assert first.ended is RunEnd.CAPPED
    assert first.counted == 4
    assert 0.04 <= first.spent.usd <= 0.055
    second = run(space, name, project, caps=Caps(usd=1.0))
    assert second.decision is Decision.PROMOTE
    ids = [item.trial_id for item in space.store.trials(space.store.experiment(name)).trials]
    assert len(ids) == len(set(ids)) == second.counted
    assert second.spent.usd == pytest.approx(
        0.01 * (second.counted + second.waiting), abs=0.011
    )


@pytest.mark.long
def test_who_asks_to_try_again_is_tried_again_and_then_set_aside(project):
    space = opened(project)
    failing = AGENT.replace("text =", "sys.exit(75) if number == 3 else None\ntext =")
    done = run(space, create(space, project), project, code=failing)
    aside = [(item.case, item.reason) for item in done.set_aside]
    assert aside in ([], [("c3", "python asks to try again (75)")]) or len(aside) == 1
    trials = space.store.trials(space.store.experiments()[0]).trials
    assert "c3" not in {item.unit for item in trials}


@pytest.mark.long
def test_an_agent_that_fails_counts_as_such(project):
    space = opened(project)
    failing = AGENT + "sys.exit(3 if number % 4 == 1 else 0)\n"
    done = run(space, create(space, project), project, code=failing)
    trials = space.store.trials(space.store.experiments()[0]).trials
    failed = [item for item in trials if item.status is TrialStatus.ERROR]
    assert failed
    assert {item.metrics["success"] for item in failed} == {0.0}
    assert not any("score" in item.metrics for item in failed)
    assert not done.set_aside


def test_metrics_that_are_none_stop_everything(project):
    space = opened(project)
    name = create(space, project)
    with pytest.raises(RefusedError, match="no JSON object of numbers"):
        run(space, name, project, code=AGENT.replace('seconds, "cost', "'x', \"cost"))


def test_refusals_come_before_anything_is_run(project):
    space = opened(project)
    name = create(space, project)
    missing = run_plan.RunRequest(
        cases(project), agent_of("no-such-agent --x", AgentOptions(), os.environ)
    )
    with pytest.raises(DependencyError, match="no-such-agent"):
        running.run(space, run_plan.plan_runs(space, name, missing), missing, lambda *_: None)
    assert space.store.experiment(name).status is Status.DRAFT
    (project.parent / "cases.jsonl").write_text("{nonsense\n")
    with pytest.raises(UsageError, match="JSON"):
        run(space, name, project, cases=project.parent / "cases.jsonl")


def test_without_a_home_it_is_said_what_has_no_place(project):
    space = opened(project)
    space = replace(space, machine=replace(space.machine, environment={}))
    with pytest.raises(DependencyError, match="runs have no place"):
        run(space, create(space, project), project)


def test_a_live_experiment_has_no_cases(project):
    space = opened(project)
    name = create(space, project, unit="session")
    with pytest.raises(UsageError, match="per session"):
        run(space, name, project)


@pytest.mark.long
def test_a_changed_case_is_another_one(project):
    space = opened(project)
    name = create(space, project)
    run(space, name, project, caps=Caps(usd=0.055))
    with pytest.raises(ConflictError, match="not what it was"):
        run(space, name, project, cases=cases(project, tags=["new"]))


@pytest.mark.long
def test_a_runner_that_is_killed_leaves_nothing_for_ever(project):
    """The next run takes over what goes on; of an experiment that has ended it is stopped."""
    space = opened(project)
    name = create(space, project)
    began = project.parent / "began"  # by then its supervisor, too, has heard what to do
    sleeping = f"open({str(began)!r}, 'w').close()\ntime.sleep(600)\ntext ="
    sleepy = "import time\n" + AGENT.replace("text =", sleeping)
    (project.parent / "agent.py").write_text(sleepy)
    words = f"{sys.executable} -I -S {project.parent / 'agent.py'}"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "meta_experiment.cli.main", "run", name,
            "--cases", str(cases(project)), "--agent", words, "--concurrency", "1", "--yes",
        ],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    folder = running.run_folder(space, name)
    await_so(began.exists, 240)
    process.kill()
    process.wait()
    (attempt,) = folder.unread()
    assert "without their runner" in next(clear_runs(space))
    assert folder.slots.exists()
    promotion.stop(space, name, "enough", dry_run=False)
    assert "are removed" in next(clear_runs(space))
    assert not folder.slots.exists()
    assert supervising.ending(attempt).stopped
    assert list(clear_runs(space)) == []


def await_so(is_so, patience):
    """Wait until something is so, for some seconds."""
    deadline = time.monotonic() + patience
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)


def test_two_runs_of_one_experiment_do_not_mix(project):
    space = opened(project)
    name = create(space, project)
    folder = running.run_folder(space, name)
    with FileLock(folder.lock, verb="run"), pytest.raises(LockedError, match="lock is held"):
        run(space, name, project)


def test_what_is_said_before_counts_the_cases(project):
    space = opened(project)
    name = create(space, project)
    wanted = run_plan.RunRequest(cases(project, 4), agent(project), repeats=5)
    shown = run_plan.preview(space, name, wanted)
    assert shown.ended is RunEnd.PREVIEW
    assert shown.runs == 40
    assert "4 cases cannot decide" in shown.outlook[0]
    assert space.store.experiment(name).status is Status.DRAFT


def test_a_case_that_goes_on_in_a_conversation_is_none_of_a_command_line(project):
    """Which would be asked in the middle of what it never heard."""
    (project.parent / "talk.jsonl").write_text('{"type": "user", "uuid": "u", "message": {}}')
    space = opened(project)
    name = create(space, project)
    request = run_plan.RunRequest(cases(project, 1, history="talk.jsonl"), agent(project))
    with pytest.raises(UsageError, match="cannot take up"):
        run_plan.plan_runs(space, name, request)


@pytest.mark.long
def test_runs_of_an_experiment_that_is_gone_are_no_evidence_on_another(project):
    """Its outcomes lie outside of the project, also when the project knows nothing of it."""
    space = opened(project)
    name = create(space, project)
    run(space, name, project, cases=cases(project, 3))
    shutil.rmtree(project / ".claude/meta")
    (project.parent / "new.md").write_text(TEXT.format(how="another way"))
    space = opened(project)
    other = create(space, project)
    assert other != name
    done = run(space, other, project, cases=cases(project, 3))
    assert done.spent.usd == pytest.approx(0.06)
    trials = space.store.trials(space.store.experiment(other)).trials
    durations = {it.metrics["active_seconds"] for it in trials}
    assert min(durations) >= 10  # the text that was twice as fast is gone


SKILL = ".claude/skills/notes"
# What is in the skill's folder decides, and is what the run says.
FOLDER_AGENT = """\
import json, os, subprocess, sys
sys.stdin.read()
prompt = os.environ["META_EXPERIMENT_PROMPT"]
folder = os.path.dirname(prompt)
print(prompt.rpartition("/")[2], sorted(os.listdir(folder)), end=" ")
for name in sorted(os.listdir(folder + "/scripts")):
    path = f"{folder}/scripts/{name}"
    print(name, oct(os.stat(path).st_mode)[-3:], open(path).read().strip(), end=" ")
print(subprocess.run(["git", "status", "--short"], capture_output=True).stdout.decode())
print(subprocess.run(["git", "log", "--format=%s"], capture_output=True).stdout.decode())
"""


@pytest.mark.long
def test_a_skill_is_run_with_all_of_its_folder_and_nothing_else(project):
    """Files come, go and change with their modes, in one commit that looks the same."""
    files = {"SKILL.md": "Run scripts/a.\n", "scripts/a": "old\n", "assets/logo": "\0"}
    new = {"SKILL.md": "Run scripts/a.\n", "scripts/a": "new\n", "scripts/b": "more\n"}
    for folder, content in ((project / SKILL, files), (project.parent / "new", new)):
        for name, text in content.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
    (project.parent / "new/scripts/b").chmod(0o755)
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "a skill")
    space, plan = opened(project), {"unit": "case", "metrics": {"primary": "success"}}
    flags = [f"{SKILL}={project.parent / 'new'}"]
    wanted = request.from_flags(plan, flags, project, project)
    name = creating.create(space, wanted, manual=True).experiment.experiment_id
    criteria = [{"type": "contains", "target": "new"}]
    path = cases(project, 2, criteria=criteria)
    run(space, name, project, code=FOLDER_AGENT, cases=path)
    folder = running.run_folder(space, name)
    said = {
        (outcome.cell.variant, outcome.report.output.replace("\n", " ").strip())
        for outcome in (record.outcome for record in folder.records())
    }
    after = "  Update project files a skill start"
    assert said == {
        ("control", "SKILL.md ['SKILL.md', 'assets', 'scripts'] a 644 old" + after),
        ("treatment", "SKILL.md ['SKILL.md', 'scripts'] a 644 new b 755 more" + after),
    }
