"""The picture over time shows what its looks say, and can not contradict the verdict."""

import itertools
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.render.pictures.course import CourseFrame, CourseLine, course
from meta_experiment.render.pictures.drawing import apart, between_edges, held
from meta_experiment.types.results.report import EvidencePoint, EvidenceSeries

BAR = math.log(20)
FRAME = CourseFrame(10, 0.15, True, "session", math.log(40), False)
NUMBER = re.compile(r"-?[0-9.]+")
POINTS = st.lists(st.tuples(st.floats(-400, 800), st.floats(-400, 800)), min_size=2)


@st.composite
def looks(draw):
    """Return looks whose interval passes zero just where the evidence reaches its bar."""
    size = draw(st.integers(3, 9))
    growth = draw(st.sampled_from([1, 40, 4000]))
    points = []
    for number in range(1, size + 1):
        enough = draw(st.booleans())
        low = draw(st.floats(0.01, 4.0) if enough else st.none() | st.floats(-12.0, -0.01))
        high = draw(st.none() | st.floats(max(low or 0.0, 0.02), 14.0))
        better = BAR + (1 if enough else -1) * draw(st.floats(0.2, 30.0))
        effect = draw(st.none() | st.floats(-14.0, 14.0))
        many = number * growth
        sides = (many, many + draw(st.integers(0, 3)))
        worse = -abs(better)
        points.append(
            EvidencePoint(*sides, None, effect, low, high, better + 5, worse, better, True)
        )
    return tuple(points)


def series(points, name="treatment"):
    enough = [it.log_better_adjusted >= BAR for it in points]
    first = points[enough.index(True)].control_units if any(enough) else None
    return EvidenceSeries(name, BAR, first, None, len(points), points)


def paths(picture, style):
    """Return the points of the paths of a style."""
    found = re.findall(f'd="([^"]*)" class="{style}"', picture)
    return [[*zip(*[iter(map(float, NUMBER.findall(d)))] * 2, strict=False)] for d in found]


def at(line, x):
    """Return the heights of a line at a place; those of what runs along it last."""
    return [y for place, y in line if abs(place - x) < 0.05]


@pytest.mark.long
@given(looks())
def test_the_band_leaves_zero_just_where_the_evidence_reaches_its_bar(points):
    """As they are drawn: in each picture, at each look, whatever lies outside of it."""
    pictures = course(CourseLine(series(points), 1), FRAME, "c", "title").split("</svg>")
    for picture in pictures[:2]:
        ((_, zero), _), *_ = paths(picture, "zero")
        _, ((_, bar), _) = paths(picture, "goal")
        strong, (thin,) = paths(picture, "s1 course")[-1], paths(picture, "beside")
        ends = points[-1].log_worse >= FRAME.bar_worse  # what decides is the strong line
        better, worse = (thin, strong) if ends else (strong, thin)
        assert [x for x, _ in better] == [x for x, _ in worse]
        bands = paths(picture, "f1 band")
        edge = bands[0][len(bands[0]) // 2 - 1 :] if bands else []
        lower = edge if edge and edge[0][0] >= edge[-1][0] else []
        known = [it for it in points if it.low is not None or it.high is not None]
        for point, (x, y) in zip(points, better, strict=True):
            assert (y < bar) == (point.log_better_adjusted >= BAR)
            if point in known and lower:
                assert (max(at(bands[0], x)) < zero) == (y < bar)


@given(POINTS)
def test_a_line_is_cut_just_where_it_leaves_the_picture(points):
    points = sorted(points)
    inside = held(points, 0.0, 100.0)
    assert all(0.0 <= y <= 100.0 for _, y in inside)
    for part in between_edges(inside, 0.0, 100.0):
        assert len(part) > 1
        assert any(0.0 < y < 100.0 for _, y in part) or {y for _, y in part} == {0.0, 100.0}
    assert held([(0, 50), (10, 150)], 0.0, 100.0) == [(0, 50), (5, 100), (10, 100)]
    assert held([(0, -50), (4, 150)], 0.0, 100.0) == [(0, 0), (1, 0), (3, 100), (4, 100)]


@given(st.lists(st.floats(100, 200), min_size=1, max_size=6))
def test_labels_cover_neither_each_other_nor_what_is_below(places):
    moved = sorted(apart(places, 15.0, 200.0))
    assert moved[-1] <= 200.0
    assert all(after - before >= 15.0 - 1e-9 for before, after in itertools.pairwise(moved))
    assert apart([10.0, 60.0], 15.0, 200.0) == [10.0, 60.0]


@pytest.mark.long
@given(looks(), looks())
def test_every_arm_is_drawn_and_named_in_the_picture_of_the_one_that_leads(points, others):
    frame = replace(FRAME, several=True)
    shown, beside = CourseLine(series(points), 2), CourseLine(series(others, "plan"), 1)
    drawn = course(shown, frame, "c", "title", [beside])
    for picture in drawn.split("</svg>")[:2]:
        told = others[-1].effect is not None
        assert (">plan" in picture) == told
        assert (picture.count('class="s1 other"') > 0) <= told or any(
            it.effect is not None for it in others
        )


def test_units_are_counted_in_whole_numbers():
    points = tuple(
        EvidencePoint(n, n, None, 0.1, -0.2, 0.3, 0.1, 0.0, 0.1, True) for n in (1, 2, 3, 4)
    )
    drawn = course(CourseLine(series(points), 1), FRAME, "c", "title")
    assert ">2<" in drawn
    assert ">1.5<" not in drawn


def test_nothing_is_drawn_left_of_the_axis_of_many_units():
    points = tuple(
        EvidencePoint(n, n, None, 0.1, -0.2, 0.3, 0.1, 0.0, 0.1, True)
        for n in (0, 1, 3, 50, 4_000)
    )
    (wide, *_) = course(CourseLine(series(points), 1), FRAME, "c", "title").split("</svg>")
    assert min(x for one in paths(wide, "s1 course") for x, _ in one) >= 64.0


def test_no_upright_line_runs_through_the_words_of_another():
    """Where the evidence sufficed soon after the minimum, that is written on the left."""
    points = tuple(
        EvidencePoint(n, n, None, 0.1, low, 0.3, log, 0.0, log, True)
        for n, low, log in ((5, -0.1, 0.0), (64, -0.1, 0.0), (70, 0.1, 5.0), (150, 0.1, 6.0))
    )
    for minimum, anchor in ((64, "end"), (30, None), (90, None)):
        frame = replace(FRAME, minimum=minimum)
        drawn = course(CourseLine(series(points), 1), frame, "c", "title")
        label = re.search(f"<text([^>]*)>minimum {minimum}<", drawn)[1]
        assert ('text-anchor="end"' in label) == (anchor == "end")
