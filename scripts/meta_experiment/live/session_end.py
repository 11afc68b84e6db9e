"""End of a prompt's answer, and of a session."""

from __future__ import annotations

from meta_experiment.live.handovers import drop_answered, pending
from meta_experiment.live.hook_event import beat, note, text_of
from meta_experiment.live.sandbox import take_over
from meta_experiment.protocol.lock import BusyError
from meta_experiment.transcripts.measure import IDLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from meta_experiment.live.hook_event import HookEvent
    from meta_experiment.protocol.places import Root
    from meta_experiment.protocol.sessions import Session


def prompt_answered(event: HookEvent) -> None:
    """Close what is over; see which uses of the prompt were missed.

    Nobody waits for it: the next prompt may begin meanwhile, and a client that ends cuts it
    off. The shell then starts no Python for the session until a prompt under experiment is
    used, or time alone may have ended a trial.
    """
    for root, session in event.sessions():
        beat(root.path, event.now)
        settled = False
        try:
            done = [_is_done(step, root, session, event) for step in (_look_after, _close)]
            settled = all(done) and _is_settled(session)
        except BusyError:
            continue  # no fault: what the other process leaves is found by a later call
        finally:
            if not settled:
                session.forget_look()


def session_ended(event: HookEvent) -> None:
    """Close all that a session left open; see which uses of its prompts were missed."""
    for root, session in event.sessions():
        beat(root.path, event.now)
        try:
            for step in (_look_back, _close_all):
                _is_done(step, root, session, event)
        except BusyError:
            continue  # the next look at the board finds that the client is dead


def _is_done(
    step: Callable[[Root, Session, HookEvent], None],
    root: Root,
    session: Session,
    event: HookEvent,
) -> bool:
    """Take a step and tell whether it went well; a fault in it is noted. Raises BusyError."""
    try:
        step(root, session, event)
    except BusyError:
        raise
    except (OSError, ValueError) as error:
        note(root.path, error, where="close" if step in (_close, _close_all) else "hook")
        return False
    return True


def _look_back(root: Root, session: Session, event: HookEvent) -> None:
    """Look after all prompts of which the end of the client cut that off."""
    from meta_experiment.live.uses import look_back

    take_over(root, session)
    look_back(session, root, event.now)


def _look_after(root: Root, session: Session, event: HookEvent) -> None:
    """Take over what a sandbox kept; see which uses of an answered prompt were missed."""
    from meta_experiment.live.uses import look_after

    take_over(root, session)
    session.note_look(event.now + IDLE / 2)  # before the look: a use during it forgets that
    look_after(session, root, event.prompt.prompt_id, event.now)
    alone = event.document.get("background_tasks") == []
    drop_answered(session, event.prompt.prompt_id, agents=alone)


def _close(root: Root, session: Session, event: HookEvent) -> None:
    from meta_experiment.live.closing import close_session

    if close_session(session, final=False, now=event.now):
        from meta_experiment.live.session_start import after_trials

        after_trials(root.path, event.now, final=False)


def _close_all(root: Root, session: Session, event: HookEvent) -> None:
    from meta_experiment.live.closing import close_session

    goes_on = text_of(event.document, "reason") in ("clear", "resume")  # in another session
    if close_session(session, final=True, now=event.now, client_goes_on=goes_on):
        from meta_experiment.live.session_start import after_trials

        after_trials(root.path, event.now, final=True)


def _is_settled(session: Session) -> bool:
    """Tell whether nothing is to be done before another prompt under experiment is used."""
    turn = session.read_turn()
    if turn is None or pending(session):
        return False  # nothing that is kept can be read just now, or arguments wait for serving
    if any(use.prompt_id == turn.prompt_id for use in session.read_uses()):
        return False  # the next prompt began meanwhile, and has no answer yet
    last = session.read_prompts()[-1:]
    return all(
        [trial.prompt_id] == last and not trial.until_ms for trial in session.open_trials()
    )
