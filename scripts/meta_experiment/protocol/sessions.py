"""Sessions between their hooks: open trials, the order of prompts, the client.

All of it lies in one private folder for each session, below the root it concerns, and is
removed when the session's trials are closed. Every file is written whole under another name
first, so that a reader never meets half of one. Each bears this machine's seal, for its
session and its name: what a commit or a neighbour put there says nothing.
"""

from __future__ import annotations

import os

from meta_experiment.protocol.disk import open_private, put
from meta_experiment.protocol.places import (
    StrangeFileError,
    data_folder,
    is_plain,
    read_bytes,
    refuse_links_to_state,
    roots,
    sessions,
)
from meta_experiment.protocol.seal import seal_of
from meta_experiment.protocol.tsv import escaped, plain, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from meta_experiment.protocol.seal import Seal

_TRIAL, _TURN, _PROMPTS, _USE, _BEGIN = "trial-", "turn", "prompts", "use-", "begin"
CLOSED = "closed"  # word of closed trials, which a rating looks for
_SEEN = "seen"  # the hook's shell part looks whether it is there
_TRIES = 50  # what is written while the folder is removed is written again as often


class PromptRef:
    """The prompt a hook spoke of: its id, the transcript, the project's folder."""

    __slots__ = ("project", "prompt_id", "transcript")

    def __init__(self, prompt_id: str, transcript: str, project: str = "") -> None:
        self.prompt_id = prompt_id
        self.transcript = transcript
        self.project = project


class PromptUse:
    """A use of a prompt under experiment: in which prompt, and the folder its file lies in."""

    __slots__ = ("experiment_id", "place", "prompt_id")

    def __init__(self, prompt_id: str, experiment_id: str, place: str) -> None:
        self.prompt_id = prompt_id
        self.experiment_id = experiment_id
        self.place = place


class OpenTrial:
    """A trial that began with an exposure and has no record yet.

    `transcript_path` is empty when no hook told it; `epoch_ms` is the exposure's time, and
    `until_ms` that of the end of its experiment, 0 while it goes on. `argument_length` is how
    many characters the prompt was called with, None where nobody could tell, `draw` by what a
    bandit drew its unit (`sequence.format_draw`), "" where none did, or before.
    """

    __slots__ = (
        "argument_length",
        "draw",
        "epoch_ms",
        "experiment_id",
        "plugin",
        "prompt_id",
        "sha",
        "transcript_path",
        "trial_id",
        "unit",
        "until_ms",
        "variant",
    )

    def __init__(
        self,
        *,
        experiment_id: str,
        trial_id: str,
        variant: str,
        unit: str,
        prompt_id: str,
        transcript_path: str,
        epoch_ms: int,
        sha: str,
        plugin: str,
        until_ms: int = 0,
        argument_length: int | None = None,
        draw: str = "",
    ) -> None:
        self.experiment_id = experiment_id
        self.trial_id = trial_id
        self.variant = variant
        self.unit = unit
        self.prompt_id = prompt_id
        self.transcript_path = transcript_path
        self.epoch_ms = epoch_ms
        self.sha = sha
        self.plugin = plugin
        self.until_ms = until_ms
        self.argument_length = argument_length
        self.draw = draw


class ClosedTrial:
    """A trial whose record is durable; `prompt_id` is empty in word of an older version."""

    __slots__ = ("experiment_id", "prompt_id", "trial_id")

    def __init__(self, experiment_id: str, trial_id: str, prompt_id: str = "") -> None:
        self.experiment_id = experiment_id
        self.trial_id = trial_id
        self.prompt_id = prompt_id


