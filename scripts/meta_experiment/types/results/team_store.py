"""What the verbs of a team's store answer."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass


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
        not_counted: by id of a machine that joined, why its trials do not count.
        unknown: experiments of the team that this checkout does not know.
    """

    project: str
    experiments: tuple[ExchangedExperiment, ...]
    not_counted: Mapping[str, str]
    unknown: tuple[str, ...]


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
