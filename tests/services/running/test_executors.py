"""Whoever makes the runs, they are the same, and none is made twice."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.services.running.test_running import (
    SCRIPTS,
    cases,
    create,
    opened,
    project,  # noqa: F401 - a fixture
)

from meta_experiment.errors import DependencyError, UsageError
from meta_experiment.runs.agents import AgentOptions
from meta_experiment.runs.agents.named_agent import NamedAgent
from meta_experiment.runs.crew import Crew
from meta_experiment.runs.executors import DASK, Employment, elsewhere
from meta_experiment.runs.runner import EndedRun
from meta_experiment.services.running import run_plan, running
from meta_experiment.types.results.run import RunEnd
from meta_experiment.types.runs import (
    CellOutcome,
    Contest,
    ContestOutcome,
    FailureKind,
    RunCell,
)

# It tells its start, and what it measures follows from the case and the text alone. In one case
# it kills the worker that began it, once, and then does its work.
AGENT = """\
import hashlib, json, os, signal, sys, time
prompt = sys.stdin.read()
here = os.path.dirname(os.path.abspath(__file__))
text = open(os.environ["META_EXPERIMENT_PROMPT"]).read()
with open(here + "/begun.txt", "a") as stream:
    stream.write(prompt.strip() + (" new" if "at once" in text else " old") + "\\n")
deadly = os.path.join(here, "deadly.txt")
if prompt.strip().endswith(" 0") and "at once" in text and os.path.exists(deadly):
    os.remove(deadly)
    pid = os.getppid()
    while b"multiprocessing" not in open(f"/proc/{pid}/cmdline", "rb").read():
        pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
    os.kill(pid, signal.SIGKILL)
    time.sleep(1)
time.sleep(float(open(here + "/nap.txt").read()) if os.path.exists(here + "/nap.txt") else 0)
part = hashlib.sha256((text + prompt).encode()).digest()[0] / 256
seconds = (10 + part) * (0.5 if "at once" in text else 1.0)
with open(os.environ["META_EXPERIMENT_METRICS"], "w") as stream:
    json.dump({"active_seconds": seconds, "cost_usd": 0.01, "total_tokens": 100}, stream)
