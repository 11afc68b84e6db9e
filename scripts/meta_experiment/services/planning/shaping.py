"""Shaping: what a plan that is not created yet, or not started, still lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from meta_experiment.decide.telling.hypotheses import lacks_of, vagueness
from meta_experiment.decide.telling.stages import STAGES, step_of_plan
from meta_experiment.errors import UsageError, as_word
from meta_experiment.model.metrics import BY_HAND, derived_metric, known_metric
from meta_experiment.prompts.identity import identify
from meta_experiment.records import dataclass
from meta_experiment.services.planning.conflicts import conflicts, told
from meta_experiment.services.planning.request import Request, from_plan, read_plan
from meta_experiment.services.planning.sketching import sketch
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Assignment, Experiment, Metric, Plan, Unit
from meta_experiment.types.guidance import PlanConflict, Step
from meta_experiment.types.vocabulary import Lack, Stage


@dataclass(frozen=True, slots=True)
class PlanReview:
    """A plan that is not created yet: its step, what speaks against it, what is in its way.

    `plan` is None where it cannot be read, and `fault` says why.
    """

    plan: Plan | None
    fault: UsageError | None
    step: Step
    warnings: tuple[str, ...]
    conflicts: tuple[PlanConflict, ...]


def review(request: Request, experiments: Iterable[Experiment]) -> PlanReview:
    """Say how far a plan is; `experiments` are those that may be in its way."""
    document = request.document
    plan, fault = _read(request)
    lacks = [*_lacks_of_metrics(document)]
    if plan is None and Lack.METRIC_DIRECTION not in lacks:
        lacks.append(Lack.SOUND_PLAN)
    metric = plan.primary if plan and Lack.PRIMARY_METRIC not in lacks else None
    hypothesis = document.get("hypothesis") or ""
    vague = lacks_of(str(hypothesis), metric, _prompts(document.get("files") or ()))
    unrecorded = list(unrecorded_guardrails(plan)) if plan else []
    lacks += [Lack.GUARDRAIL_SOURCE] if unrecorded else []
    lacks += _lacks_of_files(request)
    lacks += [item for item in vague if isinstance(item, Lack)]
    found = tuple(conflicts(plan, str(hypothesis), document.get("files") or (), experiments))
    warnings = (
        *vagueness(vague, metric),
        *_unrecorded(unrecorded),
        *told(found),
    )
    step = step_of_plan(
        lacks or [Lack.CREATION], shared=bool(found) or bool(plan and _is_uneven(plan))
    )
    return PlanReview(plan, fault, step, warnings, found)


def review_of_file(
    workspace: Workspace, path: Path, experiments: Iterable[Experiment]
) -> tuple[Request, PlanReview]:
    """Read a plan file below a root, whole or not, and say how far it is.

    Raises:
        MetaExperimentError: it cannot be read as a plan at all.
    """
    request = from_plan(read_plan(path, whole=False), workspace.root)
    return request, review(request, experiments)


def step_of_draft(experiment: Experiment, experiments: Iterable[Experiment]) -> Step:
    """Return the step of an experiment that was not started, among all there are.

    No other can be on its files.
    """
    plan = experiment.plan
    vague = lacks_of(plan.hypothesis, plan.primary, _prompts(plan.files))
    lacks = [item for item in vague if isinstance(item, Lack)]
    lacks += [Lack.GUARDRAIL_SOURCE] if list(unrecorded_guardrails(plan)) else []
    found = conflicts(plan, None, (), experiments)
    return step_of_plan(lacks or [Lack.START], shared=any(found))


def vague_words(plan: Plan, *, inferred: bool, manual: bool) -> Iterator[str]:
    """Warn of a vague hypothesis, unless the program made it, and of what nothing records.

    With `manual` the user measures.
    """
    if not inferred:
        vague = lacks_of(plan.hypothesis, plan.primary, _prompts(plan.files))
        yield from vagueness(vague, plan.primary)
    if not manual:
        yield from _unrecorded(list(unrecorded_guardrails(plan)))


def unrecorded_guardrails(plan: Plan) -> Iterator[Metric]:
    """Yield the guardrails that nothing records by itself, nor the model is asked for.

    Of eval cases criteria record, and of what is drawn elsewhere whoever draws it.
    """
    if plan.unit is Unit.CASE or plan.assignment is Assignment.EXTERNAL:
        return
    for item in plan.guardrails:
        for name in item.metric.recorded:
            by_itself = known_metric(name) is not None and name not in BY_HAND
            if not by_itself and name not in plan.report:
                yield item.metric


def _unrecorded(metrics: Sequence[Metric]) -> Iterator[str]:
    for metric in metrics:
        yield (
            f"Nothing records the guardrail {metric.name} by itself, and without values it "
            f"holds every promotion back: rate each use (meta-experiment rate), or let the "
            f"model report it (--ask-model {metric.name})."
        )


def _read(request: Request) -> tuple[Plan | None, UsageError | None]:
    try:
        return sketch(request), None
    except UsageError as error:
        return None, error


def _prompts(files: Iterable[str]) -> list[str]:
    """Return how people call the prompts of a plan."""
    return [part for path in files for part in identify(path).name.split(":")]


def _lacks_of_metrics(document: Mapping[str, Any]) -> Iterator[Lack]:
    metrics = document.get("metrics") or {}
    primary = metrics.get("primary")
    if not primary:
        yield Lack.PRIMARY_METRIC
    named = [primary, *(metrics.get("guardrails") or ()), *(metrics.get("secondary") or ())]
    if any(item and _lacks_direction(item) for item in named):
        yield Lack.METRIC_DIRECTION


def _lacks_direction(value: object) -> bool:
    """Tell whether a metric is of one's own and nobody says which way is better."""
    if isinstance(value, Mapping):
        name, told = str(value.get("name")), value.get("direction") is not None
    else:
        name, *rest = str(value).split(":")
        told = any(part in ("lower", "higher") for part in rest)
    return not told and (derived_metric(name, None) or known_metric(name)) is None


