"""Moments of several measures of the same units together, which add up without their values."""

from __future__ import annotations

from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.adjusted import ArmProducts
from meta_experiment.stats.moments import Moments


@dataclass(frozen=True, slots=True)
class JointMoments:
    """Number, means and sums of products of deviations of measures, all of the same units.

    The exact means are `centres + residuals` (see `Moments`).
    """

    n: int
    centres: tuple[float, ...]
    residuals: tuple[float, ...]
    among: tuple[tuple[float, ...], ...]

    @classmethod
    def of_sums(
        cls,
        n: int,
        origins: tuple[float, ...],
        sums: tuple[float, ...],
        products: tuple[tuple[float, ...], ...],
    ) -> JointMoments:
        """Take the sums of deviations from origins near the means, and of their products."""
        if not n:
            nothing = tuple(0.0 for _ in origins)
            return cls(0, nothing, nothing, tuple(nothing for _ in origins))
        rest = tuple(total / n for total in sums)
        centres = tuple(map(sum, zip(origins, rest, strict=True)))
        among = tuple(
            tuple(
                product - n * rest[i] * rest[j] if i != j
                else max(0.0, product - n * rest[i] * rest[i])
                for j, product in enumerate(row)
            )
            for i, row in enumerate(products)
        )  # fmt: skip
        lost = tuple(
            (origin - centre) + extra
            for origin, centre, extra in zip(origins, centres, rest, strict=True)
        )
        return cls(n, centres, lost, among)

    def moments(self, place: int = 0) -> Moments:
        """Return the moments of one measure."""
        return Moments(
            self.n, self.centres[place], self.among[place][place], self.residuals[place]
        )

    def merge(self, other: JointMoments) -> JointMoments:
        """Return those of both sets of units together."""
        if not self.n:
            return other
        if not other.n:
            return self
        places = range(len(self.centres))
        merged = [self.moments(i).merge(other.moments(i)) for i in places]
        gaps = [other.moments(i).minus(self.moments(i)) for i in places]
        weight = self.n * (other.n / (self.n + other.n))
        return JointMoments(
            self.n + other.n,
            tuple(item.mean for item in merged),
            tuple(item.residual for item in merged),
            tuple(
                tuple(
                    merged[i].m2 if i == j
                    else self.among[i][j] + other.among[i][j] + gaps[i] * gaps[j] * weight
                    for j in places
                )
                for i in places
            ),
        )  # fmt: skip

    def kept(self, places: tuple[int, ...]) -> JointMoments:
        """Return those of some of the measures."""
        return JointMoments(
            self.n,
            tuple(self.centres[i] for i in places),
            tuple(self.residuals[i] for i in places),
            tuple(tuple(self.among[i][j] for j in places) for i in places),
        )

    def products(self) -> ArmProducts:
        """Return the first measure with the others as its covariates."""
        return ArmProducts(
            self.moments(),
            self.centres[1:],
            self.among[0][1:],
            tuple(row[1:] for row in self.among[1:]),
        )

    def ratio(self) -> Moments:
        """Return what units add to the ratio of the first's sum to the second's.

        As `stats.ratio.linearised` has it, by the delta method.

        Raises:
            DegenerateDataError: the second sums to zero, or there are no units.
        """
        below = self.centres[1] if self.n else 0.0
        if below == 0.0:
            raise DegenerateDataError("the denominators sum to zero, expected some that count")
        ratio = self.centres[0] / below
        (tops, both), (_, bottoms) = self.among
        spread = tops - 2.0 * ratio * both + ratio * ratio * bottoms
        return Moments(self.n, ratio, max(0.0, spread) / (below * below))
