"""Distribution functions in pure Python, right to the last digits and into the far tails.

The tails of Student's t and of the beta distribution are integrals of a log-concave function
over a half-line. Each is written as (its value at the edge) × (an integral that starts at one
and falls), where the first factor is computed by the saddle-point expansion of
Loader (2000, Fast and accurate computation of binomial probabilities) and the second by one
Gauss-Legendre rule. No factor over- or underflows
and nothing cancels, so the relative error stays near 1e-14 plus the unavoidable rounding of
the exponent. scipy does the same work but costs most of a second to import.
"""

from __future__ import annotations

import math
from functools import lru_cache

from meta_experiment.errors import UsageError
from meta_experiment.stats.quadrature import falling_integral

_SQRT2 = math.sqrt(2.0)
_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
_LOG_HALF = -math.log(2.0)
_LOG_LARGEST = 700.0


def _log1p_minus(x: float) -> float:
    """Return log(1+x) - x without cancellation near zero."""
    if not -0.4 < x < 0.6:
        return math.log1p(x) - x
    # log(1+x) = 2 artanh(u), u = x/(2+x); the first term of the series takes x along
    u = x / (2.0 + x)
    square = u * u
    total, power, odd = 0.0, u * square, 3.0
    while abs(power) > 1e-18 * abs(total):
        total += power / odd
        power *= square
        odd += 2.0
    return 2.0 * total - u * x


def _expm1_minus(x: float) -> float:
    """Return exp(x) - 1 - x without cancellation near zero."""
    if abs(x) > 0.7:
        return math.expm1(x) - x
    total, term, k = 0.0, 0.5 * x * x, 2.0
    while abs(term) > 1e-18 * abs(total):
        total += term
        k += 1.0
        term *= x / k
    return total


def stirling_error(x: float) -> float:
    """Return log Γ(x+1) minus Stirling's (x+½) log x - x + log √2π, for x > 0."""
    if x < 15.0:
        return math.lgamma(x + 1.0) - (x + 0.5) * math.log(x) + x - _LOG_SQRT_2PI
    square = 1.0 / (x * x)
    series = 1 / 1260 - square * (1 / 1680 - square * (1 / 1188 - square * 691 / 360360))
    return (1 / 12 - square * (1 / 360 - square * series)) / x


def deviance(x: float, mean: float, gap: float) -> float:
    """Return x log(x/mean) + mean - x ≥ 0 (Loader 2000, D0), given also gap = mean - x."""
    if gap < -0.5 * x:
        return x * math.log(x / mean) + gap
    return -x * _log1p_minus(gap / x)


def normal_sf(x: float) -> float:
    """Return P(Z > x) for the standard normal."""
    return 0.5 * math.erfc(x / _SQRT2)


def normal_cdf(x: float) -> float:
    """Return P(Z ≤ x) for the standard normal."""
    return 0.5 * math.erfc(-x / _SQRT2)


def normal_log_sf(x: float) -> float:
    """Return log P(Z > x), also where the probability itself underflows."""
    if x < 0.0:
        return math.log1p(-normal_cdf(x))
    if x < 37.0:
        return math.log(normal_sf(x))
    inverse = 1.0 / (x * x)
    mills = 1.0 - 5.0 * inverse * (1.0 - 7.0 * inverse)
    mills = 1.0 - inverse * (1.0 - 3.0 * inverse * mills)
    return -0.5 * x * x - math.log(x) - _LOG_SQRT_2PI + math.log(mills)


def normal_isf(p: float) -> float:
    """Return the x with P(Z > x) = p, for 0 < p < 1; ±inf at the ends.

    Newton on log P(Z > x), which is concave, so that it cannot run away.
    """
    if p > 0.5:
        return -normal_isf(1.0 - p)
    if p <= 0.0:
        return math.inf
    target = math.log(p)
    x = math.sqrt(max(0.0, -2.0 * (target - _LOG_HALF)))
    for _ in range(40):
        log_sf = normal_log_sf(x)
        hazard = math.exp(-0.5 * x * x - _LOG_SQRT_2PI - log_sf)
        step = (log_sf - target) / hazard
        x += step
        if abs(step) <= 1e-15 * max(1.0, abs(x)):
            break
    return x


