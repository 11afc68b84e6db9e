"""Promote and rollback without faults: exact bytes, exact modes, exact refusals."""

from __future__ import annotations

import os
import subprocess

import pytest
from tests.deploy.conftest import (
    CHANGE_ID,
    COMMAND,
    CONTROL,
    SKILL,
    TREATMENT,
    Recording,
    promotion,
)
from tests.faults import FaultyFileSystem

from meta_experiment.deploy import ChangeSet, Ending, FileChange, version_of
from meta_experiment.errors import (
    DriftError,
    LockedError,
    RefusedError,
    UnsafePathError,
    UsageError,
)
from meta_experiment.files.confine import Content
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.types import Action


def files_of(world):
    return world.state()["files"]


def one(path, before, after):
    return {"before": {path: before}, "after": {path: after}}


def test_promotes_exact_bytes_and_modes(plain):
    """A promotion leaves exactly the treatment's bytes and permission bits."""
    result = plain.promote()
    assert files_of(plain) == TREATMENT
    assert result.changed == (COMMAND, SKILL)
    assert result.unchanged == ()
    assert plain.registered() == {"payload": {"status": "promoted"}, "commit": None}
    assert plain.litter() == []


def test_rolls_back_exact_bytes_and_modes(world):
    """A rollback after a promotion leaves the files as if nothing had ever happened."""
    before = files_of(world)
    world.promote()
    world.promote(before=TREATMENT, after=CONTROL, action=Action.ROLLBACK)
    assert files_of(world) == before


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"no end",
        b"\xef\xbb\xbfmark\r\n",
        b"mixed\r\nends\nand\rmore",
        b"\x00\xff\xfe binary",
        "naïve – \U0001f600\n".encode(),
        b"x" * 1_000_000,
    ],
    ids=["empty", "newline", "open", "mark", "mixed", "binary", "unicode", "large"],
)
@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o444], ids=oct)
def test_keeps_any_bytes_and_any_mode(plain, data, mode):
    """Whatever the bytes and the mode are, they are what is on disk afterwards."""
    wanted = Content(data, mode)
    plain.promote(**one(COMMAND, CONTROL[COMMAND], wanted))
    assert plain.read(COMMAND) == wanted


def test_creates_and_deletes_files(plain):
    """A file may come into being with its folder, and another vanish, in one change."""
    new = Content(b"new\n", 0o640)
    plain.promote(
        before={".claude/agents/new/a.md": None, COMMAND: CONTROL[COMMAND]},
        after={".claude/agents/new/a.md": new, COMMAND: None},
    )
    assert plain.read(".claude/agents/new/a.md") == new
    assert plain.read(COMMAND) is None


@pytest.mark.parametrize("edit", [Content(b"my own edit\n", 0o644), None])
def test_refuses_a_drifted_file(world, edit):
    """A file that somebody edited or deleted is not overwritten, nor is any other changed."""
    if edit is None:
        (world.root / SKILL).unlink()
    else:
        world.write(SKILL, edit)
    before = world.state()
    with pytest.raises(DriftError, match=r"SKÍLL\.md was changed") as caught:
        world.promote()
    assert "--merge" in caught.value.hint
    assert world.state() == before
    assert world.settled == []
    assert world.litter() == []


def test_refuses_a_changed_mode(plain):
    """Permission bits are part of what a file is."""
    (plain.root / COMMAND).chmod(0o755)
    with pytest.raises(DriftError, match=r"mode 0644.*mode 0755"):
        plain.promote()


def test_leaves_a_file_that_is_already_there(plain):
    """A file that already is what it shall be counts as done, not as drift."""
    plain.write(COMMAND, TREATMENT[COMMAND])
    stamp = (plain.root / COMMAND).stat().st_ino
    result = plain.promote()
    assert result.changed == (SKILL,)
    assert result.unchanged == (COMMAND,)
    assert (plain.root / COMMAND).stat().st_ino == stamp
    assert files_of(plain) == TREATMENT


