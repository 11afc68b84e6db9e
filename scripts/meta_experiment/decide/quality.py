"""Data quality: sample ratio, attrition, exposure, fingerprints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from meta_experiment.decide.attrition import attrition
from meta_experiment.decide.shares_over_time import shares_over_time
from meta_experiment.decide.units import Arm
from meta_experiment.records import dataclass
from meta_experiment.stats.sequential import safe_exp
from meta_experiment.stats.srm import anytime_srm, chi_square
from meta_experiment.types import (
    Assignment,
    Checks,
    ExposureCheck,
    FingerprintCheck,
    LatenessCheck,
    Plan,
    ReasonCode,
    SrmCheck,
    Trial,
    Unit,
)

ALPHA = 0.01  # of the checks: alarms that block must be rare, and real ones are blatant
_CONCENTRATIONS = (2.0, 10.0, 100.0)
_LOWEST_EXPOSURE = 0.8
_FEWEST_ASSIGNED = 10
_MODEL, _CLIENT = "model", "client"


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason why nothing can be decided on these data."""

    code: ReasonCode
    sentence: str


def check(
    plan: Plan,
    arms: Mapping[str, Arm],
    *,
    as_of: float,
    current: Mapping[str, str] | None = None,
    lateness: LatenessCheck | None = None,
) -> Checks:
    """Run all checks; each is safe to repeat at every look."""
    return Checks(
        srm=sample_ratio(plan, arms),
        attrition=attrition(plan, arms, as_of, ALPHA),
        exposure=exposure(arms),
        fingerprint=fingerprint(arms, current or {}),
        lateness=lateness,
    )


def sample_ratio(plan: Plan, arms: Mapping[str, Arm]) -> SrmCheck:
    """Compare the numbers of exposed units of these arms with their planned shares.

    Eval cases run in every arm, and an external assignment has shares that are not known:
    there nothing is to be checked, but that those of collected days do not change. A unit that
    was seen in two arms counts half in each: drawn again as it was at first, it came first to
    either of them as likely as to the other, whatever their shares are.
    """
    if plan.moves_shares:
        return _changing_ratio(plan, arms)
    external = plan.assignment is Assignment.EXTERNAL
    if external and any(arm.by_day for arm in arms.values()):
        return shares_over_time(arms, ALPHA)
    counts = {name: arm.exposed for name, arm in arms.items()}
    weights = {item.name: item.weight for item in plan.variants if item.name in arms}
    total = sum(weights.values())
    shares = {name: weight / total for name, weight in weights.items()}
    if external or plan.unit is Unit.CASE or not sum(counts.values()):
        return SrmCheck(True, counts, shares, None, None)
    observed = [arm.exposed - 0.5 * arm.tainted for arm in arms.values()]
    expected = [shares[name] for name in counts]
    p_anytime = _anytime_p(observed, expected)
    return SrmCheck(
        ok=p_anytime > ALPHA,
        counts=counts,
        expected=shares,
        p_value=chi_square(observed, expected).p_value,
        p_anytime=p_anytime,
    )


def _changing_ratio(plan: Plan, arms: Mapping[str, Arm]) -> SrmCheck:
    """Compare the units of these arms with the sums of the shares they were drawn by.

    Units that were drawn elsewhere have none, and are left out.
    """
    from meta_experiment.stats.changing_shares import anytime_changing_ratio, changing_ratio

    names, every = list(arms), [item.name for item in plan.variants]
    places = [every.index(name) for name in names]
    drawn = sorted(
        (unit.order, place, tuple(unit.draw.parts[each] for each in places))
        for place, arm in enumerate(arms.values())
        for unit in arm.units
        if unit.exposed and unit.draw is not None and len(unit.draw.parts) == len(every)
    )
    drawn = [item for item in drawn if item[2][item[1]] > 0]
    counts = [sum(place == at for _, place, _ in drawn) for at in range(len(names))]
    if not drawn:
        equal = dict.fromkeys(names, 1.0 / len(names))
        return SrmCheck(True, dict(zip(names, counts, strict=True)), equal, None, None)
    shares = [[part / sum(parts) for part in parts] for _, _, parts in drawn]
    once = changing_ratio(counts, shares)
    chosen = [place for _, place, _ in drawn]
    evidence = [
        safe_exp(anytime_changing_ratio(chosen, shares, concentration=one).log_e)
        for one in _CONCENTRATIONS
    ]
    p_anytime = min(1.0, len(evidence) / sum(evidence))
    return SrmCheck(
        ok=p_anytime > ALPHA,
        counts=dict(zip(names, counts, strict=True)),
        expected={
            name: total / len(drawn) for name, total in zip(names, once.expected, strict=True)
        },
        p_value=once.test.p_value,
        p_anytime=p_anytime,
    )


