"""Closing trials: what a session's transcript says of each becomes one line of the log.

An open trial is a file in its session's folder, and goes only after its line is durable. A
crash in between writes the line twice, which is one trial to those who read. On any fault
the trial stays open for a later call.
"""

from __future__ import annotations

import os

from meta_experiment.live.client_process import FILE as CLIENT
from meta_experiment.live.client_process import is_alive
from meta_experiment.live.permission_waits import take_waits
from meta_experiment.protocol import places
from meta_experiment.protocol.disk import open_private, put, time_of_change
from meta_experiment.protocol.events import EXCLUDED, RECORDED, event_document
from meta_experiment.protocol.index import AGENT, agent_names, find_entry
from meta_experiment.protocol.json_text import encode
from meta_experiment.protocol.lock import BusyError, locked, open_lock, open_there
from meta_experiment.protocol.log_head import NoPlaceError, head, is_own, live_stem, log_names
from meta_experiment.protocol.sequence import storable
from meta_experiment.protocol.sessions import CLOSED, list_sessions
from meta_experiment.transcripts.measure import IDLE, TrialMeasurement, measure, span
from meta_experiment.transcripts.prices import TELEMETRY_VARIABLE, load_prices, telemetry_cost
from meta_experiment.transcripts.transcript import read_transcript

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.seal import Seal
    from meta_experiment.protocol.sessions import OpenTrial, Session
    from meta_experiment.transcripts.prices import Prices
    from meta_experiment.transcripts.turns import Transcript
    from meta_experiment.transcripts.work import Usage

TRANSCRIPT_MISSING = "transcript_missing"
PROMPT_MISSING = "prompt_missing"
AGENT_REFUSED = "agent_refused"
AGENT_OF_ANOTHER_ARM = "agent_of_another_arm"  # the client did not heed, or await, the hook

_PATIENCE = 0.5  # seconds for a lock; a hook at the end of a session has 1.5 in all
_PATIENCE_OF_A_COMMAND = 10.0
_LONGEST = 86_400.0  # seconds of silence after which a living client hangs, or is forgotten


def close_session(
    session: Session,
    *,
    final: bool,
    now: float,
    client_goes_on: bool = False,
    turn_at: float | None = None,
) -> int:
    """Close the open trials of a session that are over; return how many were.

    Args:
        session: the client's session, below the root of the experiments.
        final: the session is over, so that every trial of it is; otherwise only trials are
            closed that a later prompt under experiment bounds and that wait for no report.
        now: seconds since the epoch.
        client_goes_on: a session that is over gives way to another of the same client, as at
            `/clear`; word of its trials stays, for who rates the last one there.
        turn_at: the time of the turn with which the session was found over, where nobody says
            that it is: with another it goes on, as when somebody resumes it meanwhile.

    Raises:
        OSError, ValueError: a fault; trials that are not closed yet stay open.
    """
    try:
        folder = locked(session.folder, open_there, within=_PATIENCE)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    if folder is None:
        return 0  # somebody else closes it at this moment
    try:
        trials = session.open_trials()
        if _goes_on(session, turn_at):
            return 0
        closed = _close(session, trials, final=final, now=now)
        names = session.names()
        if final and not _goes_on(session, turn_at):
            session.remove(names, {CLIENT, CLOSED} if client_goes_on else ())
        return closed
    finally:
        os.close(folder)


def _goes_on(session: Session, turn_at: float | None) -> bool:
    """Tell whether a session is at another turn than it was when it was found over."""
    return turn_at is not None and time_of_change(session.turn_file) != turn_at


def end_trials(root: str, ended: Mapping[str, float], now: float) -> int:
    """End the open trials of experiments that are served no more; return how many closed.

    `ended` says since when, in seconds since the epoch. A trial stands as it is then; one
    whose prompt is being answered is closed after that. A session with a fault is left.

    Raises:
        OSError: the folder of sessions cannot be read.
    """
    closed = 0
    for session in list_sessions(root):
        try:
            if _mark_ended(session, ended):
                closed += close_session(session, final=False, now=now)
        except (OSError, ValueError) as error:
            from meta_experiment.protocol.faults import note_error

            note_error(root, "close", error)
    return closed


def _mark_ended(session: Session, ended: Mapping[str, float]) -> bool:
    """Say in open trials when their experiment ended; tell whether there is any."""
    if not any(trial.experiment_id in ended for trial in session.open_trials()):
        return False
    # against a closing, which could forget a trial meanwhile
    folder = locked(session.folder, open_there, within=_PATIENCE_OF_A_COMMAND)
    if folder is None:
        raise BusyError("the session is held by another process")
    try:
        for trial in session.open_trials():
            at = ended.get(trial.experiment_id)
            if at is not None and not trial.until_ms:
                trial.until_ms = int(at * 1000)
                session.write_trial(trial, anew=True)
    finally:
        os.close(folder)
    return True


