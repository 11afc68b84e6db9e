"""What gh-aw published on workflows, case by case."""

import pytest
from tests.published import FILES, Cases

from meta_experiment.errors import NotFoundError
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.picking.announcements import resource_attributes
from meta_experiment.workflows.picking.variant_draws import arms_of
from meta_experiment.workflows.variant_ranking import chosen_winner, next_generation, ranking

CASES = Cases(next(path for path in FILES if path.name == "published_workflows.json"))


@pytest.mark.parametrize(
    "name", ["gh-aw-17", "gh-aw-18", "gh-aw-19", "gh-aw-20", "gh-aw-21", "gh-aw-23"]
)
def test_both_ends_of_the_dates_belong_to_them(name):
    """gh-aw-17 to -23: from the first to the last day, in UTC."""
    inputs, expected = CASES.case(name)
    dates = {key: inputs[key] for key in ("start_date", "end_date")}
    arms = arms_of("e", {"variants": ["a", "b"], **dates})
    assert arms.is_active(inputs["today_utc"]) is expected["active"]


def test_a_variant_is_added_to_the_resource_attributes():
    """gh-aw-32: what was there stays."""
    inputs, expected = CASES.case("gh-aw-32")
    name = "OTEL_RESOURCE_ATTRIBUTES"
    assert resource_attributes(inputs[name], inputs["assigned"]) == expected[name]


def declared(variants):
    return DeclaredExperiment("e", tuple(variants), 1, 1)


def ranked(inputs):
    """Rank as gh-aw counted, without an outcome of any run."""
    counts = inputs["counts"] or {}
    if isinstance(counts, list):
        counts = dict(zip(inputs["variants"], counts, strict=True))
    return ranking(declared(inputs["variants"]), counts, None, {})


def test_the_winner_comes_first_and_the_others_follow():
    """gh-aw-84: a winner that was named becomes the control."""
    inputs, expected = CASES.case("gh-aw-84")
    assert list(next_generation(inputs["winner"], ranked(inputs), ())) == expected["next"]


def test_without_any_run_the_order_is_that_of_the_declaration():
    """gh-aw-87: all zero is no error, and the first is the control."""
    inputs, expected = CASES.case("gh-aw-87")
    found = ranked(inputs)
    assert [item.name for item in found] == expected["ranking"]
    assert [item.name for item in found if item.is_control] == [expected["current_control"]]


def test_a_winner_that_is_no_variant_is_refused():
    """gh-aw-88: by a message that says so, and by the exit code."""
    inputs, expected = CASES.case("gh-aw-88")
    with pytest.raises(NotFoundError, match=expected["error_contains"]) as found:
        chosen_winner(inputs["winner_override"], declared(inputs["variants"]))
    assert bool(found.value.exit_code) is expected["exit_nonzero"]
