"""Results of `recover`, `panic` and `repair`."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.results.health import Finding


@dataclass(frozen=True, slots=True)
class Recovery:
    """Changes that were finished, undone or brought back, one sentence each."""

    done: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PanicResult:
    """Experiments that were paused, and what else was done."""

    paused: tuple[str, ...]
    done: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepairResult:
    """Repairs, and what `verify` still finds."""

    done: tuple[str, ...]
    left: tuple[Finding, ...]
