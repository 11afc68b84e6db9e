"""The words that results use for arms, cases, repeats and metrics, all in snake case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

CONTROL_WORDS = frozenset(
    {
        "control", "baseline", "base", "before", "current", "none", "bare", "off", "old",
        "old_skill", "old_version", "no_skill", "without", "without_skill", "without_plugin",
        "skill_off", "original", "reference", "older", "previous", "prior",
    }
)  # fmt: skip
TREATMENT_WORDS = frozenset(
    {
        "treatment", "candidate", "variant", "after", "on", "new", "new_skill", "new_version",
        "skill", "with", "with_skill", "with_plugin", "skill_on", "improved", "experiment",
        "newer", "next", "latest", "updated",
    }
)  # fmt: skip
ARM_WORDS = CONTROL_WORDS | TREATMENT_WORDS

ARM_FIELDS = (
    "configuration", "config", "variant", "arm", "run_type", "mode", "condition", "group",
)  # fmt: skip
CASE_IDS = ("eval_id", "case_id", "test_id", "task_id", "question_id", "prompt_id", "id")
CASE_NAMES = (
    "eval_name", "case_name", "test_name", "name", "case", "eval", "test", "task", "query",
    "question", "item",
)  # fmt: skip
INDEX_FIELDS = ("run_number", "run_index", "run", "repeat", "epoch", "attempt")
TIME_FIELDS = ("started_at", "timestamp", "start_time", "generated_at", "at", "time_stamp")
STATUS_FIELDS = ("status",)

# A name may stand for one metric only; of several names for one metric the first in this
# table that a run has is taken. The factor turns the source's unit into the metric's.
METRIC_FIELDS: Mapping[str, tuple[str, float]] = {
    "pass_rate": ("pass_rate", 1.0),
    "expectation_pass_rate": ("pass_rate", 1.0),
    "success": ("success", 1.0),
    "succeeded": ("success", 1.0),
    "passed": ("success", 1.0),
    "correct": ("success", 1.0),
    "is_correct": ("success", 1.0),
    "solved": ("success", 1.0),
    "resolved": ("success", 1.0),
    "tests_passed": ("tests_passed", 1.0),
    "score": ("score", 1.0),
    "overall_score": ("score", 1.0),
    "rating": ("rating", 1.0),
    "user_satisfaction": ("user_satisfaction", 1.0),
    "executor_duration_seconds": ("duration_seconds", 1.0),
    "duration_ms": ("duration_seconds", 0.001),
    "duration_seconds": ("duration_seconds", 1.0),
    "time_seconds": ("duration_seconds", 1.0),
    "elapsed_seconds": ("duration_seconds", 1.0),
    "total_duration_seconds": ("duration_seconds", 1.0),
    "latency_seconds": ("duration_seconds", 1.0),
    "latency_ms": ("duration_seconds", 0.001),
    "elapsed_ms": ("duration_seconds", 0.001),
    "seconds": ("duration_seconds", 1.0),
    "duration_s": ("duration_seconds", 1.0),
    "latency_s": ("duration_seconds", 1.0),
    "elapsed_s": ("duration_seconds", 1.0),
    "active_seconds": ("active_seconds", 1.0),
    "total_tokens": ("total_tokens", 1.0),
    "tokens": ("total_tokens", 1.0),
    "input_tokens": ("input_tokens", 1.0),
    "output_tokens": ("output_tokens", 1.0),
    "cache_read_input_tokens": ("cache_read_tokens", 1.0),
    "cache_read_tokens": ("cache_read_tokens", 1.0),
    "cache_creation_input_tokens": ("cache_creation_tokens", 1.0),
    "cache_creation_tokens": ("cache_creation_tokens", 1.0),
    "cost_usd": ("cost_usd", 1.0),
    "total_cost_usd": ("cost_usd", 1.0),
    "total_tool_calls": ("tool_calls", 1.0),
    "tool_calls": ("tool_calls", 1.0),
    "turns": ("turns", 1.0),
    "num_turns": ("turns", 1.0),
}
# Counts of graded statements, from which a pass rate follows: passed, total.
TALLIES = (
    ("passed", "total"),
    ("assertions_passed", "assertions_total"),
    ("pass_count", "total"),
    ("pass_count", "total_count"),
    ("passed_count", "total_count"),
)
DETAILS = ("expectations", "assertion_results", "assertion_details", "assertions")
# Where a grader says why it judged so, and runs keep what they answered.
WITNESSES = (
    "evidence", "reason", "reasoning", "explanation", "justification", "rationale", "comment",
    "feedback", "raw_output", "output", "response", "answer",
)  # fmt: skip
# Mappings inside a run whose fields belong to the run itself.
WRAPPERS = (
    "result", "results", "metrics", "summary", "timing", "execution_metrics", "usage",
    "token_counts", "tokens",
)  # fmt: skip

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """Write a field's name in lower case with underscores: `costUsd` as `cost_usd`."""
    return re.sub(r"[\s\-.]+", "_", _CAMEL.sub("_", name.strip())).lower()


def is_control(arm: str) -> bool:
    """Say whether an arm's name says that it is the control."""
    return snake(arm) in CONTROL_WORDS


def is_treatment(arm: str) -> bool:
    """Say whether an arm's name says that it is a treatment."""
    return snake(arm) in TREATMENT_WORDS


def is_arm(name: str) -> bool:
    """Say whether a name is one that arms commonly have."""
    return snake(name) in ARM_WORDS
