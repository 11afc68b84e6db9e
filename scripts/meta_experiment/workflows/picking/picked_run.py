"""One run: its variants drawn under a lock, added to the ledger, and what is told of it.

A run that is made again keeps its variants, and is not counted again.
"""

from __future__ import annotations

import json
import os

from meta_experiment.protocol.lock import NoLocksError, locked
from meta_experiment.workflows.picking import announcements
from meta_experiment.workflows.picking.ledger_lines import (
    AMONG,
    LedgerLines,
    NotPlainError,
    read_file,
    write_file,
)
from meta_experiment.workflows.picking.variant_draws import draw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Protocol

    from meta_experiment.workflows.picking.variant_draws import ExperimentArms, VariantDraw

    class KnownRuns(Protocol):
        """The runs of a ledger, read in one way or the other."""

        def counts(self, arms: ExperimentArms) -> dict[str, int]:
            """Count the runs of each variant that were drawn in this generation."""

        def stage(self, arms: ExperimentArms) -> int:
            """Return the highest stage that the ramp of this generation has reached."""

        def notes(self, experiments: Sequence[ExperimentArms]) -> list[str]:
            """Say what of it counts for nothing."""

        def assignments(self, run_id: str) -> dict[str, str]:
            """Return the variants that a run had in an earlier attempt."""


ASSIGNMENTS = "assignments.json"
_PATIENCE = 30.0  # seconds
_FIFTY_THREE_BITS = 2.0**53


class LockBusyError(OSError):
    """Another process keeps the ledger for too long."""


class RunOfWorkflow:
    """What is known of a run before its draw.

    `key` is what a seed is joined with: repository, workflow and run. `outcomes` are what is
    known of experiments by name, as `variant_draws.draw` takes it.
    """

    __slots__ = ("at", "harness", "key", "outcomes", "run_id")

    def __init__(
        self, run_id: str, at: float, key: str, harness: str, outcomes: Mapping[str, Any]
    ) -> None:
        """Hold it; `at` is in seconds since the epoch."""
        self.run_id = run_id
        self.at = at
        self.key = key
        self.harness = harness
        self.outcomes = outcomes

    @property
    def timestamp(self) -> str:
        """When it was, as ledgers write it."""
        import time

        whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.at))
        return f"{whole}.{int(self.at % 1 * 1000):03d}Z"


class RunPick:
    """The variants of a run, by experiment, with how each was drawn and the counts since."""

    __slots__ = ("counts", "draws", "notes", "run")

    def __init__(
        self,
        run: RunOfWorkflow,
        draws: dict[ExperimentArms, VariantDraw],
        counts: dict[str, dict[str, int]],
        notes: list[str],
    ) -> None:
        """Hold what came of it; `notes` say what of the ledger counts for nothing."""
        self.run = run
        self.draws = draws
        self.counts = counts
        self.notes = notes

    @property
    def assignments(self) -> dict[str, str]:
        """The variants by experiment."""
        return {arms.name: drawn.variant for arms, drawn in self.draws.items()}

    @property
    def document(self) -> dict[str, Any]:
        """The line of the ledger."""
        told = {
            arms.name: {
                "probability": drawn.probability,
                "unit": "run",
                "deterministic": drawn.how == "seed",
                AMONG: list(arms.variants),
            }
            for arms, drawn in self.draws.items()
            if drawn.how != "gated"
        }
        stages = {
            arms.name: {"current_stage": drawn.stage}
            for arms, drawn in self.draws.items()
            if drawn.stage is not None
        }
        found = {
            "schema_version": 2,
            "run_id": self.run.run_id,
            "timestamp": self.run.timestamp,
            "harness_version": self.run.harness,
            "assignments": self.assignments,
            "assignment": told,
            "continual_state": stages,
        }
        empty = [key for key in ("harness_version", "continual_state") if not found[key]]
        return {key: value for key, value in found.items() if key not in empty}

    def answer(self, state: str) -> dict[str, Any]:
        """Return the answer for machines."""
        found = [
            {
                "experiment": arms.name,
                "variant": drawn.variant,
                "how": drawn.how,
                "probability": drawn.probability,
                "stage": drawn.stage,
                "counts": self.counts[arms.name],
            }
            for arms, drawn in self.draws.items()
        ]
        return announcements.document(self.run.run_id, self.run.timestamp, found, state)

    def summary(self) -> str:
        """Return the step's summary, in Markdown."""
        parts = [
            announcements.summary(arms, drawn.variant, drawn.how, self.counts[arms.name])
            for arms, drawn in self.draws.items()
        ]
        return "\n".join(parts)

    def events(self) -> list[str]:
        """Return a line of JSON for each experiment."""
        run = self.run
        return [
            announcements.event_line(name, variant, run.run_id, f"{run.timestamp[:19]}Z")
            for name, variant in self.assignments.items()
        ]


