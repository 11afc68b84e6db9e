"""Plans as documents: short forms, full forms, and what is refused."""

import contextlib
import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.errors import UsageError
from meta_experiment.model.fields import suggestion
from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.model.plan_document import (
    plan_from_document,
    plan_sha256,
    plan_to_document,
)
from meta_experiment.types import Direction, FileVersion, MetricKind, Scale

MINIMAL = {
    "name": "n",
    "hypothesis": "h",
    "files": ["a.md"],
    "metrics": {"primary": "duration_seconds"},
}


def with_changes(**sections):
    document = copy.deepcopy(MINIMAL)
    for key, value in sections.items():
        if isinstance(value, dict) and isinstance(document.get(key), dict):
            document[key] |= value
        else:
            document[key] = value
    return document


def test_a_minimal_plan_has_the_published_defaults():
    """Ten per arm, 15%, 10%, 14 days, alpha 0.05, sequential, blocks per session."""
    plan = plan_from_document(MINIMAL)
    assert (plan.sample_size, plan.improvement_threshold, plan.max_regression) == (
        10,
        0.15,
        0.1,
    )
    assert (plan.max_duration_days, plan.alpha, plan.stopping) == (14, 0.05, "sequential")
    assert (plan.unit, plan.assignment, plan.auto) == ("session", "block", False)
    assert [item.name for item in plan.variants] == ["control", "treatment"]
    assert plan.primary.scale is Scale.LOG


def test_a_plan_written_in_full_reads_back_equal():
    """Nothing is lost or rounded on the way through the document."""
    plan = plan_from_document(
        with_changes(
            variants=["control", {"name": "short", "weight": 1}, "long"],
            metrics={
                "guardrails": ["output_tokens:7%", {"name": "q", "direction": "higher"}],
                "secondary": ["turns"],
            },
            targets={"improvement_threshold": 7.7, "max_regression": 3.3},
            stopping={"max_sample": 400, "claim": "threshold"},
            safety={"metrics": ["tool_errors"], "acting_alerts": []},
            report=["q", "issues_caught"],
            seed=2**62,
        )
    )
    assert plan_from_document(plan_to_document(plan)) == plan
    assert plan.guardrails[0].margin == pytest.approx(0.07, abs=1e-15)
    assert plan.guardrails[1].margin == pytest.approx(0.033, abs=1e-15)


