"""Uses of a prompt under experiment that are not counted: noted with place and reason."""

import contextlib
import os
import threading
import time
from pathlib import Path

import pytest
from tests.live.stage import CONTROL, FRONT, Stage
from tests.transcripts.script import Script

from meta_experiment.live.closing import sweep
from meta_experiment.live.hook_event import HookEvent
from meta_experiment.live.session_end import prompt_answered, session_ended
from meta_experiment.protocol import faults, missed, places
from meta_experiment.protocol.sessions import PromptUse


@pytest.fixture
def known(stage, monkeypatch):
    """What is known of the stage's root."""
    monkeypatch.setenv("HOME", str(stage.home))

    def known(root=None):
        return [
            (item.experiment_id, item.place, item.why, item.count)
            for item in missed.missed(str(root or stage.root))
        ]

    return known


def placed(stage, name="review"):
    """Put the skill in its place that goes before a command."""
    return stage.write(f".claude/skills/{name}/SKILL.md", stage.text_path("shim").read_bytes())


def stop(stage, prompt="p1", **more):
    stage.hook("Stop", "stop", {"prompt_id": prompt, "background_tasks": [], **more})


def test_a_use_that_is_served_and_counted_is_not_missed(stage, known):
    """Nor one that is not of the share under experiment, or of an arm that has ended."""
    stage.run()
    placed(stage)
    stage.call("one")
    stop(stage)
    assert known() == []
    stage.run(traffic=0.0)
    stage.call("two", prompt="p2")
    stop(stage, "p2")
    stage.run(sequence="0111", ended=["treatment"])
    stage.call("three", prompt="p3")
    stop(stage, "p3")
    assert known() == []
    assert stage.faults() == []


@pytest.mark.parametrize(
    ("form", "change", "why"),
    [
        ("shadow", None, "unserved"),
        ("shadow", "edit", "edited"),
        ("shadow", "remove", "absent"),
        ("inplace", None, "unserved"),
        ("inplace", "edit", "edited"),
        ("inplace", "original", "absent"),
    ],
)
def test_a_use_that_nothing_serves_is_noted_with_its_reason(stage, known, form, change, why):
    """By what stands there at the end of its turn; once for each prompt, however often."""
    entry = stage.run(form=form, kind="skill" if form == "inplace" else "command")
    skill = placed(stage) if form == "shadow" else stage.root / entry.path
    if change == "edit":
        (stage.root / entry.path).write_text(FRONT + "Mine.")
    elif change == "remove":
        skill.unlink()
    elif change == "original":
        skill.write_text(FRONT + CONTROL)
    for prompt in ("p1", "p2"):
        stage.typed("one", prompt)
        stage.typed("again", prompt)
        stop(stage, prompt)
    assert known() == [("exp-1", str(stage.root), why, 2)]
    assert stage.faults() == []


def test_a_use_whose_look_was_cut_off_is_noted_at_the_end_of_the_session(stage, known):
    """A client that ends does not wait for what looks after its last prompt."""
    stage.run()
    placed(stage)
    stage.typed("one", "p1")
    stage.hook("SessionEnd", "end", {"reason": "other"})
    assert known() == [("exp-1", str(stage.root), "unserved", 1)]
    stage.call("two", prompt="p2")
    stage.hook("SessionEnd", "end", {"reason": "other"})
    assert known() == [], "counted, which forgets what was missed before"
    assert stage.faults() == []


class Killed(BaseException):
    """The process ended here."""


class Hooks:
    """The hooks at the end of a prompt, in this process, which may end before any step."""

    def __init__(self, stage, monkeypatch):
        self._stage, self._monkeypatch = stage, monkeypatch
        for name, value in stage.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(stage.root)

    def answered(self, prompt, session, killed_before=None):
        """Run that of an answer; tell whether it came to its end."""
        self.steps, self._last = 0, killed_before
        with self._monkeypatch.context() as within:
            for name in ("open", "write", "unlink", "rename", "link", "utime", "rmdir"):
                within.setattr(os, name, self._counted(getattr(os, name)))
            with contextlib.suppress(Killed):
                prompt_answered(self._event(session, prompt_id=prompt, background_tasks=[]))
                return True
        return False

    def ended(self, session):
        session_ended(self._event(session, reason="other"))

    def _event(self, session, **more):
        transcript = str(self._stage.home / "transcript.jsonl")
        return HookEvent({"session_id": session, "transcript_path": transcript, **more}, 2e9)

    def _counted(self, act):
        def counted(*words, **named):
            self.steps += 1
            if self._last is not None and self.steps >= self._last:
                raise Killed
            return act(*words, **named)

        return counted


