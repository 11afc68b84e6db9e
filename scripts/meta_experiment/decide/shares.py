"""The shares of α: what may reject a treatment, and how much of the error it may spend.

However much a plan watches and however often it is looked at, at most α of harmless treatments
are rejected: each proof needs evidence of 1/(share·α), and the shares of all that may reject
under a plan sum to one (Bonferroni). Harmless is no worse than the control, for a guardrail
no worse than its margin. Alerts that a plan lets act are no proof and stand outside.
"""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.decide.rules.rule import Rule
from meta_experiment.decide.safety import safety_metrics
from meta_experiment.decide.units import ERROR_RATE
from meta_experiment.records import dataclass
from meta_experiment.types import Plan

# Harm shows on the primary metric first: with two fifths of α or more a twofold slowdown is
# caught within 13 pairs and a fourfold one within 8, at any mix of the others. A crash is seen
# in few units at half of that. What a plan adds shares one part by kind, so that adding more
# costs the others nothing; a guardrail that fails blocks the promotion at 1/α long before.
_PRIMARY, _ERRORS, _SAFETY, _GUARDRAILS = "primary", "errors", "safety", "guardrails"
_WEIGHTS = {_PRIMARY: 4.0, _ERRORS: 2.0, _SAFETY: 2.0, _GUARDRAILS: 2.0}
_OWN_LOOK = 0.75  # of the primary's part, where its look is not at the e-values that watch it


@dataclass(frozen=True, slots=True)
class AlphaShares:
    """The shares of α under one plan.

    `look` is that of the deciding rule on the primary metric, `harm` those of the e-values that
    watch for harm, by metric, `guardrail` that of each guardrail. A rule that decides by these
    e-values spends `look` and the primary's in `harm` once.
    """

    look: float
    harm: Mapping[str, float]
    guardrail: float


def shares_of(plan: Plan, rule: Rule) -> AlphaShares:
    """Divide α among all that may reject a treatment of a plan."""
    kinds = {metric.name: _SAFETY for metric in safety_metrics(plan)}
    kinds |= {
        name: kind
        for name, kind in ((ERROR_RATE.name, _ERRORS), (plan.primary.name, _PRIMARY))
        if name in kinds
    }
    among = [*kinds.values(), *(_GUARDRAILS for _ in plan.guardrails)]
    whole = sum(_WEIGHTS[kind] for kind in set(among))
    each = {kind: _WEIGHTS[kind] / whole / among.count(kind) for kind in set(among)}
    harm = {name: each[kind] for name, kind in kinds.items()}
    look = harm[plan.primary.name]
    if not rule.by_e_values:
        look, harm[plan.primary.name] = _OWN_LOOK * look, (1 - _OWN_LOOK) * look
    return AlphaShares(look, harm, each.get(_GUARDRAILS, 0.0))
