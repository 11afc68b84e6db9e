"""What is read from a transcript, whatever its client's version and its state."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.transcripts.script import START, Script

from meta_experiment.protocol import json_text
from meta_experiment.protocol.timestamps import epoch
from meta_experiment.transcripts.transcript import (
    LINE_LIMIT,
    lines,
    read_lines,
    read_transcript,
)
from meta_experiment.transcripts.work import merged

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data" / "transcripts"

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.long
@given(VALUES)
def test_json_comes_back_as_it_went(value):
    """What is written is JSON to `json`, and read back alike."""
    text = json_text.encode(value)
    assert json.loads(text) == value
    assert json_text.parse(f" {text}\n") == value


def refused(name):
    """Refuse what `json` takes and JSON has not: NaN, Infinity."""
    raise ValueError(name)


@given(st.text())
@example("Infinity")
def test_no_json_is_a_value_error(text):
    """Whatever `json` refuses is refused as a ValueError, and nothing else is raised."""
    try:
        expected = json.loads(text, parse_constant=refused)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            json_text.parse(text)
    else:
        assert json_text.parse(text) == expected


def test_broken_json_is_refused_where_json_was_never_imported():
    """The accelerator alone fails in ways of its own; they are ValueErrors too."""
    told = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from meta_experiment.protocol.json_text import parse\n"
        "for text in ('{', '{\\n', '[1,', '\"a', 'nul', '', '{\"a\" 1}', 'NaN', '['*100000):\n"
        "    try: parse(text)\n"
        "    except ValueError: print('refused')\n"
        "print('json' in sys.modules)\n"
    )
    words = [sys.executable, "-I", "-S", "-c", told, str(ROOT / "scripts")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused"] * 9 + ["False"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-21T14:16:58Z", START),
        ("2026-11-21T14:16:58.323Z", START + 0.323),
        ("2026-11-21T16:16:58.000+02:00", START),
        ("1970-01-01T00:00:00Z", 0.0),
        ("2024-02-29T00:00:00Z", 1709164800.0),
        ("2000-03-01T00:00:00Z", 951868800.0),
        ("2026-13-21T14:16:58Z", None),
        ("2026-11-21T14:16:infZ", None),
        ("2026-11-21T14:16:nan+02:00", None),
        ("2026-11-21T14:16:1e300Z", None),
        ("2026-11-21T14:16:-58Z", None),
        ("yesterday, at about noon", None),
        (1795270618, None),
    ],
)
def test_a_time_is_read_as_seconds(text, seconds):
    """Times of transcripts are in UTC or say their offset; anything else is unknown."""
    assert epoch(text) == pytest.approx(seconds) if seconds is not None else epoch(text) is None


def test_a_message_in_several_lines_is_one():
    """The usage that every line of a message repeats is counted once."""
    script = (
        Script().command("p1", 0).answer(2, "text", [("c1", "Read", {}), ("c2", "Bash", {})])
    )
    turn = read_lines(script.bytes.splitlines()).turns[0]
    assert [usage.output for usage in turn.own.messages.values()] == [50]
    assert turn.own.calls == {"c1": "Read", "c2": "Bash"}
    assert turn.named == ["review"]
    assert (turn.own.started, turn.own.ended) == (START, START + 2)


def test_reading_begins_at_the_prompt(tmp_path):
    """What lies before the first wanted prompt is not read, however often it is quoted."""
    script = Script().prompt("p1", 0, 'they said "promptId\\":\\"p2\\""').answer(1)
    script.prompt("p2", 5).answer(6)
    path = script.write(tmp_path / "s.jsonl")
    assert [turn.prompt_id for turn in read_transcript(str(path), ["p2"]).turns] == ["p2"]
    assert len(read_transcript(str(path)).turns) == 2
    assert read_transcript(str(path), ["p9"]).turns == []
    assert read_transcript(str(tmp_path / "none.jsonl"), ["p2"]) is None


def test_torn_and_foreign_lines_are_passed_over(tmp_path):
    """A torn last line, bytes that are no text and values that are no object harm nobody."""
    whole = Script().command("p1", 0).answer(1).bytes
    broken = b"\xff\xfe\n[]\nnull\n{}\n" + b'{"type":"user","message":3}\n'
    broken += b'{"type":"assistant","message":{"content":"x","usage":[]}}\n'
    path = tmp_path / "s.jsonl"
    path.write_bytes(broken + whole + whole[: len(whole) // 2])
    turn = read_transcript(str(path), ["p1"]).turns[0]
    assert len(turn.own.messages) == 1


def test_a_huge_line_is_passed_over(tmp_path):
    """A line beyond the limit costs its own content only."""
    path = tmp_path / "s.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"type":"user","x":"' + b"x" * LINE_LIMIT + b'"}\n')
        stream.write(Script().command("p1", 0).answer(1).bytes)
    assert max(map(len, lines(str(path)))) < LINE_LIMIT
    assert len(read_transcript(str(path)).turns) == 1


@pytest.mark.parametrize("mark", ["promptId", None])
def test_agents_files_belong_to_the_turn_that_caused_them(tmp_path, mark):
    """By the prompt's id; from old clients, which give none, by the time."""
    main = Script().command("p1", 0).answer(1).prompt("p2", 60).answer(61)
    agent = Script().prompt("p2", 60.5).answer(62, usage={"output_tokens": 7})
    if mark is None:
        for script in (main, agent):
            for number, line in enumerate(script.lines):
                line.pop("promptId", None)
                line["uuid"] = f"{id(script)}-{number}"
    path = main.write(tmp_path / "s.jsonl")
    agent.write(tmp_path / "s" / "subagents" / "agent-1.jsonl")
    turns = read_transcript(str(path)).turns
    assert [len(turn.agents) for turn in turns] == [0, 1]
    assert [usage.output for usage in turns[1].agents[0].messages.values()] == [7]


