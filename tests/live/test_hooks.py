"""Hooks: they hand over, switch agents, allow what was allowed, and say nothing else."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests import logs
from tests.live.stage import REPOSITORY, TOKEN, Stage
from tests.transcripts.script import Script

from meta_experiment.live.arguments import POINTER
from meta_experiment.live.handovers import pending
from meta_experiment.protocol import places
from meta_experiment.protocol.sessions import PromptRef
from meta_experiment.protocol.texts import SHIM

SKILL = ".claude/skills/review/SKILL.md"
AGENT = ".claude/agents/checker.md"


def turn(stage, session="s1"):
    return stage.session(session).read_turn()


def folder(stage, session="s1"):
    return Path(stage.session(session).folder)


def skill(stage, **changes):
    return stage.run(
        **{"kind": "skill", "form": "inplace", "path": SKILL, "allow": True, **changes}
    )


def agent(stage, **changes):
    given = {"kind": "agent", "form": "agents", "path": AGENT, "name": "checker"}
    front = "---\nname: {}\n---\n"
    changes = {"sequence": "1010", "front": front.format("checker"), **changes}
    entry = stage.run(**{**given, **changes})
    for arm in entry.arms[1:]:
        text = front.format(f"checker-{arm}") + "Agent"
        stage.seal({places.body_name(arm): text}, entry.id)
        stage.write(entry.path.replace(".md", f"-{arm}.md"), text)
    return entry


def start(stage, prompt="p1", wanted="checker", started="", **given):
    """Have the model start an agent, in a client that was started in some folder."""
    given = {"subagent_type": wanted, "prompt": "do", **given}
    project = str(started or stage.root)
    printed = stage.tool("Agent", given, prompt, CLAUDE_PROJECT_DIR=project)
    return json.loads(printed)["hookSpecificOutput"] if printed else None


def test_a_called_command_hands_over_and_says_nothing(stage):
    stage.run()
    assert stage.typed("a\nb", "p1") == ""
    assert turn(stage).prompt_id == "p1"
    assert turn(stage).project == str(stage.root)
    (handover,) = pending(stage.session(), "review")
    assert handover.arguments == "a\nb"
    assert time.time() - Path(places.heartbeat(str(stage.root))).stat().st_mtime < 60


@pytest.mark.parametrize("name", ["other", "plug:review", "reviewer", ""])
def test_other_commands_leave_no_trace(stage, name):
    stage.run()
    assert stage.typed("x", "p1", name) == ""
    assert not folder(stage).exists()


def test_a_plugins_prompt_is_known_by_both_its_names(tmp_path):
    stage = Stage(tmp_path, places.PLUGIN)
    stage.run(name="plug:review", path="commands/review.md")
    for number, name in enumerate(["plug:review", "review", "other:review"]):
        stage.typed("x", "p1", name)
        found = pending(stage.session(), "plug:review")
        assert len(found) == min(number + 1, 2)


def test_a_skill_that_was_free_to_use_is_allowed(stage):
    skill(stage)
    answer = json.loads(stage.tool("Skill", {"skill": "review", "args": "x y"}))
    assert answer["hookSpecificOutput"]["permissionDecision"] == "allow"
    assert stage.text().endswith("for x y.")


@pytest.mark.parametrize("case", ["asked before", "edited", "another", "other name", "ended"])
def test_nothing_else_is_allowed(stage, case):
    state = "ended" if case == "ended" else "running"
    skill(stage, allow=case != "asked before", state=state)
    if case == "edited":
        stage.write(SKILL, "---\nallowed-tools: Bash(*)\n---\n")
    if case == "another":
        path = stage.home / ".claude/skills/review/SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text("---\nallowed-tools: Bash(*)\n---\n")
    name = "plug:review" if case == "other name" else "review"
    assert stage.tool("Skill", {"skill": name, "args": ""}) == ""


SHADOW = ".claude/skills/review/SKILL.md"


def shadow(stage, **changes):
    """A command under experiment, with the skill that goes before it."""
    entry = stage.run(**{"allow": True, **changes})
    stage.write(SHADOW, stage.text_path(SHIM, entry.id).read_bytes())
    return entry


def called(stage, name, prompt="p1"):
    printed = stage.tool("Skill", {"skill": name, "args": "x"}, prompt)
    return json.loads(printed)["hookSpecificOutput"] if printed else {}


@pytest.mark.parametrize("name", ["review", "/review", " review "])
def test_a_command_that_the_model_could_call_is_allowed(stage, name):
    shadow(stage)
    assert called(stage, name)["permissionDecision"] == "allow"
    assert stage.text().endswith("for x.")


@pytest.mark.parametrize("case", ["asked before", "edited", "edited shadow", "ended"])
def test_no_other_command_is_allowed(stage, case):
    state = "ended" if case == "ended" else "running"
    entry = shadow(stage, allow=case != "asked before", state=state)
    if case.startswith("edited"):
        path = entry.path if case == "edited" else SHADOW
        stage.write(path, "---\nallowed-tools: Bash(*)\n---\n")
    assert called(stage, "review") == {}


@pytest.mark.parametrize("name", ["judge", "review"])
def test_a_skill_is_allowed_by_the_name_in_its_head(stage, name):
    """What is allowed is the skill by its own name, which nothing else can have."""
    skill(stage, front="---\nname: 'judge' # why\n---\n")
    answer = called(stage, name)
    assert answer["permissionDecision"] == "allow"
    given = answer.get("updatedInput", {"skill": name, "args": "x"})
    assert given == {"skill": "review", "args": "x"}
    assert stage.text().endswith("for x.")


@pytest.mark.parametrize("path", ["skills/judge/SKILL.md", "commands/judge.md"])
def test_a_name_that_something_else_has_is_not_allowed(stage, path):
    skill(stage, front="---\nname: judge\n---\n")
    stage.write(f".claude/{path}", "---\nallowed-tools: Bash(*)\n---\n")
    assert called(stage, "judge") == {}


def test_a_plugins_skill_is_allowed_by_its_bare_name(tmp_path):
    stage = Stage(tmp_path, places.PLUGIN)
    skill(stage, name="plug:review", path="skills/review/SKILL.md")
    assert called(stage, "review")["updatedInput"]["skill"] == "plug:review"
    assert "updatedInput" not in called(stage, "plug:review")


def touched(path):
    """Return whether a file was touched since it was last asked about."""
    now = path.stat().st_mtime > 1
    os.utime(path, (1, 1))
    return now


@pytest.mark.parametrize("form", ["shadow", "in place"])
@pytest.mark.parametrize("later", ["answer", "next prompt"])
def test_a_stand_in_that_a_session_did_not_notice_is_renewed(stage, form, later):
    """A client that was starting when it was placed does not watch it; a touch wakes it."""
    entry = shadow(stage) if form == "shadow" else skill(stage)
    stand_in = stage.root / SHADOW
    bystander = stage.root / entry.path if form == "shadow" else stage.write("x/SKILL.md", "")
    touched(stand_in), touched(bystander)
    stage.typed("x", "p1")
    assert not touched(stand_in)
    if later == "answer":
        stage.hook("Stop", "stop", {"prompt_id": "p1", "background_tasks": [{"id": "b"}]})
    else:
        stage.typed("x", "p2")
    assert touched(stand_in)
    assert not touched(bystander)
    stage.typed("x", "p3")
    touched(stand_in)
    stage.text()
    stage.hook("Stop", "stop", {"prompt_id": "p3"})
    assert not touched(stand_in)


def test_what_is_not_ours_is_not_renewed(stage):
    entry = skill(stage)
    path = stage.write(entry.path, "my own")
    touched(path)
    for number in range(3):
        stage.typed("x", f"p{number}")
    assert not touched(path)


def test_copies_of_an_agent_that_a_session_does_not_list_are_renewed(stage):
    """Then it finds them, and the agent is switched."""
    agent(stage)
    path = stage.root / AGENT.replace(".md", "-treatment.md")
    listing = {"type": "agent_listing_delta", "addedTypes": ["checker"]}
    row = json.dumps({"attachment": listing}, separators=(",", ":"))
    (stage.home / "transcript.jsonl").write_text(row + "\n")
    touched(path)
    assert start(stage) is None
    assert touched(path)


@pytest.mark.parametrize(
    ("since", "listed", "switched"), [(60, 59, False), (60, 61, True), (-60, -61, True)]
)
def test_a_list_from_before_the_copies_were_put_back_is_not_believed_at_once(
    stage, since, listed, switched
):
    """The client may know only that they went, and start neither text. In seconds from now."""
    now = time.time()
    agent(stage, since=now + since)
    stamp = datetime.fromtimestamp(now + listed, UTC).isoformat(timespec="milliseconds")
    listing = {
        "type": "agent_listing_delta",
        "addedTypes": ["checker", "checker-treatment"],
        "removedTypes": [],
    }
    row = {"attachment": listing, "timestamp": stamp.replace("+00:00", "Z")}
    text = json.dumps(row, separators=(",", ":")) + "\n"
    (stage.home / "transcript.jsonl").write_text(text)
    assert (start(stage) is not None) == switched
    assert len(stage.assignments()) == switched


def test_a_name_with_an_ended_experiment_as_well_is_handed_over_once(stage):
    """Sessions with the old text and sessions with the new one read the same hand-over."""
    stage.run("exp-0", state="ended")
    stage.run(sequence="000")
    for number in range(3):
        text = stage.call(f"x{number}", f"p{number}")
        assert text == f"Control for x{number}."


def by_agent(stage, arguments, prompt):
    """Have an agent in the background call the skill."""
    given = {"skill": "review", "args": arguments}
    document = {"prompt_id": prompt, "tool_name": "Skill", "tool_input": given}
    stage.hook("PreToolUse", "tool", {**document, "agent_id": "a1", "agent_type": "x"})


@pytest.mark.parametrize("arguments", ["blocked", "good"])
@pytest.mark.parametrize("how", ["typed", "called", "preloaded"])
def test_a_prompt_that_was_broken_off_leaves_nothing_to_the_next(stage, how, arguments):
    """Escape before it was expanded, or a client that has not read the stand-in yet."""
    skill(stage, sequence="0000")
    stage.typed(arguments, "p1")
    stage.typed("other", "p1", name="plain")
    if how == "typed":
        stage.typed("good", "p2")
    elif how == "called":
        called(stage, "review", "p2")
    else:
        start(stage, "p2", "general-purpose")
    given = {"typed": "good", "called": "x", "preloaded": ""}[how]
    assert stage.text() == f"Control for {given}."
    assert pending(stage.session()) == []
    (trial,) = stage.session().open_trials()
    assert trial.prompt_id == "p2"


@pytest.mark.parametrize("arguments", ["blocked", "good"])
def test_a_call_of_an_agent_that_was_broken_off_makes_one_other_doubtful(stage, arguments):
    """It may still be on its way, as the agent runs beside the conversation."""
    stage.run(sequence="0000")
    by_agent(stage, arguments, "p1")
    assert stage.call("good", "p2") == f"Control for {POINTER}."
    for number in (3, 4):
        assert stage.call("fine", f"p{number}") == "Control for fine."


@pytest.mark.parametrize(("left", "given"), [([], "good"), ([{"id": "b1"}], POINTER)])
def test_the_end_of_an_answer_drops_what_its_agents_left(stage, left, given):
    """Unless one of them still runs."""
    stage.run(sequence="0000")
    by_agent(stage, "blocked", "p1")
    stage.hook("Stop", "stop", {"prompt_id": "p1", "background_tasks": left})
    assert stage.call("good", "p2") == f"Control for {given}."


@pytest.mark.parametrize("state", ["running", "ended"])
@pytest.mark.parametrize("how", ["typed", "called", "agent", "copy"])
def test_a_use_that_nothing_serves_ends_what_was_open(stage, how, state):
    """The stand-in is gone, or the session has not read it yet: the file runs as it is."""
    stage.run("exp-2", name="other", path=".claude/commands/other.md")
    if how in ("agent", "copy"):
        agent(stage, state=state)
        stage.write(AGENT, "edited")
    else:
        skill(stage, state=state)
    stage.typed("x", "p0", "other")
    stage.text(experiment_id="exp-2")
    if how == "typed":
        stage.typed("x", "p1")
    elif how == "called":
        called(stage, "review")
    elif how == "agent" or state == "running":
        start(stage, wanted="checker" if how == "agent" else "checker-treatment")
    else:
        start(stage)
    assert stage.session().read_prompts() == ["p0", "p1"]
    (trial,) = stage.session().open_trials()
    assert trial.experiment_id == "exp-2"
    assert stage.faults() == []


@pytest.mark.parametrize(
    "rule", ["Agent(checker)", "Task(checker)", "Agent(checker-treatment)", "Agent", "Task(*)"]
)
@pytest.mark.parametrize("name", ["deny", "ask"])
def test_an_agent_that_a_rule_speaks_of_is_left_to_the_client(stage, name, rule):
    """The client would look at the rules for the name of the variant only."""
    agent(stage)
    stage.write(".claude/settings.json", json.dumps({"permissions": {name: [rule]}}))
    assert start(stage) is None
    assert stage.assignments() == []


def test_an_agent_that_a_hook_is_for_by_its_name_runs_as_it_is(stage):
    """It may be its guard; the use is not counted, and that is said."""
    agent(stage)
    hooks = {"SubagentStart": [{"matcher": "checker", "hooks": []}]}
    stage.write(".claude/settings.json", json.dumps({"hooks": hooks}))
    assert start(stage) is None
    assert stage.assignments() == []
    (line,) = stage.faults()
    assert "exp-1: the agent ran without a trial" in line
    assert ".claude/settings.json" in line


def test_rules_about_other_agents_change_nothing(stage):
    agent(stage)
    rules = {"deny": ["Agent(other)", "Bash"], "allow": ["Agent(checker)"]}
    stage.write(".claude/settings.json", json.dumps({"permissions": rules}))
    assert start(stage)["updatedInput"]["subagent_type"] == "checker-treatment"


def test_the_trial_of_an_agent_knows_how_long_its_task_is(stage):
    agent(stage)
    start(stage)
    assert [trial.argument_length for trial in stage.session().open_trials()] == [len("do")]


@pytest.mark.parametrize(("sequence", "name"), [("0", "checker"), ("1", "checker-treatment")])
def test_an_agent_that_the_model_asks_for_by_the_name_of_a_copy_gets_its_own_arm(
    stage, sequence, name
):
    """The list of agents shows the copies; which one runs is drawn all the same."""
    agent(stage, sequence=sequence)
    answer = start(stage, wanted="checker-treatment")
    led = answer["updatedInput"]["subagent_type"] if answer else "checker-treatment"
    assert led == name
    (trial,) = stage.session().open_trials()
    assert trial.variant == ("control", "treatment")[int(sequence)]


def test_a_copy_is_not_started_where_nothing_can_be_served(stage):
    """Neither around a rule that forbids the agent, nor beside a file that was edited."""
    agent(stage)
    stage.write(
        ".claude/settings.json", json.dumps({"permissions": {"deny": ["Agent(checker)"]}})
    )
    assert (
        start(stage, wanted="checker-treatment")["updatedInput"]["subagent_type"] == "checker"
    )
    assert stage.assignments() == []


def test_an_agent_gets_its_variant_once_for_each_prompt(stage):
    agent(stage)
    answer = start(stage, description="d")
    assert answer["updatedInput"] == {
        "subagent_type": "checker-treatment", "prompt": "do", "description": "d",
    }  # fmt: skip
    assert "permissionDecision" not in answer
    assert start(stage)["updatedInput"]["subagent_type"] == "checker-treatment"
    assert start(stage, "p2") is None
    assert [trial.variant for trial in stage.session().open_trials()] == [
        "treatment", "control",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "case", ["edited", "not placed", "replaced", "ended", "new", "plugin", "other"]
)
def test_an_agent_that_cannot_be_served_starts_as_asked_for(tmp_path, case):
    stage = Stage(tmp_path, places.PLUGIN if case == "plugin" else places.PROJECT)
    entry = agent(
        stage,
        state="ended" if case == "ended" else "running",
        since=time.time() if case == "new" else 1_000_000_000.0,
    )
    transcript = stage.home / "transcript.jsonl"
    transcript.write_text('{"timestamp":"2001-01-01T00:00:00.000Z"}\n')
    if case == "edited":
        stage.write(AGENT, "mine")
    if case == "not placed":
        (stage.root / AGENT.replace(".md", "-treatment.md")).unlink()
    if case == "replaced":  # by what a pull brought along
        stage.write(AGENT.replace(".md", "-treatment.md"), "theirs")
    assert start(stage, wanted="else" if case == "other" else "checker") is None
    assert stage.assignments(entry.id) == []


def test_an_agent_ends_the_task_of_another_root(stage):
    """A personal agent in a project where a command is under experiment as well."""
    stage.run("exp-2", name="review")
    stage.call("x", "p1", experiment_id="exp-2")
    mine = Stage(stage.home.parent / "mine", scope=places.USER)
    mine.environment = stage.environment
    stage.environment["CLAUDE_CONFIG_DIR"] = str(mine.root / ".claude")
    agent(mine)
    roots = Path(places.roots_file(places.data_folder(stage.environment)))
    lines = [places.Root(TOKEN, one.scope, str(one.root)) for one in (stage, mine)]
    roots.write_text("".join(map(places.format_root, lines)))
    assert start(stage, "p2")["updatedInput"]["subagent_type"] == "checker-treatment"
    prompts = stage.session().read_prompts()
    assert prompts == ["p1", "p2"]


@pytest.mark.parametrize(
    ("case", "switched"),
    [("below", True), ("another below", False), ("a worktree", False), ("around", False)],
)
def test_an_agent_is_switched_where_its_name_means_this_file(tmp_path, case, switched):
    """Not where the client, by where it was started, has another of the name, or none."""
    stage = Stage(tmp_path)
    agent(stage)
    (stage.root / ".git").mkdir()
    place = stage.root / ".claude/worktrees/x" if case == "a worktree" else stage.root / "sub"
    place.mkdir(parents=True)
    if case == "a worktree":
        (place / ".git").write_text(f"gitdir: {stage.root}/.git/worktrees/x\n")
    if case in ("another below", "a worktree"):
        own = place / AGENT
        own.parent.mkdir(parents=True)
        own.write_bytes((stage.root / AGENT).read_bytes())
    started = stage.root.parent if case == "around" else place
    assert (start(stage, started=started) is not None) == switched
    assert len(stage.assignments()) == switched


def test_a_personal_agent_gives_way_to_the_projects_own(stage):
    """Project and home have an agent of one name; the client takes the project's."""
    mine = Stage(stage.home.parent / "mine", scope=places.USER)
    mine.environment = {**mine.environment, "CLAUDE_CONFIG_DIR": str(mine.root / ".claude")}
    agent(mine)
    assert start(mine, "p1", started=stage.root) is not None
    stage.write(".claude/agents/team/any.md", "---\nname: checker\n---\nOurs")
    assert start(mine, "p2", started=stage.root) is None
    assert start(mine, "p4", started=mine.root.parent) is None
    assert len(mine.assignments()) == 2


