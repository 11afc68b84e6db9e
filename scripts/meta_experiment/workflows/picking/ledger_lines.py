"""A ledger of plain lines, read and written as fast as a run that waits asks for.

What is not plain (an older form, a damaged line, counts in the midst, another order) is left to
`workflows.state`, which reads all that there is; what both can read they read alike.
"""

from __future__ import annotations

import json
import os

from meta_experiment.protocol.timestamps import epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from meta_experiment.workflows.picking.variant_draws import ExperimentArms

KEPT = 512  # runs that a ledger lists
_BASELINE = "baseline_counts"
_MODE = 0o644


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
        """Count the runs of each variant that were drawn, a run that was repeated once."""
        cut_off = self.runs[0].get(_BASELINE, {}) if self.runs else {}
        found = dict(cut_off.get(arms.name, {}))
        for run in self.latest.values():
            variant = run["assignments"].get(arms.name)
            if variant is not None and _was_drawn(run, arms):
                found[variant] = found.get(variant, 0) + 1
        return found

    def stage(self, name: str) -> int:
        """Return the highest stage that the ramp of an experiment has reached."""
        stages = [0]
        for run in self.runs:
            state = run.get("continual_state", {}).get(name, {})
            stage = state.get("current_stage") if isinstance(state, dict) else None
            if type(stage) is int:
                stages.append(stage)
        return max(stages)

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
        lines = [*self.lines, line(document)]
        gone = self.runs[: max(0, len(lines) - KEPT)]
        if gone:
            if len(self.latest) < len(self.runs):
                raise NotPlainError
            first = self.runs[len(gone)] if len(gone) < len(self.runs) else dict(document)
            lines = lines[len(gone) :]
            lines[0] = line({**first, _BASELINE: self._cut_off(gone)})
        return b"".join(item + b"\n" for item in lines)

    def _cut_off(self, gone: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
        counts = self.runs[0].get(_BASELINE, {})
        found = {name: dict(of) for name, of in counts.items()}
        for run in gone:
            told = run.get("assignment")
            for name, variant in run["assignments"].items():
                if isinstance(told, dict) and name not in told:
                    continue  # it was set outside of the dates
                of_name = found.setdefault(name, {})
                of_name[variant] = of_name.get(variant, 0) + 1
        return found


def line(document: Mapping[str, Any]) -> bytes:
    """Return one line of a ledger, without its end."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


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
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
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
    if _BASELINE in run and (number or not _are_counts(run[_BASELINE])):
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
