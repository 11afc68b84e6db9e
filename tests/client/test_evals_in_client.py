"""The suite for a real model in the real client, by scripted answers: a sample of its cases.

All of them: `python -m tests.client.scripted_evals`.
"""

import shutil
from pathlib import Path

import pytest
from tests.client.scripted_evals import evaluate

pytestmark = [pytest.mark.client, pytest.mark.long]

# A confined shell sees nothing of /tmp, where tests have their folders; found before the home
# of the tests takes the place of the user's.
PLACE = Path.home() / ".cache"

confined = pytest.mark.skipif(
    not (shutil.which("bwrap") and shutil.which("socat")),
    reason="the client runs no shell without bubblewrap and socat (apt-get install both)",
)


def test_a_trigger_tells_the_right_skill_from_a_sibling_and_from_none(client):
    """Of one skill the three sentences and the two near-misses, each answered in two ways."""
    words = ("--part", "trigger", "--runs", "2", "--case", "learning-capture-*", "-j", "2")
    found = evaluate(client, PLACE, *words)
    assert found.code == 0, found.errors
    assert found.scores().keys() == {
        f"learning-capture-{kind}-{number}"
        for kind, numbers in (("asked", (1, 2, 3)), ("near", (1, 2)))
        for number in numbers
    }
    assert found.undecided() == []
    assert found.rows()["learning-capture"] == "6 3 0 3 4 2 0"


@confined
def test_behaviour_in_a_world_of_its_own_is_scored_by_calls_files_and_words(client):
    """The program runs in the confined shell, in both arms; a skill's name earns no points."""
    words = ("--part", "behaviour", "--runs", "2", "--case", "draft-entry", "-j", "2")
    found = evaluate(client, PLACE, *words)
    assert found.code == 0, found.errors
    assert found.undecided() == []
    (case,) = found.cases
    assert [run["graders"][0]["scored"] for run in case["arms"]["with"]] == [False, False]
    assert case["aggregates"]["scoreWithout"] > 0
    assert found.rows()["draft-entry"].endswith("2 of 2 0 made, not started")