def test_takes_the_registry_step_when_no_file_changes(world):
    """Rolling back what was never put in place still reaches the registry, with no commit."""
    head = world.state()["head"]
    result = world.promote(before=CONTROL, after=CONTROL, action=Action.ROLLBACK)
    assert len(world.settled) == 1
    assert result.commit.commit is None
    assert result.commit.reason == "no file changes"
    assert world.state()["head"] == head


def test_dry_run_changes_nothing_and_shows_everything(world):
    """A dry run names files and differences, and neither the disk nor git learns of it."""
    before = world.state()
    objects = sorted(path for path in (world.root / ".git").rglob("*") if path.is_file())
    result = world.promote(dry_run=True)
    assert result.dry_run
    assert result.changed == (COMMAND, SKILL)
    assert "-Be thorough." in result.diff
    assert "+Be brief." in result.diff
    assert "new mode 0755" in result.diff
    assert world.state() == before
    assert not world.layout.meta.exists()
    assert (
        sorted(path for path in (world.root / ".git").rglob("*") if path.is_file()) == objects
    )
    assert world.settled == []


@pytest.mark.parametrize("path", ["../out.md", "/etc/motd", ".git/config", "a/../b.md", ""])
def test_refuses_paths_that_leave_the_root(plain, path):
    """No path of a plan leads out of the root or into git's own files."""
    with pytest.raises(UnsafePathError):
        plain.promote(**one(path, None, Content(b"x", 0o644)))


def test_refuses_links_and_odd_files(plain, tmp_path):
    """Symbolic links, links in the way, further hard links and fifos are refused."""
    outside = tmp_path / "outside.md"
    outside.write_bytes(CONTROL[COMMAND].data)
    (plain.root / "link.md").symlink_to(outside)
    (plain.root / "folder").symlink_to(tmp_path)
    os.link(plain.root / COMMAND, plain.root / "twin.md")
    os.mkfifo(plain.root / "fifo.md")
    for path in ("link.md", "folder/outside.md", "twin.md", "fifo.md"):
        with pytest.raises(UnsafePathError):
            plain.promote(**one(path, CONTROL[COMMAND], TREATMENT[COMMAND]))
    assert outside.read_bytes() == CONTROL[COMMAND].data


def test_keeps_owner_and_group(plain):
    """A file of another owner keeps that owner when this process may give it away."""
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    os.chown(plain.root / COMMAND, 12345, 23456)
    plain.promote()
    status = (plain.root / COMMAND).stat()
    assert (status.st_uid, status.st_gid) == (12345, 23456)
    assert plain.read(COMMAND) == TREATMENT[COMMAND]


@pytest.mark.parametrize("change_id", ["", "../x", "a/b", ".hidden", "x" * 101, "a\nb"])
def test_refuses_an_identifier_that_is_no_name(plain, change_id):
    """The name of a change becomes a file name, so it must be a harmless one."""
    change = ChangeSet(change_id, "e", Action.PROMOTE, (), {})
    with pytest.raises(UsageError):
        plain.deployer().apply(change, Recording(plain.settled.append))


def test_refuses_a_file_named_twice(plain):
    """One file cannot become two things at once."""
    twice = FileChange(COMMAND, version_of(CONTROL[COMMAND]), TREATMENT[COMMAND])
    change = ChangeSet(CHANGE_ID, "e", Action.PROMOTE, (twice, twice), {})
    with pytest.raises(UsageError):
        plain.deployer().apply(change, Recording(plain.settled.append))


def test_a_refusing_registry_takes_everything_back(world):
    """When the registry step raises, files, branch and index are as before."""
    before = world.state()

    def refuse(_settled):
        raise RefusedError("no")

    with pytest.raises(RefusedError):
        world.deployer().apply(promotion(), Recording(refuse))
    assert world.state() == before
    assert world.litter() == []


