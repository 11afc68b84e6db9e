"""What runs came to is told with how sure it is, and what is unknown stays so."""

import math

import pytest

from meta_experiment.cli.main import main
from meta_experiment.errors import NotFoundError
from meta_experiment.render.run_list import run_list_page
from meta_experiment.render.run_summary import compact_page, run_summary_page
from meta_experiment.render.style import Style
from meta_experiment.render.writers import write
from meta_experiment.services.running.run_list import run_list
from meta_experiment.services.running.run_summary import summary
from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import CriterionKind, CriterionResult
from meta_experiment.types.results.run_summary import RunState
from meta_experiment.types.runs import (
    Contest,
    ContestOutcome,
    Failure,
    FailureKind,
    PreferenceResult,
    Spent,
)


def page(found, case=None):
    return write("text", run_summary_page(found, case), Style())


def filled(runs, cases=6):
    """Both variants on so many cases, twice; the control fails one repeat of every third."""
    for case in range(cases):
        for repeat in (1, 2):
            slow, passed = 10 + case + repeat / 4, case % 3 > 0 or repeat == 1
            quick = slow * (0.7 + case / 50)
            runs.end(f"c{case}", repeat, "control", passed, seconds=slow)
            runs.end(f"c{case}", repeat, "treatment", True, seconds=quick, usd=0.02)
    return runs


def test_repeats_are_folded_and_steadiness_is_told(made_up):
    runs = filled(made_up())
    found = summary(runs.space, runs.name)
    control, treatment = found.variants
    assert (control.runs, control.judged, control.successes) == (12, 12, 10)
    assert control.statuses == {"ok": 12}
    first = found.cases[0]
    assert (first.case, first.variant, first.runs, first.successes) == ("c0", "control", 2, 1)
    assert first.value == pytest.approx(10.375)
    assert first.value_sd == pytest.approx(0.25 / math.sqrt(2))
    steady = found.steadiness[0]
    assert (steady.tries, steady.flip_rate) == (2, pytest.approx(2 / 6))
    assert steady.pass_all == pytest.approx(4 / 6)
    assert steady.usd_per_success == pytest.approx(0.12 / 10)
    assert 0.01 < steady.noise_floor < 0.02  # of logarithms
    assert found.steadiness[1].flip_rate == 0.0
    assert "67% (k=2)" in page(found)
    assert treatment.usd == pytest.approx(0.02)


def test_the_ranking_stands_beside_its_uncertainty(made_up):
    runs = filled(made_up())
    found = summary(runs.space, runs.name)
    first, second = found.ranking
    assert (first.variant, first.standing, first.decided) == ("treatment", 1.0, False)
    assert first.interval.low < first.effect < first.interval.high
    assert (second.variant, second.verdict, second.effect) == ("control", "control", None)
    text = page(found)
    assert "nothing is decided: the places may be chance" in text
    assert "not decided: +2" in text
    (line, _) = write("text", compact_page(found), Style()).splitlines()
    assert line.startswith("1. treatment  12/12  $0.0200  10s  not decided: +2")


def test_before_the_minimum_no_effect_is_shown(made_up):
    runs = made_up()
    runs.end("a", 1, "control", True)
    runs.end("a", 1, "treatment", False)
    found = summary(runs.space, runs.name)
    assert found.shown_from == 5
    assert "an effect is shown from 5 cases on" in page(found)
    assert [item.variant for item in found.ranking] == ["control", "treatment"]


def test_what_counts_waits_and_is_set_aside_is_told_apart(made_up):
    runs = made_up()
    runs.end("a", 1, "control", True)
    runs.end("b", 1, "control", True, counts=False)
    runs.fail("c", 1, "control", "no network")
    runs.end("c", 1, "treatment", True, counts=False)
    runs.end("d", 1, "control", True, counts=False, received=False)
    runs.fail("e", 1, "control", "it was stopped", kind="ours")
    runs.begin(runs.end("a", 1, "treatment", True).cell)  # begun again, its outcome stands
    found = summary(runs.space, runs.name)
    states = {(item.case, item.variant): item.state for item in found.runs}
    assert states == {
        ("a", "control"): RunState.COUNTS,
        ("a", "treatment"): RunState.COUNTS,
        ("b", "control"): RunState.WAITS,
        ("c", "control"): RunState.SET_ASIDE,
        ("c", "treatment"): RunState.SET_ASIDE,
        ("d", "control"): RunState.SET_ASIDE,
        ("e", "control"): RunState.STOPPED,
    }
    aside = [(item.case, item.reason) for item in found.set_aside]
    assert aside == [
        ("c", "no network"),
        ("d", "the text of its variant did not reach the agent"),
    ]
    assert [item.runs for item in found.variants] == [1, 1]
    assert (
        "2 counted; 1 waiting for one before; 1 stopped, to be made again; 3 set aside"
        in page(found)
    )
    (entry,) = run_list(runs.space).experiments
    assert (entry.runs, entry.cases, entry.states["set_aside"]) == (7, 5, 3)


