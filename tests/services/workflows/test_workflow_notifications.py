"""Whom a workflow names is told once, and only when somebody says that it is to be followed."""

import json
import shutil

import pytest
from tests.outbound.fake_github import TOKEN, fake_github
from tests.services.workflows.test_run_import import (
    TONE,
    call,  # noqa: F401 - a fixture
    imported,
    make_runs,
)

NAME = "daily-fact/tone"
DECLARED = TONE | {"notify": {"issue": 7, "discussion": 9}, "issue": 7}
THREADS = (("issue", 7), ("discussion", 9))


@pytest.fixture
def hub(monkeypatch):
    with fake_github() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.base)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_REPOSITORY", "acme/prompts")
        yield server


@pytest.fixture
def workflow(call):  # noqa: F811
    call.declare(tone=DECLARED)
    make_runs(call, ["dry", "warm"], 120, {"warm": 6_000})
    imported(call)
    return call


def marks(bodies):
    return [body.split("event=")[1].split(" ")[0] for body in bodies]


def test_the_targets_of_the_frontmatter_are_told_on_request(workflow, hub):
    workflow("notify", NAME, "--declared")
    for thread in THREADS:
        assert marks(hub.of(thread)) == ["promote"]
        assert all("notify v1 daily-fact/tone event=" in body for body in hub.of(thread))
        assert "### daily-fact/tone: decided, PROMOTE" in hub.of(thread)[0]
        assert "Act: meta-experiment workflows darwin daily-fact tone" in hub.of(thread)[0]
    (row,) = workflow("status")["experiments"]
    assert "meta-experiment workflows darwin daily-fact tone" in row["next_action"]
    refused = workflow("promote", row["id"], code=1)
    assert refused["error"]["hint"] == "meta-experiment workflows darwin daily-fact tone"


def test_without_a_word_of_the_user_a_workflow_names_nobody(workflow, hub):
    refused = workflow("notify", NAME, code=2)
    assert "Nobody is to be told" in refused["error"]["message"]
    assert hub.seen == []


def test_what_is_kept_is_what_was_named_whatever_a_commit_says_later(workflow, hub):
    workflow("notify", NAME, "--declared", "--keep")
    workflow.declare(tone=DECLARED | {"notify": {"issue": 8}, "issue": 8})
    kept = workflow("notify")
    place = f"https://{hub.base.partition('://')[2]}/acme/prompts"
    assert kept["kept"][0]["targets"] == [f"{place}/issues/7", f"{place}/discussions/9"]
    assert {item["state"] for item in kept["deliveries"]} == {"known"}


@pytest.mark.long
def test_a_fresh_checkout_that_imports_again_tells_nobody_twice(workflow, hub):
    """As a scheduled job of CI does, on another day."""
    workflow("notify", NAME, "--declared")
    shutil.rmtree(workflow.root / ".claude")
    workflow.now[0] += 86_400
    imported(workflow)
    workflow("notify", NAME, "--declared")
    for thread in THREADS:
        assert marks(hub.of(thread)) == ["promote"]


@pytest.mark.usefixtures("hub")
def test_the_state_file_says_whom_to_tell_beside_what_it_held(workflow):
    state = workflow.root / "state.json"
    state.write_text('{"counts": {"tone": {"dry": 60, "warm": 60}}, "more": [1]}')
    workflow("notify", NAME, "--declared", "--state", "state.json")
    kept = json.loads(state.read_text())
    assert kept["counts"] == {"tone": {"dry": 60, "warm": 60}}
    assert kept["more"] == [1]
    assert kept["notify_targets"] == [
        {"type": "discussion", "number": 9},
        {"type": "issue", "number": 7},
    ]
    assert kept["min_samples_reached"] is True
    assert "decided, PROMOTE" in kept["notify_message"]


@pytest.mark.parametrize("target", [(), ("--terminal",)])
def test_the_state_file_says_what_is_true_whoever_is_told(workflow, target):
    workflow("notify", NAME, *target, "--state", "state.json")
    kept = json.loads((workflow.root / "state.json").read_text())
    assert kept["notify_targets"] == []
    assert kept["min_samples_reached"] is True
    assert "daily-fact/tone: decided, PROMOTE" in kept["notify_message"]


def test_a_ledger_is_left_as_it_is(workflow, hub):
    ledger = workflow.root / "state.jsonl"
    ledger.write_text('{"run_id": "1", "timestamp": "2026-09-01T05:00:00.000Z"}\n' * 2)
    before = ledger.read_bytes()
    refused = workflow("notify", NAME, "--declared", "--state", "state.jsonl", code=2)
    assert "ledger" in refused["error"]["message"]
    assert ledger.read_bytes() == before
    assert hub.seen == []


@pytest.mark.parametrize(
    ("declared", "words", "expected"),
    [
        (TONE, ("--declared",), "neither an issue nor a discussion"),
        (DECLARED, ("--declared", "--repo", "acme"), "Which repository"),
        (None, ("--declared",), "No workflow declares"),
    ],
)
def test_what_names_nobody_is_refused(workflow, hub, declared, words, expected):
    path = workflow.declare(**({"tone": declared} if declared else {"other": TONE}))
    assert path.exists()
    refused = workflow("notify", NAME, *words, code=2)
    assert expected in refused["error"]["message"]
    assert hub.seen == []


def test_an_experiment_that_was_not_imported_is_told_with_what_to_do(workflow):
    refused = workflow("notify", "daily-fact/other", "--declared", code=1)
    assert "import" in refused["error"]["hint"]
