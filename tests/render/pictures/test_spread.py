"""The values of the units, arm by arm, whatever an arm or a metric is called."""

import re

import pytest

from meta_experiment.render.pictures.drawing import arm_style
from meta_experiment.render.pictures.spread import spread
from meta_experiment.types import Direction, MetricKind, Scale
from meta_experiment.types.results.report_metrics import (
    ArmDistribution,
    MetricRole,
    ReportMetric,
    ReportResult,
)

LONG = "W" * 90


def arm(*values):
    ordered = sorted(values)
    keys = ("0", "5", "25", "50", "75", "95", "100")
    last = len(ordered) - 1
    quantiles = {key: ordered[round(last * int(key) / 100)] for key in keys}
    middle = sum(ordered) / len(ordered)
    return ArmDistribution(
        len(ordered), 0, middle, 1.0, middle, quantiles, tuple(ordered), (), ()
    )


def result(label="duration", unit="s", **arms):
    metric = ReportMetric(
        "m", label, unit, MetricKind.CONTINUOUS, Direction.LOWER, Scale.RAW, "mean",
        MetricRole.PRIMARY, None, "faster", "slower",
    )  # fmt: skip
    return ReportResult(metric, arms, (), ())


def texts(drawn):
    """Return for each of the two pictures its width with its labels: place, anchor, words."""
    for picture in drawn.split("</svg>")[:2]:
        width = float(re.search('viewBox="0 0 ([0-9.]+)', picture)[1])
        yield (
            width,
            re.findall(
                r'<text x="(-?[0-9.]+)" y="[^"]*"[^>]*?(?: text-anchor="(\w+)")?>([^<]*)',
                picture,
            ),
        )


@pytest.mark.parametrize("values", [(1.0, 2.0, 9.0), (8.9, 9.0, 1.0), (4.0, 5.0, 6.0)])
def test_no_label_leaves_the_picture(values):
    """Of long names of an arm, a metric and a unit, wherever the centre lies."""
    drawn = spread(result(LONG, LONG, **{LONG: arm(*values), "b": arm(*values)}), "d", "title")
    for width, labels in texts(drawn):
        assert len(labels) > 6
        for x, anchor, said in labels:
            size = 8.0 * len(said)
            start = float(x) - {"end": size, "middle": size / 2}.get(anchor, 0.0)
            assert start >= 0
            assert start + size <= width


def test_values_that_hardly_recur_are_dots_and_those_that_do_are_bars():
    assert "dots" in spread(result(a=arm(1.1, 2.2, 3.3), b=arm(4.4, 5.5)), "d", "title")
    assert "dots" not in spread(result(a=arm(1, 1, 0, 0), b=arm(1, 1, 1)), "d", "title")


def test_the_control_is_hollow_and_every_arm_after_the_fourth_has_a_colour():
    arms = {f"arm {number}": arm(1.1 + number, 2.2, number + 3.3) for number in range(7)}
    drawn = spread(result(**arms), "d", "title")
    assert drawn.count("hole dots") == 2
    assert set(re.findall(r'"s([0-9]+) dots', drawn)) == {"0", "1", "2", "3", "4"}
    assert [arm_style(place) for place in range(7)] == [0, 1, 2, 3, 4, 1, 2]
