"""Whose logs count is remembered under our seal, asked of git once, and lost by no fault."""

from contextlib import suppress

import pytest
from tests import logs
from tests.faults import Crash, count_operations, every_fault
from tests.logs import head, own_log
from tests.sealing import own_seal
from tests.support.git import git

from meta_experiment.errors import GitError, StorageError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import log_head
from meta_experiment.protocol.seal import Seal
from meta_experiment.store.local.counting import NOT_OURS, TRACKED, Counting
from meta_experiment.store.local.tracked import TrackedLogs, index_stamp, tracked_logs


class Asked:
    """Git, which counts how often it is asked."""

    def __init__(self, *names):
        self.names, self.times = list(names), 0

    def __call__(self, folder):
        assert folder.name == "trials"
        self.times += 1
        return self.names


@pytest.fixture
def repository(layout):
    git(layout.root, "init", "-q", "-b", "main")
    own_log(layout.root, "e", "a.jsonl")
    return layout


def touch_index(layout, name):
    (layout.root / name).write_text(name)
    git(layout.root, "add", name)


@pytest.mark.parametrize(
    ("name", "writer"),
    [
        ("1a2b3c4d-alice-laptop-0.jsonl", "1a2b3c4d"),
        ("1a2b3c4d-alice-laptop-live-2.jsonl", "1a2b3c4d"),
        ("assignments.1a2b3c4d.tsv", "1a2b3c4d"),
        ("assignments.1a2b3c4d-2.tsv", "1a2b3c4d"),
        ("assignments-1a2b3c4d-live.tsv", "1a2b3c4d"),
        ("alice-0.jsonl", "alice-0"),
        ("assignments.tsv", "assignments"),
        ("assignments-live.tsv", "live"),
        ("1A2B3C4D-x.jsonl", "1A2B3C4D-x"),
        ("1a2b3c4-x.jsonl", "1a2b3c4-x"),
        ("experiments.json.jsonl", "experiments.json.jsonl"),
    ],
)
def test_the_writer_of_a_log_is_in_its_name(name, writer):
    """The mark of a checkout where there is one, else all of it; never the registry's."""
    assert log_head.writer_of(name) == writer
    assert writer != log_head.REGISTRY


def test_git_is_asked_once_for_a_state_of_the_index(repository, disk):
    """And again when it is another; what was tracked once is told from then on."""
    seal, ask = own_seal(repository.root), Asked("e/a.jsonl")
    touch_index(repository, "one")
    for _ in range(3):
        assert tracked_logs(repository, disk, seal, ask).names == {"e/a.jsonl"}
    assert ask.times == 1
    touch_index(repository, "two")
    ask.names = ["e/b.jsonl"]
    for _ in range(3):
        assert tracked_logs(repository, disk, seal, ask).names == {"e/a.jsonl", "e/b.jsonl"}
    assert ask.times == 2


def test_an_answer_is_believed_under_our_seal_alone(repository, disk):
    """A commit that says that nothing is tracked is not asked."""
    touch_index(repository, "one")
    stranger, ask = Seal(b"7" * 64, "elsewhere"), Asked()
    tracked_logs(repository, disk, stranger, ask)
    ask.names = ["e/a.jsonl"]
    assert tracked_logs(repository, disk, own_seal(repository.root), ask).names
    assert ask.times == 2


def test_where_git_cannot_say_it_is_not_remembered(repository, disk):
    """It may be able to, next time."""

    def refusing(_):
        raise GitError("dubious ownership", hint="trust it")

    seal = own_seal(repository.root)
    told = tracked_logs(repository, disk, seal, refusing)
    assert (told.unknown, told.remedy) == ("dubious ownership", "trust it")
    assert tracked_logs(repository, disk, seal, Asked()) == TrackedLogs()


