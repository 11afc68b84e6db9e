"""Shows what is believed, and decides by the e-values of the sequential rule.

A chance to be better that is looked at again and again is no error rate: of arms that do not
differ one in three reaches 95% within 400 units. So it stands beside, with how often equal
arms reach it, and decision, bars and intervals are those of `sequential`, whole. All it may do
is end a plan that has nothing to lose either way, which promotes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.decide.posterior import best, posterior
from meta_experiment.decide.rules.sequential import SEQUENTIAL
from meta_experiment.types import Plan


def _terms(plan: Plan) -> str:
    price = f"{100 * (plan.price or 0.0):.3g}%"
    ends = f"; ends undecided once either choice risks less than {price}" if plan.price else ""
    return f"{SEQUENTIAL.words.terms(plan)}, with what is believed beside it{ends}"


def _reading(plan: Plan, ready: bool) -> str:
    return (
        f"{SEQUENTIAL.words.reading(plan, ready)} The chance to be better is what is believed "
        "at this look: no error rate, and nothing is decided by it."
    )


BAYESIAN = replace(
    SEQUENTIAL,
    believes=True,
    posterior=posterior,
    best=best,
    words=replace(SEQUENTIAL.words, terms=_terms, reading=_reading),
)