@pytest.mark.parametrize(
    ("added", "removed", "switched"),
    [
        (["plug:checker", "plug:checker-treatment"], [], True),
        (["plug:checker"], [], False),
        (["plug:checker", "plug:checker-treatment"], ["plug:checker-treatment"], False),
    ],
)
def test_an_agent_is_switched_where_the_client_lists_the_other(
    tmp_path, added, removed, switched
):
    """An installed copy of the plugin has the agent and no variant of it."""
    stage = Stage(tmp_path, places.PLUGIN)
    agent(stage, name="plug:checker", path="agents/checker.md")
    rows = [
        {"timestamp": "2026-01-01T00:00:00.000Z", "attachment": {"type": "agent_listing_delta"}}
        for _ in range(2)
    ]
    rows[0]["attachment"] |= {"addedTypes": added, "removedTypes": []}
    rows[1]["attachment"] |= {"addedTypes": [], "removedTypes": removed}
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    (stage.home / "transcript.jsonl").write_text(text + '{"type":"agent_listing_delta"')
    answer = start(stage, wanted="plug:checker")
    assert (answer is not None) == switched
    assert not stage.faults()


def test_a_session_that_began_later_knows_the_agents_of_a_plugin(tmp_path):
    stage = Stage(tmp_path, places.PLUGIN)
    agent(stage, since=1_000_000_000.0)
    stamp = '{"timestamp":"2026-01-01T00:00:00.000Z"}\n'
    (stage.home / "transcript.jsonl").write_text(stamp)
    assert start(stage)["updatedInput"]["subagent_type"] == "checker-treatment"


