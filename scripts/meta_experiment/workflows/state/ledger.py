"""What is known of the runs of a workflow: the variant each had, and counts of runs cut off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, NamedTuple

from meta_experiment.records import dataclass

Counts = Mapping[str, Mapping[str, int]]
"""Numbers of runs by experiment and variant."""


@dataclass(frozen=True, slots=True)
class LedgerRun:
    """One attempt of a run of a workflow, as one source has it.

    `timestamp` is as it was written and `at` the same in seconds since the epoch; both are None
    where only the variants are known. `attempt` is known from what lies beside, never from a
    ledger. `harness` tells versions of the workflow apart. `more` are all other fields.
    """

    run_id: str
    assignments: Mapping[str, str]
    timestamp: str | None = None
    at: float | None = None
    attempt: int | None = None
    harness: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def drawn(self) -> frozenset[str] | None:
        """The experiments whose variant was drawn and not merely set; None: it does not say."""
        told = self.more.get("assignment")
        return frozenset(told) if isinstance(told, dict) else None

    @property
    def stages(self) -> Iterator[tuple[str, int]]:
        """The stages that experiments which ramp up had reached, by their names."""
        told = self.more.get("continual_state")
        for name, state in told.items() if isinstance(told, Mapping) else ():
            stage = state.get("current_stage") if isinstance(state, Mapping) else None
            if isinstance(stage, int) and not isinstance(stage, bool):
                yield name, stage


@dataclass(frozen=True, slots=True)
class CountStatement:
    """Runs that a source counts without listing them: they came before a moment.

    `before` is in seconds since the epoch, None where any run that is known may be one of them.
    """

    before: float | None
    counts: Counts


class BadLine(NamedTuple):
    """What a source holds that cannot be read; line 0 is the whole of it."""

    source: str
    line_number: int
    reason: str

    @property
    def sentence(self) -> str:
        """Say where it is and what is wrong with it."""
        line = f", line {self.line_number}" if self.line_number else ""
        return f"{self.source}{line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RunLedger:
    """All that one or several sources know of the runs of a workflow.

    `runs` are in the order of time, each attempt once. `stated` are counts without runs.
    `uncounted` says of how many listed runs a source's own counts know nothing: it had them
    outside of an experiment's dates. `bad` is what could not be read.
    """

    runs: tuple[LedgerRun, ...] = ()
    stated: tuple[CountStatement, ...] = ()
    uncounted: Counts = field(default_factory=dict)
    bad: tuple[BadLine, ...] = ()

    @property
    def experiments(self) -> tuple[str, ...]:
        """The names of all experiments that any run or count is of, sorted."""
        names = {name for run in self.runs for name in run.assignments}
        return tuple(sorted(names.union(*(item.counts for item in self.stated))))

    @property
    def stages(self) -> dict[str, int]:
        """The highest stage that each experiment which ramps up has reached."""
        highest: dict[str, int] = {}
        for run in self.runs:
            for name, stage in run.stages:
                highest[name] = max(stage, highest.get(name, 0))
        return highest
