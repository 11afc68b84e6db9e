"""Another judge says what it thinks of runs that were made, and changes nothing of them."""

import json
import os
import sys
from dataclasses import replace

import pytest

from meta_experiment.cli.main import main
from meta_experiment.errors import LockedError, NotFoundError, RefusedError, UsageError
from meta_experiment.files.lock import FileLock
from meta_experiment.runs.agents import JUDGES, AgentOptions, agent_of
from meta_experiment.runs.budget import Caps
from meta_experiment.services.running import run_judging
from meta_experiment.services.running.run_judging import JudgingRequest, judge_runs
from meta_experiment.services.running.run_summary import summary
from meta_experiment.types.cases import CriterionKind, CriterionResult
from meta_experiment.types.runs import (
    ContestOutcome,
    Failure,
    FailureKind,
    PreferenceResult,
    RunCell,
)

# It finds good what is short, and prefers what is shorter.
JUDGE = """\
import json, os, re, sys
asked = sys.stdin.read()
with open(os.environ["META_EXPERIMENT_METRICS"], "w") as stream:
    json.dump({"cost_usd": 0.001, "total_tokens": 10}, stream)
if "met" in asked.splitlines()[-1]:
    print(json.dumps({"met": "long" not in asked}))
else:
    lines = asked.splitlines()
    one, other = (lines[n + 1] for n, line in enumerate(lines) if line.startswith("The answer"))
    print(json.dumps({"better": "first" if len(one) < len(other) else "second"}))
"""


def judge(runs, code=JUDGE):
    path = runs.folder.folder.parent / "judge.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    return agent_of(
        f"{sys.executable} -I -S {path}", AgentOptions(within=120), os.environ, JUDGES
    )


def filled(runs, cases=2, person=None):
    """End runs of which the control's answer is long, all found good by a first judge."""
    for number in range(cases):
        for arm, said in (("control", "A long one."), ("treatment", "Short.")):
            first = CriterionResult(
                "kind", CriterionKind.JUDGE, 1.0, True, "", (True, True), person
            )
            runs.end(f"c{number}", 1, arm, first, output=said)
    return runs


def stood(runs):
    """Return all that was said and recorded before."""
    cells = sorted((runs.folder.folder / "cells").rglob("*.json"))
    log = list(runs.space.store.trials(runs.space.store.experiment(runs.name)).trials)
    return [path.read_bytes() for path in cells], log


@pytest.mark.long
def test_another_judge_is_heard_and_decides_nothing(made_up):
    runs = filled(made_up(metrics={"primary": "success"}), person=True)
    before, shown = stood(runs), summary(runs.space, runs.name)
    wanted = JudgingRequest(judge(runs), target="It is short.", prefer="the shorter one")
    done = judge_runs(runs.space, runs.name, wanted)
    assert (done.blocks, done.left) == (2, 0)
    said = {item.variant: (item.passed, item.failed, item.open) for item in done.verdicts}
    assert said == {"control": (0, 2, 0), "treatment": (2, 0, 0)}
    (figures,) = done.preferences
    assert (figures.won, figures.lost, figures.criterion) == (2, 0, "prefer")
    assert (done.judge.asked, done.judge.compared, done.judge.agreed) == (4, 4, 2)
    assert (done.first_compared, done.first.share) == (4, 0.5)
    assert done.judge.usd == pytest.approx(0.001 * (4 * 2 + 2 * 2))
    assert stood(runs) == before
    assert summary(runs.space, runs.name) == shown
    assert not [*runs.folder.bills()][4:]


@pytest.mark.long
def test_no_place_of_this_machine_reaches_a_judge(made_up):
    runs = made_up()
    for arm in ("control", "treatment"):
        cell = RunCell("c0", 1, arm)
        checkout = runs.folder.slots / "0" / "project" / "a.py"
        own = runs.folder.cell(cell) / "1" / "tmp" / "note"
        told = f"I, {len(arm)}, changed {checkout} by {own}, see {runs.folder.slots}/1/x."
        runs.end("c0", 1, arm, True, output=told, patch=f"+{checkout}\n".encode())
    asked = runs.folder.folder.parent / "asked"
    kept = JUDGE.replace("with open", f"open({str(asked)!r}, 'a').write(asked)\nwith open", 1)
    wanted = JudgingRequest(judge(runs, kept), target="It is short.", prefer="shorter")
    assert judge_runs(runs.space, runs.name, wanted).left == 0
    questions = asked.read_text()
    assert questions.count('changed a.py by tmp/note, see […]"') == 8
    assert '"+a.py' in questions
    assert str(runs.folder.folder) not in questions


@pytest.mark.long
def test_what_was_judged_is_shown_again_without_asking(made_up, monkeypatch):
    runs = filled(made_up())
    wanted = JudgingRequest(judge(runs), target="It is short.")
    first = judge_runs(runs.space, runs.name, wanted)
    monkeypatch.setattr(run_judging, "judged_again", lambda *_: pytest.fail("asked"))
    assert judge_runs(runs.space, runs.name, wanted) == first
    assert first.criteria[0].criterion == "kind"


