"""A person's verdict completes a run, the first one stands, and no variant is shown."""

import json

import pytest

from meta_experiment.cli.main import main
from meta_experiment.errors import InvalidStateError, LockedError, NotFoundError, UsageError
from meta_experiment.files.lock import FileLock
from meta_experiment.services.acting.lifecycle import archive
from meta_experiment.services.acting.promotion import stop
from meta_experiment.services.running.run_rating import RunChoice, next_run, rate_run
from meta_experiment.types.cases import CriterionKind, CriterionResult
from meta_experiment.types.runs import RunCell

CONTROL = RunCell("a", 1, "control")


def manual(name="clear", passed=None):
    return CriterionResult(name, CriterionKind.MANUAL, 1.0, passed, "not judged yet")


def judge(passed, *answers):
    return CriterionResult("kind", CriterionKind.JUDGE, 3.0, passed, "", answers)


def rate(runs, passed, criterion="clear", cell=CONTROL):
    return rate_run(runs.space, runs.name, RunChoice(cell=cell), criterion, passed)


def test_a_verdict_completes_the_trial(made_up):
    runs = made_up(metrics={"primary": "success"})
    runs.end("a", 1, "control", True, manual())
    assert not {"success", "score"} & set(runs.trial("a", 1, "control").metrics)
    done = rate(runs, False)
    assert (done.passed, done.metrics) == (False, {"score": 0.5, "success": 0.0})
    assert runs.trial("a", 1, "control").metrics["success"] == 0.0
    outcome = runs.folder.outcome(CONTROL)
    assert [item.passed for item in outcome.criteria] == [True, False]
    assert outcome.report.metrics["score"] == 0.5


def test_the_first_verdict_stands(made_up):
    runs = made_up()
    runs.end("a", 1, "control", manual())
    assert rate(runs, True).conflicts == ()
    again = rate(runs, False)
    assert (again.passed, again.conflicts) == (True, ("clear: passed",))
    assert runs.trial("a", 1, "control").metrics["success"] == 1.0
    assert rate(runs, True).metrics == {}


def test_nothing_is_known_before_the_last_verdict(made_up):
    runs = made_up()
    runs.end("a", 1, "control", manual(), manual("short"))
    first = rate(runs, True)
    assert (first.metrics, first.open, first.waiting) == ({}, ("short",), 1)
    with pytest.raises(UsageError, match="no criterion that a person judges"):
        rate(runs, True, "check-0")
    assert rate(runs, True, None).criterion == "short"
    with pytest.raises(UsageError, match="waits for a verdict any more"):
        rate(runs, True, None)


def test_a_run_that_does_not_count_yet_takes_its_verdict_along(made_up):
    runs = made_up()
    runs.end("a", 1, "control", manual(), counts=False)
    assert rate(runs, True).metrics == {"score": 1.0, "success": 1.0}
    assert runs.trial("a", 1, "control") is None
    assert runs.folder.outcome(CONTROL).report.metrics["success"] == 1.0


def test_a_verdict_that_was_cut_off_before_its_trial_is_completed_by_the_next(made_up):
    runs = made_up()
    runs.end("a", 1, "control", manual())
    append = type(runs.space.store).append
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(runs.space.store), "append", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rate(runs, True)
    assert type(runs.space.store).append is append
    assert "success" not in runs.trial("a", 1, "control").metrics
    assert rate(runs, True).metrics == {"score": 1.0, "success": 1.0}
    assert runs.trial("a", 1, "control").metrics["success"] == 1.0


def test_beside_a_judge_a_verdict_counts_where_the_judge_has_none(made_up):
    runs = made_up()
    runs.end("a", 1, "control", judge(True, True, True))
    runs.end("b", 1, "control", judge(None, True, False))
    assert rate(runs, False, "kind").metrics == {}
    (result,) = runs.folder.outcome(CONTROL).criteria
    assert (result.passed, result.person) == (True, False)
    assert runs.trial("a", 1, "control").metrics["success"] == 1.0
    done = rate(runs, False, "kind", RunCell("b", 1, "control"))
    assert done.metrics == {"score": 0.0, "success": 0.0}


