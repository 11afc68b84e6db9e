"""An unfinished plan is answered with what it lacks, on the way to an experiment."""

import json

import pytest
from tests.cli.conftest import COMMAND, bare_project

from meta_experiment.decide.telling.hypotheses import EXAMPLE

__all__ = ["bare_project"]
PLAN = "review.plan.yaml"


@pytest.fixture
def shaped(bare_project):
    """A project whose plan file can be written, and asked for in both places."""

    def write(text, *, both=True):
        bare_project.path(PLAN).write_text(text)
        told = bare_project("plan", "--plan", PLAN, "--json").json
        if both:
            (row,) = bare_project("status", "--json").json["plans"]
            for name in ("stage", "missing", "skill", "next_action"):
                assert row[name] == told[name]
            assert row["file"] == PLAN
        return told

    return write


SAID = f"hypothesis: {EXAMPLE}\n"
MEASURED = f"{SAID}metrics: {{primary: active_seconds}}\n"
WHOLE = f"{MEASURED}files: {{{COMMAND}: v2.md}}\n"
BARE = ["hypothesis", "primary_metric", "files"]
GUARDED = f"{SAID}metrics: {{primary: active_seconds, guardrails: [rating]}}\n"
GONE = f"{MEASURED}files: {{{COMMAND}: gone.md}}\n"
IMPOSSIBLE = f"{WHOLE}stopping: {{sample_size: 9, max_sample: 3}}\n"


@pytest.mark.parametrize(
    ("text", "stage", "missing", "skill"),
    [
        ("hypothesis:\n", "hypothesis", BARE, "hypothesis-design"),
        ("hypothesis: ''\nfiles: {}\nmetrics: {primary: }\n", "hypothesis", BARE,
         "hypothesis-design"),
        (SAID, "measurement", ["primary_metric", "files"], "measurement-design"),
        (f"{SAID}metrics: {{primary: mine}}\n", "measurement",
         ["metric_direction", "files"], "measurement-design"),
        (GUARDED, "measurement", ["guardrail_source", "files"], "measurement-design"),
        (MEASURED, "draft", ["files"], "experiment-workspace"),
        (GONE, "draft", ["new_text"], "experiment-workspace"),
        (WHOLE, "draft", ["creation"], "experiment-workspace"),
        (f"{WHOLE}assignment: {{traffic: 10}}\n", "draft", ["creation"], "exposure-control"),
        (IMPOSSIBLE, "draft", ["sound_plan"], "experiment-workspace"),
    ],
)  # fmt: skip
def test_a_plan_file_says_what_it_lacks(shaped, text, stage, missing, skill):
    told = shaped(text)
    assert (told["stage"], told["missing"], told["skill"]) == (stage, missing, skill)
    assert PLAN in told["next_action"]


def test_a_plan_that_lacks_nothing_is_created_and_leaves_the_board(shaped, bare_project):
    """Step by step, each named by the one before."""
    told = shaped(WHOLE)
    assert told["outlook"]["sentence"]
    verb = told["next_action"].removeprefix("meta-experiment ").split()
    made = bare_project(*verb, "--json").json
    assert (made["stage"], made["missing"]) == ("draft", ["start"])
    board = bare_project("status", "--json").json
    assert board["plans"] == []
    assert board["foremost"]["about"] == made["experiment_id"]
    again = shaped(WHOLE, both=False)
    assert [item["kind"] for item in again["conflicts"]] == ["same_question"]
    assert again["skill"] == "exposure-control"
    other = shaped(WHOLE.replace("20%", "30%"))
    assert [item["kind"] for item in other["conflicts"]] == ["same_file"]
    assert made["experiment_id"] in other["warnings"][0]


def test_what_is_broken_is_an_error_to_plan_and_a_row_on_the_board(bare_project):
    """A file that merely happens to be called plan.yaml is nobody's."""
    bare_project.path("plan.yaml").write_text("steps: [build, ship]\n")
    assert bare_project("status", "--json").json["plans"] == []
    bare_project.path("plan.yaml").rename(bare_project.path(PLAN))
    (row,) = bare_project("status", "--json").json["plans"]
    assert (row["stage"], row["missing"]) == ("draft", ["sound_plan"])
    assert "'steps'" in row["warnings"][0]
    assert (
        bare_project("plan", "--plan", PLAN, "--json", code=2).json["error"]["kind"] == "usage"
    )
    bare_project.path(PLAN).unlink()
    bare_project.path(PLAN).symlink_to(bare_project.path("v2.md"))
    assert bare_project("status", "--json").json["plans"] == []


def test_a_size_that_the_past_says_cannot_be_found_is_told(bare_project):
    made = bare_project.create("--hypothesis", EXAMPLE)
    bare_project.observe(made, 20, speed=1.0)
    bare_project("stop", made, "--yes")
    flags = ("--primary-metric", "duration_seconds", "--max-sample", "12")
    for size, missing in (("1%", ["reach", "files"]), ("95%", ["files"])):
        told = bare_project(
            "plan", *flags, "--hypothesis", EXAMPLE.replace("20%", size), "--json"
        ).json
        assert told["missing"] == missing
        assert any(f"promises {size}" in text for text in told["warnings"]) == (size == "1%")


def test_prompts_that_may_be_used_in_one_session_are_named(bare_project):
    made = bare_project.create("--unit", "session")
    other = bare_project.path(".claude/commands/other.md")
    other.write_text("Other.\n")
    bare_project.path("o2.md").write_text("Another.\n")
    flags = ("--file", ".claude/commands/other.md=o2.md", "--primary-metric", "active_seconds")
    told = bare_project("plan", *flags, "--json").json
    assert [(it["kind"], it["experiment_id"]) for it in told["conflicts"]] == [
        ("same_units", made)
    ]
    notes = " ".join(json.loads(bare_project("create", *flags, "--json").out)["notes"])
    assert f"{made} runs on the same sessions" in notes
    assert "inferred" in notes
    assert "does not say" not in notes
