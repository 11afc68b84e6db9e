"""Ramps and dates of a plan: what is read, what is refused, and in which words."""

import datetime as dt

import pytest
import yaml

from meta_experiment.assign.adaptive import whole_parts
from meta_experiment.decide.ramp import shares_of_step, step_of
from meta_experiment.errors import UsageError
from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.model.plan_shape import require_shape
from meta_experiment.services.planning.sketching import new_plan
from meta_experiment.types import Assignment

FILES = {"files": {".claude/commands/review.md": "v2.md"}}
STEPS = [5, 25, 50, 100]


def document(**changes):
    base = {
        "name": "Review",
        "hypothesis": "Faster",
        "files": [".claude/commands/review.md"],
        "metrics": {"primary": "duration_seconds"},
    }
    return base | changes


def test_a_ramp_is_how_units_are_assigned_and_comes_back_as_it_was():
    plan = plan_from_document(document(assignment={"ramp": STEPS}))
    assert plan.assignment is Assignment.RAMP
    assert plan.ramp.steps == (0.05, 0.25, 0.5, 1.0)
    assert (plan.ramp.days, plan.ramp.units) == (1.0, 5)
    assert plan_from_document(plan_to_document(plan)) == plan


def test_the_form_of_agentic_workflows_is_that_ramp():
    written = "continual: {seed: canary-1, ramp: [5, 25, 50, 100]}\n"
    read = require_shape(FILES | yaml.safe_load(written))
    assert read["assignment"] == {"ramp": STEPS}
    other = require_shape(FILES | yaml.safe_load(written.replace("canary-1", "canary-2")))
    assert 0 <= read["seed"] != other["seed"] >= 0
    own = document(assignment=read["assignment"], seed=read["seed"])
    assert plan_from_document(own).ramp.steps[-1] == 1.0


@pytest.mark.parametrize(
    "form",
    [
        {"seed": "a"},
        {"ramp": [5]},
        {"seed": "a", "ramp": []},
        {"seed": "a", "ramp": [0, 5]},
        {"seed": "a", "ramp": [5, 101]},
        {"seed": "a", "ramp": [5.5]},
        {"seed": "a", "ramp": [True]},
        {"seed": "a" * 129, "ramp": [5]},
        {"seed": "a", "ramp": list(range(1, 10))},
        {"seed": "a", "ramp": [5], "min_samples": 3},
        "5,25",
    ],
)
def test_another_form_is_refused(form):
    with pytest.raises(UsageError, match="continual"):
        require_shape(FILES | {"continual": form})


def test_two_ramps_are_one_too_many():
    both = {"continual": {"seed": "a", "ramp": [5]}, "assignment": {"ramp": [5]}}
    with pytest.raises(UsageError, match="outside of it as well"):
        require_shape(FILES | both)


@pytest.mark.parametrize(
    ("ramp", "said"),
    [
        ([], "shares of the treatments that rise, in per cent; found none"),
        ([5, 5], "that rise, in per cent; found 5, 5"),
        ([50, 25], "that rise, in per cent; found 50, 25"),
        ([0, 50], "expected a number from 0.1 to 100, found 0"),
        ([50, 101], "expected a number from 0.1 to 100, found 101"),
        ([-5], "found -5"),
        (["a"], "expected a finite number"),
        ([float("nan")], "expected a finite number"),
        ([*range(1, 10)], "expected 1 to 8 shares"),
    ],
)
def test_a_ramp_rises_from_more_than_nothing_to_at_most_all(ramp, said):
    with pytest.raises(UsageError, match=said):
        plan_from_document(document(assignment={"ramp": ramp}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"assignment": {"ramp": [5], "method": "block"}}, "it is of a ramp, and units"),
        ({"assignment": {"step_days": 2}}, "it is of a ramp, and units"),
        ({"assignment": {"ramp": [5], "floor": 5}}, "it is of a bandit, and units"),
        ({"assignment": {"method": "ramp"}}, "found none"),
        ({"assignment": {"ramp": [5]}, "unit": "case"}, "eval cases run in every arm"),
        ({"assignment": {"ramp": [5]}, "stopping": {"rule": "fixed"}}, "one fixed look"),
        ({"assignment": {"ramp": [5]}, "metrics": {"primary": "cost_usd"}}, "raw scale"),
        (
            {
                "assignment": {"ramp": [5]},
                "metrics": {
                    "primary": "duration_seconds",
                    "guardrails": ["active_seconds.p90"],
                },
            },
            "is a quantile of all units",
        ),
    ],
)
def test_what_does_not_go_with_a_ramp_is_refused(changes, said):
    with pytest.raises(UsageError, match=said):
        plan_from_document(document(**changes))


