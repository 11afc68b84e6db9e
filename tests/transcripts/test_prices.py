"""What tokens cost: the shipped list, the user's own, and what the client exported."""

import json

import pytest

from meta_experiment.transcripts.prices import (
    Prices,
    estimated_cost,
    load_prices,
    plain_model,
    telemetry_cost,
)
from meta_experiment.transcripts.work import Usage

M = 1_000_000


def usage(model="claude-opus-5-5", **counts):
    return Usage(model, **{"input": 0, "output": 0, **counts})


@pytest.fixture
def prices(tmp_path):
    return load_prices(str(tmp_path), {"HOME": str(tmp_path / "home")})


# What the client itself charged for these tokens (its `total_cost_usd`).
@pytest.mark.parametrize(
    ("counts", "cost"),
    [
        ({"input": 100_000}, 0.4),
        ({"output": 100_000}, 2.0),
        ({"write_5m": 100_000}, 0.5),
        ({"write_1h": 100_000}, 0.8),
        ({"read": 100_000}, 0.02),
        ({"searches": 3}, 0.03),
        ({"input": 100_000, "fast": True}, 0.8),
        ({"input": 100_000, "geography": "us"}, 0.44),
        ({"model": "claude-haiku-5-5", "input": 100_000, "output": 150_000}, 0.085),
        ({"model": "claude-haiku-5-5", "input": 100_001}, 0.0500005),
        ({"model": "claude-haiku-5-5", "input": 300_000, "output": 100_000}, 0.4),
        ({"model": "claude-sonnet-4-20250514", "output": M}, 15),
        ({"model": "claude-opus-4-6", "output": 100_000, "fast": True}, 15),
    ],
)
def test_the_shipped_list_charges_what_the_client_charges(prices, counts, cost):
    """Each kind of token, long contexts, fast answers, places and searches."""
    assert prices.cost(usage(**counts)) == pytest.approx(cost)


@pytest.mark.parametrize(
    "given",
    [
        usage("claude-opus-9", output=1),
        usage("", output=1),
        usage("claude-sonnet-5-5", output=1, fast=True),
    ],
)
def test_what_is_not_on_the_list_has_no_cost(prices, given):
    """Not zero, and no guess; one unknown request leaves the whole sum unknown."""
    assert prices.cost(given) is None
    assert estimated_cost([usage(output=M), given], prices) is None
    assert estimated_cost([usage(output=M), None], prices) is None
    assert estimated_cost([usage(output=M)], prices) == pytest.approx(20)


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-4-5",
        "claude-opus-4-5-20251101",
        "us.anthropic.claude-opus-4-5-20251101-v1:0",
        "anthropic/claude-opus-4-5",
        "claude-opus-4-5@20251101",
        "claude-opus-4-5[1m]",
    ],
)
def test_a_model_is_known_by_each_of_its_names(prices, name):
    """A date, a provider or the mark of a long context does not change the price."""
    assert plain_model(name) == "claude-opus-4-5"
    assert prices.cost(usage(name, input=M)) == pytest.approx(5)


def test_the_projects_list_goes_before_the_users_and_the_shipped_one(tmp_path):
    """A row of one's own replaces that of the list beneath it; a broken file does not."""
    home, root = tmp_path / "home", tmp_path / "root"
    row = dict.fromkeys(("input", "output", "write_5m", "write_1h", "read"), 0)
    for place, price, model in (
        (home / ".claude", 1, "mine"),
        (home / ".claude", 1, "both"),
        (root / ".claude", 2, "both"),
    ):
        path = place / "meta" / "prices.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        known = json.loads(path.read_text())["models"] if path.exists() else {}
        known[model] = {**row, "input": price}
        path.write_text(json.dumps({"models": known}))
    prices = load_prices(str(root), {"HOME": str(home)})
    seen = [prices.cost(usage(name, input=M)) for name in ("mine", "both", "claude-opus-5-5")]
    assert seen == [1, 2, 4]
    (root / ".claude/meta/prices.json").write_text('{"models": {"both":')
    assert load_prices(str(root), {"HOME": str(home)}).cost(usage("both", input=M)) == 1


def event(prompt, cost, output, at="1"):
    numbers = {"input_tokens": 100, "output_tokens": output, "cache_read_tokens": 0}
    attributes = [
        {"key": "event.name", "value": {"stringValue": "api_request"}},
        {"key": "prompt.id", "value": {"stringValue": prompt}},
        {"key": "cost_usd", "value": {"doubleValue": cost}},
        *({"key": name, "value": {"intValue": str(count)}} for name, count in numbers.items()),
    ]
    return {"timeUnixNano": at, "attributes": attributes}


def export(*records):
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]})


def test_telemetry_gives_the_exact_cost(tmp_path):
    """Only of the trial's prompts, and only when it covers just their tokens."""
    path = tmp_path / "otel.jsonl"
    lines = [export(event("p1", 0.5, 10), event("p2", 9.0, 10)), "torn {", export()]
    lines.append(export(event("p1", 0.25, 20, at="2")))
    path.write_text("\n".join(lines), "utf-8")
    spent = [usage(input=100, output=10), usage(input=100, output=20)]
    assert telemetry_cost(["p1"], spent, str(path)) == pytest.approx(0.75)
    assert telemetry_cost(["p1"], spent[:1], str(path)) is None
    assert telemetry_cost(["p3"], spent, str(path)) is None
    assert telemetry_cost(["p1"], spent, str(tmp_path / "none")) is None


def test_a_price_that_is_no_price_is_none():
    """Texts, truth values, negative and absurd numbers in one's own list are not believed."""
    for wrong in ("4", -1, True, float("inf"), 1e308, 10**400, None, []):
        row = dict.fromkeys(("input", "output", "write_5m", "write_1h", "read"), wrong)
        assert Prices({"models": {"m": row}}).cost(usage("m", input=1)) is None
