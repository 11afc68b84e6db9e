"""Whatever is wrong around it, the user's prompt runs, with the text it would have had."""

import json
import os
import re
import shutil
import sys
from dataclasses import replace

import pytest
from tests.client.endpoint import Endpoint
from tests.client.live import (
    AGENT,
    CALLED_SKILL,
    COMMAND,
    KINDS,
    PLUGIN_COMMAND,
    TYPED_SKILL,
    USER_COMMAND,
    Model,
    begin,
    ledger,
)
from tests.everyday import some

pytestmark = pytest.mark.client

HOSTILE = [
    "it's \"quoted\" 'twice' item-1",
    "$(touch STOLEN) `touch STOLEN` ${HOME} item-2",
    "!`touch STOLEN` '; touch STOLEN; echo ' item-3",
    "two\nlines && touch STOLEN\n\n# and a heading item-4",
    "emoji 🧪 ünïcode \\ back\\slash \\n $$ %s item-5",
    '" ; touch STOLEN # item-6',
    "$1 $ARGUMENTS $0 \\$5 $5.00 item-7",
    "EOF\n`touch STOLEN`\nEOF\n<x>&amp;</x> item-8",
]


POWERS = "-dac_override,-dac_read_search,-fowner,-chown"
POWERLESS = f"setpriv --bounding-set={POWERS} " if os.geteuid() == 0 else ""  # root may write
ARMS = ("control", "treatment")
QUICK = [
    kind if kind in (USER_COMMAND, CALLED_SKILL) else pytest.param(kind, marks=pytest.mark.long)
    for kind in KINDS
]


def all_control(endpoint, times):
    """Tell whether the last request holds the control's text that often, and no other."""
    seen = "\n".join(endpoint.turns[-1].texts())
    return seen.count("[arm control: ") == times and "[arm treatment" not in seen


@pytest.mark.long
def test_hostile_arguments_arrive_unchanged_and_run_nothing(client):
    """What the user typed stands in both arms' text, and no shell has seen it."""
    live = begin(client, COMMAND)
    served = set()
    with (
        Endpoint(respond=Model(COMMAND)) as endpoint,
        live.client.session(endpoint) as session,
    ):
        for words in HOSTILE:
            session.say(f"/review {words}")
            seen = "\n".join(endpoint.turns[-1].texts())
            told = words.replace("!`", "\\! `")  # the client does so to every argument
            arms = [arm for arm in ARMS if f"[arm {arm}: {told}]" in seen]
            assert len(arms) == 1, words
            served.update(arms)
        session.close()
    assert served == set(ARMS)
    assert list(client.folder.rglob("STOLEN")) == []
    assert len(live.trials()) == len(HOSTILE)


@pytest.mark.long
def test_arguments_too_long_for_the_prompt_come_at_its_end(client):
    """100 kB of arguments arrive once, through the client, and the text points there."""
    live = begin(client, COMMAND)
    words = "item-1 " + "`touch STOLEN` $(touch STOLEN) 'x' \"y\" 🧪 " * 2_500
    assert len(words) > 100_000
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        with live.client.session(endpoint) as session:
            session.say(f"/review {words}")
            session.close()
        seen = "\n".join(endpoint.turns[-1].texts())
    body = seen[seen.index("# Review") :]
    assert re.match(
        r"# Review\n\n\[arm (control|treatment): \(see ARGUMENTS at the end\)", body
    )
    assert f"ARGUMENTS: {words.strip()}" in body
    assert list(client.folder.rglob("STOLEN")) == []
    (trial,) = live.trials()
    assert trial["status"] == "ok"


@pytest.mark.long
def test_a_prompt_of_sixty_kilobytes_arrives_whole(client):
    """A text longer than one injection may print is there to the end, in each arm."""
    part = "\n## Part {number}\n\n" + "Rule {number}: be careful.\n" * 60
    chapters = "".join(part.format(number=number) for number in range(50))
    kind = replace(COMMAND, text=COMMAND.text + chapters)
    assert len(kind.text) > 60_000
    live = begin(client, kind)
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5))
        sent = ledger(endpoint.turns)
        for item, row in sent.items():
            text = kind.treatment if row.variant == "treatment" else kind.control
            body = text.partition("---\n")[2].partition("---\n")[2]
            wanted = body.replace("$ARGUMENTS", f"item-{item}").strip()
            assert any(wanted in text for text in endpoint.turns[-1].texts()), item
    assert {row.variant for row in sent.values()} == {"control", "treatment"}
    assert live.rows() == sorted(sent.values())


