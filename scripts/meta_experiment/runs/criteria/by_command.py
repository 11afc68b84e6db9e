"""Criteria that a command decides, run where the agent worked and after its end."""

from __future__ import annotations

from meta_experiment.runs.criteria.run_work import Ruling, RunWork
from meta_experiment.types.cases import Criterion

_SECONDS = 600.0  # where the criterion says nothing
_LAST = 700  # characters of what a command said; its end says why it failed


def succeeds(criterion: Criterion, work: RunWork) -> Ruling:
    """Run the target and see whether it ends with 0."""
    if work.run_command is None:
        return Ruling(None, "no command can be run here")
    within = criterion.options.get("timeout_seconds", _SECONDS)
    within = float(within) if isinstance(within, int | float) else _SECONDS
    code, said = work.run_command(criterion.target, within)
    if code == 0:
        return Ruling(passed=True)
    how = f"took longer than {within:g} s" if code is None else f"ended with {code}"
    said = said.strip()
    shown = said if len(said) <= _LAST else f"…{said[-_LAST:]}"
    return Ruling(passed=False, detail=f"{how}\n{shown}" if shown else how)
