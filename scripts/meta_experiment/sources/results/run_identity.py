"""Identity of a run, by which it is counted once however often it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from meta_experiment.sources.results.imported import Run

TELLING_DIGITS = 6
LONGEST_CASE = 200  # characters
_MEASURED = ("duration_seconds", "_tokens", "cost_usd")


def trial_id(run: Run, identity: str, before: int = 0) -> str:
    """Return the id of a run's trial, derived from what the source says of it.

    A run that carries its start to the second, or six digits of measured time, tokens or
    cost, is known by them: two runs would agree on so much by chance once in a million. So it
    stays the same trial when its file grows, moves, or is made anew, and a baseline that was
    copied is found out. One that carries only a grade is known by its place in its file.

    Args:
        run: what was read.
        identity: the SHA-256 (hex) of the source.
        before: how many runs with all the same measurements the source has before it.
    """
    own = telling(run)
    metrics = {name: value for name, value in run.metrics.items() if not own or is_fine(name)}
    values = ";".join(f"{name}={value!r}" for name, value in sorted(metrics.items()))
    place = str(before if own else run.index)
    parts = (repr(run.at) if own else identity, run.arm, run.case or "", place, values)
    return "run-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def unit_name(run: Run, known: str) -> str:
    """Return the unit of a run: its case, or itself by its trial id where it has none.

    A case that is a long text, such as a whole prompt, is cut and told apart by its SHA-256.
    """
    if run.case is None:
        return known
    if len(run.case) <= LONGEST_CASE:
        return run.case
    digest = hashlib.sha256(run.case.encode()).hexdigest()[:16]
    return f"{run.case[: LONGEST_CASE - 17]}…{digest}"


def telling(run: Run) -> bool:
    """Say whether a run's own measurements tell it from every other."""
    exact_start = run.at is not None and run.at % 60 != 0
    return exact_start or digits(run.metrics) >= TELLING_DIGITS


def digits(metrics: Mapping[str, float]) -> int:
    """Count the significant digits of measured time, tokens and cost."""
    measured = (value for name, value in metrics.items() if is_fine(name))
    return sum(
        len(f"{value:.9g}".strip("0.").replace(".", "").lstrip("0")) for value in measured
    )


def same_measurements(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Say whether two runs have so much of time, tokens and cost in common that they are one.

    What one source rounds another may give in full, so that values need agree only to what
    the coarser of them says; it is its digits that count.
    """
    shared = [name for name in one if name in other and is_fine(name)]
    pairs = {name: sorted((one[name], other[name]), key=_figures) for name in shared}
    agree = all(abs(rough - full) <= _rounding(rough, full) for rough, full in pairs.values())
    return (
        agree and digits({name: rough for name, (rough, _) in pairs.items()}) >= TELLING_DIGITS
    )


def _rounding(rough: float, full: float) -> float:
    """Return how far a value may be from the longer one that it was rounded from."""
    places = _figures(rough) - len(f"{rough:.0f}") - 1
    if places > 0:
        return 0.501 * 10.0**-places
    return 0.0 if full.is_integer() else 0.501


def _figures(value: float) -> int:
    return len(f"{value:.9g}")


def is_fine(metric: str) -> bool:
    """Say whether a metric is measured finely enough to tell runs apart; grades are not."""
    return metric.endswith(_MEASURED)


def import_id(trial_ids: list[str], *settings: str) -> str:
    """Return what tells one import from others: its trials and how they were read."""
    whole = "\n".join([*sorted(trial_ids), *settings])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]
