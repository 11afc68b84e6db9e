"""A trial that is open when its experiment ends or rests stands as it is then, to the token."""

import time

import pytest
from tests.cli.conftest import COMMAND
from tests.transcripts.script import Script

from meta_experiment.protocol.sessions import OpenTrial, Session

USED = {"output_tokens": 583}
LATER = {"output_tokens": 1184}
VERBS = {
    "pause": ["pause"],
    "stop": ["stop", "--reason", "enough"],
    "rollback": ["rollback", "--reason", "worse", "--yes"],
    "promote": ["promote", "--override", "it is enough", "--yes"],
    "panic": ["panic"],
}


@pytest.fixture
def used(project, monkeypatch):
    """Return a running experiment whose prompt was used once, and the transcript so far."""
    monkeypatch.setattr("tests.transcripts.script.START", time.time() - 100)
    name = project.create(start=False)
    project("start", name)
    script = Script().command("p1", 0).answer(5, usage=USED)
    path = script.write(project.root.parent / "s1.jsonl")
    Session(str(project.root), "s1").write_trial(
        OpenTrial(
            experiment_id=name,
            trial_id="t1",
            variant="treatment",
            unit="u1",
            prompt_id="p1",
            transcript_path=str(path),
            epoch_ms=int(time.time() * 1000),
            sha="",
            plugin="",
        )
    )
    return name, script, path


def trial(project, name):
    (found,) = project("trials", name, "--json").json["trials"]
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_a_later_use_is_not_added_to_a_trial_that_was_open(project, used, verb):
    """Neither when the verb has run, nor at the end of the session."""
    name, script, path = used
    words = VERBS[verb]
    project(words[0], *([] if verb == "panic" else [name]), *words[1:])
    closed = trial(project, name)
    assert (closed["status"], closed["metrics"]["output_tokens"]) == ("ok", 583)
    script.command("p2", 200).answer(205, usage=LATER).write(path)
    project("recover")
    assert trial(project, name) == closed
    assert project.path(COMMAND).exists()


def test_a_prompt_that_is_being_answered_at_the_end_is_counted_with_its_answer(project, used):
    """But without what is asked after that."""
    name, script, path = used
    script.lines[-1]["message"]["stop_reason"] = "tool_use"
    script.write(path)
    project("pause", name)
    assert len(Session(str(project.root), "s1").open_trials()) == 1
    script.answer(50, usage={"output_tokens": 7})
    script.command("p2", 200).answer(205, usage=LATER).write(path)
    project("resume", name)
    project("pause", name)
    closed = trial(project, name)
    assert (closed["status"], closed["metrics"]["output_tokens"]) == ("ok", 590)
