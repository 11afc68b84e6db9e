"""What the verbs of a team's store answer."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass

NOT_ADMITTED = "the owner has not admitted it"  # why a machine does not count
NO_LONGER = "the owner admits it no longer"


@dataclass(frozen=True, slots=True)
class ExchangedExperiment:
    """Lines of one experiment that went to the store, and that came from it.

    Attributes:
        experiment_id: whose.
        shipped: lines of this checkout's own logs that the store took.
        pulled: lines of others that were taken over.
        removed: lines of machines that count no longer, which were let go.
        aside: what was left outside, each with its reason.
        refused: why nothing of it was shipped, or exchanged; null where it was.
    """

    experiment_id: str
    shipped: int
    pulled: int
    removed: int
    aside: tuple[str, ...]
    refused: str | None


@dataclass(frozen=True, slots=True)
class StoreExchange:
    """One exchange with a team's store.

    Attributes:
        project: the project in the store.
        experiments: what came of each.
        not_counted: by id of a machine that joined, why its trials do not count here.
        names: what these are called, for people.
        unknown: experiments of the team that this checkout does not know.
        lost: what the store had and lacked when this began, as one that was restored to an
            earlier moment does; what this machine has of it was brought again.
    """

    project: str
    experiments: tuple[ExchangedExperiment, ...]
    not_counted: Mapping[str, str]
    names: Mapping[str, str]
    unknown: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MachineWord:
    """A machine, as people compare it.

    Attributes:
        machine: its id.
        name: its name, for people.
        fingerprint: its public key's SHA-256.
    """

    machine: str
    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StoreMachine:
    """A machine that joined the project.

    Attributes:
        machine: its id.
        name: its name, for people.
        fingerprint: its public key's SHA-256.
        counts: whether its trials count here, where a plan does not name machines itself.
        why: why they do not count for all; null where they do.
        shipped: when it shipped last, by the store's clock, in seconds; null: never.
    """

    machine: str
    name: str
    fingerprint: str
    counts: bool
    why: str | None
    shipped: float | None


@dataclass(frozen=True, slots=True)
class WaitingExperiment:
    """Bytes of this checkout's own logs of an experiment that the store does not have yet."""

    experiment_id: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StoreView:
    """The team's store that is in use here.

    Attributes:
        store: host, port, database and user; null where no address is to be found.
        project: the project in it.
        owner: the fingerprint of its owner's key, as pinned here.
        machine: the id of this machine; empty where it has no key yet.
        is_owner: whether this machine is the owner's.
        machines: all that joined; without an answer as the last exchange saw them.
        waiting: what is not shipped yet, by experiment; without an answer as far as is known.
        exchanged: when the last exchange went well, in seconds; null before the first.
        failed: what stopped the last exchange; null when it went well.
        aside: by experiment, what the last one left outside, each with its reason.
        lost: what the store was last found to have lost, as one restored to an earlier moment
            has; empty when that is no news.
        unreachable: why the store gave no answer just now; null where it did.
    """

    store: str | None
    project: str
    owner: str
    machine: str
    is_owner: bool
    machines: tuple[StoreMachine, ...]
    waiting: tuple[WaitingExperiment, ...]
    exchanged: float | None
    failed: str | None
    aside: Mapping[str, list[str]]
    lost: tuple[str, ...]
    unreachable: str | None


@dataclass(frozen=True, slots=True)
class StoreUse:
    """The store that a checkout uses from now on.

    Attributes:
        store: host, port, database and user.
        address: by which others join, without a user or a secret.
        project: the project in it.
        owner: the fingerprint of its owner's key.
        machine: the id of this machine.
        fingerprint: this machine's own fingerprint, which the owner compares.
        is_owner: whether this machine is the owner's.
        counts: whether its trials count for the others already.
        secret_dropped: whether the address held a password, which was not kept.
    """

    store: str
    address: str
    project: str
    owner: str
    machine: str
    fingerprint: str
    is_owner: bool
    counts: bool
    secret_dropped: bool


@dataclass(frozen=True, slots=True)
class StoreAdmission:
    """The word on machines of a project.

    Attributes:
        project: the project.
        machines: those that it is about.
        counts: whether they count from now on, or no longer.
        here: whether that holds in this checkout alone.
        notes: what machines that count no longer had decided, or were about to.
    """

    project: str
    machines: tuple[MachineWord, ...]
    counts: bool
    here: bool
    notes: tuple[str, ...] = ()
