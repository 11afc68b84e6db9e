"""One-sided e-value of a t statistic that is not tuned to effects of one size.

The mean of two e-values, hence itself one: three quarters of a grid of 15 standardised
effects, log-spaced with log-normal weights around 0.5, and a quarter of the half-normal prior
of `stats.sequential`. Each averages the noncentral t likelihood ratio over its prior, the
standard deviation integrated out with the right-Haar measure (Lai 1976, Ann. Statist. 4(2);
Pérez-Ortiz, Lardy, de Heide and Grünwald 2024, Ann. Statist. 52(4)); mixtures of e-values:
Vovk and Wang 2021, Ann. Statist. 49(3). Effects of the usual sizes are found sooner than by
the half-normal alone.
"""

from __future__ import annotations

import math
from functools import lru_cache

from meta_experiment.stats.log_sums import log_add
from meta_experiment.stats.sequential import log_bayes_factor, posterior_statistic
from meta_experiment.stats.special import stirling_error, t_log_cdf

_POINTS = 15
_SMALLEST, _LARGEST = 0.06, 4.0
_CENTRE, _LOG_SD = 0.5, 0.5
_LOG_SHARE_GRID, _LOG_SHARE_HALF_NORMAL = math.log(0.75), math.log(0.25)


def _log_weighted_effects() -> tuple[tuple[float, float], ...]:
    ratio = (_LARGEST / _SMALLEST) ** (1.0 / (_POINTS - 1))
    effects = [_SMALLEST * ratio**index for index in range(_POINTS)]
    logs = [-0.5 * (math.log(effect / _CENTRE) / _LOG_SD) ** 2 for effect in effects]
    total = math.log(math.fsum(map(math.exp, logs)))
    return tuple((effect, log - total) for effect, log in zip(effects, logs, strict=True))


EFFECTS = _log_weighted_effects()
"""The grid: standardised effects with the logarithms of their weights, which sum to one."""

_GRID = tuple((effect, effect * effect, log_weight) for effect, log_weight in EFFECTS)
_STEP = 0.9  # of the trapezoid, in standard deviations: an error of 1e-10
_STEP_AT_ONE = 0.5
_REACH = 6.7  # of the nodes beyond the peaks, where a normal density is below 1e-13
_LEFT_TAIL = 16.0  # over √ν: how much farther where the density falls as a power
_NEGLIGIBLE = 24.0
_FEW = 20.0  # degrees of freedom up to which a normal tail is too sharp for the nodes
_FARTHEST_LEFT = -5.0  # beyond, the tail of the half-normal's posterior lies off the nodes
_FARTHEST = 1e140  # of a statistic whose square is still a number
_SQRT_HALF = math.sqrt(0.5)
_LOG_2 = math.log(2.0)
_LOG_SQRT_PI = 0.5 * math.log(math.pi)


@lru_cache(maxsize=256)  # an analysis asks for the same comparison again and again
def log_e_mixed(statistic: float, df: float, n_effective: float) -> float:
    """Return the log e-value for an effect above the null; `statistic` is its t.

    It rises with the statistic. `df` are degrees of freedom (any positive number),
    `n_effective` as in `ttest.Contrast`.
    """
    half_normal, grid = log_e_parts(statistic, df, n_effective)
    return log_add(half_normal + _LOG_SHARE_HALF_NORMAL, grid + _LOG_SHARE_GRID)


def log_e_parts(statistic: float, df: float, n_effective: float) -> tuple[float, float]:
    """Return the log e-values under the half-normal prior and under the grid.

    At a noncentrality λ the likelihood ratio is exp(-λ²/2) E exp(λ w S), w = t/√(df + t²) and
    S chi with ν = df + 1 degrees of freedom. One trapezoid serves all the expectations: in u,
    with S = √ν z and z = log(1 + exp(u/√ν)), every integrand is close to a normal density of
    standard deviation one and analytic on the whole line, so that the rule converges
    geometrically (Trefethen and Weideman 2014, SIAM Review 56(3)).
    """
    nu, statistic = df + 1.0, max(-_FARTHEST, min(_FARTHEST, statistic))
    posterior = posterior_statistic(statistic, df, n_effective)
    terms, places, top = _terms(statistic, df, n_effective)
    on_nodes = nu > _FEW and posterior > _FARTHEST_LEFT
    if on_nodes:
        places += [1.0, 1.0 / math.sqrt(1.0 + min(0.0, posterior) ** 2 / nu)]
    step, nodes = _nodes(min(places), max(places), nu)
    exp, erfc = math.exp, math.erfc
    total = sum(
        [exp(log_p + constant + slope * z) for slope, constant in terms for z, log_p in nodes]
    )
    log_grid = top + math.log(step * total)
    if on_nodes:
        cut = -posterior * _SQRT_HALF
        twice = step * sum([exp(log_p) * erfc(cut * z) for z, log_p in nodes])
        log_twice_cdf = math.log(twice)
    else:
        log_twice_cdf = _LOG_2 + t_log_cdf(posterior, nu)
    return log_bayes_factor(statistic, df, n_effective) + log_twice_cdf, log_grid


def _terms(
    statistic: float, df: float, n_effective: float
) -> tuple[list[tuple[float, float]], list[float], float]:
    """Return slopes and constants of the grid's terms that count, their places, and the top.

    A term's integrand is the density of z times exp(constant + slope z); it peaks at its place.
    The constants are relative to the highest of the peaks, whose logarithm is the top.
    """
    nu, root_n = df + 1.0, math.sqrt(n_effective)
    direction = statistic / math.hypot(math.sqrt(df), statistic)
    tilt, lift = 0.5 * root_n * direction / math.sqrt(nu), root_n * direction * math.sqrt(nu)
    half_n, sqrt, log = 0.5 * n_effective, math.sqrt, math.log
    found = []
    for effect, square, log_weight in _GRID:
        half = tilt * effect
        reach = sqrt(half * half + 1.0)
        place = half + reach if half >= 0.0 else 1.0 / (reach - half)
        constant, slope = log_weight - half_n * square, lift * effect
        height = (
            constant + slope * place + nu * (log(place) - 0.5 * (place - 1.0) * (place + 1.0))
        )
        found.append((height, place, slope, constant))
    top = max(found)[0]
    kept = [term for term in found if term[0] > top - _NEGLIGIBLE]
    terms = [(slope, constant - top) for _, _, slope, constant in kept]
    return terms, [kept[0][1], kept[-1][1]], top


def _nodes(lowest: float, highest: float, nu: float) -> tuple[float, list[tuple[float, float]]]:
    """Return the step, and nodes z with the log density of u, for peaks between two places.

    They lie on one lattice for every t, so that sums over it rise with t as the terms do.
    """
    root_nu, log, exp, log1p = math.sqrt(nu), math.log, math.exp, math.log1p
    step = min(_STEP, _STEP_AT_ONE * root_nu)
    low, high = (z if z > 700.0 else log(math.expm1(z)) for z in (lowest, highest))
    first = math.floor((root_nu * low - _REACH) / step - _LEFT_TAIL / (step * root_nu))
    last = math.ceil((root_nu * high + _REACH) / step)
    constant = -_LOG_SQRT_PI - stirling_error(0.5 * nu)
    stride, nodes = step / root_nu, []
    for index in range(first, last + 1):
        v = index * stride
        z = log1p(exp(v)) if v < 700.0 else v
        log_z = log(z)
        nodes.append(
            (z, nu * (log_z - 0.5 * (z - 1.0) * (z + 1.0)) + (constant + v - z - log_z))
        )
    return step, nodes