@pytest.mark.parametrize(
    ("source", "switched"), [("startup", True), ("clear", False), ("resume", False)]
)
def test_a_client_that_began_later_knows_the_agents_before_its_transcript_tells(
    stage, source, switched
):
    """Not one that goes on in another session, as at `/clear`."""
    agent(stage, since=time.time())
    stage.hook("SessionStart", "start", {"source": source})
    assert (start(stage) is not None) == switched


def test_an_agent_that_may_bring_a_skill_along_tells_the_prompt(stage):
    skill(stage, sequence="0")
    assert start(stage, "p5", "general-purpose") is None
    assert turn(stage).prompt_id == "p5"
    assert stage.text() == "Control for ."
    (trial,) = stage.session().open_trials()
    assert trial.prompt_id == "p5"


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"hook_event_name": "UserPromptExpansion"}',
     b'{"hook_event_name": 3}', b'{"hook_event_name":"PreToolUse","tool_name":"Agent"}',
     b'{"hook_event_name":"PreToolUse","tool_input":{"skill":7},"tool_name":"Skill"}',
     b'{"hook_event_name":"Stop"}', b'{"hook_event_name":"SessionEnd","session_id":"../x"}',
     b'{"hook_event_name":"UserPromptExpansion","command_name":"review","session_id":""}',
     b"[" * 100_000],
)  # fmt: skip
@pytest.mark.parametrize("event", ["prompt", "stop"])
def test_malformed_events_are_harmless(stage, event, document):
    stage.run()
    folder(stage).mkdir(parents=True)
    assert stage.hook("", event, document) == ""


