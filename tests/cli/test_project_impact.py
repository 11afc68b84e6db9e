"""What promotions save: recorded when each is decided, and added up for the project."""

import json
from types import SimpleNamespace

import pytest
from tests.cli.conftest import COMMAND
from tests.cli.test_report import Reader
from tests.services.acting.test_holdout import DAY, serve, use

from meta_experiment.cli import open as opening

BEGIN = 1_800_000_000.0


class Calendar:
    """The clock of the command line."""

    def __init__(self):
        self.now = BEGIN

    def time(self):
        return self.now

    def wait(self, days):
        self.now += days * DAY


@pytest.fixture
def calendar(monkeypatch):
    made = Calendar()
    monkeypatch.setattr(opening, "time", SimpleNamespace(time=made.time))
    return made


def experiment(project, name, speed, pairs=30, *flags):
    source = project.path().read_bytes()
    (project.root / "v2.md").write_bytes(source + f"Also {name}.\n".encode())
    made = project.create("--name", name, "--claim", "better", "--max-sample", "500", *flags)
    serve(project, made, pairs, speed=speed)
    return made


def impact(project):
    return project("report", "--all", "--json").json["impact"]


def outcomes(project, made):
    (row,) = project("status", made, "--json").json["experiments"]
    return row["outcome"]


@pytest.fixture
def promoted(project, calendar):
    """Sixty uses in ten days, of which the treatment took 70 of about 100 seconds."""
    made = experiment(project, "shorter", 0.7)
    calendar.wait(10)
    project("promote", made, "--yes")
    return made


def test_a_promotion_records_what_a_use_saves_and_how_many_there_are(project, promoted):
    report = project("report", promoted, "--json").json["impact"]
    told = outcomes(project, promoted)["impact"]
    assert told["uses"] == pytest.approx(180)
    assert told["level"] == pytest.approx(0.9)
    (saving,) = told["per_use"].values()
    (item,) = report["items"]
    assert saving["saved"] * told["uses"] == pytest.approx(item["saved"])
    assert saving["low"] * told["uses"] == pytest.approx(item["low"])
    assert 0 < saving["low"] < saving["saved"] < saving["high"] < saving["before"]
    assert "Healthy" in project("verify").out


@pytest.mark.long
@pytest.mark.usefixtures("promoted")
def test_what_is_promoted_adds_up_and_what_was_taken_back_counts_until_then(project, calendar):
    first = impact(project)
    (one,) = first["items"]
    assert (first["promotions"], first["standing"], first["known"]) == (1, 1, 1)
    assert one["month"]["saved"] == pytest.approx(180 * 30, rel=0.05)
    assert one["so_far"]["saved"] == 0
    calendar.wait(20)
    second = experiment(project, "silent", 0.7)
    calendar.wait(10)
    project("promote", second, "--yes")
    both = impact(project)["items"][0]
    assert both["month"]["saved"] > 1.9 * one["month"]["saved"]
    spread = both["month"]["saved"] - both["month"]["low"]
    alone = one["month"]["saved"] - one["month"]["low"]
    assert alone < spread < 1.6 * alone
    assert both["so_far"]["saved"] == pytest.approx(one["month"]["saved"])
    calendar.wait(15)
    project("rollback", second, "--yes")
    calendar.wait(30)
    after = impact(project)
    assert (after["promotions"], after["standing"], after["known"]) == (2, 1, 2)
    (item,) = after["items"]
    assert item["month"]["saved"] == pytest.approx(one["month"]["saved"])
    months = 75 / 30 * one["month"]["saved"] + 15 / 30 * (
        both["month"]["saved"] - one["month"]["saved"]
    )
    assert item["so_far"]["saved"] == pytest.approx(months)
    project("archive", second)
    assert impact(project)["items"][0]["so_far"]["saved"] == pytest.approx(months)


def test_a_rollback_makes_the_rate_of_use_no_smaller(project, calendar, promoted):
    """The trials came until the promotion, however long the text stood after it."""
    before = project("report", promoted, "--json").json
    calendar.wait(20)
    project("rollback", promoted, "--yes")
    after = project("report", promoted, "--json").json
    assert after["impact"]["uses"] == before["impact"]["uses"] == pytest.approx(180)
    assert after["readiness"]["days_running"] == before["readiness"]["days_running"]


@pytest.mark.long
def test_figures_that_came_with_a_commit_are_told_apart(project, calendar, promoted):
    """Believable ones as well: anybody can commit any number; what was made here stays so."""
    assert impact(project)["elsewhere"] == []
    assert "not made here" not in project("report", "--all").out + project("status").out
    project("rollback", promoted, "--yes")
    assert impact(project)["elsewhere"] == []
    second = experiment(project, "silent", 0.7)
    calendar.wait(10)
    project("promote", second, "--yes")
    registry = project.root / ".claude/meta/experiments.json"
    document = json.loads(registry.read_text())
    (outcome,) = [
        it for one in document["experiments"] if one["id"] == second for it in one["outcomes"]
    ]
    outcome["impact"]["per_use"]["duration_seconds"]["saved"] *= 1.5
    registry.write_text(json.dumps(document))
    assert impact(project)["elsewhere"] == [second]
    told = " ".join(project("report", "--all").out.split())
    assert "1 of these was not made here" in told
    assert f"counted as the registry has it: {second}." in told
    said = " ".join(project("status").out.split())
    assert "estimated from 2 of 2 promotions (1 not made here); more:" in said


