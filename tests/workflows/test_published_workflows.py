"""What gh-aw published on workflows, case by case."""

import pytest
from tests.published import FILES, Cases

from meta_experiment.workflows.picking.announcements import resource_attributes
from meta_experiment.workflows.picking.variant_draws import arms_of

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