class Session:
    """The state of one session of the client below one root.

    Its methods raise OSError where the disk, or a machine without a key, refuses.
    """

    __slots__ = ("_seal", "folder", "id", "root")

    def __init__(self, root: str, session: str, folder: str = "") -> None:
        """Name the session; nothing is read or written yet.

        `folder` is where its state lies, if not below the root.

        Raises:
            ValueError: the session's id cannot be the name of a folder.
        """
        if not is_plain(session):
            raise ValueError("the id of the session cannot be the name of a folder")
        self.root = root
        self.id = session
        self.folder = folder or f"{sessions(root)}/{session}"
        self._seal: Seal | None = None

    # files, whatever they hold

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of files that begin so, sealed or not."""
        refuse_links_to_state(self.folder)
        try:
            return sorted(name for name in os.listdir(self.folder) if name.startswith(prefix))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, name: str, label: str = "") -> bytes:
        """Return what a file holds; empty when it is missing, or not of this machine.

        `label` is the name under which it was written, where that is another.
        """
        try:
            data = read_bytes(f"{self.folder}/{name}")
        except StrangeFileError:
            return b""
        return (data and self.seal.unwrap(self._purpose(label or name), data)) or b""

    def write(self, name: str, data: bytes, *, once: bool = False) -> bool:
        """Write a file whole; with `once`, unless there is one, and tell whether it was."""
        wrapped = self.seal.wrap(self._purpose(name), data)
        for _ in range(_TRIES):
            try:
                return self._put(name, wrapped, once=once)
            except FileNotFoundError:
                continue  # another process found the session over, and removed its folder
        return self._put(name, wrapped, once=once)

    def _put(self, name: str, wrapped: bytes, *, once: bool) -> bool:
        path, temporary = f"{self.folder}/{name}", f"{self.folder}/.{os.urandom(6).hex()}"
        descriptor = open_private(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            put(descriptor, wrapped)
            if once:
                os.link(temporary, path)
            else:
                os.rename(temporary, path)
        except FileExistsError:
            if self.read(name):
                return False
            os.rename(temporary, path)  # what stands there is none of ours
        finally:
            os.close(descriptor)
            remove([temporary])
        return True

    def lines(self, name: str) -> list[list[str]]:
        """Return the fields of the lines of a file that grows."""
        try:
            data = read_bytes(f"{self.folder}/{name}")
        except StrangeFileError:
            return []
        parted = (line.rpartition(b"\t") for line in data.split(b"\n"))
        purpose = self._purpose(name)
        return [
            fields_of(line)
            for line, _, mark in parted
            if line and self.seal.fits(mark.decode("ascii", "replace"), purpose, line)
        ]

    def append(self, name: str, *fields: str) -> None:
        """Add a line to a file that grows."""
        line = line_of(fields)
        mark = self.seal.of(self._purpose(name), line)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = open_private(f"{self.folder}/{name}", flags)
        try:
            put(descriptor, line + f"\t{mark}\n".encode())
        finally:
            os.close(descriptor)

    @property
    def seal(self) -> Seal:
        """This machine's seal here."""
        if self._seal is None:
            self._seal = seal_of(self.root)
        return self._seal

    def _purpose(self, name: str) -> str:
        return f"session {self.id}/{name}"

    # the prompt it is at, and those before

    def write_turn(self, turn: PromptRef) -> None:
        """Remember the prompt the session is at; its file stays the same for a prompt."""
        line = line_of((turn.prompt_id, turn.transcript, turn.project))
        try:
            known = self.read(_TURN) == line
            if known:
                os.utime(self.turn_file)
        except FileNotFoundError:
            known = False  # another process found the session over, and removed its folder
        if not known:
            self.write(_TURN, line)
        self.forget_look()

    @property
    def turn_file(self) -> str:
        """Where that is kept; its time is that at which a hook told of it last."""
        return f"{self.folder}/{_TURN}"

    def read_turn(self) -> PromptRef | None:
        """Return the prompt of the last hook."""
        fields = fields_of(self.read(_TURN))
        return PromptRef(*fields) if len(fields) == 3 else None

    def write_begin(self, now: float) -> None:
        """Remember when the client started with this session."""
        self.write(_BEGIN, str(int(now * 1000)).encode())

    def read_begin(self) -> float:
        """Return that time in seconds since the epoch; 0 when it is not known."""
        told = self.read(_BEGIN)
        return int(told) / 1000 if told.isdigit() else 0.0

    def append_prompt(self, prompt_id: str) -> None:
        """Note a use of a prompt under experiment, in order."""
        self.append(_PROMPTS, prompt_id)
        self.forget_look()

    def read_prompts(self) -> list[str]:
        """Return the ids of prompts under experiment that were used, in order."""
        return list(dict.fromkeys(fields[0] for fields in self.lines(_PROMPTS)))

    def end_task(self, prompt_id: str) -> None:
        """Note a use that is not counted: what was open before is over."""
        if prompt_id and self.names(_TRIAL):
            self.append_prompt(prompt_id)

    def write_use(self, use: PromptUse) -> None:
        """Note that a prompt under experiment is being used."""
        fields = (use.prompt_id, use.experiment_id, use.place)
        self.write(_name(_USE, use.experiment_id, use.prompt_id), line_of(fields))
        self.forget_look()

    def read_uses(self) -> list[PromptUse]:
        """Return the uses that were noted and not looked after yet, by experiment."""
        read = (fields_of(self.read(name)) for name in self.names(_USE))
        return [PromptUse(*fields) for fields in read if len(fields) == 3]

    def remove_use(self, use: PromptUse) -> None:
        """Forget a use; what came of it must be noted."""
        remove([f"{self.folder}/{_name(_USE, use.experiment_id, use.prompt_id)}"])

    # whether there is anything to look after

    def note_look(self, until: float) -> None:
        """Note that all is looked after, for so long unless something happens meanwhile."""
        descriptor = open_private(f"{self.folder}/{_SEEN}", os.O_WRONLY | os.O_CREAT)
        try:
            os.utime(descriptor, (until, until))
        finally:
            os.close(descriptor)

    def forget_look(self) -> None:
        """Take that back: something happened."""
        remove([f"{self.folder}/{_SEEN}"])

    # open trials

    def write_trial(self, trial: OpenTrial, *, anew: bool = False) -> bool:
        """Open a trial; False when one of its experiment is open in its prompt already.

        With `anew` it takes the place of that one.
        """
        fields = (
            trial.experiment_id,
            trial.trial_id,
            trial.variant,
            trial.unit,
            trial.prompt_id,
            trial.transcript_path,
            str(trial.epoch_ms),
            trial.sha,
            trial.plugin,
            str(trial.until_ms),
            "" if trial.argument_length is None else str(trial.argument_length),
            trial.draw,
        )
        name = _name(_TRIAL, trial.experiment_id, trial.prompt_id)
        written = self.write(name, line_of(fields), once=not anew)
        self.forget_look()
        return written

    def read_trial(self, experiment_id: str, prompt_id: str) -> OpenTrial | None:
        """Return the open trial of an experiment in a prompt."""
        return _trial(self.read(_name(_TRIAL, experiment_id, prompt_id)))

    def open_trials(self) -> list[OpenTrial]:
        """Return the open trials by time of exposure."""
        read = (_trial(self.read(name)) for name in self.names(_TRIAL))
        return sorted((trial for trial in read if trial), key=lambda trial: trial.epoch_ms)

    def remove_trial(self, trial: OpenTrial) -> None:
        """Forget an open trial; its record must be durable."""
        remove([f"{self.folder}/{_name(_TRIAL, trial.experiment_id, trial.prompt_id)}"])

    def note_closed(self, trial: OpenTrial, now: float) -> None:
        """Leave word of a trial whose record is durable."""
        names = (trial.experiment_id, trial.trial_id)
        self.append(CLOSED, *names, str(int(now * 1000)), trial.prompt_id)

    def read_closed(self) -> list[ClosedTrial]:
        """Return of which trials there is such word, in order."""
        lines = [fields for fields in self.lines(CLOSED) if len(fields) in (3, 4)]
        return [ClosedTrial(*fields[:2], *fields[3:]) for fields in lines]

    def remove(self, names: Collection[str], kept: Collection[str] = ()) -> bool:
        """Remove the folder with these files unless a trial is open; tell whether it is gone.

        It stays with what is to be kept, and with what came since the names were listed.
        """
        names = [name for name in names if name not in kept]
        if self.open_trials() or (names and not any(map(self._is_ours, names))):
            return False  # a folder that a commit brought along is left to git
        try:
            remove(f"{self.folder}/{name}" for name in names)
            os.rmdir(self.folder)
        except FileNotFoundError:
            return True
        except OSError:
            return False  # something came in between; the next closing finds it
        return True

    def _is_ours(self, name: str) -> bool:
        return bool(self.read(name) or self.lines(name))


