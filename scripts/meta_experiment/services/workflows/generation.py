"""The next generation of a workflow's experiment, planned by what is known of this one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from meta_experiment.errors import GitError, NotFoundError, RefusedError, cite
from meta_experiment.files.confine import Content
from meta_experiment.files.content_diff import unified_diff
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.records import dataclass
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.workflows.draw_terms import ARCHIVE, draw_terms
from meta_experiment.services.workflows.held_experiment import holding
from meta_experiment.services.workflows.workflow_files import WorkflowFile, find_workflow
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Analysis, Experiment
from meta_experiment.types.results.workflow_generation import (
    GenerationPlan,
    WinnerSource,
)
from meta_experiment.types.results.workflow_list import CompiledState
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.arm_names import arm_names, as_declared
from meta_experiment.workflows.conditions import unmentioned, unmet
from meta_experiment.workflows.document import document_of
from meta_experiment.workflows.rewriting import Rewriting, declared_in, rewritten
from meta_experiment.workflows.state.branches import read_branch
from meta_experiment.workflows.state.generations import all_before
from meta_experiment.workflows.state.ledger import RunLedger
from meta_experiment.workflows.state.parsing import read_state
from meta_experiment.workflows.state.tally import Tally, tally
from meta_experiment.workflows.state.tally import notes as tally_notes
from meta_experiment.workflows.variant_ranking import (
    chosen_winner,
    next_generation,
    ranking,
    winner_of,
)

_MODE = 0o644
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Request of the user: whose next generation, and what they say of it."""

    workflow: str
    experiment: str
    winner: str | None = None
    variants: tuple[str, ...] = ()
    archive: str = ARCHIVE
    state: str | None = None


@dataclass(frozen=True, slots=True)
class KnownOutcome:
    """What is known of an experiment: the state of its runs, and the analysis of outcomes."""

    ledger: RunLedger | None
    runs: Mapping[str, int]
    experiment: Experiment | None
    analysis: Analysis | None
    notes: tuple[str, ...]


def plan_generation(
    workspace: Workspace, request: GenerationRequest, directory: Path, *, apply: bool
) -> GenerationPlan:
    """Plan the next generation, and with `apply` archive this one and rewrite the workflow.

    Raises:
        NotFoundError: there is no such workflow, experiment or variant. UsageError: fewer than
            two variants would be left. RefusedError: nothing has won, or the workflow has to be
            put right first. DriftError: the workflow changed meanwhile. StorageError: a file
            cannot be read or written; then neither changed.
    """
    file = find_workflow(workspace.root, directory, request.workflow)
    if file.compiled is CompiledState.ALONE:
        raise RefusedError(
            f"{file.path} is compiled; only its source can be rewritten.",
            hint=f"Name the source of {file.name}: a file that ends in .md",
        )
    declared = declared_in(file.document, request.experiment)
    known = _known(workspace, file, declared, request.state, directory)
    plan, rewriting = _planned(file, declared, known, request)
    if not apply:
        return plan
    if plan.winner is None or rewriting is None:
        raise RefusedError(
            f"Nothing has won {declared.name}: {plan.reason}",
            hint="Name the winner yourself, if you must: --winner NAME",
        )
    if rewriting.text == file.document.text:
        raise RefusedError(
            f"There is nothing to change: {declared.name} has these variants already, with "
            f"{cite(plan.winner)} as the control.",
            hint="Name one that is to beat it: --variant NAME",
        )
    from meta_experiment.services.workflows.generation_landing import Generation, land

    text = _content(file, rewriting.text)
    generation = Generation(file.content, text, known.ledger, known.analysis)
    return land(workspace, plan, generation, request.archive.strip() or ARCHIVE)


def _planned(
    file: WorkflowFile,
    declared: DeclaredExperiment,
    known: KnownOutcome,
    request: GenerationRequest,
) -> tuple[GenerationPlan, Rewriting | None]:
    names = arm_names(declared.variants)
    ranked = ranking(declared, known.runs, known.analysis, names)
    earlier = _other_control(known, names[declared.control])
    decided = None if earlier else winner_of(known.analysis, names)
    winner = chosen_winner(request.winner, declared) if request.winner is not None else decided
    after, rewriting = declared.variants, None
    if winner is not None:
        after = next_generation(winner, ranked, request.variants)
        rewriting = rewritten(file.document, declared.name, after)
    text = rewriting.text if rewriting else file.document.text
    document = document_of(text)
    analysis = known.analysis
    why = earlier or (analysis.reason if analysis else "")
    overridden = request.winner is not None and request.winner != decided
    source = WinnerSource.OVERRIDE if overridden else WinnerSource.DECISION
    plan = GenerationPlan(
        workflow=file.name,
        file=file.path,
        experiment=declared.name,
        branch=file.branch,
        winner=winner,
        chosen_by=source if winner is not None else None,
        experiment_id=known.experiment.experiment_id if known.experiment else None,
        decision=analysis.decision.value if analysis else None,
        reason_code=analysis.reason_code.value if analysis else None,
        reason=as_declared(why, names) if why else _no_outcomes(file),
        minimum=declared.min_samples,
        current_variants=declared.variants,
        next_variants=after,
        next_weight=rewriting.weight if rewriting else declared.weight,
        ranking=ranked,
        conditions=unmet(document, declared.name, after),
        alike=unmentioned(document, declared.name, after),
        archive=None,
        compile=file.compile_always,
        diff=unified_diff(file.path, file.content, _content(file, text)),
        notes=(*known.notes, *_notes(file, declared, known, rewriting)),
    )
    return plan, rewriting


