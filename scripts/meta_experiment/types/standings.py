"""Standings: how shares that move stand, and what watches a promotion."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import MOMENT
from meta_experiment.types.vocabulary import Aim


@dataclass(frozen=True, slots=True)
class BanditStanding:
    """Standing of a bandit: by which shares the next units are drawn, and what came of it.

    By variant: `shares` of the next units, 0 of an arm that ended, and `chances` to be the
    best, which move the shares and are no evidence; None for an arm that cannot be scored.
    `known` closed trials are behind them. `leads` is the arm with the best chance.

    `spared` is how many of the units went to it that equal shares would have given to others;
    `information` what is known of its difference from the control (of the control's from the
    most drawn treatment, if that leads), as a share of what equal arms of as many units would
    tell. Both are None before it is known what leads.
    """

    aim: Aim
    floor: float
    shares: dict[str, float]
    chances: dict[str, float | None]
    known: int
    leads: str | None
    spared: float | None
    information: float | None


@dataclass(frozen=True, slots=True)
class RampStanding:
    """Standing of a ramp: the share of the treatments, and what the next step waits for.

    `step` counts from 1. `since` is when its first unit was drawn, None before; `units` of
    `needed` have closed in the treatment that has fewest. `next_share` is that of the next
    step, None on the last, and `due` when its days are over. `waits` says what it waits for,
    `back` why it went back to the first. By variant: `shares` of the next units; `known` closed
    trials are behind them.
    """

    steps: tuple[float, ...]
    step: int
    share: float
    since: float | None = field(metadata=MOMENT)
    units: int
    needed: int
    next_share: float | None
    due: float | None = field(metadata=MOMENT)
    waits: str
    back: str | None
    shares: dict[str, float]
    known: int


@dataclass(frozen=True, slots=True)
class HoldoutStanding:
    """Standing of a holdout: what its units, all drawn after its launch, say of the promotion.

    E-values, each valid at every look: that the promoted text is still better than the one
    before, that it is worse by now (`reversed`), and that its effect is below `decayed_below`,
    a fraction that was fixed at the launch. `previous` and `promoted` are units with a value.
    """

    of: str
    still_better: float
    reversed: float
    decayed: float
    decayed_below: float
    previous: int
    promoted: int
