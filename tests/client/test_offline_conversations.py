"""Conversations of the past in the real client: uses within one, run again from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.client.endpoint import Answer, Endpoint, ToolCall
from tests.client.harness import REPOSITORY
from tests.client.test_offline_runs import (
    COMMAND,
    CONTROL,
    TEXT,
    TREATMENT,
    Desk,
    request_text,
)

pytestmark = [pytest.mark.client, pytest.mark.long]

WORD, OLD = "marmalade", "The past said so."
LISTED = TEXT.replace("description: Review", "description: Review {how}")


def respond(body):
    return Answer(OLD if WORD in request_text(body) else "What?")


def recorded(client, endpoint, *prompts):
    """Have a conversation, whose transcript the client keeps."""
    with client.session(endpoint) as session:
        for prompt in prompts:
            session.say(prompt)
        session.close()


def last_prompt(request):
    """Return what was before the model in its last turn, and what came before that."""
    texts = request.texts()
    at = max(number for number, text in enumerate(texts) if "<command-args>b.py" in text)
    return "\n".join(texts[:at]), "\n".join(texts[at:])


@pytest.mark.parametrize("form", ["mined", "plugin eval"])
def test_a_use_within_a_conversation_is_run_again_in_it(client, tmp_path, form):
    """Both variants see what was said then, and the text of their own alone as new.

    What it cost then is in no figure, and the list of commands is that of the variant.
    """
    with Endpoint(respond=respond) as endpoint:
        desk = Desk(client, endpoint)
        name = desk.prepared(COMMAND, LISTED, [], "--primary-metric", "output_tokens")
        desk.git("add", ".")
        desk.git("commit", "--quiet", "-m", "plan")
        recorded(client, endpoint, f"Remember: {WORD}.", "/review a.py", "/review b.py")
        desk.cases = tmp_path / "mined.jsonl"
        if form == "mined":
            words = ["cases", "mine", "review", "--conversation", "--limit", "1"]
            mined = desk.meta(*words, "--out", str(desk.cases))
            assert (mined["conversations"], mined["uses"]) == (1, 2)
        else:  # which names the transcript as it stands, costs and all
            (transcript,) = client.home.glob(".claude/projects/*/*.jsonl")
            desk.cases = tmp_path / "cases/one"
            desk.cases.mkdir(parents=True)
            (desk.cases / "talk.jsonl").write_bytes(transcript.read_bytes())
            (desk.cases / "case.yaml").write_text(
                "name: one\nexecution: {prompt: /review b.py}\n"
                "context: {history_file: talk.jsonl}\n"
            )
        before = len(endpoint.turns)
        done = desk.run(name)
        turns = endpoint.turns[before:]
    assert (done["set_aside"], done["counted"]) == ([], 2)
    assert len(turns) == 2
    seen = []
    for turn in turns:
        earlier, now = last_prompt(turn)
        assert WORD in earlier
        assert CONTROL in earlier  # what the command said then
        assert (CONTROL in now) != (TREATMENT in now)
        seen.append(TREATMENT in now)
        whole = json.dumps(turn.body)
        assert (f"Review {TREATMENT}" in whole) is seen[-1]  # in the list of what there is
        assert (f"Review {CONTROL}" in whole) is not seen[-1]
        assert str(client.project) not in whole
    assert sorted(seen) == [False, True]
    trials = desk.meta("trials", name)["trials"]
    for trial in trials:
        assert trial["metrics"]["output_tokens"] == 50
        assert trial["metrics"]["cost_usd"] < 0.05
    assert (
        list(client.home.glob(".local/share/meta-experiment/runs/*/*/cells/*/1/config")) == []
    )


def test_a_session_is_replayed_turn_by_turn_also_when_it_is_killed(client):
    """With another variant, in one session of the client, at the commit of the record."""

    def answer(body):
        text = request_text(body)
        if "Note it." in text and "tool_result" not in text:
            return Answer(tools=[ToolCall("Bash", {"command": "echo noted >> notes.txt"})])
        return Answer("Yes.", usage={"output_tokens": 20 if TREATMENT in text else 40}, delay=1)

    with Endpoint(respond=answer) as endpoint:
        desk = Desk(client, endpoint)
        name = desk.prepared(COMMAND, TEXT, [], "--primary-metric", "output_tokens")
        desk.git("add", ".")
        desk.git("commit", "--quiet", "-m", "plan")
        prompts = (f"Remember: {WORD}.", "/review a.py", "Note it.")
        with client.session(endpoint, "--allowedTools", "Bash") as session:
            for prompt in prompts:
                session.say(prompt)
            session.close()
        (transcript,) = client.home.glob(".claude/projects/*/*.jsonl")
        desk.git("clean", "-fdq", "notes.txt")
        client.write("later.py", "x")
        desk.git("add", ".")
        desk.git("commit", "--quiet", "-m", "later")
        words = ("runs", "replay", transcript.stem, "--variant", f"{name}:treatment")
        before = len(endpoint.turns)
        for turns in (1, 2):  # in the middle of the first turn, then of the second
            process = subprocess.Popen(
                [str(REPOSITORY / "bin" / "meta-experiment"), *words],
                cwd=client.project,
                env=desk.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            endpoint.wait_for(before + turns)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        found = desk.meta(*words)
        turns = endpoint.turns[before:]
    assert (found["ended"], found["commit_by"], found["clean"]) == ("done", "recorded", True)
    assert len(turns) == 4  # the last one used a tool
    assert [turn["prompt"] for turn in found["turns"]] == list(prompts)
    assert [turn["seen"] for turn in found["turns"]] == [False, True, False]
    last = "\n".join(turns[-1].texts())
    assert all(word in last for word in (WORD, TREATMENT, "Note it."))
    assert CONTROL not in last
    assert [turn["recorded"]["tool_calls"] for turn in found["turns"]] == [0, 0, 1]
    assert [turn["replayed"]["tool_calls"] for turn in found["turns"]] == [0, 0, 1]
    told = [turn["replayed"]["usd"] for turn in found["turns"]]
    assert sum(told) == pytest.approx(found["replayed"]["usd"])
    assert told[1] < found["turns"][1]["recorded"]["usd"]
    patch = Path(found["patch"]).read_text()
    assert patch.count("+noted") == 1
    assert "later.py" not in patch
    assert not (client.project / "notes.txt").exists()
    assert list(client.home.glob(".local/share/meta-experiment/replays/*/*/*/slots")) == []
