"""What moves does so on a terminal alone; a machine's log gets lines, whatever it forces."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.services.running.test_running import cases, create, opened
from tests.services.running.test_running import project as repository
from tests.support.terminal import drawn

__all__ = ["repository"]

PROGRAM = [
    sys.executable,
    str(Path(__file__).resolve().parents[2] / "scripts/meta-experiment.py"),
]
HIDDEN = "\x1b[?25l"  # the cursor, while something moves
OTHER_SCREEN = "\x1b[?1049h"


def words_of_a_run(repository):
    made = create(opened(repository), repository)
    agent = f"{sys.executable} -I -S {repository.parent / 'agent.py'}"
    path = cases(repository, 2)
    return [
        "run",
        made,
        "--root",
        str(repository),
        "--cases",
        str(path),
        "--agent",
        agent,
        "--yes",
    ]


def test_a_board_is_watched_until_ctrl_c_and_then_left_on_the_screen(repository):
    made = create(opened(repository), repository)
    watched = [*PROGRAM, "status", "--watch", "--root", str(repository)]
    shown, code = drawn(watched, until=lambda so_far: so_far.count(made) >= 2)
    moving, _, left = shown.partition("\x1b[?1049l")
    assert (code, OTHER_SCREEN in moving, made in left) == (130, True, True)
    assert "Traceback" not in shown


def test_a_board_that_is_longer_than_the_screen_says_how_much_is_below(repository):
    """Its head is what stays; Ctrl-C leaves all of it."""
    create(opened(repository), repository)
    watched = [*PROGRAM, "status", "--watch", "--root", str(repository)]
    shown, _ = drawn(watched, until=lambda so_far: "lines more" in so_far)
    moving, _, left = shown.partition("\x1b[?1049l")
    below = int(re.search(r"… (\d+) lines more; Ctrl-C prints all of it", moving)[1])
    assert len(left.rstrip().splitlines()) == 23 + below


def test_one_does_not_watch_a_file(repository):
    written = [*PROGRAM, "status", "--watch", "--csv", str(repository / "list.csv")]
    done = subprocess.run(
        [*written, "--root", str(repository)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "expected one of them" in done.stderr
    assert not (repository / "list.csv").exists()


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_nobody_watches_what_is_piped(repository, flags):
    watched = [*PROGRAM, "status", "--watch", "--root", str(repository), *flags]
    forced = {**os.environ, "FORCE_COLOR": "1"}
    done = subprocess.run(watched, capture_output=True, text=True, env=forced, check=False)
    assert done.returncode == 2
    assert "--watch draws on a terminal" in done.stdout + done.stderr


@pytest.mark.long
def test_runs_have_a_bar_that_leaves_nothing(repository):
    shown, code = drawn([*PROGRAM, *words_of_a_run(repository)])
    assert (code, HIDDEN in shown) == (0, True), shown
    assert "4 of at most 4 runs, 400 tokens" in shown
    assert "\x1b[2K" in shown  # the line of the bar is taken away again


IMPATIENT = """
import sys
from meta_experiment.cli import main, moving
moving._PATIENCE, moving._PER_SECOND = 0.0, 1e6
sys.exit(main.main(sys.argv[1:]))
"""


def rows(folder, count):
    file = folder / "results.csv"
    lines = (f"{arm},c{n},{n % 7}" for n in range(count) for arm in ("old", "new"))
    file.write_text("\n".join(["variant,case,seconds", *lines]), "utf-8")
    return [sys.executable, "-c", IMPATIENT, "import", str(file), "--root", str(folder)]


@pytest.mark.long
def test_what_takes_long_has_a_bar_with_the_time_left(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    shown, code = drawn(rows(tmp_path, 3000))
    assert (code, HIDDEN in shown) == (0, True), shown
    assert re.search(r"reading rows, \d+%, about \d+ (s|min) left", shown)
    assert "comparing cases" in shown
    assert shown.rstrip().splitlines()[-1].strip().startswith("Next")


@pytest.mark.long
def test_what_takes_long_is_silent_where_nobody_looks(tmp_path):
    forced = {**os.environ, "FORCE_COLOR": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        rows(tmp_path, 3000), capture_output=True, text=True, env=forced, check=True
    )
    assert [word for word in (HIDDEN, "left", "%,") if word in done.stderr] == []


@pytest.mark.long
def test_a_log_has_no_bar_though_it_is_to_be_coloured(repository):
    forced = {**os.environ, "FORCE_COLOR": "1", "PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run(
        [*PROGRAM, *words_of_a_run(repository)],
        capture_output=True, text=True, env=forced, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "import time:" in done.stderr
    assert [part for part in (HIDDEN, "of at most", " rich") if part in done.stderr] == []


@pytest.mark.parametrize("verb", ["status", "trials", "analyze", "plan"])
def test_a_still_picture_on_a_terminal_loads_no_rich(repository, verb):
    made = create(opened(repository), repository)
    about = [] if verb in ("status", "plan") else [made]
    command = [PROGRAM[0], "-X", "importtime", PROGRAM[1], verb, *about]
    shown, _ = drawn([*command, "--root", str(repository)])
    assert "import time:" in shown
    assert not re.search(r"\|\s+rich\b", shown)
