"""A picture in characters says what its numbers say, whatever its width."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_experiment.render.blocks import Emphasis, Forest, ForestLine
from meta_experiment.render.fit import plain, seen
from meta_experiment.render.pictures.characters import forest_lines
from meta_experiment.render.report_words import per_cent

FRACTIONS = st.one_of(st.floats(-2, 2), st.floats(-0.02, 0.02)).map(lambda it: round(it, 6))
EFFECTS = st.one_of(st.none(), FRACTIONS)
HELD = st.one_of(st.none(), st.floats(0.001, 0.9))
WIDTHS = st.integers(46, 210)
LABEL = "cost"


def line_of(effect, low, high, margin=None, goal=None, label=LABEL, arm=""):
    return ForestLine(
        label, arm, 1, effect, low, high, margin, goal, per_cent(effect, signed=True), "", "?",
        "open", "warn",
    )  # fmt: skip


def cells(drawn):
    """Return what is drawn of the axis: from its first cell on."""
    return plain(drawn)[2 + len(LABEL) + 2 :]


def side(value):
    return (value > 0) - (value < 0)


@pytest.mark.long
@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.floats(0.05, 0.6), EFFECTS, EFFECTS, EFFECTS, HELD, HELD, WIDTHS)
def test_a_line_touches_no_mark_that_it_is_clear_of(
    reach, effect, one, two, margin, goal, width
):
    low, high = one, two
    if one is not None and two is not None:
        low, high = min(one, two), max(one, two)
    line = line_of(effect, low, high, margin, goal)
    axis, drawn = (cells(it) for it in forest_lines(Forest(reach, (line,)), width))
    zero = axis.index(" 0 ") + 1
    held = [(0.0, zero)]
    if margin is not None and "┊" in drawn:
        held.append((-margin, drawn.index("┊")))
    if goal is not None and "┆" in drawn:
        held.append((goal, drawn.index("┆")))
    ends = [("├◂", low)] * (low is not None) + [("┤▸", high)] * (high is not None)
    for signs, value in ends:
        places = [place for place, sign in enumerate(drawn) if sign in signs]
        for against, mark in held:
            if places and abs(value) < reach:
                assert side(places[0] - mark) == side(value - against)
    if effect is not None and abs(effect) <= reach:
        for against, mark in held:
            assert side(drawn.index("●") - mark) == side(effect - against)
    outside = effect is not None and abs(effect) > reach
    assert outside == bool({"◀", "▶"} & set(drawn))
    assert ("●" in drawn) == (effect is not None and not outside)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(EFFECTS, EFFECTS, WIDTHS)
def test_an_arrow_stands_where_a_line_goes_on_outside(one, two, width):
    low, high = (one, two) if None in (one, two) else sorted((one, two))
    drawn = cells(list(forest_lines(Forest(0.4, (line_of(None, low, high),)), width))[-1])
    known = low is not None or high is not None
    assert ("◂" in drawn) == (known and (low is None or low < -0.4) and (low or 0) <= 0.4)
    assert ("▸" in drawn) == (known and (high is None or high > 0.4) and (high or 0) >= -0.4)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4), st.integers(30, 210))
def test_rows_stand_below_each_other_and_fit(names, width):
    """Wide letters count twice, combining ones not at all; what is too long is cut."""
    lines = tuple(
        line_of(0.1, -0.1, 0.3, 0.1, label=name.replace("\n", " "), arm=f"漢{place}")
        for place, name in enumerate(names)
    )
    drawn = list(forest_lines(Forest(0.4, lines), width))
    rows = [plain(it) for it in drawn if "? open" in plain(it)]
    assert len(rows) == len(lines)
    assert len({seen(it[: it.index("? open")]) for it in rows}) == 1
    assert max(map(seen, drawn)) <= width


def test_the_state_is_painted_and_said():
    (*_, drawn) = forest_lines(Forest(0.4, (line_of(0.1, -0.1, 0.2),)), 80)
    assert drawn[-1] == Emphasis("? open", "warn")


@pytest.mark.parametrize("arm", ["", "a-treatment-of-a-long-name"])
@pytest.mark.parametrize("width", [30, 40, 46, 60])
def test_no_row_is_wider_than_the_terminal(width, arm):
    line = ForestLine(
        "p50 of output tokens of a task", arm, 1, -1.0, None, 0.1, 0.1, None, "−100%", "", "!",
        "beyond its margin", "bad",
    )  # fmt: skip
    drawn = [plain(it) for it in forest_lines(Forest(0.6, (line,)), width)]
    assert max(seen(it.rstrip()) for it in drawn) <= width
    told = " ".join(" ".join(drawn).split())
    assert "p50 of output tok" in told
    assert "−100% ! beyond its margin" in told
