"""Files as programs and spreadsheets write them: zones, commas, folders of days, keys."""

import json

import pytest
from tests.support.warehouse_rows import ARMS, EXPOSURE, FIRST_DAY, mapping_of, plan_of

from meta_experiment.errors import NotFoundError, RefusedError, RemoteError, UsageError
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.sought import sought

LATER = Period(FIRST_DAY.timestamp() + 40 * 86400)
SHOWN = "unit,arm,at\nu1,A,2026-11-01T10:00:00\nu2,B,2026-11-01T11:00:00\n"
CALLS = "unit,at,cost\nu1,2026-11-01T10:30:00,1.5\nu2,2026-11-01T12:00:00,2.5\n"
COST = {"table": "calls", "at": "at", "value": "cost", "aggregate": "sum"}
DAY = 20_758  # the first of November


@pytest.fixture
def costs(tmp_path):
    """Collect two texts of CSV, or files that are there; return the means by arm and day."""

    def run(shown=SHOWN, calls=CALLS, at="at", paths=(), cost=COST):
        texts = {"shown.csv": shown, "calls.csv": calls}
        for name, text in texts.items():
            data = text if isinstance(text, bytes) else text.encode()
            (tmp_path / name).write_bytes(data)
        tables = {name[:-4]: {"path": name} for name in texts} | dict(paths)
        exposure = {**EXPOSURE, "at": at}
        mapping = mapping_of(tables, tmp_path, exposure=exposure, metrics={"cost_usd": cost})
        with opened(None) as engine:
            wanted = sought(plan_of(), mapping)
            sums, run.count = collect(engine, mapping, [*ARMS.values()], wanted, LATER)
        return {
            (day.variant, day.day): day.metrics["cost_usd"].joint.centres[0]
            for day in sums.days
        }

    return run


MEANT = {("control", DAY): 1.5, ("treatment", DAY): 2.5}


@pytest.mark.parametrize(
    ("ends", "hours"),
    [("", 0), ("Z", 0), (" UTC", 0), ("+02:00", 2), ("+0200", 2), ("-05:30", -5.5),
     (".123456789Z", 0), (" Europe/Berlin", 1)],
)  # fmt: skip
def test_a_zone_is_read_and_none_is_utc(costs, ends, hours):
    """Events are so late that a unit has them in its window, and the other has not."""
    calls = "unit,at,cost\nu1,2026-11-02T04:30:00Z,1.5\nu2,2026-11-02T12:00:00Z,2.5\n"
    shown = SHOWN.replace(":00\n", f":00{ends}\n")
    expected = {
        (arm, DAY): cost if away + hours <= 24 else 0.0
        for arm, away, cost in (("control", 18.5, 1.5), ("treatment", 25, 2.5))
    }
    assert costs(shown, calls) == expected


@pytest.mark.long
def test_the_hour_that_a_summer_ends_with_is_told_apart_by_its_offset(costs):
    shown = SHOWN.replace("2026-11-01T10:00:00", "2026-10-25T02:30:00+02:00")
    calls = CALLS.replace("2026-11-01T10:30:00", "2026-10-25T02:10:00+01:00")
    assert costs(shown, calls)["control", DAY - 7] == 1.5
    earlier = calls.replace("+01:00", "+02:00")
    assert costs(shown, earlier)["control", DAY - 7] == 0.0


@pytest.mark.parametrize(
    ("form", "zeros"), [("seconds", ""), ("milliseconds", "123"), ("nanoseconds", "123456789")]
)
def test_what_counts_since_1970_is_a_time(costs, form, zeros):
    shown = f"unit,arm,at\nu1,A,1793527200{zeros}\nu2,B,1793530800{zeros}\n"
    assert costs(shown, at={"column": "at", "form": form}) == MEANT


@pytest.mark.long
def test_a_time_that_no_clock_shows_is_none(costs):
    shown = "unit,arm,at\nu1,A,1793527200123456789\nu2,B,1793530800000000000\n"
    assert costs(shown, at={"column": "at", "form": "seconds"}) == {}
    assert costs.count.no_time == 2
    for year, later in (("9999", 1), ("1900", 0)):
        assert costs(f"{SHOWN}u3,A,{year}-12-31T00:00:00\n")["control", DAY] == 1.5
        assert costs.count.later == later


