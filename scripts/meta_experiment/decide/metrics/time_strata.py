"""Evidence on rates whose arms were drawn elsewhere, by shares that nobody here knows.

The first so many units of a large arm came earlier than those of a small one. Where a rate
drifts in time, arms that are alike then differ in pairs: at nine to one most such experiments
decide wrongly in the end. So units are held against those of the same time alone: days that an
engine summed, or ten units that came one after the other (see `stats.rate_strata`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial

from meta_experiment.decide.evidence import Evidence, towards
from meta_experiment.decide.metrics import rates
from meta_experiment.decide.metrics.family import Design, Family
from meta_experiment.decide.metrics.one_spread import at_one_spread
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.order import Moment, Totals
from meta_experiment.decide.scale import sign
from meta_experiment.stats.pairs import pair_rule
from meta_experiment.stats.rate_strata import RateStratum, strata_rule
from meta_experiment.types import Metric

STRATA = "exact rule within strata of time"
_FEWEST = 10  # units of both arms; with fewer too many strata hold one arm alone
_BESIDE = 0.5  # of the smaller arm's units; with fewer beside others the arms ran in turn


def external_design(family: Family) -> Design:
    """Return the family's design for arms of any sizes: rates are compared within times."""
    if not family.draw_suffices:
        return at_one_spread(family.separate) if family.compares_means else family.separate
    return replace(
        family.separate,
        evidence=partial(rates.evidence, of_none=within_time),
        interval_always=partial(rates.interval_always, of_none=within_time),
    )


def within_time(control: Sample, treatment: Sample, metric: Metric) -> Evidence:
    """Return the log e-values of units that met the same time.

    Units that are the mean of several outcomes are told by the likelihood of their sums, which
    shares do not bias either; it tells less. Where no unit has a time all of an arm are alike,
    and pairs are formed of them in no order.
    """
    if not (control.is_binary and treatment.is_binary):
        return rates.ratio_evidence(control, treatment, metric, 0.0)
    return towards(sign(metric), *log_e_within_time(control, treatment))


@lru_cache(maxsize=64)  # an analysis asks for the same two samples again and again
def log_e_within_time(control: Sample, treatment: Sample) -> tuple[float, float, str]:
    """Return the log e-values for greater and for less, and the rule."""
    return compared(
        control.by_moment,
        treatment.by_moment,
        (len(control), control.total),
        (len(treatment), treatment.total),
    )


def compared(
    control: Mapping[Moment, Totals] | None,
    treatment: Mapping[Moment, Totals] | None,
    whole_control: Totals,
    whole_treatment: Totals,
) -> tuple[float, float, str]:
    """Return the same of units and successes by moment, and of all of an arm.

    Where units were added to an arm, to its harm, nobody knows their time: all are one stratum.
    Where nobody knows that of either arm, as of units to come, pairs are formed of them. So are
    they where the arms ran one after the other, as runs of a harness do: no time has both, and
    what is chosen by times and arms alone is not chosen by outcomes.
    """
    if not {*(control or {None}), *(treatment or {None})} - {None}:
        return _in_pairs(whole_control, whole_treatment)
    if control is None or treatment is None:
        found = strata_rule([_stratum(whole_control, whole_treatment)])
        return found.log_e_greater, found.log_e_less, STRATA
    parts = strata(control, treatment)
    smaller = [min(part.control, part.treatment) for part in parts]
    if sum(smaller) < _BESIDE * min(whole_control[0], whole_treatment[0]):
        return _in_pairs(whole_control, whole_treatment)
    found = strata_rule(parts)
    return found.log_e_greater, found.log_e_less, STRATA


def _in_pairs(whole_control: Totals, whole_treatment: Totals) -> tuple[float, float, str]:
    pairs = min(whole_control[0], whole_treatment[0])
    seen = pair_rule(_part(whole_control, pairs), _part(whole_treatment, pairs), pairs)
    return seen.log_e_greater, seen.log_e_less, rates.PAIRS


def strata(
    control: Mapping[Moment, Totals], treatment: Mapping[Moment, Totals]
) -> list[RateStratum]:
    """Return what came at about one time, of at least ten units; the last one is over.

    Units of one moment stay together, as nobody knows which of them came first.
    """
    found, current, nothing = list[RateStratum](), RateStratum(0, 0, 0, 0), (0, 0.0)
    moments = control.keys() | treatment.keys()
    for moment in sorted(moments, key=lambda at: (at is not None, at or 0.0)):
        more = _stratum(control.get(moment, nothing), treatment.get(moment, nothing))
        current = current.merge(more)
        if current.units >= _FEWEST:
            found.append(current)
            current = RateStratum(0, 0, 0, 0)
    return found


def _part(whole: Totals, units: int) -> float:
    """Return what so many units sum to on average."""
    number, total = whole
    return min(float(units), units * (total / number)) if number else 0.0


def _stratum(control: Totals, treatment: Totals) -> RateStratum:
    return RateStratum(control[0], treatment[0], round(control[1]), round(treatment[1]))
