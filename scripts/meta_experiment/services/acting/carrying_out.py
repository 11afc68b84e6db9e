"""What a team decided, carried out once: a commit on its branch, or a pull request into it."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.deploy import FileChange
from meta_experiment.deploy.on_branch import (
    BranchChange,
    BranchCommit,
    WaitingChange,
    commit_on_branch,
    look_after,
)
from meta_experiment.errors import (
    DependencyError,
    InvalidStateError,
    NetworkError,
    RemoteError,
)
from meta_experiment.files.confine import Content
from meta_experiment.services.acting.execution import action_message
from meta_experiment.services.teams.change_places import own_branch
from meta_experiment.services.teams.said_decisions import CarriedOut
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import CarryOut, Experiment, Outcome, TeamTerms

_REPOSITORY = "GITHUB_REPOSITORY"  # of a remote whose address does not say it


def carry_out(workspace: Workspace, experiment: Experiment, outcome: Outcome) -> CarriedOut:
    """Bring a promoted text to the team's branch, or ask for it; what was done is found.

    Raises:
        DriftError: there a file is not the control any more.
        GitError: the remote does not answer, or refuses.
        NetworkError, RemoteError, DependencyError: GitHub does; the branch is pushed.
    """
    team, change = _change(workspace, experiment, outcome)
    if team.carry_out is CarryOut.COMMIT:
        done = commit_on_branch(workspace.git, change, team.branch, team.branch)
        return CarriedOut(done.commit, done.branch, "", done.taken_back)
    own = own_branch(experiment.experiment_id)
    done = commit_on_branch(workspace.git, change, team.branch, own)
    if done.branch == team.branch:  # nobody is to be asked any more
        return CarriedOut(done.commit, done.branch, "", done.taken_back)
    try:
        url = _asked(workspace.machine.environment, team, done, change.message)
    except (NetworkError, RemoteError, DependencyError) as error:
        raise type(error)(
            f"The branch {own} is pushed, and has no pull request yet: {error.message}",
            hint=error.hint,
        ) from error
    return CarriedOut(done.commit, done.branch, url, done.taken_back)


def waiting_change(
    workspace: Workspace, experiment: Experiment, outcome: Outcome
) -> WaitingChange:
    """Look how a promotion stands that was asked for by a pull request.

    Raises:
        GitError, DriftError: it cannot be seen.
    """
    team, change = _change(workspace, experiment, outcome)
    own = own_branch(experiment.experiment_id)
    return look_after(workspace.git, change, team.branch, own)


def _change(
    workspace: Workspace, experiment: Experiment, outcome: Outcome
) -> tuple[TeamTerms, BranchChange]:
    team = experiment.plan.team
    if team is None or outcome.winner is None or outcome.change_id is None:
        raise InvalidStateError(
            f"Nothing of {experiment.experiment_id} is to be carried out.",
            hint=f"meta-experiment status {experiment.experiment_id}",
        )
    controls, files = changes_of(workspace, experiment, outcome.winner)
    message = action_message(experiment, outcome, outcome.change_id)
    return team, BranchChange(outcome.change_id, files, controls, message, outcome.at)


def target_of(team: TeamTerms) -> str:
    """Say where a promotion goes."""
    if team.carry_out is CarryOut.COMMIT:
        return f"a commit on {team.branch}"
    return f"a pull request into {team.branch}"


def changes_of(
    workspace: Workspace, experiment: Experiment, winner: str
) -> tuple[dict[str, Content | None], list[FileChange]]:
    """Return what stands on the branch and what is to stand there, of what is to change."""
    controls = workspace.store.variant(experiment, experiment.plan.control.name)
    targets = workspace.store.variant(experiment, winner)
    changed = [path for path in controls if controls[path] != targets.get(path)]
    files = []
    for path in changed:
        control = controls[path]
        files.append(FileChange(path, control and control.version, targets.get(path)))
    return {path: controls[path] for path in changed}, files


def _asked(
    environment: Mapping[str, str], team: TeamTerms, done: BranchCommit, message: str
) -> str:
    """Open the pull request of a branch; return its address, empty where no host is known."""
    from meta_experiment.outbound.github.client import GitHub
    from meta_experiment.outbound.github.pull_requests import (
        PullRequestText,
        open_once,
        repository_at,
    )

    named = repository_at(done.url)
    if named is None and environment.get(_REPOSITORY):
        named = "", environment[_REPOSITORY]
    if named is None:
        return ""
    host, repository = named
    title, _, body = message.partition("\n\n")
    text = PullRequestText(done.branch, team.branch, title, body)
    return open_once(GitHub.at(environment, host), repository, text).url
