"""A ledger of plain lines, read and written as fast as a run that waits asks for.

What is not plain (an older form, a damaged line, counts in the midst, another order) is left to
`workflows.state`, which reads all that there is; what both can read they read alike.
"""

from __future__ import annotations

import json
import os

from meta_experiment.protocol.timestamps import epoch
from meta_experiment.workflows.ledger_text import BASELINE, FILE_MODE, KEPT, ledger_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from meta_experiment.workflows.picking.variant_draws import ExperimentArms

AMONG = "among"  # the variants that a run was drawn from


class NotPlainError(ValueError):
    """The ledger asks for a reader that knows every form."""


class LedgerLines:
    """The runs of a ledger, in the order of time."""

    def __init__(self, data: bytes) -> None:
        """Read all lines. Raises NotPlainError."""
        self.lines = data.splitlines()
        try:
            self.runs: list[dict[str, Any]] = json.loads(b"[%b]" % b",".join(self.lines))
        except ValueError:
            raise NotPlainError from None
        if len(self.runs) != len(self.lines):
            raise NotPlainError
        before = float("-inf")
        for number, run in enumerate(self.runs):
            before = _require_plain(run, number, before)
        self.latest = {run["run_id"]: run for run in self.runs}

    def counts(self, arms: ExperimentArms) -> dict[str, int]:
        """Count the runs of each variant that were drawn, a run that was repeated once.

        Those of an earlier generation are left out.
        """
        start = self._start(arms)
        found = {} if start else dict(self._counted_before(arms))
        latest = {run["run_id"]: run for run in self.runs[start:]}
        for run in latest.values():
            variant = run["assignments"].get(arms.name)
            if variant is not None and _was_drawn(run, arms):
                found[variant] = found.get(variant, 0) + 1
        return found

    def stage(self, arms: ExperimentArms) -> int:
        """Return the highest stage that the ramp of this generation has reached."""
        stages = [0]
        for run in self.runs[self._start(arms) :]:
            state = run.get("continual_state", {}).get(arms.name, {})
            stage = state.get("current_stage") if isinstance(state, dict) else None
            if type(stage) is int:
                stages.append(stage)
        return max(stages)

    def notes(self, experiments: Sequence[ExperimentArms]) -> list[str]:
        """Say what of it counts for nothing."""
        return unused([run["assignments"] for run in self.runs], experiments)

    def _start(self, arms: ExperimentArms) -> int:
        return generation_start(
            [(run["assignments"], run.get("assignment")) for run in self.runs], arms
        )

    def _counted_before(self, arms: ExperimentArms) -> dict[str, int]:
        """Return what is cut off, where it is of these variants alone."""
        cut_off = self.runs[0].get(BASELINE, {}) if self.runs else {}
        counts: dict[str, int] = cut_off.get(arms.name, {})
        return counts if counts.keys() <= set(arms.variants) else {}

    def assignments(self, run_id: str) -> dict[str, str]:
        """Return the variants that a run had in an earlier attempt."""
        run = self.latest.get(run_id)
        return dict(run["assignments"]) if run else {}

    def with_run(self, document: Mapping[str, Any]) -> bytes:
        """Return the ledger with one run more; what is cut off is counted on the first line.

        Raises NotPlainError where what is cut off was repeated, or the clock went back.
        """
        if self.runs and document["timestamp"] < self.runs[-1]["timestamp"]:
            raise NotPlainError
        lines = [*(item + b"\n" for item in self.lines), ledger_line(document)]
        gone = self.runs[: max(0, len(lines) - KEPT)]
        if gone:
            if len(self.latest) < len(self.runs):
                raise NotPlainError
            first = self.runs[len(gone)] if len(gone) < len(self.runs) else dict(document)
            lines = lines[len(gone) :]
            lines[0] = ledger_line({**first, BASELINE: self._cut_off(gone)})
        return b"".join(lines)

    def _cut_off(self, gone: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
        counts = self.runs[0].get(BASELINE, {})
        found = {name: dict(of) for name, of in counts.items()}
        for run in gone:
            told = run.get("assignment")
            for name, variant in run["assignments"].items():
                if isinstance(told, dict) and name not in told:
                    continue  # it was set outside of the dates
                of_name = found.setdefault(name, {})
                of_name[variant] = of_name.get(variant, 0) + 1
        return found


def generation_start(
    runs: Sequence[tuple[Mapping[str, str], object]], arms: ExperimentArms
) -> int:
    """Return where the runs begin that were drawn among these very variants.

    That is behind the last run that had another one, or that says that it was drawn among
    others.

    Args:
        runs: the variants of each run by experiment, and what its line says of their draws.
        arms: the experiment as it is declared now.
    """
    declared = set(arms.variants)
    for number in range(len(runs) - 1, -1, -1):
        assignments, told = runs[number]
        drawn = told.get(arms.name) if isinstance(told, dict) else None
        among = drawn.get(AMONG) if isinstance(drawn, dict) else None
        if isinstance(among, list) and set(map(str, among)) != declared:
            return number + 1
        if assignments.get(arms.name, arms.variants[0]) not in declared:
            return number + 1
    return 0


def unused(
    runs: Sequence[Mapping[str, str]], experiments: Sequence[ExperimentArms]
) -> list[str]:
    """Say which runs of a ledger tell nothing of these experiments, by their variants."""
    found = []
    names = {arms.name for arms in experiments}
    others = sum(names.isdisjoint(run) for run in runs)
    if others:
        whole = "; is it another workflow's?" if others == len(runs) else ""
        found.append(f"{others} runs are of none of these experiments{whole}")
    for arms in experiments:
        gone = {run[arms.name] for run in runs if arms.name in run}.difference(arms.variants)
        if gone:
            found.append(f"{arms.name} does not declare {', '.join(sorted(gone)[:5])}")
    return found


def read_file(path: str) -> bytes:
    """Return what a file holds, nothing where there is none. Raises OSError."""
    try:
        with open(path, "rb", opener=_own) as stream:
            return stream.read()
    except FileNotFoundError:
        return b""


def write_file(path: str, data: bytes) -> None:
    """Replace a file in one step, durable on return. Raises OSError."""
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.meta-tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _own(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _require_plain(run: object, number: int, before: float) -> float:
    """Return the time of a run. Raises NotPlainError where it is no plain line."""
    if not isinstance(run, dict) or type(run.get("run_id")) is not str or not run["run_id"]:
        raise NotPlainError
    at, assignments = epoch(run.get("timestamp")), run.get("assignments")
    if at is None or at < before or not isinstance(assignments, dict):
        raise NotPlainError
    if not all(type(variant) is str for variant in assignments.values()):
        raise NotPlainError
    if BASELINE in run and (number or not _are_counts(run[BASELINE])):
        raise NotPlainError
    if not isinstance(run.get("continual_state", {}), dict):
        raise NotPlainError
    return at


def _are_counts(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(of, dict) and all(type(n) is int and n >= 0 for n in of.values())
        for of in value.values()
    )


def _was_drawn(run: Mapping[str, Any], arms: ExperimentArms) -> bool:
    """Tell whether a run was drawn: it says so, or its day lies within the dates."""
    told = run.get("assignment")
    if isinstance(told, dict):
        return arms.name in told
    return arms.is_active(run["timestamp"][:10])
