"""What docs/workflows.md shows: workflows that are valid, and calls that the program takes."""

import re
from pathlib import Path

import pytest
import yaml

from meta_experiment.workflows.field_values import FieldReader
from meta_experiment.workflows.picking.program import PREFIX_OUTPUT, words_of

TEXT = (Path(__file__).parents[2] / "docs" / "workflows.md").read_text("utf-8")
SHOWN = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_there_are_examples():
    assert len(SHOWN) == 2


@pytest.mark.parametrize("text", SHOWN, ids=["job", "dispatched"])
def test_an_example_refers_to_what_there_is(text):
    """Every output that is used is an output of the job that is needed."""
    jobs = yaml.safe_load(text)["jobs"]
    for needed, name in re.findall(r"needs\.(\w+)\.outputs\.([\w-]+)", text):
        assert name in jobs[needed]["outputs"]
    for job in jobs.values():
        for step, _ in re.findall(r"steps\.(\w+)\.outputs\.([\w-]+)", str(job.get("outputs"))):
            assert step in [item.get("id") for item in job["steps"]]
    inputs = re.findall(r"inputs\.(\w+)", text)
    stated = (yaml.safe_load(text)[True] or {}) if inputs else {}
    assert set(inputs) <= set(stated.get("workflow_dispatch", {}).get("inputs", {}))


def test_the_job_shows_the_prefix_that_a_pick_writes():
    jobs = yaml.safe_load(SHOWN[0])["jobs"]
    assert PREFIX_OUTPUT in jobs["pick"]["outputs"]["prefix"]
    assert jobs["report"]["name"].startswith("${{ needs.pick.outputs.prefix }}")
    assert "run-name" not in SHOWN[0]
    assert "needs." not in re.search(r"run-name: (.*)", SHOWN[1])[1]


def test_every_pick_that_is_shown_goes_the_quick_way():
    calls = re.findall(r"workflows pick (.*)", TEXT)
    assert calls
    for call in calls:
        if not call.startswith("`"):
            assert words_of(call.split(" #")[0].split()) is not None


def test_every_field_is_named():
    for name in FieldReader.EXPERIMENT:
        assert f"`{name}`" in TEXT
