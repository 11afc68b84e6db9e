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
    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.places import Root
    from meta_experiment.protocol.sessions import Session


def look_after(session: Session, root: Root, prompt_id: str, now: float) -> None:
    """Note which uses of a prompt that has its answer were missed. Raises OSError."""
    turn = session.read_turn()
    project = turn.project if turn is not None else ""
    for experiment_id, place in session.take_uses(prompt_id):
        entry = find_entry(root.path, experiment_id)
        if entry is None or not _counts(session, entry, prompt_id, now):
            continue
        if entry.missing:
            note_missed(root.path, place, experiment_id, UNLISTED, now)
        if not entry.running:
            continue
        root.place = place
        if session.read_trial(experiment_id, prompt_id) is not None:
            note_counted(root.path, place, experiment_id, now)
            continue
        why = what_hinders(root, entry, project)
        note_missed(root.path, place, experiment_id, why, now)
        if why == UNSERVED:
            from meta_experiment.live.stand_ins import renew

            renew(root, entry)
        elif why == ABSENT:
            from meta_experiment.live.session_start import mend

            mend(root.path)


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
