"""The board and the index say how many promotions chance may have made."""

import pytest
from tests.cli.conftest import project
from tests.cli.test_project_impact import calendar, promoted

__all__ = ["calendar", "project", "promoted"]


def chance(project):
    return project("status", "--json").json["summary"]["false_discoveries"]


def on_the_board(project):
    return " ".join(project("status").out.partition("Chance")[2].split())


def another(project, *flags, at="other", start=True):
    """Make an experiment on a command of its own."""
    path = project.path(f".claude/commands/{at}.md")
    path.write_text(f"Do what is {at}.")
    flags = ("--file", f".claude/commands/{at}.md=v3.md", "--max-sample", "500", *flags)
    (project.root / "v3.md").write_text(f"Do what is {at} well.")
    given = ("--primary-metric", "duration_seconds", "--unit", "invocation", "--json")
    starting = ("--start", "--manual") if start else ()
    return project("create", *flags, *given, *starting).json["experiment_id"]


@pytest.mark.usefixtures("calendar")
def test_without_a_promotion_nothing_is_said(project):
    project.create()
    assert chance(project) is None
    assert "Chance" not in project("status").out


def test_one_experiment_alone_is_told_by_its_own_error_rate(project, promoted):
    found = chance(project)
    assert (found["tried"], found["promotions"], found["standing"]) == (1, 1, [promoted])
    assert "Chance" not in project("status").out


@pytest.mark.long
def test_of_several_the_board_the_list_and_the_page_tell_the_same(project, promoted):
    made = another(project)
    found = chance(project)
    assert (found["tried"], found["expected"]) == (2, pytest.approx(0.1))
    assert found["standing"] == [promoted]
    said = on_the_board(project)
    assert said.startswith(
        "Of 1 promotion at most about 0.1 are expected to be of no use, as 2 were tried. 1 of "
        f"them stands at a false-discovery rate of 5%: {promoted}."
    )
    assert project("report", "--all", "--json").json["false_discoveries"] == found
    project("report", "--all", "--html", project.root / "pages")
    page = (project.root / "pages" / "index.html").read_text()
    listed = " ".join(project("report", "--all").out.split())
    for text in (page, listed):
        assert "Of 1 promotion at most about 0.1 are expected to be of no use" in text
        assert "1 of them stands at a false-discovery rate of 5%" in text
    project("archive", promoted)
    assert chance(project) == found
    project("stop", made, "--yes")
    assert chance(project) == found


def test_what_was_taken_back_was_promoted_all_the_same(project, promoted):
    another(project)
    before = chance(project)
    project("rollback", promoted, "--yes")
    assert chance(project) == before


@pytest.mark.long
def test_a_draft_and_a_holdout_are_not_tried(project, promoted):
    another(project, start=False)
    project("holdout", promoted, "--auto", "--yes")
    assert chance(project)["tried"] == 1


def test_promotions_against_the_evidence_are_told(project, promoted):
    made = another(project)
    project("promote", made, "--override", "we like it", "--yes")
    found = chance(project)
    assert (found["promotions"], found["overridden"]) == (2, 1)
    assert found["standing"] == [promoted]
    assert "More: meta-experiment report --all" in on_the_board(project)
    assert "On top comes 1 against the evidence." in project("report", "--all").out


def test_a_plan_of_one_look_has_an_e_value_for_the_best_of_several(project):
    """The least mean over all sets that hold it: with a treatment of no use beside it, half."""
    (project.root / "v4.md").write_text("Do it otherwise.")
    flags = ("--stopping", "fixed", "--sample-size", "30", "--claim", "better")
    made = another(project, "--file", "second:.claude/commands/other.md=v4.md", *flags)
    values = [100 + (number * 7) % 11 for number in range(30)]
    project.stdin(
        "record",
        "--stdin",
        lines=[
            {
                "experiment": made,
                "variant": arm,
                "metrics": {"duration_seconds": factor * value},
            }
            for value in values
            for arm, factor in (("control", 1), ("treatment", 1), ("second", 0.97))
        ],
    )
    analysis = project("analyze", made, "--json").json
    useless, own = (it["sequential"]["e_promote"] for it in analysis["primary"]["comparisons"])
    project("promote", made, "--variant", "second", "--override", "it is faster", "--yes")
    (row,) = project("status", made, "--json").json["experiments"]
    assert 1 < row["promoted_e_value"] < own
    assert row["promoted_e_value"] == pytest.approx((own + useless) / 2)
