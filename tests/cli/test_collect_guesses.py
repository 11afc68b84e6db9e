"""`collect` with a mapping that nobody wrote: a draft of it, and one that is ready."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from tests.support.postgres import PASSWORD
from tests.support.warehouse_rows import made_up, write_csv

RECORDED = Path(__file__).parents[1] / "sources" / "warehouse" / "claude_code"
SERVED = "exp-2026-12-01-review-command"
_MONTH = 30 * 86_400 * 10**9


@pytest.fixture
def experiment(project):
    return project.create(
        "--primary-metric", "cost_usd", "--unit", "session", "--sample-size", "4"
    )


@pytest.mark.long
def test_the_files_of_a_folder_make_a_draft_that_can_be_collected_by(project):
    """Without a word from anybody; variants and metrics are those of the plan."""
    rows = made_up(60)
    named = {"A": "control", "B": "treatment"}
    rows.shown = [(unit, named[arm], at) for unit, arm, at in rows.shown]
    write_csv(rows, project.root)
    name = project.create("--primary-metric", "cost_usd", "--unit", "user")
    text = project("collect", name, "--draft").out
    found = yaml.safe_load(text)
    assert found["exposure"]["table"] == "shown"
    assert found["exposure"]["variants"] == {"control": "control", "treatment": "treatment"}
    assert found["metrics"]["cost_usd"]["value"] == "cost"
    (project.root / "mapping.yaml").write_text(text)
    done = project("collect", name, "--mapping", "mapping.yaml", "--json").json
    assert done["rows"] == len(rows.shown)
    assert project("collect", "--draft", "--json").json["tables"] == ["calls", "shown"]


@pytest.mark.long
def test_the_tables_of_a_server_make_a_draft_without_its_secret(project, postgres_server):
    name = postgres_server.database()
    postgres_server.run(
        'CREATE TABLE "Shown" ("userId" text, bucket text, shown_at timestamptz)',
        """INSERT INTO "Shown" VALUES ('u1', 'A', now()), ('u2', 'B', now())""",
        'CREATE TABLE calls ("userId" text, ts_ms bigint, cost numeric, failed boolean)',
        "INSERT INTO calls VALUES ('u1', 1764547200000, 1.5, true)",
        database=name,
    )
    said = project("collect", "--draft", "--engine", postgres_server.url(name))
    found = yaml.safe_load(said.out)
    assert found["exposure"]["table"] == "Shown"
    assert found["exposure"]["unit"] == "userId"
    assert found["metrics"]["cost"]["at"] == {"column": "ts_ms", "form": "milliseconds"}
    assert found["metrics"]["failed"]["aggregate"] == "any"
    assert PASSWORD not in said.out + said.err


def test_a_draft_of_nothing_says_what_to_name(project):
    said = project("collect", "--draft", "--json", code=1).error
    assert said["kind"] == "not_found"
    assert "--table" in said["hint"]


@pytest.mark.long
def test_the_clients_own_telemetry_is_collected_by_a_mapping_that_is_ready(project, experiment):
    for name in ("logs", "exposures"):
        told = (RECORDED / f"{name}.jsonl").read_text()
        told = re.sub(r"\b179\d{16}\b", lambda it: str(int(it[0]) - _MONTH), told)
        moved = told.replace('"timestamp":"2026-12-01T', '"timestamp":"2026-11-01T')
        (project.root / f"{name}.jsonl").write_text(moved)
    done = project(
        "collect", experiment, "--mapping", "claude-code", "--served-as", SERVED,
        "--table", "events=logs.jsonl", "--table", "exposures=exposures.jsonl", "--json",
    ).json  # fmt: skip
    assert sum(arm["units"] for arm in done["arms"].values()) == 10
    assert done["metrics"]["cost_usd"]["units"] == 9  # one was refused an answer
    assert done["through"] >= "2026-11-01"
    assert datetime.now(UTC).isoformat() > done["through"]


def test_what_is_told_wrongly_is_named(project, experiment):
    assert "claude-code" in project("collect", experiment, "--mapping", "none", code=1).err
    said = project(
        "collect", experiment, "--mapping", "claude-code", "--table", "event=x.jsonl", code=2
    ).err
    assert "exposures, events" in said
    assert "--mapping FILE" in project("collect", experiment, code=2).err
    both = project("collect", experiment, "--draft", "--mapping", "claude-code", code=2).err
    assert "--draft makes a mapping" in both
