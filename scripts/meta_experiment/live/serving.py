"""Serving of a prompt: the variant's body with arguments filled in, as a line prints it.

    serve-variant ID@TOKEN SESSION [--part N] [--effort LEVEL]

Whatever breaks, the user's command runs with the control text: printed here when it can be
found, else by the rest of the injected line, which this program leaves to act by exit code 1.
"""

from __future__ import annotations

import os
import sys
import time

from meta_experiment.live.arguments import Substitutes, substitute
from meta_experiment.live.around import place_of, prompt_of
from meta_experiment.live.exposure import expose, new_trial_id
from meta_experiment.live.handovers import pending
from meta_experiment.protocol.disk import time_of_change
from meta_experiment.protocol.index import SHADOW, SKILL, find_entry
from meta_experiment.protocol.places import (
    PLUGIN,
    PROJECT,
    Root,
    body_name,
    client_folder,
    data_folder,
    is_id,
    is_plain,
    kept_text,
    meta,
    read_whole,
    roots,
    served_folder,
)
from meta_experiment.protocol.sessions import Session, end_task_elsewhere
from meta_experiment.protocol.texts import ORIGINAL, SHIM, TextGoneError, is_text, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from meta_experiment.live.handovers import Handover
    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.sessions import OpenTrial, PromptRef

LARGEST = 29_500  # bytes; the client shows no more than 30,000 of an injected line
_PLACEHOLDER = "${CLAUDE_SESSION_ID}"
_TRIES = 5
_EMPTY = b"<!-- -->"  # the client would say that there was no output


class ServeRequest:
    """Request of the injected line: experiment, token of the root, session, part.

    `effort` is the level of reasoning that the client filled in there, "" for none.
    """

    __slots__ = ("effort", "experiment_id", "part", "session", "token")

    def __init__(
        self, experiment_id: str, token: str, session: str, part: int, effort: str
    ) -> None:
        self.experiment_id = experiment_id
        self.token = token
        self.session = session
        self.part = part
        self.effort = effort


class Invocation:
    """Invocation of a prompt, as the hooks told of it."""

    __slots__ = ("arguments", "doubtful", "turn")

    def __init__(self, turn: PromptRef | None, arguments: str, *, doubtful: bool) -> None:
        self.turn = turn
        self.arguments = arguments
        self.doubtful = doubtful


def main(arguments: list[str] | None = None) -> int:
    """Print a body; return 1 when the rest of the injected line has to."""
    root = ""
    try:
        request = _read_request(sys.argv[1:] if arguments is None else arguments)
        found = _find_root(request)
        root = found.path
        _print(_serve(found, _entry(root, request.experiment_id), request))
    except Exception as error:  # noqa: BLE001 - the user's command must run
        _note(root or _around(meta), error)
        return 1
    return 0


def _note(root: str, error: Exception, experiment_id: str = "") -> None:
    from meta_experiment.protocol.faults import note_error

    note_error(root, "serve", error, experiment_id)


def _read_request(words: list[str]) -> ServeRequest:
    options = dict(zip(words[2::2], words[3::2], strict=False))
    part = options.pop("--part", "0")
    effort = options.pop("--effort", "")
    if len(words) < 2 or len(words) % 2 or options or not part.isdigit():
        raise ValueError("usage: serve-variant ID@TOKEN SESSION [--part N] [--effort LEVEL]")
    experiment_id, _, token = words[0].rpartition("@")
    session = words[1]
    if session == _PLACEHOLDER or not is_plain(session):
        session = os.environ.get("CLAUDE_CODE_SESSION_ID", "")
    if not is_plain(session):
        session = f"unknown-{os.urandom(6).hex()}"
    if not is_id(experiment_id):
        raise ValueError("no experiment has such an id")
    return ServeRequest(experiment_id, token, session, int(part), effort)


def _find_root(request: ServeRequest) -> Root:
    """Return the root of a token; of copies of one checkout, that around the directory."""
    here = os.getcwd() + "/"
    known = [root for root in roots(data_folder(os.environ)) if root.token == request.token]
    for root in known:
        if here.startswith(root.path + "/"):
            return root
    if known:
        return known[0]
    around = _around(lambda folder: served_folder(folder, request.experiment_id))
    if around:
        return Root(request.token, "project", around)
    raise LookupError("no root has this token")


def _around(inner: Callable[[str], str]) -> str:
    """Return the nearest folder around us that has a folder of ours in it; "" without one."""
    folder = os.getcwd().rstrip("/")
    while folder and not os.path.isdir(inner(folder)):
        folder = folder.rpartition("/")[0]
    return folder


def _entry(root: str, experiment_id: str) -> Entry:
    entry = find_entry(root, experiment_id)
    if entry is None:
        raise LookupError("the index does not know the experiment")
    return entry


