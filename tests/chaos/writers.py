"""What one writer of the storm does until it is killed: mixed verbs, each told of twice.

A writer keeps a log of its own: `try` before a command, `ack` once it was acknowledged. What
stands there survives a kill, so the audit knows what had been promised. What a signal came too
late for, by the program's own words, is acknowledged as well. The next writer of the same name
begins as a client would: it settles what was cut off and records again, under the same trial
ids, what was not acknowledged.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.chaos import boxes
from tests.chaos.verbs import CONTROL, TREATMENT, no_outlook

from meta_experiment.errors import LockedError, MetaExperimentError
from meta_experiment.files import interruption
from meta_experiment.files.interruption import Interrupted
from meta_experiment.files.roots import Layout, find_root
from meta_experiment.live.around import roots_around
from meta_experiment.live.closing import close_session
from meta_experiment.live.exposure import expose
from meta_experiment.live.sandbox import take_over
from meta_experiment.protocol import index
from meta_experiment.protocol.places import Root
from meta_experiment.protocol.sessions import PromptRef, Session
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.acting.analysing import analyze
from meta_experiment.services.board.board import board
from meta_experiment.services.health import recovery
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.planning import creating, request
from meta_experiment.services.recording import assigning, recording
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status

COMMON = "common"
_RECORDED, _FINISHED = "The trials were recorded first.", "was finished first."
WISH = promotion.ActionOptions(override="storm")
WEIGHTS = {
    "record": 8,
    "batch": 2,
    "assign": 4,
    "serve": 4,
    "box": 2,
    "close": 1,
    "analyze": 1,
    "status": 1,
    "recover": 1,
    "own": 5,
}


class Log:
    """The writer's own words, each line in one write.

    A kill cuts a write off where it goes on in the next page of a file: nobody heard that line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._descriptor = os.open(path, flags, 0o600)
        if not path.read_bytes().endswith(b"\n"):
            os.write(self._descriptor, b"\n")

    def say(self, kind: str, verb: str, **what: object) -> None:
        line = json.dumps({"kind": kind, "verb": verb, **what})
        os.write(self._descriptor, line.encode() + b"\n")

    @staticmethod
    def lines(path: Path) -> Iterator[dict[str, Any]]:
        if path.exists():
            for line in path.read_bytes().splitlines():
                with contextlib.suppress(ValueError):
                    yield json.loads(line)