@pytest.mark.long
@pytest.mark.parametrize("counted", [False, True])
def test_a_look_that_is_killed_before_any_step_is_made_good(stage, known, monkeypatch, counted):
    """Each use that was missed is told once; and none that was counted."""
    stage.run()
    placed(stage)
    hooks = Hooks(stage, monkeypatch)
    number, whole = 0, False
    while not whole:
        number += 1
        prompt, session = f"p{number}", f"s{number}"
        stage.typed("one", prompt, session=session)
        if counted:
            stage.text(session=session)
        whole = hooks.answered(prompt, session, killed_before=number)
        hooks.ended(session)
        told = [] if counted else [("exp-1", str(stage.root), "unserved", number)]
        assert known() == told, f"killed before step {number}"
    assert number > 9
    assert stage.faults() == []


def test_of_prompts_that_follow_fast_each_is_looked_after(stage, known):
    """The client that ends cuts off all looks at once; what had no answer was no use."""
    stage.run()
    placed(stage)
    script = Script()
    for at, prompt in enumerate(("p1", "p2", "p3", "p4")):
        stage.typed("one", prompt)
        script.command(prompt, at)
        if prompt == "p2":
            script.interrupt(prompt, at)
        else:
            script.answer(at + 0.5)
    script.write(stage.home / "transcript.jsonl")
    stage.hook("SessionEnd", "end", {"reason": "other"})
    assert known() == [("exp-1", str(stage.root), "unserved", 3)]


def test_prompts_are_looked_back_at_in_their_order(stage, known):
    """What is counted after a miss mends it; one that is missed after that is told."""
    stage.run()
    placed(stage)
    script = Script()
    for at, prompt in enumerate(("p9", "p5", "p1")):
        stage.typed("one", prompt)
        script.command(prompt, at).answer(at + 0.5)
        if prompt == "p5":
            stage.text()
    script.write(stage.home / "transcript.jsonl")
    stage.hook("SessionEnd", "end", {"reason": "other"})
    assert known() == [("exp-1", str(stage.root), "unserved", 1)]


def test_uses_of_a_client_that_died_are_looked_after_by_the_next_command(stage, known):
    """It runs no hook at its end."""
    stage.run()
    placed(stage)
    stage.typed("one", "p1")
    Script().command("p1", 0).answer(1).write(stage.home / "transcript.jsonl")
    sweep(str(stage.root), time.time() + 86_400)
    assert known() == [("exp-1", str(stage.root), "unserved", 1)]


def test_a_look_after_the_trial_was_closed_finds_it_counted(stage, known, monkeypatch):
    """The hook of the next prompt may come first, and closes what that one bounds."""
    stage.run()
    placed(stage)
    hooks = Hooks(stage, monkeypatch)
    script = Script()
    for at, prompt in enumerate(("p1", "p2")):
        stage.call("one", prompt=prompt)
        script.command(prompt, at).answer(at + 0.5)
    script.write(stage.home / "transcript.jsonl")
    hooks.answered("p2", "s1")
    assert [trial.prompt_id for trial in stage.session("s1").open_trials()] == ["p2"]
    hooks.answered("p1", "s1")
    assert known() == []


def test_a_use_that_begins_while_the_prompt_before_is_looked_after_is_not_lost(stage, known):
    """The next prompt does not wait for that look."""
    stage.run()
    placed(stage)
    stage.typed("one", "p1")
    stage.typed("two", "p2")
    stop(stage, "p1")
    assert known() == [("exp-1", str(stage.root), "unserved", 1)]
    stop(stage, "p2")
    assert known() == [("exp-1", str(stage.root), "unserved", 2)]


def test_what_is_served_but_not_counted_is_noted_as_well(stage, known):
    """A command that was edited is printed as it is by the skill that goes before it."""
    stage.run()
    placed(stage)
    stage.write(".claude/commands/review.md", FRONT + "Mine.")
    assert stage.call("one") == "Mine."
    stop(stage)
    assert known() == [("exp-1", str(stage.root), "edited", 1)]


def test_what_was_broken_off_or_has_ended_was_no_use(stage, known):
    """Escape before the answer, another's command of the same name, an ended experiment."""
    stage.run()
    placed(stage)
    stage.typed("one", "p1")
    stop(stage, "p2")
    document = {"prompt_id": "p3", "command_name": "review", "command_args": ""}
    stage.hook("UserPromptExpansion", "prompt", {**document, "command_source": "userSettings"})
    stop(stage, "p3")
    stage.typed("one", "p4")
    stage.run(state="ended")
    stop(stage, "p4")
    stage.typed("one", "p5")
    stop(stage, "p5")
    assert known() == []


def test_a_use_on_a_branch_that_does_not_list_the_experiment_is_noted(stage, known):
    """Its prompt runs as the file is; one that has ended was taken away for good."""
    stage.run(state="unlisted")
    stage.typed("one", "p1")
    stop(stage, "p1")
    assert known() == [("exp-1", str(stage.root), "unlisted", 1)]
    assert stage.faults() == []


