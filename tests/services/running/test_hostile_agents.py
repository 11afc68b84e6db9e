"""Agents that break what they can reach: runs of others go on, and nothing is made of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from tests.runs.test_fence import without_bwrap
from tests.services.running.test_running import (
    AGENT,
    SCRIPTS,
    cases,
    create,
    opened,
    project,
    run,
)
from tests.support.git import git

from meta_experiment.errors import NotFoundError, RefusedError
from meta_experiment.runs import supervising
from meta_experiment.runs.budget import Caps
from meta_experiment.services.running import running
from meta_experiment.services.running.clearing import clear_runs
from meta_experiment.types import Status, TrialStatus
from meta_experiment.types.results.run import RunEnd

__all__ = ["project"]

HERE = 'import shutil; here = os.getcwd(); own = os.environ["META_EXPERIMENT_METRICS"]\n'
GONE = f"{AGENT}{HERE}shutil.rmtree(here)\n"


def trials(space, name):
    return space.store.trials(space.store.experiment(name)).trials


def begun(space, project, extra, count=1, **more):
    """Run each case once by an agent that does something more at its end."""
    name = create(space, project)
    done = run(
        space, name, project, code=AGENT + HERE + extra, cases=cases(project, count), **more
    )
    return name, done


@pytest.mark.long
@pytest.mark.parametrize(
    "extra",
    [
        "shutil.rmtree(here)",
        "shutil.rmtree(here); os.symlink('/etc', here)",
        "shutil.rmtree(here); open(here, 'w')",
        "shutil.rmtree(os.path.dirname(here))",
    ],
)
def test_who_takes_its_checkout_away_has_failed(project, extra):
    space = opened(project)
    name, done = begun(space, project, extra)
    assert done.ended is RunEnd.EXHAUSTED
    found = trials(space, name)
    assert [item.status for item in found] == [TrialStatus.ERROR] * 2
    assert [item.metrics["success"] for item in found] == [0.0] * 2
    assert not any("files_touched" in item.metrics for item in found)


@pytest.mark.long
def test_what_git_cannot_tell_of_a_checkout_is_missing(project):
    """Files that git refuses to read stop neither this run nor the others."""
    git(project, "config", "filter.no.clean", "false")
    git(project, "config", "filter.no.required", "true")
    space = opened(project)
    name, _ = begun(space, project, "open('.gitattributes', 'w').write('* filter=no')")
    found = trials(space, name)
    assert [item.status for item in found] == [TrialStatus.OK] * 2
    assert not any("files_touched" in item.metrics for item in found)


@pytest.mark.long
@pytest.mark.parametrize(
    ("extra", "word"),
    [
        ("os.unlink(own); os.mkdir(own)", "active_seconds"),
        ("os.unlink(own); os.mkfifo(own)", "active_seconds"),
        ("os.unlink(own); os.symlink('/dev/zero', own)", "active_seconds"),
        ("os.unlink(os.path.join(os.path.dirname(own), 'stdout'))", "cost_usd"),
    ],
)
def test_what_is_no_file_holds_nothing(project, extra, word):
    space = opened(project)
    name, _ = begun(space, project, extra)
    assert all(word in item.metrics for item in trials(space, name))


@pytest.mark.parametrize("text", ['{"x": 1%s}' % ("0" * 400), '{"cost_usd": -5}', "[" * 9_000])
def test_numbers_that_are_none_stop_everything(project, text):
    space = opened(project)
    with pytest.raises(RefusedError, match="no JSON object of numbers"):
        begun(space, project, f"open(own, 'w').write({text!r})")


@pytest.mark.long
def test_half_a_character_is_written_and_read_again(project):
    space = opened(project)
    half = r"""open(own, 'w').write('{"a\\ud800": 1, "cost_usd": 0.01}')"""
    name, done = begun(space, project, half, caps=Caps(usd=0.015))
    assert done.ended is RunEnd.CAPPED
    again = run(space, name, project, cases=cases(project, 1))
    assert again.counted == 2
    assert all(str(note).encode() for note in again.notes)


@pytest.mark.long
def test_who_takes_away_the_folder_of_its_attempt_is_tried_again(
    project,
    monkeypatch,
    tmp_path,
):
    without_bwrap(monkeypatch, tmp_path)  # in a fence it cannot
    space = opened(project)
    with pytest.raises(RefusedError, match="Nothing has run so far"):
        begun(space, project, "shutil.rmtree(os.path.dirname(own))")


def test_a_commit_that_is_not_there_is_refused_before_anything_is_paid(project):
    space = opened(project)
    name = create(space, project)
    with pytest.raises(NotFoundError, match="no commit 'gone'"):
        run(space, name, project, cases=cases(project, 2, commit="gone"))


@pytest.mark.long
def test_a_run_that_was_cut_off_does_not_end_a_cap_in_dollars(project):
    """Its price is not known: it may have been that of the dearest."""
    space = opened(project)
    name = create(space, project)
    cut = AGENT.replace("text =", "sys.exit(3) if number == 0 else None\ntext =")
    done = run(space, name, project, code=cut, cases=cases(project, 4), caps=Caps(usd=0.095))
    assert done.ended is RunEnd.EXHAUSTED
    assert done.spent.usd == pytest.approx(0.06)
    assert done.spent.unpriced == 0


@pytest.mark.long
def test_an_experiment_that_is_stopped_is_run_no_further(project):
    from meta_experiment.services.acting import promotion

    space = opened(project)
    name = create(space, project)
    seen = []

    def tell(*_):
        seen.append(1)
        if len(seen) == 4:
            promotion.stop(space, name, "enough", dry_run=False)

    done = run(space, name, project, tell=tell)
    assert (done.ended, done.status) == (RunEnd.HALTED, Status.EXPIRED)
    assert len(seen) == 4
    assert "expired meanwhile" in done.reason


SLEEPY = "import time\n" + AGENT.replace(
    "text =", "print(1, flush=True); time.sleep(600)\ntext ="
)


def has_spoken(attempt):
    path = attempt / "stdout"
    return path.exists() and path.stat().st_size > 0


def started(project, name, case_file, *more):
    """Start runs one at a time, in a process of their own."""
    return subprocess.Popen(
        [
            sys.executable, "-m", "meta_experiment.cli.main", "run", name,
            "--cases", str(case_file), "--concurrency", "1", "--yes",
            "--agent", f"{sys.executable} -I -S {project.parent / 'agent.py'}", *more,
        ],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def until(is_so):
    deadline = time.monotonic() + 240
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def left_at_work(space, project, name, case_file):
    """Run an agent that sleeps under a runner that is killed; return its attempt."""
    (project.parent / "agent.py").write_text(SLEEPY)
    process = started(project, name, case_file)
    folder = running.run_folder(space, name)
    until(lambda: any(map(has_spoken, folder.unread())))
    process.kill()
    process.communicate()
    (attempt,) = folder.unread()
    return attempt


@pytest.mark.long
@pytest.mark.parametrize("signals", [[signal.SIGINT] * 3, [signal.SIGTERM], [signal.SIGHUP]])
def test_who_is_interrupted_while_runs_are_judged_leaves_nothing(project, signals):
    """The run is made again: what its criteria say is not known."""
    space = opened(project)
    name = create(space, project)
    judging = project.parent / "judging"
    slow = {"type": "command", "target": f"touch {judging}; sleep 600"}
    process = started(project, name, cases(project, 1, criteria=[slow]))
    until(judging.exists)
    for number in signals:
        process.send_signal(number)
        time.sleep(1.1)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 128 + signals[0]
    assert "Interrupted" in said
    assert "Traceback" not in said
    folder = running.run_folder(space, name)
    assert not folder.slots.exists()
    assert not [*folder.unread()]
    assert not [*folder.folder.glob("cells/*/outcome.json")]
    done = run(space, name, project, cases=cases(project, 1))
    assert done.counted == 2


@pytest.mark.long
@pytest.mark.parametrize("changed", [True, False])
def test_what_goes_on_with_a_case_that_is_no_more_is_stopped(project, changed):
    """Else it would work in a checkout that another run gets, or count for another task."""
    space = opened(project)
    name = create(space, project)
    attempt = left_at_work(space, project, name, cases(project, 2))
    gone = attempt.parent.name.partition(".")[0]
    number = int(gone[1:])
    path = cases(project, 2)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    if changed:
        lines[number]["prompt"] = f"/review another {number}"
    else:
        del lines[number]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run(space, name, project, code=AGENT, cases=path)
    assert supervising.ending(attempt).stopped
    assert done.counted == len(lines) * 2


@pytest.mark.long
def test_an_outcome_of_another_task_does_not_count(project):
    """A case may be changed while none of its runs is recorded: its runs are made anew."""
    space = opened(project)
    name = create(space, project)
    first = run(space, name, project, cases=cases(project, 1), caps=Caps(usd=0.015))
    assert first.waiting == 1
    path = cases(project, 1)
    path.write_text(path.read_text().replace("/review file 0", "/review much more 0"))
    run(space, name, project, cases=path)
    cells = running.run_folder(space, name).folder / "cells"
    assert len([*cells.glob("*/2/prompt")]) == 1
    assert len(trials(space, name)) == 2


@pytest.mark.long
def test_a_price_that_was_read_but_not_noted_is_not_forgotten(project):
    space = opened(project)
    name = create(space, project)
    run(space, name, project, cases=cases(project, 1), caps=Caps(usd=0.015))
    (noted,) = running.run_folder(space, name).folder.glob("cells/*/*/spent.json")
    noted.unlink()
    done = run(space, name, project, cases=cases(project, 1))
    assert done.spent.usd == pytest.approx(0.02)


def ended_unseen(space, project, name):
    """Let an agent end whose runner was killed."""
    slow = SLEEPY.replace("sleep(600)", "sleep(1)")
    (project.parent / "agent.py").write_text(slow)
    process = started(project, name, cases(project, 1))
    folder = running.run_folder(space, name)
    until(lambda: any(map(has_spoken, folder.unread())))
    process.kill()
    process.communicate()
    until(lambda: all(map(supervising.ending, folder.unread())))
    return folder


@pytest.mark.long
def test_what_ended_without_its_runner_is_kept_until_it_is_read(project):
    """Its checkout is what it is judged by."""
    space = opened(project)
    name = create(space, project)
    folder = ended_unseen(space, project, name)
    assert "without their runner" in next(clear_runs(space))
    done = run(space, name, project, code=AGENT, cases=cases(project, 1))
    assert done.counted == 2
    assert {item.status for item in trials(space, name)} == {TrialStatus.OK}
    assert not [*folder.folder.glob("cells/*/2")]


@pytest.mark.long
def test_a_checkout_that_was_cleared_away_is_no_fault_of_its_agent(project):
    space = opened(project)
    name = create(space, project)
    folder = ended_unseen(space, project, name)
    shutil.rmtree(folder.slots)
    run(space, name, project, code=AGENT, cases=cases(project, 1))
    assert {item.status for item in trials(space, name)} == {TrialStatus.OK}
    assert len([*folder.folder.glob("cells/*/2")]) == 1


@pytest.mark.long
def test_what_a_runner_left_that_was_killed_after_its_end_is_removed(project):
    from meta_experiment.services.acting import promotion

    space = opened(project)
    name = create(space, project)
    folder = ended_unseen(space, project, name)
    promotion.stop(space, name, "enough", dry_run=False)
    process = started(project, "no-such", cases(project, 1))
    assert process.wait(30) == 1
    process.communicate()
    assert not folder.slots.exists()
