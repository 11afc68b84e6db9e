"""A prior from an experiment that has ended, whose trials are not counted again."""

import json

import pytest

from meta_experiment.cli.main import main


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Return the command line in a project with a prompt file and its new text."""
    (tmp_path / ".claude/commands").mkdir(parents=True)
    (tmp_path / ".claude/commands/review.md").write_text("Review it.\n")
    (tmp_path / "v2.md").write_text("Review it briefly.\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def run(*arguments, code=0):
        given = main(
            [arguments[0], "--root", str(tmp_path), "--json", *map(str, arguments[1:])]
        )
        document = json.loads(capsys.readouterr().out)
        assert given == code, document
        return document

    return run


def created(call, *more, code=0, metric="score:higher"):
    return call(
        "create", "--file", ".claude/commands/review.md=v2.md",
        "--primary-metric", metric,
        "--unit", "invocation", "--stopping", "bayesian", *more, code=code,
    )  # fmt: skip


def record(call, name, values, code=0, metric="score"):
    for trial, (variant, value) in values.items():
        call("record", name, "--variant", variant, "--metric", f"{metric}={value}",
             "--trial-id", trial, "--unit", trial, code=code)  # fmt: skip


@pytest.fixture
def first(call):
    """Return the id of an experiment that has ended, with its trials."""
    name = created(call, "--start", "--manual")["experiment_id"]
    values = {f"c{i}": ("control", 10 + i % 3) for i in range(4)}
    values |= {f"t{i}": ("treatment", 12 + i % 3) for i in range(4)}
    record(call, name, values)
    return name, values


def test_a_prior_is_what_the_interval_says_and_its_trials_stay_out(call, first):
    """The middle and the width of the interval; a trial of both counts in the first alone."""
    name, values = first
    refused = created(call, "--prior-from", name, code=1)
    assert "running" in refused["error"]["message"]
    call("stop", name)
    interval = call("analyze", name)["primary"]["comparisons"][0]["interval"]
    made = created(call, "--prior-from", name, "--start", "--manual")
    prior = made["experiment"]["plan"]["prior"]
    assert prior["source"] == name
    assert prior["mean"] == pytest.approx(50 * (interval["low"] + interval["high"]))
    width = 100 * (interval["high"] - interval["low"])
    assert prior["sd"] == pytest.approx(width / (2 * 1.6448536269514722))
    again = made["experiment_id"]
    fresh = {f"x{i}": ("control" if i % 2 else "treatment", 10 + i % 5) for i in range(6)}
    record(call, again, fresh | dict(list(values.items())[:1]))
    found = call("analyze", again)
    assert found["samples"]["control"]["exclusions"] == {"in_the_prior": 1}
    assert found["samples"]["control"]["completed"] == 3


def test_a_prior_is_of_the_same_metric(call, first):
    """Another metric, or another direction, is told and refused; so is no experiment."""
    name, _ = first
    call("stop", name)
    other = call(
        "create", "--file", ".claude/commands/review.md=v2.md", "--primary-metric", "success",
        "--stopping", "bayesian", "--prior-from", name, code=1,
    )  # fmt: skip
    assert "no prior of success" in other["error"]["message"]
    created(call, "--prior-from", "nobody", code=1)
    created(call, "--prior", "5:2", "--prior-from", name, code=2)
    created(call, "--prior", "much", code=2)


def test_an_experiment_without_an_interval_is_no_prior(call):
    """Ended before anything was recorded: there is nothing to learn."""
    name = created(call, "--start", "--manual")["experiment_id"]
    call("stop", name)
    refused = created(call, "--prior-from", name, code=1)
    assert "without an interval" in refused["error"]["message"]


def several(call, *more):
    """Return an experiment of two treatments that has ended, `b` the winner."""
    name = created(
        call, "--file", "b:.claude/commands/review.md=v3.md", *more, "--start", "--manual"
    )["experiment_id"]
    arms = (("control", 10.0), ("treatment", 11.0), ("b", 14.0))
    values = {
        f"{arm}{turn}": (arm, base + turn % 4) for turn in range(30) for arm, base in arms
    }
    record(call, name, values)
    call("stop", name)
    return name


@pytest.mark.long
def test_of_several_treatments_the_one_that_is_named_is_taken_and_never_the_winner(
    call, tmp_path
):
    (tmp_path / "v3.md").write_text("Review it at once.\n")
    name = several(call)
    found = call("analyze", name)
    assert found["winner"] == "b"
    refused = created(call, "--prior-from", name, code=1)["error"]
    assert "2 treatments" in refused["message"]
    assert f"--prior-from {name}:treatment" in refused["hint"]
    for wrong in ("nobody", "control"):
        told = created(call, "--prior-from", f"{name}:{wrong}", code=1)["error"]
        assert "no treatment" in told["message"]
    for item in found["primary"]["comparisons"]:
        made = created(call, "--prior-from", f"{name}:{item['treatment']}")
        prior = made["experiment"]["plan"]["prior"]
        ends = item["interval"]["low"] + item["interval"]["high"]
        assert (prior["source"], prior["mean"]) == (name, pytest.approx(50 * ends))
        call("stop", made["experiment_id"])


@pytest.mark.long
def test_of_a_bandit_the_interval_that_holds_at_every_look_is_taken(call):
    metric, drawn = "duration_seconds", ("--assignment", "bandit", "--aim", "few_bad_uses")
    made = created(call, *drawn, "--start", "--manual", metric=metric)
    name = made["experiment_id"]
    for turn in range(24):
        arm = call("assign", name, "--unit", f"u{turn}")["variant"]
        value = {"control": 10.0, "treatment": 12.0}[arm] + turn % 3
        record(call, name, {f"u{turn}": (arm, value)}, metric=metric)
    call("stop", name)
    (item,) = call("analyze", name)["primary"]["comparisons"]
    always, once = item["sequential"]["interval"], item["interval"]
    assert always["low"] + always["high"] != pytest.approx(once["low"] + once["high"])
    made = created(call, "--prior-from", name, metric=metric)
    prior = made["experiment"]["plan"]["prior"]
    assert prior["mean"] == pytest.approx(50 * (always["low"] + always["high"]))
