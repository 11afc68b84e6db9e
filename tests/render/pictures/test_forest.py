"""A row of the table of metrics shows what the numbers beside it say."""

import re

from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.render.pictures import forest
from meta_experiment.types import Interval

GOAL = 0.15
CHANGES = st.floats(-0.5, 0.5) | st.floats(-12.0, 12.0)
NUMBER = re.compile(r"-?[0-9.]+")


@st.composite
def changes(draw):
    """Return an estimate within its interval, whose ends may lie beyond all bounds."""
    low, effect, high = sorted(draw(CHANGES) for _ in range(3))
    ends = draw(st.sampled_from([(low, high), (None, high), (low, None), (None, None)]))
    return effect, Interval(0.9, *ends)


def ends_of(change):
    effect, interval = change
    return [end for end in (effect, interval.low, interval.high) if end is not None]


def drawn(row, style):
    """Return the points of the paths of a style in a row."""
    found = re.findall(f'd="([^"]*)" class="[^"]*\\b{style}\\b', row)
    return [[*zip(*[iter(map(float, NUMBER.findall(d)))] * 2, strict=False)] for d in found]


@given(st.lists(changes(), max_size=6), changes())
def test_what_is_decided_on_lies_on_the_axis_whole(others, deciding):
    """Up to 60 % each way; the estimate and the ends that are there are not at the rim."""
    ends = [end for one in [*others, deciding] for end in ends_of(one)]
    scale = forest.reaching([GOAL, *ends], [GOAL, *ends_of(deciding)])
    assert 0.05 <= scale.high <= 0.6
    for end in ends_of(deciding):
        assert abs(end) < 0.95 * scale.high or scale.high == 0.6


@given(changes(), changes())
def test_an_estimate_is_a_mark_where_it_is_or_an_arrow_with_its_number(deciding, other):
    scale = forest.reaching([GOAL, *ends_of(deciding), *ends_of(other)], ends_of(deciding))
    for arm, (effect, interval) in enumerate((deciding, other), start=1):
        row = forest.row(scale, effect, interval, arm=arm)
        beyond = abs(effect) > scale.high
        assert (forest.marks(scale, effect, interval).point is None) == beyond
        assert len(drawn(row, "outside")) == beyond
        assert ('class="beyond' in row) == beyond
        if not beyond and arm == 1:
            (((x, _),),) = [one[:1] for one in drawn(row, "point")]
            assert abs(x - scale.place(effect)) < 0.1


@given(changes(), st.floats(0.01, 0.55), st.floats(-0.05, 0.05))
def test_a_guardrail_holds_just_when_its_line_lies_right_of_its_mark(change, margin, near):
    """As it is drawn, also where the line ends close to the mark or goes on outside."""
    effect, interval = change
    if interval.low is not None and abs(near) > 0.001:
        interval = Interval(0.9, -margin + near, max(effect, 1.0))
    scale = forest.reaching([margin, *ends_of((effect, interval))], [margin])
    found = forest.marks(scale, effect, interval, margin=margin)
    assert found.margin is not None
    if found.start is not None:
        holds = interval.low is not None and interval.low > -margin
        assert (found.start > found.margin) == holds


def test_one_wild_change_squeezes_no_other():
    usual = [0.02, -0.05, 0.11, 0.04, -0.08, 0.1, 0.03, -0.02]
    scale = forest.reaching([GOAL, *usual, 9.0, -4.0], [GOAL, 0.11])
    assert scale.high < 0.2


def test_labels_of_the_axis_stand_where_they_say():
    for reach in (0.05, 0.07, 0.15, 0.34, 0.6):
        scale = forest.reaching([reach], [reach / 1.08])
        labels = forest.ticks(scale)
        for share, said in labels:
            amount = float(said.replace("−", "-").removesuffix("%")) / 100
            assert abs(share - 100 * scale.place(amount) / forest.WIDTH) < 1e-9
        assert [said[0] for _, said in labels] == ["−", "0", "+"]


def test_no_two_arms_have_the_same_colour_or_mark():
    scale = forest.reaching([GOAL], [GOAL])
    rows = [forest.row(scale, 0.1, None, arm=arm) for arm in (1, 2, 3, 4)]
    assert len({re.sub("[sf][0-9]", "", row) for row in rows}) == 4
    assert len({re.search('class="([sf][0-9])', row)[1] for row in rows}) == 4
