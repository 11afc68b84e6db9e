"""The registry is changed whole or not at all, and never written over when it is damaged."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from tests.faults import REFUSING, Crash, count_operations, every_fault
from tests.store.making import experiment

from meta_experiment.errors import (
    ConflictError,
    CorruptStoreError,
    LockedError,
    StorageError,
    UnsafePathError,
    UsageError,
)
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.model.registry import encode_registry
from meta_experiment.store.local.registry import (
    read_registry,
    restore_registry,
    update_registry,
)
from meta_experiment.types import Status

ONE, TWO = experiment("exp-1"), experiment("exp-2", name="Shorter answers")


def adding(item):
    return lambda known: [*known, item]


def put(layout, data):
    layout.registry.parent.mkdir(parents=True, exist_ok=True)
    layout.registry.write_bytes(data)


def test_missing_file_is_an_empty_registry(layout):
    """Before the first experiment there is nothing, and reading makes nothing."""
    assert read_registry(layout) == []
    assert not layout.meta.exists()


def test_what_is_written_is_read(layout, disk):
    """Experiments come back as they were, and each change sees the one before."""
    update_registry(layout, disk, adding(ONE))
    assert update_registry(layout, disk, adding(TWO)) == [ONE, TWO]
    assert read_registry(layout) == [ONE, TWO]


@pytest.mark.long
def test_fault_at_every_operation(tmp_path):
    """Whatever fails, the registry is the one before or the one after, and stays readable."""
    (tmp_path / "count").mkdir()
    layouts = iter(Layout(tmp_path / str(index)) for index in range(1000))

    def prepared():
        layout = next(layouts)
        put(layout, encode_registry([ONE]))
        return layout

    counted = prepared()
    operations = count_operations(lambda files: update_registry(counted, files, adding(TWO)))
    assert operations > 5
    for files in every_fault(operations):
        layout = prepared()
        refusal = None
        try:
            update_registry(layout, files, adding(TWO))
        except (Crash, StorageError) as error:
            refusal = error
        else:  # only the copy after the change may fail in silence
            assert read_registry(layout) == [ONE, TWO]
        assert files.fired
        assert layout.registry.read_bytes() in (
            encode_registry([ONE]),
            encode_registry([ONE, TWO]),
        )
        if files.fault in REFUSING and refusal is not None:
            assert refusal.hint
        after = update_registry(layout, FileSystem(), lambda known: [*known[:1], TWO])
        assert after == read_registry(layout) == [ONE, TWO]


def test_failing_change_changes_nothing(layout, disk):
    """An error in the change leaves bytes, backup and lock as they were."""
    update_registry(layout, disk, adding(ONE))
    before = layout.registry.read_bytes()
    kept = layout.registry_backup.read_bytes()

    def fail(known):
        known.clear()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        update_registry(layout, disk, fail)
    assert layout.registry.read_bytes() == before
    assert layout.registry_backup.read_bytes() == kept
    assert update_registry(layout, disk, adding(TWO), wait=0) == [ONE, TWO]


def test_change_to_the_same_writes_nothing(layout, disk):
    """A change that changes nothing does not touch a file that people edit by hand."""
    put(layout, b"\n" + encode_registry([ONE]))
    update_registry(layout, disk, list)
    assert layout.registry.read_bytes().startswith(b"\n")
    assert not layout.backups.exists()


def test_newest_good_registry_is_kept(layout, disk):
    """A copy of the registry stands in the backups, so that no change is lost with the file."""
    update_registry(layout, disk, adding(ONE))
    update_registry(layout, disk, adding(TWO))
    assert layout.registry_backup.read_bytes() == encode_registry([ONE, TWO])


def test_foreign_text_is_kept_for_good(layout, disk):
    """A registry edited by hand or of an older form is kept through any later change."""
    foreign = b"\n\n" + encode_registry([ONE])
    put(layout, foreign)
    update_registry(layout, disk, adding(TWO))
    update_registry(layout, disk, lambda known: known[:1])
    kept = [path for path in layout.backups.iterdir() if "earlier" in path.name]
    assert [path.read_bytes() for path in kept] == [foreign]


@pytest.mark.parametrize("mode", [0o644, 0o664, 0o600])
def test_permission_bits_are_kept(layout, disk, mode):
    """The file keeps the permission bits that its owner gave it."""
    put(layout, encode_registry([ONE]))
    layout.registry.chmod(mode)
    update_registry(layout, disk, adding(TWO))
    assert layout.registry.stat().st_mode & 0o777 == mode


def test_read_only_registry_is_respected(layout, disk):
    """A registry that its owner made read-only is not replaced."""
    put(layout, encode_registry([ONE]))
    layout.registry.chmod(0o444)
    with pytest.raises(StorageError, match="read-only") as caught:
        update_registry(layout, disk, adding(TWO))
    assert "chmod" in caught.value.hint
    assert read_registry(layout) == [ONE]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b"{}",
        b'{"schema_version": 999, "experiments": []}',
        b'{"schema_version": 1, "experiments": [{}]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_damaged_registry_is_never_written_over(layout, disk, data):
    """A registry that cannot be read is an error that names file and remedy; bytes stay."""
    put(layout, data)
    for attempt in (
        lambda: read_registry(layout),
        lambda: update_registry(layout, disk, adding(ONE)),
    ):
        with pytest.raises(CorruptStoreError) as caught:
            attempt()
        assert str(layout.registry) in caught.value.message
        assert caught.value.hint
    assert layout.registry.read_bytes() == data


def test_every_cut_is_noticed(layout):
    """A registry cut short anywhere is told as damaged, never read as less."""
    whole = encode_registry([ONE, TWO])
    for size in (*range(0, len(whole) - 20, 29), *range(len(whole) - 20, len(whole) - 1)):
        put(layout, whole[:size])
        with pytest.raises(CorruptStoreError):
            read_registry(layout)


def test_registry_that_would_be_too_large_is_refused_before_it_is_written(
    layout, disk, monkeypatch
):
    """What was written could not be read again; the way out is named, here and in reading."""
    update_registry(layout, disk, adding(ONE))
    before = layout.registry.read_bytes()
    monkeypatch.setattr("meta_experiment.store.local.registry._LARGEST", len(before) + 1)
    with pytest.raises(UsageError) as caught:
        update_registry(layout, disk, adding(TWO))
    assert "meta-experiment archive" in caught.value.hint
    assert layout.registry.read_bytes() == before
    put(layout, before + b"  ")
    with pytest.raises(CorruptStoreError) as caught:
        read_registry(layout)
    assert "meta-experiment archive" in caught.value.hint


@pytest.mark.long
def test_three_thousand_experiments_fit_into_the_registry(layout):
    """Three times as many as are promised to be fast."""
    many = [
        replace(
            ONE, experiment_id=f"exp-{number}", plan=replace(ONE.plan, hypothesis="h" * 3000)
        )
        for number in range(3000)
    ]
    put(layout, encode_registry(many))
    assert layout.registry.stat().st_size > 3000 * 4000
    assert len(read_registry(layout)) == 3000


def test_damaged_registry_is_restored_on_request(layout, disk):
    """The last good registry comes back, and the damaged bytes are kept aside."""
    update_registry(layout, disk, adding(ONE))
    update_registry(layout, disk, adding(TWO))
    assert restore_registry(layout, disk) is None
    put(layout, b"damaged")
    aside = restore_registry(layout, disk)
    assert aside.read_bytes() == b"damaged"
    assert read_registry(layout) == [ONE, TWO]
    layout.registry.unlink()
    assert restore_registry(layout, disk) == layout.registry_backup
    assert read_registry(layout) == [ONE, TWO]


def test_nothing_to_restore_from(layout, disk):
    """Without a good copy the damaged file stays as it is."""
    put(layout, b"damaged")
    with pytest.raises(CorruptStoreError, match="no earlier copy"):
        restore_registry(layout, disk)
    put(layout, b"damaged")
    layout.backups.mkdir()
    layout.registry_backup.write_bytes(b"as well")
    with pytest.raises(CorruptStoreError):
        restore_registry(layout, disk)
    assert layout.registry.read_bytes() == b"damaged"


def test_replacement_by_another_program_is_noticed(layout, disk):
    """A file that an editor or git replaces meanwhile is not overwritten but read again."""
    update_registry(layout, disk, adding(ONE))
    seen = []

    def change(known):
        seen.append(len(known))
        if len(seen) == 1:
            put(layout, encode_registry([ONE, TWO]))
        return [replace(item, status=Status.PAUSED) for item in known]

    after = update_registry(layout, disk, change)
    assert seen == [1, 2]
    assert [item.status for item in after] == [Status.PAUSED, Status.PAUSED]


def test_endless_replacement_is_a_conflict(layout, disk):
    """When another program never stops, nothing of its work is overwritten."""
    update_registry(layout, disk, adding(ONE))
    count = iter(range(100))

    def change(known):
        put(layout, encode_registry([experiment("exp-1", name=f"name {next(count)}")]))
        return [*known, TWO]

    with pytest.raises(ConflictError):
        update_registry(layout, disk, change)
    assert len(read_registry(layout)) == 1


def test_link_is_refused(layout, disk, tmp_path):
    """A registry that is a link is neither followed nor replaced."""
    outside = tmp_path / "outside.json"
    outside.write_bytes(encode_registry([ONE]))
    layout.meta.mkdir(parents=True)
    layout.registry.symlink_to(outside)
    with pytest.raises(UnsafePathError):
        read_registry(layout)
    with pytest.raises(UnsafePathError):
        update_registry(layout, disk, adding(TWO))
    assert outside.read_bytes() == encode_registry([ONE])


def test_folder_in_its_place(layout):
    """A folder in the registry's place is a storage error, not an empty registry."""
    layout.registry.mkdir(parents=True)
    with pytest.raises(StorageError):
        read_registry(layout)


def test_held_registry_is_told(layout, disk):
    """A change waits for another one, and then says who holds it."""
    with (
        FileLock(layout.lock("registry"), verb="promote"),
        pytest.raises(LockedError, match="promote"),
    ):
        update_registry(layout, disk, adding(ONE), wait=0.01)


def test_concurrent_changes_all_count(layout, disk):
    """Changes from many sides at once are all in the registry at the end."""

    def work(number):
        for turn in range(5):
            update_registry(layout, disk, adding(experiment(f"exp-{number}-{turn}")), wait=60)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({item.experiment_id for item in read_registry(layout)}) == 20
