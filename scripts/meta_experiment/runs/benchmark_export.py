"""Runs in the form that skill-creator's viewer opens: one variant beside the control.

The viewer takes the first configuration for the one under test and a missing pass rate for 0,
so that runs without a verdict stay out.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import CriterionResult
from meta_experiment.types.runs import CellOutcome

WITH, WITHOUT = "with_skill", "without_skill"
_FIELDS = {
    "time_seconds": "duration_seconds",
    "tokens": "total_tokens",
    "tool_calls": "tool_calls",
}
_SUMMED = ("pass_rate", "time_seconds", "tokens")

Record = dict[str, object]


def benchmark(
    outcomes: Iterable[CellOutcome], treatment: str, control: str, about: Mapping[str, object]
) -> Record:
    """Return the document of the runs of two variants that have a verdict.

    Args:
        outcomes: the runs that count, of any variants.
        treatment: the variant that is shown as the one with the skill.
        control: that without.
        about: what else `metadata` says, such as the name.
    """
    names = {treatment: WITH, control: WITHOUT}
    shown = [item for item in outcomes if item.cell.variant in names]
    judged = [item for item in shown if _rate(item) is not None]
    cases = sorted({item.cell.case_id for item in judged})
    order = (treatment, control)
    judged.sort(
        key=lambda item: (item.cell.case_id, order.index(item.cell.variant), item.cell.repeat)
    )
    asked = {item.cell.case_id: item.criteria for item in shown if item.criteria}
    runs = [
        _run(
            item,
            cases.index(item.cell.case_id) + 1,
            names[item.cell.variant],
            asked.get(item.cell.case_id, ()),
        )
        for item in judged
    ]
    most = Counter((item.cell.case_id, item.cell.variant) for item in judged)
    summary = {name: _summary(runs, name) for name in (WITH, WITHOUT)}
    return {
        "metadata": {
            **about,
            "evals_run": list(range(1, len(cases) + 1)),
            "runs_per_configuration": max(most.values(), default=0),
        },
        "runs": runs,
        "run_summary": {**summary, "delta": _delta(summary[WITH], summary[WITHOUT])},
        "notes": [],
    }


def _run(
    outcome: CellOutcome, number: int, configuration: str, asked: Sequence[CriterionResult]
) -> Record:
    """Return a run; one that did not end met nothing of what its case `asked`."""
    report = outcome.report
    why = report.failure.reason if report.failure else report.status.value
    expectations = [
        {"text": item.name, "passed": item.passed is True, "evidence": item.detail}
        for item in outcome.criteria
    ] or [{"text": item.name, "passed": False, "evidence": why} for item in asked]
    passed = sum(item["passed"] is True for item in expectations)
    result: Record = {
        "pass_rate": _rate(outcome),
        "passed": passed,
        "failed": len(expectations) - passed,
        "total": len(expectations),
        "errors": int(report.status is not TrialStatus.OK),
    }
    result |= {
        field: report.metrics[metric]
        for field, metric in _FIELDS.items()
        if metric in report.metrics
    }
    return {
        "eval_id": number,
        "eval_name": outcome.cell.case_id,
        "configuration": configuration,
        "run_number": outcome.cell.repeat,
        "result": result,
        "expectations": expectations,
        "notes": [report.failure.reason] if report.failure else [],
    }


def _rate(outcome: CellOutcome) -> float | None:
    """Return the share of criteria that passed: 0 where it did not end, None unjudged."""
    if outcome.report.status is not TrialStatus.OK:
        return 0.0 if outcome.report.metrics.get("success") == 0 else None
    verdicts = [item.passed for item in outcome.criteria]
    if not verdicts or None in verdicts:
        return None
    return sum(item is True for item in verdicts) / len(verdicts)


def _summary(runs: Sequence[Record], configuration: str) -> dict[str, dict[str, float]]:
    found = {}
    for name in _SUMMED:
        values = [
            float(run["result"][name])  # type: ignore[index]
            for run in runs
            if run["configuration"] == configuration and name in run["result"]  # type: ignore[operator]
        ]
        if values:
            found[name] = {
                "mean": statistics.fmean(values),
                # the form knows no spread that is not known, and writes 0 for that of one run
                "stddev": statistics.stdev(values) if len(values) > 1 else 0.0,
                "min": min(values),
                "max": max(values),
            }
    return found


def _delta(
    one: Mapping[str, Mapping[str, float]], other: Mapping[str, Mapping[str, float]]
) -> dict[str, str]:
    """Return what the variant has more than the control, as signed texts."""
    places = dict(zip(_SUMMED, (2, 1, 0), strict=True))
    return {
        name: f"{one[name]['mean'] - other[name]['mean']:+.{places[name]}f}"
        for name in _SUMMED
        if name in one and name in other
    }