def requests_of_agents(path):
    """Return the ids of the agents' requests, turn by turn."""
    turns = read_transcript(str(path)).turns
    return [sorted(merged(turn.agents).messages) for turn in turns]


def started_by(call, script, path, name="checker"):
    """Write the file of an agent, and beside it the call that started it by a name."""
    script.write(path)
    path.with_suffix(".meta.json").write_text(
        json.dumps({"toolUseId": call, "agentType": name})
    )


def test_an_agent_belongs_to_the_turn_that_sent_it_however_long_it_works(tmp_path):
    """The client puts its later lines under the prompt that the user has come to meanwhile."""
    main = Script().prompt("p1", 0).answer(1).prompt("p2", 5).answer(6)
    agent = Script(number=50).prompt("p1", 1).answer(4, "", [("b1", "Bash", {})])
    agent.result("p2", 7, "b1").answer(8, "", [("b2", "Bash", {})])
    agent.user("p2", 9, [{"type": "text", "text": "the body of a skill"}], isMeta=True)
    agent.result("p2", 9, "b2").answer(10)
    own = {"kind": "task-notification"}
    agent.prompt("p2", 11, "a command in the background is done", isMeta=True, origin=own)
    agent.answer(12)
    path = main.write(tmp_path / "s.jsonl")
    agent.write(tmp_path / "s/subagents/agent-1.jsonl")
    assert requests_of_agents(path) == [["msg_51", "msg_52", "msg_53", "msg_54"], []]


def test_what_an_agent_is_told_later_belongs_to_the_turn_that_told_it(tmp_path):
    """A message that wakes an agent up is work of the prompt that sent the message."""
    call = ("c1", "Agent", {})
    main = Script().prompt("p1", 0).answer(1, "", [call]).result("p1", 4, "c1").answer(5)
    main.prompt("p2", 6).answer(7)
    agent = Script(number=50).prompt("p1", 2).answer(3)
    agent.prompt("p2", 8, "again", isMeta=True, origin={"kind": "coordinator"}).answer(9)
    path = main.write(tmp_path / "s.jsonl")
    started_by("c1", agent, tmp_path / "s/subagents/agent-1.jsonl")
    assert requests_of_agents(path) == [["msg_51"], ["msg_52"]]
    turns = read_transcript(str(path)).turns
    assert [[work.agent_name for work in turn.agents] for turn in turns] == [["checker"], [""]]


def test_an_agent_of_an_agent_belongs_to_the_turn_of_the_first(tmp_path):
    """Whatever prompt its file names, and in whatever order the files lie."""
    main = Script().prompt("p1", 0).answer(1, "", [("c1", "Agent", {})])
    main.prompt("p2", 5).answer(6)
    outer = Script(number=50).prompt("p1", 2).answer(7, "", [("c2", "Agent", {})])
    inner = Script(number=60).prompt("p2", 8).answer(9)
    path = main.write(tmp_path / "s.jsonl")
    started_by("c2", inner, tmp_path / "s/subagents/agent-1.jsonl")
    started_by("c1", outer, tmp_path / "s/subagents/agent-2.jsonl")
    assert requests_of_agents(path) == [["msg_51", "msg_61"], []]


def test_an_agent_whose_call_is_not_told_is_known_by_its_id(tmp_path):
    """Older clients write nothing beside its file; the result of the call names it."""
    main = Script().prompt("p1", 0).answer(1, "", [("c1", "Task", {})])
    main.prompt("p2", 5).answer(6).result("p1", 20, "c1", detail={"agentId": "a1"})
    main.prompt("p3", 30).answer(31, "", [("c2", "SendMessage", {})])
    main.result("p3", 32, "c2", detail={"resumedAgentId": "a1"})
    path = main.write(tmp_path / "s.jsonl")
    agent = Script(number=50).prompt("p9", 7).answer(8)
    agent.write(tmp_path / "s/subagents/agent-a1.jsonl")
    assert requests_of_agents(path) == [["msg_51"], [], []]


