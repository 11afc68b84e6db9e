"""`collect` from files: days are kept as they were decided on, and nothing else is believed."""

import json
import math
from datetime import timedelta

import pytest
from tests.cli.conftest import COMMAND
from tests.support.warehouse_rows import FIRST_DAY, made_up, mapping_document, write_csv

COST = {"cost_usd": {"table": "calls", "at": "at", "value": "cost", "aggregate": "sum"}}


@pytest.fixture
def gathered(project):
    """A started experiment, its rows and its mapping, all of which a test may change."""
    name = project(
        "create", "--file", f"{COMMAND}=v2.md", "--primary-metric", "cost_usd",
        "--unit", "user", "--start", "--manual", "--seed", "1", "--json",
    ).json["experiment_id"]  # fmt: skip
    return name, made_up(120, days=6, twice=0)


def collect(project, gathered, *flags, days=4, code=0, **changes):
    name, rows = gathered
    document = mapping_document(write_csv(rows, project.root), **{"metrics": COST, **changes})
    document["as_of"] = (FIRST_DAY + timedelta(days=days)).isoformat()
    (project.root / "mapping.json").write_text(json.dumps(document))
    mapping = str(project.root / "mapping.json")
    return project("collect", name, "--mapping", mapping, *flags, "--json", code=code).json


@pytest.mark.long
def test_a_later_collection_adds_days_and_leaves_those_that_were_decided_on(project, gathered):
    name, rows = gathered
    first = collect(project, gathered)
    assert (first["days"], first["added"], first["late"]) == (3, 3, [])
    before = project("analyze", name, "--json").json["primary"]["variants"]
    late = rows.shown[0][0], FIRST_DAY + timedelta(hours=30), 500.0, 1.0, 1
    rows.shown.append(("new", "A", FIRST_DAY + timedelta(hours=1)))
    rows.calls.append((rows.shown[0][0], rows.shown[0][2], *late[2:]))
    again = collect(project, gathered)
    assert again["added"] == 0
    assert sum(item["units"] for item in again["late"]) == 1
    assert project("analyze", name, "--json").json["primary"]["variants"] == before
    later = collect(project, gathered, days=9)
    assert (later["days"], later["added"]) == (6, 3)
    assert later["arms"]["control"]["units"] + later["arms"]["treatment"]["units"] == 120


@pytest.mark.long
def test_the_board_tells_what_was_collected_since(project, gathered):
    name, _ = gathered
    for days in (2, 4):
        collect(project, gathered, days=days)
        project("auto", "--dry-run")
        (row,) = project("status", "--json").json["experiments"]
        analysis = project("analyze", name, "--json").json
        assert (row["id"], row["reason"]) == (name, analysis["reason"])


@pytest.mark.long
def test_a_report_tells_the_days_and_what_was_known_then(project, gathered):
    name, _ = gathered
    collect(project, gathered)
    then = project("analyze", name, "--json").json
    collect(project, gathered, days=9)
    now, report = (
        project("analyze", name, "--json").json,
        project("report", name, "--json").json,
    )
    assert "sums of 120 units on 6 days until 2026-11-06" in now["notes"][-1]
    (series,) = report["series"]
    units = [point["control_units"] for point in series["points"]]
    assert len(units) == 6
    assert units[-1] == now["primary"]["variants"]["control"]["n"]
    assert units[2] == then["primary"]["variants"]["control"]["n"]
    sequential = now["primary"]["comparisons"][0]["sequential"]
    assert math.exp(series["points"][-1]["log_better"]) == pytest.approx(
        sequential["e_promote"]
    )
    assert [sum(item) for item in report["arrivals"]["units"].values()] == [
        arm["exposed"] for arm in now["samples"].values()
    ]
    before = project("report", name, "--as-of", then["as_of"], "--json").json
    assert before["verdict"]["reason"] == then["reason"]
    assert before["provenance"]["data_sha256"] != report["provenance"]["data_sha256"]


def forgetting(rows, day):
    """Give units a second exposure days later, and forget every one before a day."""
    again = [(unit, arm, at + timedelta(days=3)) for unit, arm, at in rows.shown[::4]]
    edge = FIRST_DAY + timedelta(days=day)
    rows.shown[:] = [row for row in rows.shown + again if row[2] >= edge]


