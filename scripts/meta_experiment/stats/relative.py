"""The ratio of two means, bounded by whatever test of "treatment is ratio × control"."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Self

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.root_finding import rising_root
from meta_experiment.stats.special import t_log_sf
from meta_experiment.stats.ttest import satterthwaite, welch_contrast

Bound = float | None


@dataclass(frozen=True, slots=True)
class MeanRatio:
    """Means of control and treatment, to be compared by their ratio.

    `variance_control`, `variance_treatment` and `covariance` are those of the two means;
    `df(control_part, treatment_part)` are the degrees of freedom of a contrast whose variance
    has these parts; `n_effective` is as in `ttest.Contrast`.
    """

    control: float
    treatment: float
    variance_control: float
    variance_treatment: float
    n_effective: float
    df: Callable[[float, float], float]
    covariance: float = 0.0

    @classmethod
    def separate(cls, control: Moments, treatment: Moments) -> Self:
        """Compare arms that have nothing to do with each other, with Welch's df.

        Raises:
            DegenerateDataError: with fewer than two values in an arm, when both are constant,
                or when the control's mean is zero.
        """
        contrast = welch_contrast(control, treatment)
        return cls(
            _base(control),
            treatment.mean + treatment.residual,
            control.variance / control.n,
            treatment.variance / treatment.n,
            contrast.n_effective,
            lambda one, other: satterthwaite((one, control.n), (other, treatment.n)),
        )

    @classmethod
    def paired(cls, control: Moments, difference: Moments, shared: float) -> Self:
        """Compare pairs by the moments of the control and of treatment minus control.

        `shared` is the sum of products of their deviations.

        Raises:
            DegenerateDataError: with fewer than two pairs, or when the control's mean is zero.
        """
        pairs, base = control.n, _base(control)
        scale = 1.0 / (pairs * (pairs - 1))
        return cls(
            base,
            base + difference.mean + difference.residual,
            control.variance / pairs,
            (control.m2 + 2.0 * shared + difference.m2) * scale,
            float(pairs),
            lambda _, __: pairs - 1.0,
            (control.m2 + shared) * scale,
        )

    def bounds(
        self, excess: Callable[[float, float], float], guess: float
    ) -> tuple[Bound, Bound]:
        """Bound the ratio by a test: those ratios stay inside that it does not reject.

        Fieller (1954, JRSS-B 16(2)): at each end the t of "treatment - ratio × control" is the
        one at which `excess(t, df)`, rising in t, is zero. `guess` is about that t. A bound is
        None when no ratio on its side is rejected. Both are where those that are not rejected
        are no interval: one point alone, or with others farther off. Of ratios with the
        estimate's sign this happens below ten units per arm, where the smaller arm takes over
        the variance and with it the degrees of freedom, and to pairs whose control is not clear
        of zero; the ratio 1 may also lie beyond infinity.
        """
        scale = self.control**2 * self.variance_treatment
        scale += self.treatment**2 * self.variance_control
        room = scale - 2.0 * self.control * self.treatment * self.covariance
        if room <= _ROUNDING * scale:  # a constant times the control: all ratios have one t
            return None, None
        spread = self.variance_control * self.variance_treatment - self.covariance**2
        largest = math.sqrt(room / spread) if spread * _UNBOUNDED**2 > room else _UNBOUNDED
        estimate = self.treatment / self.control

        def end(side: int) -> Bound:
            def at(t: float) -> tuple[float, float]:
                return self._line(t, side * t * math.sqrt(max(0.0, room - t * t * spread)))

            t = rising_root(lambda t: excess(t, self._df(*at(t))), guess, largest)
            if t is None:
                return None
            rise, run = at(t)
            ratio = rise / run if run else math.inf
            return ratio if side * (ratio - estimate) >= 0.0 and run else None

        low, high = end(-1), end(1)
        for ratio in self._tried():
            ends = (bound for bound in (low, high) if bound is not None)
            if any(math.isclose(ratio, bound, rel_tol=_NEAR) for bound in ends):
                continue
            outside = (low is not None and ratio < low) or (high is not None and ratio > high)
            if outside != (excess(*self._against(ratio)) >= 0.0):
                return None, None
        return low, high

    def _tried(self) -> Iterator[float]:
        """Yield ratios at which to ask whether the ends are those of an interval."""
        estimate = self.treatment / self.control
        yield 1.0
        yield estimate * _FAR
        few = min(self.df(1.0, 0.0), self.df(0.0, 1.0)) < _ENOUGH_DF
        if few and self.treatment and self.variance_control:
            size = math.sqrt(max(0.0, self.variance_treatment) / self.variance_control)
            size = math.copysign(size or estimate, estimate)
            for step in range(1, _TRIED):
                yield size * math.tan(0.5 * math.pi * step / _TRIED)

    def _against(self, ratio: float) -> tuple[float, float]:
        """Return the size of t, and its df, of the treatment less so many times the control."""
        variance = self.variance_treatment + ratio * (
            ratio * self.variance_control - 2.0 * self.covariance
        )
        difference = abs(self.treatment - ratio * self.control)
        t = difference / math.sqrt(variance) if variance > 0.0 else math.inf
        return t, self._df(ratio, 1.0)

    def _line(self, t: float, root: float) -> tuple[float, float]:
        """Return rise and run of the line, treatment over control, at which a t is reached.

        Roots of a quadratic, in the form that does not cancel; infinity is a line like others.
        """
        square = self.control**2 - t * t * self.variance_control
        middle = self.control * self.treatment - t * t * self.covariance
        if middle * root >= 0.0:
            return middle + root, square
        return self.treatment**2 - t * t * self.variance_treatment, middle - root

    def _df(self, rise: float, run: float) -> float:
        # only their ratio matters, and their squares times a variance may be no number
        down = -math.frexp(max(abs(rise), abs(run)))[1]
        rise, run = math.ldexp(rise, down), math.ldexp(run, down)
        return self.df(rise**2 * self.variance_control, run**2 * self.variance_treatment)


def ratio_interval_once(means: MeanRatio, level: float) -> tuple[Bound, Bound]:
    """Bound treatment over control at one look, by the t-test; None on an unbounded side.

    Raises:
        UsageError: when the level is no fraction.
    """
    require_fraction("level", level)
    tail = 0.5 * (1.0 - level)
    return means.bounds(
        lambda t, df: math.log(tail) - t_log_sf(t, df), math.sqrt(-2.0 * math.log(tail))
    )


_UNBOUNDED = 1e12  # a t beyond all
_ENOUGH_DF = 9.0  # of the smaller arm, from which on no hole was found
_FAR = 1e12  # times the estimate: where the control alone is asked
_TRIED = 24  # directions between no treatment and no control
_NEAR = 1e-9
_ROUNDING = 1e-14


def _base(control: Moments) -> float:
    mean = control.mean + control.residual
    if mean == 0.0:
        raise DegenerateDataError(
            "the control's mean is zero, expected a base that a relative effect can refer to"
        )
    return mean
