"""Backups, journal and differences on their own."""

from __future__ import annotations

import json
import random
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.deploy import Backups
from meta_experiment.deploy.commit import CommitEntry, CommitPlan
from meta_experiment.deploy.journal import FileStep, Journal, JournalContents, Record
from meta_experiment.errors import CorruptStoreError, NotFoundError
from meta_experiment.files.confine import Content
from meta_experiment.files.content_diff import unified_diff
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.protocol.seal import Seal
from meta_experiment.types import Action, FileVersion

RECORD = Record(
    "c0ffee",
    "exp-1",
    Action.ROLLBACK,
    {"why": "ü", "numbers": [1, 0.5, None]},
    (
        FileStep("a b.md", FileVersion("0" * 64, 0o644), None),
        FileStep("ü.md", None, FileVersion("f" * 64, 0o600)),
    ),
    CommitPlan(
        "1" * 40,
        None,
        (CommitEntry("a b.md", "100644 " + "a" * 40, "0 " + "b" * 40),),
        "note",
    ),
    "2" * 40,
)


@pytest.fixture
def backups(tmp_path):
    return Backups(FileSystem(), tmp_path / "deep/backups")


def test_the_way_out_of_a_damaged_backup_runs_nothing_of_its_folder(tmp_path):
    """What the hint says can be typed as it stands, whatever the project is called."""
    backups = Backups(FileSystem(), tmp_path / "a $(touch PWN);touch PWN")
    digest = backups.keep(b"text")
    (backups.directory / digest).write_bytes(b"damaged")
    with pytest.raises(CorruptStoreError) as caught:
        backups.load(digest)
    command = caught.value.hint.partition("(")[2].rpartition(")")[0]
    subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True)
    assert [path.suffix for path in backups.directory.iterdir() if "." in path.name[1:]] == [
        ".damaged"
    ]
    assert not (tmp_path / "PWN").exists()


def test_backups_give_back_what_they_kept(backups):
    """The same bytes are stored once, privately, and come back exactly."""
    data = b"\0\xff\r\n"
    digest = backups.keep(data)
    inode = (backups.directory / digest).stat().st_ino
    assert backups.keep(data) == digest
    assert (backups.directory / digest).stat().st_ino == inode
    assert (backups.directory / digest).stat().st_mode & 0o777 == 0o600
    assert backups.load(digest) == data


def test_a_damaged_backup_is_neither_used_nor_overwritten(backups):
    """Other bytes under a name are refused on reading and on keeping."""
    digest = backups.keep(b"original")
    (backups.directory / digest).write_bytes(b"damaged")
    with pytest.raises(CorruptStoreError, match="does not hold"):
        backups.load(digest)
    with pytest.raises(CorruptStoreError, match="does not hold"):
        backups.keep(b"original")
    assert (backups.directory / digest).read_bytes() == b"damaged"


def test_a_missing_backup_is_said(backups):
    """A backup that is gone is named, with the way out."""
    with pytest.raises(NotFoundError, match="is gone"):
        backups.load("0" * 64)


SEAL = Seal(b"5" * 64, "here")


def rewritten(journal, **changes):
    """Put other words under our seal in the place of a record."""
    journal.write(RECORD)
    place = journal.path("c0ffee")
    known = json.loads(place.read_bytes().partition(b"\n")[2])
    place.write_bytes(SEAL.wrap("journal c0ffee", json.dumps(known | changes).encode()))
    return place


def test_records_come_back_as_they_were(tmp_path):
    """A record survives the disk, and the journal is empty when it is removed."""
    journal = Journal(FileSystem(), tmp_path / "journal", SEAL)
    assert journal.look() == JournalContents()
    journal.write(RECORD)
    (tmp_path / "journal/c0ffee.index").touch()
    assert journal.look() == JournalContents(records=(RECORD,))
    journal.remove("c0ffee")
    assert [*journal.directory.iterdir()] == []


@pytest.mark.parametrize(
    "change",
    [
        {"version": None},
        {"version": 2},
        {"steps": [{"path": "x"}]},
        {"action": "explode"},
        {"plan": {"head": "x"}},
        {"plan": 5},
        {"steps": 5},
        {"commit": "--all"},
        {"commit": "HEAD"},
        {"change_id": "other"},
        {"steps": [{"path": "../x", "before": None, "after": None}]},
        {"steps": [{"path": ".claude/settings.local.json", "before": None, "after": None}]},
        {"plan": {"head": "--stdin", "branch": None, "entries": [], "note": ""}},
        {"plan": {"head": "0" * 40, "branch": "--upload-pack=x", "entries": [], "note": ""}},
    ],
)
def test_a_record_of_another_form_under_our_seal_is_left_to_a_newer_version(tmp_path, change):
    """We wrote it, and this version does not know it: it is not guessed at, and not lost."""
    journal = Journal(FileSystem(), tmp_path, SEAL)
    place = rewritten(journal, **change)
    before = place.read_bytes()
    assert journal.look() == JournalContents(later=("c0ffee",))
    journal.sweep()
    assert place.read_bytes() == before


