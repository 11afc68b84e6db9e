import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.sources.results.values import Decimal, NumberUnit, notations, read


@pytest.mark.parametrize(
    ("written", "number", "unit"),
    [
        ("85%", 0.85, NumberUnit.PER_CENT), (" 85 % ", 0.85, NumberUnit.PER_CENT),
        ("100%", 1.0, NumberUnit.PER_CENT), ("0.5", 0.5, NumberUnit.NONE),
        ("1,830", 1830.0, NumberUnit.NONE), ("1 830", 1830.0, NumberUnit.NONE),
        ("1\u202f830.5", 1830.5, NumberUnit.NONE), ("1'830'000", 1.83e6, NumberUnit.NONE),
        (".5", 0.5, NumberUnit.NONE), ("-3", -3.0, NumberUnit.NONE),
        ("−3", -3.0, NumberUnit.NONE), ("1e3", 1000.0, NumberUnit.NONE),
        ("12.5s", 12.5, NumberUnit.SECONDS), ("1500 ms", 1.5, NumberUnit.SECONDS),
        ("2 min", 120.0, NumberUnit.SECONDS), ("1.5 hours", 5400.0, NumberUnit.SECONDS),
        ("$0.0123", 0.0123, NumberUnit.DOLLARS), ("0.5 USD", 0.5, NumberUnit.DOLLARS),
        ("3 €", 3.0, NumberUnit.OTHER_MONEY), ("1,830 tokens", 1830.0, NumberUnit.TOKENS),
        ("yes", 1.0, NumberUnit.TRUTH), ("FAIL", 0.0, NumberUnit.TRUTH),
        ("WAHR", 1.0, NumberUnit.TRUTH), ("faux", 0.0, NumberUnit.TRUTH),
        ("✅", 1.0, NumberUnit.TRUTH), (True, 1.0, NumberUnit.TRUTH),
        (False, 0.0, NumberUnit.TRUTH), (7, 7.0, NumberUnit.NONE), (0, 0.0, NumberUnit.NONE),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_written(written, number, unit):
    """Numbers, per cents and truth values are read with the sign behind them."""
    assert read(written) == (pytest.approx(number), None, unit)


@pytest.mark.parametrize(
    "written",
    [None, "", "N/A", "n/a", "#N/A", "#NV", "null", "-", "–", "pending", "unknown", math.nan],
)
def test_what_was_not_measured_is_missing_and_not_zero(written):
    """The many ways to say that there is no value all give none, and no complaint."""
    assert read(written) == (None, None, NumberUnit.NONE)


@pytest.mark.parametrize(
    "written",
    [
        "+35% better", "3 of 10", "1.2.3", "ten", math.inf, "inf", "-Infinity", "∞", [1],
        {"mean": 1}, 10**400, "0,5", "0,125", "1,83", "12,34,567", "1,2345", "1 83", "1 830,5",
        "#DIV/0!", "1:23", "1.2k", "1m 23s", "5 m", "0x10", "1_830", "s", "%", "$", ",", ".",
    ],
)  # fmt: skip
def test_prose_and_aggregates_are_no_numbers(written):
    """A text that holds more than a number is refused, not mined for digits."""
    number, problem, _ = read(written)
    assert number is None
    assert problem


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none()))
def test_whatever_is_read_is_finite_or_nothing(written):
    """No value of any kind raises, and none comes out as NaN or infinite."""
    number = read(written).number
    assert number is None or math.isfinite(number)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_and_its_text_are_the_same(value):
    """Reading the text of a number gives that number."""
    assert read(repr(value)).number == pytest.approx(value)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0,125", 0.125), ("0,5", 0.5), ("1.234,5", 1234.5), ("1 234,5", 1234.5),
        ("1\u00a0234\u00a0567,5", 1234567.5), ("1,250", 1.25), ("1.250", 1250.0),
        ("85,5 %", 0.855),
        ("3,5 s", 3.5), ("-0,5", -0.5), ("1,5e3", 1500.0), ("12", 12.0), (0.5, 0.5),
    ],
)  # fmt: skip
def test_a_decimal_comma_is_read_where_it_is_one(written, number):
    """The point then parts thousands; numbers that are no text stay as they are."""
    assert read(written, Decimal.COMMA).number == pytest.approx(number)


@pytest.mark.parametrize("written", ["0.5", "1.5", "1,234.5", "1.2345", "1,234,567"])
def test_a_decimal_point_is_no_decimal_comma(written):
    """Nothing is dropped to make a number of it."""
    assert read(written, Decimal.COMMA).number is None


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        ("0,125", {Decimal.COMMA}), ("12,5 s", {Decimal.COMMA}), ("1.234,5", {Decimal.COMMA}),
        ("1.234.567", {Decimal.COMMA}), ("0.125", {Decimal.POINT}), ("12.5%", {Decimal.POINT}),
        ("1,234.5", {Decimal.POINT}), ("1,234,567", {Decimal.POINT}),
        ("1234.567", {Decimal.POINT}),
        ("1,250", set(Decimal)), ("1.250", set(Decimal)), ("-100,000", set(Decimal)),
        ("12", set()), ("1 250", set()), ("N/A", set()), ("about 1.5", set()), ("", set()),
    ],
)  # fmt: skip
def test_a_number_tells_how_it_is_written_or_does_not(written, allowed):
    """What could be one thousand or one is said to be either."""
    assert notations(written) == allowed


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=3), st.booleans())
def test_a_number_in_any_notation_is_the_same_number(value, grouped):
    """As programs and as spreadsheets of other countries write it."""
    written = f"{value:,.3f}" if grouped else f"{value:.3f}"
    local = written.translate(str.maketrans(",.", ".,"))
    assert read(written).number == read(local, Decimal.COMMA).number == float(value)