print("The answer is", prompt.split()[-1])
"""


@pytest.fixture(autouse=True)
def told(project):  # noqa: F811
    """An agent that tells what it began."""
    (project.parent / "agent.py").write_text(AGENT)


def begun(project):  # noqa: F811
    path = project.parent / "begun.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(lines)


def named(project):  # noqa: F811
    return NamedAgent(
        f"{sys.executable} -I -S {project.parent / 'agent.py'}", AgentOptions(within=120.0)
    )


def run(space, name, project, executor="local", *, count=12, tell=lambda *_: None, **more):  # noqa: F811
    agent = named(project)
    wanted = run_plan.RunRequest(
        cases(project, count),
        agent.agent(os.environ),
        employment=Employment(executor, agent=agent),
        **more,
    )
    return running.run(space, run_plan.plan_runs(space, name, wanted), wanted, tell)


def twin(project):  # noqa: F811
    """Return the same project at another place, with an agent of its own."""
    other = project.parent / "twin"
    shutil.copytree(project, other / "project")
    for name in ("new.md", "agent.py"):
        shutil.copy(project.parent / name, other)
    return other / "project"


def trials(space, name):
    """Return all that evidence rests on: the trials, and the places of their cases."""
    return sorted(
        (item.trial_id, item.order, dict(item.metrics) | {"duration_seconds": None})
        for item in space.store.trials(space.store.experiment(name)).trials
    )


class Elsewhere(Crew):
    """Workers that are handed errands as bytes."""

    def __init__(self, errand, at_once):
        def make(cell, slot, stopping):
            del stopping
            words = pickle.dumps((errand.of_case(cell.case_id), cell, slot))
            done = elsewhere.attempted(*pickle.loads(words))  # noqa: S301 - our own
            return pickle.loads(pickle.dumps(done))  # noqa: S301

        super().__init__(make, at_once)
        self.fenced = False


def errand_of(employment, work):
    stop = work.place.folder / "stop-here"
    return elsewhere.Errand(work.place, employment.agent, None, stop, elsewhere.here())


@pytest.mark.long
def test_runs_by_errands_are_those_of_this_process(project, monkeypatch):  # noqa: F811
    looks = []
    for root in (project, twin(project)):
        space = opened(root)
        name = create(space, root)
        done = run(space, name, root, count=6, at_once=2)
        looks.append((done.ended, done.decision, done.counted, trials(space, name)))
        monkeypatch.setattr(
            running,
            "hire",
            lambda employment, work, **_: Elsewhere(errand_of(employment, work), work.at_once),
        )
    assert looks[0] == looks[1]
    assert looks[0][0] is RunEnd.EXHAUSTED


@pytest.mark.long
def test_what_has_ended_is_handed_over_and_what_is_to_stop_is_not_begun(project, monkeypatch):  # noqa: F811
    errands = []

    def hire(employment, work, **_):
        errands.append(errand_of(employment, work))
        return Elsewhere(errands[0], work.at_once)

    monkeypatch.setattr(running, "hire", hire)
    space = opened(project)
    first = []
    run(
        space,
        create(space, project),
        project,
        count=2,
        tell=lambda *told: first.append(told[1]),
    )
    before = begun(project)
    (outcome,) = [item.outcome for item in first if isinstance(item, EndedRun)][:1]
    errand = errands[0].of_case(outcome.cell.case_id)
    again = elsewhere.attempted(errand, outcome.cell, 0)
    assert (again, begun(project)) == (outcome, [])
    assert len(before) == len(set(before)) == 4

    errand.stop.touch()
    stopped = elsewhere.attempted(errand, RunCell(outcome.cell.case_id, 9, "control"), 0)
    assert stopped.failure.kind is FailureKind.OURS
    errand.stop.unlink()
    with pytest.raises(DependencyError, match=r"has meta-experiment .*, the runner 9\.9"):
        elsewhere.attempted(replace(errand, version="9.9"), outcome.cell, 0)
    assert begun(project) == []


def test_a_worker_tells_whether_it_sees_the_folders(project, tmp_path, monkeypatch):  # noqa: F811
    places = []

    def hire(_, work, **__):
        places.append(work.place)
        raise DependencyError("none")

    monkeypatch.setattr(running, "hire", hire)
    space = opened(project)
    with pytest.raises(DependencyError):
        run(space, create(space, project), project)
    token = tmp_path / "token"
    token.write_bytes(b"a")
    assert elsewhere.sight(places[0].of_none(), token, b"a").sees
    assert not elsewhere.sight(places[0].of_none(), token, b"b").sees
    assert not elsewhere.sight(places[0].of_none(), tmp_path / "none", b"b").sees


def test_what_is_lost_is_to_be_made_again_and_its_price_is_not_known():
    from meta_experiment.types.runs import Failure

    why = Failure(FailureKind.MACHINE, "its worker was lost")
    for cell, kind in ((RunCell("a", 1, "b"), CellOutcome), (Contest("a", 1), ContestOutcome)):
        lost = elsewhere.unmade(cell, why)
        assert isinstance(lost, kind)
        assert (lost.failure, lost.bill.whole.usd, lost.bill.whole.cut) == (why, None, True)


def test_a_scheduler_without_dask_is_refused(project):  # noqa: F811
    space, agent = opened(project), named(project)
    wanted = run_plan.RunRequest(
        cases(project),
        agent.agent(os.environ),
        employment=Employment(scheduler="tcp://127.0.0.1:1", agent=agent),
    )
    with pytest.raises(UsageError, match="--scheduler"):
        run_plan.plan_runs(space, create(space, project), wanted)


def test_dask_that_is_not_installed_is_named_with_how_to_get_it(project, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, "distributed", None)
    space = opened(project)
    with pytest.raises(DependencyError, match="distributed") as refused:
        run(space, create(space, project), project, DASK)
    assert "[dask]'" in refused.value.hint


def command(project, *words):  # noqa: F811
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    return subprocess.Popen(
        [sys.executable, "-m", "meta_experiment", *words, "--root", str(project)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run_words(name, project, *more, count=12):  # noqa: F811
    path = cases(project, count)
    words = ["run", name, "--cases", str(path), "--agent", named(project).words, "--yes"]
    return [*words, "--json", *more]


def by_dask(name, project, *more, **counted):  # noqa: F811
    return command(
        project,
        *run_words(name, project, "--executor", "dask", "--concurrency", "2", *more, **counted),
    )


@pytest.mark.long
def test_dask_whose_worker_is_killed_comes_to_what_one_machine_comes_to(project):  # noqa: F811
    other = twin(project)
    (name,) = {create(opened(root), root) for root in (project, other)}
    one = command(project, *run_words(name, project, "--concurrency", "2"))
    alone = json.loads(one.communicate(timeout=120)[0])
    begun(project)
    (other.parent / "deadly.txt").touch()
    many = by_dask(name, other)
    said, told = many.communicate(timeout=180)
    assert many.returncode == 0, told
    assert "Warning" not in told
    assert not (other.parent / "deadly.txt").exists()
    made = begun(other)
    assert len(made) == len(set(made))
    together = json.loads(said)
    assert (alone["decision"], alone["counted"]) == (together["decision"], together["counted"])
    assert trials(opened(project), name) == trials(opened(other), name)
    looks = [look(root, name) for root in (project, other)]
    assert looks[0] == looks[1]
    folder = running.run_folder(opened(other), name).folder
    assert not [*folder.glob("stop-*"), *folder.glob("token-*"), *folder.glob("dask")]


def look(root, name, decision="PROMOTE"):
    """Return what `analyze` says, byte for byte but for its own time and how long it took."""
    said = command(root, "analyze", name, "--json").communicate(timeout=60)[0]
    assert json.loads(said)["decision"] == decision
    return re.sub(r'"(as_of|days_\w+)": [^,\n]*', "", said)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dask_that_is_interrupted_ends_all_and_goes_on_later(project, number):  # noqa: F811
    space = opened(project)
    name = create(space, project)
    (project.parent / "nap.txt").write_text("1")
    process = by_dask(name, project, count=6)
    until = time.monotonic() + 120
    path = project.parent / "begun.txt"
    while not path.exists() or len(path.read_text().splitlines()) < 5:
        assert time.monotonic() < until, process.communicate()[1]
        time.sleep(0.05)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + number, told
    assert "Traceback" not in told
    left = [
        item.name
        for item in Path("/proc").glob("[0-9]*")
        if str(project.parent).encode() in read(item / "cmdline") + read(item / "environ")
        and b"multiprocessing" in read(item / "cmdline")
    ]
    assert left == []
    before = begun(project)
    (project.parent / "nap.txt").unlink()
    done = run(space, name, project, count=6, at_once=2)
    assert done.ended is RunEnd.EXHAUSTED
    after = begun(project)
    assert len({*before} & {*after}) <= 2  # those that were under way


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.long
def test_a_scheduler_whose_workers_do_not_see_the_runs_is_refused(project, tmp_path):  # noqa: F811
    space = opened(project)
    name = create(space, project)
    code = (
        "from distributed import LocalCluster\n"
        "import sys, meta_experiment.runs.executors.elsewhere as e\n"
        "if __name__ == '__main__':\n"
        "    c = LocalCluster(n_workers=1, threads_per_worker=2, processes=False, protocol='tcp://',\n"
        "                     dashboard_address=None, memory_limit=0)\n"
        "    if len(sys.argv) > 1:\n"
        "        e.sight = lambda *_: e.WorkerSight(e.__version__, False, False)\n"
        "    print(c.scheduler_address, flush=True); sys.stdin.read(); c.close()\n"
    )
    (tmp_path / "cluster.py").write_text(code)
    for blind in (["blind"], []):
        cluster = subprocess.Popen(
            [sys.executable, tmp_path / "cluster.py", *blind],
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            address = cluster.stdout.readline().strip()
            process = by_dask(name, project, "--scheduler", address, count=2)
            said, told = process.communicate(timeout=120)
        finally:
            cluster.communicate("", timeout=60)
        if blind:
            assert process.returncode == 1, told
            assert "does not see" in json.loads(said)["error"]["message"]
            assert begun(project) == []
        else:
            assert process.returncode == 0, told
            assert json.loads(said)["counted"] == 4
