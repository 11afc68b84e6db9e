"""A workflow that is made of a plan does what one machine does, in shares."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import pytest
import yaml
from tests.services.running.test_executors import AGENT, look, trials
from tests.services.running.test_running import (
    SCRIPTS,
    cases,
    create,
    opened,
    project,  # noqa: F401 - a fixture
)
from tests.support.actions_runner import ActionsRunner
from tests.support.git import git
from tests.support.readers import actionlint, lint

from meta_experiment.errors import (
    ConflictError,
    CorruptStoreError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from meta_experiment.runs.agents import AgentOptions
from meta_experiment.runs.agents.named_agent import NamedAgent
from meta_experiment.runs.budget import Caps
from meta_experiment.runs.executors.actions_matrix import (
    MatrixTerms,
    caps_of_a_job,
    workflow_text,
)
from meta_experiment.runs.run_shares import Share, shares_of, within
from meta_experiment.runs.schedule import schedule
from meta_experiment.services.running import run_matrix, run_plan, running
from meta_experiment.services.running.run_parts import pack_runs, take_runs
from meta_experiment.types import Status
from meta_experiment.types.cases import Case
from meta_experiment.types.results.run import RunEnd

KEY = "0123456789abcdef0123456789abcdef"
HOSTILE = "$(touch /tmp/hacked) `id` ${{ secrets.OTHER }} \"; exit 1; '"
EXPRESSION = re.compile(r"\$\{\{ (?!'\$\{\{')(.*?) \}\}")


def agent(project):  # noqa: F811
    path = project.parent / "agent.py"
    path.write_text(AGENT)
    return NamedAgent(f"{sys.executable} -I -S {path}", AgentOptions(within=120.0))


def make(space, name, project, count=6, by=None, **more):  # noqa: F811
    who = (by or agent(project)).agent(os.environ)
    wanted = run_plan.RunRequest(cases(project, count), who, **more)
    return running.run(space, run_plan.plan_runs(space, name, wanted), wanted, lambda *_: None)


def machines(project, many):  # noqa: F811
    """Return the same project with the same experiment on so many other machines."""
    places = []
    for number in range(many):
        home = project.parent / f"machine-{number}"
        shutil.copytree(project, home / "project")
        places.append(home)
    return places


def on(home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    return opened(home / "project")


def test_shares_part_all_cases_and_keep_together_what_conflicts():
    known = {f"c{number}": Case(f"c{number}", "", "") for number in range(10)}
    known["c3"] = Case("c3", "", "", needs=("port",))
    known["c8"] = Case("c8", "", "", needs=("port",))
    blocks = schedule(7, list(known), ["a", "b"], 3)
    shares = shares_of(blocks, known, 4)
    assert sorted(name for share in shares for name in share) == sorted(known)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert any({"c3", "c8"} <= share for share in shares)
    assert len(shares_of(blocks, known, 40)) == 9
    parts = [within(Share(number, 4), blocks, blocks, known) for number in (1, 2, 3, 4)]
    assert sorted(map(str, (block for part in parts for block in part))) == sorted(
        map(str, blocks)
    )
    # what is recorded meanwhile moves no case to another share
    assert within(Share(1, 4), blocks[5:], blocks, known) == tuple(
        block for block in parts[0] if block in blocks[5:]
    )


@pytest.mark.parametrize("jobs", [1, 3, 7, 256])
@pytest.mark.parametrize("cap", [0.01, 1.0, 20.0, 99.99])
def test_caps_of_jobs_are_never_more_than_the_cap(jobs, cap):
    own = caps_of_a_job(Caps(cap, 100_001), jobs)
    assert own.usd * jobs <= cap
    assert own.tokens * jobs <= 100_001
    assert own.usd * jobs > cap - 0.0001 * jobs


def terms(**more):
    known = {
        "experiment_id": "exp-2026-01-31-review",
        "cases": HOSTILE,
        "jobs": 3,
        "flags": (("--agent", HOSTILE), ("--tool", HOSTILE)),
        "counting": (("--agent", HOSTILE),),
        "caps": Caps(2.0, None),
        "package": HOSTILE,
        "secrets": ("MODEL_TOKEN",),
        "setup": HOSTILE,
        "client": "2.1.330",
        "below": HOSTILE,
    }
    return MatrixTerms(**(known | more))


def test_no_text_of_a_user_stands_in_a_line_of_a_shell_and_nothing_of_it_is_evaluated():
    workflow = yaml.safe_load(workflow_text(terms()))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    for step in steps:
        assert "${{" not in step.get("run", "")
        assert "hacked" not in step.get("run", "")
        if "uses" in step:
            assert re.search(r"@[0-9a-f]{40}$", step["uses"])
    said = set(EXPRESSION.findall(workflow_text(terms())))
    assert {item for item in said if item.startswith("secrets.")} == {
        "secrets.META_EXPERIMENT_PARTS_KEY",
        "secrets.MODEL_TOKEN",
    }
    values = [value for step in steps for value in step.get("env", {}).values()]
    told = [value.replace("${{ '${{' }}", "${{") for value in values]
    assert told.count(HOSTILE) >= 4
    # agents get their secrets, and never the key
    (running_,) = [step for step in steps if "MODEL_TOKEN" in step.get("env", {})]
    assert "META_EXPERIMENT_PARTS_KEY" not in running_["env"]


def test_jobs_have_the_rights_they_need_alone():
    workflow = yaml.safe_load(workflow_text(terms()))
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "cells": {"actions": "read", "contents": "read"},
        "count": {"contents": "read"},
    }
    text = workflow_text(terms())
    assert re.search(r"uses: actions/checkout@[0-9a-f]{40} # v4", text)


@pytest.mark.long
def test_shares_that_are_taken_in_count_as_runs_of_one_machine(project, monkeypatch):  # noqa: F811
    space = opened(project)
    name = create(space, project)
    git(project, "add", "-A")
    git(project, "commit", "--quiet", "-m", "experiment")
    homes = machines(project, 3)
    by = agent(project)
    alone = make(space, name, project, 4)
    begun(project)
    parts = project.parent / "parts"
    for number, home in enumerate(homes[:2], start=1):
        there = on(home, monkeypatch)
        done = make(there, name, home / "project", 4, by=by, share=Share(number, 2))
        assert (done.ended, done.counted, done.waiting) == (RunEnd.SHARED, 0, 4)
        assert there.store.experiment(name).status is Status.DRAFT
        assert trials(there, name) == []
        part = parts / f"{number}.part"
        assert pack_runs(there, name, part, KEY.encode(), share=f"{number}/2").runs == 4
    there = on(homes[2], monkeypatch)
    with pytest.raises(RefusedError, match="no key is known here"):
        take_runs(there, name, [parts], b"")
    with pytest.raises(RefusedError, match="another seal"):
        take_runs(there, name, [parts], b"another key, that is as long as it has to be")
    first = take_runs(there, name, [parts], KEY.encode())
    again = take_runs(there, name, [parts], KEY.encode())
    assert [part.new for part in first.parts] == [4, 4]
    assert [(part.new, part.known) for part in again.parts] == [(0, 4), (0, 4)]
    assert len(begun(project)) == 8
    done = make(there, name, homes[2] / "project", 4, by=by, count_only=True)
    assert not (project.parent / "begun.txt").exists()
    assert (done.ended, done.decision, done.counted) == (
        alone.ended,
        alone.decision,
        alone.counted,
    )
    assert done.spent.usd == pytest.approx(alone.spent.usd)
    monkeypatch.undo()
    monkeypatch.setenv("HOME", str(project.parent / "home"))
    assert trials(there, name) == trials(space, name)


@pytest.fixture
def part(project):  # noqa: F811
    """A part of one share of two cases that one machine made, and what took it."""
    space = opened(project)
    name = create(space, project)
    make(space, name, project, 2, share=Share(1, 1))
    path = project.parent / "one.part"
    pack_runs(space, name, path, KEY.encode())
    shutil.rmtree(running.run_folder(space, name).folder)
    return space, name, path


def rewritten(path, change):
    """Rewrite the archive of a part by whoever has not the key; return it unsealed."""
    inner = path.with_suffix(".zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(inner, "w") as target:
        for item in source.infolist():
            for name, data in change(item.filename, source.read(item)):
                target.writestr(name, data)
    other = path.with_name(f"{len([*path.parent.iterdir()])}.part")
    other.write_bytes(b"meta-experiment part 1 -\n" + inner.read_bytes())
    return other


@pytest.mark.long
def test_what_was_changed_made_up_or_is_of_another_plan_is_never_taken_in(part):
    space, name, path = part
    data = path.read_bytes()
    place = path.with_name("changed.part")
    place.write_bytes(data[:-40] + bytes([data[-40] ^ 1]) + data[-39:])
    with pytest.raises((RefusedError, CorruptStoreError)):
        take_runs(space, name, [place], KEY.encode(), admit=True)
    unsealed = rewritten(path, lambda *item: [item])
    line = data.split(b"\n", 1)[0]  # a seal that was seen, on bytes of one's own
    place.write_bytes(line + b"\n" + unsealed.read_bytes().split(b"\n", 1)[1])
    with pytest.raises(RefusedError, match="another seal"):
        take_runs(space, name, [place], KEY.encode(), admit=True)
    with pytest.raises(RefusedError, match="bears no seal"):
        take_runs(space, name, [unsealed], KEY.encode())

    def head(**more):
        def change(file, said):
            if file == "part.json":
                said = json.dumps(json.loads(said) | more)
            return [(file, said)]

        return rewritten(path, change)

    with pytest.raises(ConflictError, match="another plan"):
        take_runs(space, name, [head(plan="0" * 64)], b"", admit=True)
    with pytest.raises(ConflictError, match="is of"):
        take_runs(space, name, [head(experiment_id="exp-2020-01-01-x")], b"", admit=True)

    def outcome(**more):
        def change(file, said):
            if file.endswith("outcome.json"):
                found = json.loads(said)
                found["report"] |= more
                said = json.dumps(found)
            return [(file, said)]

        return rewritten(path, change)

    def escaped(file, said):
        return [(file, said), *([("../../escaped", b"x")] * (file == "part.json"))]

    for wrong in (
        outcome(metrics={"active_seconds": float("nan")}),
        outcome(metrics={"active_seconds": "1"}),
        outcome(status="splendid"),
        outcome(spent={"usd": -5.0, "tokens": 1, "cut": False}),
        rewritten(path, escaped),
        rewritten(path, lambda file, said: [(file.replace(".1.control", ".1.other"), said)]),
        rewritten(path, lambda file, said: [(file, said)] * ("start.json" not in file)),
    ):
        with pytest.raises(CorruptStoreError):
            take_runs(space, name, [wrong], b"", admit=True)
    for text in (b"", b"hello", b"meta-experiment part 1 -\nhello"):
        place.write_bytes(text)
        with pytest.raises(CorruptStoreError):
            take_runs(space, name, [place], b"", admit=True)
    with pytest.raises(NotFoundError):
        take_runs(space, name, [path.with_name("none.part")], b"")
    with pytest.raises(RefusedError, match="has 5 characters"):
        take_runs(space, name, [path], b"short")
    assert not [*running.run_folder(space, name).folder.glob("cells/*")]
    assert take_runs(space, name, [unsealed], KEY.encode(), admit=True).runs == 4


@pytest.mark.long
def test_runs_that_were_taken_in_are_not_gone_on_with_at_another_state(part):
    space, name, path = part
    take_runs(space, name, [path], KEY.encode())
    project_ = space.root
    (project_ / "more.txt").write_text("more")
    with pytest.raises(RefusedError, match="not comparable"):
        make(space, name, project_)
    assert make(space, name, project_, 2, count_only=True).counted == 4


@pytest.mark.long
def test_what_a_share_pledged_counts_as_spent_until_it_says_what_it_took(part):
    space, name, path = part
    pledged = path.with_name("pledged.part")
    folder = running.run_folder(space, name)
    pack_runs(space, name, pledged, KEY.encode(), pledge=Caps(1.0, None))
    assert [*folder.bills()] == []  # its own
    settled = path.with_name("settled.part")
    shutil.copytree(folder.folder, path.with_name("kept"))
    shutil.rmtree(folder.folder)
    assert take_runs(space, name, [pledged], KEY.encode()).pledged == (1.0,)
    assert sum(bill.whole.usd for bill in folder.bills()) == 1.0
    done = make(space, name, space.root, 2, share=Share(1, 1), caps=Caps(1.0))
    assert (done.ended, done.waiting) == (RunEnd.CAPPED, 0)
    shutil.rmtree(folder.folder)
    shutil.copytree(path.with_name("kept"), folder.folder)
    pack_runs(space, name, settled, KEY.encode())
    for order in ([settled, pledged], [pledged, settled]):
        shutil.rmtree(folder.folder)
        assert take_runs(space, name, order, KEY.encode()).pledged == ()
        assert [*folder.bills()] == []


def test_wishes_that_make_no_sense_are_refused(project):  # noqa: F811
    space = opened(project)
    name = create(space, project)
    with pytest.raises(UsageError, match="no share"):
        make(space, name, project, share=Share(3, 2))
    with pytest.raises(UsageError, match="without --holdout"):
        make(space, name, project, share=Share(1, 2), count_only=True)
    asked = run_plan.RunRequest(cases(project), agent(project).agent(os.environ))
    own = project / "cases.jsonl"
    shutil.copy(cases(project), own)
    for wrong, kind in (
        ({"secrets": ("a b",)}, UsageError),
        ({"secrets": ("META_EXPERIMENT_PARTS_KEY",)}, UsageError),
        ({"runner": "${{ x }}"}, UsageError),
        ({"cases": str(cases(project))}, RefusedError),
    ):
        plain = {"experiment_id": name, "cases": str(own), "setup": "", "below": ""}
        with pytest.raises(kind):
            run_matrix.matrix(
                space, asked, run_matrix.MatrixRequest(terms(**(plain | wrong)), None)
            )
    mine = project / "mine.yml"
    mine.write_text("on: push\n")
    with pytest.raises(RefusedError, match="left as it is"):
        run_matrix.matrix(space, asked, run_matrix.MatrixRequest(terms(**plain), mine))
    done = run_matrix.matrix(space, asked, run_matrix.MatrixRequest(terms(**plain), None))
    assert done.runs == (8, 8, 8)
    assert any("commit cases.jsonl" in note or "cases.jsonl" in note for note in done.notes)


def command(project, *words):  # noqa: F811
    return subprocess.run(
        [sys.executable, "-m", "meta_experiment", *words, "--root", str(project)],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=True,
        cwd=project,
    ).stdout


def matrix_of(project, name, jobs=3, *more):  # noqa: F811
    """Write the workflow into the repository, with all that its jobs need."""
    shutil.copy(cases(project, 6), project / "cases.jsonl")
    words = agent(project).words
    command(
        project, "runs", "matrix", name, "--cases", "cases.jsonl", "--jobs", str(jobs),
        "--agent", words, "--package", "meta-experiment==0.1.0",
        "--out", ".github/workflows/runs.yml", *more,
    )  # fmt: skip
    git(project, "add", "-A")
    git(project, "commit", "--quiet", "-m", "experiment")
    return ActionsRunner(
        project,
        project / ".github/workflows/runs.yml",
        project.parent / "actions",
        {"META_EXPERIMENT_PARTS_KEY": KEY},
    )


def test_jobs_install_nothing_that_merely_bears_the_name(project):  # noqa: F811
    """From an index they would get whatever somebody put there, and give it secrets."""
    name = create(opened(project), project)
    shutil.copy(cases(project, 6), project / "cases.jsonl")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        command(
            project, "runs", "matrix", name, "--cases", "cases.jsonl", "--jobs", "2",
            "--agent", agent(project).words,
        )  # fmt: skip
    assert refused.value.returncode == 2
    assert "--package" in refused.value.stderr


def ended_in(job):
    return [*job.home.glob(".local/share/meta-experiment/runs/*/*/cells/*/outcome.json")]


def begun(project):  # noqa: F811
    lines = (project.parent / "begun.txt").read_text().splitlines()
    (project.parent / "begun.txt").unlink()
    return sorted(lines)


@pytest.mark.long(30)
def test_of_a_job_that_vanishes_the_cap_counts_as_spent_and_the_others_are_counted(project):  # noqa: F811
    """One job is killed, as a machine is that is lost: its cap counts as spent."""
    space = opened(project)
    name = create(space, project)
    runner = matrix_of(project, name, 2, "--max-usd", "0.9")

    def vanish(step, job, process):
        if job.values["matrix.share"] == "2" and step["name"].startswith("Make the runs"):
            until = time.monotonic() + 60
            while not ended_in(job):
                assert time.monotonic() < until
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
            job._is_due = lambda _: False

    first = runner.run(11, hinder=vanish)
    ends = {title: how for title, (how, _) in first.items()}
    assert ends == {"cells 1": "success", "cells 2": "failure", "count": "success"}, first
    made = begun(project)
    assert len(made) == len(set(made))
    second = runner.run(11, 2, only=["cells 2", "count"])
    assert "its cap of $0.45 would be passed" in second["cells 2"][1], second
    assert not (project.parent / "begun.txt").exists()
    counted = json.loads((runner.artifacts(11) / "result/analysis.json").read_text())
    assert counted["decision"] == "EXTEND"


@pytest.mark.long(45)
def test_jobs_that_failed_are_made_again_and_all_is_counted_as_on_one_machine(project):  # noqa: F811
    space = opened(project)
    name = create(space, project)
    runner, nap = matrix_of(project, name), project.parent / "nap.txt"

    def hinder(step, job, process):
        if job.values["matrix.share"] == "2" and step["name"].startswith("Make the runs"):
            nap.write_text("0.7")
            until = time.monotonic() + 60
            while not ended_in(job):
                assert time.monotonic() < until
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGTERM)

    first = runner.run(11, hinder=hinder)
    nap.unlink()  # not before: what begins while the signal is under way would end at once
    assert [how for how, _ in first.values()] == ["success", "failure", "success", "success"]
    before = begun(project)
    second = runner.run(11, 2, only=["cells 2", "count"])
    assert [how for how, _ in second.values()] == ["success", "success"], second
    after = begun(project)
    assert len({*before} | {*after}) == 12
    assert len({*before} & {*after}) <= 4  # those under way
    result = runner.artifacts(11) / "result"
    counted = (result / "analysis.json").read_text()
    third = runner.run(12, resume="11", only=["cells 1"])  # another run, on from there
    assert [how for how, _ in third.values()] == ["success"], third
    assert not (project.parent / "begun.txt").exists()
    # on one machine, of the same seed
    other = project.parent / "alone" / "project"
    shutil.copytree(project, other)
    words = ["run", name, "--cases", "cases.jsonl", "--agent", agent(project).words, "--yes"]
    command(other, *words)
    expected = look(other, name, "INCONCLUSIVE")
    assert re.sub(r'"(as_of|days_\w+)": [^,\n]*', "", counted) == expected
    # and here, by hand
    os.environ["META_EXPERIMENT_PARTS_KEY"] = KEY
    try:
        command(project, "runs", "take", name, str(result / "runs.part"))
    finally:
        del os.environ["META_EXPERIMENT_PARTS_KEY"]
    command(project, *words[:-1], "--count-only")
    assert look(project, name, "INCONCLUSIVE") == expected
    assert trials(opened(project), name) == trials(opened(other), name)


@pytest.mark.long
def test_actionlint_finds_nothing_in_a_matrix(tmp_path):
    program = actionlint()
    checked = tmp_path / ".github/workflows/runs.yml"
    checked.parent.mkdir(parents=True)
    text = workflow_text(terms(below="", cases="cases.jsonl"))
    checked.write_text(text)
    found = lint([program, checked], tmp_path)
    assert found.returncode == 0, found
    checked.write_text(text.replace("steps.taken.outcome", "steps.took.outcome"))
    assert lint([program, checked], tmp_path).returncode != 0


@pytest.mark.long
def test_a_run_whose_text_was_not_seen_is_made_again_and_else_set_aside(project):  # noqa: F811
    space = opened(project)
    name = create(space, project)
    make(space, name, project, 1, share=Share(1, 1))
    begun(project)
    (path, *_) = sorted(running.run_folder(space, name).folder.glob("cells/*/outcome.json"))
    found = json.loads(path.read_text())
    found["report"]["received"] = False
    path.write_text(json.dumps(found))
    done = make(space, name, project, 1, count_only=True)
    assert (done.counted, [item.case for item in done.set_aside]) == (0, ["c0"])
    assert make(space, name, project, 1).counted == 2
    assert len(begun(project)) == 1
