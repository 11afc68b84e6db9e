"""Leave for the skills of the pack, which rules of their own would take away."""

import json

import pytest
from tests.live.stage import Stage

from meta_experiment.types.vocabulary import Skill

GUIDE = "meta-experiment:experiment-guide"


def leave(stage, name, **more):
    printed = stage.tool("Skill", {"skill": name, "args": 'a "skill":"x"'}, **more)
    return json.loads(printed)["hookSpecificOutput"]["permissionDecision"] if printed else None


@pytest.mark.parametrize("skill", [Skill.EXPERIMENT_GUIDE, Skill.LEARNING_CAPTURE])
def test_the_model_may_open_them(stage, skill):
    """With an experiment around and without."""
    assert leave(stage, f"meta-experiment:{skill}") == "allow"
    stage.run()
    assert leave(stage, f"meta-experiment:{skill}") == "allow"


@pytest.mark.parametrize(
    "name", ["experiment-guide", "meta-experiment:other", "meta-experiment:", "x" + GUIDE,
             "meta-experiment:../skills/experiment-guide"],
)  # fmt: skip
def test_what_is_called_otherwise_is_asked_for(stage, name):
    assert leave(stage, name) is None


def test_only_a_skill_gets_leave(stage):
    assert stage.tool("Agent", {"skill": GUIDE}) == ""


@pytest.mark.parametrize("folder", ["home", "project", "project/apps"])
@pytest.mark.parametrize("place", ["commands/meta-experiment/a.md", f"skills/{GUIDE}/SKILL.md"])
def test_nor_where_a_stranger_may_have_taken_the_name(tmp_path, folder, place):
    """The client takes these before ours, and a repository can bring them along."""
    stage = Stage(tmp_path)
    beneath = stage.root / "apps" / "web"
    beneath.mkdir(parents=True)
    file = tmp_path / folder / ".claude" / place
    file.parent.mkdir(parents=True)
    file.write_text("x")
    assert leave(stage, GUIDE, CLAUDE_PROJECT_DIR=str(beneath)) is None
