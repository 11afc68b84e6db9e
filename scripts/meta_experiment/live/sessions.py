"""What is known of a session between its hooks: hand-overs, open trials, the order of prompts.

All of it lies in one private folder for each session, below the root it concerns, and is
removed when the session's trials are closed. Every file is written whole under another name
first, so that a reader never meets half of one.
"""

from __future__ import annotations

import os

from meta_experiment.live.disk import open_private, put
from meta_experiment.live.places import (
    data_folder,
    is_plain,
    read_bytes,
    read_text,
    refuse_links_to_state,
    roots,
    sessions,
)
from meta_experiment.live.sequence import escaped, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_TRIAL, _HANDOVER, _TURN, _PROMPTS = "trial-", "handover-", "turn", "prompts"
_LONGEST_NAME = 110
_DOUBT, _TAKEN = "~", "."
_STALE = 30.0  # seconds after which an invocation under another prompt will not come any more


class Turn:
    """The prompt a hook spoke of: its id, the transcript, the project's folder."""

    __slots__ = ("project", "prompt_id", "transcript")

    def __init__(self, prompt_id: str, transcript: str, project: str = "") -> None:
        self.prompt_id = prompt_id
        self.transcript = transcript
        self.project = project


class Handover:
    """The arguments of one invocation, on their way from a hook to serving.

    `doubtful` says that it was pending beside another one for the same name, so that nobody
    can tell any more which invocation it belongs to.
    """

    __slots__ = ("arguments", "doubtful", "path", "turn")

    def __init__(self, turn: Turn, arguments: str, path: str, *, doubtful: bool) -> None:
        self.turn = turn
        self.arguments = arguments
        self.path = path
        self.doubtful = doubtful


