"""The draw of a variant as gh-aw draws it: pure functions of counts, dates, weights and a key.

Where gh-aw cuts weights such as 0.7 to whole numbers, they are kept as they are. A ramp goes
on only as far as outcomes of the candidate are known to be fine, where any are known.
"""

from __future__ import annotations

from meta_experiment.assign.arms import weighted_arm
from meta_experiment.assign.uniform import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

MIN_SAMPLES = 20
HARM = "REJECT"  # the decision by which a candidate gets no more runs


class ExperimentArms:
    """What a draw asks of an experiment: its variants, and how shares among them are set."""

    __slots__ = ("config", "end", "min_samples", "name", "ramp", "seed", "start", "variants",
                 "weight")  # fmt: skip

    def __init__(self, name: str, config: Mapping[str, Any], variants: tuple[str, ...]) -> None:
        """Take what is usable of a declaration; what is not counts as absent, as for gh-aw."""
        self.name = name
        self.config = config
        self.variants = variants
        self.weight = _weight(config.get("weight"), len(variants))
        self.start = _date(config.get("start_date"))
        self.end = _date(config.get("end_date"))
        self.min_samples = _whole(config.get("min_samples")) or MIN_SAMPLES
        self.seed, self.ramp = _continual(config.get("continual"), len(variants))

    def is_active(self, day: str) -> bool:
        """Say whether variants are drawn on a day of UTC, such as 2026-01-31."""
        return (self.start or day) <= day <= (self.end or day)


class VariantDraw:
    """A variant with the chance that it had; `stage` is that of a ramp.

    `how` is one of gated, seed, weight and least_used: outside of its dates, an experiment
    gives the control and counts nothing.
    """

    __slots__ = ("how", "probability", "stage", "variant")

    def __init__(
        self, variant: str, how: str, probability: float, stage: int | None = None
    ) -> None:
        """Hold what came of a draw."""
        self.variant = variant
        self.how = how
        self.probability = probability
        self.stage = stage


def arms_of(name: str, declared: object) -> ExperimentArms | None:
    """Return an experiment of a specification, None where gh-aw drops it."""
    config = declared if isinstance(declared, dict) else {"variants": declared}
    listed = config.get("variants")
    variants = tuple(
        item for item in (listed if isinstance(listed, list) else ()) if isinstance(item, str)
    )
    return ExperimentArms(name, config, variants) if len(variants) > 1 else None


def draw(
    arms: ExperimentArms,
    *,
    day: str,
    counts: Mapping[str, int],
    fractions: Sequence[float],
    key: str,
    stored: int = 0,
    outcome: Mapping[str, Any] | None = None,
) -> VariantDraw:
    """Draw the variant of one run.

    Args:
        arms: the experiment.
        day: of UTC.
        counts: runs of this generation so far that were drawn, by variant.
        fractions: one in [0, 1), by chance.
        key: what tells this run from others, for an experiment that draws by a seed.
        stored: the stage that its ramp has reached.
        outcome: its decision, and how many runs of each variant have come to an end:
            `decision`, `samples`; None where nothing is known.
    """
    variants = arms.variants
    if not arms.is_active(day):
        return VariantDraw(variants[0], "gated", 1.0)
    if arms.seed is not None:
        stage = ramp_stage(arms, counts, stored, outcome)
        share = 0 if _is_harmed(outcome) else arms.ramp[stage]
        weights = [100 - share, share]
        arm = _hashed_arm(weights, f"{arms.seed}:{arms.name}:{key}")
        return VariantDraw(variants[arm], "seed", weights[arm] / 100, stage)
    if arms.weight is not None:
        arm, total = weighted_arm(arms.weight, fractions[0]), sum(arms.weight)
        return VariantDraw(variants[arm], "weight", arms.weight[arm] / total if total else 1.0)
    least = min(counts.get(name, 0) for name in variants)
    tied = [name for name in variants if counts.get(name, 0) == least]
    return VariantDraw(tied[int(fractions[0] * len(tied))], "least_used", 1 / len(tied))


def ramp_stage(
    arms: ExperimentArms,
    counts: Mapping[str, int],
    stored: int,
    outcome: Mapping[str, Any] | None,
) -> int:
    """Return the stage of a ramp, which never goes back.

    Each so many runs of the candidate bring the next; where outcomes are known, so many of
    which the outcome is known, and none after harm.
    """
    last = len(arms.ramp) - 1
    candidate = counts.get(arms.variants[1], 0)
    if _is_harmed(outcome):
        candidate = 0
    elif outcome is not None:
        candidate = min(candidate, _completed(outcome, arms.variants[1]))
    return max(min(stored, last), min(candidate // arms.min_samples, last))


def _hashed_arm(weights: Sequence[int], key: str) -> int:
    """Return the arm that depends on the key alone, as exactly as whole numbers do."""
    left = int.from_bytes(sha256(key.encode()).digest()[:8], "big") % sum(weights)
    for arm, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return arm
    return 0


def _is_harmed(outcome: Mapping[str, Any] | None) -> bool:
    return outcome is not None and outcome.get("decision") == HARM


def _completed(outcome: Mapping[str, Any], variant: str) -> int:
    samples = outcome.get("samples")
    of_variant = samples.get(variant) if isinstance(samples, dict) else None
    return _whole((of_variant or {}).get("completed")) or 0


def _weight(value: object, many: int) -> list[float] | None:
    if not isinstance(value, list) or len(value) != many:
        return None
    usable = all(type(item) in (int, float) and 0 <= item < float("inf") for item in value)
    return value if usable else None


def _date(value: object) -> str | None:
    usable = isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-"
    return value if usable else None  # type: ignore[return-value]


def _whole(value: object) -> int | None:
    return value if type(value) is int and value >= 1 else None


def _continual(value: object, many: int) -> tuple[str | None, list[int]]:
    if not isinstance(value, dict) or many != 2:
        return None, []
    seed, ramp = value.get("seed"), value.get("ramp")
    shares = ramp if isinstance(ramp, list) else []
    inside = all(type(item) is int and 1 <= item <= 100 for item in shares)
    usable = isinstance(seed, str) and seed and shares and inside
    return (seed, shares) if usable else (None, [])
