"""Everything that is stored, held against everything else by checksums; nothing is changed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from meta_experiment.errors import MetaExperimentError, as_word
from meta_experiment.files.headway import steps
from meta_experiment.model.plan_document import plan_sha256
from meta_experiment.services.acting.holdouts import open_holdout, require_launched_on
from meta_experiment.services.health import stored_bytes
from meta_experiment.services.health.checking import journal, lost_registry
from meta_experiment.services.health.draws import draw_problems, weight_remarks
from meta_experiment.services.health.learnt_entries import learnt_entries
from meta_experiment.services.health.stored_bytes import Copies
from meta_experiment.services.left_out import left_out_finding
from meta_experiment.services.recording.admitting import sentences
from meta_experiment.services.serving import hiding
from meta_experiment.services.serving.placed import stand_in_version
from meta_experiment.services.strange_entries import strange_entries
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.history import last_statuses
from meta_experiment.store.local import health
from meta_experiment.store.local.board import other_version
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.tracked import TrackedLogs
from meta_experiment.store.trial_log import WHOLE_SOURCE
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.health import Finding, Health

REPAIR = "meta-experiment repair"
RECOVER = "meta-experiment recover"
_SHOWN = 20  # problems of one kind
_UNSEEN = "not looked at: the registry says which there are"
_LOST = "No copy is left here: bring it back from version control or a backup of yours."

Problem = tuple[str, str | None]  # what is wrong, and what to run


def verify(workspace: Workspace) -> Health:
    """Hold registry, variants, backups, logs, summaries, board and history together."""
    counting = workspace.checkout.counting(remembered=False)
    findings = [*_folder(workspace, counting.tracked), journal(workspace)]
    try:
        experiments = workspace.store.experiments()
    except MetaExperimentError as error:
        findings.append(Finding("registry", ok=False, detail=error.message, hint=error.hint))
        return _health(workspace, [*findings, *_unseen(workspace)])
    lost = lost_registry(workspace)
    if lost is not None:
        return _health(workspace, [*findings, lost, *_unseen(workspace)])
    findings += strange_entries(workspace)
    findings += left_out_finding(workspace)
    findings += _area("registry", experiments, _plan, "experiments, plans unchanged")
    registered, faults = len(experiments), list[Problem]()
    experiments = [*experiments, *put_away(workspace, experiments, faults)]
    if len(experiments) > registered or faults:
        shown = f"{len(experiments) - registered:,} experiments put away"
        findings += _reported("archive", faults, shown)
    copies = Copies(workspace, experiments)
    findings += _experiments(workspace, experiments, copies, counting)
    findings += _backups(workspace, copies)
    findings += _board(workspace, experiments[:registered])
    findings += learnt_entries(workspace, thorough=True)
    return _health(workspace, findings)


def _health(workspace: Workspace, findings: Iterable[Finding]) -> Health:
    return Health.of(sys.executable, str(workspace.root), findings)


def _unseen(workspace: Workspace) -> Iterator[Finding]:
    """Look at what can be seen without the registry, and say what was left out."""
    yield Finding("experiments", ok=True, detail=_UNSEEN, hint=RECOVER)
    yield from _backups(workspace, Copies(workspace, []))


def _experiments(
    workspace: Workspace, experiments: list[Experiment], copies: Copies, counting: Counting
) -> Iterator[Finding]:
    """Hold what is stored of each experiment against what the registry says of it."""
    look = _over(workspace, experiments)
    twice: list[Finding] = []
    yield from look(
        "variants",
        partial(_variants, copies),
        "experiments, stored texts as their plans name them",
    )
    yield from look(
        "originals",
        partial(_originals, copies, experiments),
        "experiments, every promotion can be rolled back",
    )
    yield from look("prompt files", _prompt_files, "experiments, files as they left them")
    yield from look(
        "logs",
        partial(_logs, twice, counting),
        "experiments, every line is a trial of its plan",
    )
    yield from twice
    yield from look(
        "draws",
        partial(draw_problems, counting),
        "experiments, no draw is missing, and those of bandits follow from seed and log",
    )
    yield from look(
        "summaries", partial(_summary, counting), "experiments, equal to their logs"
    )
    yield from look("history", _history, "experiments, statuses as the history says")


def _over(
    workspace: Workspace, experiments: list[Experiment]
) -> Callable[..., Iterator[Finding]]:
    def look(
        name: str, problems: Callable[[Workspace, Experiment], Iterator[Problem]], fine: str
    ) -> Iterator[Finding]:
        yield from _area(name, experiments, lambda item: problems(workspace, item), fine)

    return look


def _area(
    name: str,
    experiments: list[Experiment],
    problems: Callable[[Experiment], Iterator[Problem]],
    fine: str,
) -> Iterator[Finding]:
    """Say what is wrong in each experiment, or once that nothing is."""
    found: list[Problem] = []
    for item in steps(experiments, f"looking at {name}"):
        try:
            mine = list(problems(item))
        except MetaExperimentError as error:
            mine = [(error.message, error.hint)]
        except OSError as error:
            mine = [(f"{error.filename}: {error.strerror}", None)]
        found += [(f"{item.experiment_id}: {detail}", hint) for detail, hint in mine]
    yield from _reported(name, found, f"{len(experiments):,} {fine}")


def _reported(name: str, found: list[Problem], fine: str) -> Iterator[Finding]:
    if not found:
        yield Finding(name, ok=True, detail=fine)
    for detail, hint in found[:_SHOWN]:
        yield Finding(name, ok=False, detail=detail, hint=hint)
    if len(found) > _SHOWN:
        yield Finding(name, ok=False, detail=f"{len(found) - _SHOWN:,} more of this kind")


def put_away(
    workspace: Workspace, registered: list[Experiment], faults: list[Problem]
) -> Iterator[Experiment]:
    """Yield the experiments of the archive, and add what is wrong with the others to faults."""
    store = workspace.store
    for name in sorted(store.archived_ids() - {item.experiment_id for item in registered}):
        try:
            yield store.archived(name)
        except MetaExperimentError as error:
            faults.append((error.message, error.hint))


def _plan(experiment: Experiment) -> Iterator[Problem]:
    inherited = experiment.inline_trials and not experiment.versions
    if inherited:  # its hash is that of the older entry, which is no more
        return
    if plan_sha256(experiment.plan, experiment.versions) != experiment.plan_sha256:
        yield (
            "its plan or file hashes are not those it was registered with: an edit by hand",
            "Undo that edit; to change a plan on the record: meta-experiment amend --help",
        )


def _variants(
    copies: Copies, workspace: Workspace, experiment: Experiment
) -> Iterator[Problem]:
    for missing in health.missing_texts(workspace.layout, experiment):
        hint = _way_back(copies, missing.version.sha256)
        if hint != REPAIR and experiment.status.is_open:
            hint += f" Or end it: meta-experiment stop {experiment.experiment_id}"
        yield missing.error.message, hint


def _originals(
    copies: Copies, others: list[Experiment], workspace: Workspace, experiment: Experiment
) -> Iterator[Problem]:
    for path, digest in stored_bytes.missing_originals(workspace, experiment):
        yield (
            f"the text of {as_word(path)} before the promotion is gone: no way back",
            _way_back(copies, digest),
        )
    holdout = open_holdout(others, experiment.experiment_id)
    if holdout is not None and experiment.status is Status.PROMOTED:
        require_launched_on(holdout, experiment)


def _way_back(copies: Copies, digest: str) -> str:
    """Say what brings a text back: only a person can where no copy of it is left."""
    return REPAIR if copies.find(digest) is not None else _LOST


def _prompt_files(workspace: Workspace, experiment: Experiment) -> Iterator[Problem]:
    """A running experiment's files must hold the control, or what serves in its place."""
    if experiment.status is not Status.RUNNING:
        return
    for path, arms in experiment.versions.items():
        content = stored_bytes.present(workspace, path)
        control = arms.get(experiment.plan.control.name)
        if stand_in_version(workspace, experiment, path) is not None:
            continue
        if (content and content.sha256) != (control and control.sha256):
            found = "not the control any more"
            if content is None or control is None:
                found = "gone" if content is None else "there, which the control does not have"
            yield (
                f"{as_word(path)} is {found}",
                f"Bring the file back, or: meta-experiment stop {experiment.experiment_id}",
            )


