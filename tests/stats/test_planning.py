import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps
from tests.everyday import some
from tests.reference.sample_size import (
    proportion_sample_size,
    proportion_sample_size_arcsine,
    t_sample_size,
)
from tests.reference.spending import Spending, group_constant, spending_bounds, spent

from meta_experiment.errors import UsageError
from meta_experiment.stats.power import (
    anytime_critical_t,
    anytime_detectable_effect,
    anytime_power,
    t_detectable_effect,
    t_power,
)

# simulated share of runs that the sequential rule decides by 10, 20, 50, 100, 200, 500 units
# per arm, looking after every pair from ten on; improvement and sd on the log scale
SIMULATED = {
    (0.15, 0.25): (0.049, 0.300, 0.789, 0.980, 1.0, 1.0),
    (0.15, 0.5): (0.012, 0.074, 0.262, 0.498, 0.784, 0.988),
    (0.15, 1.0): (0.004, 0.024, 0.074, 0.141, 0.238, 0.469),
    (0.25, 0.5): (0.036, 0.226, 0.677, 0.949, 0.999, 1.0),
    (0.25, 0.8): (0.010, 0.081, 0.286, 0.562, 0.857, 0.997),
    (0.40, 0.25): (0.852, 1.0, 1.0, 1.0, 1.0, 1.0),
    (0.40, 0.5): (0.162, 0.702, 0.995, 1.0, 1.0, 1.0),
    (0.40, 0.8): (0.046, 0.280, 0.776, 0.981, 1.0, 1.0),
}


@pytest.mark.parametrize(("plan", "simulated"), SIMULATED.items())
def test_sequential_power_agrees_with_simulation(plan, simulated):
    """The formula's power lies within six points of the simulated one, three above a half."""
    improvement, sd = plan
    effect = -math.log(1 - improvement) / sd
    for n, seen in zip((10, 20, 50, 100, 200, 500), simulated, strict=True):
        assert anytime_power(n, effect) == pytest.approx(
            seen, abs=0.06 if seen < 0.5 else 0.035
        )


def test_critical_values_of_the_sequential_rule():
    """The t that decides falls to 2.71 at 50 units per arm and rises slowly after."""
    printed = {5: 7.38, 7: 4.12, 10: 3.35, 20: 2.85, 50: 2.71, 100: 2.76, 200: 2.9}
    for n, critical in printed.items():
        assert anytime_critical_t(n) == pytest.approx(critical, abs=0.005)


def test_nothing_is_decided_where_no_t_would_do():
    """With two units per arm no result decides, however large."""
    assert anytime_critical_t(2) == math.inf
    assert anytime_power(2, 5.0) == 0.0


@settings(max_examples=20)
@given(st.integers(8, 400), st.floats(0.5, 0.95))
def test_detectable_effects_have_the_power_asked_for(n, power):
    """The smallest detectable effect, put back, gives the power it was asked for."""
    assert t_power(n, t_detectable_effect(n, power=power)) == pytest.approx(power, abs=1e-8)
    effect = anytime_detectable_effect(n, power=power)
    assert anytime_power(n, effect) == pytest.approx(power, abs=1e-8)
    assert effect > t_detectable_effect(n, power=power, sides=1)


@pytest.mark.long
@settings(max_examples=20)
@given(st.floats(0.15, 2.0), st.floats(0.3, 0.99), st.sampled_from([1, 2]))
def test_sample_size_inverts_power(effect, power, sides):
    """The sample size, put back, gives the power; its sign does not matter."""
    n = t_sample_size(effect, power=power, sides=sides)
    assert t_power(n, effect, sides=sides) == pytest.approx(power, abs=1e-8)
    assert t_sample_size(-effect, power=power, sides=sides) == n


def test_published_sample_sizes():
    """Sizes that other programs print: 64 per arm for d = 0.5, 170 for 50% against 65%."""
    assert t_sample_size(0.5) == pytest.approx(63.76561, abs=1e-4)
    assert t_power(64, 0.5) == pytest.approx(0.8014596, abs=1e-6)
    assert proportion_sample_size(0.5, 0.65) == pytest.approx(169.311371419669)
    assert proportion_sample_size_arcsine(0.5, 0.65) == pytest.approx(169.087942473337)


@pytest.mark.parametrize(
    "call",
    [
        lambda: t_sample_size(0.0),
        lambda: t_sample_size(0.5, power=0.01),
        lambda: t_power(1, 0.5),
        lambda: t_power(10, 0.5, sides=3),
        lambda: proportion_sample_size(0.5, 0.5),
        lambda: proportion_sample_size(50, 65),
        lambda: anytime_critical_t(1),
        lambda: t_sample_size(1e-9),
    ],
)
def test_plans_that_make_no_sense_are_refused(call):
    """No effect, no room for power, per cents instead of fractions: all raise."""
    with pytest.raises(UsageError):
        call()


@pytest.mark.parametrize(
    ("looks", "kind", "printed"),
    some(
        [
            (2, Spending.POCOCK, 2.178),
            (5, Spending.POCOCK, 2.413),
            (10, Spending.POCOCK, 2.555),
            (5, Spending.OBRIEN_FLEMING, 2.040),
            (10, Spending.OBRIEN_FLEMING, 2.087),
            (2, Spending.OBRIEN_FLEMING, 1.977),
        ],
        2,
    ),
)
def test_classical_constants(looks, kind, printed):
    """The constants are those of Jennison and Turnbull (2000), tables 2.1 and 2.3."""
    assert group_constant(looks, kind) == pytest.approx(printed, abs=6e-4)


@pytest.mark.parametrize(
    ("kind", "sides", "alpha", "printed"),
    [
        (Spending.OBRIEN_FLEMING, 2, 0.05, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        (Spending.POCOCK, 2, 0.05, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
        (Spending.OBRIEN_FLEMING, 1, 0.025, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
    ],
)
def test_published_spending_bounds(kind, sides, alpha, printed):
    """Five equal looks give the bounds that Lan and DeMets's program prints."""
    bounds = spending_bounds([0.2, 0.4, 0.6, 0.8, 1.0], kind, alpha=alpha, sides=sides)
    assert bounds == pytest.approx(printed, abs=2e-3)


def test_two_looks_err_as_planned():
    """The bounds of two looks spend exactly α, by the bivariate normal distribution."""
    first, second = spending_bounds([0.4, 1.0], Spending.POCOCK, sides=1, alpha=0.05)
    rho = math.sqrt(0.4)
    stay = sps.multivariate_normal.cdf([first, second], cov=[[1, rho], [rho, 1]])
    assert 1 - stay == pytest.approx(0.05, abs=1e-7)
    assert sps.norm.sf(first) == pytest.approx(spent(Spending.POCOCK, 0.4, sides=1))


@pytest.mark.long
def test_many_looks_stay_accurate():
    """A look after each of 100 pairs costs no accuracy: one look more changes little."""
    bounds = spending_bounds([k / 100 for k in range(1, 101)], Spending.POCOCK)
    assert 2.2 < min(bounds) < max(bounds) < 3.7
    assert spent(Spending.OBRIEN_FLEMING, 1.0) == pytest.approx(0.05)
    assert spent(Spending.OBRIEN_FLEMING, 0.0) == 0.0


@pytest.mark.parametrize("information", [[0.5, 0.4], [0.0, 1.0], [0.5, 1.1]])
def test_information_must_rise(information):
    """Shares of information that do not rise to at most one are refused."""
    with pytest.raises(UsageError):
        spending_bounds(information, Spending.POCOCK)
    with pytest.raises(UsageError):
        group_constant(0, Spending.POCOCK)
