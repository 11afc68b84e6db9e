"""List of the experiments that were run on cases on this machine."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.vocabulary import Status


@dataclass(frozen=True, slots=True)
class RunListEntry:
    """An experiment with its runs by what they are to the evidence.

    `usd` is null where the price of a run is not known, `usd_known` the sum of those that are;
    what a judge took is in it.
    """

    experiment_id: str
    name: str
    status: Status
    cases: int
    runs: int
    states: dict[str, int]
    open_verdicts: int
    usd: float | None
    tokens: float
    usd_known: float


@dataclass(frozen=True, slots=True)
class RunList:
    """The experiments of this project that were run on cases, the newest last."""

    experiments: tuple[RunListEntry, ...]
