"""Export of runs, for the viewer of another tool."""

from __future__ import annotations

import json
import os
from pathlib import Path

from meta_experiment.errors import NotFoundError, RefusedError, StorageError, UsageError, cite
from meta_experiment.files.atomic import write_atomically
from meta_experiment.model import instants
from meta_experiment.model.fields import suggestion
from meta_experiment.model.secrets import redacted_value
from meta_experiment.runs.benchmark_export import benchmark
from meta_experiment.services.running.run_records import RunRecords, run_records
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.run_export import RunExport
from meta_experiment.types.results.run_summary import RunState
from meta_experiment.types.runs import CellOutcome


def export(workspace: Workspace, selector: str, out: Path, variant: str | None) -> RunExport:
    """Write the runs that count of a variant and the control as skill-creator's benchmark.

    Raises:
        NotFoundError: there are no such runs, no such variant, or no folder for the file.
        UsageError: which variant is not said. RefusedError: the file is there, or no run has a
            verdict. StorageError: it cannot be written.
    """
    found = run_records(workspace, selector)
    plan = found.experiment.plan
    control, treatment = plan.control.name, _treatment(found, variant)
    _require_new(out)
    states = found.states
    runs = [
        item
        for item in found.outcomes
        if states[item.cell] is RunState.COUNTS and item.cell.variant in (control, treatment)
    ]
    document = benchmark(
        runs,
        treatment,
        control,
        {
            "skill_name": plan.name,
            "skill_path": ", ".join(plan.files),
            "executor_model": _model(runs),
            "timestamp": instants.to_text(max((item.ended for item in runs), default=0.0)),
        },
    )
    shown, name = document["runs"], found.experiment.experiment_id
    if not isinstance(shown, list) or not shown:
        raise RefusedError(
            f"No run of {treatment} or {control} that counts has a verdict, so that there is "
            "nothing to show.",
            hint=f"See what there is: meta-experiment runs show {name}",
        )
    text = json.dumps(redacted_value(document), indent=2, ensure_ascii=False)
    try:
        write_atomically(workspace.files, out, f"{text}\n".encode())
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}.") from error
    return RunExport(
        experiment_id=name,
        file=str(out),
        control=control,
        treatment=treatment,
        runs=len(shown),
        left_out=len(runs) - len(shown),
    )


def _treatment(found: RunRecords, wanted: str | None) -> str:
    names = [item.name for item in found.experiment.plan.treatments]
    if wanted is None and len(names) > 1:
        raise UsageError(
            f"Which variant is to stand beside the control: {', '.join(names)}?",
            hint=f"Add --variant {names[0]}",
        )
    if wanted is not None and wanted not in names:
        raise NotFoundError(
            f"{found.experiment.experiment_id} has no treatment {cite(wanted)}.",
            hint=suggestion(wanted, names) or f"Treatments: {', '.join(names)}.",
        )
    return wanted or names[0]


def _require_new(out: Path) -> None:
    if not out.parent.is_dir():
        raise NotFoundError(f"There is no folder {out.parent} to write {out.name} into.")
    if os.path.lexists(out):
        raise RefusedError(f"{out} is there already.", hint="Name another file with --out.")


def _model(runs: list[CellOutcome]) -> str | None:
    models = {item.report.fingerprint.get("model") for item in runs}
    return models.pop() if len(models) == 1 else None