def _logs(
    twice: list[Finding], counting: Counting, workspace: Workspace, experiment: Experiment
) -> Iterator[Problem]:
    name = experiment.experiment_id
    log = health.trials_in_logs(workspace.layout, counting, experiment)
    for item in health.new_damage(workspace.layout, experiment, log):
        yield item.sentence, REPAIR
    folder = workspace.layout.trials(name)
    for item in log.set_aside:
        if item.line_number == WHOLE_SOURCE:
            place = shlex.quote(str(folder / item.source))
            yield item.sentence, f"Look what it is, then take it away: rm -r {place}"
    if log.set_aside_count > len(log.set_aside):
        yield f"{log.set_aside_count - len(log.set_aside):,} more damaged lines", None
    known = {variant.name for variant in experiment.plan.variants}
    strange = {trial.variant for trial in log.trials} - known
    for variant in sorted(strange)[:_SHOWN]:
        yield f"trials of a variant that the plan does not have: {variant}", None
    # Nothing is lost by these and nothing is to be mended, so they are no faults.
    remarks = [
        *sentences(name, log.apart),
        *(item.sentence for item in log.conflicts),
        *weight_remarks(counting, workspace, experiment),
    ]
    twice += [
        Finding(
            "logs", ok=True, detail=f"{name}: {sentence}", hint=f"meta-experiment trials {name}"
        )
        for sentence in remarks[:_SHOWN]
    ]