def list_sessions(root: str) -> list[Session]:
    """Return all sessions with state below a root. Raises OSError."""
    folder = sessions(root)
    refuse_links_to_state(folder)
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [Session(root, name) for name in names if is_plain(name)]


def end_task_elsewhere(session: Session, prompt_id: str) -> None:
    """Note a use of a prompt below all other roots in which the session has open trials.

    A root that cannot be told gets a fault noted, as this one's prompt is served all the same.
    """
    for other in roots(data_folder(os.environ)):
        if other.path != session.root:
            try:
                Session(other.path, session.id).end_task(prompt_id)
            except (OSError, ValueError) as error:
                from meta_experiment.protocol.faults import note_error

                note_error(other.path, "end", error)


def line_of(fields: Iterable[str]) -> bytes:
    """Return fields as one line, without its end."""
    return "\t".join(map(escaped, fields)).encode("utf-8", "surrogateescape")


def fields_of(line: bytes) -> list[str]:
    """Return the fields of such a line."""
    return [plain(field) for field in line.decode("utf-8", "surrogateescape").split("\t")]


def remove(paths: Iterable[str]) -> None:
    """Remove files, as far as they are there. Raises OSError."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue


def _name(kind: str, experiment_id: str, prompt_id: str) -> str:
    return f"{kind}{quoted(experiment_id)}-{quoted(prompt_id)}"


def _trial(line: bytes) -> OpenTrial | None:
    fields = fields_of(line)
    if len(fields) not in (10, 11, 12) or not (fields[6].isdigit() and fields[9].isdigit()):
        return None
    length = fields[10] if len(fields) > 10 else ""  # older versions wrote none
    return OpenTrial(
        experiment_id=fields[0],
        trial_id=fields[1],
        variant=fields[2],
        unit=fields[3],
        prompt_id=fields[4],
        transcript_path=fields[5],
        epoch_ms=int(fields[6]),
        sha=fields[7],
        plugin=fields[8],
        until_ms=int(fields[9]),
        argument_length=int(length) if length.isdigit() else None,
        draw=fields[11] if len(fields) > 11 else "",
    )
