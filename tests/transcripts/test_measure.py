"""What a trial is measured to be: which turns are its own, and what they come to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.transcripts.script import START, USAGE, Script, stamp

from meta_experiment.model.metrics import describe
from meta_experiment.transcripts.measure import measure, span
from meta_experiment.transcripts.prices import Prices
from meta_experiment.transcripts.transcript import read_lines, read_transcript

NO_PRICES = Prices({})
PRICES = Prices(
    {
        "models": {
            "claude-opus-5-5": {
                "input": 4, "output": 20, "write_5m": 5, "write_1h": 8, "read": 0.2
            }
        }
    }
)  # fmt: skip
ONE_COST = (100 * 4 + 50 * 20 + 2000 * 5 + 3000 * 0.2) / 1e6
PATCH = [{"lines": [" a", "-one", "+uno", "+more"]}]


def trial(script, prompt_id="p1", others=(), prices=NO_PRICES, until=None, **more):
    """Return span and measures of the trial that a prompt began."""
    transcript = read_lines(script.bytes.splitlines())
    found = span(transcript, prompt_id, {prompt_id, *others}, until)
    return found, measure(found, prices=prices, state=transcript.cost_state, **more)


def test_one_turn_is_measured_whole():
    """Tokens, times, tools and changes of a turn that did a bit of everything."""
    script = Script().command("p1", 0)
    tools = [("c1", "Edit", {"file_path": "a"}), ("c2", "Bash", {}), ("c3", "Write", {})]
    script.answer(2, "I begin", tools)
    script.result("p1", 3, "c1", detail={"filePath": "/a", "structuredPatch": PATCH})
    script.result("p1", 4, "c2", error=True)
    new = {"type": "create", "filePath": "/b", "content": "x\ny\n", "structuredPatch": []}
    script.result("p1", 5, "c3", detail=new, error=False)
    script.answer(10)
    found, measured = trial(script, prices=PRICES)
    expected = {
        "duration_seconds": 10, "active_seconds": 10, "turn_duration_seconds": 10,
        "input_tokens": 200, "output_tokens": 100, "cache_read_tokens": 6000,
        "cache_creation_tokens": 4000, "total_tokens": 10300, "turn_output_tokens": 100,
        "turn_total_tokens": 10300, "turns": 2, "followup_turns": 0, "tool_calls": 3,
        "tool_errors": 1, "files_touched": 2, "lines_changed": 5, "subagent_share": 0,
        "tool_calls.Bash": 1, "tool_errors.Bash": 1, "tool_calls.Edit": 1,
        "tool_errors.Edit": 0, "tool_calls.Read": 0,
        "cost_usd": pytest.approx(2 * ONE_COST),
    }  # fmt: skip
    assert {name: measured.metrics[name] for name in expected} == expected
    assert measured.status == "ok"
    assert measured.fingerprint == {
        "model": "claude-opus-5-5", "client": "2.1.330", "cost": "estimate"
    }  # fmt: skip
    assert not found.bounded
    for name in measured.metrics:
        assert describe(name).name == name


@pytest.mark.parametrize("patch", [[None, {"lines": 3}, {"lines": [None, "+x"]}], "x", [], {}])
def test_a_crooked_patch_changes_what_it_says(patch):
    """Hunks that are none count nothing; the file was touched all the same."""
    script = Script().command("p1", 0).answer(1, "", [("c1", "Edit", {})])
    script.result("p1", 2, "c1", detail={"filePath": "/a", "structuredPatch": patch}).answer(3)
    _, measured = trial(script)
    assert measured.metrics["files_touched"] == 1
    assert measured.metrics["lines_changed"] == (len(patch) == 3)


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        ({"edit_mode": "insert", "new_source": "i\nj"}, 2),
        ({"edit_mode": "delete", "old_source": "q\nr", "new_source": "unused"}, 2),
        ({"edit_mode": "replace", "old_source": "a\nx\ny", "new_source": "a\nz\ny"}, 2),
        ({"edit_mode": "replace", "old_source": "a\na", "new_source": "a\na\na"}, 1),
        ({"edit_mode": "replace", "old_source": "a", "new_source": "b\nc"}, 3),
        ({"edit_mode": "replace", "old_source": None, "new_source": []}, 0),
    ],
)
def test_a_changed_notebook_counts_its_lines(edit, changed):
    """The client keeps no patch of a cell, only the text before and after."""
    script = Script().command("p1", 0).answer(1, "", [("c1", "NotebookEdit", {})])
    script.result("p1", 2, "c1", detail={"notebook_path": "/n.ipynb", **edit}).answer(3)
    _, measured = trial(script)
    assert measured.metrics["files_touched"] == 1
    assert measured.metrics["lines_changed"] == changed


def test_the_next_prompt_under_experiment_ends_a_trial():
    """Turns in between are follow-ups; those after it are another trial's."""
    script = Script().command("p1", 0).answer(10)
    script.prompt("p2", 100).answer(105)
    script.command("p3", 200).answer(210)
    script.prompt("p4", 220).answer(221)
    found, measured = trial(script, others={"p3"})
    assert [turn.prompt_id for turn in found.turns] == ["p1", "p2"]
    assert found.is_over
    assert measured.metrics["followup_turns"] == 1
    assert measured.metrics["output_tokens"] == 100
    assert measured.metrics["turn_output_tokens"] == 50
    assert measured.metrics["duration_seconds"] == 105
    assert measured.metrics["active_seconds"] == 15
    assert measured.metrics["turn_duration_seconds"] == 10


