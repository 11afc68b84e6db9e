"""Closing: each trial once, durable before its state goes, and open after any fault."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests import logs
from tests.sealing import own_seal
from tests.transcripts.script import MODEL, START, Script

from meta_experiment.files.roots import Layout
from meta_experiment.live import closing
from meta_experiment.live.client_process import is_alive, note_client
from meta_experiment.live.closing import close_session, sweep
from meta_experiment.live.handovers import hand_over, pending
from meta_experiment.protocol import log_head, places
from meta_experiment.protocol.disk import make_folder
from meta_experiment.protocol.index import Entry, sealed_lines
from meta_experiment.protocol.lock import BusyError
from meta_experiment.protocol.sessions import (
    CLOSED,
    OpenTrial,
    PromptRef,
    PromptUse,
    Session,
    fields_of,
    line_of,
)
from meta_experiment.store.local.reading.trials import read_trials

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
EXPERIMENT, SESSION = "exp-1", "5e551011"
NOW = START + 1000
HALF_AN_HOUR = 1800


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.delenv("META_EXPERIMENT_TELEMETRY", raising=False)


class Live:
    """A root with one session, its transcript and what was exposed in it."""

    def __init__(self, folder):
        self.root = folder / "root"
        own_seal(self.root)
        self.transcript = folder / "projects" / f"{SESSION}.jsonl"
        self.script = Script()

    def expose(self, prompt_id, at, *, trial_id=None, variant="control", path=None, **more):
        trial = OpenTrial(
            experiment_id=more.get("experiment_id", EXPERIMENT),
            trial_id=trial_id or f"t-{prompt_id}",
            variant=variant,
            unit=f"u-{prompt_id}",
            prompt_id=prompt_id,
            transcript_path=str(self.transcript) if path is None else path,
            epoch_ms=int((START + at) * 1000),
            sha="abc",
            plugin="0.1.0",
            argument_length=more.get("argument_length"),
        )
        self.session.write_trial(trial)
        self.session.append_prompt(prompt_id)

    def run(self, prompt_id, at, **more):
        """One whole turn under experiment."""
        self.script.command(prompt_id, at).answer(at + 5)
        self.expose(prompt_id, at, **more)

    def write(self, age=0.0):
        self.script.write(self.transcript)
        for path in (self.transcript, self.folder):
            os.utime(path, (NOW - age, NOW - age))

    def close(self, *, final=False):
        self.script.write(self.transcript)
        return close_session(self.session, final=final, now=NOW)

    @property
    def session(self):
        return Session(str(self.root), SESSION)

    @property
    def folder(self):
        return Path(self.session.folder)

    def read(self, experiment_id=EXPERIMENT):
        return read_trials(Layout(self.root), logs.counting(self.root), experiment_id)

    def trials(self):
        log = self.read()
        assert log.set_aside_count == log.conflict_count == 0
        return {trial.trial_id: trial for trial in log.trials}

    def open(self):
        return [trial.prompt_id for trial in self.session.open_trials()]


@pytest.fixture
def live(tmp_path):
    return Live(tmp_path)


def test_a_trial_is_closed_when_the_next_one_bounds_it(live):
    """Until then it is open; its record is what the store reads as a trial."""
    live.run("p1", 0)
    assert live.close() == 0
    live.run("p2", 60)
    assert live.close() == 1
    assert live.open() == ["p2"]
    (trial,) = live.trials().values()
    assert (trial.trial_id, trial.unit, trial.variant) == ("t-p1", "u-p1", "control")
    assert trial.status == "ok"
    assert trial.metrics["output_tokens"] == 50
    assert trial.metrics["duration_seconds"] == 5
    fingerprint = {"model": "claude-opus-5-5", "client": "2.1.330", "cost": "estimate"}
    assert trial.fingerprint == {**fingerprint, "plugin": "0.1.0", "plan": "abc"}
    assert live.session.lines(CLOSED) == [["exp-1", "t-p1", str(int(NOW * 1000)), "p1"]]


def test_what_was_known_before_the_draw_is_stored_with_the_outcome(live):
    """No arguments are none; where nobody could tell, nothing is stored."""
    for number, length in enumerate((41, 0, None)):
        live.run(f"p{number}", 60 * number, argument_length=length)
    live.close(final=True)
    assert [trial.covariates for _, trial in sorted(live.trials().items())] == [
        {"argument_length": 41.0}, {"argument_length": 0.0}, {},
    ]  # fmt: skip


def test_the_end_of_an_experiment_closes_its_trials_as_they_stand(live):
    """One that is being answered closes with its answer; nothing later is added."""
    live.run("p1", 0)
    live.script.command("p3", 120).answer(121, "", [("c1", "Bash", {})])
    live.expose("p3", 120)
    live.script.write(live.transcript)
    ended = {EXPERIMENT: START + 122}
    assert closing.end_trials(str(live.root), ended, NOW) == 1
    assert live.open() == ["p3"]
    live.script.result("p3", 130, "c1").answer(131)
    live.script.command("p4", 140).answer(145, usage={"output_tokens": 1184})
    live.script.write(live.transcript)
    assert closing.end_trials(str(live.root), ended, NOW) == 1
    assert live.open() == []
    found = live.trials()
    assert {name: trial.metrics["output_tokens"] for name, trial in found.items()} == {
        "t-p1": 50,
        "t-p3": 100,
    }
    assert {trial.status for trial in found.values()} == {"ok"}


def test_the_end_of_an_experiment_is_none_of_anothers(live):
    live.run("p1", 0)
    live.write()
    assert closing.end_trials(str(live.root), {"exp-2": START + 10}, NOW) == 0
    assert live.open() == ["p1"]


def test_an_experiment_that_goes_on_later_does_not_reach_back(live):
    """What was used between its end and its new beginning belongs to no trial."""
    live.script.command("p1", 0).answer(1, "", [("c1", "Bash", {})])
    live.expose("p1", 0)
    live.script.write(live.transcript)
    assert closing.end_trials(str(live.root), {EXPERIMENT: START + 2}, NOW) == 0
    live.script.result("p1", 3, "c1").answer(4)
    live.script.prompt("p2", 10, "/review").answer(12, usage={"output_tokens": 1184})
    live.run("p3", 60)
    assert live.close() == 1
    assert live.trials()["t-p1"].metrics["output_tokens"] == 100


def test_the_end_of_the_session_closes_all_of_it(live):
    """Nothing of the session's state is left, and a second end finds nothing."""
    live.run("p1", 0)
    live.run("p2", 60, variant="b")
    assert live.close(final=True) == 2
    assert {name: trial.variant for name, trial in live.trials().items()} == {
        "t-p1": "control",
        "t-p2": "b",
    }
    assert not live.folder.exists()
    assert live.close(final=True) == 0


