"""The runner: every cell once, failures tried again, caps and stops without loss."""

import random
from dataclasses import replace

import pytest
from tests.runs.outcomes import outcome_of

from meta_experiment.errors import RefusedError
from meta_experiment.runs.budget import Budget, Caps
from meta_experiment.runs.runner import (
    MOST_ATTEMPTS,
    BlockSetAside,
    CountedBlock,
    EndedRun,
    Known,
    ReachedCap,
    Runner,
)
from meta_experiment.runs.schedule import schedule
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import Contest, ContestOutcome, Failure, FailureKind, Spent

ARMS = ("control", "treatment")
NOTHING = Known({}, {})


class Team:
    """A team whose attempts end in an order drawn by chance."""

    def __init__(self, make, seed=0):
        self.make, self.chance = make, random.Random(seed)  # noqa: S311
        self.running, self.begun, self.most, self.closed = {}, [], 0, False
        self.rank = lambda _: 0  # what ends first

    def begin(self, cell, slot):
        assert slot not in self.running.values()
        self.running[cell] = slot
        self.begun.append(cell)
        self.most = max(self.most, len(self.running))

    def next(self):
        first = min(map(self.rank, self.running))
        ready = [cell for cell in self.running if self.rank(cell) == first]
        cell = self.chance.choice(sorted(ready, key=repr))
        del self.running[cell]
        return [self.make(cell)]

    def close(self):
        self.closed = True


def ready(make=outcome_of, *, cases=5, repeats=2, slots=3, known=NOTHING, caps=None, seed=0):
    """Return a runner over made-up cases, and its team."""
    made = {f"c{n}": Case(f"c{n}", "do it", "0" * 64) for n in range(cases)}
    blocks = schedule(1, list(made), ARMS, repeats)
    team = Team(make, seed)
    budget = Budget(caps or Caps())
    return Runner(blocks, made, known, budget, team, slots=slots), team, blocks


@pytest.mark.parametrize("seed", range(10))
def test_every_cell_runs_once_and_blocks_count_in_order(seed):
    runner, team, blocks = ready(seed=seed)
    events = list(runner.events())
    counted = [item for item in events if isinstance(item, CountedBlock)]
    cells = [[outcome.cell for outcome in item.outcomes] for item in counted]
    assert cells == [list(block.cells) for block in blocks]
    assert sorted(team.begun, key=repr) == sorted(
        (cell for block in blocks for cell in block.cells), key=repr
    )
    assert team.most == 3
    assert team.closed


def test_known_outcomes_are_not_run_again_and_what_goes_on_is_seen_to_its_end():
    *_, blocks = ready()
    cells = [cell for block in blocks for cell in block.cells]
    known = Known({cell: outcome_of(cell) for cell in cells[:5]}, {cells[5]: 2})
    runner, team, _ = ready(known=known)
    counted = [item for item in runner.events() if isinstance(item, CountedBlock)]
    assert len(counted) == len(blocks)
    assert set(team.begun) == set(cells[5:])
    assert len(team.begun) == len(cells) - 5


def test_a_fault_of_the_machine_is_tried_again_then_set_aside_with_its_partner():
    bad = None

    def make(cell):
        nonlocal bad
        bad = bad or (cell if cell.case_id == "c3" else None)
        return outcome_of(cell, failure="machine" if cell == bad else None)

    runner, team, blocks = ready(make, slots=1)
    events = list(runner.events())
    aside = [item for item in events if isinstance(item, BlockSetAside)]
    assert [item.cell for item in aside] == [bad]
    assert team.begun.count(bad) == MOST_ATTEMPTS
    counted = [item for item in events if isinstance(item, CountedBlock)]
    assert len(counted) == len(blocks) - 1


def test_a_fault_of_the_agent_counts():
    runner, _, blocks = ready(lambda cell: outcome_of(cell, failure="agent"))
    events = list(runner.events())
    assert sum(isinstance(item, CountedBlock) for item in events) == len(blocks)


def test_a_fault_of_the_setup_stops_everything():
    runner, team, _ = ready(lambda cell: outcome_of(cell, failure="setup"))
    with pytest.raises(RefusedError, match="No run can succeed"):
        list(runner.events())
    assert team.closed
    assert len(team.begun) <= 3


def test_texts_that_never_arrive_stop_everything():
    """Nothing is paid for a hundred runs of a command that nobody typed."""
    runner, team, _ = ready(lambda cell: outcome_of(cell, received=False), cases=50)
    with pytest.raises(RefusedError, match="did not reach the agent"):
        list(runner.events())
    assert len(team.begun) < 10


def test_a_text_that_never_arrives_stops_everything_though_the_other_does():
    runner, team, _ = ready(
        lambda cell: outcome_of(cell, received=cell.variant == "control"), cases=50
    )
    with pytest.raises(RefusedError, match="None of the first 3 runs of this variant"):
        list(runner.events())
    assert len(team.begun) < 20


def test_some_that_fail_before_the_first_pair_has_ended_stop_nothing():
    """The first pair may be the last to end, and others have shown that it works."""
    runner, team, blocks = ready(cases=30, slots=16)
    failing = {block.cells[0] for block in blocks[1:6]}
    team.make = lambda cell: outcome_of(cell, failure="machine" if cell in failing else None)
    team.rank = lambda cell: 2 if cell in blocks[0].cells else int(cell in failing)
    counted = [item for item in runner.events() if isinstance(item, CountedBlock)]
    assert len(counted) == len(blocks) - len(failing)


