"""What `verify` finds and `repair` makes anew, and what both leave as it is."""

import dataclasses
import hashlib
import json
import os
import re
import shutil

import pytest
from tests.cli.conftest import COMMAND, CONTROL, TREATMENT, project
from tests.everyday import some
from tests.logs import own_log
from tests.store.making import experiment

from meta_experiment.errors import StorageError
from meta_experiment.files.roots import Layout
from meta_experiment.services.board import refreshing
from meta_experiment.services.health import repairing, verifying
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.store import LocalStore
from meta_experiment.types import Experiment, FileVersion, Status

__all__ = ["project"]


@pytest.fixture
def promoted(project, kept, as_kept):
    """A promoted experiment with trials, a summary, a board and backups."""
    if as_kept(project):
        (found,) = meta(project, "trials").glob("exp-*")
        return found.name
    made = project.create("--no-auto", start=False)
    project("start", made, "--manual")
    project.observe(made, 220)
    project("analyze", made)
    project("promote", made, "--override", "x", "--yes")
    project("status")
    assert project("verify", "--json").json["healthy"]
    shutil.copytree(project.root, kept)
    return made


def meta(project, *parts):
    return project.root.joinpath(".claude", "meta", *parts)


def found(project):
    """Return the names of areas in which something is wrong."""
    said = project("verify", "--json", code=1).json
    return {item["name"] for item in said["findings"] if not item["ok"]}


def digests(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def log_of(project, made):
    logs = meta(project, "trials", made).glob("*.jsonl")  # a second one where a lock was held
    return max(logs, key=lambda path: path.stat().st_size)


def change(path, before, after):
    data = path.read_bytes()
    assert before in data
    path.write_bytes(data.replace(before, after, 1))


def spoil_log(project, made):
    log = log_of(project, made)
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:4], b'{"torn\n', *lines[4:], b"\xff\xfe\n"]))
    return "logs"


def edit_log_in_the_middle(project, made):
    """The same length and time of change: only a checksum of the whole can tell."""
    project.observe(made, 20)  # enough to be worth a summary
    project("analyze", made)  # makes a summary of this very file
    log = log_of(project, made)
    known = log.stat()
    lines = log.read_bytes().splitlines(keepends=True)
    first = json.loads(lines[1])
    text = repr(first["metrics"]["duration_seconds"]).encode()
    lines[1] = lines[1].replace(text, text.replace(text[:1], b"9"))
    log.write_bytes(b"".join(lines))
    os.utime(log, ns=(known.st_atime_ns, known.st_mtime_ns))
    return "summaries"


def lose_variant(project, made):
    meta(project, "variants", made, "treatment", COMMAND).unlink()
    return "variants"


def spoil_variant(project, made):
    meta(project, "variants", made, "control", COMMAND).write_bytes(b"other")
    return "variants", "originals"


def spoil_backup(project, made):
    del made
    meta(project, "backups", hashlib.sha256(TREATMENT).hexdigest()).write_bytes(b"other")
    return "backups"


def spoil_board(project, made):
    del made
    change(meta(project, "local", "board.json"), b"promoted", b"rejected")
    return "board"


