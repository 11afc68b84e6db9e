"""Where a repository stood, by each thing that tells it."""

import os

import pytest
from tests.support.git import GIT_ENVIRONMENT, git

from meta_experiment.git import Git
from meta_experiment.git.past_commits import PastCommits
from meta_experiment.types.cases import CommitSource

START = 1_790_000_000


class History:
    """A repository of which each step has a time, in minutes after the start."""

    def __init__(self, root):
        self.root = root
        root.mkdir()
        self.at(0)
        git(root, "init", "-q", "-b", "main")

    def at(self, minute):
        for who in ("AUTHOR", "COMMITTER"):
            os.environ[f"GIT_{who}_DATE"] = f"{START + 60 * minute} +0000"

    def commit(self, minute, text, *words):
        self.at(minute)
        (self.root / "file.txt").write_text(text)
        git(self.root, "add", ".")
        git(self.root, "commit", "-q", "-m", text, *words)
        return git(self.root, "rev-parse", "HEAD").strip()

    def do(self, minute, *words):
        self.at(minute)
        return git(self.root, *words)

    def find(self, minute, branch="main", recorded=None, folder=None):
        past = PastCommits(Git.find(self.root))
        return past.find(START + 60 * minute, branch, str(folder or self.root), recorded)

    def forget(self):
        """Leave nothing of the reflogs, as in a clone."""
        git(self.root, "reflog", "expire", "--expire=all", "--all")


@pytest.fixture
def history(tmp_path, monkeypatch):
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_DATE", "")  # put back at the end
    return History(tmp_path / "project")


def test_what_the_session_had_from_git_comes_first(history):
    """A short id stands for its commit; one that is not there tells nothing."""
    first = history.commit(1, "one")
    second = history.commit(2, "two")
    assert history.find(9, recorded=first[:7]) == (first, CommitSource.RECORDED)
    assert history.find(9, recorded="0" * 12) == (second, CommitSource.REFLOG)


def test_the_reflog_knows_a_commit_that_was_rewritten(history):
    history.commit(1, "one")
    lost = history.commit(2, "two")
    kept = history.commit(5, "two again", "--amend")
    assert history.find(3) == (lost, CommitSource.REFLOG)
    assert history.find(5) == (kept, CommitSource.REFLOG)


def test_the_reflog_is_of_its_own_branch_alone(history):
    """A session on another branch was in another working tree, which may be gone."""
    history.commit(1, "one")
    history.do(2, "checkout", "-q", "-b", "feature/x")
    mine = history.commit(3, "mine")
    history.do(4, "checkout", "-q", "main")
    theirs = history.commit(5, "theirs")
    assert history.find(4.5, "feature/x") == (mine, CommitSource.BRANCH)
    assert history.find(3.5, "feature/x") == (mine, CommitSource.REFLOG)
    assert history.find(6, "main") == (theirs, CommitSource.REFLOG)
    assert history.find(3.5, "HEAD") == (mine, CommitSource.REFLOG)  # on no branch
    assert history.find(3.5, "") == (mine, CommitSource.REFLOG)


def test_before_the_reflog_begins_it_tells_nothing(history):
    history.commit(1, "one")
    history.forget()
    history.commit(5, "two")
    found = history.find(3)
    assert found is not None
    assert found[1] is CommitSource.BRANCH


def test_a_branch_is_followed_by_its_own_commits(history):
    """What was merged into it came later, and is not where it stood."""
    first = history.commit(1, "one")
    history.do(2, "checkout", "-q", "-b", "side")
    history.commit(3, "side")
    history.do(6, "checkout", "-q", "main")
    history.do(7, "merge", "-q", "--no-ff", "-m", "Merge branch 'side'", "side")
    history.forget()
    assert history.find(4) == (first, CommitSource.BRANCH)


@pytest.mark.parametrize(
    "subject", ["Merge branch 'feature/x'", "Merge pull request #12 from ada/feature/x"]
)
def test_a_branch_that_is_gone_is_found_by_its_merge(history, subject):
    history.commit(1, "one")
    history.do(2, "checkout", "-q", "-b", "feature/x")
    early = history.commit(3, "early")
    history.commit(5, "late")
    history.do(6, "checkout", "-q", "main")
    history.do(7, "merge", "-q", "--no-ff", "-m", subject, "feature/x")
    history.do(8, "branch", "-q", "-D", "feature/x")
    history.forget()
    assert history.find(4, "feature/x") == (early, CommitSource.MERGE)
    assert history.find(9, "feature/x")[1] is CommitSource.MAIN  # merged before that


def test_main_is_all_that_is_left_of_an_unknown_branch(history):
    first = history.commit(1, "one")
    history.commit(5, "two")
    history.forget()
    assert history.find(3, "nobody-knows") == (first, CommitSource.MAIN)
    assert history.find(0.5, "nobody-knows") is None


def test_another_project_is_not_this_one_unless_it_has_the_same_commit(history, tmp_path):
    first = history.commit(1, "one")
    assert history.find(3, folder=tmp_path / "elsewhere") is None
    found = history.find(3, recorded=first, folder=tmp_path / "elsewhere")
    assert found == (first, CommitSource.RECORDED)


def test_a_linked_working_tree_has_its_own_reflog(history, tmp_path):
    history.commit(1, "one")
    beside = tmp_path / "beside"
    history.do(2, "worktree", "add", "-q", "-b", "side", str(beside))
    history.at(3)
    git(beside, "commit", "-q", "--allow-empty", "-m", "there")
    there = git(beside, "rev-parse", "HEAD").strip()
    assert history.find(4, "side", folder=beside / "docs") == (there, CommitSource.REFLOG)


def test_a_branch_of_a_remote_is_known_by_its_name(history):
    first = history.commit(1, "one")
    history.do(2, "update-ref", "refs/remotes/origin/feature/x", first)
    history.forget()
    assert history.find(3, "feature/x") == (first, CommitSource.BRANCH)