def _serve(root: Root, entry: Entry, request: ServeRequest) -> bytes:
    """Return what to print; on any fault the control, with nothing logged."""
    invocation = Invocation(None, "", doubtful=True)
    session = Session(root.path, request.session)
    kept: Session | None = None  # its state elsewhere, once none may be written below the root
    forbidden: OSError | None = None
    trial: OpenTrial | None = None
    trial_id = new_trial_id()
    while True:
        try:
            invocation = _invocation(session, entry, request, kept)
            _require_hook(invocation, forbidden)
            text, trial = _chosen(root, session, entry, request, invocation, kept, trial_id)
            if invocation.turn is not None and kept is None:
                _end_tasks(session, invocation.turn, counted=trial is not None)
            printed = _filled(text, root, entry, request, invocation)
            if trial is not None and entry.report and request.part in (0, entry.parts):
                printed += _request(entry, trial)
        except Exception as error:  # noqa: BLE001 - the control is served then
            if trial is not None:
                (kept or session).remove_trial(trial)
            if kept is None and isinstance(error, OSError):
                kept, forbidden = _elsewhere(root, session, error), error
                if kept is not None:
                    continue
            _note(root.path, error, entry.id)
            return _filled(
                _control(root.path, entry, request), root, entry, request, invocation
            )
        return printed


def _require_hook(invocation: Invocation, forbidden: OSError | None) -> None:
    """Refuse to count where no hook may write either, so that none would take it over."""
    if forbidden is not None and invocation.turn is None:
        raise forbidden


def _elsewhere(root: Root, session: Session, error: OSError) -> Session | None:
    """Return where the session's state is kept while none may be written below the root."""
    from meta_experiment.live.sandbox import beside, is_forbidden

    return beside(root, session) if is_forbidden(error) else None


def _end_tasks(session: Session, turn: PromptRef, *, counted: bool) -> None:
    """End what earlier prompts of the session left open; a trial of this one did so here."""
    if not counted:
        session.end_task(turn.prompt_id)
    end_task_elsewhere(session, turn.prompt_id)


def _chosen(
    at: Root,
    session: Session,
    entry: Entry,
    request: ServeRequest,
    invocation: Invocation,
    kept: Session | None,
    trial_id: str,
) -> tuple[bytes, OpenTrial | None]:
    """Return the text to serve, and its trial when the exposure counts."""
    turn = invocation.turn
    root, project = at.path, _project(turn)
    if at.scope == PROJECT:
        at.place = place_of(root, project)
    _, on_disk = prompt_of(at, entry, project)
    if not entry.running:
        return _body(root, entry, entry.serve or entry.control, request), None
    shadowing = entry.form == SHADOW
    if is_text(entry, ORIGINAL if shadowing else SHIM, on_disk):
        # while the text of any arm is not as it was, no arm is drawn: all lose alike
        bodies = {arm: _body(root, entry, arm, request) for arm in entry.arms}
        length = None if invocation.doubtful else len(invocation.arguments)
        drawn = expose(session, entry, turn, time.time(), kept, trial_id, length)
        return bodies[drawn.variant], drawn.trial
    if shadowing and on_disk:
        from meta_experiment.protocol.frontmatter import without_frontmatter

        return _part(without_frontmatter(on_disk), request.part, entry.parts), None
    return _body(root, entry, entry.control, request), None


def _body(root: str, entry: Entry, variant: str, request: ServeRequest) -> bytes:
    return read_text(root, entry, body_name(variant, request.part))


def _control(root: str, entry: Entry, request: ServeRequest) -> bytes:
    """Return the control's body, or the machine's own copy of it, which no commit reaches."""
    try:
        return _body(root, entry, entry.control, request)
    except (OSError, TextGoneError):
        name = body_name(entry.control, request.part)
        original = entry.digests.get(ORIGINAL, "")
        data = data_folder(os.environ)
        copy = read_whole(kept_text(data, request.token, entry.id, original, name))
        if not is_text(entry, name, copy):
            raise
        return copy


def _invocation(
    session: Session, entry: Entry, request: ServeRequest, kept: Session | None
) -> Invocation:
    """Take the arguments of this invocation, if they are surely its own."""
    for _ in range(_TRIES):
        turn = session.read_turn()
        found = _untaken(pending(session, entry.name), entry, kept)
        if not found:
            # without its hook the arguments are not empty but unknown
            known = turn is not None and not _is_answered(session, turn)
            return Invocation(turn if known else None, "", doubtful=not known)
        alike = len({handover.arguments for handover in found}) == 1
        prompts = {handover.turn.prompt_id for handover in found}
        if (not alike or len(prompts) > 1) and kept is None:
            for handover in found:
                handover.doubt()
        current = turn is not None and prompts == {turn.prompt_id}
        for handover in found:
            if _take(handover, entry, request, kept):
                sure = alike and current and not any(each.doubtful for each in found)
                if len(prompts) == 1:
                    turn = handover.turn
                return Invocation(turn, handover.arguments, doubtful=not sure)
    raise TimeoutError("hand-overs vanish while they are read")


