"""An action worked out to the byte, before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from meta_experiment.decide.reporting.discoveries import promotion_evidence
from meta_experiment.deploy import FileChange, merge, version_of
from meta_experiment.files.confine import Content
from meta_experiment.files.content_diff import unified_diff
from meta_experiment.prompts.identity import require_files, skill_around
from meta_experiment.records import dataclass
from meta_experiment.services.serving.placed import original, stand_in_version, without_stand_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import (
    Action,
    Analysis,
    Experiment,
    FileReplacement,
    FileVersion,
    Outcome,
)

_LARGEST = 1e308  # that a file of JSON can hold


@dataclass(frozen=True, slots=True)
class ActionPlan:
    """An action worked out to the byte: the files, the outcome, the words for the commit.

    `user_content` is what stood at a path for the user where that is not what is found there:
    the control, with the user's edits, while a stand-in serves it. One that is `decided` has an
    outcome with its change and files already, which is recorded as it is.
    """

    experiment: Experiment
    outcome: Outcome
    files: tuple[FileChange, ...]
    verb: str
    user_content: Mapping[str, Content] = field(default_factory=dict)
    decided: bool = False


def file_changes(
    workspace: Workspace,
    experiment: Experiment,
    *,
    bases: Mapping[str, FileVersion | None],
    targets: Mapping[str, Content | None],
    merged: bool,
) -> tuple[tuple[FileChange, ...], dict[str, Content]]:
    """Work out each file, and what stood there for the user where a stand-in is found.

    With `merged`, edits made since are kept beside the change.

    Raises:
        RefusedError: a file is none of a prompt's, whatever the registry says.
    """
    require_files(targets, experiment.plan.files)
    changes, user_content = list[FileChange](), dict[str, Content]()
    for path, target in targets.items():
        base = bases[path]
        beside = skill_around(path, experiment.plan.files)
        expected, wanted = _with_present_mode(workspace, path, base, target)
        stand_in = behind_stand_in(workspace, experiment, path)
        if stand_in is not None and target is not None:
            expected, user_content[path] = stand_in
            wanted = Content(target.data, user_content[path].mode)
        elif merged and base is not None and target is not None:
            found = workspace.prompt(path)
            expected = found.version
            edited = without_stand_in(workspace, experiment.experiment_id, path, found)
            if edited != found:
                user_content[path] = edited
            control = workspace.stored(experiment, path, base)
            wanted = merge(
                path, edited=edited, control=control, treatment=target, git=workspace.git
            )
        changes.append(FileChange(path, expected, wanted, beside))
    return tuple(changes), user_content


def _with_present_mode(
    workspace: Workspace, path: str, base: FileVersion | None, target: Content | None
) -> tuple[FileVersion | None, Content | None]:
    """Take a mode that changed alone, as git changes it on checkout, for no edit: keep it.

    Unless the mode is what changes.
    """
    if base is None or target is None or not (workspace.root / path).exists():
        return base, target
    present = workspace.prompt(path)
    if present.sha256 != base.sha256 or present.mode == base.mode:
        return base, target
    mode = present.mode if target.mode == base.mode else target.mode
    return present.version, Content(target.data, mode)


def behind_stand_in(
    workspace: Workspace, experiment: Experiment, path: str
) -> tuple[FileVersion, Content] | None:
    """Return the stand-in where exactly that stands at a path, and the control behind it."""
    found = stand_in_version(workspace, experiment, path)
    if found is None:
        return None
    data = original(workspace, experiment.experiment_id, path)
    return found, Content(data, found.mode)


def without_stand_ins(
    workspace: Workspace, experiment: Experiment
) -> tuple[tuple[FileChange, ...], dict[str, Content]]:
    """Work out how each stand-in is exchanged for the control, and what that is."""
    changes, user_content = list[FileChange](), dict[str, Content]()
    for path in experiment.versions:
        found = behind_stand_in(workspace, experiment, path)
        if found is not None:
            stand_in, user_content[path] = found
            changes.append(FileChange(path, stand_in, user_content[path]))
    return tuple(changes), user_content


def replaced_versions(
    files: Sequence[FileChange], user_content: Mapping[str, Content]
) -> dict[str, FileReplacement]:
    """Say for the record what each file was to the user and is now, stand-ins left out."""
    pairs = {
        item.path: FileReplacement(
            version_of(user_content[item.path]) if item.path in user_content else item.expected,
            version_of(item.target),
        )
        for item in files
    }
    return {
        path: pair
        for path, pair in pairs.items()
        if path not in user_content or pair.before != pair.after
    }


def difference(plan: ActionPlan) -> str:
    """Show what changes for the user, whose text is not the stand-in."""
    return "".join(
        unified_diff(item.path, plan.user_content.get(item.path), item.target)
        for item in plan.files
        if item.target != plan.user_content.get(item.path)
    )


def outcome_of(
    workspace: Workspace,
    action: Action,
    analysis: Analysis | None,
    reason: str,
    treatment: str | None = None,
) -> Outcome:
    """Return what the record says of an action: the evidence then, and why it was done.

    That is of a treatment, where one is meant, of the winner or of the first.
    """
    if analysis is None:
        return Outcome(action, workspace.clock(), None, None, reason)
    meant = treatment or analysis.winner
    best = next(
        (item for item in analysis.primary.comparisons if item.treatment == meant),
        analysis.primary.comparisons[0] if analysis.primary.comparisons else None,
    )
    evidence = promotion_evidence(analysis, best.treatment) if best else None
    return Outcome(
        action=action,
        at=workspace.clock(),
        decision=analysis.decision,
        reason_code=analysis.reason_code,
        reason=reason,
        improvement=best.estimate.relative if best else None,
        e_value=_finite(evidence),
        trials=sum(item.trials for item in analysis.samples.values()),
    )


def _finite(e_value: float | None) -> float | None:
    return None if e_value is None else min(e_value, _LARGEST)
