"""The same rows as trials, for the embedded engine; and two analyses held side by side."""

import math
from datetime import timedelta

from tests.support.warehouse_rows import ARMS

from meta_experiment.decide.analysis import analyze, analyze_on
from meta_experiment.decide.collected_basis import basis_of_sums
from meta_experiment.model.result_document import to_document
from meta_experiment.types import Trial, TrialStatus

DAY = 86400
# what is told of single units and trials alone
UNTOLD = {"log_mean", "log_sd", "trials", "notes", "as_of", "exclusions", "excluded", "lost"}
COUNTED = ".checks.attrition.exposed"  # of trials, or of units
SHARES = ".checks.srm"  # that another system's stay as they are is asked of days alone


def trials_of(rows, one_each, hours=24, past=None):
    """Return a trial for each event, or `one_each` made of all events of a unit.

    A unit began with the day of its first exposure: more the sums do not know.
    """
    first, arms = {}, {}
    for unit, arm, at in rows.shown:
        first[unit] = min(first.get(unit, at), at)
        arms.setdefault(unit, set()).add(arm)
    order = {unit: place for place, unit in enumerate(sorted(first, key=first.get))}
    found = []
    for unit, began in first.items():
        events = [call for call in rows.calls if call[0] == unit]
        own = [it for it in events if began <= it[1] < began + timedelta(hours=hours)]
        before = [
            it for it in events if past and began - timedelta(hours=past) <= it[1] < began
        ]
        measured = [one_each(own)] if one_each else [each(it) for it in own] or [{}]
        day = began.timestamp() // DAY * DAY
        for arm in arms[unit]:
            found += [
                Trial(
                    trial_id=f"{unit}-{arm}-{number}",
                    variant=ARMS[arm],
                    unit=unit,
                    order=order[unit],
                    status=TrialStatus.OK,
                    metrics=metrics,
                    assigned_at=day,
                    closed_at=day,
                    covariates={"past": math.fsum(it[2] for it in before)} if past else {},
                )
                for number, metrics in enumerate(measured)
            ]
    return found


def each(event):
    """Return what one event shows."""
    return {"cost_usd": event[2], "duration_seconds": event[3], "success": float(event[4])}


def summed(events):
    """Return what the events of a unit come to by sums."""
    return {
        "cost_usd": math.fsum(it[2] for it in events),
        "success": float(any(it[4] for it in events)),
    }


def embedded(plan, trials, as_of):
    """Return the analysis of trials."""
    found = analyze(plan, trials, experiment_id="e", as_of=as_of, started=None)
    return to_document(found)


def pushed_down(plan, sums, as_of):
    """Return the analysis of sums that an engine computed."""
    basis = basis_of_sums(plan, sums, as_of)
    return to_document(analyze_on(basis, plan, (), experiment_id="e", started=None))


def differences(one, other, place="", rel=1e-9):
    """Return where two documents differ by more than rounding."""
    if place in (COUNTED, SHARES):
        return []
    if isinstance(one, dict) and isinstance(other, dict):
        keys = (one.keys() | other.keys()) - UNTOLD
        return [
            it
            for key in sorted(keys)
            for it in differences(one.get(key), other.get(key), f"{place}.{key}", rel)
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [it for at, pair in pairs for it in differences(*pair, f"{place}[{at}]", rel)]
    numbers = all(
        isinstance(it, int | float) and not isinstance(it, bool) for it in (one, other)
    )
    same = math.isclose(one, other, rel_tol=rel, abs_tol=1e-12) if numbers else one == other
    return [] if same else [(place, one, other)]