def sweep(root: str, now: float) -> int:
    """Close what sessions left open that idle for 30 minutes, or whose client is dead.

    A client that surely lives and is at work is waited for, as one call of a tool may be
    silent for hours.

    Returns how many trials were closed. A session with a fault is left for the next time.

    Raises:
        OSError: the folder of sessions cannot be read.
    """
    from meta_experiment.live.sandbox import take_over_all

    take_over_all(root)
    known = [item for item in places.roots(places.data_folder(os.environ)) if item.path == root]
    closed = 0
    for session in list_sessions(root):
        try:
            turn_at = time_of_change(session.turn_file)
            if _is_over(session, now):
                for place in known:
                    _look_back(session, place, now)
                closed += close_session(session, final=True, now=now, turn_at=turn_at)
        except (OSError, ValueError):
            continue
    return closed


def _look_back(session: Session, root: places.Root, now: float) -> None:
    """Note which uses of a session that is over were missed; trials close all the same."""
    from meta_experiment.live.uses import look_back

    try:
        look_back(session, root, now)
    except (OSError, ValueError) as error:
        from meta_experiment.protocol.faults import note_error

        note_error(root.path, "hook", error)


def _is_over(session: Session, now: float) -> bool:
    """Tell whether nothing more is to be expected of a session."""
    alive = is_alive(session)
    if alive is not None and not (alive and session.open_trials()):
        return not alive  # word of what closed stays as long as the client
    silent = now - _last_sign(session)
    if silent < IDLE:
        return False
    return not (alive and silent < _LONGEST and _at_work(session))


def _at_work(session: Session) -> bool:
    trials = session.open_trials()
    path = _transcript_path(session, trials[-1] if trials else None)
    transcript = read_transcript(path, [trial.prompt_id for trial in trials])
    return transcript is not None and transcript.at_work


def _close(session: Session, found: Sequence[OpenTrial], *, final: bool, now: float) -> int:
    root = session.root
    trials = [trial for trial in found if _is_sound(trial)]
    others = {*session.read_prompts(), *(trial.prompt_id for trial in trials)}
    ended = any(trial.until_ms for trial in trials)
    if not trials or not (final or ended or len(others) > 1):
        return 0
    prices = load_prices(root, os.environ)
    closed = 0
    for path, group in _by_transcript(session, trials).items():
        transcript = read_transcript(path, [trial.prompt_id for trial in group])
        if transcript is not None:
            take_waits(session, transcript)
        measured = [
            (trial, outcome)
            for trial in group
            if (outcome := _outcome(root, trial, transcript, others, prices, final=final))
        ]
        for experiment_id in {trial.experiment_id for trial, _ in measured}:
            own = [item for item in measured if item[0].experiment_id == experiment_id]
            lines = "".join(_line(trial, outcome, now) for trial, outcome in own)
            _append(session, experiment_id, lines.encode("ascii"))
            for trial, _ in own:
                session.note_closed(trial, now)
                session.remove_trial(trial)
                closed += 1
    return closed


def _is_sound(trial: OpenTrial) -> bool:
    return places.is_plain(trial.experiment_id) and bool(trial.trial_id and trial.variant)


def _by_transcript(session: Session, trials: Sequence[OpenTrial]) -> dict[str, list[OpenTrial]]:
    groups: dict[str, list[OpenTrial]] = {}
    for trial in trials:
        path = _transcript_path(session, trial)
        groups.setdefault(path, []).append(trial)
    return groups


def _transcript_path(session: Session, trial: OpenTrial | None) -> str:
    """Return where a session's transcript lies: as a hook said, or else where it should."""
    if trial is not None and trial.transcript_path:
        return trial.transcript_path
    turn = session.read_turn()
    if turn is not None and turn.transcript:
        return turn.transcript
    folder = places.client_folder(os.environ) + "/projects"
    try:
        found = [f"{folder}/{name}/{session.id}.jsonl" for name in os.listdir(folder)]
    except OSError:
        found = []
    return next(
        (path for path in found if os.path.exists(path)), f"{folder}/{session.id}.jsonl"
    )


