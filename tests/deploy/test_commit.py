"""Commits with the real git: exactly the experiment's paths, everything else untouched."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from tests.deploy.conftest import (
    COMMAND,
    CONTROL,
    SKILL,
    TREATMENT,
    Recording,
    promotion,
)

from meta_experiment.errors import GitError
from meta_experiment.files.confine import Content
from meta_experiment.git import Git
from meta_experiment.types import Action


def committed(world, path, commit="HEAD"):
    return subprocess.run(
        ["git", "cat-file", "blob", f"{commit}:{path}"],
        cwd=world.root,
        check=True,
        capture_output=True,
    ).stdout


def paths_in(world, commit="HEAD"):
    names = world.git("diff-tree", "-r", "-z", "--no-commit-id", "--name-only", commit)
    return set(names.split("\0")[:-1])


def refused(world, match, **options):
    """Expect a refusal that leaves files, registry, branch and index as they were."""
    before = world.state()
    with pytest.raises(GitError, match=match) as caught:
        world.promote(**options)
    assert world.state() == before
    assert world.settled == []
    assert world.litter() == []
    return caught.value


def test_commits_exactly_the_paths_of_the_experiment(world):
    """The commit holds both files with bytes and modes, and nothing else."""
    head = world.git("rev-parse", "HEAD")
    result = world.promote()
    assert paths_in(world) == {COMMAND, SKILL}
    for path, content in TREATMENT.items():
        assert committed(world, path) == content.data
    assert "100755" in world.git("ls-tree", "HEAD", "--", SKILL)
    assert world.git("rev-parse", "HEAD^") == head
    assert world.git("rev-parse", "main").strip() == result.commit.commit
    assert result.commit.reason == ""
    assert world.state()["status"] == ""
    assert world.git("diff-files", "--name-only") == ""


def test_a_rollback_commits_the_way_back(world):
    """After promote and rollback the tree is what it was, with two commits to show for it."""
    tree = world.git("rev-parse", "HEAD^{tree}")
    world.promote()
    world.promote(before=TREATMENT, after=CONTROL, action=Action.ROLLBACK)
    assert world.git("rev-parse", "HEAD^{tree}") == tree
    assert world.git("rev-list", "--count", "HEAD").strip() == "3"
    assert world.git("log", "-1", "--format=%s").startswith("experiment: roll back exp-1")


def test_leaves_every_other_change_where_it_was(world):
    """Staged, unstaged, intended and untracked work of the user stays exactly as it was."""
    (world.root / "other.txt").write_text("staged\n")
    world.git("add", "other.txt")
    (world.root / "other.txt").write_text("unstaged on top\n")
    for name in ("staged new", "intended", "untracked"):
        (world.root / name).write_text(name)
    world.git("add", "staged new")
    world.git("add", "-N", "intended")

    def others():
        return (
            world.git("ls-files", "-s", "-v", "--", ":!.claude"),
            world.git("status", "--porcelain", "--", ":!.claude"),
        )

    before = others()
    world.promote()
    assert others() == before
    assert paths_in(world) == {COMMAND, SKILL}


def test_the_message_carries_trailers(world):
    """What git itself reads as trailers names the experiment and the change."""
    world.promote()
    trailers = world.git("log", "-1", "--format=%(trailers:only,unfold)")
    assert trailers.split("\n")[:2] == ["Experiment: exp-1", "Experiment-Change: c0ffee"]
    assert world.git("reflog", "-1", "--format=%gs").startswith("commit: experiment: promote")


def test_a_staged_version_of_the_same_file_is_refused(world):
    """Staged changes of an experiment's file would be swallowed, so nothing is done."""
    world.write(COMMAND, Content(b"half of my work\n", 0o644))
    world.git("add", COMMAND)
    world.write(COMMAND, CONTROL[COMMAND])
    error = refused(world, "staged changes of its own")
    assert "--no-commit" in error.hint
    assert world.promote(commit=False).commit.commit is None


def test_a_staged_deletion_of_the_same_file_is_refused(world):
    """A file that the user has taken out of the index is not put back behind their back."""
    world.git("rm", "-q", "--cached", COMMAND)
    refused(world, "staged changes of its own")


@pytest.mark.parametrize("name", ["pre-commit", "prepare-commit-msg", "commit-msg"])
def test_a_failing_hook_leaves_nothing_half_done(world, name):
    """When a hook says no, its words are shown and everything is as before."""
    world.hook(name, "echo 'no such luck' >&2; exit 3")
    (world.root / "other.txt").write_text("staged\n")
    world.git("add", "other.txt")
    error = refused(world, rf"{name} hook refused.*exit 3.*no such luck")
    assert "--no-commit" in error.hint


