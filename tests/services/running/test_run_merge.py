"""The winner's work is taken over on request, from the run to a branch."""

from __future__ import annotations

import json

import pytest
from tests.runs.repositories import write
from tests.support.git import git

from meta_experiment.cli.main import main
from meta_experiment.errors import NotFoundError, RefusedError, UsageError
from meta_experiment.runs.base import base_of
from meta_experiment.runs.checkouts import Slots
from meta_experiment.services.acting import promotion
from meta_experiment.services.running.run_merge import MergeRequest, merge
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import TrialStatus
from meta_experiment.types.runs import Failure, FailureKind, RunCell


@pytest.fixture
def runs(made_up, tmp_path):
    """Runs in a repository: the treatment takes half the time, and leaves a file."""
    root = tmp_path / "project"
    git(root, "init", "-q", "-b", "main")
    write(root, "a.txt", b"1\n2\n3\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    runs = made_up()
    runs.space = Workspace.open(runs.space.layout, runs.space.clock)
    runs.root = root
    runs.slots = Slots(
        runs.space.git,
        base_of(runs.space.git, root, runs.folder.folder / "base"),
        runs.folder.slots,
        "project",
    )
    return runs


def end(runs, case, variant, changes=(("a.txt", b"1\n2\nthree\n"),), **more):
    """End a run that has left some files."""
    runs.end(case, 1, variant, seconds=5.0 if variant == "treatment" else 10.0, **more)
    there = runs.slots.prepare(0, {".claude/commands/review.md": variant.encode()})
    for name, data in changes:
        write(there, name, data)
    if runs.slots.changes(0).files:
        runs.slots.keep_work(0, runs.folder.work(RunCell(case, 1, variant)))


def won(runs):
    end(runs, "c0", "treatment")
    end(runs, "c0", "control", (("control.txt", b"x"),))
    for number in range(1, 12):
        for variant, seconds in (("control", 10.0), ("treatment", 5.0)):
            runs.end(f"c{number}", 1, variant, seconds=seconds + number / 50)


def taken(runs, case="c0", *, dry_run=False, **more):
    return merge(runs.space, runs.name, MergeRequest(case, **more), dry_run=dry_run)


@pytest.mark.long
def test_the_winners_work_is_taken_over(runs):
    """Also once it is promoted; what is there already is not merged again."""
    won(runs)
    tried = taken(runs, dry_run=True)
    assert (tried.variant, tried.commit, tried.branch) == ("treatment", "", "")
    assert tried.files == {"a.txt": 2}
    assert git(runs.root, "branch", "--format=%(refname:short)").split() == ["main"]
    promotion.promote(
        runs.space, runs.name, promotion.ActionOptions(commit=False), dry_run=False
    )
    done = taken(runs)
    assert (done.head, done.onto) == ("main", git(runs.root, "rev-parse", "HEAD").strip())
    assert git(runs.root, "show", f"{done.branch}:a.txt") == "1\n2\nthree\n"
    assert git(runs.root, "log", "-1", "--format=%B", done.commit).split("\n") == [
        "Work of treatment on c0", "", f"By a run of {runs.name}.", "", "",
    ]  # fmt: skip
    with pytest.raises(RefusedError, match="already"):
        taken(runs)
    git(runs.root, "merge", "-q", done.branch)
    with pytest.raises(RefusedError, match="nothing to merge"):
        taken(runs, branch="again")


FAULTY = {
    "no such case": ({"case": "c99"}, NotFoundError, "no ended run"),
    "no such repeat": ({"repeat": 2}, NotFoundError, "no ended run"),
    "no such variant": ({"variant": "nobody"}, NotFoundError, "no variant"),
    "another than the winner": ({"variant": "control"}, RefusedError, "treatment has won, not"),
    "nothing changed": ({"case": "c1"}, NotFoundError, "was not kept"),
    "no name of a branch": ({"branch": "a..b"}, UsageError, "no name of a branch"),
    "an option": ({"branch": "-f"}, UsageError, "no name of a branch"),
    "a word of git's": ({"branch": "HEAD"}, UsageError, "no name of a branch"),
    "one that is there": ({"branch": "main"}, RefusedError, "already"),
}


@pytest.mark.long
def test_what_is_not_to_be_taken_over_is_refused(runs):
    """The work of another needs a reason, which stays on the record."""
    won(runs)
    before = git(runs.root, "for-each-ref")
    for words, error, said in FAULTY.values():
        with pytest.raises(error, match=said):
            taken(runs, **words)
    assert git(runs.root, "for-each-ref") == before
    done = taken(runs, variant="control", override="It reads better")
    assert done.files == {"control.txt": 1}
    reasons = [line.reason for line in runs.space.store.history(runs.name).entries]
    assert "took over a run of control: It reads better" in reasons
    git(runs.root, "checkout", "-q", "--orphan", "empty")
    with pytest.raises(RefusedError, match="no commit yet"):
        taken(runs)


def test_without_a_winner_there_is_no_work_of_one(runs):
    """Nor is there of a run that did not end well, whatever the reason."""
    gone = Failure(FailureKind.AGENT, "it did not end within 5 seconds")
    end(runs, "c0", "treatment")
    end(runs, "c0", "control", status=TrialStatus.TIMEOUT, failure=gone)
    with pytest.raises(RefusedError, match="has won"):
        taken(runs)
    with pytest.raises(UsageError, match="Whose work"):
        taken(runs, override="why not")
    with pytest.raises(RefusedError, match="did not end within"):
        taken(runs, variant="control", override="so")
    assert taken(runs, variant="treatment", override="so").branch


def test_a_conflict_is_told_and_nothing_is_made(runs, capsys):
    """Also to who reads it: the exit code is that of what was refused."""
    end(runs, "c0", "treatment")
    write(runs.root, "a.txt", b"1\n2\ndrei\n")
    git(runs.root, "commit", "-qam", "Mine")
    words = ["runs", "merge", runs.name, "--case", "c0", "--root", str(runs.root)]
    words += ["--variant", "treatment", "--override", "so"]
    assert main([*words, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["conflicts"], told["commit"], told["branch"]) == (["a.txt"], "", "")
    assert main(words) == 1
    assert "1 file changed on both sides" in capsys.readouterr().out
    git(runs.root, "reset", "-q", "--hard", "HEAD~1")
    assert main([*words, "--branch", "taken"]) == 0
    assert "git merge taken" in capsys.readouterr().out