def test_an_arm_that_is_compared_alone_tells_the_noise_and_is_never_promoted(made_up):
    variants = ["control", "treatment", {"name": "aa", "comparator": "aa"}]
    runs = made_up(variants=variants)
    for case in range(6):
        for repeat in (1, 2):
            for arm, name in enumerate(("control", "treatment", "aa")):
                seconds = (10.0 + case) * (
                    1.0 + (case * case * 7 + repeat * 3 + arm * case * 5) % 11 / 20
                )
                if name == "treatment":
                    seconds /= 2
                passed = (case + repeat + arm) % 3 > 0
                runs.end(f"c{case}", repeat, name, passed, seconds=seconds)
    found = summary(runs.space, runs.name)
    noise = {item.name: item for item in found.noise}
    assert set(noise) == {"active_seconds", "success", "score", "check-0"}
    seconds, check = noise["active_seconds"], noise["check-0"]
    assert (seconds.relative, seconds.cases) == (True, 6)
    assert abs(seconds.aa) < seconds.aa_bound < 0.4
    assert 0 < seconds.repeats < seconds.run
    assert check.aa == noise["success"].aa
    ranked = {item.variant: item for item in found.ranking}
    assert ranked["aa"].verdict == "never promoted"
    assert not ranked["aa"].decided
    assert ranked["aa"].effect == pytest.approx(-seconds.aa, abs=0.02)  # less is better
    text = page(found)
    assert "of equal texts: a smaller difference is no news" in text
    assert "never promoted:" in text


def test_without_repeats_or_such_an_arm_no_noise_is_told(made_up):
    runs = made_up()
    runs.end("a", 1, "control", True)
    runs.end("a", 1, "treatment", True)
    assert summary(runs.space, runs.name).noise == ()
    assert "of equal texts" not in page(summary(runs.space, runs.name))


def test_a_list_tells_what_is_known_of_a_cost_as_its_least(made_up):
    runs = made_up()
    for name, usd in (("a", 0.02), ("b", 0.03), ("c", None)):
        runs.end(name, 1, "control", True, usd=usd)
    found = run_list(runs.space)
    assert (found.experiments[0].usd, found.experiments[0].usd_known) == (None, 0.05)
    assert " >$0.0500" in write("text", run_list_page(found), Style())


def test_a_cost_that_is_not_known_is_not_nothing(made_up):
    runs = made_up()
    runs.end("a", 1, "control", True, usd=None)
    runs.end("b", 1, "control", True)
    runs.end("a", 1, "treatment", True)
    found = summary(runs.space, runs.name)
    assert [item.usd for item in found.variants] == [None, pytest.approx(0.01)]
    assert found.steadiness[0].usd_per_success is None
    assert [item.variant for item in found.ranking] == ["treatment", "control"]
    assert run_list(runs.space).experiments[0].usd is None


def test_a_run_that_waits_for_a_verdict_says_nothing_yet(made_up):
    """Neither by what passed of its criteria so far nor by its price is its variant told."""
    runs = made_up()
    waits = CriterionResult("clear", CriterionKind.MANUAL, 1.0, None, "not judged yet")
    runs.end("a", 1, "control", False, waits)
    runs.end("b", 1, "control", True)
    runs.end("a", 1, "treatment", True, waits)
    found = summary(runs.space, runs.name)
    assert [item.score for item in found.runs] == [None, None, 1.0]
    assert [item.score for item in found.variants] == [1.0, None]
    assert {item.variant: item.standing for item in found.ranking} == {
        "control": 1.0,
        "treatment": None,
    }
    assert found.steadiness[0].usd_per_success == pytest.approx(0.01)


def test_tokens_that_nobody_told_are_a_dash(made_up):
    runs = made_up()
    runs.end("a", 1, "control", True, spent=Spent(0.5))
    listed = write("text", run_list_page(run_list(runs.space)), Style())
    assert listed.splitlines()[-1].split()[-2:] == ["$0.5000", "–"]


def test_a_run_that_failed_is_no_success_and_earns_nothing(made_up):
    runs = made_up()
    failed = {
        "status": TrialStatus.ERROR,
        "failure": Failure(FailureKind.AGENT, "it used up its turns"),
        "metrics": {
            "success": 0.0,
            "tool_calls": 5.0,
            "tool_errors": 2.0,
            "files_touched": 1.0,
        },
    }
    runs.end("a", 1, "control", **failed)
    runs.end("a", 1, "treatment")
    found = summary(runs.space, runs.name)
    assert [(item.variant, item.standing) for item in found.ranking] == [
        ("treatment", 1.0),
        ("control", None),
    ]
    run = found.runs[0]
    assert (run.success, run.error, run.status) == (False, "it used up its turns", "error")
    took = run.metrics
    assert (took.tool_calls, took.tool_successes, took.tool_failures) == (5.0, 3.0, 2.0)
    assert (took.duration_ms, took.total_cost, took.files_modified) == (10_000.0, 0.01, 1.0)
    assert (took.prompt_tokens, took.completion_tokens, took.lines_changed) == (
        None,
        None,
        None,
    )


