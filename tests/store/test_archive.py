"""What was archived leaves the registry for a file of its own; nothing is lost on the way."""

import json
from dataclasses import replace

import pytest
from tests.faults import Crash, count_operations, every_fault
from tests.logs import store as store_of
from tests.store.making import experiment

from meta_experiment.errors import (
    CorruptStoreError,
    NewerVersionError,
    NotFoundError,
    StorageError,
    UsageError,
)
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.model.registry import encode_registry
from meta_experiment.services.find import find_in
from meta_experiment.store.local.registry import read_registry, update_registry
from meta_experiment.types import Status

ONE, TWO = experiment("exp-1", status=Status.EXPIRED), experiment("exp-2", name="Shorter")
AWAY = replace(ONE, status=Status.ARCHIVED)


def archiving(known):
    return [AWAY if item.experiment_id == "exp-1" else item for item in known]


def put(layout, *experiments):
    layout.registry.parent.mkdir(parents=True, exist_ok=True)
    layout.registry.write_bytes(encode_registry(experiments))


def held(layout):
    """Return by id what the registry and the archive hold together; the registry goes first."""
    store = store_of(layout)
    found = {name: store.archived(name) for name in store.archived_ids()}
    return found | {item.experiment_id: item for item in read_registry(layout)}


def test_an_archived_experiment_moves_into_a_file_of_its_own(layout, disk):
    """The registry forgets it, whoever asks for it finds it, byte for byte as it was there."""
    put(layout, ONE, TWO)
    assert update_registry(layout, disk, archiving) == [AWAY, TWO]
    assert read_registry(layout) == [TWO]
    assert layout.archived("exp-1").read_bytes() == encode_registry([AWAY])
    store = store_of(layout)
    assert store.archived_ids() == {"exp-1"}
    assert find_in(store, "exp-1") == AWAY
    assert find_in(store, "exp-2") == TWO
    with pytest.raises(NotFoundError):
        find_in(store, "exp-3")


def test_what_was_archived_before_moves_with_the_next_change(layout, disk):
    """Reading alone moves nothing."""
    third = experiment("exp-3")
    put(layout, AWAY, TWO)
    before = layout.registry.read_bytes()
    assert read_registry(layout) == [AWAY, TWO]
    update_registry(layout, disk, list)
    assert layout.registry.read_bytes() == before
    update_registry(layout, disk, lambda known: [*known, third])
    assert read_registry(layout) == [TWO, third]
    assert held(layout)["exp-1"] == AWAY


@pytest.mark.long
def test_a_fault_at_every_operation_loses_no_experiment(tmp_path):
    """It stands in the registry, in the archive, or in both; done again, it is done."""
    (tmp_path / "count").mkdir()
    layouts = iter(Layout(tmp_path / str(index)) for index in range(1000))

    def prepared():
        layout = next(layouts)
        put(layout, ONE, TWO)
        return layout

    counted = prepared()
    operations = count_operations(lambda files: update_registry(counted, files, archiving))
    assert operations > 8
    for files in every_fault(operations):
        layout = prepared()
        try:
            update_registry(layout, files, archiving)
        except (Crash, StorageError):
            assert held(layout) in ({"exp-1": ONE, "exp-2": TWO}, {"exp-1": AWAY, "exp-2": TWO})
        assert files.fired
        update_registry(layout, FileSystem(), archiving)
        assert read_registry(layout) == [TWO]
        assert held(layout) == {"exp-1": AWAY, "exp-2": TWO}


def test_the_registry_goes_before_the_archive(layout, disk):
    """As after a crash, or a merge; what stood there is kept when it goes again."""
    put(layout, AWAY)
    update_registry(layout, disk, lambda known: [*known, TWO])
    later = replace(ONE, status=Status.RUNNING, started=1.8e9)
    put(layout, later, TWO)
    assert find_in(store_of(layout), "exp-1") == later
    again = replace(later, status=Status.ARCHIVED)
    update_registry(layout, disk, lambda _: [again, TWO])
    assert held(layout)["exp-1"] == again
    (kept,) = layout.backups.glob("exp-1.json.earlier-*")
    assert kept.read_bytes() == encode_registry([AWAY])


def test_archiving_frees_a_registry_that_is_full(layout, disk, monkeypatch):
    """What it refuses for its size is taken once others were put away."""
    many = [experiment(f"old-{number}", status=Status.EXPIRED) for number in range(20)]
    put(layout, *many)
    size = layout.registry.stat().st_size
    monkeypatch.setattr("meta_experiment.store.local.registry._LARGEST", size + 10)
    with pytest.raises(UsageError, match="would have") as caught:
        update_registry(layout, disk, lambda known: [*known, TWO])
    assert "meta-experiment archive ID" in caught.value.hint
    update_registry(
        layout, disk, lambda known: [replace(known[0], status=Status.ARCHIVED), *known[1:]]
    )
    update_registry(layout, disk, lambda known: [*known, TWO])
    assert len(read_registry(layout)) == 20


def other_id(path):
    path.write_bytes(encode_registry([replace(AWAY, experiment_id="exp-9")]))


def two_of_them(path):
    path.write_bytes(encode_registry([AWAY, replace(AWAY, experiment_id="exp-9")]))


def not_archived(path):
    path.write_bytes(encode_registry([ONE]))


def link(path):
    other = path.with_name("other")
    path.rename(other)
    path.symlink_to(other)


def torn(path):
    path.write_bytes(path.read_bytes()[:-20])


def newer(path):
    document = json.loads(path.read_bytes())
    document["experiments"][0]["mood"] = "new"
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("spoil", [other_id, two_of_them, not_archived, link, torn, newer])
def test_a_file_that_is_not_what_its_name_says_is_refused_and_left(layout, disk, spoil):
    """It is nobody else's either; the others are found."""
    put(layout, AWAY, replace(AWAY, experiment_id="exp-2"))
    update_registry(layout, disk, lambda known: [*known, experiment("exp-3")])
    spoil(layout.archived("exp-1"))
    store = store_of(layout)
    with pytest.raises((CorruptStoreError, StorageError)) as caught:
        store.archived("exp-1")
    assert isinstance(caught.value, NewerVersionError) == (spoil is newer)
    assert str(layout.archived("exp-1")) in caught.value.message
    assert [item.experiment_id for item in store.archived_last()] == ["exp-2"]
