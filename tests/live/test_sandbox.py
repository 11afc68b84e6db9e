"""Serving where nothing may be written below the root, and hooks that may."""

import errno
import os
from pathlib import Path

import pytest
from tests import logs
from tests.live.stage import TOKEN

from meta_experiment.assign.arms import hashed_arm
from meta_experiment.live import exposure, sandbox, serving
from meta_experiment.live.handovers import pending
from meta_experiment.protocol import missed, places
from meta_experiment.protocol.lock import BusyError
from meta_experiment.protocol.sessions import Session

DEVICES = ("/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Sandbox:
    """The injected line's program in this process, which may write in one folder alone."""

    def __init__(self, stage, folder, monkeypatch, capfd):
        self.stage, self.folder = stage, folder
        self._monkeypatch, self._capfd = monkeypatch, capfd
        self.passing = 0  # how many writes are let through
        self.meanwhile = {}  # what happens before which step
        folder.mkdir(mode=0o700)
        stage.environment["CLAUDE_TMPDIR"] = str(folder)
        for name, value in stage.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(stage.root)

    def text(self, *words, session="s1"):
        """Return what is served."""
        self._written = self.steps = 0
        self._capfd.readouterr()
        with self._monkeypatch.context() as within:
            for name in ("open", "unlink", "rename", "link", "mkdir", "rmdir"):
                within.setattr(os, name, self._held(getattr(os, name)))
            code = serving.main([f"exp-1@{TOKEN}", session, *words])
        assert code == 0
        return self._capfd.readouterr().out

    def _held(self, act):
        def held(path, *more, **named):
            writes = act.__name__ != "open" or bool(more and more[0] & WRITING)
            inside = str(path).startswith(str(self.folder)) or str(path) in DEVICES
            self._written += writes and not inside
            self.steps += inside
            if inside:
                self.meanwhile.pop(self.steps, int)()
            if writes and not inside and self._written > self.passing:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
            return act(path, *more, **named)

        return held

    def kept(self):
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture
def box(stage, tmp_path, monkeypatch, capfd):
    return Sandbox(stage, tmp_path / "claude", monkeypatch, capfd)


def stop(stage, prompt="p1"):
    stage.hook("Stop", "stop", {"prompt_id": prompt, "background_tasks": []})


def trials(stage, session="s1"):
    return [(item.prompt_id, item.variant) for item in stage.session(session).open_trials()]


def assigned(stage):
    """Return the lines of what was drawn, in and apart from the sequence."""
    files = (logs.sequence(stage.root, "exp-1"), logs.drawn_apart(stage.root, "exp-1"))
    return [
        line
        for path in files
        if path.exists()
        for line in logs.lines(path).decode().splitlines()
    ]


def is_control(stage, unit):
    """Tell which arm a unit gets apart from the sequence."""
    entry = stage.run()
    return entry.arms[hashed_arm(entry.weights, entry.seed, unit)] == entry.control


class Died(BaseException):
    """The process ended here."""


def dies(*_, **__):
    raise Died


def test_a_use_in_a_sandbox_gets_its_arguments_and_is_counted(box, stage):
    """The arm is drawn by the unit alone; the next hook brings the trial to its place."""
    stage.run()
    texts = []
    for number in range(8):
        stage.typed(f"item {number}", f"p{number}")
        texts.append(box.text())
        assert texts[-1].endswith(f" for item {number}.")
        stop(stage, f"p{number}")
    known = trials(stage)
    assert [prompt for prompt, _ in known] == [f"p{number}" for number in range(8)]
    assert [variant for _, variant in known] == [text.split()[0].lower() for text in texts]
    assert {variant for _, variant in known} == {"control", "treatment"}
    assert box.kept() == []
    assert missed.missed(str(stage.root)) == []
    assert stage.faults() == []


@pytest.mark.long
def test_a_use_beside_the_hook_of_the_answer_before_is_counted(box, stage):
    """Nobody waits for that hook: it takes over, and tidies up, at any step of the next use."""
    stage.run()
    number, steps = 0, 1
    while number < steps:
        number += 1
        before, prompt = f"before-{number}", f"p{number}"
        stage.typed("another item", before)
        box.text()
        stage.typed(f"item {number}", prompt)
        box.meanwhile[number] = lambda before=before: stop(stage, before)
        assert box.text().endswith(f" for item {number}.")
        steps = box.steps
        stop(stage, prompt)
    assert number > 9  # steps of a use
    assert len(trials(stage)) == 2 * number
    assert stage.faults() == []


def test_a_use_while_a_hook_tidies_up_hands_its_arguments_over_once(box, stage, monkeypatch):
    """What it notes meanwhile stays for the next hook."""
    stage.run()
    stage.typed("another item", "p1")
    box.text()
    taken = sandbox.taken

    def before(kept):
        monkeypatch.setattr(sandbox, "taken", taken)
        known = taken(kept)
        stage.typed("one", "p1")  # whose trial is open
        assert box.text().endswith(" for one.")
        return known

    monkeypatch.setattr(sandbox, "taken", before)
    (root,) = places.roots(places.data_folder(os.environ))
    sandbox.take_over(root, stage.session())
    sandbox.take_over(root, stage.session())
    assert pending(stage.session()) == []
    assert [prompt for prompt, _ in trials(stage)] == ["p1"]
    assert stage.faults() == []


def test_what_one_hook_takes_over_another_leaves_to_it(box, stage, monkeypatch):
    """Else it would open again what the first has closed meanwhile."""
    stage.run()
    stage.typed("one", "p1")
    box.text()
    (root,) = places.roots(places.data_folder(os.environ))
    monkeypatch.setattr(sandbox, "_PATIENCE", 0.05)
    adopt, held = exposure.adopt, []

    def beside(*given):
        monkeypatch.setattr(exposure, "adopt", adopt)
        with pytest.raises(BusyError):
            sandbox.take_over(root, stage.session())
        sandbox.take_over_all(str(stage.root))
        held.append(trials(stage))
        adopt(*given)

    monkeypatch.setattr(exposure, "adopt", beside)
    sandbox.take_over(root, stage.session())
    assert held == [[]]
    assert [prompt for prompt, _ in trials(stage)] == ["p1"]
    assert box.kept() == []
    assert stage.faults() == []


def test_a_unit_keeps_its_arm_in_and_out_of_the_sandbox(box, stage):
    """By what was drawn first."""
    stage.run(unit="session", sequence="1")
    assert stage.call("one").startswith("Treatment")
    stage.typed("two", "p2")
    assert box.text() == "Treatment for two."
    stop(stage, "p2")
    assert stage.call("three", prompt="p3").startswith("Treatment")
    assert [variant for _, variant in trials(stage)] == ["treatment"] * 3


def test_one_prompt_is_one_exposure_in_a_sandbox_as_well(box, stage):
    """Twice in a prompt, with arguments of its own each time; agents of one message."""
    stage.run()
    stage.typed("one", "p1")
    first = box.text()
    stage.typed("two", "p1")
    second = box.text()
    assert first.split()[0] == second.split()[0]
    assert (first[-4:], second[-4:]) == ("one.", "two.")
    stop(stage)
    assert len(trials(stage)) == 1


def test_a_use_in_a_sandbox_ends_what_was_open_before(box, stage):
    """Also when its turn was broken off, and the next prompt is the first hook."""
    stage.run()
    stage.typed("one", "p1")
    box.text()
    stage.typed("two", "p2")
    assert len(trials(stage)) == 1
    assert stage.session().read_prompts() == ["p1", "p2"]
    box.text()
    stop(stage, "p2")
    assert [prompt for prompt, _ in trials(stage)] == ["p1", "p2"]


def test_what_lies_in_the_temporary_folder_is_believed_under_our_seal_alone(box, stage):
    """And only in a folder of this user's that nobody else may write to."""
    stage.run()
    stage.typed("one", "p1")
    box.text()
    (trial,) = (path for path in box.kept() if path.name.startswith("trial-"))
    trial.write_bytes(trial.read_bytes().replace(b"p1", b"p7"))
    stop(stage)
    assert trials(stage) == []
    (item,) = missed.missed(str(stage.root))
    assert item.count == 1
    box.folder.chmod(0o777)
    stage.typed("two", "p2")
    folders = sandbox._folders(TOKEN)
    assert not any(str(box.folder) in folder for folder in folders)


@pytest.mark.parametrize("number", range(9, 13))
def test_a_use_of_which_something_was_written_is_one_trial(box, stage, number):
    """Its line in the sequence, say, before the rest was refused."""
    stage.run()
    stage.typed("one", "p1")
    box.passing = number
    arm = box.text().split()[0].lower()
    stop(stage)
    assert trials(stage) == [("p1", arm)]
    drawn = [line.split("\t") for line in assigned(stage)]
    assert {tuple(fields[2:4]) for fields in drawn} == {
        (arm, stage.session().open_trials()[0].trial_id)
    }


def test_a_hook_broken_off_while_it_takes_over_leaves_a_unit_its_arm(box, stage, monkeypatch):
    """It died after some of its writes; the next one writes what is missing."""
    stage.run(unit="session", sequence="1" if is_control(stage, "s1") else "0")
    stage.typed("one", "p1")
    arm = box.text().split()[0]
    (root,) = places.roots(places.data_folder(os.environ))
    writes = [
        (exposure, "_append_apart"),
        (Session, "append_prompt"),
        (Session, "write_trial"),
    ]
    for owner, name in writes:
        with monkeypatch.context() as within:
            within.setattr(owner, name, dies)
            with pytest.raises(Died):
                sandbox.take_over(root, stage.session())
    sandbox.take_over(root, stage.session())
    assert trials(stage) == [("p1", arm.lower())]
    assert stage.call("two", prompt="p2").split()[0] == arm


def test_what_is_kept_stays_while_the_checkout_has_no_identity(box, stage):
    """As while a neighbour replaces its file: nobody can tell then what is ours."""
    stage.run()
    stage.typed("one", "p1")
    box.text()
    identity = Path(places.local_id(str(stage.root)))
    line = identity.read_bytes()
    identity.write_bytes(b"another")
    stop(stage)
    assert box.kept()
    identity.write_bytes(line)
    stop(stage)
    assert [prompt for prompt, _ in trials(stage)] == ["p1"]
    assert box.kept() == []


def test_a_session_with_a_fault_keeps_no_other_from_being_taken_over(box, stage):
    """One is tried again the next time."""
    stage.run()
    for session in ("s1", "s2"):
        stage.typed("one", "p1", session=session)
        box.text(session=session)
    (stage.root / ".claude/meta/local/sessions/s1/prompts").symlink_to("/nowhere")
    sandbox.take_over_all(str(stage.root))
    assert [prompt for prompt, _ in trials(stage, "s2")] == ["p1"]
    assert "symbolic link" in stage.faults()[-1]
    (stage.root / ".claude/meta/local/sessions/s1/prompts").unlink()
    sandbox.take_over_all(str(stage.root))
    assert [prompt for prompt, _ in trials(stage)] == ["p1"]
    assert box.kept() == []


def test_trials_of_a_client_that_is_gone_are_taken_over_by_the_next_look(box, stage):
    """As when it was killed within the turn."""
    from meta_experiment.live import closing

    stage.run()
    stage.typed("one", "p1")
    box.text()
    assert trials(stage) == []
    closing.sweep(str(stage.root), Path(stage.root).stat().st_mtime)
    assert [prompt for prompt, _ in trials(stage)] == ["p1"]
    assert box.kept() == []


def test_without_a_folder_for_it_the_control_is_served_and_the_use_noted(box, stage):
    """Nothing is lost but the trial, and that is told."""
    stage.run()
    stage.write(".claude/skills/review/SKILL.md", stage.text_path("shim").read_bytes())
    stage.typed("one", "p1")
    box.folder.rmdir()
    assert box.text() == "Control for (see ARGUMENTS at the end)."
    stop(stage)
    (item,) = missed.missed(str(stage.root))
    assert (item.why, item.count) == ("unserved", 1)


def test_a_use_that_no_hook_could_tell_of_is_the_control_and_counts_nowhere(box, stage):
    """As in a project that is read-only for hooks as well: none would take its trial over."""
    stage.run()
    assert {box.text(session=f"s{number}") for number in range(8)} == {
        "Control for (see ARGUMENTS at the end)."
    }
    assert box.kept() == []