def test_two_experiments_in_one_prompt_are_two_trials(live):
    """Each log gets its own."""
    live.run("p1", 0)
    live.expose("p1", 0, experiment_id="exp-2", trial_id="other")
    assert live.close(final=True) == 2
    assert set(live.trials()) == {"t-p1"}
    assert [trial.trial_id for trial in live.read("exp-2").trials] == ["other"]


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("no_answer", "no_answer"),
        ("no_transcript", "transcript_missing"),
        ("no_prompt", "prompt_missing"),
    ],
)
def test_what_cannot_be_measured_is_excluded_with_a_reason(live, case, reason):
    """Only at the end: until then it may still come."""
    live.expose("p1", 0)
    live.expose("p2", 50)
    if case == "no_answer":
        live.script.command("p1", 0)
        live.script.command("p2", 50).answer(60)
    elif case == "no_prompt":
        live.script.command("p2", 50).answer(60)
    if case == "no_transcript":
        assert close_session(live.session, final=False, now=NOW) == 0
        assert close_session(live.session, final=True, now=NOW) == 2
    else:
        assert live.close() == (case == "no_answer")
        live.close(final=True)
    trial = next(trial for trial in live.read().trials if trial.trial_id == "t-p1")
    assert (trial.status, trial.excluded) == (None, reason)
    assert trial.metrics == {}


