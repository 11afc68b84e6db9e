"""Futility: runs whose end is known, and which can hardly reach a promotion by then.

It ends what is undecided and promotes nothing. So what is assumed here can miss a treatment
that is better, never promote one that is not (a non-binding boundary: Jennison and Turnbull
2000, chapter 5).
"""

from __future__ import annotations

import math
from dataclasses import replace

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.rules.e_value_projection import statistic_of
from meta_experiment.decide.rules.rule import number
from meta_experiment.stats.mixed_prior import log_e_mixed
from meta_experiment.stats.special import t_isf
from meta_experiment.types import Analysis, Comparison, Decision, Plan, ReasonCode

_DOUBT = 0.05  # the chance to have missed what is still plausible, of a single look


def ended_if_futile(plan: Plan, analysis: Analysis, *, cases: int, done: float) -> Analysis:
    """Return an analysis as it is, or as inconclusive where what is left cannot promote.

    Args:
        plan: the plan, its units being cases.
        analysis: what its rule says of the runs so far.
        cases: how many cases there are in all.
        done: the part of all runs that counts already; at 0 and at 1 nothing is foretold.

    For every treatment each run to come is taken to show the most that is plausible now. A
    plan that asks for proof of equivalence is left alone: it may still get that.
    """
    seen, rule = analysis.readiness.smallest_arm, rule_of(plan)
    weighable = rule.by_e_values and family_of(plan.primary).expected is not None
    is_open = analysis.decision is Decision.EXTEND and analysis.readiness.ready
    if not (is_open and weighable and seen >= 2 and 0 < done < 1) or plan.equivalence_margin:
        return analysis
    ends = [_highest_end(item, seen, cases, done) for item in analysis.going_on]
    known = [end for end in ends if end is not None]
    if not known or len(known) < len(ends) or max(known) >= rule.bar(plan.alpha, 1):
        return analysis
    return replace(
        analysis,
        decision=Decision.INCONCLUSIVE,
        reason_code=ReasonCode.FUTILE,
        reason=(
            f"{analysis.reason} Even if every run to come showed the most that is plausible "
            f"after {seen} cases, all {cases} would end at an e-value of "
            f"{number(max(known)):.2g}."
        ),
    )


def _highest_end(comparison: Comparison, seen: int, cases: int, done: float) -> float | None:
    """Return the log e-value after all runs, those to come at the bound of what is plausible.

    Effects are in standard deviations of the cases' differences. Repeats narrow these, at the
    most as if nothing but chance within a case had spread them.
    """
    if comparison.sequential is None:
        return None
    size = statistic_of(comparison.sequential.e_promote, seen) / math.sqrt(seen)
    plausible = size + t_isf(_DOUBT, seen - 1) / math.sqrt(seen)
    narrowed = math.sqrt(min(1.0, done * cases / seen))
    end = (done * size + (1.0 - done) * plausible) / narrowed
    return log_e_mixed(end * math.sqrt(cases), cases - 1, cases)
