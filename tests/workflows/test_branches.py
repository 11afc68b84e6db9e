"""State on branches of a real repository: one's own, a remote's, and those that are broken."""

import json
import subprocess

import pytest
from tests.support.git import git

from meta_experiment.errors import CorruptStoreError, GitError, NotFoundError
from meta_experiment.git import Git
from meta_experiment.workflows.state.branches import read_branch, state_branches
from meta_experiment.workflows.state.tally import tally


def line(number, variant):
    document = {"run_id": str(number), "timestamp": f"2026-05-{number:02}T00:00:00.000Z"}
    return json.dumps(document | {"assignments": {"tone": variant}})


def commit(repository, branch, files):
    """Put files on an orphan branch, as the push of a workflow does."""
    entries = ""
    for path, text in files.items():
        blob = git_in(repository, "hash-object", "-w", "--stdin", stdin=text)
        entries += f"100644 blob {blob}\t{path}\n"
    tree = git_in(repository, "mktree", stdin=entries)
    made = git_in(repository, "commit-tree", tree, "-m", "Update experiment state")
    git(repository, "update-ref", branch, made)
    return tree


def git_in(repository, *words, stdin=""):
    done = subprocess.run(
        ["git", *words], cwd=repository, input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    return tmp_path


def read(repository, workflow):
    return read_branch(Git.find(repository), workflow)


def totals(state):
    return {name: one.total for name, one in tally(state.ledger, "tone").variants.items()}


OWN, REMOTE = "refs/heads/experiments/dailyfact", "refs/remotes/origin/experiments/dailyfact"


@pytest.mark.parametrize("branch", [OWN, REMOTE])
@pytest.mark.parametrize("workflow", [".github/workflows/Daily-Fact.md", "dailyfact"])
def test_a_branch_is_read_whoever_has_it(repository, branch, workflow):
    commit(repository, branch, {"state.jsonl": line(1, "dry") + "\n" + line(2, "warm")})
    found = read(repository, workflow)
    assert totals(found) == {"dry": 1, "warm": 1}
    assert list(found.commits) == [branch]


def test_of_two_that_differ_the_union_counts(repository):
    commit(repository, OWN, {"state.jsonl": line(1, "dry") + "\n" + line(2, "warm")})
    commit(repository, REMOTE, {"state.jsonl": line(2, "warm") + "\n" + line(3, "warm")})
    assert totals(read(repository, "daily-fact")) == {"dry": 1, "warm": 2}


def test_a_branch_may_hold_the_older_form_beside_the_newer(repository):
    older = {"counts": {"tone": {"dry": 3}}, "runs": [json.loads(line(1, "dry"))]}
    files = {"state.json": json.dumps(older, indent=2), "state.jsonl": line(2, "warm")}
    commit(repository, OWN, files | {"assignments.json": "{}"})
    assert totals(read(repository, "daily-fact")) == {"dry": 3, "warm": 1}


def test_all_branches_are_listed(repository):
    for branch in (OWN, REMOTE, "refs/heads/experiments/other", "refs/heads/experimental"):
        commit(repository, branch, {"state.jsonl": ""})
    found = state_branches(Git.find(repository))
    assert {name: list(refs) for name, refs in found.items()} == {
        "dailyfact": [OWN, REMOTE],
        "other": ["refs/heads/experiments/other"],
    }


def test_a_branch_that_is_not_there_is_told_with_how_to_fetch_it(repository):
    with pytest.raises(NotFoundError, match="experiments/dailyfact") as found:
        read(repository, "daily-fact")
    assert found.value.hint.startswith("Fetch it: git fetch origin 'refs/heads/experiments/*")


def test_a_branch_without_state_is_told(repository):
    commit(repository, OWN, {"README.md": "nothing"})
    with pytest.raises(NotFoundError, match=r"neither of state\.jsonl and state\.json"):
        read(repository, "daily-fact")


def test_a_branch_whose_state_is_broken_is_told(repository):
    commit(repository, OWN, {"state.jsonl": "<html>"})
    with pytest.raises(CorruptStoreError, match=r"experiments/dailyfact:state\.jsonl is no"):
        read(repository, "daily-fact")


def test_a_folder_or_link_in_place_of_the_state_is_refused(repository):
    tree = commit(repository, OWN, {"state.jsonl": ""})
    blob = git_in(repository, "hash-object", "-w", "--stdin", stdin="/etc/passwd")
    for entry in (f"040000 tree {tree}\tstate.jsonl\n", f"120000 blob {blob}\tstate.jsonl\n"):
        made = git_in(
            repository, "commit-tree", git_in(repository, "mktree", stdin=entry), "-m", "x"
        )
        git(repository, "update-ref", OWN, made)
        with pytest.raises(CorruptStoreError, match="is no file"):
            read(repository, "daily-fact")


def test_objects_that_are_gone_are_an_error_of_git(repository):
    commit(repository, OWN, {"state.jsonl": line(1, "dry")})
    objects = repository / ".git" / "objects"
    blob = git(repository, "rev-parse", f"{OWN}:state.jsonl").strip()
    (objects / blob[:2] / blob[2:]).unlink()
    with pytest.raises(GitError):
        read(repository, "daily-fact")
    made = git(repository, "rev-parse", OWN).strip()
    (objects / made[:2] / made[2:]).chmod(0o644)
    (objects / made[:2] / made[2:]).write_bytes(b"damaged")
    with pytest.raises(GitError):
        read(repository, "daily-fact")


def test_a_folder_without_a_repository_is_an_error_of_git(tmp_path):
    with pytest.raises(GitError, match="not a git repository"):
        read(tmp_path, "daily-fact")