def test_a_person_judges_beside_a_judge_without_seeing_what_it_said(made_up):
    runs = made_up()
    runs.end("a", 1, "control", judge(True, True, True))
    runs.end("a", 1, "treatment", True, judge(False, False, False))
    assert next_run(runs.space, runs.name).waiting == 0
    for left in (2, 1):
        shown = next_run(runs.space, runs.name, beside=True)
        assert (shown.open, shown.waiting, shown.variant) == (("kind",), left, None)
        rate_run(runs.space, runs.name, RunChoice(key=shown.run), "kind", True)
    assert next_run(runs.space, runs.name, beside=True).run is None


@pytest.mark.long
def test_a_run_is_shown_without_its_variant(made_up, capsys, monkeypatch):
    runs = made_up()
    for number in range(6):
        for variant in ("control", "treatment"):
            runs.end(f"c{number}", 1, variant, manual(), output=f"answer {number}")
    monkeypatch.chdir(runs.space.root)
    seen = []
    while (shown := next_run(runs.space, runs.name)).run:
        assert (shown.variant, shown.open, shown.prompt) == (None, ("clear",), "Do it.")
        assert main(["runs", "rate", runs.name, "--next", "--json"]) == 0
        assert main(["runs", "rate", runs.name, "--next"]) == 0
        for more in ([], ["--json"]):
            words = ["--run", shown.run, "--criterion", "clear", "--pass", *more]
            assert main(["runs", "rate", runs.name, *words]) == 0
        said = capsys.readouterr().out
        assert f"answer {shown.case[1:]}" in said
        assert "control" not in said
        assert "treatment" not in said
        cells = [item.cell for item in map(runs.folder.outcome, every(runs)) if rated(item)]
        seen.append(next(cell for cell in cells if cell not in seen))
    assert len(seen) == 12
    arms = [cell.variant for cell in seen]
    assert arms != sorted(arms)
    assert arms != sorted(arms, reverse=True)
    assert json.loads(said_of(capsys, runs))["run"] is None


def said_of(capsys, runs):
    assert main(["runs", "rate", runs.name, "--next", "--json"]) == 0
    return capsys.readouterr().out


def every(runs):
    return [record.cell for record in runs.folder.records()]


def rated(outcome):
    return outcome.criteria[0].person is not None


def test_a_run_that_is_judged_already_is_told_so_without_naming_its_one_criterion(made_up):
    runs = made_up()
    runs.end("a", 1, "control", manual())
    cell = CONTROL
    rate(runs, True, None, cell)
    assert rate(runs, True, None, cell).conflicts == ()
    assert rate(runs, False, None, cell).conflicts == ("clear: passed",)


def test_what_cannot_be_rated_is_refused(made_up, monkeypatch):
    runs = made_up()
    runs.end("a", 1, "control", manual())
    monkeypatch.chdir(runs.space.root)
    for words in (["--pass"], ["--next", "--run"], ["--case", "a", "--pass"], ["--run", "x"]):
        assert main(["runs", "rate", runs.name, *words]) == 2
    with pytest.raises(NotFoundError, match="no ended run"):
        rate(runs, True, cell=RunCell("a", 2, "control"))
    with pytest.raises(NotFoundError, match="no run 'x'"):
        rate_run(runs.space, runs.name, RunChoice(key="x"), None, True)
    with FileLock(runs.folder.lock, verb="run"), pytest.raises(LockedError):
        rate(runs, True)
    stop(runs.space, runs.name, "enough", dry_run=False)
    archive(runs.space, runs.name)
    with pytest.raises(InvalidStateError, match="archived"):
        rate(runs, True)
