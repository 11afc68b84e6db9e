"""How many promotions may be of what changes nothing, all experiments of a project together.

Each experiment promotes a useless treatment with probability α at most. So of all that were
tried Σα are expected to, at most. Which promotions stand together e-BH tells, of the evidence
that each had when it was promoted, multiplied by that of its holdouts: these rest on units that
were drawn after the promotion, so that the product is an e-value.

The e-value of a promotion is the last one, at which it was stopped, and not the largest on the
way: that has no mean of 1. What ended without a promotion is no discovery, and counts in the
number of experiments alone, whatever its e-value. Of several treatments it is that of closed
testing: of those that are useless none has more than the mean of them all, so that picking
the best of them costs nothing. A plan with one planned look is stopped there, and the anytime
e-value of the same units counts, not its p-value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.records import dataclass
from meta_experiment.stats.false_discovery import e_benjamini_hochberg, needed_e_value
from meta_experiment.stats.multiplicity import closed_average
from meta_experiment.stats.sequential import safe_exp
from meta_experiment.types import Analysis
from meta_experiment.types.results.project_report import FalseDiscoveries

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class TriedExperiment:
    """An experiment that was started, and what it promoted, if it did.

    `evidence` is the e-value of the promotion, None where none is on record; `later` those of
    its holdouts. `overridden` says that it was promoted against its evidence.
    """

    experiment_id: str
    alpha: float
    promoted: bool = False
    evidence: float | None = None
    later: tuple[float, ...] = ()
    overridden: bool = False


def false_discoveries(tried: Sequence[TriedExperiment]) -> FalseDiscoveries | None:
    """Tell what of the promotions chance may have made; None where there was none."""
    promoted = [it for it in tried if it.promoted]
    if not promoted:
        return None
    levels = e_benjamini_hochberg([_log_evidence(it) for it in promoted], len(tried))
    standing = [
        it.experiment_id for it, level in zip(promoted, levels, strict=True) if level <= LEVEL
    ]
    return FalseDiscoveries(
        tried=len(tried),
        promotions=len(promoted),
        overridden=sum(it.overridden for it in promoted),
        unknown=sum(it.evidence is None for it in promoted),
        expected=math.fsum(it.alpha for it in tried),
        level=LEVEL,
        standing=tuple(standing),
        needed=needed_e_value(len(tried), len(standing), LEVEL),
    )


def promotion_evidence(analysis: Analysis, treatment: str) -> float | None:
    """Return the e-value that a treatment is better, as one of several; None: there is none."""
    if analysis.holdout is not None:
        return analysis.holdout.still_better
    found = {it.treatment: it for it in analysis.primary.comparisons}
    own = found[treatment]
    if own.corrected is not None and own.corrected.e_promote is not None:
        return own.corrected.e_promote
    if own.sequential is None:
        return None
    known = {
        name: _log(it.sequential.e_promote) if it.sequential else 0.0
        for name, it in found.items()
    }
    adjusted = closed_average(list(known.values()))
    return safe_exp(adjusted[list(known).index(treatment)])


def _log_evidence(item: TriedExperiment) -> float:
    """Return what is known of a promotion; nothing speaks for one of which nothing is."""
    if item.evidence is None:
        return -math.inf
    return math.fsum(map(_log, (item.evidence, *item.later)))


def _log(e_value: float) -> float:
    return math.log(e_value) if e_value > 0 else -math.inf