def test_a_trial_is_open_until_something_bounds_it():
    """Without a later prompt under experiment a follow-up may still come."""
    script = Script().command("p1", 0).answer(10).prompt("p2", 100).answer(105)
    found, _ = trial(script)
    assert not found.is_over


@pytest.mark.parametrize(("gap", "followups"), [(1790, 1), (1810, 0)])
def test_thirty_idle_minutes_end_a_trial(gap, followups):
    """A later prompt is another task."""
    script = Script().command("p1", 0).answer(10).prompt("p2", 10 + gap).answer(20 + gap)
    found, measured = trial(script)
    assert measured.metrics["followup_turns"] == followups
    assert found.is_over == (followups == 0)


def test_a_long_talk_is_no_idle_time():
    """Follow-ups may reach over hours, as long as no two are half an hour apart."""
    script = Script()
    for turn in range(5):
        script.prompt(f"p{turn + 1}", 1500 * turn).answer(1500 * turn + 5)
    assert trial(script)[1].metrics["followup_turns"] == 4


def test_what_is_asked_after_the_end_of_the_experiment_is_no_part_of_a_trial():
    """What was asked before and answered after it is, and so are reports of its own work."""
    script = Script().command("p1", 0).answer(5, "", [("c1", "Agent", {})])
    script.result("p1", 6, "c1", detail={"status": "async_launched"}).answer(7)
    script.prompt("p2", 10)
    ending, _ = trial(script, until=START + 12)
    assert not ending.is_over
    script.answer(20)
    waiting, _ = trial(script, until=START + 12)
    assert not waiting.is_over
    script.notification("p3", 25, "c1").answer(26)
    script.prompt("p4", 30).answer(31)
    found, measured = trial(script, until=START + 12)
    assert found.is_over
    assert [turn.prompt_id for turn in found.turns] == ["p1", "p2", "p3"]
    assert measured.metrics["followup_turns"] == 1
    assert measured.metrics["output_tokens"] == 200


def test_a_slow_answer_is_no_idle_time():
    """A tool that runs for an hour does not end its own trial."""
    script = Script().command("p1", 0).answer(1, "", [("c1", "Bash", {})])
    script.result("p1", 3600, "c1").answer(3601).prompt("p2", 3700).answer(3701)
    assert trial(script)[1].metrics["followup_turns"] == 1


