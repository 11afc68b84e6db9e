"""Plans and trials for tests, in one line each."""

from __future__ import annotations

import itertools
from dataclasses import replace
from enum import StrEnum

from meta_experiment.assign.adaptive import whole_parts
from meta_experiment.decide import analyze
from meta_experiment.decide.ramp import shares_of_step
from meta_experiment.types import (
    Direction,
    Guardrail,
    Metric,
    MetricKind,
    Plan,
    Scale,
    Trial,
    TrialStatus,
    Variant,
)

DAY = 86400.0
START = 1_700_000_000.0

DURATION = Metric("duration_seconds", MetricKind.CONTINUOUS, Direction.LOWER, Scale.LOG, "s")
COST = Metric("cost_usd", MetricKind.CONTINUOUS, Direction.LOWER, Scale.RAW, "USD")
SCORE = Metric("score", MetricKind.CONTINUOUS, Direction.HIGHER, Scale.RAW)
SUCCESS = Metric("success", MetricKind.PROPORTION, Direction.HIGHER, Scale.RAW)
TOKENS = Metric("output_tokens", MetricKind.COUNT, Direction.LOWER, Scale.RAW, "tokens")


def with_word(words, word):
    """Return a closed list of words with one more, as a new line of the vocabulary makes it."""
    return StrEnum(
        words.__name__, {**{item.name: item.value for item in words}, word.upper(): word}
    )


def plan(*treatments, **changes):
    """Return the default plan on durations, with one treatment unless more are named."""
    base = Plan(
        name="review",
        hypothesis="a shorter prompt is faster",
        files=(".claude/commands/review.md",),
        variants=tuple(Variant(name) for name in ("control", *(treatments or ("b",)))),
        primary=DURATION,
    )
    return replace(base, **changes)


def parts_of_step(plan, step, ended):
    """Return the parts of 10,000 by which a ramp draws at a step."""
    return whole_parts(shares_of_step(plan, step, ended))


def trial(variant, order, *, unit=None, status=TrialStatus.OK, metrics=None, **changes):
    """Return a closed trial of a unit of its own, assigned a minute after the one before."""
    assigned = START + 60.0 * order
    defaults = {
        "trial_id": f"t{variant}{order}{changes.get('assigned_at', '')}",
        "variant": variant,
        "unit": unit or f"u{order}",
        "order": order,
        "status": status,
        "metrics": metrics or {},
        "assigned_at": assigned,
        "closed_at": None if status is None else assigned + 30.0,
    }
    return Trial(**(defaults | changes))


def trials(metric="duration_seconds", **arms):
    """Return one trial per value, the arms taking turns: trials(control=[…], b=[…])."""
    made, order = [], itertools.count()
    for row in itertools.zip_longest(*arms.values()):
        for variant, value in zip(arms, row, strict=True):
            if value is not None:
                made.append(trial(variant, next(order), metrics={metric: float(value)}))
    return made


def look(plan, trials, *, days=1.0, **more):
    """Analyse some days after the start."""
    return analyze(
        plan, trials, experiment_id="exp-1", as_of=START + days * DAY, started=START, **more
    )


def spread(centre, n, ratio=1.3):
    """Return n values around a centre, alternately above and below it by up to a ratio."""
    return [centre * ratio ** ((-1) ** i * (i % 5) / 4) for i in range(n)]


def guardrail(metric=TOKENS, **changes):
    """Return a guardrail on output tokens."""
    return Guardrail(metric, **changes)