def test_the_registry_step_comes_after_files_and_commit(world):
    """What the registry is told already stands on disk and on the branch."""
    seen = []

    def look(settled):
        seen.append((files_of(world), world.git("rev-parse", "HEAD").strip(), settled))

    result = world.deployer().apply(promotion(), Recording(look))
    ((files, head, settled),) = seen
    assert files == TREATMENT
    assert head == settled.commit == result.commit.commit
    assert settled.payload == {"status": "promoted"}


def test_an_interrupt_before_the_registry_takes_everything_back(world):
    """Ctrl-C while files are replaced leaves everything as before."""

    class Interrupted(FaultyFileSystem):
        def replace(self, source, target, *, within=None):
            super().replace(source, target, within=within)
            if target.name == "review.md" and not self.fired:
                self.fail_at = 0
                raise KeyboardInterrupt

    before = world.state()
    with pytest.raises(KeyboardInterrupt):
        world.promote(Interrupted())
    assert world.state() == before
    assert world.litter() == []


@pytest.mark.parametrize("written", [True, False])
def test_an_interrupt_in_the_registry_step_is_finished_later(world, written):
    """Ctrl-C around the registry's own write leaves a change that recovery finishes."""

    def interrupted(settled):
        if written:
            world.registry_step(FileSystem()).record(settled)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.deployer().apply(promotion(), Recording(interrupted))
    (recovered,) = world.recover()
    assert recovered.outcome is Ending.FINISHED
    assert files_of(world) == TREATMENT
    assert world.registered()["commit"] == world.git("rev-parse", "HEAD").strip()
    assert world.litter() == []


def test_a_record_without_our_seal_is_kept_aside(plain):
    """What this checkout did not write is reported and kept, and stops nothing."""
    plain.layout.journal.mkdir(parents=True)
    (plain.layout.journal / "torn.json").write_bytes(b'{"version": 1, "cha')
    plain.promote()
    (recovered,) = plain.recover()
    assert recovered.outcome is Ending.PUT_BY
    assert recovered.change_id == "torn"
    (kept,) = plain.layout.aside.glob("journal-*")
    assert kept.read_bytes() == b'{"version": 1, "cha'
    assert plain.litter() == []
    assert files_of(plain) == TREATMENT


def test_recover_has_nothing_to_do_at_rest(world):
    """Recovery at rest does nothing, however often it is asked."""
    assert world.recover() == ()
    world.promote()
    assert not world.deployer().pending()
    assert world.recover() == ()


def test_a_change_that_is_not_due_any_more_is_refused_before_it_begins(world):
    """What is asked under the lock may refuse; nothing was touched and nothing is in flight."""
    before = world.state()

    def not_due():
        raise RefusedError("no")

    with pytest.raises(RefusedError):
        world.deployer().apply(promotion(), Recording(world.settled.append, not_due))
    assert world.state() == before
    assert world.litter() == []
    assert world.settled == []


def test_a_change_under_way_is_not_taken_for_one_cut_off(world):
    """Who would clear up waits no longer than they will, and is told who is at work on what."""

    def meanwhile(_settled):
        with pytest.raises(LockedError, match=rf"process {os.getpid()} .*promote of exp-1"):
            world.deployer().recover(Recording(world.settled.append), within=0)

    world.deployer().apply(promotion(), Recording(meanwhile))
    assert files_of(world) == TREATMENT
    assert world.settled == []


def test_works_without_git_installed(world, monkeypatch, tmp_path):
    """Without the program the files change, and the result says why there is no commit."""
    git = subprocess.run(["which", "git"], capture_output=True, check=True)
    assert git.stdout
    monkeypatch.setenv("PATH", str(tmp_path))
    result = world.promote()
    assert result.commit.commit is None
    assert "not installed" in result.commit.reason
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    assert files_of(world) == TREATMENT
