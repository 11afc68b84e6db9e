"""Slots of layers: one a unit, each as likely, and free ones found where there are some."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.assign.layers import SLOTS, first_free, slot_of


def test_a_unit_has_one_slot_in_a_layer_and_any_is_as_likely():
    slots = [slot_of("seed", f"u{number}") for number in range(20_000)]
    assert slots == [slot_of("seed", f"u{number}") for number in range(20_000)]
    assert min(slots) >= 0
    assert max(slots) < SLOTS
    below = sum(slot < 250 for slot in slots)
    assert abs(below - 5_000) < 4 * (20_000 * 0.25 * 0.75) ** 0.5


def test_layers_know_nothing_of_each_other():
    both = sum(
        slot_of("one", f"u{number}") < 500 and slot_of("two", f"u{number}") < 500
        for number in range(20_000)
    )
    assert abs(both - 5_000) < 4 * (20_000 * 0.25 * 0.75) ** 0.5


@pytest.mark.parametrize(
    ("taken", "count", "first"),
    [
        ([], 1000, 0),
        ([(0, 500)], 500, 500),
        ([(0, 500)], 501, None),
        ([(200, 500)], 200, 0),
        ([(200, 500)], 201, 500),
        ([(500, 1000), (0, 100)], 400, 100),
        ([(0, 1000)], 1, None),
        ([(0, 600), (200, 400)], 400, 600),
    ],
)
def test_the_first_free_slots_in_a_row_are_taken(taken, count, first):
    assert first_free(taken, count) == first


@given(st.lists(st.integers(1, 600), max_size=8))
def test_no_two_ever_share_a_slot(counts):
    taken = []
    for count in counts:
        first = first_free(taken, count)
        if first is not None:
            taken.append((first, first + count))
    held = [slot for first, end in taken for slot in range(first, end)]
    assert len(held) == len(set(held))
    assert all(0 <= slot < SLOTS for slot in held)