@pytest.mark.parametrize(
    ("ramp", "treatments", "said"),
    [
        ([100], 1, "one step of 100% is no ramp but a treatment for everybody at once"),
        ([5], 1, "one step of 5% is no ramp but a fixed share"),
        ([50, 50.001, 60], 1, "50% and 50.001% cannot be told apart; expected at least 0.02"),
        ([50, 50.019], 1, "cannot be told apart"),
        ([0.1, 50], 14, "one of 14 treatments less than 0.01%, .* expected 0.14% or more"),
        ([0.1, 50], {"b": 1, "c": 10}, "expected 0.11% or more"),
    ],
)
def test_steps_that_no_draw_could_tell_are_refused_in_a_new_plan(ramp, treatments, said):
    """One that is stored is read all the same."""
    if isinstance(treatments, int):
        treatments = {f"t{number}": 1 for number in range(treatments)}
    variants = [
        {"name": name, "weight": it} for name, it in ({"control": 1} | treatments).items()
    ]
    asked = document(assignment={"ramp": ramp}, variants=variants)
    assert plan_from_document(asked).ramp.steps
    with pytest.raises(UsageError, match=said):
        new_plan(asked)


@pytest.mark.parametrize(
    ("ramp", "treatments"),
    [([0.1, 0.12, 50, 50.02, 100], 1), ([0.1, 50], 10), ([0.14, 0.16, 99.98, 100], 14)],
)
def test_every_step_of_a_new_plan_is_told_by_the_shares_that_it_draws_by(ramp, treatments):
    names = ["control", *(f"t{number}" for number in range(treatments))]
    plan = new_plan(document(assignment={"ramp": ramp}, variants=names))
    for ended in (set(), set(names[1:-1])):
        for step in range(len(ramp)):
            parts = whole_parts(shares_of_step(plan, step, ended))
            assert step_of(plan.ramp, parts) == step
            assert all(
                part > 0
                for name, part in zip(names[1:], parts[1:], strict=True)
                if name not in ended
            )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-12-05", "2026-12-19"),
        (dt.date(2026, 12, 5), dt.date(2026, 12, 19)),
        ("2026-12-05T00:00Z", "2026-12-20T00:00:00+00:00"),
        ("2026-12-05T01:00+01:00", "2026-12-19T16:00-08:00"),
        (
            dt.datetime(2026, 12, 5, tzinfo=dt.UTC),
            dt.datetime(2026, 12, 20, tzinfo=dt.UTC),
        ),
    ],
)
def test_a_day_is_one_in_utc_and_the_last_one_counts_whole(start, end):
    plan = plan_from_document(document(start_date=start, end_date=end))
    assert plan.start_date == dt.datetime(2026, 12, 5, tzinfo=dt.UTC).timestamp()
    assert plan.end_date == dt.datetime(2026, 12, 20, tzinfo=dt.UTC).timestamp()
    assert plan_from_document(plan_to_document(plan)) == plan


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start_date": "2026-12-05T09:00"}, "says no zone; expected a day"),
        ({"start_date": "soon"}, "'soon' is no date"),
        ({"start_date": "2026-02-30"}, "is no date"),
        ({"end_date": "9999-12-31"}, "is the last day that there is, and has no end"),
        ({"start_date": "2026-W50"}, "'2026-W50' is no date; expected a day"),
        ({"start_date": "2026-W50-1"}, "is no date"),
        ({"start_date": "20261205"}, "is no date"),
        ({"start_date": 20261205}, "is no date"),
        (
            {"start_date": "2026-12-05", "end_date": "2026-12-04"},
            "end_date: the end of 2026-12-04 in UTC is not after start_date",
        ),
        (
            {"start_date": "2026-12-05T09:00Z", "end_date": "2026-12-05T09:00Z"},
            "is not after start_date",
        ),
        ({"start_date": "2026-12-05", "unit": "case"}, "units of live use"),
        (
            {"end_date": "2026-12-05", "assignment": {"method": "external"}},
            "units of live use",
        ),
    ],
)
def test_dates_that_make_no_sense_are_refused(changes, said):
    with pytest.raises(UsageError, match=said):
        plan_from_document(document(**changes))


@pytest.mark.parametrize(
    ("layer", "slots"),
    [
        ("prompts", (0, 500)),
        ({"name": "prompts"}, (0, 500)),
        ({"name": "prompts", "share": 12.5}, (0, 125)),
        ({"name": "prompts", "share": 30, "start": 70}, (700, 1000)),
    ],
)
def test_a_layer_is_a_name_and_a_share(layer, slots):
    plan = plan_from_document(document(layer=layer))
    assert plan.layer.slots == slots
    assert plan_from_document(plan_to_document(plan)) == plan
    assert plan.share_of_units == pytest.approx((slots[1] - slots[0]) / 1000)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layer": {"name": "prompts", "share": 120}}, "expected a number from 0.1 to 100"),
        ({"layer": {"name": "prompts", "share": 0}}, "expected a number from 0.1 to 100"),
        ({"layer": {"name": "prompts", "share": 60, "start": 50}}, "are more than all of it"),
        ({"layer": {"share": 60}}, "layer.name: expected a text"),
        ({"layer": "a b"}, "is no name of a layer"),
        ({"layer": {"name": "a", "slots": 3}}, "there is no field 'slots'"),
        ({"layer": "a", "unit": "case"}, "by sessions or users"),
        ({"layer": "a", "assignment": {"method": "external"}}, "drawn elsewhere"),
    ],
)
def test_layers_that_make_no_sense_are_refused(changes, said):
    with pytest.raises(UsageError, match=said):
        plan_from_document(document(**changes))