@given(st.binary(max_size=80))
def test_no_bytes_upset_the_journal(tmp_path_factory, data):
    """Any bytes whatever read as no record, under our seal or not."""
    journal = Journal(FileSystem(), tmp_path_factory.mktemp("journal"), SEAL)
    journal.path("x").write_bytes(data)
    assert journal.look() == JournalContents(strange=(journal.path("x"),))
    journal.path("x").write_bytes(SEAL.wrap("journal x", data))
    assert journal.look() == JournalContents(later=("x",))


def test_one_changed_byte_of_a_record_is_not_followed(tmp_path):
    """Neither of the seal nor of what it holds for."""
    journal = Journal(FileSystem(), tmp_path, SEAL)
    journal.write(RECORD)
    place = journal.path("c0ffee")
    whole = place.read_bytes()
    for at in range(0, len(whole), 7):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert journal.look() == JournalContents(strange=(place,)), at


def diff(before, after):
    contents = (None if data is None else Content(data, 0o644) for data in (before, after))
    return unified_diff("a.md", *contents)


def test_a_diff_shows_lines_and_what_is_invisible():
    """Carriage returns, escapes, broken bytes and a missing last newline are visible."""
    shown = diff(b"same\nold\r\n", b"same\nnew \x1b[31m\xff\tx")
    assert shown.splitlines() == [
        "diff a/a.md b/a.md",
        "--- a/a.md",
        "+++ b/a.md",
        "@@ -1,2 +1,2 @@",
        " same",
        "-old\\r",
        "+new \\x1b[31m\\xff\tx",
        "\\ No newline at end of file",
    ]


def test_a_diff_of_nothing_is_empty():
    """Equal files have no difference to show."""
    assert diff(b"x", b"x") == ""


def test_a_diff_names_files_that_come_and_go():
    """A file that is not there on one side is /dev/null there."""
    assert "--- /dev/null\n+++ b/a.md\n" in diff(None, b"x\n")
    assert "--- a/a.md\n+++ /dev/null\n" in diff(b"x\n", None)


def test_a_diff_of_long_texts_of_few_words_takes_no_time():
    """What they share at the ends is left out; what is between is replaced as a whole."""
    number = random.Random(1)  # noqa: S311 - it draws lines of a text
    old, new = (
        "".join(f"{number.randrange(150)}\n" for _ in range(20_000)).encode() for _ in "ab"
    )
    begun = time.process_time()
    lines = diff(b"same\n" + old + b"end\n", b"same\n" + new + b"end\n").splitlines()
    assert time.process_time() - begun < 5
    assert lines[3] == "@@ -1,20002 +1,20002 @@"
    assert (lines[4], lines[-1]) == (" same", " end")
    assert [line[1:] for line in lines[5:-1] if line[0] == "+"] == new.decode().splitlines()


def test_a_diff_of_one_line_in_a_long_text_shows_that_line():
    """However long the rest is, and however often its lines come again."""
    old = [b"a\n", b"b\n"] * 50_000
    new = [*old[:60_000], b"c\n", *old[60_001:]]
    shown = diff(b"".join(old), b"".join(new)).splitlines()
    around = [" b", " a", " b"]
    assert shown[3:] == ["@@ -59998,7 +59998,7 @@", *around, "-a", "+c", *around]


@given(
    before=st.lists(st.sampled_from("abc"), max_size=12),
    after=st.lists(st.sampled_from("abc"), max_size=12),
    most=st.sampled_from([0, 1_000_000]),
)
def test_a_diff_leads_from_the_one_text_to_the_other(before, after, most):
    """Read by its own rules, compared line by line or replaced as a whole."""
    texts = ["".join(f"{line}\n" for line in lines).encode() for lines in (before, after)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("meta_experiment.files.content_diff._MOST_PAIRS", most)
        shown = diff(*texts).splitlines()[3:]
    result, at = [], 0
    for line in shown:
        if line.startswith("@@"):
            first, _, count = line.split()[1][1:].partition(",")
            begin = int(first) - (count != "0")
            result, at = result + before[at:begin], begin
            continue
        assert line[0] == "+" or before[at] == line[1:]
        result += [line[1:]] if line[0] != "-" else []
        at += line[0] != "+"
    assert result + before[at:] == after


def test_a_diff_of_binary_files_says_so():
    """Bytes that are no text are not printed."""
    assert diff(b"\0a", b"\0b").endswith("Binary files a/a.md and b/a.md differ\n")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_diff_never_prints_a_control_character(before, after):
    """No bytes of a prompt can drive the reader's terminal."""
    assert all(c.isprintable() or c in "\n\t" for c in diff(before, after))