def test_a_use_that_is_counted_again_mends_what_was_missed(stage, known):
    """In the same place; those before are not told for ever."""
    stage.run()
    skill = placed(stage)
    data = skill.read_bytes()
    skill.unlink()
    stage.typed("one", "p1")
    stop(stage, "p1")
    assert [item[2] for item in known()] == ["absent"]
    skill.write_bytes(data)
    stage.call("two", prompt="p2")
    stop(stage, "p2")
    assert known() == []


def test_what_was_never_noticed_is_renewed(stage):
    """A client that read its skills just before ours was there looks at files that change."""
    stage.run()
    skill = placed(stage)
    os.utime(skill, (1, 1))
    stage.typed("one", "p1")
    stop(stage)
    assert skill.stat().st_mtime > 1


def test_where_nothing_can_be_kept_each_use_is_noted(stage, known):
    """A project on a disk that is read-only, say."""
    stage.run()
    placed(stage)
    stage.write(".claude/meta/local/sessions", "in the place of a folder")
    stage.typed("one", "p1")
    assert known() == [("exp-1", str(stage.root), "unwritable", 1)]


def test_an_agent_that_cannot_be_served_is_noted(tmp_path, monkeypatch):
    """The model gets the agent that it asked for."""
    stage = Stage(tmp_path)
    monkeypatch.setenv("HOME", str(stage.home))
    stage.run(kind="agent", form="agents", name="rev", path=".claude/agents/rev.md")
    stage.tool("Agent", {"subagent_type": "rev", "prompt": "x"})
    stop(stage)
    (item,) = missed.missed(str(stage.root))
    assert (item.why, item.count) == ("absent", 1)


def test_an_agent_called_before_the_look_at_the_prompt_before_is_not_passed_over(stage, known):
    """That look, which nobody waited for, finds all settled but what has no answer yet."""
    stage.run(kind="agent", form="agents", name="rev", path=".claude/agents/rev.md")
    for prompt in ("p1", "p2"):
        stage.tool("Agent", {"subagent_type": "rev", "prompt": "x"}, prompt)
    stop(stage, "p1")
    assert [item[3] for item in known()] == [1]
    stop(stage, "p2")
    assert [item[3] for item in known()] == [2]


def test_the_log_stays_small(stage, known):
    """And other roots' lines are theirs."""
    for number in range(2_000):
        use = PromptUse(f"p{number}", f"exp-{number % 3}", "/x")
        missed.note_missed(str(stage.root), use, "edited", number)
    missed.note_missed("/other", PromptUse("p", "exp-1", "/x"), "edited", 1)
    file = Path(places.missed_file(places.data_folder(stage.environment)))
    assert file.stat().st_size < 100_000
    assert len(known()) == 3
    assert len(known("/other")) == 1
    file.write_bytes(b"junk\n\t\t\n1\t2\n" + b"\xff" * 100)
    assert known() == []


def full_log(stage):
    """Fill the log, so that the next line makes its older half go; return the file."""
    file = Path(places.missed_file(places.data_folder(stage.environment)))
    file.write_bytes(b"1\tan older line\n" * 5_000)
    return file


def test_a_line_is_kept_that_comes_while_the_older_half_goes(stage, monkeypatch):
    """Of another hook, which waits for that."""
    file, read = full_log(stage), os.pread
    added = threading.Event()

    def add():
        faults.append_bounded(str(file), b"2\tanother\n")
        added.set()

    other = threading.Thread(target=add)

    def beside(*given):
        monkeypatch.setattr(os, "pread", read)
        other.start()
        added.wait(0.2)
        return read(*given)

    monkeypatch.setattr(faults, "_PATIENCE", 240.0)
    monkeypatch.setattr(os, "pread", beside)
    faults.append_bounded(str(file), b"3\tmine\n")
    other.join()
    assert set(file.read_bytes().splitlines()[-2:]) == {b"2\tanother", b"3\tmine"}


def test_a_log_outlives_a_hook_that_is_cut_off_while_the_older_half_goes(stage, monkeypatch):
    """Nothing but its own line is lost."""

    class CutOff(BaseException):
        """The process ended here."""

    def write(*_):
        raise CutOff

    file = full_log(stage)
    before = file.read_bytes()
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(CutOff):
        faults.append_bounded(str(file), b"3\tmine\n")
    assert file.read_bytes() == before


def test_a_line_behind_one_that_was_cut_short_is_read(stage, known):
    """It begins on a line of its own."""
    file = Path(places.missed_file(places.data_folder(stage.environment)))
    file.write_bytes(b"1\thalf of a li")
    missed.note_missed(str(stage.root), PromptUse("p1", "exp-1", "/x"), "edited", 1)
    assert known() == [("exp-1", "/x", "edited", 1)]