def _is_answered(session: Session, turn: PromptRef) -> bool:
    """Tell whether the prompt of the last hook was over before, so that another is served now.

    The hook of that one failed, or took so long that the client went on without it.
    """
    from meta_experiment.transcripts.transcript import read_transcript
    from meta_experiment.transcripts.turns import OPEN

    try:
        told = time_of_change(session.turn_file)
        transcript = read_transcript(turn.transcript, [turn.prompt_id])
    except OSError:
        return False
    return any(
        known.prompt_id == turn.prompt_id
        and known.state != OPEN
        and told < (known.own.ended or 0.0)  # else a hook told of it once more
        for known in (transcript.turns if transcript is not None else ())
    )


def _untaken(found: list[Handover], entry: Entry, kept: Session | None) -> list[Handover]:
    """Leave out what was taken, where it could not be removed then."""
    if kept is None or entry.parts > 1:
        return found
    from meta_experiment.live.sandbox import taken

    known = taken(kept)
    return [handover for handover in found if os.path.basename(handover.path) not in known]


def _take(
    handover: Handover, entry: Entry, request: ServeRequest, kept: Session | None
) -> bool:
    if kept is None:
        return handover.take(request.part, entry.parts)
    from meta_experiment.live.sandbox import note_taken

    note_taken(kept, os.path.basename(handover.path))
    return True


def _filled(
    body: bytes, root: Root, entry: Entry, request: ServeRequest, invocation: Invocation
) -> bytes:
    """Return a body with arguments and variables filled in, as the client does.

    Where that is longer than the client shows, the text points to the arguments instead, or
    stays as it is.
    """
    if b"$" not in body:
        return body
    text = body.decode("utf-8", "replace")
    variables = _variables(text, root, entry, request, invocation.turn)
    for pointing in (False, True)[invocation.doubtful :]:
        arguments = "" if pointing else invocation.arguments
        values = Substitutes(arguments, entry.arguments, variables, pointing=pointing)
        filled = substitute(text, values, LARGEST)
        if filled is not None and len(data := _encoded(filled)) <= LARGEST:
            return data
    return body


def _variables(
    text: str, root: Root, entry: Entry, request: ServeRequest, turn: PromptRef | None
) -> dict[str, str]:
    """Return the variables the client would know in the prompt file itself."""
    found = {"CLAUDE_PROJECT_DIR": _project(turn), "CLAUDE_SESSION_ID": request.session}
    effort = request.effort or os.environ.get("CLAUDE_EFFORT")
    if effort:
        found["CLAUDE_EFFORT"] = effort
    if entry.kind == SKILL:
        found["CLAUDE_SKILL_DIR"] = f"{root.place}/{_skill_folder(root, entry)}"
    if root.scope == PLUGIN and not entry.path.startswith(".claude/"):
        found["CLAUDE_PLUGIN_ROOT"] = root.path
        if "${CLAUDE_PLUGIN_DATA}" in text:
            found["CLAUDE_PLUGIN_DATA"] = _plugin_data(entry.name.partition(":")[0])
    return found


def _project(turn: PromptRef | None) -> str:
    """Return where the session was started, as far as it is known."""
    return turn.project if turn and turn.project else os.getcwd()


def _skill_folder(root: Root, entry: Entry) -> str:
    """Return where the client met a skill, which may be a link to where it lies."""
    plugin, _, name = entry.name.rpartition(":")
    own = root.scope == PLUGIN and plugin and not entry.path.startswith(".claude/")
    return f"skills/{name}" if own else f".claude/skills/{entry.name}"


def _plugin_data(plugin: str) -> str:
    """Return the data folder of a plugin, whose name ends in that of its marketplace."""
    folder = client_folder(os.environ) + "/plugins/data"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    known = [name for name in names if name.rpartition("-")[0] == plugin]
    return f"{folder}/{known[0] if len(known) == 1 else plugin + '-inline'}"


def _part(body: bytes, part: int, parts: int) -> bytes:
    """Cut a body that has not been cut into as many parts as there are injected lines."""
    if not part:
        return body
    lines = body.splitlines(keepends=True)
    size = -(-len(lines) // parts)
    return b"".join(lines[(part - 1) * size : part * size])


def _request(entry: Entry, trial: OpenTrial) -> bytes:
    """Return the line that asks the model to report; it is the same for every variant."""
    metrics = " ".join(f"--metric {name}=NUMBER" for name in entry.report)
    return (
        "\n\nWhen the task is finished, run once: "
        f"meta-experiment rate --trial-id {trial.trial_id} {metrics}"
    ).encode()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _print(data: bytes) -> None:
    data = data if data.strip() else _EMPTY
    while data:
        data = data[os.write(1, data) :]
