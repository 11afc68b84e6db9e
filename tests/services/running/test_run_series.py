"""A series of runs ends only where nothing more can come, verdicts of people included."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.runs.outcomes import outcome_of

from meta_experiment.render.run import spent
from meta_experiment.render.run_summary import run_summary_page
from meta_experiment.render.style import Style
from meta_experiment.render.writers import write
from meta_experiment.runs.budget import Budget, Caps
from meta_experiment.runs.runner import CountedBlock
from meta_experiment.runs.schedule import schedule
from meta_experiment.services.acting import analysing
from meta_experiment.services.acting.promotion import end, stop
from meta_experiment.services.board.board import board
from meta_experiment.services.running.run_outlook import first_seen, outlook
from meta_experiment.services.running.run_plan import RunPlan, needs_probe
from meta_experiment.services.running.run_records import records_of
from meta_experiment.services.running.run_series import Series
from meta_experiment.services.running.run_summary import summary
from meta_experiment.services.running.run_trials import PlaceInTime
from meta_experiment.types import Action, Decision, ReasonCode, Status
from meta_experiment.types.cases import Case, CriterionKind, CriterionResult
from meta_experiment.types.results.run import RunEnd, RunsSpent
from meta_experiment.types.runs import RunCell

ARMS = ("control", "treatment")


class Ended:
    """A runner that has these blocks to tell, and nothing more."""

    waiting = 0

    def __init__(self, blocks):
        self.blocks = blocks

    def events(self):
        for block in self.blocks:
            yield CountedBlock(tuple(map(outcome_of, block.cells)))


def waiting():
    return CriterionResult("clear", CriterionKind.MANUAL, 1.0, None, "not judged yet")


def series(made_up, *, cases, left=0, metric="success", of_a_person=True):
    """Return runs of both arms that pass by turns, and what goes on with those that are left.

    The last that is recorded waits for a person, if wanted.
    """
    runs = made_up(metrics={"primary": metric})
    made = {f"c{n}": Case(f"c{n}", "Do it.", "0" * 64) for n in range(cases)}
    blocks = schedule(1, list(made), ARMS, 1)
    done = blocks[: cases - left]
    for number, block in enumerate(done):
        for arm, cell in enumerate(block.cells):
            passed = (number // 2 + arm * number) % 2 == 0
            waits = of_a_person and block is done[-1]
            seconds = 3.0 ** ((number * 7 + arm * 3) % 5)
            verdict = waiting() if waits else passed
            runs.end(cell.case_id, 1, cell.variant, verdict, seconds=seconds)
    experiment = runs.space.store.experiment(runs.name)
    trials = tuple(runs.space.store.trials(experiment).trials)
    plan = RunPlan(experiment, made, blocks, blocks[cases - left :], trials, (), ())
    open_trials = records_of(runs.space, experiment).open_trials
    assert open_trials == (2 if of_a_person else 0)
    found = Series(runs.space, plan, Budget(Caps()), open_verdicts=open_trials)
    return runs, found, plan


@pytest.mark.parametrize("of_a_person", [True, False])
def test_runs_that_wait_for_a_verdict_end_nothing(made_up, of_a_person):
    runs, found, _ = series(made_up, cases=8, of_a_person=of_a_person)
    done = found.run(Ended(()), lambda *_: None)
    assert done.ended is RunEnd.EXHAUSTED
    status = runs.space.store.experiment(runs.name).status
    if of_a_person:
        assert status is Status.RUNNING
        assert "2 of them wait for your verdict" in done.reason
        assert any("runs rate" in note for note in done.notes)
    else:
        assert (status, done.reason_code) == (Status.EXPIRED, ReasonCode.HORIZON_REACHED)


@pytest.mark.parametrize(("cases", "more"), [(3, "More cases go"), (8, "more --repeats go")])
def test_repeats_are_advised_only_where_they_can_bring_a_decision(made_up, cases, more):
    _, found, _ = series(made_up, cases=cases, of_a_person=False)
    assert more in found.run(Ended(()), lambda *_: None).notes[-1]


def test_the_minimum_is_to_be_lowered_only_while_that_is_allowed(made_up):
    _, _, plan = series(made_up, cases=8, of_a_person=False)
    whole = replace(plan.experiment, plan=replace(plan.experiment.plan, sample_size=20))
    assert "lowers the minimum" in next(outlook(whole, (), 8))
    assert next(outlook(whole, plan.trials, 8)).endswith("Add cases.")


@pytest.mark.parametrize(
    ("metric", "of_a_person", "ends"),
    [("success", True, False), ("success", False, True), ("active_seconds", True, True)],
)
def test_a_series_is_not_hopeless_while_a_person_may_say_more(
    made_up, metric, of_a_person, ends
):
    _, found, plan = series(made_up, cases=40, left=2, metric=metric, of_a_person=of_a_person)
    done = found.run(Ended(plan.left[:1]), lambda *_: None)
    assert (done.ended is RunEnd.FUTILE) is ends
    assert (done.status is Status.EXPIRED) is ends


def test_a_probe_ends_behind_the_first_block_and_ends_nothing(made_up):
    runs, _, plan = series(made_up, cases=6, left=6, of_a_person=False)
    plan = replace(plan, probing=True)
    assert plan.to_make == plan.blocks[:1]
    assert needs_probe(runs.space, plan)
    done = Series(runs.space, plan, Budget(Caps())).run(Ended(plan.to_make), lambda *_: None)
    assert (done.ended, done.counted, done.status) == (RunEnd.PROBED, 2, Status.RUNNING)
    assert done.reason == "The first 2 runs are made, and count."
    trials = tuple(runs.space.store.trials(plan.experiment).trials)
    assert not needs_probe(runs.space, replace(plan, trials=trials))


def test_nothing_is_no_sum_of_prices_of_which_none_is_known():
    assert spent(RunsSpent(0.0, 0.0, 1)) == "the price of 1 run is not known"
    assert (
        spent(RunsSpent(0.5, 9.0, 2)) == "$0.5000, 9 tokens; the price of 2 runs is not known"
    )
    assert spent(RunsSpent(0.0, 0.0, 0)) == "$0.0000"
    judged = RunsSpent(0.5, 9.0, 0, 3)
    assert spent(judged) == "$0.5000, 9 tokens and an unknown price of the judge"


def test_what_ended_or_goes_on_needs_no_probe_and_what_failed_tells_nothing(made_up):
    runs, _, plan = series(made_up, cases=6, left=6, of_a_person=False)
    runs.fail("c0", 1, "control", "no network")
    assert needs_probe(runs.space, plan)
    runs.begin(plan.blocks[0].cells[0])
    assert not needs_probe(runs.space, plan)


def test_the_first_block_tells_what_the_rest_takes_and_whether_anything_works():
    cells = [RunCell("c0", 1, arm) for arm in ARMS]
    good, bad = (
        list(first_seen([outcome_of(cell, failure=failure) for cell in cells], 10, 2))
        for failure in (None, "agent")
    )
    (told,) = good
    assert told.startswith("At most 10 runs, 2 at a time, about $0.10 ($0.01 each so far)")
    assert bad[0].startswith("None of the first 2 runs ended well: scripted.")
    mixed = [outcome_of(cells[0]), outcome_of(cells[1], failure="agent")]
    assert len(list(first_seen(mixed, 10, 2))) == 1


def test_what_was_decided_then_is_what_is_shown_later(made_up):
    runs, found, plan = series(made_up, cases=40, left=2, of_a_person=False)
    done = found.run(Ended(plan.left[:1]), lambda *_: None)
    shown = summary(runs.space, runs.name)
    assert (shown.decision, shown.reason_code, shown.reason) == (
        done.decision,
        ReasonCode.FUTILE,
        done.reason,
    )
    assert "INCONCLUSIVE" in write("text", run_summary_page(shown, None), Style())


def test_what_somebody_ended_for_a_reason_of_their_own_shows_what_the_runs_say(made_up):
    runs, _, _ = series(made_up, cases=8, of_a_person=False)
    stop(runs.space, runs.name, "no more time", dry_run=False)
    shown = summary(runs.space, runs.name)
    assert "no more time" not in shown.reason
    assert shown.decision is Decision.EXTEND


def test_analyze_says_of_a_series_without_an_answer_what_all_others_say(made_up):
    runs = made_up()
    for number in range(6):
        for arm, seconds in (("control", 10.0 + number), ("treatment", 12.0 + 5 * number % 7)):
            runs.end(f"c{number}", 1, arm, seconds=seconds)
    experiment = runs.space.store.experiment(runs.name)
    assert analysing.analyze(runs.space, runs.name).analysis.decision is Decision.EXTEND
    seen = analysing.examine(runs.space, experiment, exhausted="after all runs").analysis
    end(runs.space, experiment, Action.EXPIRE, seen.reason, dry_run=False, analysis=seen)
    now = analysing.analyze(runs.space, runs.name).analysis
    shown = summary(runs.space, runs.name)
    space = runs.space
    view = board(space.layout, space.clock, lambda: space, runs.name, archived=False)
    (row,) = view["experiments"]
    explained = analysing.explain(runs.space, runs.name)
    for said in (now, shown, explained):
        assert (said.decision, said.reason_code) == (seen.decision, seen.reason_code)
    assert (row["decision"], row["reason_code"]) == ("INCONCLUSIVE", "horizon_reached")
    assert now.reason == shown.reason == row["reason"] == seen.reason


def test_blocks_are_assigned_in_the_order_of_the_schedule_whenever_they_ran():
    def block(*times):
        return [SimpleNamespace(started=at) for at in times]

    place = PlaceInTime([SimpleNamespace(assigned_at=at) for at in (3.0, None, 5.0)])
    moments = [
        place.of_block(block(9.0, 9.5), 20.0),
        place.of_block(block(7.0, 9.7), 20.0),  # by another machine, before
        place.of_block(block(1e9, 1e9), 20.0),  # whose clock is ahead
        place.of_block(block(12.0, 11.0), 20.0),
    ]
    firsts = [min(one) for one in moments]
    assert moments[0] == (9.0, 9.5)
    assert moments[1][1] == 9.7
    assert firsts == sorted(set(firsts))
    assert max(firsts) < 20.1
    assert min(PlaceInTime([]).of_block(block(2.0), 20.0)) == 2.0
    behind = PlaceInTime([SimpleNamespace(assigned_at=3.0)]).of_block(block(1.0), 9.0)
    assert min(behind) > 3.0