class Writer:
    """One writer, in its folder; `turn` numbers what it records, on from its predecessors."""

    def __init__(self, folder: Path, name: str, common: str, log: Path, seed: int) -> None:
        creating.forecast = no_outlook  # type: ignore[assignment]
        self.folder = str(folder)
        root = find_root(None, user=False, environment={}, directory=folder, home=Path.home())
        self.space = Workspace.open(Layout(root), time.time)
        self.name, self.common, self.log = name, common, Log(log)
        self.chance = random.Random(seed)  # noqa: S311
        self.turn = sum(line["kind"] == "try" for line in Log.lines(log))

    def work(self, stop: Path) -> None:
        """Work until told to stop; whatever is not an error of the house is said and fatal."""
        interruption.listen()
        try:
            self._again()
            while not stop.exists():
                verb = self.chance.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
                self.turn += 1
                getattr(self, f"_{verb}")()
        except Interrupted:
            return
        except BaseException:
            self.log.say("broken", "", trace=traceback.format_exc())
            raise

    def _again(self) -> None:
        """Record once more what was not acknowledged, as a client would."""
        acknowledged: set[str] = set()
        tried: dict[str, Any] = {}
        for line in Log.lines(self.log.path):
            if line["verb"] == "record":
                ids = [item["trial_id"] for item in line.get("what", [])]
                acknowledged |= {*ids} if line["kind"] == "ack" else set()
                tried |= {item["trial_id"]: item for item in line.get("what", [])}
        missing = [item for trial_id, item in tried.items() if trial_id not in acknowledged]
        if missing:
            self._do("record", lambda: recording.record(self.space, missing), what=missing)

    def _do(self, verb: str, act: Callable[[], object], **what: object) -> object:
        """Say it, do it, and say that it is done or why it was refused."""
        self.log.say("try", verb, **what)
        begun = time.monotonic()
        interruption._state.sentence = ""
        try:
            for sentence in finish_unless_busy(self.space):
                self.log.say("settled", verb, sentence=sentence)
            done = act()
        except LockedError as error:
            self.log.say("locked", verb, message=error.message, ms=_since(begun))
            return None
        except MetaExperimentError as error:
            self.log.say("refused", verb, error=error.kind, message=error.message)
            return None
        except OSError as error:
            self.log.say("refused", verb, error="system", message=str(error))
            return None
        except Interrupted as error:
            if error.sentence == _RECORDED or error.sentence.endswith(_FINISHED):
                self.log.say("ack", verb, ms=_since(begun), **what)
            raise
        told = done if isinstance(done, dict) else {}
        self.log.say("ack", verb, ms=_since(begun), **what, **told)
        return done

    def _record(self, size: int = 1) -> None:
        what = [self._observed(number) for number in range(size)]
        self._do("record", lambda: recording.record(self.space, what), what=what)

    def _batch(self) -> None:
        self._record(self.chance.randint(2, 9))

    def _observed(self, number: int) -> dict[str, Any]:
        trial_id = f"{self.name}-{self.turn}-{number}"
        return {
            "experiment": self.common,
            "variant": self.chance.choice(("control", "treatment")),
            "unit": f"recorded {trial_id}",
            "trial_id": trial_id,
            "metrics": {"duration_seconds": 1 + self.chance.random()},
        }

    def _unit(self) -> str:
        """Return a new unit, or now and then one that may be known."""
        before = self.chance.randint(1, self.turn) if self.chance.random() < 0.2 else self.turn
        return f"{self.name}-unit-{before}"

    def _assign(self) -> None:
        unit = self._unit()

        def act() -> dict[str, Any]:
            drawn = assigning.assign(self.space, self.common, unit)
            return {"variant": drawn.variant, "trial_id": drawn.trial_id}

        self._do("assign", act, unit=unit)

    def _entry(self) -> index.Entry | None:
        """Return the common experiment as it is served; None where it is not."""
        with contextlib.suppress(OSError):
            return index.find_entry(str(self.space.root), self.common)
        return None

    def _at(self) -> Root | None:
        """Return the root as a session meets it; None while it is not listed."""
        return next(iter(roots_around(self.folder, self.folder)), None)

    def _serve(self) -> None:
        """Draw as a prompt in the client does, for a unit that `assign` may have met too."""
        entry, root, unit = self._entry(), self._at(), self._unit()
        if entry is None or root is None:  # as without a repository, or beside a stranger
            self._assign()
            return

        def act() -> dict[str, Any]:
            session, turn = Session(root.path, self.name), PromptRef(unit, "", self.folder)
            take_over(root, session)  # as each hook does
            drawn = expose(session, entry, turn, time.time())
            return {"variant": drawn.variant, "trial_id": drawn.trial and drawn.trial.trial_id}

        self._do("serve", act, unit=unit)

    def _box(self) -> None:
        """Use the prompt in a sandbox that refuses its writes, from any of them on."""
        entry, at, unit = self._entry(), self._at(), f"{self.name}-boxed-{self.turn}"
        if entry is None or at is None:
            self._assign()
            return
        passing, error = self.chance.randint(0, 3), self.chance.choice(boxes.REFUSALS)

        def act() -> dict[str, Any]:
            turn = PromptRef(unit, "", self.folder)
            used = boxes.use(at, entry, self.name, turn, passing=passing, error=error)
            trial = used.trial
            if trial is None:  # it is not counted, and the control was printed
                return {}
            assert trial.variant.encode() in used.printed, used.printed
            return {"variant": trial.variant, "trial_id": trial.trial_id}

        self._do("box", act, unit=unit)

    def _close(self) -> None:
        """End the client's session, which leaves no transcript: its trials are excluded."""

        def act() -> None:
            for root in roots_around(self.folder, self.folder):
                session = Session(root.path, self.name)
                take_over(root, session)
                close_session(session, final=True, now=time.time())

        self._do("close", act)

    def _analyze(self) -> None:
        self._do("analyze", lambda: analyze(self.space, self.common))

    def _status(self) -> None:
        def look() -> None:
            board(self.space.layout, time.time, lambda: self.space, None, archived=True)

        self._do("status", look)

    def _recover(self) -> None:
        self._do("recover", lambda: recovery.recover(self.space))

    def _own(self) -> None:
        """Take the experiment on the writer's own prompt one step further."""
        path = prompt_of(self.space.root, self.name)
        known = self._do("look", self.space.store.experiments)
        if not isinstance(known, list):
            return
        mine = [item for item in known if path in item.plan.files]
        current = next((item for item in mine if item.status is not Status.ARCHIVED), None)
        if current is None:
            self._do("create", lambda: self._create(path), path=path)
            return
        verb, act = self._step(current)
        name = current.experiment_id
        self._do(verb, lambda: act(name), experiment=name)

    def _create(self, path: str) -> dict[str, Any]:
        flags = [f"{path}=treatment.md"]
        root = self.space.root
        wanted = request.from_flags({"name": self.name}, flags, root, root)
        return {"experiment": creating.create(self.space, wanted).experiment.experiment_id}

    def _step(self, current: Experiment) -> tuple[str, Callable[[str], object]]:
        space = self.space
        steps: dict[Status, list[tuple[str, Callable[[str], object]]]] = {
            Status.DRAFT: [("start", lambda name: lifecycle.start(space, name))],
            Status.PAUSED: [("resume", lambda name: lifecycle.resume(space, name))],
            Status.RUNNING: [
                ("pause", lambda name: lifecycle.pause(space, name)),
                ("promote", lambda name: promotion.promote(space, name, WISH, dry_run=False)),
                ("promote", lambda name: promotion.promote(space, name, WISH, dry_run=False)),
                ("stop", lambda name: promotion.stop(space, name, "storm", dry_run=False)),
            ],
            Status.PROMOTED: [
                ("rollback", lambda name: promotion.rollback(space, name, WISH, dry_run=False))
            ],
        }
        archive = [("archive", lambda name: lifecycle.archive(space, name))]
        return self.chance.choice(steps.get(current.status, archive))