def scripted(monkeypatch, *failures):
    """Let questions come to these ends, one after the other, then to none; say about which."""
    ends, asked = iter(failures), []

    def judged_again(cell, case, found, _, asking, *__):
        asked.append((cell.case_id, case.prompt, [run.cell.variant for run in found]))
        result = PreferenceResult("prefer", "treatment", 1.0, 1.0, "", (1.0, 1.0))
        return ContestOutcome(
            cell,
            (result,),
            asking.identity,
            began=tuple(run.started for run in found),
            failure=next(ends, None),
        )

    monkeypatch.setattr(run_judging, "judged_again", judged_again)
    return asked


def test_what_failed_is_asked_in_the_next_call(made_up, monkeypatch):
    runs = filled(made_up(), cases=4)
    network = Failure(FailureKind.MACHINE, "no network")
    asked = scripted(monkeypatch, None, network)
    wanted = JudgingRequest(judge(runs), prefer="the shorter one")
    done = judge_runs(runs.space, runs.name, wanted)
    assert (done.blocks, done.left) == (3, 1)
    assert done.reason == "Some could not be judged: no network."
    assert judge_runs(runs.space, runs.name, wanted).left == 0
    assert [case for case, _, _ in asked] == ["c0", "c1", "c2", "c3", "c1"]
    assert asked[0][1:] == ("Do it.", ["control", "treatment"])


def test_what_was_said_of_a_run_is_not_told_of_one_in_its_place(made_up, monkeypatch):
    runs = filled(made_up())
    scripted(monkeypatch, None, None, Failure(FailureKind.MACHINE, "no network"))
    wanted = JudgingRequest(judge(runs), prefer="the shorter one")
    assert judge_runs(runs.space, runs.name, wanted).blocks == 2
    first = runs.folder.outcome(RunCell("c0", 1, "treatment"))
    runs.folder.conclude(replace(first, started=first.started + 1))
    done = judge_runs(runs.space, runs.name, wanted)
    assert (done.blocks, done.left, done.preferences[0].pairs) == (1, 1, 1)


@pytest.mark.parametrize(("kind", "times"), [("setup", 1), ("machine", 3)])
def test_a_judge_that_cannot_be_asked_is_told(made_up, monkeypatch, kind, times):
    runs = filled(made_up(), cases=5)
    scripted(monkeypatch, *[Failure(FailureKind(kind), "no login")] * times)
    with pytest.raises(RefusedError, match="as it is: no login"):
        judge_runs(runs.space, runs.name, JudgingRequest(judge(runs), prefer="it"))


def test_a_judge_whose_answers_nobody_can_read_is_soon_left(made_up):
    runs = filled(made_up(), cases=7)
    mute = judge(runs, "print('I like both.')")
    with pytest.raises(RefusedError, match=r"5 times in a row.*I like both"):
        judge_runs(runs.space, runs.name, JudgingRequest(mute, prefer="the shorter one"))
    assert len(list(runs.folder.folder.glob("again/*/judge/*"))) == 5


@pytest.mark.long
def test_a_cap_leaves_the_rest(made_up):
    runs = filled(made_up(), cases=3)
    wanted = JudgingRequest(judge(runs), target="It is short.", caps=Caps(usd=0.0045))
    done = judge_runs(runs.space, runs.name, wanted)
    assert (done.blocks, done.left) == (1, 2)
    assert "its cap of $0.0045 would be passed" in done.reason


def test_criteria_of_cases_are_told_from_others_by_their_words(made_up, monkeypatch, tmp_path):
    runs = filled(made_up(), cases=2)
    scripted(monkeypatch)
    places = set()
    for target in ("the shorter one", "the nicer one"):
        criteria = [
            {"type": "preference", "name": "better", "target": target},
            {"type": "contains", "target": "x"},
        ]
        path = tmp_path / "cases.jsonl"
        path.write_text(json.dumps({"id": "c1", "prompt": "p", "criteria": criteria}) + "\n")
        done = judge_runs(runs.space, runs.name, JudgingRequest(judge(runs), path))
        assert (done.blocks, [item.criterion for item in done.criteria]) == (1, ["better"])
        places.add(done.folder)
    assert len(places) == 2


def test_what_cannot_be_judged_is_refused(made_up, tmp_path):
    runs = filled(made_up())
    for more in ({}, {"cases": tmp_path, "target": "It is."}):
        with pytest.raises(UsageError, match="Expected criteria"):
            judge_runs(runs.space, runs.name, JudgingRequest(judge(runs), **more))
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": "c1", "prompt": "p"}\n')
    with pytest.raises(UsageError, match="None of these cases"):
        judge_runs(runs.space, runs.name, JudgingRequest(judge(runs), path))
    path.write_text(
        '{"id": "z", "prompt": "p", "criteria": [{"type": "judge", "target": "It is."}]}\n'
    )
    with pytest.raises(NotFoundError, match="these criteria are for"):
        judge_runs(runs.space, runs.name, JudgingRequest(judge(runs), path))
    lock = FileLock(runs.folder.lock, verb="run")
    assert lock.try_acquire()
    with pytest.raises(LockedError):
        judge_runs(runs.space, runs.name, JudgingRequest(judge(runs), target="It is."))
    lock.release()


def test_it_says_that_it_decides_nothing(made_up, monkeypatch, capsys):
    runs = filled(made_up())
    scripted(monkeypatch)
    monkeypatch.chdir(runs.space.root)
    words = ["runs", "judge", runs.name, "--judge", "sh", "--prefer", "the shorter one"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "decides nothing" in said
    assert "None of this counts for the decision" in said
    assert "prefer (preference): the shorter one" in said