def _outcome(
    root: str,
    trial: OpenTrial,
    transcript: Transcript | None,
    others: set[str],
    prices: Prices,
    *,
    final: bool,
) -> TrialMeasurement | None:
    """Measure a trial; None while it may go on."""
    if transcript is None:
        return TrialMeasurement({}, "", {}, TRANSCRIPT_MISSING) if final else None
    until = trial.until_ms / 1000 if trial.until_ms else None
    entry = find_entry(root, trial.experiment_id)
    found = span(transcript, trial.prompt_id, others | _uses(transcript, entry), until)
    if found is None:
        return TrialMeasurement({}, "", {}, PROMPT_MISSING) if final else None
    if not final and not found.is_over:
        return None
    own, rest = _agents_of(entry, trial)
    if own in found.refused:
        return TrialMeasurement({}, "", {}, AGENT_REFUSED)
    if not found.started.isdisjoint(rest):
        return TrialMeasurement({}, "", {}, AGENT_OF_ANOTHER_ARM)
    return measure(found, prices=prices, state=transcript.cost_state, telemetry=_telemetry)


def _uses(transcript: Transcript, entry: Entry | None) -> set[str]:
    """Return the prompts that used an experiment's, as the client wrote down.

    Hooks tell of the same, but for one that failed or that the client did not await.
    """
    if entry is None:
        return set()
    names = set(agent_names(entry.name, entry.arms if entry.kind == AGENT else ()))
    return {turn.prompt_id for turn in transcript.turns if not names.isdisjoint(turn.named)}


def _agents_of(entry: Entry | None, trial: OpenTrial) -> tuple[str | None, set[str]]:
    """Return the agent that a trial should have started, and those of the other arms.

    None, and none, when it is on no agent.
    """
    if entry is None or entry.kind != AGENT:
        return None, set()
    names = dict(zip(entry.arms, agent_names(entry.name, entry.arms), strict=True))
    own = names.pop(trial.variant, None)
    return own, set(names.values())


def _telemetry(prompt_ids: Sequence[str], usages: Sequence[Usage | None]) -> float | None:
    path = os.environ.get(TELEMETRY_VARIABLE)
    return telemetry_cost(prompt_ids, usages, path) if path else None


def _line(trial: OpenTrial, outcome: TrialMeasurement, now: float) -> str:
    """Return the line of a trial that closes, its end included."""
    fingerprint = dict(outcome.fingerprint)
    for name, value in (("plugin", trial.plugin), ("plan", trial.sha)):
        if value:
            fingerprint[name] = _text(value)
    document = event_document(
        EXCLUDED if outcome.reason else RECORDED,
        at=storable(now),
        trial_id=_text(trial.trial_id),
        variant=_text(trial.variant),
        unit=_text(trial.unit) if trial.unit else None,
        status=outcome.status,
        metrics=outcome.metrics,
        covariates=_covariates(trial),
        fingerprint=fingerprint,
        reason=outcome.reason or None,
    )
    return encode(document) + "\n"


def _covariates(trial: OpenTrial) -> dict[str, float]:
    """Return what was known of a trial before its variant was drawn."""
    length = trial.argument_length
    return {} if length is None else {"argument_length": length}


def _text(name: str) -> str:
    """Return a name without halves of surrogate pairs, which no reader takes."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _append(session: Session, experiment_id: str, data: bytes) -> None:
    """Add lines to this machine's log of live trials; durable on return.

    Raises:
        OSError: the disk refused, and no line was added; or the log is held for too long.
    """
    root = session.root
    lock = locked(places.lock(root, "live"), open_lock, within=_PATIENCE)
    if lock is None:
        raise BusyError("the log of live trials is held by another process")
    try:
        folder = places.trials(root, experiment_id)
        descriptor, first = _opened(folder, experiment_id, session.seal)
        try:
            size = os.fstat(descriptor).st_size
            if size < len(first):
                size = 0  # a crash cut the first line short
                os.ftruncate(descriptor, size)
                data = first + data
            elif os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data  # a torn tail spoils its own line only
            try:
                put(descriptor, data)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        if not size:
            _sync_folder(folder)
            _sync_folder(os.path.dirname(folder))
    finally:
        os.close(lock)


def _opened(folder: str, experiment_id: str, seal: Seal) -> tuple[int, bytes]:
    """Open this machine's log of live trials; return it with its first line. Raises OSError."""
    for name in log_names(live_stem(seal), ".jsonl"):
        first = head(seal, experiment_id, name)
        descriptor = open_private(f"{folder}/{name}", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            own = is_own(os.pread(descriptor, len(first), 0), first)
        except OSError:
            os.close(descriptor)
            raise
        if own:
            return descriptor, first
        os.close(descriptor)
    raise NoPlaceError(folder)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_sign(session: Session) -> float:
    """Return when a session was last seen at work, in seconds since the epoch."""
    trials = session.open_trials()
    path = _transcript_path(session, trials[-1] if trials else None)
    folder = path.removesuffix(".jsonl") + "/subagents"
    agents = os.listdir(folder) if os.path.isdir(folder) else []
    seen = [path, session.folder]
    return max(
        time_of_change(file) for file in [*seen, *(f"{folder}/{name}" for name in agents)]
    )
