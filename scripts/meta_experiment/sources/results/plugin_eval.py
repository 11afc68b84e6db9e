"""Results of `claude plugin eval --json`: both arms of every case, run by run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.sources.results.benchmark import Origin, instant, moment
from meta_experiment.sources.results.cells import Cell
from meta_experiment.sources.results.imported import ImportedTrials, Ledger, Run
from meta_experiment.sources.results.measures import measure
from meta_experiment.sources.results.shapes import cells
from meta_experiment.types import TrialStatus

KIND = "plugin-eval"
SCHEMA = 1
_GRADES = {"score", "success"}


def recognised(document: Mapping[str, Any]) -> bool:
    """Say whether a document is such a result, of whatever version."""
    return (
        isinstance(document.get("cases"), list)
        and "schemaVersion" in document
        and "suite" in document
    )


def parse(origin: Origin, document: Mapping[str, Any]) -> ImportedTrials:
    """Read every run of every case.

    Raises:
        UsageError: the result has a schema version that is not known.
        RefusedError: it holds no run.
    """
    version = document["schemaVersion"]
    if version != SCHEMA:
        raise UsageError(
            f"{origin.name} has schema version {version!r} of claude plugin eval; expected "
            f"{SCHEMA}.",
            hint="Update the plugin: claude plugin update meta-experiment",
        )
    ledger = Ledger()
    client = document.get("claudeVersion")
    fingerprint = {"client": client} if isinstance(client, str) and client else {}
    seen: dict[tuple[str, str], int] = {}
    runs = []
    for cell in cells({"cases": document["cases"]}):
        arm, case = cell.arm, cell.case_name
        if arm is None or case is None:
            continue
        index = seen.get((arm, case), 0)
        seen[arm, case] = index + 1
        runs.append(_run(cell, arm, case, index, fingerprint, ledger))
    if not runs:
        raise RefusedError(
            f"{origin.name} holds no run of any case.",
            hint="Look why: claude plugin eval prints it, or leaves it in its report.",
        )
    if document.get("partial") is True:
        ledger.note("The evaluation was cut short (partial); what it did run was read.")
    ledger.note("Cost is that of the runs; what their judges cost is left out.")
    if all(run.metrics.get("duration_seconds", 0.0).is_integer() for run in runs):
        ledger.note("Durations are whole seconds, as the source rounds them.")
    return ImportedTrials(
        kind=KIND,
        name=origin.name,
        identity=origin.identity,
        runs=tuple(runs),
        excluded=dict(ledger.excluded),
        notes=ledger.notes(),
        title=_plugin(document),
        at=moment(document),
    )


def _run(
    cell: Cell,
    arm: str,
    case: str,
    index: int,
    fingerprint: Mapping[str, str],
    ledger: Ledger,
) -> Run:
    record = {key: value for key, value in cell.record.items() if key != "judgeCostUsd"}
    metrics = measure(record, ledger)
    if record.get("skippedPaidGraders") is True:
        for name in _GRADES:
            metrics.pop(name, None)
        ledger.exclude("graded without its paid graders")
    if not _received(record):
        ledger.count(
            f"a run of {arm} did not use what it should try (a grader that only this arm has "
            "failed). It counts all the same: leaving such runs out would flatter the arm."
        )
    failed = record.get("error") is not None
    if failed and metrics.keys() & _GRADES:
        metrics = {name: value for name, value in metrics.items() if name not in _GRADES}
        ledger.exclude("graded 0 for an error, which is no grade")
    if not metrics:
        ledger.unmeasured(arm)
    status = TrialStatus.OK if metrics else TrialStatus.INTERRUPTED
    return Run(
        arm,
        case,
        index,
        metrics,
        TrialStatus.ERROR if failed else status,
        instant(cell.at),
        fingerprint,
    )


def _received(record: Mapping[str, Any]) -> bool:
    graders = record.get("graders")
    return not any(
        isinstance(item, Mapping)
        and item.get("withOnly") is True
        and item.get("passed") is False
        for item in (graders if isinstance(graders, list) else [])
    )


def _plugin(document: Mapping[str, Any]) -> str | None:
    suite = document["suite"]
    plugins = suite.get("plugins") if isinstance(suite, Mapping) else None
    listed = plugins if isinstance(plugins, list) else []
    named = [item.get("name") for item in listed if isinstance(item, Mapping)]
    return next((name for name in named if isinstance(name, str) and name.strip()), None)
