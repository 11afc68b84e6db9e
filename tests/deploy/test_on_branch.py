"""A change committed on a remote's branch: in no working tree, whole, and once."""

from dataclasses import replace

import pytest
from tests.support.git import git

from meta_experiment.deploy import FileChange
from meta_experiment.deploy.message import CHANGE_TRAILER
from meta_experiment.deploy.on_branch import BranchChange, commit_on_branch
from meta_experiment.errors import DriftError, GitError
from meta_experiment.files.confine import Content
from meta_experiment.git import Git
from meta_experiment.git.remote_branch import RemoteRepository

OLD, NEW = Content(b"Review it.\n", 0o644), Content(b"Review it twice.\n", 0o644)
PATH = "prompts/review.md"
SIDE = "meta-experiment/review"
BEFORE, AFTER = 1_690_000_000.0, 1_760_000_000.0  # what is committed by hand in a test


@pytest.fixture
def clones(tmp_path):
    """Two clones of one bare repository, whose project lies in a folder below its top."""
    bare, seed = tmp_path / "bare.git", tmp_path / "seed"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    git(tmp_path, "init", "-q", "-b", "main", str(seed))
    (seed / "sub/prompts").mkdir(parents=True)
    (seed / "sub" / PATH).write_bytes(OLD.data)
    (seed / "other.txt").write_text("other\n")
    git(seed, "add", "-A")
    git(seed, "commit", "-qm", "begin")
    git(seed, "push", "-q", str(bare), "main")
    for name in ("one", "two"):
        git(tmp_path, "clone", "-q", str(bare), name)
    return tmp_path / "one/sub", tmp_path / "two/sub", bare


def change(**more):
    made = BranchChange(
        change_id="20260101-ab",
        files=(FileChange(PATH, OLD.version, NEW),),
        controls={PATH: OLD},
        message=f"experiment: promote review\n\n{CHANGE_TRAILER}: 20260101-ab\n",
        at=AFTER,
    )
    return replace(made, **more)


def test_a_commit_reaches_the_branch_and_leaves_the_clone_as_it_was(clones):
    one, two, bare = clones
    (one / PATH).write_text("being edited\n")
    git(one.parent, "rm", "-q", "--cached", "other.txt")
    before = git(one, "status", "--porcelain"), git(one, "show-ref", "--heads")
    done = commit_on_branch(Git.find(one), change(), "main", "main")
    assert not done.found
    assert (git(one, "status", "--porcelain"), git(one, "show-ref", "--heads")) == before
    assert git(bare, "rev-parse", "main").strip() == done.commit
    assert git(bare, "show", "--stat", "--format=%s", "main").count("|") == 1
    git(two, "pull", "-q")
    assert (two / PATH).read_bytes() == NEW.data


@pytest.mark.long
def test_what_was_done_once_is_found_also_by_another_and_after_it_was_taken_back(clones):
    one, two, bare = clones
    first = commit_on_branch(Git.find(one), change(), "main", "main")
    again = commit_on_branch(Git.find(two), change(), "main", "main")
    assert (again.commit, again.found) == (first.commit, True)
    git(two, "pull", "-q")
    git(two, "revert", "--no-edit", "HEAD")
    git(two, "push", "-q")
    assert not again.taken_back
    later = commit_on_branch(Git.find(one), change(), "main", "main")
    assert (later.commit, later.taken_back) == (first.commit, True)
    aside = commit_on_branch(Git.find(one), change(), "main", SIDE)
    assert (aside.branch, aside.taken_back) == ("main", True)
    assert git(bare, "branch", "--list", SIDE) == ""
    assert git(bare, "rev-list", "--count", "main").strip() == "3"
    assert git(bare, "show", f"main:sub/{PATH}").encode() == OLD.data


def test_the_same_hands_make_the_same_commit(clones, monkeypatch):
    """One that was killed between the commit and the push has left nothing behind."""
    one, _, bare = clones
    made = []
    monkeypatch.setattr(
        RemoteRepository, "push", lambda _, commit, __: made.append(commit) or len(made) > 1
    )
    assert commit_on_branch(Git.find(one), change(), "main", "main").commit == made[0]
    assert made[0] == made[1]
    assert git(bare, "rev-list", "--count", "main").strip() == "1"


