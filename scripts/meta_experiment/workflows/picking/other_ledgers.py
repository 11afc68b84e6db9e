"""Ledgers that are not plain, through the reader and the writer that know every form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.workflows.picking.ledger_lines import generation_start, read_file, unused
from meta_experiment.workflows.picking.picked_run import RunPick
from meta_experiment.workflows.picking.variant_draws import ExperimentArms
from meta_experiment.workflows.state.generations import DrawTerms
from meta_experiment.workflows.state.ledger import LedgerRun, RunLedger
from meta_experiment.workflows.state.parsing import read_state
from meta_experiment.workflows.state.tally import tally
from meta_experiment.workflows.state.union import attempts
from meta_experiment.workflows.state.writing import record_run

_MOST_TOLD = 5


class OtherLedger:
    """A ledger of any form; what it answers is what `LedgerLines` answers of a plain one."""

    def __init__(self, state: str) -> None:
        """Read it.

        Raises:
            CorruptStoreError: nothing in it can be read. OSError: the file system refused.
        """
        self._path = Path(state)
        self._ledger = read_state(read_file(state), self._path.name)
        self._latest = {name: same[-1] for name, same in attempts(self._ledger).items()}

    def counts(self, arms: ExperimentArms) -> dict[str, int]:
        """Count the runs of each variant that were drawn in this generation."""
        dates = DrawTerms(float("-inf"), arms.start, arms.end)
        found = tally(self._generation(arms), arms.name, (dates,))
        return {name: item.total for name, item in found.variants.items()}

    def stage(self, arms: ExperimentArms) -> int:
        """Return the highest stage that the ramp of this generation has reached."""
        return self._generation(arms).stages.get(arms.name, 0)

    def notes(self, experiments: Sequence[ExperimentArms]) -> list[str]:
        """Say what of it counts for nothing."""
        bad = self._ledger.bad
        more = [f"and {len(bad) - _MOST_TOLD} more that cannot be read"]
        twice = [
            f"run {name} had several variants of {arms.name} and counts for none"
            for arms in experiments
            for name in tally(self._ledger, arms.name).contaminated
        ]
        return [
            *(item.sentence for item in bad[:_MOST_TOLD]),
            *more[: len(bad) > _MOST_TOLD],
            *twice[:_MOST_TOLD],
            *unused([run.assignments for run in self._ledger.runs], experiments),
        ]

    def _generation(self, arms: ExperimentArms) -> RunLedger:
        """Return the runs of these variants, with what is counted before if it is of these."""
        whole, declared = self._ledger, set(arms.variants)
        runs = [(run.assignments, run.more.get("assignment")) for run in whole.runs]
        start = generation_start(runs, arms)
        counted = {name for item in whole.stated for name in item.counts.get(arms.name, {})}
        if start == 0 and counted <= declared:
            return whole
        return RunLedger(runs=whole.runs[start:])

    def assignments(self, run_id: str) -> dict[str, str]:
        """Return the variants that a run had in an earlier attempt."""
        run = self._latest.get(run_id)
        return dict(run.assignments) if run else {}

    def add(self, picked: RunPick) -> None:
        """Add a run. Raises CorruptStoreError, LockedError, StorageError."""
        run, document = picked.run, picked.document
        known = ("run_id", "timestamp", "harness_version", "assignments")
        more = {key: value for key, value in document.items() if key not in known}
        gated = [arms.name for arms, drawn in picked.draws.items() if drawn.how == "gated"]
        own = LedgerRun(
            run.run_id,
            picked.assignments,
            run.timestamp,
            run.at,
            None,
            run.harness or None,
            more,
        )
        record_run(FileSystem(), self._path, own, gated=gated)
