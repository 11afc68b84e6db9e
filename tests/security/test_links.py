"""No link, and no exchange of a folder for one, leads a read or a write out of the root."""

import shutil
import threading
import time

import pytest
from tests.cli.conftest import COMMAND, CONTROL

from meta_experiment.deploy.apply import put
from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.confine import Content, confined, read_confined
from meta_experiment.files.filesystem import FileSystem

STATE = [
    ".claude/meta/history",
    ".claude/meta/backups",
    ".claude/meta/local",
    ".claude/meta/local/board.json",
    ".claude/meta/summaries",
    ".claude/meta/journal",
    ".claude/meta/locks",
    ".claude/meta/trials",
]


@pytest.mark.parametrize("place", [*STATE, "trials", "variants", ".claude/meta"])
def test_state_behind_a_link_is_refused_and_nothing_lands_there(project, tmp_path, place):
    """Where a repository brings a link for a folder of ours, nothing is written through it."""
    made = project.create()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = project.root / place
    if place in ("trials", "variants"):
        path = project.root / ".claude/meta" / place / made
    if path.is_dir():
        path.rename(tmp_path / "moved")
    elif path.exists():
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    for call in (
        ("record", made, "--variant", "control", "--metric", "duration_seconds=1"),
        ("status",),
        ("promote", made, "--override", "x", "--yes"),
        ("verify",),
        ("repair",),
    ):
        assert project(*call, "--json", code=1).error["kind"] == "unsafe_path"
    assert list(elsewhere.iterdir()) == []


class Swapping(threading.Thread):
    """Exchanges a folder for a link to another one, and back, as fast as it can."""

    def __init__(self, folder, victim):
        super().__init__(daemon=True)
        self.folder, self.victim = folder, victim
        self.aside, self.done, self.turns = folder.with_name("aside"), threading.Event(), 0

    def run(self):
        while not self.done.is_set():
            self.folder.rename(self.aside)
            self.insist(lambda: self.folder.symlink_to(self.victim))
            self.folder.unlink()
            self.insist(lambda: self.aside.rename(self.folder))
            self.turns += 1

    def insist(self, act):
        """Act, although the other side may have made the missing folder anew meanwhile."""
        while True:
            try:
                return act()
            except OSError:
                shutil.rmtree(self.folder, ignore_errors=True)


def racing(tmp_path, act, seconds=1.0):
    root, victim = tmp_path / "root", tmp_path / "victim"
    (root / "dir").mkdir(parents=True)
    victim.mkdir()
    for place, data in ((root / "dir", b"inside"), (victim, b"outside")):
        (place / "a.md").write_bytes(data)
    thread = Swapping(root / "dir", victim)
    thread.start()
    ended, start = 0, time.monotonic()
    # a busy machine gives neither side many turns in a second
    while time.monotonic() < start + 20 * seconds:
        try:
            act(root)
            ended += 1
        except MetaExperimentError:
            pass
        if time.monotonic() > start + seconds and ended > 3 and thread.turns > 20:
            break
    thread.done.set()
    thread.join()
    assert ended > 3
    assert thread.turns > 20
    return root, victim


def test_replacing_while_a_folder_is_exchanged_for_a_link_stays_inside(tmp_path):
    """However the timing falls, the file behind the link is never touched or joined."""
    content = Content(b"written", 0o644)
    _, victim = racing(tmp_path, lambda root: put(FileSystem(), root, "dir/a.md", content))
    assert {item.name: item.read_bytes() for item in victim.iterdir()} == {"a.md": b"outside"}


def test_deleting_while_a_folder_is_exchanged_for_a_link_stays_inside(tmp_path):
    """The same for a file that is taken away."""
    _, victim = racing(tmp_path, lambda root: put(FileSystem(), root, "dir/a.md", None))
    assert (victim / "a.md").read_bytes() == b"outside"


@pytest.mark.long
def test_reading_while_a_folder_is_exchanged_for_a_link_stays_inside(tmp_path):
    """No reading ever returns the bytes behind the link."""
    seen = set()
    racing(tmp_path, lambda root: seen.add(read_confined(root, "dir/a.md").data))
    assert seen == {b"inside"}


def test_a_file_with_a_second_name_is_not_replaced(project, tmp_path):
    """A hard link to a file outside would be parted from it, or changed with it."""
    (tmp_path / "second-name").hardlink_to(project.path())
    answer = project(
        "create",
        "--file",
        f"{COMMAND}=v2.md",
        "--primary-metric",
        "duration_seconds",
        "--json",
        code=1,
    )
    assert answer.error["kind"] == "unsafe_path"
    assert (tmp_path / "second-name").read_bytes() == CONTROL


@pytest.mark.parametrize(
    "name",
    [
        "settings.json",
        "Settings.Local.json",
        "hooks/hooks.json",
        ".mcp.json",
        ".claude.json",
        ".lsp.json",
    ],
)
def test_what_tells_the_client_what_to_run_is_no_prompt(tmp_path, name):
    """Such a file is refused by the door that every read and write passes."""
    with pytest.raises(MetaExperimentError, match="settings of the client"):
        confined(tmp_path, f".claude/{name}")
