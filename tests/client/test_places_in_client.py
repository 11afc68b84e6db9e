"""Where prompt files lie and where sessions begin: packages, plugins, links, working trees."""

import json
import shutil
import subprocess
import time
from dataclasses import replace

import pytest
from tests.client.endpoint import Endpoint
from tests.client.live import (
    AGENT,
    CALLED_SKILL,
    COMMAND,
    PROGRAM,
    TYPED_SKILL,
    USER_COMMAND,
    Model,
    begin,
    git,
    ledger,
    surroundings,
)

pytestmark = [pytest.mark.client, pytest.mark.long]


KINDS = [COMMAND, TYPED_SKILL, CALLED_SKILL, AGENT]
FILES = [COMMAND, TYPED_SKILL, AGENT]  # however they are called
SKILLS = {".claude/skills/other/SKILL.md": "---\nname: other\ndescription: Is there.\n---\nx\n"}
RENEWED = 8.0  # seconds after which an open session surely has read a file that changed


def doctor(live):
    """Return the exit code of `doctor` and what it says, as the user would see it."""
    done = subprocess.run(
        [str(PROGRAM), "doctor", "--json"],
        cwd=live.root,
        env=surroundings(live.client),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_prompt_of_a_package_is_served_where_the_client_loads_it(client, kind):
    """In sessions that begin in the package or below; each use is a trial of the package."""
    inner = replace(kind, path=f"apps/web/{kind.path}")
    live = begin(client, inner, before={"apps/web/src/index.ts": "", ".claude/x.md": ""})
    web = client.project / "apps" / "web"
    live = replace(live, root=web)
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5), directory=web)
        live.work(endpoint, range(5, 9), directory=web / "src")
        assert live.rows() == sorted(ledger(endpoint.turns).values())
    assert len(live.trials()) == 8
    assert (
        git(client.project, "status", "--short", "-uall", "--", ".", ":!apps/web/.claude/meta")
        == ""
    )
    live.meta("stop", live.experiment)
    assert (client.project / inner.path).read_text() == kind.control


LINKS = {
    "all of .claude": (".claude", "config", "config/"),
    "the folder of a kind": (".claude/{folder}", "../shared/{folder}", "shared/"),
}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.name)
def test_a_prompt_behind_a_link_is_served_under_its_name(client, kind, link):
    """The client follows the link; the experiment is on the file where it lies."""
    inner = kind.path.removeprefix(".claude/")
    place, target, real = (part.format(folder=inner.split("/")[0]) for part in LINKS[link])
    (client.project / real / inner).parent.mkdir(parents=True)
    (client.project / place).parent.mkdir(parents=True, exist_ok=True)
    (client.project / place).symlink_to(target)
    live = begin(client, kind, before={"sub/x.txt": ""})
    file = client.project / real / inner
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5))
        live.work(endpoint, range(5, 7), directory=client.project / "sub")
        assert live.rows() == sorted(ledger(endpoint.turns).values())
    assert len(live.trials()) == 6
    records = f":!{real if real == 'config/' else '.claude/'}meta"
    assert live.git("status", "--short", "-uall", "--", ".", records) == ""
    live.meta("stop", live.experiment)
    assert file.read_text() == kind.control
    assert (client.project / place).is_symlink()


def linked_tree(live, name="apart"):
    """Make a linked working tree of the project, outside of it."""
    place = live.client.folder / name
    git(live.root, "worktree", "add", "--quiet", str(place))
    return place


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_working_trees_of_a_repository_count_into_one_experiment(client, kind):
    """Each use in either is a trial, and git sees no change in any; all is taken back."""
    live = begin(client, kind, before=SKILLS)
    tree = linked_tree(live)
    live.meta("status")
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5), directory=tree)
        live.work(endpoint, range(5, 7))
        assert live.rows() == sorted(ledger(endpoint.turns).values())
    assert len(live.trials()) == 6
    assert live.meta("status")["notes"] == []
    assert git(tree, "status", "--short", "--untracked-files=all") == ""
    live.meta("stop", live.experiment)
    assert (tree / kind.path).read_text() == kind.control
    assert git(tree, "status", "--short", "--untracked-files=all") == ""


