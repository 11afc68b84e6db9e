"""One exchange with the team's store, both ways: what is new here, and what is new there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from meta_experiment.errors import (
    ConflictError,
    CorruptStoreError,
    DriftError,
    ForbiddenError,
    HeldStoreError,
    InvalidStateError,
    LockedError,
    MetaExperimentError,
    NewerVersionError,
    RefusedError,
    as_word,
)
from meta_experiment.files.headway import steps
from meta_experiment.files.lock import FileLock
from meta_experiment.services.find import find_in
from meta_experiment.services.teams.exchange_note import note_exchange, note_failure
from meta_experiment.services.teams.membership import (
    BelievedMachines,
    Membership,
    believed,
    not_counted,
    require_owner,
)
from meta_experiment.services.teams.publications import (
    is_published,
    publish,
    require_own_plan,
    why_aside,
)
from meta_experiment.services.teams.pulling import pull
from meta_experiment.services.teams.seen_machines import seen_machines
from meta_experiment.services.teams.shipping import ship_logs
from meta_experiment.services.teams.store_address import opened_member
from meta_experiment.services.teams.store_losses import bring_members_back, losses
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.outgoing import own_logs
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.team_store import ExchangedExperiment, StoreExchange

Exchanged = TypeVar("Exchanged")
_OF_ONE = (
    RefusedError,
    ConflictError,
    DriftError,
    CorruptStoreError,
    ForbiddenError,
    HeldStoreError,
)


def exchange_now(workspace: Workspace, by: Callable[[Membership], Exchanged]) -> Exchanged:
    """Open the store that is in use and exchange by what is given; what stops it is noted.

    Raises:
        MetaExperimentError: also where the store cannot be opened.
    """
    try:
        with opened_member(workspace) as member:
            return by(member)
    except InvalidStateError:
        raise  # of what was asked for
    except MetaExperimentError as error:
        if isinstance(error, HeldStoreError) or not isinstance(error, LockedError):
            note_failure(workspace, error.message)
        raise


def exchange(
    workspace: Workspace,
    member: Membership,
    selectors: Sequence[str] = (),
    known: BelievedMachines | None = None,
) -> StoreExchange:
    """Ship and pull the named experiments, or all; what one refuses stops no other.

    Who counts is read from the store unless it is `known` from a moment ago. A checkout that
    ships alone takes trials of others where their experiment is named, as who decides it does.

    Raises:
        NetworkError, RemoteError: the store does not answer, or refuses; what was done stands.
        RefusedError: it is another's store. LockedError: another process exchanges just now.
    """
    with FileLock(workspace.layout.lock("store"), verb="store ship"):
        require_owner(member)
        chosen = team_experiments(workspace, selectors)
        at_work = _Exchanging(workspace, member, known or believed(member))
        takes = member.setting.pulls or bool(selectors)
        done = [
            at_work.exchanged(experiment, takes=takes)
            for experiment in steps(chosen, "exchanging trials")
        ]
        found = at_work.result(done)
        had = at_work.had({item.experiment_id for item in done})
        alone = not member.setting.pulls
        seen = member.signer.machine, seen_machines(at_work.known)
        note_exchange(workspace, found, had, seen, whole=not selectors, alone=alone)
        return found


def team_experiments(workspace: Workspace, selectors: Sequence[str] = ()) -> list[Experiment]:
    """Return the named experiments, or all that are of a team by their plans and began.

    Raises:
        InvalidStateError: one that is named is of no team, or a draft.
    """
    if not selectors:
        every = workspace.store.experiments()
        return [item for item in every if item.plan.team and item.status is not Status.DRAFT]
    chosen = [find_in(workspace.store, item) for item in selectors]
    for item in chosen:
        if item.plan.team is None:
            raise InvalidStateError(
                f"The plan of {item.experiment_id} names no team: its trials stay here.",
                hint="A plan says so before it begins: meta-experiment create … --team BRANCH",
            )
        if item.status is Status.DRAFT:
            raise InvalidStateError(
                f"{item.experiment_id} is a draft and has no trials.",
                hint=f"meta-experiment start {item.experiment_id}",
            )
    return chosen


class _Exchanging:
    """One exchange: what the store had when it began, and what came of each experiment."""

    def __init__(
        self, workspace: Workspace, member: Membership, known: BelievedMachines
    ) -> None:
        self._workspace, self._member, self.known = workspace, member, known
        self._published = {item.experiment_id: item for item in member.exchange.published()}
        self._sizes = member.exchange.sizes()
        self._lost = tuple(losses(workspace, member, self.known, self._published, self._sizes))
        if bring_members_back(workspace, member, self.known):
            self.known = believed(member)

    def exchanged(self, experiment: Experiment, *, takes: bool) -> ExchangedExperiment:
        """Exchange one experiment; what refuses it is told."""
        workspace, member = self._workspace, self._member
        name, refused, shipped = experiment.experiment_id, None, 0
        try:
            aside = self._published_aside(experiment)
            try:
                shipped = ship_logs(workspace, member, experiment, self._sizes)
            except (  # what others wrote is as it was
                ConflictError,
                CorruptStoreError,
                HeldStoreError,
            ) as error:
                refused = error.told
            pulled = pull(workspace, member, experiment, self.known, takes=takes)
        except NewerVersionError:
            raise
        except _OF_ONE as error:
            return ExchangedExperiment(name, shipped, 0, 0, (), error.told)
        aside += pulled.aside
        return ExchangedExperiment(name, shipped, pulled.lines, pulled.removed, aside, refused)

    def _published_aside(self, experiment: Experiment) -> tuple[str, ...]:
        """See to it that the store has an experiment; say why what it has is set aside."""
        workspace, member = self._workspace, self._member
        name = experiment.experiment_id
        if _takes_part(workspace, experiment):
            require_own_plan(experiment)
            if name not in self._published:
                publish(workspace, member, experiment)
                known = member.exchange.published(name)
                self._published |= {item.experiment_id: item for item in known}
        found = self._published.get(name)
        why = found and why_aside(member, self.known, experiment, found)
        if not (found and why):
            return ()
        machine = as_word(found.machine)
        return (f"the plan that machine {machine} published under this id: {why}",)

    def result(self, done: Sequence[ExchangedExperiment]) -> StoreExchange:
        """Say what came of all."""
        apart = not_counted(self._member, self.known)
        return StoreExchange(
            project=self._member.setting.project,
            experiments=tuple(done),
            not_counted=apart,
            names={machine: self.known.stored.get(machine, "") for machine in apart},
            unknown=self._unknown(),
            lost=self._lost,
        )

    def had(self, names: Collection[str]) -> dict[str, dict[str, int]]:
        """Return how much the store has by now of this machine's logs of experiments."""
        found = {name: dict[str, int]() for name in names if name in self._published}
        for (name, log), size in self._member.exchange.sizes().items():
            if name in found:
                found[name][log] = size
        return found

    def _unknown(self) -> tuple[str, ...]:
        """Return experiments that a machine which counts published, and nobody here knows."""
        here = {item.experiment_id for item in self._workspace.store.experiments()}
        here |= self._workspace.store.archived_ids()
        return tuple(
            name
            for name, item in self._published.items()
            if name not in here and is_published(self._member, self.known.keys, item)
        )


def _takes_part(workspace: Workspace, experiment: Experiment) -> bool:
    """Tell whether this checkout has anything to do with an experiment that a pull brought."""
    if workspace.checkout.started_here(experiment):
        return True
    counting = workspace.checkout.counting()
    return any(
        log.size for log in own_logs(workspace.layout, counting, experiment.experiment_id)
    )