def shorten_history(project, made):
    path = meta(project, "history", f"{made}.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    return "history"


def lose_ignore_lines(project, made):
    del made
    meta(project, ".gitignore").write_bytes(b"/trials/\n")
    return "folder"


def take_ignore_lines_back(project, made):
    del made
    with meta(project, ".gitignore").open("ab") as stream:
        stream.write(b"/mine/\n!/local/\n!/trials/\n")
    return "folder"


MENDED = [
    spoil_log, edit_log_in_the_middle, lose_variant, spoil_variant, spoil_backup, spoil_board,
    shorten_history, lose_ignore_lines, take_ignore_lines_back,
]  # fmt: skip


@pytest.mark.long
@pytest.mark.usefixtures("promoted")
def test_a_board_of_another_version_is_as_good_as_none(project):
    """Status makes it anew; nothing is damaged."""
    stored = meta(project, "local", "board.json")
    (now,) = re.findall(rb'"version":\d+', stored.read_bytes())
    change(stored, now, b'"version":6')
    assert project("verify", "--json").json["healthy"]
    project("status")
    assert now in stored.read_bytes()


@pytest.mark.parametrize("harm", some(MENDED, 4))
def test_what_is_derived_or_kept_twice_is_made_anew(project, promoted, harm):
    """Verify names the area, repair mends it, and evidence keeps its bytes."""
    areas = harm(project, promoted)
    before = digests(meta(project, "trials"))
    assert found(project) == set(areas if isinstance(areas, tuple) else [areas])
    assert digests(meta(project, "trials")) == before
    said = project("repair", "--json").json
    assert said["done"]
    assert said["left"] == []
    assert project("verify", "--json").json["healthy"]
    assert digests(meta(project, "trials")) == before
    project("rollback", promoted, "--yes")
    assert project.path().read_bytes() == CONTROL


def lose_every_copy(project, made):
    for path in meta(project, "backups").glob("[!.]*"):
        path.write_bytes(b"other")
    meta(project, "variants", made, "control", COMMAND).unlink()
    return {"variants", "originals", "backups"}


def edit_plan(project, made):
    del made
    change(meta(project, "experiments.json"), b'"sample_size": 10', b'"sample_size": 11')
    return {"registry"}


def add_stranger(project, made):
    event = {"event": "recorded", "at": 1, "trial_id": "z", "variant": "third", "metrics": {}}
    own_log(project.root, made, "z.jsonl", json.dumps(event) + "\n")
    return {"logs"}


def track_logs(project, made):
    del made
    project.git("add", "--force", ".claude/meta/trials")
    return {"folder"}


def open_to_all(project, made):
    meta(project, "trials", made).chmod(0o777)
    return {"folder"}


@pytest.mark.parametrize(
    "harm", [lose_every_copy, edit_plan, add_stranger, track_logs, open_to_all]
)
def test_what_nobody_can_make_anew_is_said(project, promoted, harm):
    """Repair leaves it as it is, names it and exits with 1."""
    areas = harm(project, promoted)
    assert found(project) == areas
    before = digests(meta(project, "trials"))
    left = project("repair", "--json", code=1).json["left"]
    assert {item["name"] for item in left} == areas
    assert digests(meta(project, "trials")) == before
    # what repair could not mend does not send its reader to repair
    assert not [item for item in left if item["hint"] and "repair" in item["hint"]]


def test_a_lost_text_is_called_lost(project):
    """Not the prompt file, which is there; each line once, and a way on that is one."""
    made = project.create("--no-auto", start=False)
    project("start", made)
    for path in meta(project, "variants", made).glob("treatment/**/*.md"):
        path.unlink()
    (lost,) = (item for item in project("verify", "--json", code=1).json["findings"]
               if item["name"] == "variants")  # fmt: skip
    assert f"The stored text of '{COMMAND}' in variant 'treatment' is gone" in lost["detail"]
    assert f"meta-experiment stop {made}" in lost["hint"]
    done = project("repair", "--json", code=1).json["done"]
    assert any("is gone" in line for line in done)
    assert len(done) == len(set(done))
    project("stop", made)


def test_what_was_recorded_twice_is_a_note(project, promoted):
    """Nobody can mend it and nothing is lost: the first value counts, as was promised."""
    record = ("record", promoted, "--variant", "control", "--trial-id", "t1", "--metric")
    project(*record, "duration_seconds=10")
    project(*record, "duration_seconds=99")
    said = project("verify", "--json").json
    (note,) = (item for item in said["findings"] if item["hint"])
    assert "t1: two values of duration_seconds; the first is kept" in note["detail"]
    assert note["hint"] == f"meta-experiment trials {promoted}"
    assert "note  logs" in project("verify").out
    assert project("repair", "--json").json["left"] == []


@pytest.mark.usefixtures("promoted")
def test_nothing_is_called_sound_that_was_not_looked_at(project):
    """Without a registry nobody knows what should be there."""
    registry = meta(project, "experiments.json")
    registry.write_bytes(b"{broken")
    assert found(project) == {"registry"}
    said = project("verify", code=1).out
    assert "0 experiments" not in said
    assert "board" not in said
    assert "not looked at" in said


def test_a_line_put_aside_is_known_until_it_changes(project, promoted):
    """Its copy tells what it was; another damage at the same place is a new finding."""
    spoil_log(project, promoted)
    project("repair")
    kept = meta(project, "local", "aside", f"{promoted}.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in kept] == ['{"torn', "\\xff\\xfe"]
    change(log_of(project, promoted), b'{"torn', b'{"worn')
    assert found(project) == {"logs"}


def test_verify_changes_nothing(project, promoted):
    """Not a byte, not even of what is derived, in a sound state or a spoiled one."""
    for harm in (None, spoil_log, spoil_board, lose_variant, edit_log_in_the_middle):
        if harm:
            harm(project, promoted)
        before = digests(project.root)
        project("verify", code=1 if harm else 0)
        assert digests(project.root) == before


def test_a_running_experiments_file_must_be_the_control(project):
    """An edit while it runs is named, with the way out."""
    made = project.create("--no-auto", start=False)
    project("start", made, "--manual")
    project.path().write_bytes(b"edited")
    assert found(project) == {"prompt files"}


def test_auto_does_not_act_on_what_this_checkout_never_started(project):
    """A registry and logs that came with somebody's commit promote nothing by themselves."""
    made = project.create("--auto", start=False)
    project("start", made, "--manual")
    project.observe(made, 60)
    marker = meta(project, "local", "started", made)
    kept = marker.read_bytes()
    marker.unlink()
    said = project("auto").out
    assert "nobody has started it in this checkout" in said
    assert project.path().read_bytes() == CONTROL
    marker.write_bytes(kept)
    project("auto")
    assert project.path().read_bytes() == TREATMENT


def test_git_sees_no_trials_after_a_repair_and_the_users_own_lines_stay(project, promoted):
    """Lines that a pull request takes back hold again, behind what it wrote."""
    take_ignore_lines_back(project, promoted)
    project("repair")
    project.git("add", ".claude/meta")
    staged = project.git("diff", "--cached", "--name-only")
    assert "/trials/" not in staged
    assert "/local/" not in staged
    assert "/mine/" in meta(project, ".gitignore").read_text().splitlines()
    kept = meta(project, ".gitignore").read_bytes()
    project("repair")
    assert meta(project, ".gitignore").read_bytes() == kept


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_log_is_told_and_the_rest_counts(project, tmp_path, kind):
    """One entry in a log's place blocks no look at an experiment that runs."""
    made = project.create("--no-auto", start=False)
    project("start", made, "--manual")
    project.observe(made, 12)
    place = meta(project, "trials", made, "a.jsonl")
    if kind == "folder":
        place.mkdir()
    elif kind == "link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        os.mkfifo(place)
    assert project("analyze", made, "--json").json["samples"]["control"]["completed"] == 12
    assert "a.jsonl: no regular file" in project("trials", made).err
    said = project("status")
    assert "it has ended" not in said.out
    assert "a.jsonl: no regular file" in said.out + said.err
    told = [item for item in project("verify", "--json", code=1).json["findings"]
            if item["name"] == "logs"]  # fmt: skip
    assert ["a.jsonl: no regular file" in item["detail"] for item in told] == [True]
    assert "rm -r" in told[0]["hint"]


def looks_at_texts(layout, monkeypatch, count):
    """Return how often `verify` and `repair` ask an experiment for its texts, all missing."""
    asked = []

    class Watched(Experiment):
        __slots__ = ()

        @property
        def versions(self):
            asked.append(self.experiment_id)
            return Experiment.versions.__get__(self)

        @versions.setter
        def versions(self, value):
            Experiment.versions.__set__(self, value)

    known = [
        Watched(**{item.name: getattr(made, item.name) for item in dataclasses.fields(made)})
        for made in (experiment(f"exp-{n}", status=Status.EXPIRED) for n in range(count))
    ]
    for number, item in enumerate(known):
        item.versions["a.md"]["treatment"] = FileVersion(f"{number:064x}", 0o644)
    asked.clear()
    monkeypatch.setattr(LocalStore, "experiments", lambda _: list(known))
    space, spent = Workspace.open(layout, lambda: 2e9), []
    for act in (verifying.verify, repairing.repair):
        act(space)
        spent.append(len(asked))
        asked.clear()
    return spent


@pytest.mark.long
def test_looking_for_missing_texts_takes_as_long_as_there_are_texts(tmp_path, monkeypatch):
    """Twice as many are twice as many looks, not four times."""
    once = looks_at_texts(Layout(tmp_path), monkeypatch, 20)
    twice = looks_at_texts(Layout(tmp_path), monkeypatch, 40)
    assert all(b <= 2.1 * a for a, b in zip(once, twice, strict=True))


def test_what_runs_and_cannot_be_read_has_not_ended(project, monkeypatch):
    """The board names the way to the reason."""
    made = project.create("--no-auto", start=False)
    project("start", made, "--manual")
    project.observe(made, 2)

    def refused(*_, **__):
        raise StorageError("The log cannot be read: Input/output error.")

    monkeypatch.setattr(refreshing, "examine", refused)
    said = project("status").out
    assert "it has ended" not in said
    assert f"meta-experiment analyze {made}" in said
