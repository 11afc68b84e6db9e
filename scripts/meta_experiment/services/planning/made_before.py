"""The experiment that a request has made before, so that asking again goes on with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.model.plan_settings import PLAN_SETTINGS
from meta_experiment.services.planning.creating import plan_of
from meta_experiment.services.planning.request import Request, VariantFile
from meta_experiment.services.planning.skill_folder import folder_contents
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, FileVersion, Plan


def made_before(workspace: Workspace, request: Request) -> Experiment | None:
    """Return the experiment of the very plan and treatments of a request, if there is one.

    Of several the one that has not ended counts, else the last. What became of the control, as
    by a promotion, and what was amended since do not matter.

    Raises:
        UsageError: the plan makes no sense. NotFoundError, UnsafePathError: a file cannot be
            read safely.
    """
    wanted = list(_versions(workspace, request))
    files = tuple(request.document["files"])
    found = [
        experiment
        for experiment in workspace.store.experiments()
        if experiment.plan.files == files
        and plan_of(request, seed=experiment.plan.seed) == _first_plan(experiment)
        and all(_has(experiment, *version) for version in wanted)
    ]
    return next((it for it in found if it.status.is_open), found[-1] if found else None)


def _versions(
    workspace: Workspace, request: Request
) -> Iterator[tuple[str, str, FileVersion | None]]:
    """Yield path, variant and version of every file that the treatments have of their own."""
    names = [_name(item) for item in request.document["variants"]]
    for item in request.variant_files:
        yield item.path, item.variant, workspace.source(item.source).version
        if item.whole:
            yield from _beside(workspace, item, names)


def _beside(
    workspace: Workspace, item: VariantFile, names: Sequence[str]
) -> Iterator[tuple[str, str, FileVersion | None]]:
    found = folder_contents(workspace, item.path, {item.variant: item.source.parent}, names)
    for path, arms in found.items():
        content = arms[item.variant]
        yield path, item.variant, content and content.version


def _name(variant: object) -> str:
    return str(variant["name"]) if isinstance(variant, dict) else str(variant)


def _has(experiment: Experiment, path: str, variant: str, wanted: FileVersion | None) -> bool:
    """Tell whether a variant has just these bytes; its mode is that of the control."""
    known = experiment.versions.get(path, {}).get(variant)
    return (known and known.sha256) == (wanted and wanted.sha256)


def _first_plan(experiment: Experiment) -> Plan:
    """Return the plan as it was made, before anything of it was amended."""
    if not experiment.amendments:
        return experiment.plan
    document = plan_to_document(experiment.plan)
    for amendment in reversed(experiment.amendments):
        PLAN_SETTINGS[amendment.key].put(document, amendment.before)
    return plan_from_document(document)
