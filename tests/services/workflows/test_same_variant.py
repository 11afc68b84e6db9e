"""Every verb means the same variant, and the same workflow, by the same trials."""

import json

import pytest
from tests.services.workflows.test_run_import import (
    TONE,
    call,  # noqa: F401 - a fixture
    imported,
    make_runs,
    only,
)

MEANS = {"~~~": 10_000, "短い": 5_000, "長い": 16_000}


def _ranked(cli):
    planned = cli("workflows", "darwin", "daily-fact", "tone")
    assert planned["reason"].startswith("短い is ")
    assert " better than ~~~ on " in planned["reason"]
    (told,) = cli("workflows", "report")["experiments"]
    assert list(told["variants"]) == list(MEANS)
    assert {item["variant"] for item in told["comparisons"]} == {"短い", "長い"}
    return planned["winner"], [item["name"] for item in planned["ranking"]]


@pytest.mark.parametrize("again", [["~~~", "短い", "長い"], ["~~~", "長い", "短い"]])
def test_variants_in_another_order_are_the_same_variants(call, again):  # noqa: F811
    call.declare(tone=TONE | {"variants": list(MEANS)})
    make_runs(call, list(MEANS), 90, MEANS)
    first = only(imported(call))
    call.declare(tone=TONE | {"variants": again})
    done = only(imported(call))
    assert (done["experiment_id"], done["already_recorded"]) == (first["experiment_id"], 90)
    assert done["standing"]["winner"] == "短い"
    assert _ranked(call) == ("短い", ["短い", "~~~", "長い"])


def test_another_control_is_not_taken_for_the_variant_it_beats(call):  # noqa: F811
    call.declare(tone=TONE | {"variants": ["~~~", "短い"]})
    make_runs(call, ["~~~", "短い"], 90, MEANS)
    done = only(imported(call, "--control", "短い"))
    assert done["standing"]["decision"] == "REJECT"
    (seen,) = call("workflows", "audit")["experiments"]
    assert "~~~ is" in seen["standing"]["reason"]
    assert "worse than 短い" in seen["standing"]["reason"]
    planned = call("workflows", "darwin", "daily-fact", "tone")
    means = {item["name"]: item["effect"] for item in planned["ranking"]}
    assert means["短い"] is None
    assert means["~~~"] < 0


def test_workflows_whose_state_has_one_name_keep_their_trials_apart(call):  # noqa: F811
    """Runs of one say nothing of the other, whose variants may well be called alike."""
    call.declare("dailyfact")
    make_runs(call, ["dry", "warm"], 60, {"warm": 5_000})
    for number in range(1, 61):
        name = "daily-fact" if number <= 30 else "dailyfact"
        run = {"id": number, "path": f".github/workflows/{name}.lock.yml"}
        (call.root / "runs" / str(number) / "run.json").write_text(json.dumps(run))
    one, other = only(imported(call)), only(imported(call, name="dailyfact"))
    assert one["experiment_id"] != other["experiment_id"]
    assert [item["added"] for item in (one, other)] == [30, 30]
    seen = call("workflows", "audit")["experiments"]
    assert {item["workflow"]: item["experiment_id"] for item in seen} == {
        "daily-fact": one["experiment_id"],
        "dailyfact": other["experiment_id"],
    }
