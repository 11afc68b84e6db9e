"""What an engine is asked for is what the rows come to: units, windows, sums."""

import math
from datetime import timedelta

import pytest
from tests.support.warehouse_rows import (
    ARMS,
    FIRST_DAY,
    made_up,
    mapping_of,
    plan_of,
    write_csv,
)

from meta_experiment.errors import NotFoundError, RemoteError, UsageError
from meta_experiment.sources.warehouse.collecting import Period, collect, queries
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.sought import sought
from meta_experiment.stats.moments import Moments

NAMES = list(ARMS.values())
EVER = Period((FIRST_DAY + timedelta(days=40)).timestamp())


def collected(tmp_path, rows, plan=None, period=EVER, **changes):
    mapping = mapping_of(**{"tables": write_csv(rows, tmp_path), "folder": tmp_path, **changes})
    with opened(None) as engine:
        return collect(engine, mapping, NAMES, sought(plan or plan_of(), mapping), period)


def by_hand(rows, read, hours=24):
    """Return by arm and day the values of each unit that was in one arm alone."""
    first, seen = {}, {}
    for unit, arm, at in rows.shown:
        first[unit] = min(first.get(unit, at), at)
        seen.setdefault(unit, set()).add(arm)
    found = {}
    for unit, at in first.items():
        if len(seen[unit]) > 1:
            continue
        events = [
            call
            for call in rows.calls
            if call[0] == unit and at <= call[1] < at + timedelta(hours=hours)
        ]
        day = int(at.timestamp() // 86400)
        found.setdefault((ARMS[min(seen[unit])], day), []).append(read(events))
    return found


def test_units_are_summed_by_arm_and_day(tmp_path):
    rows = made_up()
    sums, count = collected(tmp_path, rows)
    expected = by_hand(rows, lambda events: math.fsum(item[2] for item in events))
    found = {(day.variant, day.day): day for day in sums.days}
    assert {key: day.units for key, day in found.items() if day.units} == {
        key: len(values) for key, values in expected.items()
    }
    for key, values in expected.items():
        moments, right = found[key].metrics["cost_usd"].joint.moments(), Moments.of(values)
        assert (moments.n, moments.mean) == (right.n, pytest.approx(right.mean, rel=1e-13))
        assert moments.m2 == pytest.approx(right.m2, rel=1e-12, abs=1e-12)
    assert count.units == 400
    assert count.tainted == 10
    assert sum(day.tainted for day in sums.days) == 20  # once in each arm


@pytest.mark.long
def test_no_digit_is_lost_to_an_offset(tmp_path):
    rows = made_up(200, offset=1e9)
    sums, _ = collected(tmp_path, rows, plan_of("cost_usd"), metrics={
        "cost_usd": {"table": "calls", "at": "at", "value": "cost"}
    })  # fmt: skip
    expected = by_hand(rows, lambda events: [item[2] for item in events])
    for day in sums.days:
        means = [math.fsum(own) / len(own) for own in expected[day.variant, day.day] if own]
        if len(means) > 1:
            right = Moments.of(means)
            assert day.metrics["cost_usd"].joint.moments().m2 == pytest.approx(
                right.m2, rel=1e-6
            )


@pytest.mark.long
def test_a_logarithm_is_taken_of_each_event_before_their_mean(tmp_path):
    rows = made_up()
    sums, _ = collected(tmp_path, rows, plan_of("duration_seconds"), metrics={
        "duration_seconds": {"table": "calls", "at": "at", "value": "seconds"}
    })  # fmt: skip
    expected = by_hand(rows, lambda events: [item[3] for item in events])
    for day in sums.days:
        own = [values for values in expected.get((day.variant, day.day), []) if values]
        logs = [math.fsum(map(math.log, values)) / len(values) for values in own]
        metric = day.metrics["duration_seconds"]
        if logs:
            assert metric.joint.centres[0] == pytest.approx(Moments.of(logs).mean, rel=1e-12)
            raw = Moments.of([math.fsum(values) / len(values) for values in own])
            assert metric.raw.centres[0] == pytest.approx(raw.mean, rel=1e-12)


@pytest.mark.long
def test_days_wait_until_their_windows_and_what_may_come_late_are_over(tmp_path):
    rows = made_up()
    at = Period((FIRST_DAY + timedelta(days=4)).timestamp())
    settled, count = collected(tmp_path, rows, period=at)
    later, _ = collected(tmp_path, rows, period=at, lateness={"hours": 1})
    days = sorted({day.day for day in settled.days})
    assert days == [int(FIRST_DAY.timestamp() // 86400) + place for place in (0, 1, 2)]
    assert max(day.day for day in later.days) == days[1]
    assert count.waiting > 0


ONE_TABLE = """unit,arm,cost
u1,A,1
u1,A,2
u2,A,5
u3,B,4
u3,B,
u4,A,9
u4,B,9
,A,7
u5,,8
u6,C,8
"""


@pytest.fixture
def one_table(tmp_path):
    """Exposures and values in the same rows, without a time."""
    (tmp_path / "rows.csv").write_text(ONE_TABLE)
    mapping = mapping_of(
        {"rows": {"path": "rows.csv"}},
        tmp_path,
        exposure={"table": "rows", "unit": "unit", "variant": "arm", "variants": ARMS},
        window=None,
        metrics={"cost_usd": {"value": "cost", "aggregate": "sum"}},
    )
    with opened(None) as engine:
        yield engine, mapping, sought(plan_of(), mapping)


def test_rows_that_bear_their_own_values_are_summed(one_table):
    engine, mapping, wanted = one_table
    sums, count = collect(engine, mapping, NAMES, wanted, EVER)
    control, treatment = sums.days
    assert (control.variant, control.day, control.units, control.tainted) == (
        "control", None, 2, 1,
    )  # fmt: skip
    moments = control.metrics["cost_usd"].joint.moments()
    assert (moments.n, moments.mean, moments.m2) == (2, 4.0, 2.0)
    assert treatment.metrics["cost_usd"].joint.moments().mean == 4.0
    assert treatment.metrics["cost_usd"].skipped == {"no_value": 1}
    assert (count.rows, count.no_unit, count.no_variant, count.other_variant) == (10, 1, 1, 1)
    assert (count.units, count.tainted) == (4, 1)


def test_the_exposures_are_read_by_one_query(one_table):
    engine, mapping, wanted = one_table
    asked = queries(engine.tables(mapping), mapping, NAMES, wanted, EVER)
    assert not asked.values
    assert engine.backend.compile(asked.sums).count("ibis_read_csv") == 1


def test_a_part_of_an_answer_is_none(one_table, monkeypatch):
    engine, mapping, wanted = one_table
    whole = engine.rows
    monkeypatch.setattr(engine, "rows", lambda query: whole(query)[:-1])
    with pytest.raises(RemoteError, match="answered in part"):
        collect(engine, mapping, NAMES, wanted, EVER)


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"tables": {"shown": {"path": "no.csv"}, "calls": {"path": "calls.csv"}}},
         "no file", ""),
        ({"exposure": {"table": "shown", "unit": "unti", "variant": "arm", "at": "at",
                       "variants": ARMS}}, "no column 'unti'", "'unit'"),
        ({"metrics": {"cost_usd": {"table": "calls", "at": "at", "value": "at"}}},
         "expected a number", ""),
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(tmp_path, changes, said, hint):
    with pytest.raises((NotFoundError, UsageError)) as caught:
        collected(tmp_path, made_up(20), **changes)
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")
