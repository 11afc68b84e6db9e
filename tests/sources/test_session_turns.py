"""A session turn by turn: what was typed, what was said, and what it took."""

import json

import pytest
from tests.sources.test_session_uses import kept, status
from tests.transcripts.script import START, Script

from meta_experiment.errors import NotFoundError, UsageError
from meta_experiment.sources.sessions.session_turns import find_session, session_record
from meta_experiment.transcripts.prices import load_prices


def record(tmp_path, script):
    path = script.write(tmp_path / "s-1.jsonl")
    return session_record(path, load_prices("/", {"CLAUDE_CONFIG_DIR": str(tmp_path)}))


def typed(found):
    return [turn.prompt for turn in found.turns]


def test_turns_are_what_was_typed_with_what_came_of_it(tmp_path):
    edit = [("t1", "Edit", {"file_path": "/p/a.py", "old_string": "a", "new_string": "b"})]
    script = Script().prompt("p1", 0, "Hello").answer(2, "Hi.").command("p2", 10)
    script.answer(12, "", tools=edit)
    script.result("p2", 13, "t1", detail={"filePath": "/p/a.py", "structuredPatch": []})
    script.answer(15, "Now").answer(16, "Done.")
    script.lines[0] |= {"cwd": "/p", "gitBranch": "x"}
    found = record(tmp_path, script)
    assert typed(found) == ["Hello", "/review one"]
    assert [turn.answer for turn in found.turns] == ["Hi.", "Done."]
    first, second = (turn.metrics for turn in found.turns)
    assert (first["total_tokens"], second["total_tokens"]) == (5150, 3 * 5150)
    assert (second["tool_calls"], second["active_seconds"], second["tool_errors"]) == (1, 6, 0)
    assert found.turns[1].files == {"/p/a.py"}
    assert (found.begin.folder, found.begin.branch, found.begin.at) == ("/p", "x", START)


def test_what_git_said_is_where_the_session_began(tmp_path):
    script = status(Script().prompt("p1", 0, "Hello"), " M a.py", "4f80c14 First")
    begin = record(tmp_path, script.answer(2)).begin
    assert (begin.commit, begin.clean) == ("4f80c14", False)


def test_what_was_typed_while_an_agent_worked_is_a_turn_without_figures(tmp_path):
    """Its work is in the turn before; the client's own notes are none."""
    script = Script().prompt("p1", 0, "Hello").answer(2, "Hm.")
    for text in ("Faster!", "<task-notification>x</task-notification>"):
        script.add(type="attachment", attachment={"type": "queued_command", "prompt": text})
    found = record(tmp_path, script.answer(5, "Yes.").prompt("p2", 9, "Bye").answer(10, "Bye."))
    assert typed(found) == ["Hello", "Faster!", "Bye"]
    assert [turn.queued for turn in found.turns] == [False, True, False]
    assert [bool(turn.metrics) for turn in found.turns] == [True, False, True]
    assert found.turns[0].metrics["total_tokens"] == 2 * 5150


def test_what_was_taken_back_is_not_typed_again(tmp_path):
    script = Script().prompt("p1", 0, "One").answer(1)
    script.prompt("p2", 5, "Two", parentUuid="a").answer(6)
    script.prompt("p3", 9, "Three").answer(10)
    script.prompt("p4", 20, "Two, but well", parentUuid="a").answer(21)
    assert typed(record(tmp_path, script)) == ["One", "Two, but well"]


def test_what_no_model_was_asked_is_left_out_and_counted(tmp_path):
    """A command of the client's own, and a line of the shell."""
    script = Script().prompt("p1", 0, "One").answer(1)
    script.user("p2", 5, "<command-name>/model</command-name>\n<command-args></command-args>")
    script.user("p2", 5, "<local-command-stdout>Set.</local-command-stdout>")
    script.user("p3", 7, "<bash-input>ls</bash-input>")
    script.user("p3", 7, "<bash-stdout>a</bash-stdout>")
    found = record(tmp_path, script.prompt("p4", 9, "Two").answer(10))
    assert (typed(found), found.unanswered) == (["One", "Two"], 2)


def test_pictures_are_told(tmp_path):
    script = Script().user("p1", 0, [{"type": "image"}, {"type": "text", "text": "This?"}])
    (turn,) = record(tmp_path, script.answer(1)).turns
    assert (turn.prompt, turn.pictures) == ("This?", True)


def test_nothing_typed_is_nothing(tmp_path):
    (tmp_path / "s-1.jsonl").write_text('{"type": "mode"}\n{torn\n')
    found = session_record(tmp_path / "s-1.jsonl", load_prices("/", {}))
    assert (found.begin, found.turns) == (None, ())


def test_a_session_is_found_by_its_id_the_beginning_of_it_or_its_file(tmp_path):
    for name in ("abc-1", "abc-2", "abc"):
        kept(tmp_path, name, Script().prompt("p1", 0, "x"), 1.0, "/p")
    (path,) = tmp_path.glob("projects/*/abc-1.jsonl")
    assert find_session(tmp_path, "abc-1") == find_session(tmp_path, str(path)) == path
    assert find_session(tmp_path, "abc").stem == "abc"
    with pytest.raises(UsageError, match="abc-1, abc-2"):
        find_session(tmp_path, "abc-")
    for words in ("nobody", "", "/nowhere/x.jsonl"):
        with pytest.raises(NotFoundError):
            find_session(tmp_path, words)
    assert json.loads(path.read_text())