@given(st.floats(0, 99))
def test_per_cents_survive_the_document(value):
    """The document's per cents come back as the same fraction, to the last digit shown."""
    plan = plan_from_document(with_changes(targets={"improvement_threshold": value}))
    again = plan_from_document(plan_to_document(plan))
    assert again.improvement_threshold == pytest.approx(plan.improvement_threshold, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nmae": "x"}, "Did you mean 'name'?"),
        ({"metrics": {"primary": "duration_second"}}, "Did you mean 'duration_seconds'?"),
        ({"metrics": {"primary": None}}, "--primary-metric"),
        ({"metrics": {"primary": {"name": "mine", "direction": "up"}}}, "lower, higher"),
        ({"metrics": {"primary": {"name": "success", "scale": "log"}}}, "no logarithm"),
        ({"metrics": {"guardrails": ["tokens:a lot"]}}, "NAME:MARGIN%"),
        ({"metrics": {"guardrails": ["duration_seconds"]}}, "named twice"),
        ({"stopping": {"sample_size": -3}}, "from 2 to"),
        ({"stopping": {"sample_size": 2.5}}, "whole number"),
        ({"stopping": {"sample_size": True}}, "whole number"),
        ({"stopping": {"alpha": float("nan")}}, "finite"),
        ({"stopping": {"alpha": 0.9}}, "from 1e-06 to 0.5"),
        ({"stopping": {"max_sample": 5}}, "below sample_size"),
        ({"stopping": {"rule": "bayes"}}, "sequential, fixed"),
        ({"variants": ["control"]}, "a control and one to"),
        ({"variants": ["control", "control"]}, "name of its own"),
        ({"variants": ["control", "../x"]}, "no variant name"),
        ({"variants": ["control", {"name": "t", "weight": 0}]}, "weight"),
        ({"files": ["a.md", "a.md"]}, "named twice"),
        ({"hypothesis": " "}, "hypothesis"),
        ({"auto": "yes"}, "true or false"),
        ({"metrics": "duration_seconds"}, "mapping"),
        ({"report": ["issues_cought"]}, "Did you mean 'issues_caught'?"),
        ({"report": "rating"}, "list"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_place_and_the_way_out(change, words):
    """The message or its hint says what was expected."""
    with pytest.raises(UsageError) as caught:
        plan_from_document(with_changes(**change))
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_a_raw_scale_needs_arms_of_equal_weight():
    """A small arm of skewed sums does not keep the error rate; the plan is refused."""
    uneven = ["control", {"name": "treatment", "weight": 0.1}]
    with pytest.raises(UsageError, match="equal weight"):
        plan_from_document(with_changes(variants=uneven, metrics={"primary": "cost_usd"}))
    plan_from_document(with_changes(variants=uneven))


def test_a_metric_of_ones_own_needs_a_direction_only():
    """An unknown name with a direction is continuous and raw."""
    plan = plan_from_document(
        with_changes(metrics={"primary": {"name": "clarity", "direction": "higher"}})
    )
    assert plan.primary.direction is Direction.HIGHER
    assert (plan.primary.kind, plan.primary.scale) == (MetricKind.CONTINUOUS, Scale.RAW)


def test_the_hash_of_a_plan_covers_its_fields_and_the_bytes_of_every_arm():
    """Any change of plan, bytes or mode gives another hash; the same gives the same."""
    plan = plan_from_document(MINIMAL)
    versions = {"a.md": {"control": FileVersion("0" * 64, 0o644)}}
    base = plan_sha256(plan, versions)
    assert base == plan_sha256(plan_from_document(plan_to_document(plan)), dict(versions))
    others = {
        plan_sha256(plan_from_document(with_changes(seed=1)), versions),
        plan_sha256(plan, {"a.md": {"control": FileVersion("1" * 64, 0o644)}}),
        plan_sha256(plan, {"a.md": {"control": FileVersion("0" * 64, 0o755)}}),
    }
    assert len(others | {base}) == 4


def test_a_plan_that_asks_the_model_for_nothing_keeps_its_hash():
    """Plans from before there was anything to ask for read and hash as they did."""
    plan = plan_from_document(MINIMAL)
    assert "report" not in plan_to_document(plan)
    asking = plan_from_document(with_changes(report=["rating"]))
    assert plan_sha256(asking, {}) != plan_sha256(plan, {})


def test_a_plan_without_covariates_keeps_its_hash():
    plan = plan_from_document(MINIMAL)
    assert "covariates" not in plan_to_document(plan)
    assert plan_from_document(with_changes(covariates=[])) == plan
    named = plan_from_document(with_changes(covariates=["previous", "size"]))
    assert plan_from_document(plan_to_document(named)) == named
    assert plan_sha256(named, {}) != plan_sha256(plan, {})


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["active_seconds"], "its variant can move it"),
        (["argument_length", "argument_length"], "named twice"),
        (["previous", "position", "own_past", "argument_length"], "at most 4"),
        (["a", "b", "c", "d", "e"], "at most 4"),
        (["covariate:size"], "no name of a covariate"),
    ],
)
def test_covariates_that_explain_nothing_honestly_are_refused(names, words):
    with pytest.raises(UsageError, match=words):
        plan_from_document(with_changes(covariates=names))


def test_paired_cases_take_no_covariates():
    """What a case has of its own leaves the difference of its values."""
    with pytest.raises(UsageError, match="eval cases are compared with themselves"):
        plan_from_document(with_changes(covariates=["size"], unit="case"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.long
@given(
    st.dictionaries(
        st.sampled_from([*plan_to_document(plan_from_document(MINIMAL)), "report"]), json_values
    )
)
def test_any_document_is_a_plan_or_a_usage_error(sections):
    """No value in any field makes the reader fail otherwise."""
    with contextlib.suppress(UsageError):
        plan_from_document(MINIMAL | sections)


@pytest.mark.parametrize(
    ("word", "near"),
    [("isues", "issues_caught"), ("duration", "duration_seconds"), ("sucess", "success"),
     ("isuess", "issues_caught"), ("seconds", None), ("x", None), ("", None)],
)  # fmt: skip
def test_only_a_near_word_is_suggested(word, near):
    """A guess that is not what was meant is worse than none."""
    assert suggestion(word, KNOWN_METRICS) == (near and f"Did you mean '{near}'?")
    assert suggestion(word, ()) is None