def test_an_event_that_cannot_be_read_is_told_where_the_session_is(stage):
    stage.run()
    stage.hook("", "prompt", b"{")
    (line,) = stage.faults()
    assert "ValueError" in line


def test_a_fault_is_one_line_without_text_or_token(stage):
    stage.run()
    stage.write(".claude/meta/local/sessions", b"a file where the folder should be")
    stage.typed("secret", "p1")
    (line,) = stage.faults()
    assert "hook" in line
    assert "secret" not in line


def python_started(stage, event, directory=None, session="s1", told=b"told"):
    """Tell whether the wrapper let the event through, by a Python that leaves a mark."""
    mark = stage.home / "started"
    spy = stage.home / "spy"
    spy.write_text(f"#!/bin/sh\ncat >'{mark}'\nexit 2\n")
    spy.chmod(0o755)
    mark.unlink(missing_ok=True)
    done = subprocess.run(
        [str(REPOSITORY / "hooks" / "observe"), event],
        cwd=directory or stage.root,
        env={
            **stage.environment,
            "META_EXPERIMENT_PYTHON": str(spy),
            "CLAUDE_PROJECT_DIR": str(directory or stage.root),
            "CLAUDE_CODE_SESSION_ID": session,
        },
        input=told,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not mark.exists() or mark.read_bytes().rstrip(b"\n") == told.rstrip(b"\n")
    return mark.exists()


def test_the_wrapper_starts_python_only_where_an_experiment_can_be_concerned(stage, tmp_path):
    stage.run()
    elsewhere, below = tmp_path / "elsewhere", stage.root / "src"
    linked = tmp_path / "linked"
    for directory in (elsewhere, below):
        directory.mkdir()
    linked.symlink_to(stage.root)
    for event in ("start", "prompt", "tool"):
        assert python_started(stage, event)
        assert python_started(stage, event, below)
        assert python_started(stage, event, linked)
        assert not python_started(stage, event, elsewhere)
    for event in ("stop", "end"):
        assert not python_started(stage, event)
        folder(stage).mkdir(parents=True, exist_ok=True)
        assert python_started(stage, event, elsewhere)
        assert not python_started(stage, event, session="s2")
        folder(stage).rmdir()


def answered(stage, prompt, **more):
    """Say that a prompt has its answer, and that no agent of it is at work."""
    stage.hook("Stop", "stop", {"prompt_id": prompt, "background_tasks": [], **more})


def test_once_looked_after_a_session_starts_no_python_until_a_prompt_is_used_again(stage):
    stage.run()
    stage.call("x", "p1")
    assert python_started(stage, "stop")
    answered(stage, "p1")
    assert not python_started(stage, "stop")
    assert python_started(stage, "end")
    stage.typed("y", "p2")
    assert python_started(stage, "stop")


def test_time_alone_has_a_session_looked_after_again(stage):
    """A pause of half an hour ends the last trial of a session."""
    stage.run()
    stage.call("x", "p1")
    answered(stage, "p1")
    seen = folder(stage) / "seen"
    assert time.time() < seen.stat().st_mtime < time.time() + 1800
    os.utime(seen, (0, time.time() - 5))
    assert python_started(stage, "stop")


@pytest.mark.parametrize("case", ["agents", "bounded", "ended", "unreadable"])
def test_what_waits_has_a_session_looked_after_each_time(stage, case):
    stage.run()
    stage.call("x", "p1")
    if case == "agents":  # their arguments are on the way
        stage.hook("PreToolUse", "tool", {
            "prompt_id": "p1", "agent_id": "a", "tool_name": "Skill",
            "tool_input": {"skill": "review", "args": "late"},
        })  # fmt: skip
        answered(stage, "p1", background_tasks=["a"])
    elif case == "bounded":  # its transcript is not written yet
        stage.call("y", "p2")
        answered(stage, "p2")
    elif case == "ended":
        (trial,) = stage.session().open_trials()
        trial.until_ms = int(time.time() * 1000)
        stage.session().write_trial(trial, anew=True)
        answered(stage, "p1")
    else:
        Path(places.local_id(str(stage.root))).write_bytes(b"another")
        answered(stage, "p1")
    assert python_started(stage, "stop")


@pytest.mark.parametrize(
    ("name", "started"),
    [("review", True), ("other", False), ("revie", False), ("git:review", False), ("é", True),
     ("", True), ("re.iew", False), ("command_name", False)],
)  # fmt: skip
def test_a_command_that_no_experiment_has_starts_no_python(stage, name, started):
    stage.run()
    document = {"x": '"command_name":"review"', "command_name": name, "command_args": "a\n" * 9}
    told = json.dumps(document, separators=(",", ":"))
    assert python_started(stage, "prompt", told=told.encode()) == started
    assert python_started(stage, "prompt", told=json.dumps(document, indent=1).encode())


def test_the_bare_name_of_a_plugins_command_starts_python(tmp_path):
    stage = Stage(tmp_path, places.PLUGIN)
    stage.run(name="plug:review")
    for name in ("plug:review", "review"):
        assert python_started(stage, "prompt", told=b'{"command_name":"%s"}' % name.encode())


def test_a_personal_root_is_met_everywhere(tmp_path):
    stage = Stage(tmp_path, places.USER)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert python_started(stage, "prompt", elsewhere)


def test_without_roots_nothing_starts(stage):
    path = Path(places.roots_file(places.data_folder(stage.environment)))
    path.write_text("")
    assert not python_started(stage, "prompt")
    path.unlink()
    assert not python_started(stage, "prompt")


def test_the_wrapper_reads_the_second_root_too(stage):
    path = Path(places.roots_file(places.data_folder(stage.environment)))
    path.write_text(f"ffff\tproject\t/nowhere\nbroken\n{TOKEN}\tproject\t{stage.root}\n")
    assert python_started(stage, "prompt")


def test_the_interpreter_that_start_found_is_used(stage):
    stage.run(sequence="0")
    data = Path(places.data_folder(stage.environment))
    spy = stage.home / "spy"
    spy.write_text("#!/bin/sh\necho spied\n")
    spy.chmod(0o755)
    Path(places.python_file(str(data))).write_text(f"{spy}\n")
    given = {"META_EXPERIMENT_PYTHON": ""}
    assert stage.text(environment=given) == "spied\n"
    Path(places.python_file(str(data))).write_text("/gone\n")
    path = os.environ["PATH"]
    assert stage.text(environment={**given, "PATH": path}).startswith("Control")


def test_an_update_that_is_replacing_the_plugin_blocks_nothing(tmp_path):
    copy = tmp_path / "hooks" / "observe"
    copy.parent.mkdir()
    copy.write_bytes((REPOSITORY / "hooks" / "observe").read_bytes())
    done = subprocess.run(["sh", str(copy), "prompt"], check=False, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_stop_and_the_end_of_a_session_close(stage):
    """The end closes all that is open: here without a transcript, so with a reason."""
    stage.run(sequence="0")
    stage.write(".claude/meta/local/auto.stamp", b"1\n")  # no run apart from this test
    stage.call("x", "p1")
    assert stage.hook("Stop", "stop", {"prompt_id": "p1"}) == ""
    assert len(stage.session().open_trials()) == 1
    assert stage.hook("SessionEnd", "end", {"prompt_id": "p1"}) == ""
    assert not folder(stage).exists()
    (record,) = map(json.loads, logs.lines(logs.live_log(stage.root, "exp-1")).splitlines())
    assert record["reason"] == "transcript_missing"
    assert stage.faults() == []


def test_a_turn_that_is_told_again_is_kept_while_its_folder_is_removed(stage, monkeypatch):
    """The file of a prompt stays the same, as its parts are locked by it; unless it is gone."""
    stage.run()
    monkeypatch.setenv("HOME", str(stage.home))
    told, file = PromptRef("p1", "/t"), Path(stage.session().turn_file)
    stage.session().write_turn(told)
    number = file.stat().st_ino
    os.utime(file, (1, 1))
    stage.session().write_turn(told)
    assert (file.stat().st_ino, file.stat().st_mtime > 1) == (number, True)
    utime = os.utime

    def removed(path):
        shutil.rmtree(folder(stage))
        utime(path)

    monkeypatch.setattr(os, "utime", removed)
    stage.session().write_turn(told)
    assert turn(stage).prompt_id == "p1"


@pytest.mark.parametrize(
    "event", [("Stop", "stop"), ("SessionEnd", "end")], ids=lambda it: it[0]
)
def test_a_log_that_another_process_writes_at_this_moment_is_no_fault(stage, event):
    """What could not be closed is closed by the next who looks."""
    stage.run()
    transcript = stage.home / "transcript.jsonl"
    script = Script()
    for number in (1, 2):
        stage.call("one", prompt=f"p{number}")
        script.command(f"p{number}", 10 * number).answer(10 * number + 5)
    script.write(transcript)
    lock = Path(places.lock(str(stage.root), "live"))
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        stage.hook(*event, {"prompt_id": "p2", "background_tasks": [], "reason": "other"})
    assert len(stage.session().open_trials()) == 2
    assert stage.faults() == []
