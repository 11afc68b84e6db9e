"""Who reads the same trials again and again gets what one reading from the beginning gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import logs
from tests.store.making import (
    append_events,
    line,
    load_trials,
    read_trials,
    recorded,
    write_log,
)
from tests.store.test_summaries import (
    _cut,
    _edited_and_more,
    _other_end_and_more,
    _other_middle,
    _other_middle_and_more,
    _renamed,
    events,
)

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.local.fold import summaries
from meta_experiment.store.local.fold.following import Following

CHANGES = [
    _cut,
    _edited_and_more,
    _other_end_and_more,
    _other_middle,
    _other_middle_and_more,
    _renamed,
]


class Reader:
    """One that follows the logs of a root."""

    def __init__(self, layout):
        self.layout = layout
        self.following = Following(layout, FileSystem(), "e")

    def log(self):
        return self.following.log(logs.counting(self.layout.root), ())

    def same(self):
        """Read, and compare with a reading from the beginning."""
        found, read = self.log(), read_trials(self.layout, "e")
        assert found.trials == tuple(read.trials)
        assert sorted(found.set_aside) == sorted(read.set_aside)
        assert found.set_aside_count == read.set_aside_count
        assert sorted(found.conflicts) == sorted(read.conflicts)
        assert (found.apart, found.sources) == (read.apart, read.sources)
        return found


@pytest.fixture
def reader(layout):
    return Reader(layout)


@settings(max_examples=40)
@given(st.lists(events, max_size=20, unique_by=lambda event: event.at), st.randoms())
def test_every_look_is_the_same_as_one_from_the_beginning(tmp_path_factory, given_events, rng):
    layout, disk = Layout(tmp_path_factory.mktemp("root")), FileSystem()
    reader = Reader(layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, "WORTHWHILE", 1)
        for event in given_events:
            append_events(layout, disk, f"w-{rng.randrange(3)}", "e", [event])
            if rng.random() < 0.2:
                load_trials(layout, disk, "e")
            if rng.random() < 0.6:
                reader.same()
        reader.same()


def test_only_what_is_new_is_read_and_what_was_given_out_stays(layout, disk, reader):
    append_events(layout, disk, "h-0", "e", [recorded(f"t{n}") for n in range(50)])
    before = reader.same()
    kept = before.trials
    append_events(layout, disk, "h-0", "e", [recorded("new", at=1.0)])
    after = reader.same()
    assert 0 < after.bytes_read < before.bytes_read / 10
    assert before.trials == kept
    assert len(after.trials) == 51
    assert reader.same().bytes_read == 0


@pytest.mark.parametrize("change", CHANGES)
def test_a_log_that_does_not_only_grow_is_read_anew(layout, reader, change):
    path = write_log(
        layout,
        "".join(line(trial_id=f"h-0-{n}", unit=f"u{n}", metrics={"m": n}) for n in range(40)),
        "h-0",
    )
    reader.same()
    change(path)
    reader.same()