def test_a_judge_is_told_with_its_doubts(made_up):
    def said(*answers, person=None):
        agreed = answers[0] if len(set(answers)) == 1 else None
        return CriterionResult("clear", CriterionKind.JUDGE, 1.0, agreed, "", answers, person)

    runs = made_up()
    runs.end("a", 1, "control", said(True, True, person=True), judging=Spent(0.002, 50.0))
    runs.end("a", 1, "treatment", said(True, False), judging=Spent(0.002, 50.0))
    runs.end("b", 1, "control", said(False, False, person=True))
    runs.end("b", 1, "treatment", said(None, True))
    found = summary(runs.space, runs.name)
    judge = found.judge
    assert (judge.asked, judge.disagreements, judge.unanswered) == (4, 1, 1)
    assert (judge.compared, judge.agreed) == (2, 1)
    assert judge.usd == pytest.approx(0.004)
    assert found.open_verdicts == 2
    text = page(found)
    assert "contradicted itself in 1 (25%), gave no answer in 1" in text
    assert "agrees with a person in 1 of 2 (50%)" in text
    assert "may be 1% to 99% (95%); beyond chance it shows nothing, as one of both" in text
    assert "took $0.0040, 100 tokens" in text
    assert "2 runs without a verdict" in text
    assert found.variants[0].usd == pytest.approx(0.01)  # the judge is no cost of a variant


def test_agreement_is_shown_beyond_chance(made_up):
    runs = made_up()
    for number in range(10):
        said = number % 2 == 0
        person = said if number else not said
        verdict = CriterionResult(
            "clear", CriterionKind.JUDGE, 1.0, said, "", (said, said), person
        )
        runs.end(f"c{number}", 1, "control", verdict)
    found = summary(runs.space, runs.name)
    told = found.judge.agreement
    assert (told.share, told.kappa) == pytest.approx((0.9, 0.8))
    assert (told.low, told.high) == pytest.approx((0.555, 0.9975), abs=1e-3)
    assert "may be 55% to 100%; beyond chance κ = 0.80 (0.11 to 0.99, 95%)" in page(found)


def test_preferences_are_shown_with_what_is_due_to_their_place(made_up):
    runs = made_up(metrics={"primary": "preference"})
    votes = {0: (1.0, 1.0), 1: (0.0, 0.0), 2: (0.0, 1.0), 3: (1.0, 0.0), 4: (), 5: (None,)}
    for number, answers in votes.items():
        share = None if None in answers else 0.5
        share = answers[0] if len(answers) == 2 and answers[0] == answers[1] else share
        result = PreferenceResult("nicer", "treatment", 1.0, share, "", answers)
        runs.folder.keep_contest(
            ContestOutcome(Contest(f"c{number}", 1), (result,), "judge", spent=Spent(0.001, 10))
        )
        for arm in ("control", "treatment"):
            runs.end(f"c{number}", 1, arm)
    found = summary(runs.space, runs.name)
    (told,) = found.preferences
    assert (told.pairs, told.won, told.lost, told.tied) == (6, 1, 1, 3)
    assert (told.unasked, told.unanswered, told.contradicted) == (1, 1, 2)
    assert (told.first_twice, told.second_twice, told.share) == (1, 1, 0.5)
    assert found.judge.judges == {"judge": 6}
    text = page(found)
    assert "2 of 5: the first twice 1, the second 1; no answer 1" in text
    assert "took $0.0060, 60 tokens" in text
    assert [item.value for item in found.variants] == [0.5, 0.5]


def test_one_case_shows_each_run_with_its_verdicts(made_up):
    runs = filled(made_up(), cases=2)
    found = summary(runs.space, runs.name, "c0")
    assert {item.case for item in (*found.runs, *found.cases)} == {"c0"}
    assert found.variants[0].runs == 4
    text = page(found, "c0")
    assert 'Repeat 2, control\n  failed  check-0\n  "Done, says control."' in text
    with pytest.raises(NotFoundError, match="'nowhere'"):
        summary(runs.space, runs.name, "nowhere")


def test_an_experiment_that_was_never_run_has_nothing_to_show(made_up):
    runs = made_up()
    assert run_list(runs.space).experiments == ()
    with pytest.raises(NotFoundError, match="never run on cases"):
        summary(runs.space, runs.name)


def test_every_form_is_asked_for_by_its_option(made_up, capsys, monkeypatch):
    runs = filled(made_up(), cases=1)
    monkeypatch.chdir(runs.space.root)
    assert main(["runs", "show", runs.name, "--markdown"]) == 0
    assert "| c0 | control | 2 |" in capsys.readouterr().out
    assert main(["runs", "show", runs.name, "--compact"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["runs", "list"]) == 0
    assert runs.name in capsys.readouterr().out