@pytest.mark.long
@pytest.mark.parametrize("kind", QUICK, ids=lambda kind: kind.name)
def test_without_the_plugin_the_prompt_is_the_control(client, kind):
    """The pack is gone, the experiment still there: control text, nothing recorded."""
    live = begin(client, kind)
    others = [plugin for plugin in live.client.plugins if plugin == live.root]
    bare = replace(live.client, plugins=others)
    # Without the hook the client asks before a model calls a skill with allowed-tools.
    with Endpoint(respond=Model(kind)) as endpoint:
        run = bare.ask(endpoint, live.prompt(1), "--allowedTools=Skill")
        texts = "\n".join(str(request.body) for request in endpoint.turns)
    assert run.exit_code == 0
    assert "[arm control" in texts
    assert "[arm treatment" not in texts
    assert "item-1" in run.seen()
    assert live.trials() == []


USER_SKILL = replace(TYPED_SKILL, name="user-skill", place="user")
PLAIN = replace(TYPED_SKILL, name="skill-without-repository")


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "directory"),
    [
        (USER_COMMAND, "source/deep"),
        pytest.param(TYPED_SKILL, "source/deep", marks=pytest.mark.long),
        pytest.param(COMMAND, "source/deep", marks=pytest.mark.long),
        pytest.param(TYPED_SKILL, ".", marks=pytest.mark.long),
        pytest.param(PLUGIN_COMMAND, ".", marks=pytest.mark.long),
        pytest.param(USER_SKILL, ".", marks=pytest.mark.long),
        pytest.param(PLAIN, ".", marks=pytest.mark.long),
    ],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.parametrize("gone", ["texts", "all"])
def test_the_line_never_aborts_and_ends_at_the_control(client, kind, directory, gone):
    """The plugin is gone, and texts that a pull replaced; or the machine's folder as well."""
    if kind is PLAIN:
        shutil.rmtree(client.project / ".git")
    live = begin(client, kind)
    below = live.client.project / directory
    below.mkdir(parents=True, exist_ok=True)
    for file in (live.root / ".claude/meta/local/live").glob("*/*"):
        file.write_text("[arm evil: $ARGUMENTS]")
    if gone == "all":
        shutil.rmtree(client.home / ".local/share/meta-experiment")
    plugins = [plugin for plugin in live.client.plugins if plugin == live.root]
    bare = replace(live.client, plugins=plugins)
    with Endpoint(respond=Model(kind)) as endpoint:
        run = bare.ask(endpoint, live.prompt(1), directory=below)
    seen = run.seen()
    assert run.exit_code == 0
    assert "[arm evil" not in seen
    assert "item-1" in seen
    if gone == "all" and kind in (USER_SKILL, PLAIN):  # where no copy is out of reach
        assert f"Read {live.root}/.claude/meta/local/live/{live.experiment}/original" in seen
    else:
        assert "[arm control" in seen


@pytest.mark.long
@pytest.mark.parametrize(
    "kind", [USER_COMMAND, pytest.param(TYPED_SKILL, marks=pytest.mark.long)]
)
def test_a_home_that_is_reached_by_a_link_aborts_nothing(client, kind):
    """The client looks where links lead before it lets a line read anything."""
    client.home.rename(client.folder / "real")
    client.home.symlink_to(client.folder / "real")
    live = begin(client, replace(kind, name="linked"))
    bare = replace(live.client, plugins=())
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 3))
        assert len(live.trials()) == 2
        run = bare.ask(endpoint, live.prompt(3))
    assert "[arm control" in run.seen()


@pytest.mark.long
@pytest.mark.parametrize("rule", ["Read(**/.git/**)", "Read(~/.local/**)", "Read(~/**)"])
def test_what_the_settings_deny_to_read_is_no_part_of_the_line(client, rule):
    """One path that is denied would abort all of it."""
    settings = {".claude/settings.json": json.dumps({"permissions": {"deny": [rule]}})}
    live = begin(client, TYPED_SKILL, before=settings)
    with Endpoint(respond=Model(TYPED_SKILL)) as endpoint:
        live.work(endpoint, range(1, 5))
        assert live.rows() == sorted(ledger(endpoint.turns).values())
        run = replace(live.client, plugins=()).ask(endpoint, live.prompt(5))
    assert "[arm control" in run.seen()


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "directory"),
    some([(COMMAND, "source/deep"), (COMMAND, "."), (USER_COMMAND, ".")], 1),
    ids=lambda value: getattr(value, "name", value),
)
def test_a_command_outlives_all_that_the_pack_ever_wrote(client, kind, directory):
    """Plugin and stored texts were deleted without `stop`: the command itself is read."""
    live = begin(client, kind)
    (live.client.project / directory).mkdir(parents=True, exist_ok=True)
    shutil.rmtree(live.root / ".claude" / "meta")
    bare = replace(live.client, plugins=())
    with Endpoint(respond=Model(kind)) as endpoint:
        run = bare.ask(endpoint, live.prompt(1), directory=live.client.project / directory)
    assert run.exit_code == 0
    assert "[arm control" in run.seen()
    assert "item-1" in run.seen()


