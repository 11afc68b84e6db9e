"""Names are numbered in the order of their appearance, however they are drawn."""

import random
from array import array
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_experiment.store.fold.code_runs import Runs, runs_in
from meta_experiment.store.fold.identifiers import new_trial_ids
from meta_experiment.store.fold.names import NamePool

TOP = 1 << 64
BATCH = 400


def spelled(codes):
    """Return codes as names of our own."""
    return [f"{code % TOP:016x}" for code in codes]


stretches = st.builds(
    lambda start, length, step: spelled(range(start, start + length * step, step)),
    st.sampled_from([0, 5, 90, 100, 130, 2**40, TOP - 20]),
    st.integers(1, 60),
    st.sampled_from([1, 1, 1, 2, 16]),
)
batches = st.lists(stretches, min_size=1, max_size=4).map(lambda parts: [*chain(*parts)])
others = st.lists(
    st.sampled_from(["a", "é", "x" * 16, "0" * 15, *spelled([7, 95])]), max_size=3
)


def agrees(pool, known):
    """Compare a pool with the dictionary of what it was given."""
    assert len(pool) == len(known)
    assert [pool.name(number) for number in known.values()] == list(known)
    assert [pool.find(name) for name in known] == list(known.values())
    assert pool.singles == len(known) - sum(pool.runs.lengths)
    for name in {*spelled([3, 99, 161, 2**40 + 61]), "b", "y" * 16} - known.keys():
        assert pool.find(name) == -1


def restored(pool):
    """Return a pool made of what another would store."""
    arrays = [array(item.typecode, item) for item in pool.arrays()]
    return NamePool.restored(bytearray(pool.text), iter(arrays))


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(batches, others), max_size=8), st.booleans())
def test_numbers_are_those_of_a_dictionary(given_names, again):
    """Runs, parts of runs, single names and texts, in any order, stored between or not."""
    pool, known = NamePool(), {}
    for names in given_names:
        wanted = [known.setdefault(name, len(known)) for name in names]
        assert list(pool.numbers(names)) == wanted
        agrees(pool, known)
        if again:
            pool = restored(pool)
            agrees(pool, known)


def test_names_one_at_a_time_and_many_at_once_are_the_same():
    """A name that was met alone is known in a run, and one of a run is known alone."""
    names = spelled(range(1000, 1100))
    pool = NamePool()
    assert pool.number(names[50]) == 0
    assert list(pool.numbers(names)) == [*range(1, 51), 0, *range(51, 100)]
    pool = NamePool()
    assert list(pool.numbers(names)) == [*range(100)]
    assert [pool.number(name) for name in names] == [*range(100)]


def test_a_batch_of_ids_is_one_run():
    """What `record` draws at once takes the room of a single name, whatever else is there."""
    pool, rng = NamePool(), random.Random(3)  # noqa: S311
    pool.numbers([f"{rng.getrandbits(64):016x}" for _ in range(BATCH)])
    ids = new_trial_ids()
    for _ in range(3):
        pool.numbers([next(ids) for _ in range(BATCH)])
    assert (pool.singles, len(pool.runs.firsts), len(pool)) == (BATCH, 1, 4 * BATCH)


def test_ids_of_two_writers_differ():
    """Each begins somewhere else."""
    first, second = new_trial_ids(), new_trial_ids()
    assert len({next(ids) for _ in range(100) for ids in (first, second)}) == 200


def test_a_text_whose_hash_lies_in_a_run_is_another_name():
    """The code of a text is no name of our own."""
    pool = NamePool()
    number = pool.number("another's")
    code = pool.codes[number]
    names = spelled(range(code - 20, code + 20))
    assert list(pool.numbers(names)) == [*range(1, 41)]
    assert pool.number("another's") == 0
    assert pool.find(f"{code:016x}") == 21


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        (range(20), [(0, 20)]),
        ([*range(20), *range(50, 70)], [(0, 20), (20, 40)]),
        ([*range(20), 1, 1, *range(50, 70)], [(0, 20), (22, 42)]),
        (range(0, 40, 2), []),
        ([1], []),
        (range(5), []),
        (range(20, 0, -1), []),
    ],
)
def test_runs_are_found(codes, found):
    """Stretches of some length, unless most codes were drawn one by one."""
    assert runs_in(array("Q", codes)) == found


def test_runs_grow_only_where_code_and_number_go_on():
    """A run that follows in its codes alone is another run."""
    runs = Runs()
    for first, number, length in [(100, 0, 10), (110, 10, 10), (120, 30, 10), (50, 20, 10)]:
        assert not runs.meets(first, length)
        runs.add(first, number, length)
    assert list(runs.firsts) == [50, 100, 120]
    assert [runs.find(code) for code in (49, 50, 59, 60, 99, 100, 119, 120, 129, 130)] == [
        *(-1, 20, 29, -1, -1),
        *(0, 19, 30, 39, -1),
    ]
    assert [runs.meets(*span) for span in [(60, 40), (59, 1), (130, 9), (99, 2), (0, 999)]] == [
        *(False, True, False, True, True)
    ]
    assert list(runs.others(42)) == [40, 41]
