"""The order of runs: from the seed alone, all of them, no arm always first."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.runs.schedule import schedule


@given(st.integers(), st.permutations(["a", "b", "c", "d"]), st.integers(1, 4))
def test_every_cell_comes_once_whatever_the_order_of_the_cases(seed, cases, repeats):
    blocks = schedule(seed, cases, ["control", "treatment"], repeats)
    cells = [cell for block in blocks for cell in block.cells]
    assert len(set(cells)) == len(cells) == 4 * 2 * repeats
    assert blocks == schedule(seed, sorted(cases), ["control", "treatment"], repeats)
    assert [block.repeat for block in blocks] == sorted(block.repeat for block in blocks)


def test_arms_and_cases_are_shuffled_anew():
    blocks = schedule(7, [f"c{n}" for n in range(30)], ["control", "treatment"], 10)
    first = Counter(block.variants[0] for block in blocks)
    assert 110 < first["control"] < 190
    orders = {
        tuple(block.case_id for block in blocks if block.repeat == n) for n in range(1, 11)
    }
    assert len(orders) == 10
