"""The board knows without reading a log which rows are out of date."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from tests.faults import Crash, count_operations, every_fault
from tests.sealing import own_seal
from tests.store.making import (
    append_events,
    assign,
    experiment,
    line,
    load_trials,
    recorded,
    write_log,
)

from meta_experiment.errors import StorageError
from meta_experiment.protocol.seal import Seal
from meta_experiment.store.local import registry
from meta_experiment.store.local.board import Board, BoardEntry, registry_stamp
from meta_experiment.store.local.checkout import Checkout
from meta_experiment.store.local.registry import update_registry
from meta_experiment.store.local.store import open_store


def made(layout, disk, *experiment_ids):
    board = Board(registry_stamp(layout))
    for experiment_id in experiment_ids:
        sources = load_trials(layout, disk, experiment_id).sources
        board.entries[experiment_id] = BoardEntry({"id": experiment_id}, "key", sources)
    return board


def test_board_comes_back_as_it_was_saved(layout, disk):
    """Rows, keys and sources survive, and nothing of them is stale."""
    write_log(layout, line(), experiment_id="a")
    update_registry(layout, disk, lambda _: [experiment()])
    made(layout, disk, "a", "b").save(layout, disk, own_seal(layout.root))
    board = Board.load(layout, own_seal(layout.root))
    assert board.entries["a"].row == {"id": "a"}
    assert board.registry_unchanged(layout)
    assert board.stale(layout, board.keys()) == set()


def test_a_row_is_outlived_when_its_time_has_come(layout, disk):
    """A row says until when it stands by itself; one that does not say stands for ever."""
    board = made(layout, disk, "a", "b")
    board.entries["a"] = replace(board.entries["a"], until=50.0)
    board.save(layout, disk, own_seal(layout.root))
    board = Board.load(layout, own_seal(layout.root))
    assert [board.outlived(now) for now in (49.9, 50.0)] == [set(), {"a"}]


def test_new_logs_make_a_row_stale(layout, disk):
    """An outcome or an assignment makes the row of its experiment stale, no other."""
    board = made(layout, disk, "a", "b", "c")
    append_events(layout, disk, "h-0", "a", [recorded()])
    assign(layout, disk, "b", "u", lambda _: "control", at=1.0)
    assert board.stale(layout, board.keys()) == {"a", "b"}
    board = made(layout, disk, "a", "b", "c")
    append_events(layout, disk, "h-0", "a", [recorded("t2")])
    assert board.stale(layout, board.keys()) == {"a"}


def test_other_plan_or_unknown_experiment_is_stale(layout, disk):
    """A row made from another plan, or never made, is stale."""
    board = made(layout, disk, "a", "b")
    assert board.stale(layout, {"a": "key", "b": "other", "c": "key"}) == {"b", "c"}


def test_changed_registry_is_noticed(layout, disk):
    """Any replacement of the registry is seen, as is its disappearance."""
    update_registry(layout, disk, lambda _: [experiment()])
    board = made(layout, disk)
    update_registry(layout, disk, lambda _: [experiment(name="Parallel REVIEW")])
    assert not board.registry_unchanged(layout)
    board = made(layout, disk)
    layout.registry.unlink()
    assert not board.registry_unchanged(layout)
    assert made(layout, disk).registry_unchanged(layout)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'{"version":9}', b'{"version":1,"entries":[1]}', b"\xff"],
)
def test_damaged_board_is_empty(layout, data):
    """A board that cannot be read is as good as none."""
    layout.board.parent.mkdir(parents=True)
    layout.board.write_bytes(data)
    board = Board.load(layout, own_seal(layout.root))
    assert board.entries == {}
    assert not board.registry_unchanged(layout)


def test_saving_is_all_or_nothing(layout, disk):
    """A fault while saving leaves the board before or the one after."""
    made(layout, disk, "a").save(layout, disk, own_seal(layout.root))
    operations = count_operations(
        lambda files: made(layout, disk, "a").save(layout, files, own_seal(layout.root))
    )
    for files in every_fault(operations):
        made(layout, disk, "a").save(layout, disk, own_seal(layout.root))
        with pytest.raises((Crash, StorageError)):
            made(layout, disk, "b").save(layout, files, own_seal(layout.root))
        assert list(Board.load(layout, own_seal(layout.root)).entries) in (["a"], ["b"])


@pytest.mark.long
def test_thousand_experiments_are_checked_quickly(layout, disk):
    """Looking for news in a thousand experiments takes a fraction of a second."""
    ids = [f"exp-{number}" for number in range(1000)]
    for experiment_id in ids:
        write_log(layout, line(), experiment_id=experiment_id)
    made(layout, disk, *ids).save(layout, disk, own_seal(layout.root))
    begin = time.process_time()
    board = Board.load(layout, own_seal(layout.root))
    assert board.stale(layout, board.keys()) == set()
    assert time.process_time() - begin < 0.5


def test_logs_of_those_at_rest_are_not_looked_at(layout, disk):
    """An experiment that has ended costs no look at its logs, unless its key changed."""
    board = made(layout, disk, "a", "b")
    append_events(layout, disk, "h-0", "a", [recorded()])
    append_events(layout, disk, "h-0", "b", [recorded()])
    assert board.stale(layout, board.keys(), {"a"}) == {"b"}
    assert board.stale(layout, {"a": "other"}, {"a"}) == {"a"}


def test_a_registry_that_made_the_board_is_not_read_whole_again(layout, disk, monkeypatch):
    """Any other is, so that what is wrong with it is said."""

    def found():
        return open_store(layout, disk, Checkout(layout, disk, lambda _: [])).experiment(
            "exp-1"
        )

    update_registry(layout, disk, lambda _: [experiment()])
    monkeypatch.setattr(registry, "decode_registry", lambda _: pytest.fail("read whole"))
    with pytest.raises(pytest.fail.Exception):
        found()
    made(layout, disk).save(layout, disk, own_seal(layout.root))
    assert found() == experiment()
    layout.registry.write_bytes(layout.registry.read_bytes() + b" ")
    with pytest.raises(pytest.fail.Exception):
        found()
    made(layout, disk).save(layout, disk, Seal(b"another" * 8, "another"))
    with pytest.raises(pytest.fail.Exception):
        found()
