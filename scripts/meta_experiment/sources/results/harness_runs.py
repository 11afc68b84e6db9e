"""A list of runs as other harnesses write them down, kept while a source is read."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.errors import RefusedError
from meta_experiment.sources.results.benchmark import Origin
from meta_experiment.sources.results.imported import ImportedTrials, Ledger, Run
from meta_experiment.sources.results.measures import measure
from meta_experiment.types import TrialStatus

GRADES = ("success", "score")


class HarnessRuns:
    """Runs of one source, numbered within their arm and case as they come."""

    def __init__(self, kind: str, origin: Origin, fingerprint: Mapping[str, str]) -> None:
        self.ledger = Ledger()
        self._kind, self._origin, self._fingerprint = kind, origin, fingerprint
        self._runs: list[Run] = []
        self._seen: dict[tuple[str, str], int] = {}

    def add(
        self,
        arm: str,
        case: str,
        record: Mapping[str, object],
        *,
        status: TrialStatus = TrialStatus.OK,
        at: float | None = None,
    ) -> None:
        """Take a run with its metrics, under the names that `measures` knows."""
        metrics = measure(
            {key: value for key, value in record.items() if value is not None}, self.ledger
        )
        if not metrics:
            self.ledger.unmeasured(arm)
            status = TrialStatus.INTERRUPTED
        index = self._seen.get((arm, case), 0)
        self._seen[arm, case] = index + 1
        self._runs.append(Run(arm, case, index, metrics, status, at, self._fingerprint))

    def lost(self, arm: str, case: str, why: str, *, at: float | None = None) -> None:
        """Take a run of which nothing counts, for a reason that is no fault of its text.

        Most harnesses grade it 0, which would be a failure of the text.
        """
        self.ledger.exclude(why)
        self.add(arm, case, {}, at=at)

    def imported(self, title: str | None = None, at: float | None = None) -> ImportedTrials:
        """Return what was read.

        Raises:
            RefusedError: no run has a value.
        """
        if not any(run.metrics for run in self._runs):
            told = "; ".join(f"{count} {why}" for why, count in self.ledger.excluded.items())
            raise RefusedError(
                f"{self._origin.name} holds no run that counts"
                + (f": {told}." if told else "."),
                hint="Run it again, and import what comes of that.",
            )
        return ImportedTrials(
            kind=self._kind,
            name=self._origin.name,
            identity=self._origin.identity,
            runs=tuple(self._runs),
            excluded=dict(self.ledger.excluded),
            notes=self.ledger.notes(),
            title=title,
            at=at,
        )


def words(value: object) -> str | None:
    """Return a text that says something, or None."""
    return value.strip() if isinstance(value, str) and value.strip() else None


def part(record: object, name: str) -> Mapping[str, object]:
    """Return a part of a record that is itself one; empty where it is none."""
    found = record.get(name) if isinstance(record, Mapping) else None
    return found if isinstance(found, Mapping) else {}