BACKGROUND = {
    "Agent": {"status": "async_launched", "agentId": "t1"},
    "Bash": {"stdout": "", "backgroundTaskId": "t1"},
    "SendMessage": {"success": True, "resumedAgentId": "t1"},
}


def background(late, tool="Agent"):
    """A trial whose work reports after `late` further prompts under experiment."""
    script = Script().command("p1", 0).answer(1, "", [("c1", tool, {})])
    script.result("p1", 2, "c1", detail=BACKGROUND[tool]).answer(3)
    if late:
        script.command("p2", 10).answer(11)
    return script


@pytest.mark.parametrize("tool", list(BACKGROUND))
@pytest.mark.parametrize("late", [False, True])
def test_work_in_the_background_belongs_to_the_trial_that_began_it(late, tool):
    """Also when another prompt came first; until then the trial waits."""
    script = background(late, tool)
    waiting, _ = trial(script, others={"p2"})
    assert waiting.waits
    assert not waiting.is_over
    script.notification("p9", 30, "c1").answer(31, usage={"output_tokens": 7})
    last, _ = trial(script, others={"p2"})
    assert last.grows  # its last line may not be on disk yet
    assert not last.is_over
    script.command("p3", 40).answer(41)
    found, measured = trial(script, others={"p2", "p3"})
    assert found.is_over
    assert measured.metrics["output_tokens"] == 107
    assert measured.metrics["followup_turns"] == 0
    assert measured.metrics["duration_seconds"] == 31
    other = trial(script, "p2", others={"p1", "p3"})[1] if late else None
    assert other is None or other.metrics["output_tokens"] == 50


def test_a_report_within_another_turn_ends_the_waiting():
    """The client may hand a notification to a turn that is under way."""
    script = background(late=True)
    text = "<task-notification><tool-use-id>c1</tool-use-id></task-notification>"
    script.add(type="attachment", attachment={"type": "queued_command", "prompt": text})
    assert not trial(script, others={"p2"})[0].waits


def test_a_report_without_a_call_is_known_by_its_task():
    """An agent that its own background work woke up reports so; it is no follow-up."""
    script = background(late=True).notification("p3", 20, "c1").answer(21)
    script.notification("p4", 30, "t1", tag="task-id").answer(31, usage={"output_tokens": 7})
    script.command("p5", 40).answer(41)
    first, second = (trial(script, name, others={"p1", "p2", "p5"})[1] for name in ("p1", "p2"))
    assert first.metrics["output_tokens"] == 157
    assert second.metrics["output_tokens"] == 50
    assert second.metrics["followup_turns"] == 0


def test_agents_share_is_theirs_of_all_tokens(tmp_path):
    """The whole trial counts the agents' tokens, and says which share they were."""
    main = Script().command("p1", 0).answer(1)
    path = main.write(tmp_path / "s.jsonl")
    agent = Script(number=50).prompt("p1", 0.5).answer(20)
    agent.write(tmp_path / "s/subagents/agent-a.jsonl")
    transcript = read_transcript(str(path), ["p1"])
    measured = measure(span(transcript, "p1", {"p1"}), prices=NO_PRICES)
    assert measured.metrics["subagent_share"] == 0.5
    assert measured.metrics["total_tokens"] == 2 * sum(USAGE.values())
    assert measured.metrics["duration_seconds"] == 20
    assert measured.metrics["active_seconds"] == 20


def test_a_fork_is_answered_by_its_agent(tmp_path):
    """A forked skill leaves no message in the main file, only what it printed."""
    main = Script().prompt("p1", 0, "/fk now")
    main.add(type="system", subtype="local_command", content="x", timestamp=stamp(9))
    path = main.write(tmp_path / "s.jsonl")
    Script().prompt("p1", 0.5).answer(8).write(tmp_path / "s/subagents/agent-a.jsonl")
    measured = measure(span(read_transcript(str(path), ["p1"]), "p1", {"p1"}), prices=NO_PRICES)
    assert measured.status == "ok"
    assert measured.metrics["output_tokens"] == 50
    assert measured.metrics["turn_duration_seconds"] == 9
    assert measured.metrics["subagent_share"] == 1


