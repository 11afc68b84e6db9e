"""What is said of uses that no trial counts: where, how many, since when, and what mends it."""

import os
from pathlib import Path

import pytest
from tests.live.stage import Stage
from tests.transcripts.script import START, Script

from meta_experiment.files.roots import Layout
from meta_experiment.protocol import missed, places
from meta_experiment.protocol.sessions import PromptUse
from meta_experiment.services.serving.observing import notes
from meta_experiment.services.serving.uncounted import missed_uses, without_hooks


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A root with one running experiment, and a home of its own."""
    stage = Stage(tmp_path)
    monkeypatch.setenv("HOME", str(stage.home))
    stage.run(since=START)
    stage.client = stage.home / ".claude"
    stage.layout = Layout(stage.root)
    return stage


def used(stage, at, *, directory="", name="review"):
    """Keep the transcript of a session with one use, in or below the root."""
    script = Script().command("p1", at, name).answer(at + 5)
    place = f"{stage.root}{directory}"
    script.lines[0]["cwd"] = place
    script.lines[-1]["message"]["id"] += f"_{at}"
    folded = "".join(mark if mark.isalnum() else "-" for mark in place)
    path = script.write(stage.client / "projects" / folded / f"s{at}.jsonl")
    os.utime(path, (START + at + 5,) * 2)


def use(place, experiment_id, prompt_id="p1"):
    return PromptUse(prompt_id, experiment_id, place)


def beat(stage, at):
    file = stage.write(".claude/meta/local/heartbeat", "")
    os.utime(file, (START + at,) * 2)


@pytest.mark.parametrize("fired", [False, True])
def test_sessions_without_a_hook_are_named_with_their_uses(stage, fired):
    """As after the plugin was uninstalled; also in those that began below the root."""
    if fired:
        used(stage, 10)
        beat(stage, 20)
    used(stage, 200)
    used(stage, 300, directory="/sub")
    used(stage, 400, directory="/sub", name="other")
    found = without_hooks(stage.layout, stage.client)
    assert "they do not fire" in found.sentence
    assert f"2 uses not counted in {stage.root}" in found.sentence
    assert ("none was ever seen" in found.sentence) != fired
    assert "install" in found.fix
    (note,) = (note for note in notes(stage.layout, START, stage.client) if "fire" in note)
    assert note.startswith("hooks: they do not fire")


def test_sessions_that_had_their_hook_are_not_named(stage):
    """Nor those of before the start, nor any where nothing runs."""
    used(stage, -400)
    assert without_hooks(stage.layout, stage.client) is None
    used(stage, 200)
    beat(stage, 201)
    assert without_hooks(stage.layout, stage.client) is None
    used(stage, 300)
    assert without_hooks(stage.layout, stage.client) is not None
    stage.run(state="ended")
    assert without_hooks(stage.layout, stage.client) is None


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("edited", "another text there"),
        ("absent", "repair"),
        ("unserved", '"allowWrite": ["'),
        ("unwritable", "nothing can be written in"),
        ("unlisted", "Switch to a branch that lists it"),
    ],
)
def test_each_reason_has_its_sentence_and_its_fix(stage, why, words):
    """With the place, how many, and since when."""
    root = str(stage.root)
    for at in (1, 2, 3):
        missed.note_missed(root, use(root, "exp-1", f"p{at}"), why, START + at)
    (item,) = missed_uses(stage.layout)
    assert item.sentence.startswith(f"not served in {root} since 2026-11-21T14:16:59")
    assert "3 uses not counted there" in item.sentence
    assert words in f"{item.sentence} {item.fix}"


def test_what_was_missed_before_the_start_or_of_another_is_no_matter(stage):
    """An experiment that went on starts with nothing missed."""
    root = str(stage.root)
    missed.note_missed(root, use(root, "exp-1"), "edited", START - 1)
    missed.note_missed(root, use(root, "exp-2"), "edited", START + 1)
    missed.note_missed("/other", use("/other", "exp-1"), "edited", START + 1)
    assert missed_uses(stage.layout) == []


def test_what_was_missed_on_another_branch_is_told_there_and_after_the_return(stage):
    """Serving begins anew at the return, and is told until a use is counted."""
    root = str(stage.root)
    missed.note_missed(root, use(root, "exp-1"), "unlisted", START - 1)
    assert len(missed_uses(stage.layout)) == 1
    stage.run(state="unlisted")
    assert len(missed_uses(stage.layout)) == 1
    missed.note_counted(root, use(root, "exp-1", "p2"), START)
    assert missed_uses(stage.layout) == []


def test_what_hinders_now_is_said_once(stage):
    """With how many uses it cost so far; without what hindered the last of these."""
    root = str(stage.root)
    stage.write(".claude/commands/review.md", "another text")
    missed.note_missed(root, use(root, "exp-1"), "edited", START + 1)
    (note,) = notes(stage.layout, START, stage.client)
    assert note.startswith(f"exp-1: not served in {root} since ")
    assert "1 use not counted there: .claude/commands/review.md is not its control" in note
    assert note.count("exp-1") == 2
    assert note.endswith("Bring it back, or: meta-experiment stop exp-1")


def test_a_place_that_git_does_not_know_is_not_printed(stage):
    """It was a working tree that was removed; what a file says of it is not repeated."""
    missed.note_missed(str(stage.root), use("/x\u202e", "exp-1"), "edited", START + 1)
    (item,) = missed_uses(stage.layout)
    assert "a working tree that is gone" in item.sentence
    assert "/x" not in item.sentence


def test_no_log_says_nothing(stage):
    """Nor one that is none."""
    assert missed_uses(stage.layout) == []
    Path(places.missed_file(places.data_folder(os.environ))).mkdir()
    assert missed_uses(stage.layout) == []
