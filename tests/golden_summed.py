"""Golden cases through sums: an engine adds the units up, and nothing sees a unit again.

`call(fn, inputs)` answers as `golden_adapter.call` does, for the functions that need no more
than sums; None for all others.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from tests import golden_adapter
from tests.golden_adapter import Answer, Inputs
from tests.support.warehouse_rows import ARMS, FIRST_DAY, mapping_of, plan_of

from meta_experiment.decide.collected import ArmDay
from meta_experiment.errors import DegenerateDataError
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.sought import sought
from meta_experiment.stats import ttest
from meta_experiment.stats.joint_moments import JointMoments
from meta_experiment.stats.moments import Moments

Unit = tuple[float, ...]  # its value, then its covariates or the part below of a ratio
RATIO = "cost_usd.per.duration_seconds"
AS_OF = (FIRST_DAY + timedelta(days=9)).timestamp()


def call(fn: str, inputs: Inputs) -> Answer | None:
    """Answer one golden case from sums, or None where sums are not enough."""
    answer = FUNCTIONS.get(fn)
    return None if answer is None else answer(inputs)


def summed(control: Sequence[Unit], treatment: Sequence[Unit], primary: str) -> list[ArmDay]:
    """Have the engine add up the units of two arms; return the sums of each."""
    width = len((*control, *treatment)[0])
    columns = [f"x{number}" for number in range(width)]
    with TemporaryDirectory() as folder:
        _write(Path(folder) / "units.csv", columns, (control, treatment))
        mapping = mapping_of(
            {"units": {"path": "units.csv"}},
            folder,
            window=None,
            exposure={"table": "units", "unit": "unit", "variant": "arm", "variants": ARMS},
            metrics={
                name: {"value": column, "aggregate": "sum"}
                for name, column in zip(("cost_usd", "duration_seconds"), columns, strict=False)
            },
        )
        plan = plan_of(primary)
        with opened(None) as engine:
            wanted = sought(plan, mapping)
            found, _ = collect(engine, mapping, list(ARMS.values()), wanted, Period(AS_OF))
    days = {day.variant: day for day in found.days}
    return [days[arm] for arm in ARMS.values()]


def _write(path: Path, columns: Sequence[str], arms: tuple[Sequence[Unit], ...]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("unit", "arm", *columns))
        for arm, units in zip(ARMS, arms, strict=True):
            for number, unit in enumerate(units):
                writer.writerow((f"{arm}{number}", arm, *map(repr, map(float, unit))))


def _joint(day: ArmDay, metric: str) -> JointMoments:
    sums = day.metrics[metric]
    if sums.skipped:
        raise DegenerateDataError(f"left out: {dict(sums.skipped)}")
    return sums.joint


def _arms(inputs: Inputs) -> tuple[Moments, Moments]:
    control, treatment = ([(value,) for value in inputs[arm]] for arm in ARMS.values())
    first, second = (
        _joint(day, "cost_usd").moments() for day in summed(control, treatment, "cost_usd")
    )
    return first, second


def _with_summed_arms(fn: str) -> Callable[[Inputs], Answer]:
    def answer(inputs: Inputs) -> Answer:
        with patch.object(golden_adapter, "arms", _arms):
            return golden_adapter.FUNCTIONS[fn](inputs)

    return answer


def _ratio_delta(inputs: Inputs) -> Answer:
    control, treatment = (
        list(zip(inputs[f"{arm}_num"], inputs[f"{arm}_den"], strict=True))
        for arm in ARMS.values()
    )
    first, second = (_joint(day, RATIO).ratio() for day in summed(control, treatment, RATIO))
    return golden_adapter.t_answer(ttest.welch(first, second, level=inputs["conf"]))


def _counted(fn: str) -> Callable[[Inputs], Answer]:
    """Answer from the successes and units that the engine counted."""

    def answer(inputs: Inputs) -> Answer:
        control, treatment = (
            [(float(number < inputs[f"x_{arm}"]),) for number in range(inputs[f"n_{arm}"])]
            for arm in ARMS.values()
        )
        counts = {}
        days = summed(control, treatment, "cost_usd")
        for arm, day in zip(ARMS.values(), days, strict=True):
            moments = _joint(day, "cost_usd").moments()
            counts[f"x_{arm}"] = round(moments.n * moments.mean)
            counts[f"n_{arm}"] = day.units
        return golden_adapter.FUNCTIONS[fn]({**inputs, **counts})

    return answer


BY_ARMS = (
    "anytime_valid_t", "asymptotic_cs", "bayes_normal_relative", "cohens_d_hedges_g",
    "msprt_normal", "relative_lift_delta_log", "relative_lift_delta_taylor",
    "relative_lift_fieller", "student_t", "welch_t",
)  # fmt: skip
BY_COUNTS = ("beta_binomial", "two_proportions")
FUNCTIONS: dict[str, Callable[[Inputs], Answer]] = {
    "ratio_delta": _ratio_delta,
    **{fn: _with_summed_arms(fn) for fn in BY_ARMS},
    **{fn: _counted(fn) for fn in BY_COUNTS},
}
