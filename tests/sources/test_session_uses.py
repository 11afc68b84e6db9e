"""Uses of prompts as they were asked for, out of transcripts."""

import json
import os
from pathlib import Path

import pytest
from tests.transcripts.script import START, Script, stamp

from meta_experiment.sources.sessions.session_files import folded
from meta_experiment.sources.sessions.session_uses import UseKind, session_uses, uses_in

CLIENT = "Note that this status is a snapshot in time."


def found(script, name="review"):
    return list(uses_in(script.bytes.splitlines(keepends=True), lambda word: word == name, "s"))


def one(script, name="review"):
    (use,) = found(script, name)
    return use


def status(script, lines="(clean)", commit="4f80c14 First one"):
    """Add what git said when the conversation began, as the client notes it."""
    told = f"{CLIENT}\n\nCurrent branch: main\n\nStatus:\n{lines}\n\nRecent commits:\n{commit}"
    context = {"type": "session_context", "context": {"gitStatus": told}}
    return script.add(type="attachment", timestamp=stamp(0), attachment=context)


def test_a_command_is_typed_again_with_its_arguments():
    script = Script().command("p1", 0, arguments="src/a b.py").answer(5)
    script.lines[0] |= {"sessionId": "s-1", "cwd": "/work", "gitBranch": "feature/x"}
    use = one(script)
    assert (use.kind, use.name, use.prompt) == (UseKind.COMMAND, "review", "/review src/a b.py")
    assert (use.session, use.at, use.folder, use.branch) == ("s-1", START, "/work", "feature/x")
    assert use.first
    assert one(Script().command("p1", 0, arguments="")).prompt == "/review"
    assert not found(Script().command("p1", 0, name="reviews"))


def test_what_was_only_typed_is_a_command_too():
    """A skill that the client forks leaves no more."""
    assert one(Script().prompt("p1", 0, "/review the  diff")).prompt == "/review the  diff"
    assert not found(Script().prompt("p1", 0, "/review/it"))


def test_a_skill_is_had_again_by_the_prompt_that_led_to_it():
    """Once, however often it was called for; and where that prompt stood."""
    calls = [("t1", "Skill", {"skill": "review"}), ("t2", "Skill", {"skill": "review"})]
    script = Script().prompt("p1", 0, "Is it any good?").answer(3, tools=calls)
    use = one(script)
    assert (use.kind, use.prompt, use.at, use.first) == (
        UseKind.SKILL, "Is it any good?", START, True,
    )  # fmt: skip


def test_an_agent_is_had_again_by_its_own_prompt_which_stands_alone():
    call = [("t1", "Task", {"subagent_type": "review", "prompt": "Look at a.py"})]
    use = one(
        Script().prompt("p1", 0, "go").answer(3).prompt("p2", 9, "on").answer(12, tools=call)
    )
    assert (use.kind, use.prompt, use.at) == (
        UseKind.AGENT, "@agent-review Look at a.py", START + 12,
    )  # fmt: skip
    assert use.first


BEFORE = {
    "a prompt": lambda s: s.prompt("p0", 0, "Hello"),
    "an answer": lambda s: s.command("p0", 0, name="other").answer(1),
    "a line of the shell": lambda s: s.prompt("p0", 0, "<bash-input>ls</bash-input>"),
    "a conversation that goes on": lambda s: s.prompt(
        "p0", 0, "This session is being continued from a previous conversation"
    ),
    "a summary": lambda s: s.prompt("p0", 0, "So far", isCompactSummary=True),
}


@pytest.mark.parametrize("before", BEFORE)
def test_what_was_said_before_is_told(before):
    script = BEFORE[before](Script()).command("p1", 5).answer(6)
    assert not one(script).first


def test_what_the_client_did_by_itself_is_nothing_said_before():
    """A command of its own, its caveat and its output reach no model."""
    script = Script().user("p0", 0, "Caveat: The messages below", isMeta=True)
    script.user("p0", 0, "<command-name>/model</command-name>\n<command-args></command-args>")
    script.user("p0", 1, "<local-command-stdout>ok</local-command-stdout>")
    assert one(script.command("p1", 5).answer(6)).first
    assert not found(script, "model")


def test_prompts_of_agents_and_results_of_tools_are_no_uses():
    script = Script().prompt("p1", 0, "/review it", isSidechain=True)
    script.result("p1", 1, "t1", content="/review it")
    assert not found(script)


def test_what_git_said_is_of_the_first_prompt_which_stands_before_it():
    use = one(status(Script().command("p1", 0)).answer(5))
    assert (use.commit, use.clean) == ("4f80c14", True)
    use = one(status(Script().command("p1", 0), "?? new.txt\n M a.py").answer(5))
    assert (use.commit, use.clean) == ("4f80c14", False)
    calls = [("t1", "Skill", {"skill": "review"})]
    use = one(status(Script().prompt("p1", 0)).answer(5, tools=calls))
    assert (use.commit, use.clean) == ("4f80c14", True)
    use = one(Script().command("p1", 0).answer(5))
    assert (use.commit, use.clean) == (None, None)