def test_a_transcript_is_found_where_the_client_keeps_it(live, monkeypatch, tmp_path):
    """When no hook told the path, the session's id does."""
    config = tmp_path / "config"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(config))
    live.transcript = config / "projects" / "-a-project" / f"{SESSION}.jsonl"
    live.run("p1", 0, path="")
    assert live.close(final=True) == 1
    assert live.trials()["t-p1"].metrics["output_tokens"] == 50


def test_a_torn_tail_spoils_its_own_line_only(live):
    """What a crash left half written is closed off first."""
    live.run("p1", 0)
    live.close(final=True)
    (log,) = (live.root / ".claude/meta/trials" / EXPERIMENT).glob("*-live.jsonl")
    assert log.stat().st_mode & 0o777 == 0o600
    with log.open("ab") as stream:
        stream.write(b'{"event":"recorded","at":1')
    live.run("p2", 60)
    live.close(final=True)
    assert {trial.trial_id for trial in live.read().trials} == {"t-p1", "t-p2"}
    assert live.read().set_aside_count == 1


def test_a_first_line_that_a_crash_cut_short_is_written_anew(live):
    """At each of its bytes; nothing stands behind it that could be lost."""
    place = logs.live_log(live.root, EXPERIMENT)
    whole = logs.head(live.root, EXPERIMENT, place.name)
    for cut in range(len(whole)):
        live.run(f"p{cut}", cut * 60)
        make_folder(str(place.parent))
        place.write_bytes(whole[:cut])
        assert live.close(final=True) == 1
        assert set(live.trials()) == {f"t-p{cut}"}


def test_a_strangers_file_in_the_place_of_the_log_is_left_alone(live):
    """The trial goes to another file, and counts; where there is none, it stays open."""
    names = [*log_head.log_names(log_head.live_stem(own_seal(live.root)), ".jsonl")]
    folder = live.root / ".claude/meta/trials" / EXPERIMENT
    make_folder(str(folder))
    (folder / names[0]).write_text("theirs, and longer than the first line of a log would be\n")
    live.run("p1", 0)
    assert live.close(final=True) == 1
    assert set(live.trials()) == {"t-p1"}
    (folder / names[1]).unlink()
    for name in names:
        (folder / name).write_text("theirs, and longer than the first line of a log would be\n")
    live.run("p2", 60)
    with pytest.raises(OSError, match="other files stand in the place of our logs"):
        live.close(final=True)
    assert live.open() == ["p2"]


@pytest.mark.parametrize("operation", ["write", "fsync", "unlink"])
def test_a_trial_stays_open_after_a_fault(live, monkeypatch, operation):
    """A refusal of the disk loses nothing, and the trial is counted once in the end."""
    live.run("p1", 0)
    real = getattr(os, operation)

    def refuse(*given, **more):
        if operation == "fsync" or "trial" in str(given[0]) or _is_log(given[0]):
            raise OSError(28, "No space left on device")
        return real(*given, **more)

    with monkeypatch.context() as within:
        within.setattr(os, operation, refuse)
        with pytest.raises(OSError, match="space"):
            live.close(final=True)
    assert live.open() == ["p1"]
    assert len(live.read().trials) == (operation == "unlink")
    assert live.close(final=True) == 1
    assert set(live.trials()) == {"t-p1"}


def _is_log(descriptor):
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink().name.endswith("-live.jsonl")
    except OSError:
        return False


def test_a_short_write_leaves_no_half_line(live, monkeypatch):
    """What the disk took of a line is taken back."""
    live.run("p1", 0)
    real = os.write

    def half(descriptor, data):
        if not _is_log(descriptor):
            return real(descriptor, data)
        if len(data) < 40:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as within:
        within.setattr(os, "write", half)
        with pytest.raises(OSError, match="space"):
            live.close(final=True)
    (log,) = (live.root / ".claude/meta/trials" / EXPERIMENT).glob("*-live.jsonl")
    assert log.read_bytes() == b""
    assert live.open() == ["p1"]


