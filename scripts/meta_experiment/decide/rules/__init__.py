"""Rules of decision: when a plan may be decided, on what evidence, at what bar.

`RULES` names each rule by its word in a plan. A new rule is a module with a `Rule` in it and a
line here; it is imported when a plan asks for it.
"""

from __future__ import annotations

from meta_experiment.decide.rules.rule import Rule
from meta_experiment.table import entry
from meta_experiment.types import Plan

RULES = {
    "sequential": "meta_experiment.decide.rules.sequential:SEQUENTIAL",
    "fixed": "meta_experiment.decide.rules.fixed:FIXED",
    "bayesian": "meta_experiment.decide.rules.bayesian:BAYESIAN",
}


def rule_of(plan: Plan) -> Rule:
    """Return the rule by which a plan is decided."""
    rule: Rule = entry(RULES[plan.stopping])
    return rule