def _lacks_of_files(request: Request) -> Iterator[Lack]:
    if not request.variant_files:
        yield Lack.FILES
    elif not all(item.source.exists() for item in request.variant_files):
        yield Lack.NEW_TEXT


def _is_uneven(plan: Plan) -> bool:
    weights = {item.weight for item in plan.variants}
    return plan.moves_shares or plan.share_of_units < 1 or len(weights) > 1


def in_a_line(fault: UsageError) -> str:
    """Say what is wrong with a plan, and what mends it."""
    return f"{fault.message} {fault.hint or ''}".rstrip()


# where what is lacking is said: as a flag, and in a plan file
_PLACES = {
    Lack.HYPOTHESIS: ("--hypothesis TEXT", "hypothesis: TEXT"),
    Lack.PRIMARY_METRIC: ("--primary-metric NAME", "metrics: {primary: NAME}"),
    Lack.METRIC_DIRECTION: ("--direction lower|higher", "direction: lower|higher"),
    Lack.GUARDRAIL_SOURCE: ("--ask-model NAME", "report: [NAME]"),
    Lack.FILES: ("--file PATH=VARIANT_PATH", "files: {PATH: {treatment: VARIANT_PATH}}"),
}


def what_next(step: Step, plan_file: str | None, fault: UsageError | None = None) -> str:
    """Say what to do next with a plan that is not created; None: it was told by flags."""
    name = None if plan_file is None else as_word(plan_file)
    again = "ask again" if name is None else f"meta-experiment plan --plan {name}"
    place = "the flags" if name is None else name
    if step.stage is Stage.HYPOTHESIS:
        how = _PLACES[Lack.HYPOTHESIS][name is not None]
        return f"write the whole hypothesis into {place} ({how}), then: {again}"
    lacking = [lack for lack in STAGES[step.stage][1] if lack in step.missing]
    places = [_PLACES[lack][name is not None] for lack in lacking if lack in _PLACES]
    how = f" ({', '.join(places)})" if places else ""
    if step.stage is Stage.MEASUREMENT:
        return f"say in {place} what decides and who records it{how}, then: {again}"
    if Lack.SOUND_PLAN in step.missing:
        return f"mend {place}: {in_a_line(fault)}" if fault else f"mend {place}"
    if Lack.FILES in step.missing:
        return (
            f"name in {place} the prompt file and where its new text lies{how}, then: {again}"
        )
    if Lack.NEW_TEXT in step.missing:
        return f"write the new text that {place} names, then: {again}"
    return (
        "meta-experiment create with the same flags"
        if name is None
        else f"meta-experiment create --plan {name}"
    )
