"""What a plan that is made, or changed, now may not have, though stored ones may."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.decide.making import DURATION, SUCCESS, plan

from meta_experiment.errors import UsageError
from meta_experiment.model.metrics import describe
from meta_experiment.model.plan_checks import check_new_plan
from meta_experiment.types import Direction, MetricKind


def test_names_that_differ_in_case_alone_are_refused():
    with pytest.raises(UsageError, match="in case alone"):
        check_new_plan(plan("Control"))


def test_a_coins_error_rate_is_refused():
    with pytest.raises(UsageError, match="coin"):
        check_new_plan(plan(alpha=0.5))
    check_new_plan(plan(alpha=0.49))


def test_a_quantile_of_what_is_zero_or_one_is_refused():
    own = replace(SUCCESS, name="passed")
    half = replace(own, name="passed.p50", kind=MetricKind.QUANTILE)
    for metrics in ((describe("success.p50"), ()), (DURATION, (half, own))):
        with pytest.raises(UsageError, match="is 0 or 1 for each trial"):
            check_new_plan(plan(primary=metrics[0], secondary=metrics[1]))
    check_new_plan(plan(primary=describe("duration_seconds.p90")))
    check_new_plan(plan(primary=describe("own.p50", direction=Direction.LOWER)))
