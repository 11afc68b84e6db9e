"""A rule of decision is one module and one line, and nobody else asks which it is."""

from __future__ import annotations

import ast
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from tests.decide.making import look, plan, spread, trials, with_word

from meta_experiment.decide.evidence import Evidence
from meta_experiment.decide.rules import RULES, rule_of
from meta_experiment.decide.rules.rule import Look, Rule, Words
from meta_experiment.decide.telling.explain import explain
from meta_experiment.decide.telling.outlook import equivalence_units, outlook
from meta_experiment.model import plan_document
from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.types import Decision, ReasonCode, Stopping

LIBRARY = Path(import_module("meta_experiment").__file__).parent


def wins(plan, control, treatment, metric, at):
    """Weigh how many units of the treatment beat their neighbour: the toy's evidence."""
    del plan, metric, at
    pairs = list(zip(control.values, treatment.values, strict=False))
    ahead, behind = sum(b < a for a, b in pairs), sum(b > a for a, b in pairs)
    return Evidence(float(ahead), float(behind), "wins")


TOY = Rule(
    look=lambda _, trials, __: Look(tuple(trials), complete=True),
    is_ready=lambda plan, _, smallest: smallest >= 2 * plan.sample_size,
    extendable=True,
    evidence=wins,
    adjust=list,
    interval=lambda *_: (None, None),
    detectable=lambda *_: 1.0,
    shows_equivalence=lambda _, arm, __: arm.n >= 7,
    words=Words(
        terms=lambda _: "when the wins add up",
        strength=lambda log, _: f"{log:.0f} wins",
        needed=lambda _: "three",
        correction="nothing at all",
        reading=lambda *_: "The wins are counted.",
        unready=lambda _: "The wins are few.",
    ),
)


@pytest.fixture
def toy(monkeypatch):
    """Return a plan, as read, that a toy rule decides: a line in the table, and a word."""
    monkeypatch.setitem(RULES, "toy", f"{__name__}:TOY")
    monkeypatch.setattr(plan_document, "Stopping", with_word(Stopping, "toy"))
    document = plan_to_document(plan(sample_size=5))
    document["stopping"]["rule"] = "toy"
    return plan_from_document(document)


def test_a_toy_rule_decides(toy):
    """Evidence, bar, words and notes are those of the rule."""
    found = look(toy, trials(control=spread(40.0, 12), b=spread(20.0, 12)))
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
    assert "(12 wins)" in found.reason
    assert "The wins are counted." in found.notes


def test_a_toy_rule_is_asked_whether_it_is_ready(toy):
    """Units enough for every arm are not enough for a rule that wants more."""
    found = look(toy, trials(control=spread(40.0, 6), b=spread(20.0, 6)))
    assert found.reason_code is ReasonCode.INSUFFICIENT_SAMPLES
    assert found.reason == "The wins are few."


def test_a_toy_rule_corrects_and_rejects_in_its_own_words(toy):
    """What is worse in every unit is rejected, and the correction has the rule's name."""
    slow = replace(toy, variants=plan("b", "c").variants)
    arms = {"control": spread(20.0, 12), "b": spread(20.5, 12), "c": spread(21.0, 12)}
    found = look(slow, trials(**arms))
    assert (found.decision, found.reason_code) == (Decision.REJECT, ReasonCode.TREATMENT_WORSE)
    assert "(12 wins)" in found.reason
    assert "2 treatments are tried at once, corrected by nothing at all." in found.notes


def test_a_toy_rule_projects_nothing_if_it_cannot(toy):
    """What the e-values would take is not said of a rule that does not ask them."""
    found = look(toy, trials(control=spread(20.0, 12), b=spread(20.0, 12)))
    assert found.reason_code is ReasonCode.EVIDENCE_INSUFFICIENT
    assert explain(toy, found) == f"No decision yet: {found.reason}"


def test_a_toy_rule_has_an_outlook(toy):
    """The forecast before data asks the rule what it can find."""
    (only,) = outlook(toy, past=spread(20.0, 30)).reach
    assert only.units == 5
    assert only.improvement is not None


def test_a_toy_rule_says_when_equivalence_is_shown(toy):
    """The forecast of equivalence asks the rule too, and finds the fewest units."""
    spread_before = outlook(toy, past=spread(20.0, 30)).spread
    assert equivalence_units(replace(toy, equivalence_margin=0.1), spread_before) == 7


def test_every_word_for_a_rule_has_its_line_in_the_table():
    """The words of a plan and the lines of the table are the same, and lead to rules."""
    assert {item.value for item in Stopping} == set(RULES)
    assert all(isinstance(rule_of(plan(stopping=word)), Rule) for word in Stopping)


def test_nothing_but_the_rules_asks_which_rule_it_is():
    """No comparison outside decide/rules looks at a plan's stopping rule."""
    rules = LIBRARY / "decide" / "rules"
    asking = [
        f"{path.relative_to(LIBRARY)}:{node.lineno}"
        for path in LIBRARY.rglob("*.py")
        if rules not in path.parents and b"topping" in path.read_bytes()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Compare, ast.Match, ast.Subscript))
        if any(map(names_a_rule, ast.walk(node)))
    ]
    assert asking == []


def names_a_rule(node):
    """Say whether a node is `….stopping` or `Stopping.…`."""
    return isinstance(node, ast.Attribute) and (
        node.attr == "stopping" or ast.unparse(node.value) == "Stopping"
    )
