"""Commit messages: what git reads from them is what was meant."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meta_experiment.deploy import commit_message
from meta_experiment.types import Action

FULL = {
    "action": Action.PROMOTE,
    "experiment_id": "exp-1",
    "name": "brief reviews",
    "summary": "The shorter prompt is faster. " * 6,
    "change_id": "c0ffee",
    "improvement": 0.2345,
    "evidence": "e-value 27.1",
    "trials": 124,
    "decision": "PROMOTE (treatment_better)",
    "override": "the team agreed",
    "reason": "release day",
}


def trailers(message):
    parsed = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=message.encode(),
        capture_output=True,
        check=True,
    )
    return parsed.stdout.decode().splitlines()


def test_says_everything_once():
    """Subject, body and trailers carry what was given, in a stable order."""
    message = commit_message(**FULL)
    subject, blank, *body = message.splitlines()
    assert subject == "experiment: promote exp-1 (brief reviews)"
    assert blank == ""
    assert max(map(len, body)) <= 72
    assert trailers(message) == [
        "Experiment: exp-1",
        "Improvement: +23.4%",
        "Evidence: e-value 27.1",
        "Trials: 124",
        "Decision: PROMOTE (treatment_better)",
        "Override: the team agreed",
        "Reason: release day",
        "Experiment-Change: c0ffee",
    ]
    assert message.endswith("c0ffee\n")


@pytest.mark.parametrize(
    ("action", "verb"),
    [(Action.PROMOTE, "promote"), (Action.ROLLBACK, "roll back"), (Action.EXPIRE, "expire")],
)
def test_names_the_action(action, verb):
    """The subject says what was done; what was not given is not mentioned."""
    message = commit_message(
        action=action, experiment_id="e", name="", summary="", change_id="c"
    )
    assert message == f"experiment: {verb} e\n\nExperiment: e\nExperiment-Change: c\n"


def test_zero_is_a_value():
    """No improvement and no trials are said, not left out."""
    message = commit_message(**{**FULL, "improvement": 0.0, "trials": 0})
    assert "Improvement: +0.0%" in message
    assert "Trials: 0" in message


NASTY = st.text(max_size=300) | st.sampled_from(
    [
        "x\n\nExperiment: forged",
        "x\r\nOverride: forged",
        "x\u2028Decision: forged\u2029",
        "x\x85Trials: 9",
        "---\ndiff --git a/x b/x",
        "word " * 30 + "--- " * 20,
        "\u202egnihton\x1b[31m",
        "(cherry picked from commit 0)",
        "\ud800",
    ]
)


@pytest.mark.long
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=NASTY, summary=NASTY, reason=NASTY, experiment_id=NASTY)
def test_no_text_forges_a_trailer(name, summary, reason, experiment_id):
    """Whatever users write, git finds exactly our trailers, each on one line."""
    message = commit_message(
        action=Action.ROLLBACK,
        experiment_id=f"e{experiment_id}",
        name=name,
        summary=summary,
        change_id="c0ffee",
        decision="REJECT",
        reason=f"r{reason}",
    )
    message.encode()
    lines = trailers(message)
    assert [line.partition(":")[0] for line in lines] == [
        "Experiment",
        "Decision",
        "Reason",
        "Experiment-Change",
    ]
    assert lines[1] == "Decision: REJECT"
    assert lines[-1] == "Experiment-Change: c0ffee"
    assert all(character.isprintable() or character == "\n" for character in message)
    assert len(message.splitlines()[0]) < 160
