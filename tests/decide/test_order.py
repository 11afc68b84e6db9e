"""Where no order is known none decides: rows and trials in any order give one analysis."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decide.making import COST, DAY, DURATION, START, SUCCESS, look, plan, trial
from tests.everyday import some

from meta_experiment.decide.analysis import basis_of
from meta_experiment.decide.order import first_units, total_of_first
from meta_experiment.decide.reporting.series import series
from meta_experiment.decide.rules import rule_of
from meta_experiment.types import Decision, Stopping, TrialStatus, Unit

ENDINGS = [*[TrialStatus.OK] * 6, TrialStatus.ERROR, TrialStatus.TIMEOUT]


def rows(control, b, metric=SUCCESS):
    """Return the rows of a table of two arms, as trials that only their place tells apart."""
    made = [("control", value) for value in control] + [("b", value) for value in b]
    return numbered([trial(arm, 0, metrics={metric.name: value}) for arm, value in made])


def numbered(made, **known):
    """Give trials the names and places of their order here, and no times."""
    return [
        replace(
            item,
            trial_id=f"row {place}",
            unit=f"row {place}" if item.unit == "u0" else item.unit,
            order=place,
            **({"assigned_at": None, "closed_at": None} | known),
        )
        for place, item in enumerate(made)
    ]


def at_once(made):
    """Return them as recorded at one moment."""
    return [replace(item, assigned_at=START, closed_at=START) for item in made]


@st.composite
def tables(draw):
    """Return trials of two or three arms, some with units of their own, and a plan on them."""
    chance = random.Random(draw(st.integers(0, 10**6)))  # noqa: S311
    metric = chance.choice([SUCCESS, SUCCESS, DURATION, COST])
    arms = ["control", "b", "c"][: chance.choice([2, 2, 3])]
    made = []
    for arm in arms:
        for _ in range(chance.choice([8, 20, 45])):
            value = chance.random() < 0.6 if metric is SUCCESS else chance.lognormvariate(0, 1)
            made.append(
                trial(
                    arm,
                    0,
                    unit=chance.choice([None, None, f"{arm} {chance.randrange(9)}"]),
                    status=chance.choice(ENDINGS),
                    metrics={metric.name: float(value)} if chance.random() < 0.9 else {},
                    excluded=chance.choice([None] * 20 + ["by_hand", "no_answer"]),
                    fingerprint={"model": chance.choice("ab")},
                )
            )
    chosen = plan(
        *arms[1:],
        primary=metric,
        improvement_threshold=0.0,
        secondary=() if metric is SUCCESS else (SUCCESS,),
        stopping=chance.choice([*Stopping]),
        sample_size=chance.choice([5, 10]),
        unit=chance.choice([Unit.INVOCATION, Unit.INVOCATION, Unit.CASE]),
    )
    return chosen, made, chance


@pytest.mark.long
@given(tables())
@settings(max_examples=25)
@pytest.mark.parametrize("known", some([numbered, lambda made: at_once(numbered(made))], 1))
def test_shuffled_rows_give_the_identical_analysis(known, table):
    """Every number, sentence and series is the same, whatever stands first."""
    chosen, made, chance = table
    shuffled = chance.sample(made, len(made))
    assert repr(look(chosen, known(made))) == repr(look(chosen, known(shuffled)))
    assert series(basis_of(chosen, known(made), START)) == series(
        basis_of(chosen, known(shuffled), START)
    )


def test_the_order_of_rows_promotes_nothing():
    """Ten failures first in the control, six successes first in b: 10 and 6 of 20 and 10."""
    found = look(
        plan(primary=SUCCESS, improvement_threshold=0.0),
        rows([0] * 10 + [1] * 10, [1] * 6 + [0] * 4),
    )
    assert found.decision is Decision.EXTEND
    assert found.primary.comparisons[0].sequential.e_promote < 1


def test_sixty_rows_against_thirty_weigh_what_their_rates_do():
    """Half of either arm succeeds: no order makes evidence of that."""
    chosen = plan(primary=SUCCESS, assignment="external")
    found = look(chosen, rows([0] * 30 + [1] * 30, [1] * 15 + [0] * 15))
    assert found.decision is Decision.EXTEND
    assert found.primary.comparisons[0].sequential.e_promote < 1


def test_what_is_known_to_be_later_is_still_left_out():
    """Units with times are paired as they came: a look never takes back what it saw."""
    made = [
        replace(item, assigned_at=START + place, closed_at=START + place)
        for place, item in enumerate(rows([0] * 10 + [1] * 10, [1] * 6 + [0] * 4))
    ]
    found = look(plan(primary=SUCCESS), made)
    first = look(plan(primary=SUCCESS), [*made[:10], *made[20:]])
    assert found.primary.comparisons[0].sequential.e_promote == pytest.approx(
        first.primary.comparisons[0].sequential.e_promote
    )


@pytest.mark.long
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.0])), max_size=12))
def test_units_of_one_moment_count_as_their_mean_where_it_is_divided(units):
    """The first k of all orders in which they can have come sum to the same on average."""
    units.sort()
    order, values = [place for place, _ in units], [value for _, value in units]
    chance = random.Random(1)  # noqa: S311
    for count in range(len(units) + 1):
        seen = [
            math.fsum(
                value
                for _, _, value in sorted((place, chance.random(), v) for place, v in units)[
                    :count
                ]
            )
            for _ in range(300)
        ]
        assert total_of_first(values, order, count) == pytest.approx(
            math.fsum(seen) / 300, abs=0.35
        )


def test_a_fixed_look_at_units_without_order_takes_them_all_and_says_so():
    """Which ten of forty rows came first is not known; what came later is not looked at."""
    chosen = plan(primary=SUCCESS, stopping=Stopping.FIXED, sample_size=10)
    made = rows([0, 1] * 10, [1, 1] * 10)
    later = [
        trial(("control", "b")[n % 2], 100 + n, metrics={"success": 0.0}) for n in range(9)
    ]
    found = rule_of(chosen).look(chosen, [*made, *later], START + DAY)
    assert {item.trial_id for item in found.trials} == {item.trial_id for item in made}
    said = " ".join(look(chosen, made).notes)
    assert "the look is at all of them, up to 20 an arm" in said
    ordered = [
        replace(item, assigned_at=START + place, closed_at=START)
        for place, item in enumerate(made)
    ]
    assert "no order that is known" not in " ".join(look(chosen, ordered).notes)


def test_the_first_units_are_not_more_than_asked_for_where_they_are_known():
    places = {"a": 3, "b": 1, "c": 2, "d": 2}
    assert first_units(places, 1) == ["b"]
    assert set(first_units(places, 2)) == {"b", "c", "d"}
    assert set(first_units(places, 4)) == set(places)