def pick(experiments: list[ExperimentArms], run: RunOfWorkflow, state: str) -> RunPick:
    """Draw the variants of a run and add it to its ledger, one run after the other.

    Raises:
        LockBusyError: somebody else picks for too long. OSError: the file system refused.
        MetaExperimentError: the ledger cannot be read.
    """
    folder, name = os.path.split(os.path.abspath(state))
    os.makedirs(folder, exist_ok=True)
    with _LedgerLock(os.path.join(folder, f".{name}.pick.lock")):
        picked = _drawn(experiments, run, state, folder, name)
    text = json.dumps(picked.assignments, indent=2, ensure_ascii=False) + "\n"
    write_file(os.path.join(folder, ASSIGNMENTS), text.encode())
    return picked


def _drawn(
    experiments: list[ExperimentArms], run: RunOfWorkflow, state: str, folder: str, name: str
) -> RunPick:
    data = read_file(state)
    try:
        ledger = LedgerLines(data)
        picked, is_new = _draws(experiments, run, ledger)
        if is_new:
            with _LedgerLock(os.path.join(folder, f".{name}.lock")):
                if read_file(state) != data:
                    raise NotPlainError  # noqa: TRY301 - one who takes only the other lock
                write_file(state, ledger.with_run(picked.document))
    except NotPlainError:
        from meta_experiment.workflows.picking.other_ledgers import OtherLedger

        other = OtherLedger(state)
        picked, is_new = _draws(experiments, run, other)
        if is_new:
            other.add(picked)
    return picked


def _draws(
    experiments: list[ExperimentArms], run: RunOfWorkflow, ledger: KnownRuns
) -> tuple[RunPick, bool]:
    """Return the variants of a run, and whether any of them is drawn just now."""
    from meta_experiment.workflows.picking.variant_draws import VariantDraw

    before = ledger.assignments(run.run_id)
    draws, counts, is_new = {}, {}, False
    for arms in experiments:
        own = ledger.counts(arms)
        day = run.timestamp[:10]
        if before.get(arms.name) in arms.variants:
            variant = before[arms.name]
            draws[arms] = VariantDraw(variant, "kept" if arms.is_active(day) else "gated", 1.0)
        else:
            fraction = int.from_bytes(os.urandom(7), "big") % 2**53 / _FIFTY_THREE_BITS
            drawn = draw(
                arms,
                day=day,
                counts=own,
                fractions=[fraction],
                key=run.key,
                stored=ledger.stage(arms) if arms.ramp else 0,
                outcome=run.outcomes.get(arms.name),
            )
            draws[arms], is_new = drawn, True
            if drawn.how != "gated":
                own = {**own, drawn.variant: own.get(drawn.variant, 0) + 1}
        counts[arms.name] = {name: own.get(name, 0) for name in arms.variants}
    return RunPick(run, draws, counts, ledger.notes(experiments)), is_new


class _LedgerLock:
    """Hold a lock while a block runs; where the disk has none, one trusts in being alone."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._held: int | None = None

    def __enter__(self) -> None:
        try:
            self._held = locked(self._path, _opened, within=_PATIENCE)
        except NoLocksError:
            return
        if self._held is None:
            raise LockBusyError(11, f"another run has it for {_PATIENCE:g} seconds", self._path)

    def __exit__(self, *_: object) -> None:
        """Take the file away and give the lock back: who waits for what is gone looks again."""
        if self._held is not None:
            try:  # noqa: SIM105 - contextlib takes its time to load
                os.unlink(self._path)
            except OSError:
                pass
            os.close(self._held)


def _opened(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