def cut_off():
    """A turn that stands before the result of its tool."""
    return Script().command("p1", 0).answer(1, "", [("c", "Bash", {})])


ENDINGS = {
    "nothing": Script().command("p1", 0),
    "error": Script().command("p1", 0).api_error(1),
    "error_of_an_old_client": Script()
    .command("p1", 0)
    .api_error(1, "API Error: 529", marked=False),
    "words_of_the_client": Script()
    .command("p1", 0)
    .answer(1)
    .api_error(2, "No response requested.", marked=False),
    "error_after_work": cut_off().result("p1", 2, "c").api_error(3),
    "interrupt": Script().command("p1", 0).interrupt("p1", 2),
    "interrupt_after_work": cut_off().interrupt("p1", 2),
    "killed": cut_off(),
    "recovered": Script().command("p1", 0).interrupt("p1", 2).prompt("p2", 5).answer(6),
}


@pytest.mark.parametrize(
    ("how", "status", "tokens"),
    [
        ("error", "error", None),
        ("error_of_an_old_client", "error", None),
        ("words_of_the_client", "ok", 50),
        ("error_after_work", "error", 50),
        ("interrupt", "interrupted", None),
        ("interrupt_after_work", "interrupted", 50),
        ("killed", "interrupted", 50),
        ("recovered", "ok", 50),
    ],
)
def test_how_a_trial_ended(how, status, tokens):
    """An error or an interruption keeps what was delivered; what is unknown is not zero."""
    _, measured = trial(ENDINGS[how], prices=PRICES)
    assert measured.reason == ""
    assert measured.status == status
    assert measured.metrics.get("output_tokens") == tokens
    assert ("cost_usd" in measured.metrics) == (tokens is not None)


def test_a_prompt_that_nobody_answered_is_excluded():
    """An injection that failed ends the prompt without a word: no trial of the variant."""
    _, measured = trial(ENDINGS["nothing"])
    assert measured.reason == "no_answer"
    assert measured.metrics == {}


@pytest.mark.parametrize("name", ["meta_experiment", "meta-experiment:meta_experiment"])
def test_our_own_command_is_no_part_of_the_task(name):
    """Rating a trial does not lengthen it."""
    script = Script().command("p1", 0).answer(10)
    script.command("p2", 20, name, "rate 4").answer(30).prompt("p3", 40).answer(50)
    _, measured = trial(script)
    assert measured.metrics["followup_turns"] == 1
    assert measured.metrics["output_tokens"] == 100


def test_a_command_of_the_client_itself_is_no_follow_up():
    """`/cost` and its like are answered without a model."""
    script = Script().command("p1", 0).answer(10)
    script.command("p2", 20, "cost")
    script.add(type="system", subtype="local_command", content="x", timestamp=stamp(21))
    _, measured = trial(script)
    assert measured.metrics["followup_turns"] == 0
    assert measured.metrics["duration_seconds"] == 10


def test_a_message_without_usage_leaves_the_sums_out():
    """A sum of some messages must not pass for a sum of all."""
    script = Script().command("p1", 0).answer(1).answer(2)
    del script.lines[-1]["message"]["usage"]
    _, measured = trial(script, prices=PRICES)
    assert "output_tokens" not in measured.metrics
    assert "cost_usd" not in measured.metrics
    assert measured.metrics["turns"] == 2


ABSURD = [
    {"input_tokens": 10**400},
    {"output_tokens": 10**13},
    {"cache_read_input_tokens": 10**400},
    {"cache_creation": {"ephemeral_1h_input_tokens": 10**400}},
    {"server_tool_use": {"web_search_requests": 10**400}},
]