class OpenTrial:
    """A trial that began with an exposure and has no record yet.

    `transcript_path` is empty when no hook told it; `epoch_ms` is the exposure's time.
    """

    __slots__ = (
        "epoch_ms",
        "experiment_id",
        "plugin",
        "prompt_id",
        "sha",
        "transcript_path",
        "trial_id",
        "unit",
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


def session_folder(root: str, session: str) -> str:
    """Return the folder of a session.

    Raises:
        ValueError: the session's id cannot be the name of a folder.
    """
    if not is_plain(session):
        raise ValueError("the id of the session cannot be the name of a folder")
    return f"{sessions(root)}/{session}"


def list_sessions(root: str) -> list[str]:
    """Return the ids of all sessions with state below a root. Raises OSError."""
    return [name for name in _names(sessions(root)) if is_plain(name)]


def write_turn(root: str, session: str, turn: Turn) -> None:
    """Remember the prompt a session is at. Raises OSError, ValueError."""
    _write(session_folder(root, session), _TURN, _line(_turn_fields(turn)))


def read_turn(root: str, session: str) -> Turn | None:
    """Return the prompt of the last hook. Raises OSError, ValueError."""
    return _turn(read_text(f"{session_folder(root, session)}/{_TURN}").partition("\n")[0])


def write_handover(root: str, session: str, name: str, turn: Turn, arguments: str) -> None:
    """Hand over the arguments of an invocation. Raises OSError, ValueError."""
    data = _line(_turn_fields(turn)) + arguments.encode("utf-8", "surrogatepass")
    _write(session_folder(root, session), _handover_prefix(name) + os.urandom(6).hex(), data)


def handovers(root: str, session: str, name: str) -> list[Handover]:
    """Return the pending arguments for a name. Raises OSError, ValueError."""
    folder = session_folder(root, session)
    prefix = _handover_prefix(name)
    found = []
    for entry in _names(folder):
        mark = entry[len(prefix) :]
        if entry.startswith(prefix) and "-" not in mark and _TAKEN not in mark:
            path = f"{folder}/{entry}"
            head, _, arguments = read_bytes(path).partition(b"\n")
            turn = _turn(head.decode("utf-8", "surrogateescape"))
            if turn is not None:
                given = arguments.decode("utf-8", "surrogatepass")
                found.append(Handover(turn, given, path, doubtful=mark.endswith(_DOUBT)))
    return found


def doubt_handover(handover: Handover) -> None:
    """Mark a hand-over as one of several that were pending for a name. Raises OSError."""
    if not handover.doubtful:
        try:
            os.rename(handover.path, handover.path + _DOUBT)
        except FileNotFoundError:
            return  # its own invocation took it meanwhile
        handover.path += _DOUBT


def take_handover(handover: Handover, part: int, parts: int) -> bool:
    """Consume a hand-over; False when another process was faster. Raises OSError.

    A body in several parts (counted from 1) consumes it once for each, the last of them
    removes it.
    """
    if parts < 2:
        return _unlinked(handover.path)
    try:
        mark = f"{handover.path}{_TAKEN}{part}"
        os.close(open_private(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    marks = [f"{handover.path}{_TAKEN}{number}" for number in range(1, parts + 1)]
    if all(map(os.path.exists, marks)) and _unlinked(handover.path):
        _remove(marks)
    return True


def drop_stale_handovers(root: str, session: str, name: str, turn: Turn, now: float) -> None:
    """Remove what earlier invocations of a name, now broken off, left pending.

    One that made another doubtful has done so once: the next prompt does not meet it.
    Raises OSError, ValueError.
    """
    for handover in handovers(root, session, name):
        if handover.turn.prompt_id != turn.prompt_id:
            try:
                age = now - os.stat(handover.path).st_mtime
            except FileNotFoundError:
                continue
            if age > _STALE or handover.doubtful:
                _remove([handover.path])


def append_prompt(root: str, session: str, prompt_id: str, epoch_ms: int) -> None:
    """Note an instrumented invocation, in order. Raises OSError, ValueError."""
    _append(session_folder(root, session), _PROMPTS, _line((prompt_id, str(epoch_ms))))


def end_task(root: str, session: str, prompt_id: str, epoch_ms: int) -> None:
    """Note an invocation that is served and not counted: what was open before is over.

    Raises OSError, ValueError.
    """
    if prompt_id and any(_is_trial(name) for name in _names(session_folder(root, session))):
        append_prompt(root, session, prompt_id, epoch_ms)


def end_task_elsewhere(root: str, session: str, prompt_id: str, epoch_ms: int) -> None:
    """Note an invocation below all other roots in which the session has open trials.

    A root that cannot be told gets a fault noted, as this one's prompt is served all the same.
    """
    for other in roots(data_folder(os.environ)):
        if other.path != root:
            try:
                end_task(other.path, session, prompt_id, epoch_ms)
            except (OSError, ValueError) as error:
                from meta_experiment.live.faults import note_error

                note_error(other.path, "end", error)


def read_prompts(root: str, session: str) -> list[tuple[str, int]]:
    """Return the instrumented invocations in order: prompt id, epoch milliseconds.

    A prompt stands there once for each of its exposures. Raises OSError, ValueError.
    """
    found = []
    for line in read_text(f"{session_folder(root, session)}/{_PROMPTS}").split("\n"):
        prompt_id, _, moment = line.partition("\t")
        if prompt_id and moment.isascii() and moment.isdigit():
            found.append((plain(prompt_id), int(moment)))
    return found


def write_trial(root: str, session: str, trial: OpenTrial) -> bool:
    """Open a trial; False when one of its experiment is open in its prompt already.

    Raises OSError, ValueError.
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
    )
    name = _trial_name(trial.experiment_id, trial.prompt_id)
    return _write(session_folder(root, session), name, _line(fields), once=True)


def read_trial(root: str, session: str, experiment_id: str, prompt_id: str) -> OpenTrial | None:
    """Return the open trial of an experiment in a prompt. Raises OSError, ValueError."""
    path = f"{session_folder(root, session)}/{_trial_name(experiment_id, prompt_id)}"
    return _trial(read_text(path))


def open_trials(root: str, session: str) -> list[OpenTrial]:
    """Return the open trials of a session by time of exposure. Raises OSError, ValueError."""
    folder = session_folder(root, session)
    read = [_trial(read_text(f"{folder}/{name}")) for name in _names(folder) if _is_trial(name)]
    return sorted((trial for trial in read if trial), key=lambda trial: trial.epoch_ms)


def remove_trial(root: str, session: str, trial: OpenTrial) -> None:
    """Forget an open trial; its record must be durable. Raises OSError, ValueError."""
    name = _trial_name(trial.experiment_id, trial.prompt_id)
    _remove([f"{session_folder(root, session)}/{name}"])


def remove_session(root: str, session: str) -> bool:
    """Remove the folder of a session unless a trial is open in it; tell whether it is gone.

    Raises OSError, ValueError.
    """
    folder = session_folder(root, session)
    names = _names(folder)
    if any(_is_trial(name) for name in names):
        return False
    _remove(f"{folder}/{name}" for name in names)
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False  # an exposure came in between; the next closing finds it
    return True


def _handover_prefix(name: str) -> str:
    return f"{_HANDOVER}{_quoted(name)}-"


def _trial_name(experiment_id: str, prompt_id: str) -> str:
    return f"{_TRIAL}{_quoted(experiment_id)}-{_quoted(prompt_id)}"


def _is_trial(name: str) -> bool:
    return name.startswith(_TRIAL)


def _quoted(name: str) -> str:
    """Return a name as it may stand within that of a file, different names kept apart."""
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        name = "".join(_letter(byte) for byte in name.encode("utf-8", "surrogatepass"))
    return name[-_LONGEST_NAME:]


def _letter(byte: int) -> str:
    letter = chr(byte)
    return letter if byte < 128 and (letter.isalnum() or letter in "-_") else f"%{byte:02X}"


def _turn_fields(turn: Turn) -> tuple[str, ...]:
    return turn.prompt_id, turn.transcript, turn.project


def _turn(line: str) -> Turn | None:
    fields = line.split("\t")
    return Turn(*map(plain, fields)) if len(fields) == 3 else None


def _trial(line: str) -> OpenTrial | None:
    fields = [plain(field) for field in line.rstrip("\n").split("\t")]
    if len(fields) != 9 or not fields[6].isdigit():
        return None
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
    )


def _line(fields: Iterable[str]) -> bytes:
    return ("\t".join(map(escaped, fields)) + "\n").encode("utf-8", "surrogateescape")


def _names(folder: str) -> list[str]:
    refuse_links_to_state(folder)
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _write(folder: str, name: str, data: bytes, *, once: bool = False) -> bool:
    """Write a file whole; with `once`, unless there is one, and tell whether it was written."""
    temporary = f"{folder}/.{os.urandom(6).hex()}"
    descriptor = open_private(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        put(descriptor, data)
        if once:
            os.link(temporary, f"{folder}/{name}")
        else:
            os.rename(temporary, f"{folder}/{name}")
    except FileExistsError:
        return False
    finally:
        os.close(descriptor)
        _remove([temporary])
    return True


def _append(folder: str, name: str, data: bytes) -> None:
    descriptor = open_private(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        put(descriptor, data)
    finally:
        os.close(descriptor)


def _unlinked(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        _unlinked(path)