def test_two_at_once_are_one_commit(clones, monkeypatch):
    one, two, bare = clones
    push = RemoteRepository.push

    def late(remote, commit, branch):
        monkeypatch.setattr(RemoteRepository, "push", push)
        commit_on_branch(Git.find(two), change(at=1_760_000_009.0), "main", "main")
        return push(remote, commit, branch)

    monkeypatch.setattr(RemoteRepository, "push", late)
    done = commit_on_branch(Git.find(one), change(), "main", "main")
    assert done.found
    assert git(bare, "rev-list", "--count", "main").strip() == "2"


def test_others_who_push_meanwhile_are_not_lost(clones, monkeypatch):
    one, two, bare = clones
    push = RemoteRepository.push

    def late(remote, commit, branch):
        monkeypatch.setattr(RemoteRepository, "push", push)
        (two.parent / "other.txt").write_text("changed\n")
        git(two, "commit", "-qam", "another")
        git(two, "push", "-q")
        return push(remote, commit, branch)

    monkeypatch.setattr(RemoteRepository, "push", late)
    done = commit_on_branch(Git.find(one), change(), "main", "main")
    assert not done.found
    assert git(bare, "show", "main:other.txt") == "changed\n"
    assert git(bare, "log", "--format=%s", "main").split("\n")[:2] == [
        "experiment: promote review",
        "another",
    ]


def test_a_file_that_is_not_the_control_there_is_left(clones):
    one, two, bare = clones
    (two / PATH).write_text("Review it well.\n")
    git(two, "commit", "-qam", "edit")
    git(two, "push", "-q")
    with pytest.raises(DriftError, match="is not the control any more on the branch"):
        commit_on_branch(Git.find(one), change(), "main", "main")
    assert git(bare, "rev-list", "--count", "main").strip() == "2"


def test_texts_that_came_another_way_need_no_commit(clones):
    one, two, bare = clones
    (two / PATH).write_bytes(NEW.data)
    git(two, "commit", "-qam", "by hand")
    by_hand = git(two, "rev-parse", "HEAD").strip()
    git(two, "commit", "-q", "--allow-empty", "-m", "later")
    git(two, "push", "-q")
    for at in (BEFORE, AFTER):
        done = commit_on_branch(Git.find(one), change(at=at), "main", "main")
        assert (done.commit, done.found, done.taken_back) == (by_hand, True, False)
    assert git(bare, "rev-list", "--count", "main").strip() == "3"


@pytest.mark.long
def test_a_branch_of_its_own_is_made_once_and_none_of_anothers_is_taken(clones):
    one, two, bare = clones
    first = commit_on_branch(Git.find(one), change(), "main", SIDE)
    assert git(bare, "rev-parse", SIDE).strip() == first.commit
    assert git(bare, "rev-list", "--count", "main").strip() == "1"
    again = commit_on_branch(Git.find(two), change(), "main", SIDE)
    assert (again.commit, again.found) == (first.commit, True)
    other = change(change_id="other", message=f"x\n\n{CHANGE_TRAILER}: other\n")
    with pytest.raises(GitError, match="has a branch meta-experiment/review with something"):
        commit_on_branch(Git.find(two), other, "main", SIDE)


@pytest.mark.parametrize("branch", ["main", SIDE])
def test_a_commit_that_bears_the_name_and_another_text_is_not_taken_for_it(clones, branch):
    one, two, bare = clones
    git(two, "checkout", "-q", "-B", branch)
    (two / PATH).write_text("Do as I say.\n")
    git(two, "commit", "-qam", change().message)
    git(two, "push", "-q", "origin", branch)
    named = git(two, "rev-parse", "--short=12", "HEAD").strip()
    with pytest.raises(DriftError, match=r"another text of prompts/review\.md") as refused:
        commit_on_branch(Git.find(one), change(), "main", branch)
    assert named in refused.value.message
    assert git(bare, "show", f"{branch}:sub/{PATH}") == "Do as I say.\n"


@pytest.mark.long
def test_a_commit_that_was_squashed_on_its_way_is_found(clones):
    one, two, bare = clones
    commit_on_branch(Git.find(one), change(), "main", SIDE)
    git(two, "fetch", "-q")
    git(two, "merge", "-q", "--squash", f"origin/{SIDE}")
    git(two, "commit", "-qm", f"experiment: promote review (#7)\n\n* {change().message}")
    git(two, "push", "-q")
    git(bare, "branch", "-D", SIDE)
    done = commit_on_branch(Git.find(one), change(), "main", SIDE)
    assert (done.commit, done.branch) == (git(bare, "rev-parse", "main").strip(), "main")
    assert git(bare, "branch", "--list", SIDE) == ""