@pytest.mark.long
@pytest.mark.parametrize("kind", [COMMAND, CALLED_SKILL], ids=lambda kind: kind.name)
def test_started_in_a_subdirectory(client, kind):
    """The project is found from below, and everything is as at its top."""
    live = begin(client, kind)
    below = live.root / "source" / "deep"
    below.mkdir(parents=True)
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5), below)
        sent = ledger(endpoint.turns)
    assert {row.variant for row in sent.values()} == {"control", "treatment"}
    assert live.rows() == sorted(sent.values())


@pytest.mark.long
@pytest.mark.parametrize(
    ("case", "switched"),
    [
        pytest.param("a worktree", False, marks=pytest.mark.long),
        ("a project's own", False),
        pytest.param("a worktree without agents", True, marks=pytest.mark.long),
    ],
)
def test_only_the_agent_under_experiment_is_switched(client, case, switched):
    """The client has another file by that name: it runs as ever, and nothing is counted."""
    if case == "a project's own":
        client.write(AGENT.path, AGENT.control)
    kind = replace(AGENT, place="user" if case == "a project's own" else "project")
    live = begin(client, kind)
    directory = live.client.project
    if case != "a project's own":
        directory = live.root / ".claude" / "worktrees" / "x"
        live.git("worktree", "add", "--quiet", "-b", "x", str(directory))
    if case == "a worktree":
        own = directory / kind.path
        own.write_text(own.read_text() + "Of this tree alone.\n")
    if case == "a worktree without agents":
        shutil.rmtree(directory / ".claude")
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5), directory)
        sent = ledger(endpoint.turns)
    assert {row.variant for row in sent.values()} == set(ARMS[: 1 + switched])
    assert live.rows() == (sorted(sent.values()) if switched else [])


@pytest.mark.long
@pytest.mark.parametrize("directory", [".", "source"])
def test_a_damaged_store_serves_the_control(client, directory):
    """Without the stored texts the user's command still runs."""
    live = begin(client, COMMAND)
    (live.root / "source").mkdir()
    folder = live.root / ".claude" / "meta"
    for file in [*folder.glob("local/live/*/*"), folder / "active.idx"]:
        file.write_bytes(b"\x00\xff damaged \t\n" * 7)
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        run = live.client.ask(endpoint, live.prompt(1), directory=live.root / directory)
    assert run.exit_code == 0
    assert "[arm treatment" not in run.seen()
    assert endpoint.turns, "the command did not run"


@pytest.mark.long
def test_a_missing_text_serves_the_control(client):
    """One arm's text is gone: who should get it gets the control's and is not counted."""
    live = begin(client, COMMAND)
    (text,) = (live.root / ".claude" / "meta").glob("local/live/*/treatment.md")
    text.unlink()
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        live.work(endpoint, range(1, 5))
        assert all_control(endpoint, 4)
    assert {trial["variant"] for trial in live.trials() if trial["exposed"]} <= {"control"}


def through(client, line):
    """Return a client whose hooks and injections start their Python by that line."""
    script = client.folder / "python"
    script.write_text(f"#!/bin/sh\n{line}\n")
    script.chmod(0o755)
    return replace(client, environment={"META_EXPERIMENT_PYTHON": str(script)})


@pytest.mark.long
def test_a_full_disk_does_not_reach_the_user(client):
    """Nothing can be written: the prompt runs, and nothing is half recorded."""
    live = begin(client, COMMAND)
    full = replace(live, client=through(client, f'ulimit -f 0; exec {sys.executable} "$@"'))
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        results = full.work(endpoint, range(1, 5))
        assert all_control(endpoint, 4)
    assert not any(result["is_error"] for result in results)
    assert [trial for trial in live.trials() if trial["exposed"]] == []


@pytest.mark.long
def test_a_project_that_cannot_be_written(client):
    """A read-only project serves the control, records nothing, and the status says why."""
    live = begin(client, COMMAND)
    folder = live.root / ".claude" / "meta"
    modes = {path: path.stat().st_mode for path in [folder, *folder.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    bound = replace(live, client=through(client, f'exec {POWERLESS}{sys.executable} "$@"'))
    try:
        with Endpoint(respond=Model(COMMAND)) as endpoint:
            results = bound.work(endpoint, range(1, 5))
            assert all_control(endpoint, 4)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert not any(result["is_error"] for result in results)
    assert live.trials() == []
    notes = "\n".join(live.meta("status")["notes"])
    assert "went wrong" in notes
    assert "Permission denied" in notes
    assert "4 uses" in notes
