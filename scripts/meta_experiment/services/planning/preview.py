"""Preview of a plan before it is created: how far it is, and what it could show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from meta_experiment.decide.telling.hypotheses import promised
from meta_experiment.decide.telling.stages import step_of_plan
from meta_experiment.services.planning.conflicts import told
from meta_experiment.services.planning.forecast import forecast
from meta_experiment.services.planning.request import Request
from meta_experiment.services.planning.shaping import in_a_line, review, what_next
from meta_experiment.services.planning.stated_control import stated_control
from meta_experiment.services.planning.tried_before import tried_before
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.forecast import Forecast, Preview
from meta_experiment.types.vocabulary import Lack


def preview(
    workspace: Workspace,
    request: Request,
    units_per_day: float | None = None,
    client: Path | None = None,
    *,
    plan_file: str | None = None,
    control_past: str | None = None,
) -> Preview:
    """Say how far a plan is, and what it could show as far as it can be read; writes nothing.

    `plan_file` is its name as the user gave it, None where flags told the plan; `control_past`
    what is known of the control (see `stated_control`).

    Raises:
        UsageError: what flags say makes no sense.
    """
    found = review(request, workspace.store.experiments())
    step, plan = found.step, found.plan
    if found.fault is not None and plan_file is None:
        raise found.fault
    warnings = [*found.warnings, *([in_a_line(found.fault)] if found.fault else [])]
    if plan_file is None and not request.document.get("hypothesis"):
        warnings = list(told(found.conflicts))  # no plan yet, but a look at what one could show
    if plan is None:
        seen = None
    else:
        stated = None if control_past is None else stated_control(control_past, plan.primary)
        seen = forecast(workspace, plan, units_per_day, client, stated)
        short = list(_out_of_reach(request, seen))
        if short:
            step = step_of_plan({*step.missing, Lack.REACH} - {Lack.CREATION})
        warnings += [*short, *seen.warnings]
    hypothesis = request.document.get("hypothesis")
    entries, heard = tried_before(workspace, request.document.get("files") or (), hypothesis)
    return Preview(
        plan=plan,
        outlook=seen.outlook if seen else None,
        units_per_day=seen.units_per_day if seen else units_per_day,
        past_values=seen.past_values if seen else 0,
        past_experiments=seen.past_experiments if seen else (),
        warnings=(*warnings, *heard),
        stage=step.stage,
        missing=step.missing,
        skill=step.skill,
        next_action=what_next(step, plan_file, found.fault),
        conflicts=found.conflicts,
        learnings=entries,
        sooner=seen.sooner if seen else None,
        question=seen.question if seen else None,
    )


def _out_of_reach(request: Request, seen: Forecast) -> Iterator[str]:
    """Warn where past values say that the plan cannot find what its hypothesis promises."""
    size = promised(str(request.document.get("hypothesis") or ""))
    best = seen.outlook.reach[-1]
    if size is None or seen.outlook.spread.assumed:
        return
    if best.improvement is None or best.improvement > size:
        found = "nothing" if best.improvement is None else f"{best.improvement:.0%} or more"
        yield (
            f"The hypothesis promises {size:.0%}, and with {best.units} units per arm this "
            f"plan finds {found} in 80% of runs: more units, another metric, or cases."
        )