def test_a_hook_that_says_too_much_is_cut(world):
    """A hook's output is bounded and free of control characters."""
    world.hook("pre-commit", r"printf '\033[31mred'; yes x | head -c 100000; exit 1")
    error = refused(world, "pre-commit hook refused")
    assert len(error.message) < 3000
    assert "\033" not in error.message


def test_hooks_see_what_git_commit_shows_them(world):
    """Hooks find the new text staged, their settings unchanged, and can add to the message."""
    world.hook(
        "pre-commit",
        "git diff --cached --name-only -- '*view.md' > ../seen; git branch --show-current "
        ">> ../seen; pwd >> ../seen",
    )
    world.hook("commit-msg", 'echo "Signed-off-by: Ada" >> "$1"')
    world.hook("post-commit", "git log -1 --format=%s > ../after")
    world.promote()
    seen = (world.root.parent / "seen").read_text().splitlines()
    assert seen == [COMMAND, "main", str(world.root)]
    assert "Signed-off-by: Ada" in world.git("log", "-1", "--format=%b")
    assert (world.root.parent / "after").read_text().startswith("experiment: promote")


def test_hooks_run_from_where_the_user_keeps_them(world):
    """A configured hooks folder is honoured, also by a git that cannot run hooks itself."""
    folder = world.root / ".husky"
    folder.mkdir()
    (folder / "pre-commit").write_text("echo from husky; exit 1\n")  # without a first line
    (folder / "pre-commit").chmod(0o755)
    world.git("config", "core.hooksPath", ".husky")
    refused(world, "from husky")
    refused(world, "from husky", git=_old_git(world))


def _old_git(world):
    """Return a git that takes itself for 2.30, before `git hook run`."""
    wrapper = world.root.parent / "old-git"
    wrapper.write_text(
        '#!/bin/sh\nfor word in "$@"; do case $word in\n'
        "version) echo git version 2.30.2; exit;;\nhook) exit 99;;\nesac; done\n"
        'exec git "$@"\n'
    )
    wrapper.chmod(0o755)
    return Git(str(wrapper), world.root)


def test_an_old_git_commits_too(world):
    """A git before 2.36 commits with its hooks, and without any."""
    world.promote(git=_old_git(world))
    assert paths_in(world) == {COMMAND, SKILL}


def test_a_formatting_hook_is_refused_and_undone(world):
    """A hook that rewrites the prompt would promote a text that nobody tested."""
    world.hook("pre-commit", f"echo formatted >> '{COMMAND}'; git add '{COMMAND}'")
    error = refused(world, "hook changed what would be committed")
    kept = world.layout.backups
    assert str(kept) in error.message
    assert TREATMENT[COMMAND].data + b"formatted\n" in [
        path.read_bytes() for path in kept.iterdir()
    ]


def test_a_hook_that_rewrites_only_the_working_file_is_refused(world):
    """The tested text must be in the file as well as in the commit."""
    world.hook("pre-commit", f"echo formatted >> '{COMMAND}'")
    refused(world, "changed while the commit hooks ran")


def test_a_fixing_hook_that_fails_is_undone(world):
    """A hook that corrects the file and refuses leaves the file as it was before."""
    world.hook("pre-commit", f"echo fixed >> '{COMMAND}'; exit 1")
    refused(world, "pre-commit hook refused")


def test_a_hook_that_adds_other_files_is_refused(world):
    """Nothing but the experiment's paths is committed, whatever a hook stages."""
    (world.root / "other.txt").write_text("mine\n")
    world.hook("pre-commit", "git add -A")
    refused(world, r"hook changed what would be committed \(other.txt\)")


def test_an_emptied_message_is_refused(world):
    """A hook that empties the message stops the commit, as git does."""
    world.hook("commit-msg", ': > "$1"')
    refused(world, "left no commit message")


def test_a_hook_that_hangs_is_stopped(world):
    """A hook without an end is killed with its children, and everything is as before."""
    world.hook("pre-commit", "sleep 300 & wait")
    git = replace(Git.find(world.root), hook_timeout=0.5)
    refused(world, "did not end within 0.5 seconds", git=git)


