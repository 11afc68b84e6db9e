"""A family of metrics is one module and one line, and nobody else asks which it is."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from statistics import median

import pytest
from tests.decide.making import look, plan, trials, with_word

from meta_experiment.decide.evidence import Evidence, towards
from meta_experiment.decide.metrics import FAMILIES, family_of, means
from meta_experiment.decide.metrics.family import Design, Family
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.reported import ReportedTest
from meta_experiment.decide.scale import sign
from meta_experiment.decide.telling.outlook import outlook
from meta_experiment.model import plan_document
from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.types import (
    Decision,
    Direction,
    EffectSize,
    GuardrailState,
    Metric,
    MetricKind,
    Scale,
    Stopping,
)

LIBRARY = Path(import_module("meta_experiment").__file__).parent
WAIT = "wait_seconds"
MEDIAN_OF_WAITS = {"name": WAIT, "kind": "median", "direction": "lower", "scale": "raw"}


class Middle(Sample):
    """Values of which the middle one is compared."""

    @property
    def centre(self):
        return median(self.values)


def sample(arm, metric, stretch):
    found = means.sample(arm, metric, stretch)
    return Middle(found.values, found.raw, found.skipped, found.units)


def evidence(control, treatment, metric, at):
    """Count the pairs in which the treatment is higher against those in which it is lower."""
    change = 1 + sign(metric) * at
    pairs = list(zip(control.values, treatment.values, strict=False))
    higher = sum(b > a * change for a, b in pairs)
    lower = sum(b < a * change for a, b in pairs)
    return towards(sign(metric), higher - lower, lower - higher, "sign of the pairs")


def evidence_once(kind, control, treatment, metric, at) -> Evidence:
    del kind
    return evidence(control, treatment, metric, at)


def sign_test(kind, control, treatment, metric):
    del kind, control, treatment, metric
    return ReportedTest("sign", None, None, 0.5, 0.5, 0.5)


def unbounded(control, treatment, metric, level):
    del control, treatment, metric, level
    return None, None


DESIGN = Design(
    evidence, evidence_once, sign_test, interval_once=unbounded, interval_always=unbounded
)
MEDIANS = Family(
    sample=sample,
    separate=DESIGN,
    paired=lambda: DESIGN,
    effect_size=lambda *_: EffectSize(None, None),
    assumed_moments=(10.0, 5.0),
    missing=lambda control, _, __: 2 * control.centre,
    missing_words=lambda _, __: "twice the median",
    notes=lambda *_: iter(["the medians are compared."]),
)


@pytest.fixture(autouse=True)
def medians(monkeypatch):
    """Add the toy family: one line in the table, and its word."""
    monkeypatch.setitem(FAMILIES, "median", f"{__name__}:MEDIANS")
    monkeypatch.setattr(plan_document, "MetricKind", with_word(MetricKind, "median"))


def read(base, **metrics):
    """Return a plan as it is read with these metrics in its document."""
    document = plan_to_document(base)
    document["metrics"].update(metrics)
    return plan_from_document(document)


ARMS = {
    "control": [10.0, 11.0, 12.0, 900.0] * 4,
    "b": [5.0, 5.5, 6.0, 899.0] * 4,
}


@pytest.mark.parametrize("stopping", Stopping)
def test_a_toy_family_comes_to_a_decision(stopping):
    """Sample, effect, evidence, test and notes are those of the family, under either rule."""
    found = look(
        read(plan(sample_size=16, stopping=stopping), primary=MEDIAN_OF_WAITS),
        trials(WAIT, **ARMS),
    )
    assert (found.decision, found.winner) == (Decision.PROMOTE, "b")
    (comparison,) = found.primary.comparisons
    assert comparison.effect.relative == pytest.approx(0.5)
    assert (comparison.test, comparison.sequential.rule) == ("sign", "sign of the pairs")
    assert "b: the medians are compared." in found.notes


def test_a_toy_family_may_guard():
    """A guardrail of the family is judged by its evidence."""
    guarded = read(plan(), guardrails=[MEDIAN_OF_WAITS])
    made = trials(**{name: values[:12] for name, values in ARMS.items()})
    for one in made:
        one.metrics[WAIT] = one.metrics["duration_seconds"]
    (rail,) = look(guarded, made).guardrails
    assert rail.state is GuardrailState.PASS


def test_a_toy_family_has_an_outlook():
    """Before data the spread is the one that the family takes for usual."""
    spread = outlook(read(plan(), primary=MEDIAN_OF_WAITS)).spread
    assert (spread.centre, spread.sd) == (10.0, 5.0)


def test_every_kind_of_metric_has_its_line_in_the_table():
    """The kinds of metrics and the lines of the table are the same, and lead to families."""
    assert {item.value for item in MetricKind} | {"median"} == set(FAMILIES)
    metrics = [Metric("m", kind, Direction.LOWER, Scale.RAW) for kind in MetricKind]
    assert all(isinstance(family_of(metric), Family) for metric in metrics)


def test_no_decision_asks_which_kind_of_metric_it_is():
    """No comparison in decide outside its families looks at a metric's kind."""
    families = LIBRARY / "decide" / "metrics"
    asking = [
        f"{path.relative_to(LIBRARY)}:{node.lineno}"
        for path in (LIBRARY / "decide").rglob("*.py")
        if families not in path.parents and b"MetricKind" in path.read_bytes()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Compare, ast.Match, ast.Subscript))
        if "MetricKind." in ast.unparse(node)
    ]
    assert asking == []
