"""The way of units from the draw to the comparison: how many, when, and on what they ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from meta_experiment.decide.samples import Samples
from meta_experiment.decide.units import Arm, is_closed, was_cut_short
from meta_experiment.types import Plan, SampleCount
from meta_experiment.types.results.report import ArmFlow, Arrivals, VersionUse

MOST_STEPS = 400
MOST_VERSIONS = 60
_HOUR = 3600.0
_STEPS = (*(_HOUR * hours for hours in (1, 6, 24)), *(24 * _HOUR * days for days in (7, 30)))
_ENOUGH_STEPS = 60  # a picture has room for


def flow(plan: Plan, samples: Samples, counts: Mapping[str, SampleCount]) -> dict[str, ArmFlow]:
    """Follow the units of every arm."""
    return {name: _flow(plan, samples, arm, counts[name]) for name, arm in samples.arms.items()}


def _flow(plan: Plan, samples: Samples, arm: Arm, count: SampleCount) -> ArmFlow:
    cut = Counter(
        str(trial.status) for unit in arm.units for trial in unit.trials if was_cut_short(trial)
    )
    missing = {
        metric.name: count.exposed - len(samples.of(arm.variant, metric))
        for metric in plan.metrics
    }
    return ArmFlow(
        assigned=count.assigned,
        exposed=count.exposed,
        closed=sum(any(map(is_closed, unit.trials)) for unit in arm.units) + arm.counted,
        compared=count.completed,
        trials=count.trials,
        exclusions=dict(sorted(count.exclusions.items())),
        cut_short=dict(sorted(cut.items())),
        missing={name: many for name, many in missing.items() if many > 0},
    )


def arrivals(arms: Mapping[str, Arm]) -> Arrivals:
    """Count the units of every arm by when they began, in steps of an hour or more."""
    begun = {
        name: [at for unit in arm.units if (at := unit.began) is not None]
        for name, arm in arms.items()
    }
    every = [at for times in begun.values() for at in times]
    if not every:
        return Arrivals(None, _STEPS[0], dict.fromkeys(arms, ()))
    first, last = min(every), max(every)
    step = next(
        (step for step in _STEPS if (last - first) / step < _ENOUGH_STEPS),
        max(_STEPS[-1], (last - first) / (MOST_STEPS - 2)),
    )
    begin = first // step * step
    length = int((last - begin) // step) + 1
    return Arrivals(
        begin,
        step,
        {name: _counted(times, begin, step, length) for name, times in begun.items()},
    )


def _counted(times: Sequence[float], begin: float, step: float, length: int) -> tuple[int, ...]:
    counts = Counter(int((at - begin) // step) for at in times)
    return tuple(counts[place] for place in range(length))


def versions(arms: Mapping[str, Arm]) -> tuple[VersionUse, ...]:
    """Say on which versions the trials of every arm ran; of many those that were used most."""
    found: dict[tuple[str, str], Counter[str]] = {}
    spans: dict[tuple[str, str], tuple[float, float]] = {}
    for name, arm in arms.items():
        for trial in arm.trials:
            for key in trial.fingerprint.items():
                found.setdefault(key, Counter())[name] += 1
                if (at := trial.assigned_at) is not None:
                    first, last = spans.get(key, (at, at))
                    spans[key] = min(first, at), max(last, at)
    most = sorted(found, key=lambda key: (-found[key].total(), key))[:MOST_VERSIONS]
    ordered = sorted(most, key=lambda key: (key[0], -found[key].total(), key[1]))
    return tuple(
        VersionUse(
            kind, version, first, last, {name: found[kind, version][name] for name in arms}
        )
        for kind, version in ordered
        for first, last in (spans.get((kind, version), (None, None)),)
    )