def test_a_daemon_left_by_a_hook_does_not_hold_us_up(world):
    """A process that a hook leaves behind keeps neither us nor the next change waiting."""
    world.hook("pre-commit", "sleep 30 & echo $! > ../daemon; exit 0")
    try:
        world.promote()
        world.promote(before=TREATMENT, after=CONTROL, action=Action.ROLLBACK)
    finally:
        pid = (world.root.parent / "daemon").read_text().strip()
        subprocess.run(["kill", pid], check=False)


def test_no_repository_is_said(plain):
    """Outside of git the files change, and the result says why there is no commit."""
    result = plain.promote()
    assert result.commit.commit is None
    assert "not in a git repository" in result.commit.reason
    assert plain.state()["files"] == TREATMENT


def test_a_bare_or_refusing_repository(world):
    """When git refuses to work here for a reason of its own, that is an error beforehand."""
    (world.root / ".git/config").write_text("[core\n")
    with pytest.raises(GitError, match=r"git refuses to work here.*bad config"):
        world.promote()
    assert {path: world.read(path) for path in CONTROL} == CONTROL


def test_an_unborn_branch_is_said(plain):
    """With no commit to build on, files change and the user's staging is left alone."""
    plain.git("init", "-q")
    plain.git("add", "-A")
    index = plain.state()["index"]
    result = plain.promote()
    assert result.commit.commit is None
    assert "nothing has been committed" in result.commit.reason
    assert plain.state()["index"] == index
    assert plain.state()["files"] == TREATMENT


@pytest.mark.parametrize("how", ["untracked", "staged", "intended", "ignored"])
def test_a_file_the_last_commit_lacks_is_changed_but_not_committed(world, how):
    """One file is committed, the other is changed only, and the result says so."""
    new = ".claude/commands/-new.md"
    world.write(new, CONTROL[COMMAND])
    if how == "ignored":
        (world.root / ".git/info/exclude").write_text("-new.md\n.claude/meta/\n")
    else:
        add = {"untracked": ["status"], "staged": ["add"], "intended": ["add", "-N"]}[how]
        world.git(*add, "--", new)
    index = world.git("ls-files", "-s", "--", new)
    result = world.promote(
        before={**CONTROL, new: CONTROL[COMMAND]}, after={**TREATMENT, new: TREATMENT[COMMAND]}
    )
    assert result.commit.commit
    assert f"{new} is changed but not committed" in result.commit.reason
    assert paths_in(world) == {COMMAND, SKILL}
    assert world.read(new) == TREATMENT[COMMAND]
    assert world.git("ls-files", "-s", "--", new) == index


NEW = ".claude/skills/write it/new.sh"


def with_new(content, beside=SKILL):
    """Return a promotion of both files with which one comes that was not there."""
    return {
        "before": {**CONTROL, NEW: None},
        "after": {**TREATMENT, NEW: content},
        "beside": beside,
    }


def test_a_new_file_is_committed_with_the_one_beside_which_it_belongs(world):
    tree = world.git("rev-parse", "HEAD^{tree}")
    change = with_new(Content(b"new\n", 0o755))
    world.promote(**change)
    assert paths_in(world) == {COMMAND, SKILL, NEW}
    assert world.git("ls-tree", "HEAD", "--", NEW).startswith("100755 blob")
    assert world.state()["status"] == ""
    back = {"before": change["after"], "after": change["before"], "beside": SKILL}
    world.promote(**back, action=Action.ROLLBACK)
    assert world.git("rev-parse", "HEAD^{tree}") == tree
    assert world.state()["status"] == ""


@pytest.mark.parametrize("beside", [None, "other.md"])
def test_a_new_file_is_not_committed_where_what_it_belongs_to_is_not(world, beside):
    result = world.promote(**with_new(Content(b"new\n", 0o644), beside))
    assert f"'{NEW}' is changed but not committed" in result.commit.reason
    assert paths_in(world) == {COMMAND, SKILL}


def test_a_file_that_git_does_not_have_gets_no_commit_by_what_it_belongs_to(world):
    world.write(NEW, CONTROL[COMMAND])
    change = with_new(TREATMENT[COMMAND])
    result = world.promote(**{**change, "before": {**CONTROL, NEW: CONTROL[COMMAND]}})
    assert f"'{NEW}' is changed but not committed" in result.commit.reason
    assert paths_in(world) == {COMMAND, SKILL}