@pytest.mark.parametrize("kind", [COMMAND, TYPED_SKILL], ids=lambda kind: kind.name)
def test_a_working_tree_that_the_client_makes_is_served_soon(client, kind):
    """What was used before it was is named; and no more, once a use is counted there."""
    live = begin(client, kind, before=SKILLS)
    with Endpoint(respond=Model(kind)) as endpoint:
        with live.client.session(endpoint, "--worktree", "feature") as session:
            session.say("item-1 is not for the command")
            time.sleep(RENEWED)
            session.say(live.prompt(2))
            session.close()
        first = live.meta("status")["notes"]
        live.hold_back()
        with live.client.session(
            endpoint, directory=live.root / ".claude/worktrees/feature"
        ) as session:
            session.say(live.prompt(3))
            session.close()
    served = len(live.trials())
    assert served in (1, 2)
    assert ("1 use not counted" in "".join(first)) == (served == 1)
    assert not any("not counted" in note for note in live.meta("status")["notes"])


@pytest.mark.parametrize("kind", [COMMAND, TYPED_SKILL], ids=lambda kind: kind.name)
def test_a_working_tree_with_another_text_is_named(client, kind):
    """Its sessions get its own text; status and doctor say where, how often and since when."""
    live = begin(client, kind, before=SKILLS)
    tree = linked_tree(live)
    other = kind.control.replace("[arm control", "[arm other")
    (tree / kind.path).write_text(other)
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 3), directory=tree)
        assert {row.variant for row in ledger(endpoint.turns).values()} == {"other"}
    assert live.trials() == []
    (note,) = live.meta("status")["notes"]
    assert f"not served in {tree} since" in note
    assert "2 uses not counted" in note
    code, said = doctor(live)
    assert code == 1
    assert "2 uses not counted" in said


def await_note(live, words):
    """Wait until the one note of the board has these words: hooks beside a turn end later."""
    until = time.monotonic() + 90
    while True:
        (note,) = live.meta("status")["notes"]
        if words in note or time.monotonic() > until:
            break
        time.sleep(0.1)
    assert words in note


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.name)
def test_a_file_that_is_not_the_control_is_named(client, kind):
    """An edit, or another branch: nothing is served, and each use of it is told."""
    live = begin(client, kind)
    live.git("switch", "--quiet", "-c", "other")
    live.file.write_text(kind.control.replace("arm control", "arm other"))
    live.git("commit", "--quiet", "-a", "-m", "another text")
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 4))
        assert {row.variant for row in ledger(endpoint.turns).values()} == {"other"}
        await_note(live, "3 uses not counted")
        assert doctor(live)[0] == 1
        live.git("switch", "--quiet", "main")
        live.meta("status")
        live.work(endpoint, range(4, 6))
    assert len(live.trials()) == 2
    assert live.meta("status")["notes"] == []


SANDBOX = {
    "sandbox": {
        "enabled": True,
        "autoAllowBashIfSandboxed": True,
        "enableWeakerNestedSandbox": True,
    }
}


@pytest.mark.skipif(
    not (shutil.which("bwrap") and shutil.which("socat")), reason="no sandbox on this machine"
)
@pytest.mark.parametrize(
    "kind", [COMMAND, TYPED_SKILL, CALLED_SKILL, USER_COMMAND], ids=lambda kind: kind.name
)
def test_uses_in_a_sandbox_that_forbids_writing_are_counted(client_on_disk, kind):
    """From a folder below the root, and for personal prompts, which lie outside of it."""
    client = client_on_disk
    live = begin(client, kind)
    settings = client.home / ".claude/settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps(SANDBOX))
    (client.project / "sub").mkdir()
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5), directory=client.project / "sub")
        live.work(endpoint, range(5, 7))
        assert live.rows() == sorted(ledger(endpoint.turns).values())
    assert len(live.trials()) == 6
    assert live.meta("status")["notes"] == []
