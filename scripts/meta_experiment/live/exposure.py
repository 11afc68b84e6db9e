"""Drawing the variant of an exposure, in the files and form of `store.local.assignments`.

The look for an open trial, the line of the sequence and the new trial happen under one lock:
two agents that load the same skill at the same time are one exposure. Where it cannot be had
in time a unit draws apart; but parts and agents of one prompt draw one after the other.

Nothing waits for the disk here. Should the machine fail, the session fails with it, and its
trials were not over.
"""

from __future__ import annotations

import errno
import os

from meta_experiment.protocol.disk import open_private
from meta_experiment.protocol.index import MOVING, sequence_arm
from meta_experiment.protocol.lock import NoLocksError, locked, open_lock, open_there
from meta_experiment.protocol.log_head import LENGTH, NoPlaceError, head, mark
from meta_experiment.protocol.places import lock, trials
from meta_experiment.protocol.sequence import (
    WAIT,
    apart_names,
    find_apart,
    format_draw,
    format_line,
    read_sequence,
)
from meta_experiment.protocol.sessions import OpenTrial
from meta_experiment.protocol.tsv import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.sessions import PromptRef, Session

_WRITER = "live"
_WAIT_OF_A_PROMPT = 5.0  # seconds, for another part or agent of it: they have one trial


class Exposure:
    """The variant to serve, and its open trial; none when nothing is logged."""

    __slots__ = ("trial", "variant")

    def __init__(self, variant: str, trial: OpenTrial | None) -> None:
        self.variant = variant
        self.trial = trial


def new_trial_id() -> str:
    """Return an identifier that no other process draws."""
    return os.urandom(8).hex()


def expose(
    session: Session,
    entry: Entry,
    turn: PromptRef | None,
    now: float,
    kept: Session | None = None,
    trial_id: str = "",
    argument_length: int | None = None,
) -> Exposure:
    """Draw the variant for an invocation and open its trial, if it has none yet.

    Args:
        session: the client's session below the root of the experiment.
        entry: the running experiment.
        turn: the prompt, where a hook told it; otherwise each call is one of its own.
        now: seconds since the epoch.
        kept: the same session's state elsewhere, where nothing may be written below the root.
        trial_id: of the trial, where an attempt before this one may have left its line.
        argument_length: in characters, where the arguments are known.

    Raises:
        OSError: the disk refused; then no trial is open.
    """
    trial_id = trial_id or new_trial_id()
    prompt = turn.prompt_id if turn and turn.prompt_id else f"call-{trial_id}"
    unit = _unit(session, entry, prompt)
    if not takes_part(session, entry, prompt, now):
        return Exposure(entry.control, None)
    trial = OpenTrial(
        experiment_id=entry.id,
        trial_id=trial_id,
        variant="",
        unit=unit,
        prompt_id=prompt,
        transcript_path=turn.transcript if turn else "",
        epoch_ms=int(now * 1000),
        sha=entry.sha,
        plugin=entry.plugin,
        argument_length=argument_length,
    )
    if kept is not None:
        return _open_elsewhere(session, entry, trial, kept)
    # one part of a prompt after the other: what the first draws holds for all
    turn_held = _locked(session.turn_file, open_there, _WAIT_OF_A_PROMPT)
    held = _locked(lock(session.root, f"{entry.id}.assign"), open_lock, WAIT)
    try:
        opened = _open_in_sequence if held is not None else _open_apart
        return opened(session, entry, trial)
    finally:
        for descriptor in (held, turn_held):
            if descriptor is not None:
                os.close(descriptor)


def _open_in_sequence(session: Session, entry: Entry, trial: OpenTrial) -> Exposure:
    known = session.read_trial(entry.id, trial.prompt_id)
    if known is not None:
        return Exposure(known.variant, known)
    root, seal, key = session.root, session.seal, escaped(trial.unit)
    sequence = read_sequence(root, entry.id, key, seal)
    before = sequence.found or find_apart(root, entry.id, key, seal, sequence.path)
    variant = before[1] if before else _drawn(entry, trial.unit, sequence.count)
    trial.variant = _checked(variant, entry)
    if before and variant in entry.ended:
        return Exposure(entry.control, None)
    total = sequence.count if sequence.found else sequence.count + 1
    trial.draw = "" if before else _drawn_by(entry, sequence.count)
    line = _line(total, key, trial)
    if not sequence.size:
        line = head(seal, entry.id, os.path.basename(sequence.path)) + line
    _append(sequence.path, line, sequence.size, torn=sequence.torn)
    if variant in entry.ended:  # its place in the sequence is taken, and it counts in no arm
        return Exposure(entry.control, None)
    return _opened(session, trial)


def _open_apart(session: Session, entry: Entry, trial: OpenTrial) -> Exposure:
    """Open a trial without the shared sequence, when its lock cannot be had."""
    trial.variant = _variant_apart(session, entry, trial)
    if trial.variant in entry.ended:
        return Exposure(entry.control, None)
    drawn = _opened(session, trial)
    if drawn.trial is trial:
        try:
            _append_apart(session, trial)
        except OSError:
            session.remove_trial(trial)
            raise
    return drawn


def _open_elsewhere(
    session: Session, entry: Entry, trial: OpenTrial, kept: Session
) -> Exposure:
    """Open a trial where nothing can be written below the root; `adopt` brings it there."""
    known = session.read_trial(entry.id, trial.prompt_id)
    known = known or kept.read_trial(entry.id, trial.prompt_id)
    if known is not None:
        return Exposure(known.variant, known)
    trial.variant = _variant_apart(session, entry, trial)
    if trial.variant in entry.ended:
        return Exposure(entry.control, None)
    return _opened(kept, trial)


