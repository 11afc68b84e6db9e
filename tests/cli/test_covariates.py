"""Covariates from the plan to the trial: flags, plan files, and what is recorded with them."""

import pytest
from tests.cli.conftest import COMMAND

DURATION = {"duration_seconds": 5}


def planned(project, *flags):
    made = project("create", "--file", f"{COMMAND}=v2.md", *flags, "--json").json
    return made["experiment"]["plan"].get("covariates")


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ([], ["argument_length", "previous"]),
        (["--primary-metric", "output_tokens"], ["argument_length", "previous"]),
        (["--covariate", "position", "--covariate", "size"], ["position", "size"]),
        (["--primary-metric", "success"], None),
        (["--start", "--manual"], None),
        (["--assignment", "external"], None),
        (["--assignment", "external", "--covariate", "size"], ["size"]),
        (["--unit", "case"], None),
    ],
)
def test_what_is_served_live_is_compared_with_what_serving_knows(project, flags, names):
    assert planned(project, *flags) == names


def test_a_plan_file_may_want_none(project):
    (project.root / "plan.yaml").write_text(
        f"files: {{{COMMAND}: v2.md}}\nmetrics: {{primary: active_seconds}}\ncovariates: []\n"
    )
    made = project("create", "--plan", "plan.yaml", "--json").json
    assert "covariates" not in made["experiment"]["plan"]


def test_what_is_recorded_comes_back_with_its_trial(project):
    name = project.create("--covariate", "size")
    project(
        "record", name, "--variant", "control", "--metric", "duration_seconds=5",
        "--covariate", "size=3", "--covariate", "diff_size=0",
    )  # fmt: skip
    line = {"variant": "treatment", "metrics": DURATION, "covariates": {"own_past": 7.5}}
    project.stdin("record", name, "--stdin", lines=[line])
    first, second = project("trials", name, "--json").json["trials"]
    assert (first["covariates"], first["metrics"]) == ({"size": 3, "diff_size": 0}, DURATION)
    assert second["covariates"] == {"own_past": 7.5}


@pytest.mark.parametrize(
    ("covariates", "words"),
    [
        ({"sise": 3}, "Did you mean 'size'"),
        ({"previous": 3}, "It may be: argument_length"),
        ({"size": "3"}, "finite number"),
        ({"size": float("nan")}, "finite number"),
        ([3], "mapping"),
    ],
)
def test_what_no_plan_can_use_is_not_recorded(project, covariates, words):
    name = project.create("--covariate", "size", "--covariate", "previous")
    line = {"variant": "control", "metrics": DURATION, "covariates": covariates}
    error = project.stdin("record", name, "--stdin", "--json", lines=[line], code=2).error
    assert words in f"{error['message']} {error['hint']}"
    assert project("trials", name, "--json").json["total"] == 0


def test_covariates_change_until_there_are_data(project):
    name = project.create()
    project(
        "amend", name, "--set", "covariates=size,position", "--why", "they are told as well"
    )
    project.observe(name, 1)
    error = project(
        "amend", name, "--set", "covariates=size", "--why", "looks better", "--json", code=1
    ).error
    assert "covariates" in error["message"]
