"""Commits are made in repositories of every form, and of files of every kind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.deploy.conftest import (
    COMMAND,
    CONTROL,
    SKILL,
    TREATMENT,
    Recording,
    World,
    promotion,
)
from tests.deploy.test_commit import committed, paths_in, refused

from meta_experiment.deploy import FileChange, version_of
from meta_experiment.errors import GitError
from meta_experiment.files.confine import Content


def test_line_end_and_clean_filters_make_the_blob(world):
    """The blob is what git makes of the bytes; the bytes on disk stay exact."""
    world.git("config", "core.autocrlf", "true")
    world.git("config", "filter.shout.clean", "tr a-z A-Z")
    (world.root / ".gitattributes").write_text(".claude/skills/** filter=shout -text\n")
    new = "plain.md"
    world.write(new, Content(b"a\r\nb\r\n", 0o644))
    world.git("add", "-A")
    world.git("commit", "-qm", "with filters")
    after = {
        new: Content(b"c\r\nd\r\n", 0o644),
        SKILL: TREATMENT[SKILL],
    }
    before = {new: Content(b"a\r\nb\r\n", 0o644), SKILL: CONTROL[SKILL]}
    world.promote(before=before, after=after)
    assert committed(world, new) == b"c\nd\n"
    assert b"WRITE WELL" in committed(world, SKILL)
    assert {path: world.read(path) for path in after} == after
    assert world.state()["status"] == ""
    world.git("add", "--renormalize", new, SKILL)
    assert world.state()["status"] == ""


def test_a_change_that_git_cannot_see_needs_no_commit(world):
    """A clean filter that shows git the committed text leaves nothing to commit."""
    world.git("config", "filter.same.clean", f"git cat-file blob HEAD:'{COMMAND}'")
    (world.root / ".git/info/attributes").write_text(f"{COMMAND} filter=same\n")
    result = world.promote(
        before={COMMAND: CONTROL[COMMAND]}, after={COMMAND: TREATMENT[COMMAND]}
    )
    assert result.commit.commit is None
    assert "no difference" in result.commit.reason
    assert world.read(COMMAND) == TREATMENT[COMMAND]


def test_a_failing_filter_is_found_out_beforehand(world):
    """A required filter that fails stops the change before a file is touched."""
    world.git("config", "filter.bad.clean", "false")
    world.git("config", "filter.bad.required", "true")
    (world.root / ".git/info/attributes").write_text(f"{COMMAND} filter=bad\n")
    with pytest.raises(GitError, match="hash-object failed"):
        world.promote()
    assert {path: world.read(path) for path in CONTROL} == CONTROL
    assert world.litter() == []


@pytest.mark.parametrize(
    "path", ["-rf.md", "a b/c d.md", ":(glob)*.md", "[x].md", "*.md", "ü/ñ.md", '"q".md']
)
def test_odd_names_are_taken_literally(world, path):
    """No name is read as an option or a pattern, and no other file comes along."""
    before, after = Content(b"old\n", 0o644), Content(b"new\n", 0o644)
    world.write(path, before)
    world.git("--literal-pathspecs", "add", "--", path)
    world.git("commit", "-qm", "odd")
    world.promote(before={path: before}, after={path: after})
    assert paths_in(world) == {path}
    assert committed(world, path) == b"new\n"


def test_a_root_below_the_top_of_the_repository(world):
    """Paths are relative to the root, wherever in the repository that lies."""
    (world.root / "packages/app").mkdir(parents=True)
    inner = World(world.root / "packages/app")
    for path, content in CONTROL.items():
        inner.write(path, content)
    world.git("add", "-A")
    world.git("commit", "-qm", "inner")
    inner.promote()
    assert paths_in(world) == {f"packages/app/{COMMAND}", f"packages/app/{SKILL}"}
    assert world.state()["files"] == CONTROL


def test_a_linked_worktree_has_its_own_branch(world):
    """In a linked worktree its own branch moves and its own index changes."""
    elsewhere = world.root.parent / "linked"
    world.git("worktree", "add", "-q", str(elsewhere), "-b", "linked")
    (elsewhere / SKILL).chmod(0o600)
    main = world.state()
    linked = World(elsewhere)
    linked.promote()
    assert linked.git("rev-list", "--count", "linked").strip() == "2"
    assert linked.git("status", "--porcelain") == ""
    assert world.state() == main


def test_a_file_of_a_submodule_is_left_to_it(world, tmp_path):
    """A file inside a submodule is changed, not committed to the repository around it."""
    sub = World(tmp_path / "sub")
    sub.root.mkdir()
    sub.write("p.md", CONTROL[COMMAND])
    sub.git("init", "-q")
    sub.git("add", "-A")
    sub.git("commit", "-qm", "sub")
    world.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(sub.root), "s")
    world.git("commit", "-qm", "with submodule")
    result = world.promote(
        before={"s/p.md": CONTROL[COMMAND]}, after={"s/p.md": TREATMENT[COMMAND]}
    )
    assert result.commit.commit is None
    assert "s/p.md is changed but not committed" in result.commit.reason
    assert world.read("s/p.md") == TREATMENT[COMMAND]


def test_a_sparse_checkout_keeps_its_shape(world):
    """Paths outside of a sparse checkout stay in the commit and out of the working tree."""
    (world.root / "far").mkdir()
    (world.root / "far/away.txt").write_text("far\n")
    world.git("add", "far")
    world.git("commit", "-qm", "far")
    world.git("sparse-checkout", "set", "--sparse-index", ".claude")
    (world.root / SKILL).chmod(0o600)
    world.promote()
    assert paths_in(world) == {COMMAND, SKILL}
    assert not (world.root / "far").exists()
    assert committed(world, "far/away.txt") == b"far\n"
    assert world.state()["status"] == ""


@pytest.mark.parametrize("setting", ["core.splitIndex", "core.untrackedCache"])
def test_other_forms_of_the_index_are_kept(world, setting):
    """An index that is split or holds a cache still says the same afterwards."""
    world.git("config", setting, "true")
    world.git("update-index", "--split-index" if "split" in setting else "--untracked-cache")
    world.promote()
    assert paths_in(world) == {COMMAND, SKILL}
    assert world.state()["status"] == ""
    world.git("fsck")


def test_sha256_repositories(plain):
    """Names of objects may be longer, also for a file that goes away."""
    plain.git("init", "-q", "--object-format=sha256")
    (plain.root / ".git/info/exclude").write_text(".claude/meta/\n")
    plain.git("add", "-A")
    plain.git("commit", "-qm", "start")
    result = plain.promote(after={**TREATMENT, COMMAND: None})
    assert len(result.commit.commit) == 64
    assert plain.git("ls-tree", "-r", "HEAD", "--", COMMAND) == ""
    assert plain.state()["status"] == ""


def test_a_deleted_file_is_committed_as_deleted_and_comes_back(world):
    """Deleting a tracked file is a change like any other, and so is its return."""
    world.promote(before={COMMAND: CONTROL[COMMAND]}, after={COMMAND: None})
    assert world.git("ls-files", "--", COMMAND) == ""
    assert paths_in(world) == {COMMAND}
    assert world.state()["status"] == ""


def test_a_deletion_that_fails_late_is_taken_back(world):
    """A deleted file returns with its index entry when the registry refuses."""
    before = world.state()

    def refuse(_settled):
        raise OSError(5, "Input/output error")

    change = replace(
        promotion(),
        files=(FileChange(COMMAND, version_of(CONTROL[COMMAND]), None),),
    )
    with pytest.raises(Exception, match="Input/output"):
        world.deployer().apply(change, Recording(refuse))
    assert world.state() == before


def test_signing_is_honoured(world):
    """A user who signs gets a signature, and a signer that fails leaves everything alone."""
    signer = world.root.parent / "signer"
    signer.write_text(
        '#!/bin/sh\ncat > /dev/null; echo "[GNUPG:] SIG_CREATED " >&2; echo SIGNED\n'
    )
    signer.chmod(0o755)
    world.git("config", "commit.gpgSign", "true")
    world.git("config", "gpg.program", "false")
    refused(world, "commit-tree failed")
    world.git("config", "gpg.program", str(signer))
    world.promote()
    assert "gpgsig SIGNED" in world.git("cat-file", "commit", "HEAD")


def test_a_git_environment_from_outside_is_not_believed(world, monkeypatch, tmp_path):
    """Run from a hook or an alias of another repository, the right one is used."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert world.promote().commit.commit
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name)
    assert paths_in(world) == {COMMAND, SKILL}


def test_no_editor_pager_or_monitor_is_started(world):
    """Nothing that the user configured to run interactively is run."""
    trap = world.root.parent / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{world.root.parent / 'sprung'}'\nexit 1\n")
    trap.chmod(0o755)
    for setting in ("core.editor", "core.pager", "core.fsmonitor", "diff.external"):
        world.git("config", setting, str(trap))
    assert world.promote().commit.commit
    assert not (world.root.parent / "sprung").exists()