def _summary(
    counting: Counting, workspace: Workspace, experiment: Experiment
) -> Iterator[Problem]:
    for file, place in health.edited_logs(workspace.layout, counting, experiment):
        yield f"{file} was edited at byte {place:,}, after it had been read", REPAIR
    if not health.summary_is_sound(workspace.layout, counting, experiment):
        yield "its summary differs from its logs", REPAIR


def _history(workspace: Workspace, experiment: Experiment) -> Iterator[Problem]:
    name = experiment.experiment_id
    history = workspace.store.history(name)
    for item in history.set_aside:
        yield item.sentence, None
    last = last_statuses(history.entries)
    if last and experiment.status.value not in last:
        yield (
            f"its history ends at {last[0]}, the registry says {experiment.status.value}",
            REPAIR,
        )


def _backups(workspace: Workspace, copies: Copies) -> Iterator[Finding]:
    found: list[Problem] = [
        (
            f"{name[:16]}… does not hold what its name promises",
            _way_back(copies, name),
        )
        for name in stored_bytes.damaged_backups(workspace)
    ]
    fine = f"{len(stored_bytes.backup_names(workspace)):,} originals, each as its name says"
    yield from _reported("backups", found, fine)


def _board(workspace: Workspace, experiments: list[Experiment]) -> Iterator[Finding]:
    layout = workspace.layout
    if not layout.board.exists() or other_version(layout):
        yield Finding("board", ok=True, detail="none kept; the next status makes it")
        return
    board = workspace.checkout.board()
    wrong = board.registry is None
    if board.registry is not None and board.registry_unchanged(layout):
        rows = {name: entry.row.get("status") for name, entry in board.entries.items()}
        wrong = rows != {item.experiment_id: item.status.value for item in experiments}
    found: list[Problem] = [("board.json is damaged or of other experiments", REPAIR)]
    yield from _reported("board", found if wrong else [], "agrees with the registry")


def _folder(workspace: Workspace, asked: TrackedLogs) -> Iterator[Finding]:
    """Nothing below the folder is a link, open to everybody, or wrongly known to git."""
    found: list[Problem] = []
    for path, fault, remedy in health.unsafe(workspace.layout):
        shown = path.relative_to(workspace.root).as_posix()
        found.append((f"{shown} {fault}", f"{remedy} {shlex.quote(shown)}"))
    if asked.unknown:
        found.append((f"git cannot say what it tracks here: {asked.unknown}", asked.remedy))
    try:
        found += hiding.problems(workspace)
    except OSError as error:
        found.append((f"{error.filename} cannot be read: {error.strerror}", None))
    yield from _reported("folder", found, "private, no links, local files unknown to git")
