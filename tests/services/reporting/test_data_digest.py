"""Two reports with the same digest of trials rest on the same data."""

from dataclasses import fields, replace

import pytest

from meta_experiment.services.reporting.data_digest import data_digest
from meta_experiment.types import Draw, Trial, TrialStatus

FIRST = Trial("a", "control", "u", 0, metrics={"turns": 1.0, "cost_usd": 2.0})
OTHERWISE = {
    "trial_id": "b", "variant": "treatment", "unit": "v", "order": 1, "exposed": False,
    "status": TrialStatus.OK, "metrics": {"turns": 1.5, "cost_usd": 2.0},
    "assigned_at": 1.0, "closed_at": 1.0, "fingerprint": {"model": "m"}, "excluded": "broken",
    "covariates": {"turns": 1.0}, "draw": Draw((1, 2), 3),
}  # fmt: skip


@pytest.mark.parametrize("field", [item.name for item in fields(Trial)])
def test_whatever_a_trial_says_is_in_it(field):
    other = replace(FIRST, **{field: OTHERWISE[field]})
    assert data_digest([other]) != data_digest([FIRST])


def test_the_order_of_trials_and_of_their_values_is_not():
    turned = replace(FIRST, metrics=dict(reversed(FIRST.metrics.items())))
    second = replace(FIRST, trial_id="b", draw=Draw((1, 2), 3))
    assert data_digest([second, turned]) == data_digest([FIRST, second])
