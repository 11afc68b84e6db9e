"""What a promotion must stand: the data as they may have been, or may become, to its harm.

Each is a change of the samples for the worse that the record leaves open. What is shown and
large enough as recorded must be so after each of them too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from meta_experiment.decide.attrition import losses, missing_beyond
from meta_experiment.decide.basis import Basis
from meta_experiment.decide.compare import estimate
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.primary import corrected, weigh_arms
from meta_experiment.decide.scale import improvement, sign
from meta_experiment.decide.units import was_cut_short
from meta_experiment.records import dataclass
from meta_experiment.types import Metric, Plan, ReasonCode, Scale, Unit

STRETCH = 4.0

Arms = tuple[Sample, Sample]
Said = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason why a promotion does not stand; `but` goes on from what is seen."""

    code: ReasonCode
    but: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """The treatments that the evidence would promote, and what it rests on."""

    basis: Basis
    treatments: tuple[str, ...]

    @property
    def plan(self) -> Plan:
        """The plan that would be decided."""
        return self.basis.plan

    def arms(self, treatment: str, stretch: float = 1.0) -> Arms:
        """Return the samples that are compared on the primary metric, the control first."""
        return self.basis.samples.compared(treatment, self.plan.primary, stretch)

    def joined(self, arms: Arms, value: float, units: int) -> Arms:
        """Return the samples with so many more units of the treatment at a value.

        Eval cases come in pairs: those of the control are as its others are on average.
        """
        control, treated = arms
        if self.plan.unit is Unit.CASE:
            control = control.joined(control.centre, units, self.plan.primary)
        return control, treated.joined(value, units, self.plan.primary)


def doubts(promotion: Promotion) -> dict[str, Doubt]:
    """Return by treatment the first doubt that its promotion does not stand."""
    found: dict[str, Doubt] = {}
    for code, stand in STANDS if promotion.treatments else ():
        for treatment, but in stand(promotion).items():
            found.setdefault(treatment, Doubt(code, but))
    return found


def _interruptions(promotion: Promotion) -> Said:
    """Hold it against trials that were cut short, in any arm, having taken four times as long.

    A trial that was interrupted would have gone on.
    """
    arms = promotion.basis.samples.arms.values()
    if not any(was_cut_short(trial) for arm in arms for trial in arm.trials):
        return {}
    worse = {
        item.name: promotion.arms(item.name, STRETCH) for item in promotion.plan.treatments
    }
    return dict.fromkeys(
        _fallen(promotion, worse),
        "not if the trials that were cut short had taken four times what they took",
    )


def _missing_values(promotion: Promotion) -> Said:
    """Hold it against bad values in place of those that a treatment misses.

    Not of all, but of what it misses beyond the control's share: what both arms miss alike,
    as ratings that few users give, tells for neither. What an eval case has of its own, being
    hard, is in the value that the control has of it, so that it is not held against it twice.
    """
    metric, basis = promotion.plan.primary, promotion.basis
    family, paired = family_of(metric), promotion.plan.unit is Unit.CASE
    lost = {
        name: losses(arm, metric, basis.as_of).gone for name, arm in basis.samples.arms.items()
    }
    before, worse, said = lost[promotion.plan.control.name], {}, {}
    for name in promotion.treatments:
        units = missing_beyond(before, lost[name])
        if units:
            arms = promotion.arms(name)
            share = 0.0 if paired else units / lost[name].units
            value = family.missing(arms[0], share, metric)
            worse[name] = promotion.joined(arms, value, units)
            said[name] = (
                f"not if the {units} values that it misses beyond the control's share were "
                f"{family.missing_words(metric, paired)}"
            )
    return {name: said[name] for name in _fallen(promotion, worse)}


def _one_more(promotion: Promotion) -> Said:
    """Hold it against one more unit of the treatment with a bad value.

    A price that is rare and high may not have come up yet, when a rule decides at the first
    look that convinces it; one look that was planned before does not choose its moment. Of a
    case it is one of its runs.
    """
    plan, metric = promotion.plan, promotion.plan.primary
    family, worse = family_of(metric), {}
    if not promotion.basis.rule.extendable:
        return {}
    for name in promotion.treatments:
        arms = promotion.arms(name)
        centre, runs = arms[0].centre, _runs_of_a_case(promotion, name)
        value = family.rare(centre, metric, plan.unit)
        if value is not None:
            worse[name] = promotion.joined(arms, centre + (value - centre) / runs, 1)
    what = "unit at" if plan.unit is not Unit.CASE else "case of which one run is at"
    return dict.fromkeys(
        _fallen(promotion, worse),
        f"not with one more {what} three times the mean of {plan.control.name}",
    )


def _runs_of_a_case(promotion: Promotion, treatment: str) -> float:
    """Return how often a case was run on average, by which one run moves its mean."""
    if promotion.plan.unit is not Unit.CASE:
        return 1.0
    counts = [len(unit.trials) for unit in promotion.basis.samples.arms[treatment].units]
    ran = [count for count in counts if count]
    return sum(ran) / len(ran) if ran else 1.0


def _arithmetic_means(promotion: Promotion) -> Said:
    """Hold what geometric means show against arithmetic ones that point the other way."""
    metric = promotion.plan.primary
    if metric.scale is not Scale.LOG or not family_of(metric).compares_means:
        return {}
    said = {}
    for name in promotion.treatments:
        arms = promotion.arms(name)
        before, after = (arm.raw_mean for arm in arms)
        if before is None or after is None:
            continue
        if sign(metric) * (after - before) < 0:
            said[name] = _other_way(metric, before, after, promotion.plan.control.name)
    return said


def _other_way(metric: Metric, before: float, after: float, control: str) -> str:
    unit = f" {metric.unit}" if metric.unit else ""
    return (
        f"only by geometric means: the arithmetic ones, {after:.3g}{unit} against "
        f"{before:.3g}{unit} of {control}, point the other way"
    )


def _fallen(promotion: Promotion, worse: dict[str, Arms]) -> list[str]:
    """Return the treatments that would not be promoted on worse samples, of which some are."""
    if not worse:
        return []
    plan, bar = promotion.plan, promotion.basis.rule.bar(promotion.plan.alpha, 1)
    arms = {item.name: promotion.arms(item.name) for item in plan.treatments} | worse
    weights = corrected(promotion.basis.rule, weigh_arms(plan, promotion.basis.rule, arms))

    def stands(name: str) -> bool:
        if weights[name].better < bar:
            return False
        seen = estimate(plan, plan.primary, *arms[name])
        least = family_of(plan.primary).lowest_change
        return improvement(seen, plan.primary, least) >= plan.improvement_threshold

    return [name for name in promotion.treatments if name in worse and not stands(name)]


STANDS: tuple[tuple[ReasonCode, Callable[[Promotion], Said]], ...] = (
    (ReasonCode.INTERRUPTIONS_UNCERTAIN, _interruptions),
    (ReasonCode.MISSING_UNCERTAIN, _missing_values),
    (ReasonCode.RARE_VALUES_UNCERTAIN, _one_more),
    (ReasonCode.MEANS_DISAGREE, _arithmetic_means),
)
