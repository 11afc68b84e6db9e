"""Trials that came and cannot be compared are told as such, and units are counted rightly."""

import pytest
from tests.cli.test_gates_told import plain
from tests.cli.test_where_it_stands import made, record, told

from meta_experiment.stats.moments import Moments
from meta_experiment.stats.relative import MeanRatio, ratio_interval_once


def valued(project, value, pairs=12, metric="duration_seconds"):
    name = project.create("--primary-metric", metric)
    lines = [
        {"experiment": name, "variant": arm, "metrics": {metric: value}}
        for _ in range(pairs)
        for arm in ("control", "treatment")
    ]
    project.stdin("record", "--stdin", lines=lines)
    return name


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (0.0, "not above zero, where logarithms are compared"),
        (1e300, "too large or too small to be squared"),
        (1e-300, "too large or too small to be squared"),
    ],
)
def test_values_that_cannot_be_compared_are_no_lack_of_data(project, value, why):
    name = valued(project, value)
    text = plain(project, name)
    assert "No value of duration can be compared" in text
    assert "No data yet" not in text
    said = f"Left out of duration_seconds: 24 values are {why}."
    for verb in ("analyze", "explain"):
        assert said in " ".join(project(verb, name).out.split())
    assert said.replace("duration_seconds", "duration") in text


def test_where_nothing_came_there_are_no_data(project):
    text = plain(project, project.create())
    assert "No data yet" in text
    assert "Left out" not in text


@pytest.mark.parametrize(
    ("pairs", "said"),
    [(9, "At least 1 more unit per arm."), (1, "1 invocation in the smaller arm, 10 needed")],
)
def test_one_unit_is_one(project, pairs, said):
    assert said in plain(project, made(project, pairs, speed=0.9))


def test_the_smallest_arm_is_of_those_that_count(project):
    (project.root / "v3.md").write_text("Think.\n")
    name = project.create("--file", "slow:.claude/commands/review.md=v3.md")
    record(project, name, 11, {"treatment": (0.95, 1.0), "slow": (4.0, 1.0)})
    assert "11 invocations in the smallest arm, 10 needed" in plain(project, name)
    project("stop", name, "--variant", "slow", "--yes")
    lines = [
        {"experiment": name, "variant": arm, "metrics": {"duration_seconds": 60.0 + number}}
        for number in range(5)
        for arm in ("control", "treatment")
    ]
    project.stdin("record", "--stdin", lines=lines)
    assert told(project, name)["readiness"]["smallest_arm"] == 16
    assert "16 invocations in the smallest arm that counts, 10 needed" in plain(project, name)


@pytest.mark.parametrize("size", [1e-50, 1.0, 1e50, 1e74])
def test_an_interval_of_a_ratio_knows_no_size(size):
    control = Moments.of([size * it for it in (3.0, 5.0, 4.0, 6.0, 4.5, 5.5)])
    treatment = Moments.of([size * it for it in (2.0, 3.5, 3.0, 4.0, 2.5, 3.2)])
    found = ratio_interval_once(MeanRatio.separate(control, treatment), 0.9)
    assert found == pytest.approx((0.506675949, 0.832869806), rel=1e-8)


def test_where_an_arm_is_missing_more_of_the_same_is_not_asked_for(project):
    name = project.create()
    lines = [
        {"experiment": name, "variant": "control", "metrics": {"duration_seconds": 60.0 + many}}
        for many in range(25)
    ]
    project.stdin("record", "--stdin", lines=lines)
    text = plain(project, name)
    assert "sample_ratio_mismatch" in text
    assert f"find out what is amiss: meta-experiment explain {name}" in text
    assert "collect at least" not in text