AFTER = {
    "create": Status.DRAFT,
    "start": Status.RUNNING,
    "resume": Status.RUNNING,
    "pause": Status.PAUSED,
    "promote": Status.PROMOTED,
    "stop": Status.EXPIRED,
    "rollback": Status.ROLLED_BACK,
    "archive": Status.ARCHIVED,
}


def prompt_of(root: Path, name: str) -> str:
    """Return the prompt of a writer, or the common one; in a repository most are served."""
    if not (root / ".git").exists():
        return f"{name}.md"
    number = 1 if name == COMMON else int(name.rpartition("-")[2])
    served = (f"{name}.md", f".claude/commands/{name}.md", f".claude/skills/{name}/SKILL.md")
    return served[number % len(served)]


def write_prompts(root: Path, names: list[str]) -> None:
    """Write the prompts of writers, and the common one."""
    for path in [prompt_of(root, name) for name in (*names, COMMON)]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(CONTROL)
    (root / "treatment.md").write_bytes(TREATMENT)


def start_common(root: Path) -> Experiment:
    """Start the experiment that all writers record into."""
    creating.forecast = no_outlook  # type: ignore[assignment]
    space = Workspace.open(Layout(root), time.time)
    files = [f"{prompt_of(root, COMMON)}=treatment.md"]
    wanted = request.from_flags({"name": COMMON}, files, root, root)
    lifecycle.start(space, creating.create(space, wanted).experiment.experiment_id)
    (made,) = space.store.experiments()
    return made


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