def test_an_agent_of_an_earlier_prompt_belongs_to_none_of_the_later(tmp_path):
    """Nor do the agents that it started."""
    main = Script().prompt("p1", 0).answer(1, "", [("c1", "Agent", {})])
    main.prompt("p2", 5).answer(6)
    outer = Script(number=50).prompt("p1", 2).answer(7, "", [("c2", "Agent", {})])
    outer.result("p2", 10, "c2").answer(11)
    inner = Script(number=60).prompt("p2", 8).answer(9)
    path = main.write(tmp_path / "s.jsonl")
    started_by("c2", inner, tmp_path / "s/subagents/agent-1.jsonl")
    started_by("c1", outer, tmp_path / "s/subagents/agent-2.jsonl")
    turn = read_transcript(str(path), ["p2"]).turns[0]
    assert turn.agents == []


def test_what_a_forked_session_copied_is_no_work_of_its_own():
    """The client puts all that it copies under the first prompt of the new session."""
    script = Script().prompt("p9", 0, "first").answer(1, "", [("c1", "Bash", {})])
    script.result("p9", 2, "c1", error=True).answer(3).prompt("p9", 4, "second")
    script.interrupt("p9", 5)
    for line in script.lines:
        line["sessionId"] = "new"
        if line["type"] == "assistant":
            line["requestSessionId"] = "old"
    script.command("p9", 1000).answer(1001, sessionId="new")
    script.answer(1002, sessionId="new", requestSessionId="new")
    (turn,) = read_lines(script.bytes.splitlines()).turns
    assert list(turn.own.messages) == ["msg_3", "msg_4"]
    assert (turn.own.started, turn.own.ended) == (START + 1000, START + 1002)
    assert turn.own.failed == set()
    assert turn.named == ["review"]


def test_an_agent_of_an_old_client_in_the_main_file_is_no_turn():
    """Side lines are work of the turn they stand in, apart from its own."""
    script = Script().command("p1", 0).answer(1)
    script.prompt("", 2, "a task", isSidechain=True).answer(3, isSidechain=True)
    script.answer(4)
    for line in script.lines:
        line.pop("promptId", None)
    turns = read_lines(script.bytes.splitlines()).turns
    assert [len(turn.own.messages) for turn in turns] == [2]
    assert len(turns[0].agents[0].messages) == 1


# Totals of each file, counted apart with `json` alone: requests, input and output tokens.
KNOWN = {
    "entireio__cli/a0/cbfff1a3b7/0/full.jsonl": (3, 10),
    "entireio__cli/a6/e4c2a0fbd1/0/full.jsonl": (4, 0),
    "entireio__cli/b1/5d3b4e29e9/0/full.jsonl": (6, 2),
}


@pytest.mark.skipif(not SHARED.exists(), reason="the collection of transcripts is not here")
def test_every_transcript_of_the_collection_is_read_whole():
    """Tokens equal a count made with `json` alone; turns and errors those that are known."""
    files = sorted(SHARED.rglob("*.json*"))
    assert len(files) >= 13
    for path in files:
        transcript = read_transcript(str(path))
        work = merged(turn.own for turn in transcript.turns)
        work = merged([work, *(side for turn in transcript.turns for side in turn.agents)])
        assert _sums(work.messages.values()) == _counted(path), path
        known = KNOWN.get(str(path.relative_to(SHARED)))
        if known:
            assert (len(transcript.turns), len(work.failed)) == known, path


def _sums(usages):
    known = [usage for usage in usages if usage]
    return sum(usage.input for usage in known), sum(usage.output for usage in known)


def _counted(path):
    """Sum input and output over the last line of every answer."""
    last = {}
    agents = (path.with_suffix("") / "subagents").glob("*.jsonl")
    for file in [path, *agents]:
        for number, line in enumerate(file.read_text("utf-8").splitlines()):
            try:
                document = json.loads(line)
            except ValueError:
                continue
            message = document.get("message") if isinstance(document, dict) else None
            usage = message.get("usage") if isinstance(message, dict) else None
            if isinstance(usage, dict) and "output_tokens" in usage:
                last[message.get("id") or (file, number)] = usage
    return tuple(
        sum(usage[name] for usage in last.values())
        for name in ("input_tokens", "output_tokens")
    )


@pytest.mark.parametrize(
    "before", ["why is there ", "log:\n", "This session is being continued. "]
)
def test_a_command_that_is_only_quoted_is_not_used(before):
    """In a text that somebody pasted, or in the summary of a conversation."""
    quoted = "<command-message>review</command-message>\n<command-name>/review</command-name>"
    read = read_lines(
        Script().prompt("p1", 0, f"{before}{quoted}").answer(5).bytes.splitlines()
    )
    assert read.turns[0].named == []
    read = read_lines(Script().prompt("p1", 0, f"\n{quoted}").answer(5).bytes.splitlines())
    assert read.turns[0].named == ["review"]