def _other_control(known: KnownOutcome, control: str) -> str:
    """Say that a decision is of the generation before; "" where it is not."""
    compared = known.experiment.plan.control.name if known.experiment else control
    if compared == control:
        return ""
    return (
        f"the decision is of an experiment that compares with {compared}, which is not the "
        "control any more; import the runs since then."
    )


def _no_outcomes(file: WorkflowFile) -> str:
    return (
        "no outcomes of its runs were imported, so that nothing is known of how variants did: "
        f"meta-experiment import FOLDER --workflow {shlex.quote(file.name)}"
    )


def _notes(
    file: WorkflowFile,
    declared: DeclaredExperiment,
    known: KnownOutcome,
    rewriting: Rewriting | None,
) -> list[str]:
    found = list(rewriting.notes if rewriting else ())
    least, runs = declared.min_samples, known.runs
    short = [item for item in declared.variants if runs.get(item, 0) < least]
    if short and known.ledger is not None:
        found.append(
            f"{len(short)} of {len(declared.variants)} variants have fewer than {least} runs: "
            "counts rank nothing"
        )
    if file.compiled is CompiledState.STALE:
        found.append("the compiled workflow was older than its source already")
    return found


def _known(
    workspace: Workspace,
    file: WorkflowFile,
    declared: DeclaredExperiment,
    state: str | None,
    directory: Path,
) -> KnownOutcome:
    ledger, notes = _ledger(workspace, file, state, directory)
    dates, runs = draw_terms(workspace, file, declared), dict[str, int]()
    if ledger is not None:
        counted = tally(ledger, declared.name, dates, declared.variants)
        runs = {name: item.total for name, item in counted.variants.items()}
        notes = [*notes, *_dropped(ledger, counted), *tally_notes(counted, declared.variants)]
    experiment = holding(workspace.store.experiments(), file.name, declared)
    analysis = None
    if experiment is not None:
        log = workspace.store.trials(experiment)
        control = arm_names(declared.variants)[declared.control]
        same = experiment.plan.control.name == control
        begun = (item.assigned_at for item in reversed(log.trials))  # the newest tells most
        if same and all_before(begun, declared.variants, dates):
            notes = [
                *notes,
                f"the runs of {experiment.experiment_id} are of a generation before",
            ]
            experiment = None
        else:
            analysis = examine(workspace, experiment, log=log).analysis
    return KnownOutcome(ledger, runs, experiment, analysis, tuple(notes))


def _dropped(ledger: RunLedger, counted: Tally) -> Iterator[str]:
    """Say what of a state tells nothing of an experiment."""
    for bad in ledger.bad[:_MOST_TOLD]:
        yield f"set aside: {bad.sentence}"
    if len(ledger.bad) > _MOST_TOLD:
        yield f"set aside: {len(ledger.bad) - _MOST_TOLD:,} more that cannot be read"
    others = sum(counted.experiment not in run.assignments for run in ledger.runs)
    if others:
        whole = "; is it another workflow's?" if others == len(ledger.runs) else ""
        yield f"{others:,} runs of its state have no variant of {counted.experiment}{whole}"


def _ledger(
    workspace: Workspace, file: WorkflowFile, state: str | None, directory: Path
) -> tuple[RunLedger | None, list[str]]:
    """Return the state of a workflow: of a file, else of its branches, the remote's too."""
    if state is not None:
        path = directory / state
        try:
            return read_state(FileSystem().read(path), path.name), []
        except FileNotFoundError:
            raise NotFoundError(
                f"There is no state file {path}.", hint="Name one: --state FILE"
            ) from None
    if file.branch is None:
        return None, ["its state is in the cache of the repository's workflows: --state FILE"]
    if workspace.git is None:
        return None, ["git is not installed, so that the branch with its state cannot be read"]
    try:
        return read_branch(workspace.git, file.name).ledger, []
    except NotFoundError as error:
        return None, [error.told]
    except GitError as error:
        return None, [f"its state cannot be read: {error.message}"]


def _content(file: WorkflowFile, text: str) -> Content:
    return Content(text.encode(), file.content.mode)