def test_one_flaky_run_stops_nothing_while_the_others_have_not_ended():
    """Quick failures come first: what takes its time may show yet that it works."""
    runner, team, blocks = ready(cases=6, slots=4)
    flaky = blocks[0].cells[0]
    team.make = lambda cell: outcome_of(cell, failure="machine" if cell == flaky else None)
    team.rank = lambda cell: int(cell != flaky)
    events = list(runner.events())
    assert [item.cell for item in events if isinstance(item, BlockSetAside)] == [flaky]
    counted = [item for item in events if isinstance(item, CountedBlock)]
    assert len(counted) == len(blocks) - 1


def test_where_nothing_works_a_slow_run_is_waited_for_and_none_is_started_meanwhile():
    runner, team, blocks = ready(
        lambda cell: outcome_of(cell, failure="machine"), cases=50, slots=4
    )
    slow = blocks[0].cells[1]
    team.rank = lambda cell: int(cell == slow)
    with pytest.raises(RefusedError, match="Nothing has run so far"):
        list(runner.events())
    assert slow not in team.running
    assert len(team.begun) < 10


def test_a_cap_lets_what_is_under_way_end():
    runner, team, _ = ready(caps=Caps(usd=0.075))
    events = list(runner.events())
    assert isinstance(events[-1], ReachedCap)
    assert 0.03 < sum(isinstance(item, EndedRun) for item in events) * 0.01 <= 0.075
    assert not team.running


def test_whoever_stops_listening_stops_the_team():
    runner, team, _ = ready()
    events = runner.events()
    next(events)
    events.close()
    assert team.closed


def test_cases_that_share_something_never_run_at_once():
    made = {f"c{n}": Case(f"c{n}", "x", "0" * 64, needs=("database",)) for n in range(4)}
    blocks = schedule(1, list(made), ARMS, 1)
    team = Team(outcome_of)
    list(Runner(blocks, made, NOTHING, Budget(Caps()), team, slots=4).events())
    assert team.most == 1
    assert len(team.begun) == 8


def contested(make, seed=0, known=NOTHING, slots=3, caps=None):
    """Return a runner of blocks that a judge holds against each other, and its team."""
    made = {f"c{n}": Case(f"c{n}", "do it", "0" * 64) for n in range(5)}
    blocks = [replace(block, contested=True) for block in schedule(1, list(made), ARMS, 1)]
    team = Team(make, seed)
    runner = Runner(blocks, made, known, Budget(caps or Caps()), team, slots=slots)
    return runner, team, blocks


def held(cell, **more):
    """Return the outcome of a run, or of a contest."""
    if isinstance(cell, Contest):
        return ContestOutcome(cell, (), "judge", spent=Spent(0.001, 10.0), **more)
    return outcome_of(cell)


@pytest.mark.parametrize("seed", range(5))
def test_a_block_counts_when_it_was_held_against_itself(seed):
    runner, team, blocks = contested(held, seed)
    counted = [item for item in runner.events() if isinstance(item, CountedBlock)]
    assert [item.contest.cell for item in counted] == [block.contest for block in blocks]
    for block in blocks:
        begun = [team.begun.index(cell) for cell in (*block.cells, block.contest)]
        assert begun[-1] == max(begun)
    assert len(team.begun) == len(set(team.begun)) == 15


def test_what_is_known_is_not_held_again():
    whole = {}
    runner, _, blocks = contested(lambda cell: whole.setdefault(cell, held(cell)))
    for _ in runner.events():
        pass
    runs = {cell: one for cell, one in whole.items() if not isinstance(cell, Contest)}
    first = {blocks[0].contest: whole[blocks[0].contest]}
    runner, team, _ = contested(held, known=Known(runs, {}, first))
    assert sum(isinstance(item, CountedBlock) for item in runner.events()) == 5
    assert sorted(team.begun, key=repr) == sorted((b.contest for b in blocks[1:]), key=repr)


def test_a_judge_that_the_machine_fails_sets_its_block_aside():
    failure = Failure(FailureKind.MACHINE, "no network")

    def make(cell):
        bad = isinstance(cell, Contest) and cell.case_id == "c2"
        return held(cell, failure=failure) if bad else held(cell)

    runner, team, _ = contested(make)
    events = list(runner.events())
    assert [item.cell for item in events if isinstance(item, BlockSetAside)] == [
        Contest("c2", 1)
    ]
    assert sum(isinstance(item, CountedBlock) for item in events) == 4
    assert team.begun.count(Contest("c2", 1)) == MOST_ATTEMPTS


def test_a_judge_that_never_answers_stops_everything():
    """Else every run would be paid for nothing."""
    failure = Failure(FailureKind.MACHINE, "no network")
    runner, team, _ = contested(
        lambda cell: held(cell, failure=failure) if isinstance(cell, Contest) else held(cell)
    )
    with pytest.raises(RefusedError, match="verdicts of the judge counts: no network"):
        list(runner.events())
    assert team.closed


def test_a_judge_is_in_the_caps_too():
    runner, team, _ = contested(held, slots=1, caps=Caps(usd=0.0405))
    events = list(runner.events())
    assert isinstance(events[-1], ReachedCap)
    assert sum(isinstance(cell, Contest) for cell in team.begun) == 1