def test_a_new_file_that_is_staged_already_is_refused(world):
    world.write(NEW, CONTROL[COMMAND])
    world.git("add", "--", NEW)
    (world.root / NEW).unlink()
    refused(world, "staged changes", **with_new(Content(b"new\n", 0o644)))


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_files_that_git_looks_away_from_are_left_out(world, flag):
    """What the user told git not to look at is changed but not committed."""
    world.git("update-index", flag, COMMAND)
    result = world.promote()
    assert "told not to look" in result.commit.reason
    assert paths_in(world) == {SKILL}


def test_a_detached_head_is_committed_to(world):
    """On a detached HEAD the commit goes there, and no branch moves."""
    world.git("checkout", "-q", "--detach")
    main = world.git("rev-parse", "main")
    result = world.promote()
    assert world.git("rev-parse", "HEAD").strip() == result.commit.commit
    assert world.git("rev-parse", "main") == main


@pytest.mark.parametrize(
    ("start", "word"),
    [
        (["merge", "side"], "merge"),
        (["cherry-pick", "side"], "cherry-pick"),
        (["rebase", "side"], "rebase"),
        (["bisect", "start"], "bisection"),
    ],
)
def test_work_in_progress_is_not_mixed_up(world, start, word):
    """In the middle of a merge, pick, rebase or bisection nothing is touched."""
    world.git("checkout", "-qb", "side")
    (world.root / "other.txt").write_text("side\n")
    world.git("commit", "-qam", "side")
    world.git("checkout", "-q", "main")
    (world.root / "other.txt").write_text("main\n")
    world.git("commit", "-qam", "main")
    world.git(*start, check=False)
    refused(world, f"{word} is under way")


def test_unmerged_files_are_refused(world):
    """Conflicts that a stash left behind stop the commit before anything is touched."""
    (world.root / "other.txt").write_text("one\n")
    world.git("stash", "-q")
    (world.root / "other.txt").write_text("two\n")
    world.git("commit", "-qam", "two")
    world.git("stash", "pop", check=False)
    refused(world, "unmerged files")


def test_no_identity_is_found_out_beforehand(world, monkeypatch):
    """A git that does not know its user refuses before a file is touched."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{role}_NAME")
        monkeypatch.delenv(f"GIT_{role}_EMAIL")
    world.git("config", "user.useConfigOnly", "true")
    refused(world, "git var failed")


def test_another_git_at_work_is_waited_for_and_then_refused(world, monkeypatch):
    """An index that stays locked stops the change, with everything as before."""
    monkeypatch.setattr("meta_experiment.deploy.commit._INDEX_PAUSE_SECONDS", 0.001)
    lock = world.root / ".git/index.lock"
    before = world.state()
    lock.touch()
    with pytest.raises(GitError, match=r"index\.lock"):
        world.promote()
    lock.unlink()
    assert world.state() == before
    assert world.litter() == []


def test_a_branch_that_moves_meanwhile_is_respected(world):
    """A commit that somebody makes while the hooks run is kept, and ours is not made."""
    world.hook(
        "pre-commit",
        "test -e ../once && exit 0; touch ../once; unset GIT_INDEX_FILE; "
        "git commit -q --allow-empty --no-verify -m theirs",
    )
    with pytest.raises(GitError, match="update-ref failed"):
        world.promote()
    assert world.git("log", "-1", "--format=%s") == "theirs\n"
    assert world.state()["files"] == CONTROL
    assert world.state()["status"] == ""
    assert world.litter() == []


def test_a_branch_switched_meanwhile_is_respected(world):
    """A commit never lands on a branch that was not there when it was planned."""
    world.hook("pre-commit", "git symbolic-ref HEAD refs/heads/side; git branch side main")
    with pytest.raises(GitError, match="branch was switched"):
        world.promote()
    assert world.git("rev-list", "--count", "main", "side").strip() == "1"
    assert world.state()["files"] == CONTROL


def test_a_failing_registry_takes_a_new_file_back(world):
    before = world.state()

    def fail(_landed):
        raise GitError("no registry")

    change = promotion(**with_new(Content(b"new\n", 0o755)))
    with pytest.raises(GitError, match="no registry"):
        world.deployer().apply(change, Recording(fail))
    assert world.state() == before
    assert not (world.root / NEW).exists()
    assert world.litter() == []


def test_a_failing_registry_takes_the_commit_back(world):
    """When the registry cannot be written the branch is where it was, and the index too."""
    before = world.state()
    heads = []

    def refuse(settled):
        heads.append(settled.commit)
        raise OSError(28, "No space left on device")

    with pytest.raises(Exception, match="No space left"):
        world.deployer().apply(promotion(), Recording(refuse))
    assert heads[0]
    assert world.state() == before
    assert world.litter() == []
