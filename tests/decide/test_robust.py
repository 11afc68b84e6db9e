"""Whatever is recorded, an analysis is a decision with a reason and numbers that JSON knows."""

from __future__ import annotations

import json
import math
import random

import pytest
from tests.decide.making import (
    COST,
    DURATION,
    SCORE,
    START,
    SUCCESS,
    TOKENS,
    guardrail,
    look,
    plan,
    trial,
)
from tests.everyday import some

from meta_experiment.decide.telling.explain import explain
from meta_experiment.model.result_document import to_document
from meta_experiment.types import (
    AnalysisType,
    Claim,
    Decision,
    Stopping,
    TrialStatus,
    Unit,
)

KINDS = {
    "constant": lambda draw: 5.0,  # noqa: ARG005
    "zero": lambda draw: 0.0,  # noqa: ARG005
    "noise": lambda draw: draw.lognormvariate(1, 0.5),
    "signed": lambda draw: draw.gauss(0, 3),
    "binary": lambda draw: draw.choice([0, 1]),
    "huge": lambda draw: draw.choice([1e300, 1e-300, 5e299]),
    "broken": lambda draw: draw.choice([0, -1, math.nan, math.inf, 3, 4, 5]),
}


def any_plan(draw, metric, arms):
    rail = guardrail(
        TOKENS if metric is COST else COST,
        margin=draw.choice([0, 0.1, 1, 2]),
        required=draw.random() < 0.5,
    )
    return plan(
        *arms[1:],
        primary=metric,
        stopping=draw.choice(list(Stopping)),
        sample_size=draw.choice([2, 3, 5, 10]),
        improvement_threshold=draw.choice([0, 0.15, 1.2]),
        claim=draw.choice(list(Claim)),
        unit=draw.choice(list(Unit)),
        analysis_type=draw.choice([AnalysisType.AUTO, *AnalysisType]),
        max_sample=draw.choice([None, 10, 20]),
        equivalence_margin=draw.choice([None, 0.1, 2]),
        guardrails=draw.choice([(), (rail,)]),
        secondary=() if metric is SUCCESS else draw.choice([(), (SUCCESS,)]),
        acting_alerts=draw.choice([(), ("regression",)]),
        alpha=draw.choice([0.05, 0.2, 1e-6]),
    )


def any_trials(draw, metric, arms, value):
    made = []
    for order in range(draw.choice([0, 1, 3, 10, 40])):
        metrics = {metric.name: value(draw)} if draw.random() < 0.9 else {}
        if draw.random() < 0.8:
            beside = {"cost_usd": draw.random(), "output_tokens": draw.randrange(5)}
            metrics = beside | metrics
        made.append(
            trial(
                draw.choice([*arms, *(["old"] if draw.random() < 0.05 else [])]),
                order,
                unit=draw.choice([None, None, f"u{order // 2}"]),
                trial_id=f"t{order}",
                status=draw.choice([None, *[TrialStatus.OK] * 6, *TrialStatus]),
                metrics=metrics,
                exposed=draw.random() < 0.95,
                excluded=draw.choice([None] * 20 + ["by_hand"]),
                assigned_at=draw.choice([None, START + order]),
                closed_at=draw.choice([None, START + order + 1e5 * draw.random()]),
                fingerprint={"model": draw.choice("ab")},
            )
        )
    return made


@pytest.mark.parametrize("kind", some(KINDS, 2))
@pytest.mark.parametrize("metric", [DURATION, COST, SCORE, SUCCESS], ids=lambda m: m.name)
def test_nothing_recorded_breaks_an_analysis(metric, kind):
    """Random plans over random, constant, missing and impossible values."""
    draw = random.Random(f"{metric.name} {kind}")  # noqa: S311
    for _ in range(25):
        arms = ["control", "b", "c", "d"][: draw.choice([2, 2, 2, 3, 4])]
        chosen = any_plan(draw, metric, arms)
        made = any_trials(draw, metric, arms, KINDS[kind])
        found = look(
            chosen,
            made,
            days=draw.choice([0, 1, 20]),
            current=draw.choice([None, {"model": "a"}, {"model": "z"}]),
        )
        json.dumps(to_document(found), allow_nan=False)
        assert explain(chosen, found)
        assert found.reason
        assert (found.winner is not None) is (found.decision is Decision.PROMOTE)
        if kind in ("constant", "zero") and metric is not SUCCESS:
            assert found.decision is not Decision.PROMOTE
