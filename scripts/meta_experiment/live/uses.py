"""Uses of prompts under experiment, from the hook that sees one come to the end of its turn.

A use that no trial counts by then was missed: the client did not run what would serve it, or
it could not count. That is noted with its place and its reason, so that commands can say it.
"""

from __future__ import annotations

from meta_experiment.live.around import prompt_of, stand_in_path
from meta_experiment.protocol.index import AGENTS, IN_PLACE, find_entry
from meta_experiment.protocol.missed import (
    ABSENT,
    EDITED,
    UNLISTED,
    UNSERVED,
    note_counted,
    note_missed,
)
from meta_experiment.protocol.places import read_below, try_read
from meta_experiment.protocol.texts import ORIGINAL, SHIM, is_text, placed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.places import Root
    from meta_experiment.protocol.sessions import PromptRef, PromptUse, Session


def look_after(session: Session, root: Root, prompt_id: str, now: float) -> None:
    """Note which uses of a prompt that has its answer were missed. Raises OSError."""
    uses = [use for use in session.read_uses() if use.prompt_id == prompt_id]
    _settle_all(session, root, uses, session.read_turn(), now)


def look_back(session: Session, root: Root, now: float) -> None:
    """Do that for all prompts of a session that is over, as its client waits for no hook.

    What no model answered was broken off; so was, where the transcript does not tell, what
    came before the last prompt. Raises OSError.
    """
    turn, uses = session.read_turn(), session.read_uses()
    if turn is None or not uses:
        return
    from meta_experiment.transcripts.transcript import read_transcript

    transcript = read_transcript(turn.transcript, {use.prompt_id for use in uses})
    turns = transcript.turns if transcript is not None else []
    answered = {item.prompt_id: not item.came_to_nothing for item in turns}
    answered.setdefault(turn.prompt_id, True)
    order = [prompt for prompt, was in answered.items() if was]
    known = [use for use in uses if use.prompt_id in order]
    known.sort(key=lambda use: order.index(use.prompt_id))
    _settle_all(session, root, known, turn, now)


def _settle_all(
    session: Session, root: Root, uses: Sequence[PromptUse], turn: PromptRef | None, now: float
) -> None:
    project = turn.project if turn is not None else ""
    for use in uses:
        _settle(session, root, use, project, now)
        session.remove_use(use)  # last, as this may be cut off before


def _settle(session: Session, root: Root, use: PromptUse, project: str, now: float) -> None:
    """Note what became of one use."""
    entry = find_entry(root.path, use.experiment_id)
    if entry is None or not _counts(session, entry, use.prompt_id, now):
        return
    if entry.missing:
        note_missed(root.path, use, UNLISTED, now)
    if not entry.running:
        return
    if _has_trial(session, use.experiment_id, use.prompt_id):
        note_counted(root.path, use, now)
        return
    root.place = use.place
    why = what_hinders(root, entry, project)
    note_missed(root.path, use, why, now)
    if why == UNSERVED:
        from meta_experiment.live.stand_ins import renew

        renew(root, entry)
    elif why == ABSENT:
        from meta_experiment.live.session_start import mend

        mend(root.path)


def _has_trial(session: Session, experiment_id: str, prompt_id: str) -> bool:
    """Tell whether an experiment has a trial in a prompt, open or closed meanwhile."""
    key = (experiment_id, prompt_id)
    return session.read_trial(*key) is not None or any(
        (trial.experiment_id, trial.prompt_id) == key for trial in session.read_closed()
    )


def _counts(session: Session, entry: Entry, prompt_id: str, now: float) -> bool:
    if entry.takes_all and not entry.ended:
        return True
    from meta_experiment.live.exposure import counts

    return counts(session, entry, prompt_id, now)


def what_hinders(root: Root, entry: Entry, project: str) -> str:
    """Say what keeps a use of a prompt from being counted, by how things stand in its place.

    It is `unserved` where nothing does.
    """
    try:
        place, found = prompt_of(root, entry, project)
        if entry.form == IN_PLACE and is_text(entry, ORIGINAL, found):
            return ABSENT
        if not is_text(entry, SHIM if entry.form == IN_PLACE else ORIGINAL, found):
            return EDITED
        return UNSERVED if _stands(root, entry, place) else ABSENT
    except OSError:
        return UNSERVED


def _stands(root: Root, entry: Entry, place: str) -> bool:
    """Tell whether all that would serve a prompt stands where its session looks."""
    if entry.form != AGENTS:
        return is_text(entry, SHIM, try_read(stand_in_path(root, entry)) or b"")
    return all(
        is_text(entry, name, read_below(place, path)) for path, name in placed(entry).items()
    )
