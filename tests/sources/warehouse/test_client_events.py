"""What the real client told of itself is one table of events, however it is stored."""

import json
from pathlib import Path

import ibis
import pytest
from tests.support.warehouse_rows import plan_of

from meta_experiment.errors import UsageError
from meta_experiment.model.mapping_document import mapping_from_document
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.ready_mappings import ready_document
from meta_experiment.sources.warehouse.sought import sought
from meta_experiment.types.mapping import EventTable, TableForm

RECORDED = Path(__file__).parent / "claude_code"
FORM = TableForm.CLAUDE_CODE
TOLD = [json.loads(it) for it in (RECORDED / "exposures.jsonl").read_text().splitlines()]
SERVED = TOLD[0]["experiment"]
LATER = Period(1796169600.0 + 30 * 86400.0)  # a month after the recording
COUNTED = ("cost_usd", "output_tokens", "total_tokens", "turns", "tool_calls", "tool_errors")


@pytest.fixture
def engine():
    with opened(None) as embedded:
        yield embedded


def clickhouse(engine, folder):
    """Store the events with a map of attributes, as ClickHouse's exporter does."""
    from meta_experiment.sources.warehouse.client_events import otlp_lines

    stored = otlp_lines(engine.backend, str(RECORDED / "logs.jsonl"))
    stored.mutate(TraceId=ibis.literal("")).to_parquet(folder / "otel_logs.parquet")
    return folder / "otel_logs.parquet"


def columns(engine, folder):
    """Store the events with a column for each attribute, numbers as numbers."""
    from meta_experiment.sources.warehouse.client_events import otlp_lines

    stored = otlp_lines(engine.backend, str(RECORDED / "logs.jsonl"))
    texts = ("event.name", "session.id", "prompt.id", "model", "tool_name", "decision")
    numbers = (
        "cost_usd", "input_tokens", "output_tokens", "cache_read_tokens",
        "cache_creation_tokens", "duration_ms", "event.sequence",
    )  # fmt: skip
    held = stored.LogAttributes
    stored.select(
        time=stored.Timestamp,
        success=held.get("success").cast("boolean"),
        **{name: held.get(name) for name in texts},
        **{name: held.get(name).cast("float64") for name in numbers},
    ).to_parquet(folder / "wide.parquet")
    return folder / "wide.parquet"


def protobuf(engine, folder):  # noqa: ARG001
    """Store the documents as Go's collector does, which writes 64-bit numbers as text."""
    from google.protobuf.json_format import MessageToDict, ParseDict
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    lines = (RECORDED / "logs.jsonl").read_text().splitlines()
    told = [
        MessageToDict(ParseDict(json.loads(line), ExportLogsServiceRequest())) for line in lines
    ]
    path = folder / "told.jsonl"
    path.write_text("".join(f"{json.dumps(document)}\n" for document in told))
    return path


def twice(engine, folder):  # noqa: ARG001
    """Store everything twice, as happens when an answer got lost on its way back."""
    path = folder / "twice.jsonl"
    path.write_text((RECORDED / "logs.jsonl").read_text() * 2)
    return path


@pytest.mark.long
@pytest.mark.parametrize("stored", [clickhouse, columns, protobuf, twice])
def test_every_way_of_storing_comes_to_the_same_events(engine, tmp_path, stored):
    plain = engine.table(EventTable(path=str(RECORDED / "logs.jsonl"), form=FORM), "events", "")
    other = engine.table(EventTable(path=str(stored(engine, tmp_path)), form=FORM), "e", "")

    def rows(table):
        wanted = (
            "time", "event", "session_id", "prompt_id", "model", "cost_usd", "total_tokens",
            "duration_seconds", "requests", "tool_calls", "tool_errors",
        )  # fmt: skip
        return sorted(map(repr, table.select(*wanted).to_pyarrow().to_pylist()))

    assert rows(other) == rows(plain)
    assert len(rows(plain)) == 54


def mapped(plan, **tables):
    document = ready_document("claude-code", plan, SERVED)
    for name, path in {
        "exposures": "exposures.jsonl",
        "events": "logs.jsonl",
        **tables,
    }.items():
        document["tables"][name]["path"] = path
    return mapping_from_document(document, str(RECORDED))


@pytest.mark.long
@pytest.mark.parametrize("unit", ["session"])
def test_sums_by_the_ready_mapping_are_those_that_the_trials_have(engine, unit):
    """The trials of the same sessions were measured from their transcripts."""
    plan = plan_of("cost_usd", COUNTED[1:], unit=unit)
    mapping = mapped(plan)
    arms = ["control", "treatment"]
    sums, count = collect(engine, mapping, arms, sought(plan, mapping), LATER)
    assert count.units == 10
    trials = [it for it in TOLD if it["event"] == "experiment.trial"]
    for arm in arms:
        for name in COUNTED:
            by_session = {}
            for it in trials:
                if it["variant"] == arm and name in it["metrics"]:
                    held = by_session.setdefault(it["session_id"], 0.0)
                    by_session[it["session_id"]] = held + it["metrics"][name]
            found = next(day for day in sums.days if day.variant == arm).metrics[name].joint
            expected = sum(by_session.values()) / len(by_session)
            assert found.centres[0] == pytest.approx(expected, rel=1e-9), name
            assert found.n == len(by_session)


def test_a_unit_of_which_nothing_was_told_has_no_value(engine, tmp_path):
    kept = [it for it in TOLD if it["event"] == "experiment.exposed"]
    silent = {**kept[0], "session_id": "00000000-0000-4000-8000-000000000000"}
    lines = [json.dumps(it) for it in [*kept, silent]]
    (tmp_path / "exposures.jsonl").write_text("\n".join(lines) + "\n")
    plan = plan_of("cost_usd", ["tool_errors"], unit="session")
    mapping = mapped(plan, exposures=str(tmp_path / "exposures.jsonl"))
    sums, count = collect(
        engine, mapping, ["control", "treatment"], sought(plan, mapping), LATER
    )
    assert count.units == 11
    measured = sum(day.metrics["tool_errors"].joint.n for day in sums.days)
    assert (sum(day.units for day in sums.days), measured) == (11, 10)


def test_a_table_of_something_else_is_refused(engine, tmp_path):
    (tmp_path / "orders.csv").write_text("order,price\n1,2\n")
    with pytest.raises(UsageError, match="does not look like Claude Code's telemetry"):
        engine.table(EventTable(path="orders.csv", form=FORM), "events", str(tmp_path))


def test_the_ready_mapping_knows_sessions_and_prompts_alone():
    plan = plan_of(unit="invocation")
    assert ready_document("claude-code", plan, "e")["exposure"]["unit"] == "prompt_id"
    with pytest.raises(UsageError, match="joins by session or prompt"):
        ready_document("claude-code", plan_of(unit="user"), "e")