def test_without_a_repository_or_a_log_git_is_not_asked(layout, disk):
    """There is nothing that it could track."""
    ask, seal = Asked(), own_seal(layout.root)
    assert tracked_logs(layout, disk, seal, ask) == TrackedLogs()
    own_log(layout.root, "e", "a.jsonl")
    assert tracked_logs(layout, disk, seal, ask) == TrackedLogs()
    git(layout.root, "init", "-q")
    tracked_logs(layout, disk, seal, ask)
    assert ask.times == 1


def test_the_index_of_a_linked_worktree_is_its_own(repository, tmp_path):
    """Its stamp changes with it, and not with that of the main one."""
    touch_index(repository, "one")
    git(repository.root, "commit", "-qm", "one")
    linked = Layout(tmp_path / "linked")
    git(repository.root, "worktree", "add", "-q", str(linked.root))
    here, there = index_stamp(repository), index_stamp(linked)
    assert here[0] != there[0]
    touch_index(linked, "two")
    assert index_stamp(linked) != there
    assert index_stamp(repository) == here


def test_no_fault_while_it_is_remembered_changes_the_answer(repository):
    """Then git is asked again."""
    touch_index(repository, "one")
    seal = own_seal(repository.root)
    place = repository.local / "tracked"

    def ask(files):
        place.unlink(missing_ok=True)
        return tracked_logs(repository, files, seal, Asked("e/a.jsonl"))

    for files in every_fault(count_operations(ask)):
        with suppress(Crash):
            assert ask(files).names == {"e/a.jsonl"}
        assert tracked_logs(repository, FileSystem(), seal, Asked("e/a.jsonl")).names


def test_a_fault_while_a_writer_is_admitted_leaves_the_list_before_or_after(layout, disk):
    """Of this experiment, and that of others whole."""

    def checkout(files):
        return logs.checkout(layout, files)

    own_seal(layout.root)
    checkout(disk).admit("other", {"kept"})
    operations = count_operations(lambda files: checkout(files).admit("e", {"bob"}))
    for files in every_fault(operations):
        checkout(disk).admit("e", {"alice"})
        with pytest.raises((Crash, StorageError)):
            checkout(files).admit("e", {"alice", "bob"})
        known = checkout(disk).counting().admitted
        assert known["e"] in ({"alice"}, {"alice", "bob"})
        assert known["other"] == {"kept"}


def test_without_a_key_nothing_is_ours(layout):
    """A look draws none."""
    own_log(layout.root, "e", "a.jsonl")
    (layout.trials("e") / "empty.jsonl").touch()
    logs = Counting(Seal(b"", ""), {}, TrackedLogs()).logs(layout.trials("e"))
    assert logs["a.jsonl"].why_not == NOT_OURS
    assert logs["empty.jsonl"].counts


def test_a_log_counts_by_its_first_line_or_by_its_writer(layout):
    """Tracked or not, where the user admitted it."""
    own = own_log(layout.root, "e", "own.jsonl", "{}\n")
    for name in ("theirs.jsonl", "named.jsonl"):
        own.with_name(name).write_bytes(head(layout.root, "other", name) + b"{}\n")
    own.with_name("bare.jsonl").write_text("{}\n")
    tracked = TrackedLogs(frozenset({"e/own.jsonl", "e/named.jsonl", "e/bare.jsonl"}))
    seal = own_seal(layout.root)
    plain = Counting(seal, {}, TrackedLogs()).logs(layout.trials("e"))
    assert {name for name, log in plain.items() if log.counts} == {"own.jsonl"}
    admitted = {"e": {"named", "bare"}, "f": {"theirs", "own"}}
    logs = Counting(seal, admitted, tracked).logs(layout.trials("e"))
    assert {name for name, log in logs.items() if log.counts} == {"named.jsonl", "bare.jsonl"}
    assert logs["own.jsonl"].why_not == TRACKED
    assert [logs[name].begin for name in ("named.jsonl", "bare.jsonl")] == [log_head.LENGTH, 0]
    digests = {
        Counting(seal, who, what).digest
        for who in ({}, admitted)
        for what in (TrackedLogs(), tracked, TrackedLogs(unknown="no git"))
    }
    assert len(digests) == 6
