"""Rule of decision: what each owns. All speak one language, so that the gates are shared.

Evidence is a natural logarithm that is held against the rule's `bar`: of an e-value, of the
inverse of a p-value, of the inverse of the posterior chance to be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.scale import Bound
from meta_experiment.records import dataclass
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.sequential import anytime_t
from meta_experiment.types import Analysis, Metric, Plan, Posterior, Trial

_LARGEST_LOG = 700.0


def e_value_bar(alpha: float, among: float = 1.0) -> float:
    """Return the log e-value that an action needs: log(K/α), for one K-th of α."""
    return math.log(among / alpha)


def e_values_show_equivalence(plan: Plan, arm: Moments, within: float) -> bool:
    """Say whether both one-sided e-values of the Welch t against a margin reach 1/α."""
    return anytime_t(arm, arm, null=-within).log_e_greater >= e_value_bar(plan.alpha)


def number(log_evidence: float) -> float:
    """Return the number whose logarithm evidence is, as long as there is one to print."""
    return math.exp(min(log_evidence, _LARGEST_LOG))


@dataclass(frozen=True, slots=True)
class Look:
    """The trials a decision rests on.

    `complete` says whether the rule may decide on them; `waiting` how many units it still
    waits for although enough have been assigned.
    """

    trials: tuple[Trial, ...]
    complete: bool
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Words:
    """Words in which a rule is spoken of.

    `terms` says when the plan may be decided, `strength` how strong log evidence is, in the
    number the rule is known by and apart from a bar beside it that it just misses, `needed`
    what that number must reach at α. `correction` names the correction for several treatments.
    `reading` says how an analysis is to be read, knowing whether it is ready, `one_look` how
    the p-values that stand beside are; `on_cases` what is to be known of eval cases,
    `on_promotion` of the estimate of a promotion; `unready` what is waited for when no arm
    lacks units.
    """

    terms: Callable[[Plan], str]
    strength: Callable[[float, float | None], str]
    needed: Callable[[float], str]
    correction: str
    reading: Callable[[Plan, bool], str]
    one_look: str | None = None
    on_cases: Callable[[Plan], Iterator[str]] = lambda _: iter(())
    on_promotion: str | None = None
    unready: Callable[[Plan], str] = lambda _: "The plan's rule is not ready to decide yet."


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of decision: when a plan may be decided, and on what.

    `look(plan, trials, as_of)` returns the trials that it may use, and `is_ready(plan, look,
    smallest)` whether they are enough, `smallest` being the units of the smallest arm.
    `extendable` says whether more data can still change a decision that was not reached.

    `evidence(plan, control, treatment, metric, at)` is for "better than the relative effect
    `at`" and "worse than it", on matched samples; `equivalence` is the same against the bounds
    of a margin, where a rule weighs that in another way. `adjust` corrects evidence for several
    treatments tried at once. `bar(alpha, among)` is the log evidence that an action needs, for
    one part in so many of α: log(K/α) for e-values and p-values. For a posterior it is the log
    of one over the largest chance to be wrong at which the rule acts; one that needs no
    correction leaves `among` out. `interval(plan, control, treatment, alpha)` bounds the
    relative effect on the primary metric, each side missed with a chance of at most `alpha`
    whenever the rule may be asked: an effect is outside exactly when the evidence against it
    reaches the bar. By its upper end a plan ends that cannot reach its threshold any more. None
    where there is no such bound.

    `detectable(plan, units, power, alpha)` is the smallest effect, in standard deviations,
    found with so many units per arm, `looks_from(plan, units)` after how many of them the rule
    looks first (after all, unless it says so); `milestones` the sizes worth a forecast beside
    the plan's.
    `shows_equivalence(plan, arm, within)` says whether two arms of these same moments are shown
    to differ by less than `within` on the metric's scale, by e-values where a rule has no other
    way. `projection(plan, analysis)` returns for every treatment the units of the smaller arm
    at which data of the same means and spreads would promote it, None where they never would;
    or None altogether where that cannot be told. `reached(plan, analysis, share)` is the part
    of the evidence it takes that there is, from 0 to 1, on the scale on which it grows, `share`
    being that of α which rejects (see `shares`).

    `posterior(plan, metric, control, treatment)` is what is believed of two arms, None for a
    rule that shows nothing of the kind, and `best(plan, arms)` each arm's chance to be the
    best, their samples by name. They are shown and decide nothing, but that a plan whose two
    risks are below its price may end; `believes` says that there is any of it.

    Proof of harm (`decide/safety`) asks no rule: it is by e-values against `e_value_bar`,
    whichever rule decides. `by_e_values` says that the rule's evidence is these e-values, so
    that what harm and the rule reject is rejected once (see `shares`).

    Raises:
        DegenerateDataError: by `evidence` and `interval`, when the samples carry none.
        UsageError: by `detectable`, when so many units find nothing.
    """

    look: Callable[[Plan, Sequence[Trial], float], Look]
    is_ready: Callable[[Plan, Look, int], bool]
    extendable: bool
    evidence: Callable[[Plan, Sample, Sample, Metric, float], Evidence]
    adjust: Callable[[Sequence[float]], list[float]]
    interval: Callable[[Plan, Sample, Sample, float], tuple[Bound, Bound]]
    detectable: Callable[[Plan, int, float, float], float]
    words: Words
    looks_from: Callable[[Plan, int], int] = lambda _, units: units
    milestones: tuple[int, ...] = ()
    equivalence: Callable[[Plan, Sample, Sample, Metric, float], Evidence] | None = None
    shows_equivalence: Callable[[Plan, Moments, float], bool] = e_values_show_equivalence
    projection: Callable[[Plan, Analysis], Sequence[int | None] | None] = lambda *_: None
    reached: Callable[[Plan, Analysis, float], float | None] = lambda *_: None
    bar: Callable[[float, float], float] = e_value_bar
    by_e_values: bool = False
    believes: bool = False
    posterior: Callable[[Plan, Metric, Sample, Sample], Posterior | None] = lambda *_: None
    best: Callable[[Plan, Mapping[str, Sample]], dict[str, float | None]] = lambda *_: {}
