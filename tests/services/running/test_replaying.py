"""Sessions typed again by a stand-in for the client: in order, in one session, killed too."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.services.running.test_case_mining import project  # noqa: F401 - a fixture
from tests.support import session_client
from tests.transcripts.script import Script

from meta_experiment.cli.main import main
from meta_experiment.runs import supervising

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def replays(project, tmp_path, monkeypatch):  # noqa: F811
    """A project with a recorded session of three turns, and a client that can wait."""
    program = tmp_path / "bin/claude"
    program.parent.mkdir()
    text = Path(session_client.__file__).read_text()
    program.write_text(f"#!{sys.executable} -IS\n{text}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    project.pause = tmp_path / "home/pause"
    project.pause.parent.mkdir(exist_ok=True)
    project.pause.write_text("0")
    script = Script().prompt("p1", 0, "One").answer(5).command("p2", 60).answer(65)
    project.session(script.prompt("p3", 120, "Three").answer(125))
    return project


def told(replays, capsys, *words, code=0):
    full = ["runs", "replay", "session-1", "--root", str(replays.root), "--json", *words]
    assert main(full) == code
    return json.loads(capsys.readouterr().out)


def below(replays, pattern):
    """Return what fits below the home; folders may go while they are looked through."""
    found = os.walk(replays.root.parent / "home/.local")
    paths = (Path(place, name) for place, *names in found for name in itertools.chain(*names))
    return [path for path in paths if path.match(pattern)]


def left(replays):
    return below(replays, "slots")


def test_a_preview_says_what_would_be_typed_and_where(replays, capsys):
    found = told(replays, capsys, "--preview")
    assert [turn["prompt"] for turn in found["turns"]] == ["One", "/review one", "Three"]
    assert (found["commit"], found["commit_by"]) == (replays.commits[1], "reflog")
    assert (found["ended"], found["replayed"]["usd"]) == ("preview", None)
    assert not (replays.root.parent / "home/.local").exists()
    named = told(replays, capsys, "--preview", "--commit", replays.commits[0])
    assert (named["commit"], named["commit_by"]) == (replays.commits[0], None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--commit", "nowhere"], "no commit 'nowhere'"),
        (["--variant", "treatment"], "expected ID:NAME"),
        (["--variant", "nobody:treatment"], "nobody"),
    ],
)
def test_what_cannot_be_replayed_is_refused(replays, capsys, words, said):
    full = ["runs", "replay", "session-1", "--root", str(replays.root), *words]
    assert main(full) in (1, 2)
    assert said in capsys.readouterr().err
    assert main(["runs", "replay", "session-1", "--root", str(replays.client)]) == 1


@pytest.mark.long
def test_all_turns_are_typed_in_one_session_and_one_checkout(replays, capsys):
    """What each cost is its own, and nothing is left behind."""
    found = told(replays, capsys)
    assert (found["ended"], found["reason"]) == ("done", "All 3 turns were replayed.")
    assert [turn["answer"].partition(" saw")[0] for turn in found["turns"]] == [
        "heard []", "heard ['One']", "heard ['One', '/review one']",
    ]  # fmt: skip
    assert [turn["replayed"]["tokens"] for turn in found["turns"]] == [10, 11, 12]
    assert found["replayed"]["usd"] == pytest.approx(0.03)
    assert "+/review one" in Path(found["patch"]).read_text()
    assert left(replays) == []
    assert not (replays.root / "log.txt").exists()
    assert main(["runs", "replay", "session-1", "--root", str(replays.root)]) == 0
    assert "One replay is no evidence" in capsys.readouterr().out


@pytest.mark.long
def test_a_variants_text_is_installed_and_seen(replays, capsys, monkeypatch):
    review = replays.root / ".claude/commands/review.md"
    review.parent.mkdir(parents=True)
    review.write_text("Review slowly.\n")
    new = replays.root.parent / "new.md"
    new.write_text("Review at once.\n")
    monkeypatch.chdir(replays.root)
    made = ["create", "--file", f".claude/commands/review.md={new}", "--name", "rev"]
    assert main([*made, "--unit", "case", "--primary-metric", "output_tokens"]) == 0
    capsys.readouterr()
    found = told(replays, capsys, "--variant", "rev:treatment")
    assert [turn["seen"] for turn in found["turns"]] == [False, True, False]
    assert all(turn["answer"].endswith("saw Review at once.") for turn in found["turns"])


@pytest.mark.long
def test_a_cap_is_asked_before_each_turn_and_the_same_call_goes_on(replays, capsys):
    found = told(replays, capsys, "--max-tokens", "25")
    assert (found["ended"], len(found["reason"]) > 20) == ("capped", True)
    assert [bool(turn["replayed"]) for turn in found["turns"]] == [True, True, False]
    assert main(["recover", "--root", str(replays.root)]) == 0
    said = capsys.readouterr().out
    assert "ended at its cap, and is kept" in said
    assert "cut off" not in said
    more = told(replays, capsys, "--max-tokens", "2500")
    assert more["ended"] == "done"
    assert more["turns"][0] == found["turns"][0]
    assert more["turns"][2]["answer"].startswith("heard ['One', '/review one']")
    assert left(replays) == []


@pytest.mark.long
def test_a_turn_that_the_machine_fails_ends_it_and_it_begins_anew(replays, capsys):
    script = Script().prompt("p1", 0, "One").answer(5).prompt("p2", 60, "refuse").answer(65)
    replays.session(script)
    full = ["runs", "replay", "session-2", "--root", str(replays.root), "--json"]
    for _ in range(2):
        assert main(full) == 1
        found = json.loads(capsys.readouterr().out)
        assert (found["ended"], len(found["turns"])) == ("failed", 2)
        assert "Turn 2 came to nothing" in found["reason"]
        assert found["turns"][0]["answer"].startswith("heard []")
        assert left(replays) == []


def started(replays):
    return subprocess.Popen(
        [
            sys.executable, str(REPOSITORY / "scripts/meta-experiment.py"), "runs", "replay",
            "session-1", "--root", str(replays.root),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def wait_for(what, seconds=240):
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.05)
    assert what()


def prompts(replays):
    return below(replays, "turn-*/1/supervisor.json")


@pytest.mark.long
def test_one_that_is_killed_goes_on_and_types_nothing_twice(replays, capsys):
    replays.pause.write_text("1")
    for count in (1, 2):
        process = started(replays)
        wait_for(lambda count=count: len(prompts(replays)) >= count)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    found = told(replays, capsys)
    assert found["ended"] == "done"
    text = Path(found["patch"]).read_text()
    assert [text.count(f"+{line}\n") for line in ("One", "/review one", "Three")] == [1, 1, 1]
    assert left(replays) == []


@pytest.mark.long
def test_one_that_is_killed_is_ended_by_recover(replays, capsys):
    replays.pause.write_text("600")
    process = started(replays)
    wait_for(lambda: prompts(replays))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert main(["recover", "--root", str(replays.root)]) == 0
    assert "which was cut off, is ended" in capsys.readouterr().out
    assert left(replays) == []
    shown = subprocess.run(
        ["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True
    )
    assert str(replays.root.parent) not in shown.stdout
    replays.pause.write_text("0")
    assert told(replays, capsys)["ended"] == "done"


@pytest.mark.long
def test_a_turn_that_never_began_is_begun_again(replays, capsys, monkeypatch):
    """As where the program is killed before its supervisor knows what to start."""
    begin, calls = supervising.launch, []

    def launch(order):
        calls.append(order)
        if len(calls) != 2:
            begin(order)

    monkeypatch.setattr(supervising, "launch", launch)
    found = told(replays, capsys)
    assert (found["ended"], len(calls)) == ("done", 4)
    assert found["turns"][2]["answer"].startswith("heard ['One', '/review one']")
