"""Sums as feature-flag experiments keep them: read in all spellings, or refused by row."""

import json
import math

import pytest

from meta_experiment.errors import MetaExperimentError
from meta_experiment.sources.results.reading import read_sums
from meta_experiment.sources.results.source_sums import parse, recognised
from meta_experiment.sources.results.sums import Counts

ARMS = {"control": {"n": 40, "k": 22}, "treatment": {"n": 41, "k": 31}}


def test_counts_are_read_by_event_and_variant():
    """Variants are texts, "true" and "false" too; inverse is no variant."""
    found = parse(
        {
            "metrics": {
                "a": {"inverse": True, "true": ARMS["control"], "false": ARMS["treatment"]}
            }
        },
        "x",
    )
    (event,) = found.events
    assert (event.inverse, dict(event.arms)) == (
        True,
        {"true": Counts(22, 40), "false": Counts(31, 41)},
    )


def test_the_other_spelling_is_read_with_a_note():
    """`conversions` for k, and one metric without its event."""
    found = parse(
        {
            "metrics": {
                "control": {"n": 40, "conversions": 22},
                "b": {"n": 41, "conversions": 31},
            }
        },
        "x",
    )
    assert [item.arms["control"] for item in found.events] == [Counts(22, 40)]
    assert len(found.notes) == 2


def test_sums_of_squares_and_variances_are_the_same_moments():
    """n, sum, sum_squares as n, mean, variance, exactly, also far from zero."""
    values = [1e9 + x for x in (1.0, 2.0, 4.0)]
    row = {"n": 3, "sum": sum(values), "sum_squares": math.fsum(x * x for x in values)}
    other = {"n": 3, "mean": sum(values) / 3, "variance": 7 / 3}
    (event,) = parse({"metrics": {"a": {"control": row, "b": other}}}, "x").events
    assert event.arms["b"].variance == pytest.approx(7 / 3)
    small = {"n": 3, "sum": 7.0, "sum_squares": 21.0}
    (event,) = parse({"metrics": {"a": {"control": small, "b": small}}}, "x").events
    assert event.arms["control"].variance == pytest.approx(7 / 3)


def test_a_record_holds_its_sums_as_text():
    """Sums and result within a record, and what it says of the plan."""
    record = {
        "slug": "chat",
        "inputData": json.dumps({"metrics": {"a": ARMS}}),
        "analysisResult": "{}",
    }
    found = parse(record, "x")
    assert found.record["slug"] == "chat"
    assert found.stated == {}


def test_a_result_gives_the_counts_of_its_rows():
    """Of a result its counts are read; what it states is kept to be compared."""
    rows = [
        {"variant": "control", "n": 40, "conversions": 22, "is_control": True},
        {"variant": "b", "n": 41, "conversions": 31, "p_win": 0.4},
    ]
    result = {
        "type": "bayesian_ab",
        "primary_metric": {"event": "a", "rows": rows},
        "control": "control",
        "treatments": ["b"],
    }
    found = parse(result, "x")
    assert found.events[0].arms["b"] == Counts(31, 41)
    assert (found.record["controlVariant"], found.stated) == ("control", result)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"n": 40, "k": 41}, "k is 41 of n 40"),
        ({"n": 0, "k": 0}, "n is 0"),
        ({"n": 40, "k": "3"}, "k is '3'"),
        ({"n": True, "k": 1}, "n is True"),
        ({"n": 40.5, "k": 3}, "n is 40.5"),
        ({"n": 40, "k": -1}, "k is -1"),
        ({"n": 10, "sum": 30, "sum_squares": 10}, "negative variance"),
        ({"n": 10, "mean": 3, "variance": -1}, "variance -1"),
        ({"n": 1, "mean": 3, "variance": 0}, "at least two units"),
        ({"n": 10, "sum": 30}, "sum_squares is None"),
        ({"n": 10, "mean": "x", "variance": 1}, "mean is 'x'"),
        ({"n": 10}, "it has n"),
        ([], "[]"),
    ],
)
def test_a_row_that_cannot_be_is_named(row, said):
    """Event, variant and number stand in the refusal."""
    with pytest.raises(MetaExperimentError) as refused:
        parse({"metrics": {"a": {"control": ARMS["control"], "odd": row}}}, "x")
    assert said in refused.value.message
    assert "a, odd" in refused.value.message


@pytest.mark.parametrize(
    "document",
    [
        {"metrics": {"a": ARMS, "b": {"control": ARMS["control"], "c": ARMS["control"]}}},
        {"metrics": {"a": {"control": ARMS["control"]}}},
        {"metrics": {"a": {**ARMS, "inverse": "no"}}},
        {
            "metrics": {
                "a": {"control": ARMS["control"], "b": {"n": 9, "mean": 1, "variance": 1}}
            }
        },
        {"inputData": "", "slug": "x"},
        {"inputData": "[1]", "slug": "x"},
        {"primary_metric": {"event": "a"}},
        {"primary_metric": {"event": "a", "rows": [{"n": 3}, 4]}},
    ],
)
def test_documents_that_do_not_hold_together_are_refused(document):
    """Other variants in another event, one arm, two kinds of arms, no counts."""
    with pytest.raises(MetaExperimentError):
        parse(document, "x")


def test_a_doubled_event_is_refused_and_a_billion_units_are_not(tmp_path):
    """Two values for one name are no document; large counts are."""
    path = tmp_path / "in.json"
    path.write_text('{"metrics": {"a": {"c": {"n": 9, "k": 1}}, "a": {"c": {"n": 9, "k": 2}}}}')
    assert read_sums(path, "in.json") is None
    path.write_text(
        json.dumps({"metrics": {"a": {"c": {"n": 10**9, "k": 5}, "d": {"n": 10**9, "k": 9}}}})
    )
    assert read_sums(path, "in.json").events[0].arms["d"] == Counts(9, 10**9)


def test_other_documents_are_left_to_others():
    """Runs, lists and settings are no sums."""
    for other in ({"metrics": {}}, {"metrics": {"a": 1}}, {"runs": []}, [], {"metrics": ["a"]}):
        assert not recognised(other)