@pytest.mark.long
@pytest.mark.parametrize(
    "change",
    [
        lambda rows: forgetting(rows, 2),
        lambda rows: rows.shown.__delitem__(slice(0, None, 2)),
        lambda rows: rows.shown.__delitem__(slice(0, 60)),
    ],
    ids=["retention", "an answer of half", "truncated"],
)
def test_no_unit_counts_twice_when_the_days_before_are_gone(project, gathered, change):
    name, rows = gathered
    collect(project, gathered)
    before = project("analyze", name, "--json").json["primary"]["variants"]
    change(rows)
    assert collect(project, gathered)["late"]  # without a new day it is only told
    refused = collect(project, gathered, days=9, code=1)["error"]
    assert refused["kind"] == "refused"
    assert refused["message"].startswith("exposures_are_gone: ")
    assert project("analyze", name, "--json").json["primary"]["variants"] == before
    begun = collect(project, gathered, "--start-over", "the table forgets", days=9)
    units = {row[0] for row in rows.shown}
    assert sum(arm["units"] for arm in begun["arms"].values()) == len(units)


@pytest.mark.long
def test_a_column_whose_values_became_others_adds_no_day(project, gathered):
    _, rows = gathered
    collect(project, gathered)
    rows.calls[:] = [(unit, at, cost * 1000, *rest) for unit, at, cost, *rest in rows.calls]
    refused = collect(project, gathered, days=9, code=1)["error"]
    assert refused["message"].startswith("values_changed: cost_usd ")


@pytest.mark.long
def test_another_mapping_is_refused_unless_all_begins_again_on_record(project, gathered):
    name, _ = gathered
    collect(project, gathered)
    refused = collect(project, gathered, window={"hours": 2}, code=1)
    assert "--start-over" in refused["error"]["hint"]
    done = collect(
        project, gathered, "--start-over", "the window was wrong", window={"hours": 2}
    )
    assert "the window was wrong" in " ".join(done["notes"])
    history = project.root / ".claude" / "meta" / "history" / f"{name}.jsonl"
    assert "the window was wrong" in history.read_text()


@pytest.mark.long
def test_sums_that_somebody_else_wrote_decide_nothing(project, gathered):
    name, _ = gathered
    collect(project, gathered)
    path = project.root / ".claude" / "meta" / "local" / "collected" / f"{name}.json"
    path.write_bytes(path.read_bytes().replace(b'"units":', b'"units": '))
    assert project("analyze", name, "--json", code=1).json["error"]["kind"] == "corrupt_store"


@pytest.mark.long
def test_without_a_time_there_is_one_look(project, gathered):
    exposure = {"table": "shown", "unit": "unit", "variant": "arm",
                "variants": {"A": "control", "B": "treatment"}}  # fmt: skip
    timeless = {"exposure": exposure, "metrics": {"cost_usd": {**COST["cost_usd"]}}}
    del timeless["metrics"]["cost_usd"]["at"]
    done = collect(project, gathered, **timeless)
    assert done["through"] is None
    refused = collect(project, gathered, **timeless, code=1)
    assert "one look" in refused["error"]["message"]


@pytest.mark.long
def test_sums_are_weighed_without_what_only_serving_tells(project):
    """A plan made for serving here has covariates by itself that no warehouse knows."""
    name = project(
        "create", "--file", f"{COMMAND}=v2.md", "--primary-metric", "cost_usd",
        "--unit", "user", "--json",
    ).json["experiment_id"]  # fmt: skip
    project("start", name, "--manual")
    done = collect(project, (name, made_up(120, days=6, twice=0)))
    assert "argument_length and previous" in " ".join(done["notes"])
    assert done["days"] == 3


def test_trials_are_refused_once_sums_were_collected(project, gathered):
    name, _ = gathered
    collect(project, gathered)
    record = ("record", name, "--variant", "control", "--metric", "cost_usd=1")
    refused = project(*record, "--json", code=1).json["error"]
    assert refused["kind"] == "refused"
    assert "meta-experiment collect" in refused["hint"]
    rows = project.root / "rows.csv"
    rows.write_text("variant,cost_usd\ncontrol,1\ntreatment,2\n")
    assert (
        project("import", str(rows), "--into", name, "--json", code=1).json["error"] == refused
    )
    assert collect(project, gathered, days=9)["added"] == 3


@pytest.mark.long
def test_sums_of_a_checkout_that_did_not_start_it_are_a_look(project, gathered):
    name, _ = gathered
    for mark in (project.root / ".claude" / "meta" / "local" / "started").iterdir():
        mark.unlink()
    assert "a look" in collect(project, gathered, days=9)["notes"][-1]
    project("start", name, "--manual")
    assert "a look" not in " ".join(collect(project, gathered, days=9)["notes"])


def test_trials_and_sums_do_not_mix(project, gathered):
    name, _ = gathered
    project("record", name, "--variant", "control", "--metric", "cost_usd=1")
    assert "count twice" in collect(project, gathered, code=1)["error"]["message"]


def test_no_secret_is_shown(project, gathered):
    url = "postgresql://reader:geheim123@127.0.0.1:1/db"
    said = collect(project, gathered, "--engine", url, code=1)["error"]
    assert said["kind"] == "network"
    assert "geheim123" not in json.dumps(said)
