"""A draft experiment from a request: everything is checked before anything is written."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.telling.stages import step_of_experiment
from meta_experiment.errors import MetaExperimentError, RefusedError, UsageError, as_word, cite
from meta_experiment.files.confine import Content
from meta_experiment.files.interruption import held
from meta_experiment.model import instants
from meta_experiment.model.plan_document import metric_from_document, plan_sha256
from meta_experiment.model.secrets import redacted_plan
from meta_experiment.prompts.frontmatter import Frontmatter, read_frontmatter
from meta_experiment.prompts.identity import PromptKind, identify
from meta_experiment.prompts.loading import loading_fault
from meta_experiment.prompts.slug import slug
from meta_experiment.services.acting.layering import placed_in_layer
from meta_experiment.services.acting.lifecycle import refuse_shared_files
from meta_experiment.services.kept_outside import RUNS, kept_outside
from meta_experiment.services.planning.conflicts import conflicts, told
from meta_experiment.services.planning.contents import Contents, contents_of
from meta_experiment.services.planning.dates_ahead import require_ahead
from meta_experiment.services.planning.forecast import forecast
from meta_experiment.services.planning.request import CONTROL, Request
from meta_experiment.services.planning.shaping import step_of_draft, vague_words
from meta_experiment.services.planning.sketching import (
    default_metric,
    is_drawn_elsewhere,
    new_plan,
)
from meta_experiment.services.planning.skill_folder import Arms, told_apart
from meta_experiment.services.planning.tried_before import tried_before
from meta_experiment.services.serving.client_places import place_of
from meta_experiment.services.serving.neighbours import note_nested
from meta_experiment.services.serving.reconciliation import GLANCE, reconcile_quietly
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import (
    Assignment,
    Direction,
    Experiment,
    Plan,
    Status,
    Unit,
)
from meta_experiment.types.covariates import SERVED_COVARIATES
from meta_experiment.types.results.creation import Creation
from meta_experiment.types.results.status_change import StatusChange
from meta_experiment.types.vocabulary import ConflictKind

_ON_THE_WALL = ("duration_seconds", "turn_duration_seconds")


def create(
    workspace: Workspace,
    request: Request,
    client: Path | None = None,
    *,
    manual: bool = False,
    check: Callable[[Experiment, Contents], str] | None = None,
) -> Creation:
    """Check a request whole, store the bytes of every arm, and register the experiment.

    `client` is the folder of the client, whose transcripts tell the prompt file's past.
    `manual` says that the user will serve and measure it, as with `start --manual`. `check`
    may refuse the experiment before anything of it is written, or says how it will be served.

    Raises:
        UsageError: the plan makes no sense. RefusedError: a file is no prompt by its name.
        NotFoundError, UnsafePathError: a file cannot be read safely. ConflictError: a file is
            under experiment already.
    """
    notes = [*request.notes]
    contents = _checked(workspace, request, notes)
    plan = plan_of(request, notes, manual=manual)
    now = workspace.clock()
    require_ahead(plan, now)
    others = workspace.store.experiments()
    inferred = not request.document.get("hypothesis")
    notes += vague_words(plan, inferred=inferred, manual=manual)
    # on the same file nothing is created
    found = conflicts(plan, plan.hypothesis, plan.files, others)
    notes += told(item for item in found if item.kind is ConflictKind.SAME_UNITS)
    notes += tried_before(workspace, plan.files, None if inferred else plan.hypothesis)[1]
    seen = forecast(workspace, plan, client=client)
    notes += seen.warnings
    notes += [] if seen.sooner is None else [seen.sooner]
    if not manual:
        notes += _notes_on_time(plan)
    how = list[str]()

    def draft(experiments: Sequence[Experiment]) -> Experiment:
        """Draft it and store its texts first; called again, it does so anew."""
        experiment = _draft(workspace, experiments, plan, contents, now)
        if check is not None:
            how.append(check(experiment, contents))
        workspace.checkout.ensure_ignored()
        workspace.store.save_variants(experiment.experiment_id, contents)
        return experiment

    with held("The plan was stored first: meta-experiment status"):
        experiment = workspace.store.add(draft)
        with suppress(OSError, MetaExperimentError):  # it only tells other roots of this one
            note_nested(workspace.layout, workspace.files)
        workspace.note(experiment, "create", None, f"created: {plan.hypothesis}")
        notes += reconcile_quietly(workspace, within=GLANCE)  # hides from git what is private
    step = step_of_draft(experiment, others)
    return Creation(
        experiment_id=experiment.experiment_id,
        status=experiment.status,
        outlook=seen.outlook.sentence,
        notes=tuple(notes),
        experiment=experiment,
        stage=step.stage,
        missing=step.missing,
        skill=step.skill,
        how=how[-1] if how else None,
    )


def drafted(workspace: Workspace, request: Request) -> Experiment:
    """Return the experiment that `create` would make; nothing is written. Raises as it does."""
    contents, plan = _checked(workspace, request, []), plan_of(request)
    require_ahead(plan, workspace.clock())
    return _draft(workspace, workspace.store.experiments(), plan, contents, workspace.clock())


def plan_of(
    request: Request,
    notes: list[str] | None = None,
    *,
    manual: bool = False,
    seed: int | None = None,
) -> Plan:
    """Return the plan of a request, with what it lacks filled in; `notes` get what that is.

    `seed` is what stands for one that the request does not name, else a random one does.

    Raises:
        UsageError: the plan makes no sense.
    """
    document = request.document if seed is None else {"seed": seed, **request.document}
    whole = _inferred(document, [] if notes is None else notes, manual=manual)
    return new_plan(redacted_plan(whole))


def _checked(workspace: Workspace, request: Request, notes: list[str]) -> dict[str, Arms]:
    """Read the contents of all arms, and refuse what the client would not load."""
    contents = contents_of(workspace, request)
    prompts = request.document["files"]
    texts = {path: {name: it for name, it in contents[path].items() if it} for path in prompts}
    notes += _notes(texts, workspace.root)
    if len(contents) > len(prompts):
        notes += told_apart(contents)
    return contents


def _draft(
    workspace: Workspace,
    experiments: Sequence[Experiment],
    plan: Plan,
    contents: Contents,
    now: float,
) -> Experiment:
    plan = placed_in_layer(plan, experiments)
    versions = {
        path: {name: item and item.version for name, item in arms.items()}
        for path, arms in contents.items()
    }
    experiment = Experiment(
        experiment_id=new_id(workspace, experiments, plan.name, now),
        plan=plan,
        plan_sha256=plan_sha256(plan, versions),
        status=Status.DRAFT,
        created=now,
        versions=versions,
    )
    refuse_shared_files(experiment, experiments)
    return experiment


def begun(made: Creation, change: StatusChange) -> Creation:
    """Return a new experiment as it is after it was started."""
    step = step_of_experiment(change.status, None, None)
    return replace(
        made,
        status=change.status,
        notes=(*made.notes, change.sentence, *change.notes),
        experiment=change.experiment,
        stage=step.stage,
        missing=step.missing,
        skill=step.skill,
    )


def _notes(contents: Mapping[str, Mapping[str, Content]], root: Path) -> list[str]:
    """Say what the client makes of the texts, and refuse those that it would not load."""
    notes = []
    for path, arms in contents.items():
        place = place_of(root, path)
        kind = place.kind if place else PromptKind.OTHER
        control = read_frontmatter(arms[CONTROL].data)
        unloaded = loading_fault(kind, arms[CONTROL].data)
        if unloaded:
            notes.append(f"The client does not load {as_word(path)}: {unloaded}.")
        for name, content in arms.items():
            if not content.data.strip():
                raise UsageError(f"{as_word(path)} ({name}) is empty; a prompt needs a text.")
            fault = loading_fault(kind, content.data)
            if fault and not unloaded:
                raise RefusedError(
                    f"The client would not load the text of {cite(name)} for {as_word(path)}: "
                    f"{fault}.",
                    hint="Mend it first; promoted as it is, it would take the prompt away.",
                )
            notes += _frontmatter_notes(
                f"{as_word(path)} ({name})", kind, control, content.data
            )
    return notes


def _frontmatter_notes(
    name: str, kind: PromptKind, control: Frontmatter, data: bytes
) -> Iterator[str]:
    read = read_frontmatter(data)
    changed = sorted(
        key
        for key in read.fields.keys() | control.fields.keys()
        if read.fields.get(key) != control.fields.get(key)
    )
    if read.ignored:
        yield f"{name}: {read.ignored}; the client reads nothing of it."
    elif read.unclear:
        yield f"{name}: {read.unclear}; how the client reads that is not known."
    elif changed and kind is not PromptKind.AGENT:
        yield (
            f"{name} differs from the control in its frontmatter "
            f"({', '.join(map(as_word, changed))}), which cannot be served live, but "
            "run on cases (--unit case) and promoted."
        )


def _inferred(document: Mapping[str, Any], notes: list[str], *, manual: bool) -> dict[str, Any]:
    """Fill in what the request lacks: name, hypothesis, primary metric, covariates, seed."""
    whole = {key: value for key, value in document.items() if value is not None}
    identity = identify(whole["files"][0]) if whole.get("files") else None
    if identity is None:
        raise UsageError(
            "No file is under experiment.", hint="Name one with --file PATH=VARIANT_PATH."
        )
    metrics = dict(whole.get("metrics") or {})
    if not metrics.get("primary"):
        metrics["primary"] = name = default_metric(whole, manual=manual)
        notes.append(f"The primary metric is {name}; name another with --primary-metric.")
    whole["metrics"] = metrics
    live = not (manual or is_drawn_elsewhere(whole) or identity.kind is PromptKind.OTHER)
    if live and whole.get("unit") != Unit.CASE.value and _takes_covariates(metrics["primary"]):
        whole.setdefault("covariates", list(SERVED_COVARIATES))
    whole.setdefault("seed", secrets.randbelow(2**31))
    whole.setdefault("name", f"{identity.name} ({identity.kind.value})")
    if not whole.get("hypothesis"):
        whole["hypothesis"] = _hypothesis(metrics["primary"], identity.name)
        notes.append(
            f"The hypothesis was inferred: {cite(whole['hypothesis'])} Say in your own what "
            "is changed, and why it should help: --hypothesis TEXT"
        )
    return whole


def _takes_covariates(primary: object) -> bool:
    return family_of(metric_from_document(primary, "metrics.primary")).takes_covariates


def _notes_on_time(plan: Plan) -> list[str]:
    """Say what time a plan measures, where it is not that of the work."""
    planned = (plan.primary, *(item.metric for item in plan.guardrails))
    named = [item.name for item in planned if item.name in _ON_THE_WALL]
    if plan.assignment is Assignment.EXTERNAL or not named:
        return []
    note = (
        f"{named[0]} is what a clock on the wall shows: the time in which you read, answer a "
        "question for permission or are away is in it. For the speed of the work name "
        "active_seconds."
    )
    return [note]


def _hypothesis(primary: object, prompt: str) -> str:
    metric = metric_from_document(primary, "metrics.primary")
    verb = "lowers" if metric.direction is Direction.LOWER else "raises"
    return f"The new text of {prompt} {verb} {metric.name}."


def new_id(
    workspace: Workspace, experiments: Sequence[Experiment], name: str, now: float
) -> str:
    """Make an id that sorts by day and says what it is about: exp-2026-01-31-review.

    An id that has trials or runs already is taken, whoever they are of: a registry that came
    back from an earlier commit, or an import that was cut off, must not lend them to another.
    """
    base = f"exp-{instants.day(now)}-{slug(name)}"
    return unused_id(workspace, experiments, base)


def unused_id(workspace: Workspace, experiments: Sequence[Experiment], base: str) -> str:
    """Return an id that nobody has: this one, or with a number behind it."""
    store = workspace.store
    taken = {item.experiment_id for item in experiments} | store.logged() | store.archived_ids()
    runs = kept_outside(workspace, RUNS)
    if runs is not None:
        with suppress(OSError):  # where it cannot be read, nothing is run either
            taken |= {path.name for path in runs.iterdir()}
    candidates = (base if turn == 1 else f"{base}-{turn}" for turn in range(1, 10_000))
    return next(item for item in candidates if item not in taken)