def adopt(session: Session, trial: OpenTrial) -> None:
    """Bring a trial to its place that was opened elsewhere. Raises OSError.

    The trial itself comes last: a hook that is broken off before is repeated by the next, and
    what it wrote twice is once to those who read.
    """
    if session.read_trial(trial.experiment_id, trial.prompt_id) is None:
        _append_apart(session, trial)
        session.append_prompt(trial.prompt_id)
        session.write_trial(trial)


def _variant_apart(session: Session, entry: Entry, trial: OpenTrial) -> str:
    """Return the variant that a unit has, or else the one that its name alone gives it."""
    before = _before(session, entry, trial.unit)
    if before:
        return _checked(before[1], entry)
    from meta_experiment.assign.arms import hashed_arm

    trial.draw = _drawn_by(entry)
    return entry.arms[hashed_arm(entry.weights, entry.seed, trial.unit)]


def _before(session: Session, entry: Entry, unit: str) -> tuple[int, str] | None:
    """Return what was drawn for a unit before: its count and variant."""
    seal, key = session.seal, escaped(unit)
    sequence = read_sequence(session.root, entry.id, key, seal)
    return sequence.found or find_apart(session.root, entry.id, key, seal, sequence.path)


def _append_apart(session: Session, trial: OpenTrial) -> None:
    """Add the line of a trial to the first file that is ours or can be."""
    seal, experiment_id = session.seal, trial.experiment_id
    line = _line(0, escaped(trial.unit), trial)
    folder = trials(session.root, experiment_id)
    for name in apart_names(f"{mark(seal)}-{_WRITER}"):
        path, first = f"{folder}/{name}", head(seal, experiment_id, name)
        descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
        try:
            start = os.pread(descriptor, LENGTH, 0)
        finally:
            os.close(descriptor)
        # a head that a crash cut short is none to add to: somebody may be writing it now
        if start in (b"", first):
            _append(path, line if start else first + line)
            return
    raise NoPlaceError(folder)


def takes_part(session: Session, entry: Entry, prompt_id: str, now: float) -> bool:
    """Tell whether an invocation is one of the share and time that are under experiment."""
    if entry.takes_all:
        return True
    if now < entry.opens or (entry.closes and now >= entry.closes):
        return False
    unit = _unit(session, entry, prompt_id)
    if entry.slots is not None:
        from meta_experiment.assign.layers import slot_of

        if not entry.slots[0] <= slot_of(entry.layer, unit) < entry.slots[1]:
            return False
    if entry.traffic >= 1:
        return True
    from meta_experiment.assign.arms import takes_part as is_drawn

    return is_drawn(entry.traffic, entry.seed, unit)


def counts(session: Session, entry: Entry, prompt_id: str, now: float) -> bool:
    """Tell whether an invocation is to have a trial: none of an arm that has ended has one.

    Raises:
        OSError: what was drawn cannot be read.
    """
    if not takes_part(session, entry, prompt_id, now):
        return False
    before = _before(session, entry, _unit(session, entry, prompt_id)) if entry.ended else None
    return before is None or before[1] not in entry.ended


def _unit(session: Session, entry: Entry, prompt_id: str) -> str:
    return {"session": session.id, "user": entry.user}.get(entry.unit) or prompt_id


def _drawn(entry: Entry, unit: str, position: int) -> str:
    """Return the arm for a position: from the index, which spares loading the draw."""
    ahead = sequence_arm(entry.sequence, position)
    if ahead is not None:
        return entry.arms[ahead]
    from meta_experiment.assign.arms import arm_index

    return entry.arms[arm_index(entry.method, entry.weights, entry.seed, unit, position)]


def _drawn_by(entry: Entry, position: int | None = None) -> str:
    """Return by which shares that move a unit is drawn: a bandit's in turns at first; else "".

    Apart from the sequence, where there is no position, by its weights.
    """
    if entry.method not in MOVING:
        return ""
    if position is not None and position < len(entry.sequence):
        return format_draw([1] * len(entry.arms), 0)
    return format_draw(entry.weights, entry.known)


def _checked(variant: str, entry: Entry) -> str:
    if variant not in entry.arms:
        raise ValueError("the sequence names a variant that the experiment does not have")
    return variant


def _opened(session: Session, trial: OpenTrial) -> Exposure:
    if not session.write_trial(trial):
        known = session.read_trial(trial.experiment_id, trial.prompt_id)
        if known is not None:
            return Exposure(known.variant, known)
    session.append_prompt(trial.prompt_id)
    return Exposure(trial.variant, trial)


def _locked(path: str, opened: Callable[[str], int], within: float) -> int | None:
    """Return the open file that carries the lock; None when it cannot be had in time."""
    try:
        return locked(path, opened, within=within)
    except (FileNotFoundError, NoLocksError):
        return None


def _append(path: str, line: bytes, size: int = 0, *, torn: bool = False) -> None:
    """Add a line, first cutting off what a crash left of one; all of it or nothing."""
    descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        if torn:
            os.ftruncate(descriptor, size)
        written = os.write(descriptor, line)
        if written < len(line):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _line(count: int, key: str, trial: OpenTrial) -> bytes:
    at = trial.epoch_ms / 1000
    return format_line(count, key, trial.variant, trial.trial_id, at, trial.draw)