def normal_ppf(p: float) -> float:
    """Return the x with P(Z ≤ x) = p, for 0 < p < 1; ±inf at the ends."""
    return -normal_isf(p)


def log_gamma_half_step(x: float) -> float:
    """Return log of Γ(x+½)/Γ(x) for x > 0, by the asymptotic series when x is large."""
    if x < 15.0:  # below, the series has not converged
        return math.log(math.gamma(x + 0.5) / math.gamma(x))
    square = 1.0 / (x * x)
    series = 17 / 14336 - square * (31 / 18432 - square * 691 / 180224)
    series = 1 / 8 - square * (1 / 192 - square * (1 / 640 - square * series))
    return 0.5 * math.log(x) - series / x


def _log_t_constant(df: float) -> float:
    """Return log of Γ((df+1)/2) / (√π Γ(df/2)), the constant of sech(w)^df."""
    return log_gamma_half_step(0.5 * df) - 0.5 * math.log(math.pi)


def _require_df(df: float) -> None:
    if not 0.1 <= df < math.inf:
        raise UsageError(f"{df!r} degrees of freedom, expected a finite number from 0.1 up")


@lru_cache(maxsize=256)  # both tails of a test, and the tests of one comparison, ask the same
def _log_upper_t(t: float, df: float) -> float:
    """Return log P(T > t) for t ≥ 0.

    With t = √df sinh w the density becomes a constant times sech(w)^df, and
    cosh(w+s)/cosh(w) = cosh s + tanh w sinh s has no cancellation.
    """
    ratio = t / math.sqrt(df)
    tanh = ratio / math.hypot(1.0, ratio)

    def drop(s: float) -> float:
        half = math.sinh(0.5 * s)
        return df * math.log1p(2.0 * half * half + tanh * math.sinh(s))

    scale = (2.0 / df) / (tanh + math.sqrt(tanh * tanh + 2.0 / df))
    log_cosh = math.log(math.hypot(1.0, ratio)) if ratio > 1.0 else 0.5 * math.log1p(ratio**2)
    return _log_t_constant(df) - df * log_cosh + math.log(falling_integral(drop, scale))


def t_log_sf(t: float, df: float) -> float:
    """Return log P(T > t) for Student's t with df degrees of freedom (any positive number)."""
    _require_df(df)
    if math.isinf(t):
        return -math.inf if t > 0.0 else 0.0
    if t >= 0.0:
        return _log_upper_t(t, df)
    return math.log1p(-math.exp(_log_upper_t(-t, df)))


def t_log_cdf(t: float, df: float) -> float:
    """Return log P(T ≤ t) for Student's t."""
    return t_log_sf(-t, df)


def t_sf(t: float, df: float) -> float:
    """Return P(T > t) for Student's t."""
    return math.exp(t_log_sf(t, df))


def t_cdf(t: float, df: float) -> float:
    """Return P(T ≤ t) for Student's t."""
    return math.exp(t_log_sf(-t, df))


def t_isf(p: float, df: float) -> float:
    """Return the t with P(T > t) = p, for 0 < p < 1; ±inf at the ends.

    Newton in w (t = √df sinh w), where the log tail is concave, from the normal deviate of
    Wallace (1959, Ann. Math. Statist. 30).
    """
    _require_df(df)
    if p > 0.5:
        return -t_isf(1.0 - p, df)
    if p <= 0.0:
        return math.inf
    target = math.log(p)
    deviate = normal_isf(p) * (8.0 * df + 3.0) / (8.0 * df + 1.0)
    log_cosh = deviate * deviate / (2.0 * df)
    w = min(_LOG_LARGEST, log_cosh + math.log1p(math.sqrt(-math.expm1(-2.0 * log_cosh))))
    root = math.sqrt(df)
    log_constant = _log_t_constant(df)
    for _ in range(60):
        if w > _LOG_LARGEST:
            return math.inf
        log_sf = _log_upper_t(root * math.sinh(w), df)
        log_density = log_constant - df * (w + math.log1p(math.exp(-2.0 * w)) + _LOG_HALF)
        step = (log_sf - target) / math.exp(log_density - log_sf)
        w = max(0.0, w + step)
        if abs(step) <= 1e-15 * max(1.0, w) or w == 0.0:
            break
    return root * math.sinh(w)