def test_many_closers_at_once_write_one_line_a_trial(live):
    """Stop, SessionEnd and sweep may meet; each trial is written by one of them."""
    for number in range(6):
        live.run(f"p{number}", number * 60)
    live.write(age=HALF_AN_HOUR + 1)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from meta_experiment.live.closing import close_session, sweep\n"
        "from meta_experiment.protocol.sessions import Session\n"
        "sys.stdin.readline()\n"
        "root, now = sys.argv[2], float(sys.argv[4])\n"
        "print(close_session(Session(root, sys.argv[3]), final=sys.argv[5] == '1', now=now),"
        " sweep(root, now), 'json' in sys.modules)\n"
    )
    words = [sys.executable, "-I", "-S", "-c", program, str(SCRIPTS), str(live.root)]
    runs = [
        subprocess.Popen(
            [*words, SESSION, str(NOW), str(number % 2)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    threads = [threading.Thread(target=run.stdin.write, args=("\n",)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = [run.communicate()[0].split() for run in runs]
    assert sum(int(first) + int(second) for first, second, _ in said) == 6
    assert {last for *_, last in said} == {"False"}  # the costly import was never needed
    (log,) = (live.root / ".claude/meta/trials" / EXPERIMENT).glob("*-live.jsonl")
    assert len(logs.lines(log).splitlines()) == 6
    assert len(live.trials()) == 6


@pytest.mark.parametrize("what", ["session", "log"])
def test_a_held_lock_is_waited_for_and_then_left(live, monkeypatch, what):
    """Who finds the session being closed goes away; without the log the trial stays open."""
    monkeypatch.setattr(closing, "_PATIENCE", 0.05)
    live.run("p1", 0)
    log_lock = Path(places.lock(str(live.root), "live"))
    log_lock.parent.mkdir(exist_ok=True)
    log_lock.touch()
    held = os.open(live.folder if what == "session" else log_lock, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    if what == "session":
        assert live.close(final=True) == 0
    else:
        with pytest.raises(BusyError):
            live.close(final=True)
    assert live.open() == ["p1"]
    os.close(held)
    assert live.close(final=True) == 1


@pytest.mark.parametrize("price", ["1e308", "1" + 400 * "0"])
def test_an_absurd_price_leaves_the_cost_out_and_closes_the_trial(live, price):
    """Whatever a project's own price list says, the trial is recorded."""
    place = live.root / ".claude/meta/prices.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    row = ",".join(
        f'"{name}":{price}' for name in ("input", "output", "write_5m", "write_1h", "read")
    )
    place.write_text(f'{{"models":{{"{MODEL}":{{{row}}}}}}}')
    live.run("p1", 0)
    assert live.close(final=True) == 1
    metrics = live.trials()["t-p1"].metrics
    assert "cost_usd" not in metrics
    assert metrics["duration_seconds"] == 5


def test_the_sweep_leaves_living_sessions_alone(live):
    """Only after 30 idle minutes, of the agents too; then nothing is left."""
    live.run("p1", 0)
    live.write(age=HALF_AN_HOUR - 60)
    assert sweep(str(live.root), NOW) == 0
    agent = live.transcript.with_suffix("") / "subagents" / "agent-a.jsonl"
    agent.parent.mkdir(parents=True)
    agent.write_text("")
    os.utime(agent, (NOW - 60, NOW - 60))
    live.write(age=HALF_AN_HOUR + 60)
    assert sweep(str(live.root), NOW) == 0
    agent.unlink()
    assert sweep(str(live.root), NOW) == 1
    assert not live.folder.exists()
    assert live.trials()["t-p1"].status == "ok"


@pytest.mark.parametrize("end", ["kill", "wait", None])
def test_the_sweep_knows_a_dead_client(live, end):
    """At once after a kill, also while nobody has collected the process; never before."""
    live.run("p1", 0)
    live.write()
    client = subprocess.Popen(["sleep", "600"])
    note_client(live.session, {"CLAUDE_PID": str(client.pid)})
    try:
        assert sweep(str(live.root), NOW) == 0
        if end:
            client.kill()
            if end == "wait":
                client.wait()
            else:
                os.waitid(os.P_PID, client.pid, os.WEXITED | os.WNOWAIT)
        assert sweep(str(live.root), NOW) == (end is not None)
    finally:
        client.kill()
        client.wait()


@pytest.mark.parametrize("work", ["a tool", "a report"])
@pytest.mark.parametrize(
    ("case", "hours", "swept"),
    [
        ("alive", 1, False),
        ("alive", 24, True),
        ("dead", 1, True),
        ("unknown", 1, True),
        ("done", 1, True),
    ],
)
def test_the_sweep_waits_for_what_a_living_client_is_at(live, work, case, hours, swept):
    """A call of a tool, or an agent in the background, may be silent for hours."""
    given = {"status": "async_launched"} if work == "a report" else {}
    live.script.command("p1", 0).answer(5, tools=[("c1", "Bash", {})])
    if work == "a report":
        live.script.result("p1", 6, "c1", detail=given).answer(7)
    if case == "done" and work == "a tool":
        live.script.result("p1", 6, "c1").answer(7)
    elif case == "done":
        live.script.notification("p2", 8, "c1").answer(9)
    live.expose("p1", 0)
    client = subprocess.Popen(["sleep", "600"])
    if case != "unknown":
        note_client(live.session, {"CLAUDE_PID": str(client.pid)})
    live.write(age=hours * 3600)
    try:
        if case == "dead":
            client.kill()
            client.wait()
        assert sweep(str(live.root), NOW) == swept
    finally:
        client.kill()
        client.wait()


def on_an_agent(live, kind="agent"):
    """Let the experiment be on an agent."""
    entry = Entry(
        id=EXPERIMENT, state="running", kind=kind, name="checker", path="x.md",
        form="agents", unit="invocation", method="block", traffic=1.0,
        arms=["control", "treatment"], weights=[1.0, 1.0], seed="5eed",
    )  # fmt: skip
    lines = sealed_lines([entry], own_seal(live.root))
    Path(places.active_index(str(live.root))).write_text(lines)


@pytest.mark.parametrize(
    ("variant", "refused", "excluded"),
    [
        ("treatment", "checker-treatment", "agent_refused"),
        ("control", "checker", "agent_refused"),
        ("treatment", "another", None),
        ("control", "checker-treatment", None),
    ],
)
def test_an_agent_that_was_not_started_is_no_trial(live, variant, refused, excluded):
    """Neither a quick success nor an error of the variant: nobody ran it."""
    on_an_agent(live)
    live.script.command("p1", 0).answer(5, tools=[("c1", "Agent", {})])
    said = f"Agent type '{refused}' not found. Available agents: Explore, Plan"
    live.script.result("p1", 6, "c1", error=True, content=said).answer(7)
    live.expose("p1", 0, variant=variant)
    assert live.close(final=True) == 1
    (trial,) = live.read().trials
    assert trial.excluded == excluded
    assert trial.status == (None if excluded else "ok")


@pytest.mark.parametrize(
    ("variant", "started", "excluded"),
    [
        ("treatment", ["checker"], "agent_of_another_arm"),
        ("control", ["checker-treatment"], "agent_of_another_arm"),
        ("treatment", ["checker-treatment", "checker"], "agent_of_another_arm"),
        ("treatment", ["checker-treatment", "Explore", ""], None),
        ("control", ["checker"], None),
        ("control", [], None),
    ],
)
def test_an_agent_that_ran_as_another_arms_than_was_drawn_is_no_trial(
    live, variant, started, excluded
):
    """A hook that takes too long is cut off by the client, also after it has drawn."""
    on_an_agent(live)
    for number, name in enumerate(started):
        agent = Script(number=50 + number).prompt("p1", 2).answer(3)
        file = live.transcript.with_suffix("") / f"subagents/agent-{number}.jsonl"
        agent.write(file)
        told = {"toolUseId": f"c{number}"} | ({"agentType": name} if name else {})
        file.with_suffix(".meta.json").write_text(json.dumps(told))
    calls = [(f"c{number}", "Agent", {}) for number in range(len(started))]
    live.script.command("p1", 0).answer(5, tools=calls)
    for call, _, _ in calls:
        live.script.result("p1", 6, call)
    live.script.answer(7)
    live.expose("p1", 0, variant=variant)
    assert live.close(final=True) == 1
    (trial,) = live.read().trials
    assert trial.excluded == excluded
    assert trial.status == (None if excluded else "ok")


@pytest.mark.parametrize(
    ("kind", "name", "bounds"),
    [
        ("agent", "checker", True),
        ("agent", "checker-treatment", True),
        ("agent", "another", False),
        ("command", "checker", True),
        ("command", "checker-treatment", False),
    ],
)
def test_a_use_of_which_no_hook_told_is_no_part_of_the_trial_before(live, kind, name, bounds):
    """The client went on without the hook, which took too long; its transcript tells."""
    on_an_agent(live, kind)
    live.run("p1", 0)
    if kind == "agent":
        call = ("c1", "Agent", {"subagent_type": name})
        live.script.prompt("p2", 10).answer(11, tools=[call]).result("p2", 12, "c1").answer(13)
    else:
        live.script.command("p2", 10, name).answer(11).answer(13)
    assert live.close(final=True) == 1
    trial = live.trials()["t-p1"]
    assert trial.metrics["followup_turns"] == (0 if bounds else 1)
    assert trial.metrics["duration_seconds"] == (5 if bounds else 13)


@pytest.mark.parametrize("step", ["open_trials", "note_closed", "names"])
def test_a_session_that_is_resumed_while_it_is_swept_goes_on(live, monkeypatch, step):
    """Its client is dead, a new one uses a prompt at once: nothing of that is taken away."""
    live.run("p1", 0)
    client = subprocess.Popen(["sleep", "600"])
    note_client(live.session, {"CLAUDE_PID": str(client.pid)})
    client.kill()
    client.wait()
    live.session.write_turn(PromptRef("p1", str(live.transcript)))
    live.write()
    os.utime(live.folder / "turn", (NOW, NOW))
    act = getattr(Session, step)

    def resumed(session, *given):
        monkeypatch.setattr(Session, step, act)
        session.write_turn(PromptRef("p2", str(live.transcript)))
        note_client(session, {"CLAUDE_PID": str(os.getpid())})
        hand_over(session, "review", PromptRef("p2", str(live.transcript)), "two")
        if step == "open_trials":
            live.expose("p2", 20)
        return act(session, *given)

    monkeypatch.setattr(Session, step, resumed)
    sweep(str(live.root), NOW)
    assert live.session.read_turn().prompt_id == "p2"
    assert [handover.arguments for handover in pending(live.session)] == ["two"]
    assert is_alive(live.session)
    assert ("p2" in live.open()) == (step == "open_trials")


def test_a_trial_closes_though_no_missed_use_can_be_noted(live):
    """What becomes of uses decides nothing; trials do."""
    live.run("p1", 0)
    live.write(age=3600)
    live.session.write_turn(PromptRef("p2", str(live.transcript)))
    live.session.write_use(PromptUse("p2", EXPERIMENT, str(live.root)))
    on_an_agent(live)
    data = Path(places.data_folder(os.environ))
    root = places.Root("0123456789ab", places.PROJECT, str(live.root))
    Path(places.roots_file(str(data))).write_text(places.format_root(root))
    Path(places.missed_file(str(data))).mkdir()
    os.utime(live.folder, (NOW - 3600, NOW - 3600))
    assert sweep(str(live.root), NOW) == 1
    assert list(live.trials()) == ["t-p1"]


def test_word_of_closed_trials_stays_as_long_as_the_client(live):
    """At `/clear` the session ends and the client goes on: the last answer may be rated yet."""
    live.run("p1", 0)
    client = subprocess.Popen(["sleep", "600"])
    note_client(live.session, {"CLAUDE_PID": str(client.pid)})
    live.session.write_turn(PromptRef("p1", ""))
    try:
        live.script.write(live.transcript)
        closed = close_session(live.session, final=True, now=NOW, client_goes_on=True)
        assert closed == 1
        assert sorted(live.session.names()) == ["client", "closed"]
        live.write(age=HALF_AN_HOUR + 1)
        sweep(str(live.root), NOW)
        assert live.session.lines(CLOSED)[0][:2] == [EXPERIMENT, "t-p1"]
    finally:
        client.kill()
        client.wait()
    sweep(str(live.root), NOW)
    assert not live.folder.exists()


@pytest.mark.parametrize(
    ("field", "text", "alive", "swept"),
    [
        (1, "1", True, True),  # the number was given to another process
        (2, "elsewhere 1", False, False),  # a process of another machine or container
        (2, "", False, False),
    ],
)
def test_a_number_alone_says_nothing(live, field, text, alive, swept):
    """A process is known by its number, its start and where such numbers hold."""
    live.run("p1", 0)
    live.write()
    client = subprocess.Popen(["sleep", "600"])
    note_client(live.session, {"CLAUDE_PID": str(client.pid)})
    try:
        if not alive:
            client.kill()
            client.wait()
        fields = fields_of(live.session.read("client"))
        fields[field] = text
        live.session.write("client", line_of(fields))
        assert sweep(str(live.root), NOW) == swept
    finally:
        client.kill()
        client.wait()


@pytest.mark.parametrize("pid", ["", "0", "x", "../1", "99999999"])
def test_a_client_that_does_not_say_its_number_is_judged_by_age(live, pid):
    """Without a living process of that number nothing is noted."""
    live.run("p1", 0)
    note_client(live.session, {"CLAUDE_PID": pid})
    assert not (live.folder / "client").exists()


def test_the_sweep_goes_on_after_a_bad_session(live):
    """A session whose state is damaged does not keep others open."""
    live.run("p1", 0)
    live.write(age=HALF_AN_HOUR + 60)
    bad = Path(places.sessions(str(live.root))) / "00-bad"
    (bad / "trial-x").mkdir(parents=True)
    os.utime(bad, (0, 0))
    assert sweep(str(live.root), NOW) == 1


@pytest.mark.parametrize("session", ["../../x", "", ".", "a/b", "none"])
def test_an_unknown_or_crooked_session_closes_nothing(live, session):
    """A name that could leave its folder is refused; one without state is no fault."""
    if session == "none":
        assert close_session(Session(str(live.root), session), final=True, now=NOW) == 0
    else:
        with pytest.raises(ValueError, match="folder"):
            close_session(Session(str(live.root), session), final=True, now=NOW)


def test_a_crooked_experiment_writes_nowhere(live):
    """State that names a place outside is left alone."""
    live.run("p1", 0, experiment_id="../../../../out")
    assert live.close(final=True) == 0
    assert not list(live.root.parent.glob("out*"))


@pytest.mark.parametrize("now", [-1e6, 1e13])
def test_whatever_the_clock_says_the_trial_is_read(live, now):
    """It may stand before 1970, or far ahead."""
    live.run("p1", 0)
    live.script.write(live.transcript)
    assert close_session(live.session, final=True, now=now) == 1
    assert set(live.trials()) == {"t-p1"}


def test_every_line_is_whole_json(live):
    """A unit with half of a surrogate pair does not make a line that readers set aside."""
    live.run("p1", 0, trial_id="t-\udc80")
    assert live.close(final=True) == 1
    (log,) = (live.root / ".claude/meta/trials" / EXPERIMENT).glob("*-live.jsonl")
    assert json.loads(logs.lines(log))["trial_id"] == "t-?"
    assert len(live.trials()) == 1