def _anytime_p(observed: list[float], expected: list[float]) -> float:
    """Average e-values that look for large and for small deviations; that is one again."""
    evidence = [
        safe_exp(anytime_srm(observed, expected, concentration=one).log_e)
        for one in _CONCENTRATIONS
    ]
    return min(1.0, len(evidence) / sum(evidence))


def exposure(arms: Mapping[str, Arm]) -> ExposureCheck:
    """Compare assigned units with exposed ones; most of them must have got their variant."""
    assigned = sum(arm.assigned for arm in arms.values())
    exposed = sum(arm.exposed for arm in arms.values())
    enough = assigned < _FEWEST_ASSIGNED or exposed >= _LOWEST_EXPOSURE * assigned
    return ExposureCheck(enough, assigned, exposed)


def fingerprint(arms: Mapping[str, Arm], current: Mapping[str, str]) -> FingerprintCheck:
    """Count models and client versions; evidence is stale when what runs now is not among them.

    Versions that change during a run are strata of the report, not a reason to start again.
    """
    trials = list(_trials(arms.values()))
    seen = {key: _counts(trials, key) for key in {_MODEL, _CLIENT, *current}}
    stale = [
        key
        for key in sorted(current)
        if seen[key] and key != _CLIENT and current[key] not in seen[key]
    ]
    reason = None
    if stale:
        key = stale[0]
        reason = f"The {key} is now {current[key]}; the trials saw {', '.join(seen[key])}."
    return FingerprintCheck(not stale, seen[_MODEL], seen[_CLIENT], reason)


def problems(checks: Checks) -> Iterator[Problem]:
    """Yield what stands in the way of any decision, the gravest first."""
    if not checks.srm.ok and checks.srm.over_time:
        yield Problem(
            ReasonCode.SHARES_CHANGED,
            "The arms' shares of the units changed from day to day "
            f"(p = {checks.srm.p_anytime:.2g}): "
            "what changed in time besides would pass for an effect.",
        )
    elif not checks.srm.ok:
        counts = ", ".join(f"{name} {count}" for name, count in checks.srm.counts.items())
        yield Problem(
            ReasonCode.SAMPLE_RATIO_MISMATCH,
            f"The arms' sizes do not fit the shares they were drawn by ({counts}): something "
            "other than chance decides which units are recorded.",
        )
    if not checks.attrition.ok:
        lost = ", ".join(
            f"{name} {count} of {checks.attrition.exposed[name]}"
            for name, count in checks.attrition.lost.items()
        )
        yield Problem(
            ReasonCode.ATTRITION_DIFFERS,
            f"The arms do not lose trials at the same rate ({lost}): what is left is not "
            "comparable.",
        )
    if checks.lateness is not None and not checks.lateness.ok:
        came = ", ".join(f"{name} {share:.1%}" for name, share in checks.lateness.late.items())
        yield Problem(
            ReasonCode.LATENESS_DIFFERS,
            f"What came late differs by arm (of {checks.lateness.measure}: {came}): "
            "days were taken before all of it was there, and have more of one arm than of "
            "another.",
        )
    if not checks.exposure.ok:
        yield Problem(
            ReasonCode.EXPOSURE_UNCONFIRMED,
            f"Only {checks.exposure.exposed} of {checks.exposure.assigned} assigned units are "
            "known to have received their variant.",
        )


def _trials(arms: Iterable[Arm]) -> Iterator[Trial]:
    return (trial for arm in arms for trial in arm.trials)


def _counts(trials: Iterable[Trial], key: str) -> dict[str, int]:
    seen = Counter(trial.fingerprint[key] for trial in trials if key in trial.fingerprint)
    return dict(sorted(seen.items()))
