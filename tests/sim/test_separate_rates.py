"""Rates of two arms at one look: a claim at its threshold, or a margin, is rarely passed."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats as sps
from tests.decide.making import DURATION, SUCCESS, look, plan, spread, trials

from meta_experiment.decide.metrics.rates import RATES
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.types import AnalysisType, Guardrail, GuardrailState, Stopping

UNITS = 13
DESIGN = RATES.separate


def arm(successes):
    values = (1.0,) * successes + (0.0,) * (UNITS - successes)
    return Sample(values, values, {}, tuple(map(str, range(UNITS))))


@pytest.mark.parametrize("at", [0.15, -0.1])
def test_a_true_threshold_is_rarely_passed(at):
    """Of all tables, at rates near nothing, a half and everything. The interval agrees."""
    passed = np.zeros((UNITS + 1, UNITS + 1))
    for control in range(UNITS + 1):
        for treated in range(UNITS + 1):
            arms = arm(control), arm(treated)
            found = DESIGN.evidence_once(AnalysisType.AUTO, *arms, SUCCESS, at)
            passed[control, treated] = found.better >= math.log(20)
            if control and (control + treated) % 3 == 0:
                low, _ = DESIGN.interval_once(*arms, SUCCESS, 0.9)
                assert passed[control, treated] == (low > at)
    assert passed.any()
    for rate in np.array([0.01, 0.05, 0.3, 0.5, 0.7, 0.95, 0.99, 1.0]) / max(1.0, 1 + at):
        counts = np.arange(UNITS + 1)
        chances = sps.binom.pmf(counts, UNITS, rate) @ passed
        assert chances @ sps.binom.pmf(counts, UNITS, rate * (1 + at)) <= 0.05


def test_a_guardrail_is_not_passed_by_a_few_that_all_succeed():
    """A treatment a tenth worse shows 13 of 13 in one of four experiments, 60 of 60 in none."""
    for units, state in ((13, GuardrailState.UNDETERMINED), (60, GuardrailState.PASS)):
        chosen = plan(
            primary=DURATION,
            guardrails=(Guardrail(SUCCESS, margin=0.1),),
            stopping=Stopping.FIXED,
            sample_size=units,
        )
        made = [
            replace(one, metrics={**one.metrics, "success": 1.0})
            for one in trials(control=spread(60, units), b=spread(50, units))
        ]
        assert look(chosen, made).guardrails[0].state is state
