"""What a commit or a neighbour puts into the folder of a session says nothing."""

import os
from pathlib import Path

import pytest
from tests.live.stage import Stage
from tests.transcripts.script import Script

from meta_experiment.live.arguments import POINTER
from meta_experiment.protocol import places

SESSION = ".claude/meta/local/sessions/s1"


@pytest.fixture
def stage(tmp_path):
    """Return a project with a command under experiment, and a transcript of two uses of it."""
    stage = Stage(tmp_path)
    stage.run(sequence="0000")
    script = Script().command("p1", 0).answer(5).command("p2", 10).answer(15)
    script.write(stage.home / "transcript.jsonl")
    return stage


def trial(stage, prompt="p1", name="forged"):
    """Return the line of an open trial, as it stood before there were seals."""
    path = str(stage.home / "transcript.jsonl")
    fields = ("exp-1", name, "treatment", "u", prompt, path, "1795270618000", "abc", "0.1.0")
    return "\t".join(fields) + "\n"


def recorded(stage):
    """Return what has become a trial in this machine's log."""
    logs = Path(places.trials(str(stage.root), "exp-1")).glob("*.jsonl")
    return "".join(path.read_text() for path in logs)


def end(stage):
    stage.hook("SessionEnd", "end", {"reason": "exit"})


def test_an_open_trial_that_came_along_never_closes(stage):
    """Neither alone nor beside a true one."""
    stage.write(f"{SESSION}/trial-exp-1-p1", trial(stage))
    end(stage)
    assert recorded(stage) == ""
    stage.call("x", "p2")
    end(stage)
    assert recorded(stage).count("trial_id") == 1
    assert "forged" not in recorded(stage)


def test_a_file_in_the_place_of_an_open_trial_keeps_none_from_it(stage):
    """The prompt is served and counted as if it were not there."""
    stage.write(f"{SESSION}/trial-exp-1-p1", trial(stage))
    assert stage.call("x", "p1") == "Control for x."
    (opened,) = stage.session().open_trials()
    assert opened.trial_id != "forged"
    assert opened.variant == "control"


def test_arguments_that_came_along_are_in_no_prompt(stage):
    stage.write(f"{SESSION}/handover-review-aaaaaaaaaaaa", "p1\t/t\t/\nFORGED")
    assert stage.call("x", "p1") == "Control for x."
    assert stage.text() == "Control for ."


def test_a_turn_that_came_along_names_no_prompt(stage):
    """A use of which no hook told is one of its own, with unknown arguments."""
    stage.write(f"{SESSION}/turn", "p1\t/t\t/forged\n")
    assert stage.text() == f"Control for {POINTER}."
    (opened,) = stage.session().open_trials()
    assert opened.prompt_id.startswith("call-")
    assert opened.transcript_path == ""


def test_prompts_that_came_along_end_no_trial(stage):
    stage.call("x", "p1")
    path = stage.root / SESSION / "prompts"
    path.write_bytes(path.read_bytes() + b"p2\t1795270628000\n")
    stage.hook("Stop", "stop", {"prompt_id": "p2"})
    assert recorded(stage) == ""
    assert len(stage.session().open_trials()) == 1


def test_a_trial_of_another_session_is_none_of_this_one(stage):
    """A seal holds for one session and one name."""
    stage.call("x", "p1")
    (path,) = (stage.root / SESSION).glob("trial-*")
    for place in (f"{SESSION}/trial-exp-1-p2", f"{SESSION.replace('s1', 's2')}/{path.name}"):
        stage.write(place, path.read_bytes())
    assert len(stage.session().open_trials()) == 1
    assert stage.session("s2").open_trials() == []


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_there_blocks_nothing(stage, kind):
    """The true trial beside it closes."""
    stage.call("x", "p2")
    odd = stage.root / SESSION / "trial-exp-1-odd"
    if kind == "link":
        odd.symlink_to("/etc/passwd")
    elif kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.mkdir()
    end(stage)
    assert recorded(stage).count("trial_id") == 1
    assert stage.faults() == []


def test_a_folder_that_came_along_stays_as_git_brought_it(stage):
    """It is left to git, and to `verify`, which names it."""
    path = stage.write(f"{SESSION}/trial-exp-1-p1", trial(stage))
    end(stage)
    assert path.exists()