@pytest.mark.long
def test_a_holdout_that_came_to_its_end_gives_its_own_estimate(project, calendar, promoted):
    before = impact(project)
    name = project("holdout", promoted, "--yes", "--json").json["experiment_id"]
    use(project, name, 200, promoted=85, previous=100)
    calendar.wait(20)
    assert impact(project)["watched"] == 0
    project("auto", "--yes")
    assert outcomes(project, name)["reason_code"] == "still_better"
    told = impact(project)
    assert (told["promotions"], told["watched"], told["elsewhere"]) == (1, 1, [])
    assert told["items"][0]["month"]["saved"] == pytest.approx(300 * 15, rel=0.05)
    assert before["items"][0]["month"]["saved"] == pytest.approx(180 * 30, rel=0.05)
    (row,) = [
        it
        for it in project("report", "--all", "--json").json["experiments"]
        if it["experiment_id"] == promoted
    ]
    assert row["finding"] == "still_better"


@pytest.mark.long
def test_a_holdout_speaks_of_what_it_measured_alone(project, calendar):
    """It recorded no cost: that of the promotion stays, at the newer rate of use."""
    made = experiment(project, "shorter", 0.7, 30)
    paid = [
        {"experiment": made, "variant": arm, "metrics": {"cost_usd": cost + n / 1000}}
        for n in range(12)
        for arm, cost in (("control", 0.5), ("treatment", 0.3))
    ]
    project.stdin("record", "--stdin", lines=paid)
    calendar.wait(10)
    project("promote", made, "--yes")
    before = {it["metric"]: it for it in impact(project)["items"]}
    name = project("holdout", made, "--yes", "--json").json["experiment_id"]
    use(project, name, 200, promoted=85, previous=100)
    calendar.wait(20)
    project("auto", "--yes")
    after = {it["metric"]: it for it in impact(project)["items"]}
    assert list(after) == list(before) == ["duration_seconds", "cost_usd"]
    uses = (30 * 2 + 12 * 2) * 3
    assert before["cost_usd"]["month"]["saved"] == pytest.approx(uses * 0.2)
    assert after["cost_usd"]["month"]["saved"] == pytest.approx(300 * 0.2)
    assert after["duration_seconds"]["month"]["saved"] == pytest.approx(300 * 15, rel=0.05)
    project("rollback", made, "--yes")
    said = project("report", "--all").out
    assert "nothing, none of it stands now" in said
    assert "Nothing that was promoted stands any more" in said


@pytest.mark.long
def test_a_reversed_promotion_costs_until_it_is_taken_back(project, calendar, promoted):
    name = project("holdout", promoted, "--yes", "--no-auto", "--json").json["experiment_id"]
    use(project, name, 200, promoted=140, previous=100)
    calendar.wait(20)
    project("auto", "--yes")
    assert outcomes(project, name)["reason_code"] == "reversed"
    (item,) = impact(project)["items"]
    assert item["month"]["high"] < 0
    document = project("report", "--all", "--json").json["experiments"][0]
    assert (document["experiment_id"], document["urgency"]) == (promoted, "due")
    assert document["next_action"].endswith(f"meta-experiment rollback {promoted}")
    said = project("report", "--all").out
    assert "What was promoted costs about" in said
    project("rollback", promoted, "--yes")
    calendar.wait(30)
    (item,) = impact(project)["items"]
    assert item["month"]["saved"] == 0
    assert item["so_far"]["saved"] == pytest.approx(-300 * 40 * 20 / 30, rel=0.05)


def test_what_an_earlier_program_promoted_is_told_as_unknown(project, promoted):
    """Its outcomes say nothing of that; nothing is guessed, and nothing breaks."""
    registry = project.root / ".claude/meta/experiments.json"
    text = registry.read_text("utf-8")
    start = text.index(',\n          "impact": {')
    end = text.index("\n          }", start) + len("\n          }")
    registry.write_text(text[:start] + text[end:])
    told = impact(project)
    assert (told["promotions"], told["standing"], told["known"]) == (1, 1, 0)
    assert (told["items"], told["level"]) == ([], None)
    said = project("report", "--all").out
    assert "What the promotions save a month is not known" in said
    assert "high side" not in said
    project("rollback", promoted, "--yes")
    assert "impact" not in outcomes(project, promoted)


@pytest.mark.usefixtures("promoted")
def test_every_form_says_what_is_saved_and_that_it_is_an_estimate(project, tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    project("report", "--all", "--html", str(folder))
    page = "".join(Reader((folder / "index.html").read_text("utf-8")).texts)
    said = project("report", "--all").out
    for form in (page, said):
        flat = " ".join(form.split())
        assert "What was promoted saves about 1.5" in flat
        assert "Estimates, known of 1 of 1 promotion" in flat
        assert "lean to the high side" in flat
    assert COMMAND in page


def test_before_a_promotion_nothing_is_said_of_savings(project):
    project.create()
    assert impact(project) is None
    assert "promoted" not in project("report", "--all").out.replace("are promoted", "")


def test_the_index_tells_of_the_outcome_that_stands_in_the_registry_now(project, promoted):
    """A merge may bring another one of the same experiment, with the same plan and status."""
    assert impact(project)["items"][0]["month"]["saved"] > 0
    registry = project.root / ".claude/meta/experiments.json"
    document = json.loads(registry.read_text("utf-8"))
    document["experiments"][0]["outcomes"][0]["impact"]["uses"] = 1e308
    registry.write_text(json.dumps(document))
    told = impact(project)
    assert (told["promotions"], told["known"], told["items"]) == (1, 0, [])
    assert "is not known" in project("report", "--all").out
    assert outcomes(project, promoted)["impact"]["uses"] == 1e308
