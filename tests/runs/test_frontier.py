"""Blocks count in the order of the schedule, each once all before it are settled."""

from hypothesis import given
from hypothesis import strategies as st
from tests.runs.outcomes import outcome_of

from meta_experiment.runs.frontier import Frontier
from meta_experiment.runs.schedule import schedule

ARMS = ("control", "treatment")


@given(st.data())
def test_what_counts_is_the_beginning_of_the_schedule(data):
    """Whatever ends first and is set aside, blocks come in their order and whole."""
    blocks = schedule(3, ["a", "b", "c", "d", "e"], ARMS, 2)
    cells = [cell for block in blocks for cell in block.cells]
    aside = set(data.draw(st.lists(st.sampled_from(cells), max_size=4)))
    frontier, counted, settled = Frontier(blocks), [], set()
    for cell in data.draw(st.permutations(cells)):
        if cell in aside:
            frontier.set_aside(cell, "no network")
        else:
            frontier.end(outcome_of(cell))
        settled.add(cell)
        counted += (runs for runs, _ in frontier.complete())
        left_out = {(item.case_id, item.repeat) for item in aside & settled}
        expected = []
        for block in blocks:
            if (block.case_id, block.repeat) in left_out:
                continue
            if not settled.issuperset(block.cells):
                break
            expected.append(block.cells)
        assert [tuple(item.cell for item in block) for block in counted] == expected
    assert frontier.waiting == 0


def test_a_partner_of_what_was_set_aside_is_dropped():
    blocks = schedule(3, ["a"], ARMS, 1)
    one, other = blocks[0].cells
    frontier = Frontier(blocks)
    frontier.end(outcome_of(one))
    frontier.set_aside(other, "no network")
    assert list(frontier.complete()) == []
    assert frontier.aside == (("a", 1, "no network"),)
    assert frontier.waiting == 0
