"""Adjusting for covariates neither errs nor is in vain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.everyday import some
from tests.sim import covariates, real
from tests.sim.test_promises import bound

from meta_experiment.stats.adjusted import ArmProducts, adjusted_means
from meta_experiment.types import Direction, Guardrail, Metric, MetricKind, Scale


@pytest.mark.parametrize("world", some(covariates.WORLDS, 4))
def test_few_identical_arms_are_told_apart(world):
    """In every world, up to 100 pairs: at most 5% are promoted and 5% rejected."""
    experiments = 400
    found = covariates.crossings(
        covariates.WORLDS[world], np.random.default_rng(51), experiments, 200
    )
    for crossed in found:
        assert (crossed >= 0).mean() <= bound(0.05, experiments)


@pytest.mark.long
def test_the_simulation_of_covariates_can_fail():
    """A rule that promotes at an e-value of 4 is caught by the same check."""
    up, _ = covariates.crossings(
        covariates.linear(0.5), np.random.default_rng(52), 600, 400, alpha=0.25
    )
    assert (up >= 0).mean() > bound(0.05, 600)


@pytest.mark.long
@pytest.mark.parametrize(
    ("effect", "most", "by_35"),
    [
        pytest.param(0.5, 34, 0.6),
        pytest.param(np.log(1 / 0.8) / 0.5, 42, 0.5, marks=pytest.mark.long),
    ],
)
def test_what_explains_half_of_the_variance_halves_the_pairs(effect, most, by_35):
    """Half a standard deviation, and 20% faster at the usual spread."""
    up, _ = covariates.crossings(
        covariates.linear(0.5, effect), np.random.default_rng(53), 400, 400
    )
    pairs = np.where(up >= 0, up + 1, 400) / 2
    assert pairs.mean() <= most
    assert (pairs <= 35).mean() >= by_35


@pytest.mark.parametrize("world", some(covariates.WORLDS, 4))
def test_the_twin_has_the_statistic_of_a_regression(world):
    """Slopes by least squares of values on arm and covariates, variances by arm."""
    rng = np.random.default_rng(54)
    y, arm, x = covariates.WORLDS[world](rng, 3, 80)
    t, df, size = covariates.adjusted(y, arm, x)
    for row in range(3):
        for look in (40, 79):
            own, z, here = y[row, : look + 1], arm[row, : look + 1], x[row, : look + 1]
            design = np.column_stack([np.ones(look + 1), z, here])
            found = np.linalg.lstsq(design, own, rcond=None)[0]
            without_z = np.delete(design, 1, axis=1)
            left = z - without_z @ np.linalg.lstsq(without_z, z, rcond=None)[0]
            residual = own - here @ found[2:]
            total, q = look + 1, here.shape[1]
            n = np.array([(z == index).sum() for index in (0, 1)])
            parts = np.array([residual[z == index].var(ddof=1) for index in (0, 1)]) / n
            parts *= (total - 2) / (total - 2 - q)
            inflation = n.prod() / n.sum() / (left @ left)
            assert size[row, look] == pytest.approx(left @ left)
            assert t[row, look] == pytest.approx(found[1] / np.sqrt(parts.sum() * inflation))
            expected = parts.sum() ** 2 / (parts**2 / (n - 1)).sum() - q
            assert df[row, look] == pytest.approx(expected)


@pytest.mark.parametrize("world", some(covariates.WORLDS, 4))
def test_the_twin_has_the_statistic_of_the_product(world):
    """t, degrees of freedom and effective size are those of the library's adjusted means."""
    y, arm, x = covariates.WORLDS[world](np.random.default_rng(55), 2, 60)
    t, df, size = covariates.adjusted(y, arm, x)
    for row in range(2):
        arms = (
            ArmProducts.of(
                y[row, arm[row] == index].tolist(), x[row, arm[row] == index].tolist()
            )
            for index in (0, 1)
        )
        found = adjusted_means(*arms).contrast()
        assert found.statistic() == pytest.approx(t[row, -1], rel=1e-8)
        assert found.df == pytest.approx(df[row, -1], rel=1e-8)
        assert found.n_effective == pytest.approx(size[row, -1], rel=1e-8)


@pytest.mark.parametrize(
    ("better", "harm"), [(0.0, 1.0), (1.5, 1.0), (1.5, 1.2), (1.5, 2.0), (-1.5, 1.0)]
)
def test_the_twin_decides_first_where_the_product_does(better, harm):
    """With a covariate and a guardrail: it extends before, and takes that action there."""
    guard = Guardrail(Metric("guard", MetricKind.CONTINUOUS, Direction.LOWER, Scale.LOG))
    plan = real.plan(covariates=("size",), guardrails=(guard,))
    world = covariates.guarded(better, harm)(np.random.default_rng(56), 2, 100)
    crossed = covariates.decided(*world)
    y, kept, arm, x = world
    for row in range(2):
        looks = [at for at in (crossed.promoted[row], crossed.rejected[row]) if at >= 0]
        at = min(looks, default=99)
        given = [
            replace(
                item,
                metrics=dict(item.metrics, guard=float(np.exp(value))),
                covariates={"size": float(size[0])},
            )
            for item, value, size in zip(
                real.trials(np.exp(y[row]), arm[row]), kept[row], x[row], strict=True
            )
        ]
        for look in (at - 1, at):
            expected = {
                int(crossed.promoted[row]): "PROMOTE",
                int(crossed.rejected[row]): "REJECT",
            }
            found = real.decide(plan, given[: look + 1])
            said = "EXTEND" if found.decision == "INCONCLUSIVE" else found.decision
            assert said == expected.get(look, "EXTEND"), (row, look, found.reason)


@pytest.mark.long
@pytest.mark.parametrize(
    ("better", "harm", "least", "most"),
    [(0.0, 1.0, 0.0, 0.05), (0.5, 1.0, 0.9, 1.0), (1.0, 1.6, 0.0, 0.02)],
)
def test_a_guardrail_holds_beside_covariates(better, harm, least, most):
    """Useless ones and harmful ones are rarely promoted, good ones mostly."""
    world = covariates.guarded(better, harm)(np.random.default_rng(57), 300, 200)
    found = covariates.decided(*world).rate("promote")
    assert least <= found <= bound(most, 300)
