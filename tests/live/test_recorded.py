"""What was said and done in the client's own screen (2.1.330), as its transcripts tell it.

The transcripts in `recorded` are of real sessions: names and places are changed, notes of the
client left out. In most of them two prompts under experiment stand around a third, `p2`, in
which somebody pressed Escape or was asked something.
"""

from pathlib import Path

import pytest

from meta_experiment.transcripts.measure import measure, span
from meta_experiment.transcripts.prices import Prices
from meta_experiment.transcripts.transcript import read_transcript

RECORDED = Path(__file__).parent / "recorded"


def trial(name, prompt, others=("p1", "p2", "p3")):
    """Measure the trial that a prompt began."""
    transcript = read_transcript(str(RECORDED / f"{name}.jsonl"))
    found = span(transcript, prompt, {prompt, *others})
    return measure(found, prices=Prices({})), found


@pytest.mark.parametrize(
    ("name", "status", "output"),
    [
        ("escape_at_a_permission_question", "interrupted", 50),
        ("escape_after_a_permission", "interrupted", 50),
        ("escape_while_a_tool_runs", "interrupted", 50),
        ("escape_mid_answer", "interrupted", 1),
        ("a_permission_question", "ok", 100),
    ],
)
def test_the_mark_of_an_interruption_is_on_the_prompt_that_was_interrupted(
    name, status, output
):
    """Those before and after it ended well."""
    for prompt in ("p1", "p3"):
        measured, _ = trial(name, prompt)
        assert (measured.status, measured.metrics["output_tokens"]) == ("ok", 50)
    measured, _ = trial(name, "p2")
    assert (measured.status, measured.metrics["output_tokens"]) == (status, output)


@pytest.mark.parametrize("others", [("p1", "p3"), ("p1", "p2", "p3")])
@pytest.mark.parametrize("name", ["escape_before_expansion", "escape_before_the_first_word"])
def test_a_prompt_that_was_taken_back_adds_nothing_to_the_one_before(name, others):
    """The client puts it back into the line that is typed; no model has seen it."""
    measured, found = trial(name, "p1", others)
    assert measured.status == "ok"
    assert measured.metrics["followup_turns"] == 0
    assert measured.metrics["duration_seconds"] == measured.metrics["turn_duration_seconds"]
    assert measured.metrics["output_tokens"] == 50
    assert found.is_over


def test_what_follows_a_prompt_that_was_taken_back_is_not_its_own():
    """It is part of the task before, as if nothing had been in between."""
    measured, _ = trial("escape_before_the_first_word", "p2", ("p1",))
    assert measured.reason == "no_answer"
    measured, _ = trial("escape_before_the_first_word", "p1", ("p2",))
    assert measured.metrics["followup_turns"] == 1
    assert measured.metrics["output_tokens"] == 100


@pytest.mark.parametrize("name", ["context_after_escape", "a_shell_line_after_escape"])
def test_what_the_client_answers_itself_is_no_part_of_a_task(name):
    """`/context` and a line of the shell leave a prompt that was cut mid-answer as it was."""
    measured, _ = trial(name, "p2", ("p1",))
    assert measured.status == "interrupted"
    assert measured.metrics["followup_turns"] == 0
    assert measured.metrics["duration_seconds"] < 2
    assert measured.metrics["active_seconds"] == measured.metrics["duration_seconds"]


def test_a_fork_in_the_background_is_waited_for_and_counted_whole():
    """In the screen a forked skill runs beside the talk; its report is a turn of its own."""
    measured, found = trial("a_fork_in_the_background", "p2", ("p1",))
    assert measured.status == "ok"
    assert measured.metrics["turns"] == 2
    assert measured.metrics["output_tokens"] == 100
    assert measured.metrics["subagent_share"] == 0.5
    assert not found.waits


def test_a_fork_in_the_background_keeps_its_trial_open(tmp_path):
    """A later prompt may come before it reports."""
    lines = (RECORDED / "a_fork_in_the_background.jsonl").read_bytes().splitlines(keepends=True)
    path = tmp_path / "s1.jsonl"
    path.write_bytes(b"".join(lines[:7]))
    found = span(read_transcript(str(path)), "p2", {"p1", "p2"})
    assert found.waits


@pytest.mark.parametrize(
    ("name", "wall", "active"),
    [
        ("a_question", 8.224, 2.340),
        ("a_plan", 8.667, 2.451),
        ("a_permission_question", 10.983, 6.630),
        ("two_permission_questions", 14.470, 6.878),
        ("escape_at_a_permission_question", 2.329, 0.040),
        ("escape_while_a_tool_runs", 2.989, 2.989),
    ],
)
def test_the_time_of_a_person_is_not_time_of_the_prompt(name, wall, active):
    """Nobody was there for seconds at each question; a tool that was cut off had run."""
    measured, _ = trial(name, "p2")
    assert measured.metrics["duration_seconds"] == pytest.approx(wall, abs=0.001)
    assert measured.metrics["active_seconds"] == pytest.approx(active, abs=0.001)


@pytest.mark.parametrize("name", [path.stem for path in sorted(RECORDED.glob("*.jsonl"))])
def test_a_prompt_that_asked_nothing_worked_all_the_time(name):
    measured, _ = trial(name, "p1", ("p1", "p2", "p3"))
    assert measured.metrics["active_seconds"] == measured.metrics["duration_seconds"]


def test_work_beside_the_conversation_counts_whole():
    """Nothing tells how long an agent in the background waited for leave to go on."""
    measured, _ = trial("an_agent_in_the_background", "p2", ("p1",))
    assert measured.metrics["active_seconds"] == pytest.approx(11.955, abs=0.001)
