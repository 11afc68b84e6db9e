"""Variants, history, identity and git's instructions are kept exactly and repaired gently."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from tests.faults import Crash, count_operations, every_fault
from tests.logs import checkout as checkout_of
from tests.logs import store as store_of
from tests.store.making import experiment, line, recorded, write_log

from meta_experiment.errors import (
    CorruptStoreError,
    MetaExperimentError,
    NotFoundError,
    StorageError,
    UnsafePathError,
    UsageError,
)
from meta_experiment.files.confine import Content
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.history import HistoryEntry
from meta_experiment.store.local.history import append_history, read_history
from meta_experiment.store.local.ignore import ensure_ignored
from meta_experiment.store.local.marks import Mark, mark_started, read_mark, unmark_started
from meta_experiment.store.local.sealing import checkout_id
from meta_experiment.store.local.variants import load_variant, save_variant
from meta_experiment.types import Trial, TrialStatus

TEXT = Content(b"\xef\xbb\xbf---\r\nname: x\r\n---\r\n\xffno newline", 0o640)
NESTED = ".claude/commands/deep/über cmd.md"


def test_variants_come_back_to_the_byte(layout, disk):
    """Bytes and permission bits of every file come back, whatever they hold."""
    contents = {"a.md": TEXT, NESTED: Content(b"", 0o755)}
    versions = save_variant(layout, disk, "e", "control", contents)
    assert load_variant(layout, "e", "control", versions) == contents
    assert (layout.variants("e", "control") / NESTED).is_file()


def test_changed_variant_is_refused(layout, disk):
    """A stored text with one other byte is never used."""
    versions = save_variant(layout, disk, "e", "control", {"a.md": TEXT})
    (layout.variants("e", "control") / "a.md").write_bytes(TEXT.data + b"\n")
    with pytest.raises(CorruptStoreError):
        load_variant(layout, "e", "control", versions)
    (layout.variants("e", "control") / "a.md").unlink()
    with pytest.raises(NotFoundError):
        load_variant(layout, "e", "control", versions)


def test_mode_is_that_of_the_plan(layout, disk):
    """A file that lost its permission bits on the way through git gets them back."""
    versions = save_variant(layout, disk, "e", "control", {"a.md": TEXT})
    (layout.variants("e", "control") / "a.md").chmod(0o644)
    assert load_variant(layout, "e", "control", versions)["a.md"].mode == 0o640


def test_variants_stay_in_their_folder(layout, disk, tmp_path):
    """No path, id or link makes a variant be written or read elsewhere."""
    for relative in ("../../x.md", "/x.md", ".git/config"):
        with pytest.raises(UnsafePathError):
            save_variant(layout, disk, "e", "control", {relative: TEXT})
    with pytest.raises(UnsafePathError):
        save_variant(layout, disk, "e", "..", {"a.md": TEXT})
    layout.variants("e", "control").mkdir(parents=True)
    (layout.variants("e", "control") / "dir").symlink_to(tmp_path)
    with pytest.raises(UnsafePathError):
        save_variant(layout, disk, "e", "control", {"dir/a.md": TEXT})


def test_history_is_kept_in_order(layout, disk):
    """Entries come back as they were written; damage costs one line."""
    assert read_history(layout, "e").entries == ()
    entries = [
        HistoryEntry(1.5, "create", None, "draft", "new"),
        HistoryEntry(2.0, "start", "draft", "running", detail={"by": "ünï"}),
    ]
    append_history(layout, disk, "e", entries[0])
    with layout.history("e").open("ab") as stream:
        stream.write(b'{"at": 1, "verb": 3, "detail": {}}\n[]\n{"torn')
    append_history(layout, disk, "e", entries[1])
    history = read_history(layout, "e")
    assert list(history.entries) == entries
    assert [item.line_number for item in history.set_aside] == [2, 3, 4]


@pytest.mark.parametrize("at", ["1" + "0" * 400, "1e300", "NaN", "-Infinity", "true"])
def test_a_time_that_is_none_costs_one_line_of_the_history(layout, disk, at):
    """Also one that no float can hold."""
    append_history(layout, disk, "e", HistoryEntry(1.0, "create", None, "draft"))
    with layout.history("e").open("a") as stream:
        stream.write(f'{{"at": {at}, "verb": "x", "detail": {{}}}}\n')
    history = read_history(layout, "e")
    assert len(history.entries) == len(history.set_aside) == 1


def test_history_that_is_no_json_is_refused(layout, disk):
    """An entry that could not be read back is not written."""
    with pytest.raises(UsageError):
        append_history(layout, disk, "e", HistoryEntry(1.0, "x", None, None, detail={"a": {1}}))
    with pytest.raises(UsageError):
        append_history(layout, disk, "e", HistoryEntry(float("nan"), "x", None, None))
    assert not layout.history("e").exists()


def test_identity_is_drawn_once_per_checkout(layout, disk, tmp_path):
    """A checkout keeps its identity, another one has its own."""
    first = checkout_id(layout, disk)
    assert len(first) == 32
    assert checkout_id(layout, disk) == first
    (tmp_path / "other").mkdir()
    assert checkout_id(Layout(tmp_path / "other"), disk) != first
    assert layout.local_id.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("by", ["deleted", "replaced"])
def test_identity_comes_back_when_git_takes_it(layout, disk, by):
    """The machine remembers it by the path of the root; a commit can only replace the file."""
    first = checkout_id(layout, disk)
    if by == "deleted":
        layout.local_id.unlink()
    else:
        layout.local_id.write_bytes(b"f" * 32 + b" " + b"0" * 32 + b"\n")
    assert checkout_id(layout, disk) == first
    assert checkout_id(layout, disk) == layout.local_id.read_text().split()[0]


def test_a_checkout_that_is_moved_keeps_its_identity(layout, disk):
    first = checkout_id(layout, disk)
    moved = Layout(layout.root.rename(layout.root.with_name("moved")))
    assert checkout_id(moved, disk) == first


def test_started_is_remembered_per_experiment(layout, disk):
    """The marker of one experiment says nothing of another, and can be taken back."""
    unmark_started(layout, disk, "a")
    mark_started(layout, disk, "a", SERVED)
    assert read_mark(layout, "a") == SERVED
    mark_started(layout, disk, "a", Mark(True, "d"))
    assert read_mark(layout, "a") == Mark(True, "d")
    assert read_mark(layout, "b") is None
    unmark_started(layout, disk, "a")
    assert read_mark(layout, "a") is None


@pytest.mark.parametrize("by", ["nobody", "another experiment", "another machine", "an edit"])
def test_a_marker_that_this_machine_did_not_set_says_nothing(layout, disk, by, monkeypatch):
    """A commit may bring one along; this checkout has started what it has started itself."""
    mark_started(layout, disk, "a", SERVED)
    mark_started(layout, disk, "b", SERVED)
    assert read_mark(layout, "a") == SERVED
    path = layout.started("a")
    if by == "nobody":
        path.write_bytes(b"")
    elif by == "another experiment":
        path.write_bytes(layout.started("b").read_bytes())
    elif by == "an edit":
        path.write_bytes(path.read_bytes().replace(b"served", b"manual"))
    else:
        monkeypatch.setenv("XDG_DATA_HOME", str(layout.root / "elsewhere"))
    assert read_mark(layout, "a") is None


SERVED = Mark(manual=False, digest="d1")


def scenarios():
    return {
        "variant": lambda layout, files: save_variant(
            layout, files, "e", "c", {"a/b.md": TEXT}
        ),
        "history": lambda layout, files: append_history(
            layout, files, "e", HistoryEntry(1.0, "x", None, None)
        ),
        "identity": checkout_id,
        "started": lambda layout, files: mark_started(layout, files, "e", SERVED),
        "ignore": ensure_ignored,
    }


@pytest.mark.parametrize("name", scenarios())
def test_fault_at_every_operation(tmp_path, name):
    """Each step that fails anywhere can simply be done again."""
    run = scenarios()[name]
    checkout_id(Layout(tmp_path / "first"), FileSystem())  # what is of the machine is there
    operations = count_operations(lambda files: run(Layout(tmp_path / "count"), files))
    for index, files in enumerate(every_fault(operations)):
        layout = Layout(tmp_path / str(index))
        with pytest.raises((Crash, StorageError)):
            run(layout, files)
        assert files.fired
        run(layout, FileSystem())
        run(layout, FileSystem())
        assert load_state(layout, name)


def load_state(layout, name):
    return {
        "variant": lambda: (layout.variants("e", "c") / "a/b.md").read_bytes() == TEXT.data,
        "history": lambda: len(read_history(layout, "e").entries) in (2, 3),
        "identity": lambda: len(layout.local_id.read_text()) == 66,
        "started": lambda: read_mark(layout, "e") == SERVED,
        "ignore": lambda: layout.gitignore.read_text().count("/trials/\n") == 1,
    }[name]()


def test_git_sees_plans_and_variants_only(layout, disk):
    """Git ignores what is local or derived, and keeps variants to the byte."""
    store, checkout = store_of(layout, disk), checkout_of(layout, disk)
    checkout.ensure_ignored()
    store.add(lambda _: experiment())
    store.change("exp-1", lambda _: experiment(name="other"))
    store.save_variants("e", {"a.md": {"control": TEXT, "treatment": TEXT}})
    store.note("e", HistoryEntry(1.0, "create", None, "draft"))
    store.append("e", [recorded()])
    store.assign("e", "u", lambda _: "control", 1.0)
    checkout.identity()
    checkout.mark_started(experiment())
    checkout.save_board(checkout.board())

    def git(*words):
        return subprocess.run(
            ["git", "-C", str(layout.root), *words], check=True, capture_output=True
        ).stdout

    git("init", "-q")
    git("config", "core.autocrlf", "true")
    git("add", "-A")
    assert git("ls-files").decode().split() == [
        f".claude/meta/{name}"
        for name in (
            ".gitattributes",
            ".gitignore",
            "experiments.json",
            "history/e.jsonl",
            "variants/e/control/a.md",
            "variants/e/treatment/a.md",
        )
    ]
    assert git("show", ":.claude/meta/variants/e/control/a.md") == TEXT.data


def test_lines_of_the_user_stay(layout, disk):
    """Lines that somebody added to the ignore file stay, and missing ones are added once."""
    layout.meta.mkdir(parents=True)
    layout.gitignore.write_text("mine\n/trials/\nno newline")
    layout.gitignore.chmod(0o664)
    for _ in range(2):
        ensure_ignored(layout, disk)
    text = layout.gitignore.read_text()
    assert text.startswith("mine\n/trials/\nno newline\n/summaries/\n")
    assert text.count("/trials/") == text.count("/locks/") == 1
    assert layout.gitignore.stat().st_mode & 0o777 == 0o664


def inline_experiment(versions):
    """An experiment whose registry entry holds trials itself, with texts to promote or not."""
    inline = (Trial("i-0", "control", "i-0", 0), Trial("i-1", "treatment", "i-1", 1))
    return replace(experiment(), inline_trials=inline, versions=versions)


def orders(log):
    return [(trial.trial_id, trial.order) for trial in log.trials]


def test_store_gives_inline_trials_first(layout, disk):
    """Trials that an older registry holds itself come before those of the logs."""
    write_log(layout, line(trial_id="logged", unit="u"), experiment_id="exp-1")
    log = store_of(layout, disk).trials(inline_experiment({}))
    assert orders(log) == [("i-0", 0), ("i-1", 1), ("logged", 2)]


def test_inline_trials_of_what_could_be_promoted_count_only_when_admitted(layout, disk):
    """A commit may add them to the entry of any experiment."""
    write_log(layout, line(trial_id="logged", unit="u"), experiment_id="exp-1")
    store, whole = store_of(layout, disk), inline_experiment(experiment().versions)
    log = store.trials(whole)
    assert orders(log) == [("logged", 0)]
    assert [(item.source, item.lines) for item in log.apart] == [("experiments.json", 2)]
    checkout_of(layout, disk).admit("exp-1", ["experiments.json"])
    log = store.trials(whole)
    assert orders(log) == [("i-0", 0), ("i-1", 1), ("logged", 2)]
    assert log.apart == ()


def test_what_was_started_holds_for_the_inline_trials_it_had(layout, disk):
    """A commit that adds some makes it another, which waits for a new start."""
    checkout, before = checkout_of(layout, disk), inline_experiment({})
    checkout.mark_started(before)
    assert checkout.started_here(before)
    assert not checkout.started_here(replace(before, inline_trials=before.inline_trials[:1]))
    assert not checkout.started_here(replace(before, inline_trials=()))


class Seen:
    """An outcome as somebody reports it."""

    def __init__(self, experiment_id, trial_id=None, value=1.0, variant="control"):
        self.experiment_id, self.trial_id, self.unit = experiment_id, trial_id, None
        self.variant, self.status = variant, TrialStatus.ERROR
        self.metrics, self.fingerprint = {"m": value}, {"model": str(value)}
        self.covariates = {}


@pytest.mark.parametrize("beside", [0, 40])
@pytest.mark.parametrize("writers", [1, 2])
def test_the_first_outcome_stands_when_the_clock_goes_back(layout, disk, writers, beside):
    """Whoever writes it on this machine, and however many trials are recorded with it."""
    store = store_of(layout, disk)
    store.add(lambda _: experiment("exp-1"))
    store.record([Seen("exp-1")], 1e5)  # which claims the name that is read first
    others = [Seen("exp-1", f"t{number}") for number in range(beside)]
    first = store if writers == 1 else store_of(layout, disk)
    first.record([*others, Seen("exp-1", "mine", 10.0)], 1e5)
    store.record([*others, Seen("exp-1", "mine", 99.0, "treatment")], 5.0)
    assert len(store.conflicts(experiment("exp-1"), ["mine"])) == 2
    (mine,) = (it for it in store.trials(experiment()).trials if it.trial_id == "mine")
    assert (mine.metrics, mine.variant) == ({"m": 10.0}, "control")
    assert mine.fingerprint == {"model": "10.0"}
    assert mine.closed_at == 1e5


def test_store_records_what_it_acknowledges(layout, disk):
    """Outcomes get an id when they have none, and all of them can be read back."""
    store = store_of(layout, disk)
    ids, _ = store.record([Seen("exp-1"), Seen("exp-2", "mine"), Seen("exp-1")], 5.0)
    assert ids[1] == "mine"
    for experiment_id, expected in (("exp-1", {ids[0], ids[2]}), ("exp-2", {"mine"})):
        trials = store.trials(experiment(experiment_id)).trials
        assert {trial.trial_id for trial in trials} == expected
        assert {trial.status for trial in trials} == {TrialStatus.ERROR}


def test_every_error_has_a_place_in_the_tree(layout):
    """A place where nothing can be written is one of the project's own errors."""
    layout.root.joinpath(".claude").write_text("a file in the way")
    store, checkout = store_of(layout), checkout_of(layout)
    for attempt in (
        checkout.identity,
        checkout.ensure_ignored,
        lambda: checkout.mark_started(experiment()),
        lambda: store.append("e", [recorded()]),
        lambda: store.assign("e", "u", lambda _: "control", 1.0),
        lambda: store.add(lambda _: experiment()),
        lambda: store.note("e", HistoryEntry(1.0, "x", None, None)),
        lambda: store.save_variants("e", {"a.md": {"control": TEXT}}),
        lambda: checkout.save_board(checkout.board()),
    ):
        with pytest.raises(MetaExperimentError):
            attempt()