@pytest.mark.long
def test_a_spreadsheet_of_another_country_is_read(costs):
    def written(text):
        told = text.replace(",", ";").replace(".", ",").replace("\n", "\r\n")
        return b"\xef\xbb\xbf" + told.encode()

    assert costs(written(SHOWN), written(CALLS)) == MEANT
    assert costs(b"sep=;\r\n" + written(SHOWN)[3:], CALLS.replace(",", ";")) == MEANT
    with pytest.raises(RemoteError, match="UTF-16"):
        costs(SHOWN.encode("utf-16"))


@pytest.mark.long
def test_what_is_no_number_is_named_and_can_be_left_out(costs):
    calls = f"{CALLS}u1,2026-11-01T10:40:00,N/A\n"
    with pytest.raises(UsageError, match="N/A") as caught:
        costs(calls=calls)
    assert "not_in" in (caught.value.hint or "")
    left = {**COST, "where": [{"column": "cost", "not_in": ["N/A"]}]}
    assert costs(calls=calls, cost=left) == MEANT


@pytest.mark.parametrize("keys", [("1", "1.0"), ("1.0", "1"), ("1.0", "1.0")])
def test_a_unit_is_the_same_as_a_number_and_as_text(costs, tmp_path, keys):
    """Many programs make a key floating where one is missing; `001` is a number in a CSV."""
    one, other = (
        text.replace("u1", key).replace("u2", "2" if key == "1" else "2.0")
        for text, key in zip((SHOWN, CALLS), keys, strict=True)
    )
    assert costs(one, other) == MEANT
    if "." in keys[0]:
        rows = [line.split(",") for line in CALLS.replace("u", "").splitlines()[1:]]
        keyed = [{"unit": key, "at": at, "cost": float(cost)} for key, at, cost in rows]
        (tmp_path / "calls.jsonl").write_text("\n".join(map(json.dumps, keyed)))
        assert costs(one, paths={"calls": {"path": "calls.jsonl"}}) == MEANT


@pytest.mark.long
def test_units_that_have_no_event_by_their_name_are_said(costs):
    with pytest.raises(RefusedError, match="none of the 2 events") as caught:
        costs(SHOWN.replace("u1", "U1 ").replace("u2", " U2"))
    assert "2 would agree but for case and spaces" in (caught.value.hint or "")
    with pytest.raises(RefusedError, match="none of the 2 events") as caught:
        costs(SHOWN.replace("u1", "one").replace("u2", "two"))
    assert "exposure.unit (unit)" in (caught.value.hint or "")
    late = CALLS.replace("2026-11-01", "2026-11-09")
    assert set(costs(calls=late).values()) == {0.0}  # they have them, if not in their window


@pytest.mark.long
def test_folders_of_days_are_one_table(costs, tmp_path):
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT 'u' || i AS unit, ['A', 'B'][i % 2 + 1] AS arm, "
            "TIMESTAMPTZ '2026-11-01 00:30:00+02' + to_hours(i * 6) AS at, "
            "DATE '2026-11-01' + (i // 4)::int AS day FROM range(8) r(i)"
        )
        connection.execute(f"COPY t TO '{tmp_path / 's'}' (FORMAT parquet, PARTITION_BY (day))")
    for pattern in ("s/*/*.parquet", "s/**/*.parquet"):
        costs(paths={"shown": {"path": pattern}})
        assert costs.count.units == 8
    with pytest.raises(UsageError, match="folder") as caught:
        costs(paths={"shown": {"path": "s"}})
    assert "s/**/*.parquet" in (caught.value.hint or "")
    with pytest.raises(NotFoundError, match="no file"):
        costs(paths={"shown": {"path": "s/**/*.csv"}})


def test_signs_of_patterns_in_the_name_of_a_file_are_its_name(costs, tmp_path):
    (tmp_path / "it's [1]*.csv").write_text(SHOWN)
    assert costs(paths={"shown": {"path": "it's [1]*.csv"}}) == MEANT


def test_a_file_that_was_cut_is_seen_in_a_folder_too(costs, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "shown.csv").write_text(SHOWN[:-4])
    with pytest.raises(RemoteError, match="cut"):
        costs(paths={"shown": {"path": "*/shown.csv"}})
