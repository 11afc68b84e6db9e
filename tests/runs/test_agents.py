"""Agents: how they are started, and whose fault an ending is."""

import json

import pytest

from meta_experiment.errors import UsageError
from meta_experiment.runs.agents import AgentOptions, agent_of
from meta_experiment.runs.agents.agent import Task
from meta_experiment.runs.supervising import ProgramEnding
from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import FailureKind


@pytest.fixture
def task(tmp_path):
    """A task in an empty folder, and a client that nobody starts."""
    program = tmp_path / "bin/claude"
    program.parent.mkdir()
    program.write_text("")
    program.chmod(0o755)
    return Task(Case("c1", "do it", "0" * 64), tmp_path, tmp_path / "attempt", {})


def claude(task, **options):
    found = {"PATH": str(task.checkout / "bin"), "HOME": str(task.checkout)}
    return agent_of("claude", AgentOptions(**options), found)


def test_a_run_that_uses_up_what_it_may_spend_counts_with_what_it_took_as_too_little(task):
    task.attempt.mkdir()
    result = {
        "type": "result",
        "subtype": "error_max_budget_usd",
        "is_error": True,
        "total_cost_usd": 0.45,
        "modelUsage": {"small": {"inputTokens": 10, "costUSD": 0.45}},
    }
    (task.attempt / "stdout").write_text(json.dumps(result) + "\n")
    agent = claude(task, most_usd=0.1)
    words = agent.launch(task).command
    assert words[words.index("--max-budget-usd") + 1] == "0.1"
    report = agent.report(task, ProgramEnding(code=1, seconds=3.0))
    assert (report.status, report.failure.kind) == (TrialStatus.INTERRUPTED, FailureKind.CAP)
    assert report.failure.kind.counts
    assert report.metrics["cost_usd"] == 0.45


def test_a_command_line_of_which_no_price_is_known_beforehand_takes_no_limit_of_it():
    with pytest.raises(UsageError, match="--max-budget-usd"):
        agent_of("codex exec -", AgentOptions(most_usd=1.0), {})