def t_ppf(p: float, df: float) -> float:
    """Return the t with P(T ≤ t) = p, for 0 < p < 1; ±inf at the ends."""
    return -t_isf(p, df)


def gamma_sf(a: float, x: float) -> float:
    """Return Q(a, x), the regularised upper incomplete gamma function."""
    if x <= 0.0:
        return 1.0
    if x < a + 1.0:
        return 1.0 - _gamma_edge(a, x) * _gamma_series(a, x)
    return _gamma_edge(a, x) * _gamma_fraction(a, x)


def gamma_cdf(a: float, x: float) -> float:
    """Return P(a, x), the regularised lower incomplete gamma function."""
    if x <= 0.0:
        return 0.0
    if x < a + 1.0:
        return _gamma_edge(a, x) * _gamma_series(a, x)
    return 1.0 - _gamma_edge(a, x) * _gamma_fraction(a, x)


def _gamma_edge(a: float, x: float) -> float:
    """Return x^a e^(-x) / Γ(a)."""
    log_edge = 0.5 * math.log(a) - _LOG_SQRT_2PI - stirling_error(a) - deviance(a, x, x - a)
    return math.exp(log_edge)


def _gamma_series(a: float, x: float) -> float:
    """Sum 1/a + x/(a(a+1)) + …: all terms positive (Abramowitz and Stegun 6.5.29)."""
    term = total = 1.0 / a
    k = a
    while term > 1e-17 * total:
        k += 1.0
        term *= x / k
        total += term
    return total


def _gamma_fraction(a: float, x: float) -> float:
    """Evaluate Legendre's continued fraction of Γ(a, x) e^x x^(-a) forwards (A&S 6.5.31)."""
    b = x + 1.0 - a
    c, d = math.inf, 1.0 / b
    value = d
    k, change = 0, math.inf
    while abs(change - 1.0) > 4e-16:
        k += 1
        numerator = k * (a - k)
        b += 2.0
        d = 1.0 / (numerator * d + b)
        c = b + numerator / c
        change = c * d
        value *= change
    return value


def chi2_sf(x: float, df: float) -> float:
    """Return P(X > x) for chi-square with df degrees of freedom."""
    _require_df(df)
    return gamma_sf(0.5 * df, 0.5 * x)


def log_beta_cdf(x: float, a: float, b: float) -> float:
    """Return log I_x(a, b), the regularised incomplete beta function."""
    if not (a >= 0.1 and b >= 0.1):
        raise UsageError(f"beta parameters {a!r} and {b!r}, expected both from 0.1 up")
    if x <= 0.0:
        return -math.inf
    if x >= 1.0:
        return 0.0
    if x * (a + b) <= a:
        return _log_beta_tail(x, 1.0 - x, a, b)
    return math.log1p(-math.exp(_log_beta_tail(1.0 - x, x, b, a)))


def _log_beta_tail(x: float, y: float, a: float, b: float) -> float:
    """Return log I_x(a, b) for x = 1-y at or left of the mean, integrating over the logit."""
    n = a + b
    slope = a - n * x if x < y else n * y - b  # the smaller of x and y is the exact one

    # exponent b s - n log(x + y e^s), written around the small one of x and y
    def drop(s: float) -> float:
        if x < y:
            inner = math.expm1(-s)
            return slope * s + n * (_log1p_minus(x * inner) + x * _expm1_minus(-s))
        if s > 600.0:
            return a * s + n * math.log(y)
        inner = math.expm1(s)
        if s > 1.0:
            return n * math.log1p(y * inner) - b * s
        return slope * s + n * (_log1p_minus(y * inner) + y * _expm1_minus(s))

    bend = 0.5 * n * x * y
    scale = 2.0 / (slope + math.sqrt(slope * slope + 4.0 * bend))
    edge = 0.5 * math.log(a * b / n) - _LOG_SQRT_2PI
    edge += stirling_error(n) - stirling_error(a) - stirling_error(b)
    edge -= deviance(a, n * x, -slope) + deviance(b, n * y, slope)
    return edge + math.log(falling_integral(drop, scale))


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return I_x(a, b), the regularised incomplete beta function."""
    return math.exp(log_beta_cdf(x, a, b))
