"""`run` of a plan file: made once, gone on with, and nothing dear without a word."""

import json
from dataclasses import replace

import pytest
from tests.services.running.test_running import (
    cases,
    project,  # noqa: F401 - a fixture
)

from meta_experiment.cli.main import main
from meta_experiment.services.running import run_plan, running
from meta_experiment.types import Decision, Status
from meta_experiment.types.results.run import RunEnd


@pytest.fixture
def calls(project, monkeypatch):  # noqa: F811
    """Calls of a runner that makes the first block where it is a probe, else all."""
    (project / "new.md").write_text((project.parent / "new.md").read_text())
    plan = {"name": "quick", "files": {".claude/commands/review.md": "new.md"}}
    (project / "plan.json").write_text(json.dumps(plan))
    monkeypatch.chdir(project)
    seen = []

    def run(workspace, planned, request, _):
        seen.append(planned)
        ended = RunEnd.PROBED if planned.probing else RunEnd.DECIDED
        found = run_plan.preview(workspace, planned.experiment.experiment_id, request)
        return replace(found, ended=ended, decision=Decision.EXTEND, status=Status.RUNNING)

    monkeypatch.setattr(running, "run", run)
    return seen


def words(project, *more):  # noqa: F811
    return [
        "run", "--plan", "plan.json", "--cases", str(cases(project)), "--agent", "true", *more,
    ]  # fmt: skip


def test_a_plan_is_made_once_and_gone_on_with(project, calls, capsys):  # noqa: F811
    assert main(words(project, "--preview")) == 0
    assert "24 of 24 runs are left" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["experiments"] == []
    for told in ("is made of this plan", "was made of this plan, and goes on"):
        assert main(words(project, "--yes")) == 0
        assert told in capsys.readouterr().err
    assert len({item.experiment.experiment_id for item in calls}) == 1
    assert calls[0].blocks == calls[1].blocks
    assert calls[0].experiment.plan.unit.value == "case"


def test_nothing_is_made_of_a_plan_that_cannot_be_run(project, calls, capsys):  # noqa: F811
    (project.parent / "bad.jsonl").write_text("{}\n")
    line = words(project)
    for wrong in ("bad.jsonl", "none.jsonl"):
        line[4] = str(project.parent / wrong)
        assert main(line) == 2
    assert main(["run", "--cases", line[4]]) == 2
    assert main(["run", "quick", *line[1:]]) == 2
    capsys.readouterr()
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["experiments"] == []
    assert calls == []


@pytest.mark.parametrize(
    "bound", [["--yes"], ["--max-usd", "1"], ["--max-tokens", "9"], ["--max-minutes", "1"]]
)
def test_a_price_that_nobody_knows_is_asked_for_unless_it_is_bounded(
    project,  # noqa: F811
    calls,
    capsys,
    bound,
):
    assert main(words(project, *bound)) == 0
    assert [item.probing for item in calls] == [False]
    assert main(words(project)) == 0
    assert [item.probing for item in calls] == [False, True]
    assert "The same line once more goes on" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "probed"), [(True, [True, False]), (False, [True])])
def test_a_person_is_asked_behind_the_first_block(
    project,  # noqa: F811
    calls,
    monkeypatch,
    answer,
    probed,
):
    monkeypatch.setattr("meta_experiment.cli.frame._interactive", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: answer)
    assert main(words(project)) == 0
    assert [item.probing for item in calls] == probed
