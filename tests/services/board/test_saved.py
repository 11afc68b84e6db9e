"""The board says what promotions save a month, and opens the archive only where it moved."""

import json

import pytest
from tests.cli.conftest import project
from tests.cli.test_project_impact import calendar, impact, promoted

from meta_experiment.services.board import refreshing

__all__ = ["calendar", "project", "promoted"]


def saved(project):
    return project("status", "--json").json["summary"]["saved"]


def test_the_board_says_what_is_saved_a_month_as_the_index_does(project, promoted):
    (item,) = impact(project)["items"]
    told = saved(project)
    assert (told["promotions"], told["known"]) == (1, 1)
    assert told["items"] == [{"label": "duration", "unit": "s", **item["month"]}]
    line = " ".join(project("status").out.partition("Saved")[2].split())
    assert line.startswith("about 1.5 h a month, estimated from 1 of 1 promotion")
    project("archive", promoted)
    assert saved(project) == told
    json.dumps(told)


def test_what_was_taken_back_saves_nothing_any_more(project, promoted):
    project("rollback", promoted, "--yes")
    (item,) = saved(project)["items"]
    assert item["saved"] == 0
    assert "nothing that is settled" in project("status").out


@pytest.mark.usefixtures("promoted")
def test_of_what_was_promoted_without_figures_it_says_that_nothing_is_known_yet(project):
    """As of an earlier program, which recorded none."""
    registry = project.root / ".claude/meta/experiments.json"
    document = json.loads(registry.read_text())
    for outcome in document["experiments"][0]["outcomes"]:
        del outcome["impact"]
    registry.write_text(json.dumps(document))
    line = " ".join(project("status").out.partition("Saved")[2].split())
    assert line.startswith("not known yet of 1 promotion; more: meta-experiment report --all")


def test_new_trials_make_nobody_read_the_archive(project, promoted, monkeypatch):
    project("archive", promoted)
    (project.root / "v2.md").write_text("Review it otherwise.")
    made = project.create("--name", "next")
    told = saved(project)
    monkeypatch.setattr(refreshing, "archived_rows", lambda *_: pytest.fail("it was read"))
    project.observe(made, 3)
    assert saved(project) == told
    assert told["items"][0]["saved"] > 0


def test_without_a_promotion_the_board_says_nothing_of_it(project):
    project.create()
    assert saved(project) is None
    assert "Saved" not in project("status").out