WORK = {
    "Edit": ({"file_path": "a"}, "4f80c14", True),
    "Bash": ({"command": "ls && git status"}, "4f80c14", False),
    "Bash commit": ({"command": "git -C . commit -m x"}, None, False),
    "Bash checkout": ({"command": "cd x; git checkout -b y"}, None, False),
}


@pytest.mark.parametrize("work", WORK)
def test_work_in_the_session_puts_what_git_said_out_of_date(work):
    given, commit, edited = WORK[work]
    script = status(Script().prompt("p1", 0)).answer(2, tools=[("t1", work.split()[0], given)])
    use = one(script.result("p1", 3, "t1").answer(4).command("p2", 9).answer(10))
    assert (use.commit, use.edited) == (commit, edited)


def test_what_was_edited_and_committed_is_edited_no_more():
    script = Script().prompt("p1", 0)
    script.answer(2, tools=[("t1", "Write", {"file_path": "a"})], isSidechain=True)
    edited = [json.loads(json.dumps(line)) for line in script.lines]
    script.answer(3, tools=[("t2", "Bash", {"command": "git commit -am x"})])
    assert not one(script.command("p2", 9)).edited
    script.lines = edited
    assert one(script.command("p2", 9)).edited


def test_git_may_say_in_a_session_that_goes_on_that_all_is_committed():
    script = status(Script().prompt("p1", 0), " M b.py", "aaaaaaa x")
    script.answer(2, tools=[("t1", "Edit", {"file_path": "a"})])
    use = one(status(script).command("p2", 9))
    assert (use.commit, use.clean, use.edited) == ("4f80c14", True, False)


def test_pictures_and_the_words_of_the_client_are_told_from_what_was_typed():
    words = [
        {"type": "text", "text": "<ide_opened_file>a.py</ide_opened_file>"},
        {"type": "image", "source": {}},
        {"type": "text", "text": "Is it any good?"},
    ]
    script = Script().user("p1", 0, words)
    use = one(script.answer(3, tools=[("t1", "Skill", {"skill": "review"})]))
    assert (use.prompt, use.pictures) == ("Is it any good?", True)


def test_lines_of_any_shape_are_passed_over():
    odd = (
        b'{"type":"user","message":{"content":[1,{"type":"text","text":7}]}}\n[]\n{"x":\n\xff\n'
        b'{"type":"assistant","message":{"content":[{"type":"tool_use","input":[]}]}}\n'
        b'{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Task","input":'
        b'{"subagent_type":["review"],"prompt":"x"}}]}}\n'
        b'{"type":"attachment","attachment":{"type":"session_context","context":[]}}\n'
    )
    assert not list(uses_in(odd.splitlines(keepends=True), lambda _: True))


def kept(client, name, script, at=100, root="/home/user/project"):
    """Keep a session as the client would."""
    script.lines[0]["cwd"] = root
    path = client / "projects" / folded(root) / f"{name}.jsonl"
    script.write(path)
    os.utime(path, (START + at, START + at))
    return path


def test_a_copy_is_no_second_use(tmp_path):
    """A session that was resumed or forked holds what was said before."""
    for name, at in (("two", 300), ("one", 100), ("three", 200)):
        script = Script().command("p1", 0).answer(5)
        script.lines[0]["sessionId"] = name
        kept(tmp_path, name, script, at)
    seen = session_uses(tmp_path, "review", root=Path("/home/user/project"))
    assert [use.session for use in seen.uses] == ["one"]  # as long as that is there
    assert (seen.files, seen.left_out) == (3, 0)


def test_uses_are_of_the_name_the_time_and_the_root_that_were_asked_for(tmp_path):
    kept(tmp_path, "a", Script().command("p1", 10, name="git:review"))
    kept(tmp_path, "b", Script().command("p1", 20, name="review"))
    kept(tmp_path, "c", Script().command("p1", 30, name="git:review"), root="/home/user/other")

    def times(name="review", **asked):
        seen = session_uses(tmp_path, name, **{"root": Path("/home/user/project"), **asked})
        return [use.at - START for use in seen.uses]

    assert times() == times(of_any_plugin=True) == [20]  # that is how it is called here
    assert times("git:review") == [10]
    assert times("git:review", root=None) == [30, 10]
    assert times("git:review", root=None, since=START + 15) == [30]
    kept(tmp_path, "b", Script().command("p1", 20, name="else"))
    assert times() == []
    assert times(of_any_plugin=True) == [10]
