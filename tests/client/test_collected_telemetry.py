"""What the real client tells of itself, collected where it lies, is what its trials say."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.client.telemetry import told_experiment
from tests.sources.warehouse.test_client_events import RECORDED
from tests.support.warehouse_rows import plan_of

from meta_experiment.model.mapping_document import mapping_from_document
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.ready_mappings import ready_document
from meta_experiment.sources.warehouse.sought import sought

pytestmark = [pytest.mark.client, pytest.mark.long]

METRICS = (
    "cost_usd", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens",
    "total_tokens", "turns", "tool_calls", "tool_errors",
)  # fmt: skip
FEW = 6  # sessions: one is refused an answer, one has two prompts, one has a tool fail
ARMS = ["control", "treatment"]


@pytest.mark.parametrize("unit", ["session", "invocation"])
def test_telemetry_says_of_each_variant_what_its_trials_say(client, tmp_path, unit):
    """Joined by the id of a session or a prompt, to the digit."""
    live = told_experiment(client, tmp_path, unit, FEW)
    plan = plan_of("cost_usd", METRICS[1:], unit=unit)
    document = ready_document("claude-code", plan, live.experiment)
    document["tables"]["events"]["path"] = "logs.jsonl"
    mapping = mapping_from_document(document, str(tmp_path))
    later = Period((datetime.now(UTC) + timedelta(days=3)).timestamp())
    with opened(None) as engine:
        sums, count = collect(engine, mapping, ARMS, sought(plan, mapping), later)
    trials = live.trials()
    assert count.units == len({trial["unit"] for trial in trials}) >= FEW
    for arm in ARMS:
        own = [trial for trial in trials if trial["variant"] == arm]
        (day,) = [day for day in sums.days if day.variant == arm]
        assert day.units == len({trial["unit"] for trial in own})
        for name in METRICS:
            totals = {}
            for trial in own:
                if name in trial["metrics"] and trial["metrics"].get("cost_usd") is not None:
                    totals.setdefault(trial["unit"], []).append(trial["metrics"][name])
            found = day.metrics[name].joint
            expected = sum(map(sum, totals.values()))
            assert found.n * found.centres[0] == pytest.approx(expected, rel=1e-9), name
    # what other tests read is still what this version tells
    assert _attributes(RECORDED / "logs.jsonl") <= _attributes(tmp_path / "logs.jsonl")


def _attributes(path):
    """Return the pairs of event and attribute in a file of OTLP documents."""
    found = set()
    for line in path.read_text().splitlines():
        for resource in json.loads(line).get("resourceLogs", ()):
            for scope in resource["scopeLogs"]:
                for record in scope["logRecords"]:
                    name = record["body"]["stringValue"]
                    found |= {(name, it["key"]) for it in record["attributes"]}
    return found
