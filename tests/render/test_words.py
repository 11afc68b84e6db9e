"""Numbers and names in words."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.render import words


@pytest.mark.parametrize(
    ("fraction", "drawn"),
    [
        (0.0, "░" * 10),
        (0.7, "███████░░░"),
        (0.999, "█████████░"),
        (1.0, "█" * 10),
        (3, "█" * 10),
    ],
)
def test_a_bar_is_full_only_when_the_work_is_done(fraction, drawn):
    """7 of 10 trials fill 7 of 10 cells, as in the published example."""
    assert words.bar(fraction) == drawn


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "–"),
        (float("nan"), "s", "–"),
        (41.52, "s", "41.5 s"),
        (119.0, "s", "119.0 s"),
        (150.0, "s", "2.5 min"),
        (7200.0, "s", "2 h"),
        (1830.4, "tokens", "1,830 tokens"),
        (0.00312, "USD", "0.00312 USD"),
        (0.0, "", "0"),
    ],
)
def test_quantities_are_readable_and_missing_ones_are_dashes(value, unit, text):
    """Long seconds become minutes and hours."""
    assert words.quantity(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (13.94, "13.9 days"), (1.0, "1 day"), (0.25, "6 h"), (0.01, "14.4 min"),
        (0.0001, "8.64 s"), (0.0, "0 days"),
    ],
)  # fmt: skip
def test_a_part_of_a_day_is_not_nothing(value, text):
    """What is left of a short experiment is said in hours, minutes or seconds."""
    assert words.days(value) == text


@given(st.text())
def test_printable_text_has_no_control_character(text):
    """Whatever is stored, a terminal is not steered."""
    shown = words.printable(text)
    assert len(shown) == len(text)
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_can_be_written(value):
    """No magnitude makes the writer fail."""
    assert words.compact(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(-1, "-", id="buckley-25"),
        pytest.param(0.5, "500ms", id="buckley-26"),
        pytest.param(5, "5s", id="buckley-27"),
        pytest.param(150, "2m30s", id="buckley-28"),
        (None, "-"),
        (math.inf, "-"),
        (0, "0ms"),
        (0.9996, "1s"),
        (59.6, "1m00s"),
        (3599.7, "1h00m"),
        (3900, "1h05m"),
    ],
)
def test_the_time_of_a_run_is_written_as_by_a_watch(seconds, text):
    assert words.elapsed(seconds) == text


def test_buckley_29_a_row_holds_what_a_run_took():
    cells = ("gpt-4", "yes", words.elapsed(5), 100 + 200, 2)
    assert words.markdown_row(cells) == "| gpt-4 | yes | 5s | 300 | 2 |"
    assert words.markdown_row(["a|b\nc"]) == r"| a\|b c |"


def test_buckley_30_a_long_text_is_cut_at_a_character():
    assert words.one_line("this is too long", 10) == "this is t…"
    assert words.one_line("ü" * 11, 10) == "ü" * 9 + "…"