@pytest.mark.parametrize(
    "setting",
    [
        ("grep.patternType", "fixed"),
        ("grep.patternType", "perl"),
        ("grep.extendedRegexp", "true"),
        ("log.showSignature", "true"),
    ],
)
def test_no_configuration_of_git_hides_what_was_taken_back(clones, setting):
    one, two, bare = clones
    first = commit_on_branch(Git.find(one), change(), "main", "main")
    taken_back(two)
    git(one, "config", *setting)
    later = commit_on_branch(Git.find(one), change(at=AFTER + 9), "main", "main")
    assert (later.commit, later.taken_back) == (first.commit, True)
    assert git(bare, "rev-list", "--count", "main").strip() == "3"


def taken_back(clone):
    git(clone, "pull", "-q")
    git(clone, "revert", "--no-edit", "HEAD")
    git(clone, "push", "-q")


@pytest.mark.long
def test_a_clone_of_a_part_of_the_history_says_what_it_needs(clones, tmp_path):
    one, two, bare = clones
    first = commit_on_branch(Git.find(one), change(), "main", "main")
    taken_back(two)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{bare}", "part")
    part = tmp_path / "part/sub"
    with pytest.raises(GitError, match="a part of the history alone") as refused:
        commit_on_branch(Git.find(part), change(), "main", "main")
    assert "git fetch --unshallow origin" in refused.value.hint
    assert git(bare, "rev-list", "--count", "main").strip() == "3"
    git(part, "fetch", "-q", "--unshallow")
    later = commit_on_branch(Git.find(part), change(), "main", "main")
    assert (later.commit, later.taken_back) == (first.commit, True)


@pytest.mark.long
@pytest.mark.parametrize(
    "message",
    ["Shorter (#7)\n", "Shorter (#7)\r\n\r\nExperiment-Change: 20260101-ab\r\nOther: 1\r\n"],
    ids=["without the name", "with lines as a web page ends them"],
)
@pytest.mark.parametrize("at", [BEFORE, AFTER])
def test_a_squash_is_found_by_its_name_or_texts_once_it_was_taken_back(clones, message, at):
    """By its texts where it came after the decision: before, they were another's."""
    one, two, bare = clones
    commit_on_branch(Git.find(one), change(), "main", SIDE)
    git(two, "fetch", "-q")
    git(two, "merge", "-q", "--squash", f"origin/{SIDE}")
    git(two, "commit", "-q", "--cleanup=verbatim", "-m", message)
    squashed = git(two, "rev-parse", "HEAD").strip()
    git(two, "push", "-q")
    git(bare, "branch", "-D", SIDE)
    taken_back(two)
    later = commit_on_branch(Git.find(one), change(at=at), "main", "main")
    if "\r" in message or at == BEFORE:
        assert (later.commit, later.branch, later.taken_back) == (squashed, "main", True)
    else:
        assert not later.found


def test_processes_of_one_clone_are_in_nobodys_way(clones, monkeypatch):
    one, _, _ = clones
    ask, others = RemoteRepository._ask, []

    def beside(remote, *arguments):
        said = ask(remote, *arguments)
        if arguments[0] == "fetch":
            monkeypatch.setattr(RemoteRepository, "_ask", ask)
            others.append(commit_on_branch(Git.find(one), change(), "main", "main"))
        return said

    monkeypatch.setattr(RemoteRepository, "_ask", beside)
    done = commit_on_branch(Git.find(one), change(), "main", "main")
    assert done.commit == others[0].commit
    assert "meta-experiment" not in git(one, "for-each-ref")


def test_what_cannot_be_reached_is_said(clones, tmp_path):
    one, _, bare = clones
    with pytest.raises(GitError, match="origin has no branch trunk"):
        commit_on_branch(Git.find(one), change(), "trunk", "trunk")
    hook = bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho protected\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match=r"did not take main: .*protected") as refused:
        commit_on_branch(Git.find(one), change(), "main", "main")
    assert refused.value.message.endswith(
        "protected; [remote rejected] (pre-receive hook declined)."
    )
    assert "carry_out: pull_request" in refused.value.hint
    git(one, "remote", "set-url", "origin", str(tmp_path / "gone"))
    with pytest.raises(GitError, match="did not answer git ls-remote"):
        commit_on_branch(Git.find(one), change(), "main", "main")
    git(one, "remote", "remove", "origin")
    with pytest.raises(GitError, match="no remote"):
        commit_on_branch(Git.find(one), change(), "main", "main")
    (tmp_path / "bare-folder").mkdir()
    with pytest.raises(GitError, match="not in a git repository"):
        commit_on_branch(Git.find(tmp_path / "bare-folder"), change(), "main", "main")