@pytest.mark.parametrize("absurd", ABSURD)
def test_an_absurd_count_is_a_missing_one(absurd):
    """No number of a transcript is too large to be measured past."""
    script = Script().command("p1", 0).answer(1, usage={**USAGE, **absurd}).answer(3)
    _, measured = trial(script, prices=PRICES)
    assert "output_tokens" not in measured.metrics
    assert "cost_usd" not in measured.metrics
    assert (measured.metrics["turns"], measured.metrics["duration_seconds"]) == (2, 3)


def test_a_model_without_a_price_has_no_cost():
    """An unknown model is not free."""
    _, measured = trial(Script().command("p1", 0).answer(1))
    assert "cost_usd" not in measured.metrics
    assert "cost" not in measured.fingerprint


def stated(output, cost=0.5):
    row = {
        "inputTokens": 100, "outputTokens": output,
        "cacheReadInputTokens": 3000, "cacheCreationInputTokens": 2000,
    }  # fmt: skip
    return {"totalCostUSD": cost, "modelUsage": {"claude-opus-5-5": row}}


@pytest.mark.parametrize(
    ("output", "cost", "basis"), [(50, 0.5, "exact"), (51, ONE_COST, "estimate")]
)
def test_the_clients_own_sum_counts_when_it_is_of_this_trial_alone(output, cost, basis):
    """It is of the whole session: only with just these tokens is it this trial's."""
    script = Script().command("p1", 0).answer(1).add(type="cost-state", **stated(output))
    _, measured = trial(script, prices=PRICES)
    assert measured.metrics["cost_usd"] == pytest.approx(cost)
    assert measured.fingerprint["cost"] == basis


def test_telemetry_is_asked_with_the_prompts_of_the_trial():
    """Exact where the export knows these prompts."""
    asked = []

    def telemetry(prompt_ids, usages):
        asked.append((prompt_ids, len(usages)))
        return 0.25

    script = Script().command("p1", 0).answer(1).prompt("p2", 5).answer(6)
    _, measured = trial(script, prices=PRICES, telemetry=telemetry)
    assert asked == [(["p1", "p2"], 2)]
    assert measured.metrics["cost_usd"] == 0.25
    assert measured.fingerprint["cost"] == "exact"


ANY = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just([]) | st.just({})
)


@given(st.data())
def test_no_transcript_is_an_accident(data):
    """Whatever stands where, reading and measuring end, with numbers or without."""
    script = Script().command("p1", 0).answer(1, "", [("c1", "Edit", {}), ("c2", "Agent", {})])
    script.result("p1", 2, "c1", detail={"filePath": "/a", "structuredPatch": PATCH})
    script.result("p1", 3, "c2", detail={"status": "async_launched"})
    script.notification("p2", 4, "c2").answer(5).api_error(6).interrupt("p2", 7)
    script.add(type="cost-state", **stated(50)).add(type="system", subtype="local_command")
    script.add(type="attachment", attachment={"type": "queued_command", "prompt": "x"})
    for _ in range(data.draw(st.integers(1, 4))):
        _spoil(data, data.draw(st.sampled_from(script.lines)))
    raw = script.bytes
    cut = data.draw(st.integers(0, len(raw)))
    transcript = read_lines(raw[:cut].splitlines(keepends=True))
    for turn in transcript.turns:
        found = span(transcript, turn.prompt_id, set())
        measured = measure(found, prices=PRICES, state=transcript.cost_state)
        assert measured.status in ("ok", "error", "interrupted")
        assert all(math.isfinite(value) for value in measured.metrics.values())


def _spoil(data, document):
    """Put something else in some place of a document, however deep."""
    key = data.draw(st.sampled_from(sorted(document)))
    inner = document[key]
    if isinstance(inner, dict) and inner and data.draw(st.booleans()):
        _spoil(data, inner)
    elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
        _spoil(data, inner[0])
    else:
        document[key] = data.draw(ANY)
