"""A plan is told in words of the field, with all that it holds to."""

import pytest
from tests.decide.making import COST, TOKENS, plan

from meta_experiment.render.plan_words import _DRAWN, _RULES, plan_rows
from meta_experiment.render.report_words import THIN
from meta_experiment.types import Assignment, Claim, Guardrail, Stopping
from meta_experiment.types.results.report import ReportArm, ReportDocument


def rows(**changes):
    made = plan(**changes)
    document = ReportDocument.__new__(ReportDocument)
    object.__setattr__(document, "plan", made)
    arms = tuple(ReportArm(it.name, it.weight, None, None) for it in made.variants)
    object.__setattr__(document, "arms", arms)
    return {about: said.replace(THIN, " ") for about, said in plan_rows(document)}


def test_every_way_and_every_rule_has_its_words():
    assert set(_DRAWN) == set(Assignment)
    assert set(_RULES) == set(Stopping)


def test_guardrails_stand_with_their_margins():
    told = rows(guardrails=(Guardrail(COST, margin=0.2), Guardrail(TOKENS, 0.05, True)))
    assert told["Guardrails"] == (
        "cost_usd at most 20% worse; output_tokens at most 5% worse, to be proven"
    )
    assert rows()["Guardrails"] == "none"


def test_who_drew_is_no_adverb():
    told = rows(assignment=Assignment.EXTERNAL)["Assigned"]
    assert told == "elsewhere, not by this program, one arm per session"


@pytest.mark.parametrize(
    ("days", "most", "said"),
    [
        (14.0, None, "after 14 days"),
        (14.0, 50, "after 14 days or 50 units per arm"),
        (3650.0, 50, "after 50 units per arm"),
        (3650.0, None, "only when it is decided or stopped"),
    ],
)
def test_an_end_is_told_where_there_is_one(days, most, said):
    assert rows(max_duration_days=days, max_sample=most)["Ends"] == said


def test_what_is_worth_having_is_asked_for_or_proven():
    assert rows(improvement_threshold=0.0)["Worth having"] == "any improvement that is shown"
    asked = rows(improvement_threshold=0.15)
    assert asked["Worth having"] == "an estimate of 15% better or more"
    proven = rows(improvement_threshold=0.15, claim=Claim.THRESHOLD)
    assert proven["Worth having"] == "more than 15% better, to be proven"
