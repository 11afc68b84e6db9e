"""Two reports with the same digest of trials rest on the same data."""

from dataclasses import fields, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.services.reporting.data_digest import data_digest
from meta_experiment.types import Draw, Trial, TrialStatus

FIRST = Trial("a", "control", "u", 0, metrics={"turns": 1.0, "cost_usd": 2.0})
OTHERWISE = {
    "trial_id": "b", "variant": "treatment", "unit": "v", "order": 1, "exposed": False,
    "status": TrialStatus.OK, "metrics": {"turns": 1.5, "cost_usd": 2.0},
    "assigned_at": 1.0, "closed_at": 1.0, "fingerprint": {"model": "m"}, "excluded": "broken",
    "covariates": {"turns": 1.0}, "draw": Draw((1, 2), 3),
}  # fmt: skip
TEXT = st.text("ab\t\n=", max_size=2)
NUMBER = st.sampled_from([-1.0, 0.0, 1.0, 0.1, 1e300])
TRIAL = st.builds(
    Trial,
    trial_id=st.just(""),
    variant=TEXT,
    unit=TEXT,
    order=st.integers(0, 2),
    exposed=st.booleans(),
    status=st.sampled_from([None, *TrialStatus]),
    metrics=st.dictionaries(TEXT, NUMBER, max_size=2),
    assigned_at=st.none() | NUMBER,
    closed_at=st.none() | NUMBER,
    fingerprint=st.dictionaries(TEXT, TEXT, max_size=2),
    excluded=st.none() | TEXT,
    covariates=st.dictionaries(TEXT, NUMBER, max_size=2),
    draw=st.none() | st.builds(Draw, st.tuples(st.integers(0, 2)), st.integers(0, 2)),
)


def numbered(trials):
    """Return trials with an id of their own each, as those of one experiment have."""
    return [replace(trial, trial_id=f"t{place}") for place, trial in enumerate(trials)]


SOME = st.lists(TRIAL, max_size=3).map(numbered)


@pytest.mark.parametrize("field", [item.name for item in fields(Trial)])
def test_whatever_a_trial_says_is_in_it(field):
    other = replace(FIRST, **{field: OTHERWISE[field]})
    assert data_digest([other]) != data_digest([FIRST])


def test_the_order_of_trials_and_of_their_values_is_not():
    turned = replace(FIRST, metrics=dict(reversed(FIRST.metrics.items())))
    second = replace(FIRST, trial_id="b", draw=Draw((1, 2), 3))
    assert data_digest([second, turned]) == data_digest([FIRST, second])


@pytest.mark.parametrize("field", ["unit", "variant", "excluded"])
def test_what_one_trial_says_does_not_pass_for_another_s(field):
    """Texts that are the same one behind the other, and the same one here or there."""
    splits = [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", "")]
    splits += [(None, "abc"), ("abc", None)] * (field == "excluded")
    found = {
        data_digest(numbered([replace(FIRST, **{field: text}) for text in texts]))
        for texts in splits
    }
    assert len(found) == len(splits)


def test_a_value_belongs_to_its_trial_and_its_name():
    told = [{"a": 1.0}, {"b": 1.0}, {}, {"a": 1.0, "b": 1.0}, {"a": 0.0}]
    each = [replace(FIRST, metrics=values) for values in told]
    each += [replace(FIRST, metrics={}, covariates=values) for values in told if values]
    pairs = list(product(each, each))
    assert len({data_digest(numbered(pair)) for pair in pairs}) == len(pairs)


@pytest.mark.long
@given(SOME, SOME)
def test_it_is_the_same_for_the_same_trials_and_no_others(one, two):
    assert (data_digest(one) == data_digest(reversed(two))) is (one == two)
    assert data_digest(one) == data_digest(reversed(one))
