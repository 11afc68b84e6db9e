"""Cases out of the past: what was asked of a prompt, at the commit where the project stood.

Only what can be had again becomes a case by default: nothing of a conversation came before it,
all was committed as far as is known, and more than the main branch tells the commit. On request
what came before is kept with the case, so that it goes on there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import (
    DependencyError,
    NotFoundError,
    RefusedError,
    StorageError,
    UsageError,
)
from meta_experiment.git.past_commits import PastCommits
from meta_experiment.model import instants
from meta_experiment.model.instants import DAY
from meta_experiment.model.secrets import REMOVED, redacted
from meta_experiment.prompts.slug import slug
from meta_experiment.records import dataclass
from meta_experiment.runs.cases.case_fields import case
from meta_experiment.runs.cases.conversation import (
    LARGEST,
    conversation,
    parsed,
    without_secrets,
    written,
)
from meta_experiment.services.planning.past import called, home_or_root
from meta_experiment.services.running.case_files import require_place, write_cases
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.sessions.session_uses import SessionUse, session_uses
from meta_experiment.transcripts.transcript import lines
from meta_experiment.types.cases import Case, CommitSource
from meta_experiment.types.results.case_mining import (
    UNSURE,
    LeftOutReason,
    MinedCase,
    MiningResult,
)


@dataclass(frozen=True, slots=True)
class MiningRequest:
    """Request for cases: of which prompt, how far back, from where, how sure, how many.

    `prompt` is a name as the client calls it, or the path of a prompt file; `conversation` asks
    for uses within one together with what was said before, `unsure` also for what cannot be had
    again just as it was.
    """

    prompt: str
    days: float | None = None
    everywhere: bool = False
    conversation: bool = False
    unsure: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """A use, the commit at which it was made, what came before, the first reason against it."""

    use: SessionUse
    commit: str = ""
    source: CommitSource = CommitSource.MAIN
    history: bytes = b""
    reason: LeftOutReason | None = None

    @property
    def clean(self) -> bool | None:
        """Whether all was committed, as far as is known."""
        return False if self.use.edited else self.use.clean

    @property
    def is_cut(self) -> bool:
        """Whether secrets are cut from it."""
        text = _plain(self.use.prompt)
        return redacted(text) != text or REMOVED.encode() in self.history


def mine(workspace: Workspace, request: MiningRequest, client: Path) -> MiningResult:
    """Make cases of past uses; nothing is written. `client` is the client's own folder.

    Raises:
        NotFoundError: no transcript holds a use. UsageError: so many days are none.
        RefusedError: the root is no working tree.
        DependencyError, GitError: git cannot be asked.
    """
    days = request.days
    if days is not None and not 0 < days < math.inf:
        raise UsageError(f"{days!r} days, expected a number above zero.")
    name, by_plugins = called(workspace.root, request.prompt)
    past = _past_of(workspace)
    root = None if request.everywhere else home_or_root(workspace.root, client)
    since = 0.0 if days is None else workspace.clock() - days * DAY
    found = session_uses(client, name, root=root, since=since, of_any_plugin=by_plugins)
    if not found.uses:
        where = "" if root is None else f" of sessions in {root}"
        raise NotFoundError(
            f"No use of '{name}' is in the {found.files} transcripts{where} below {client}.",
            hint="Name it as you call it (review, git:review); --everywhere reads all "
            "projects.",
        )
    seen = [_placed(past, use, with_history=request.conversation) for use in found.uses]
    passed = {None, *(UNSURE if request.unsure else ())}
    usable = [item for item in seen if item.reason in passed]
    taken = usable[: request.limit]
    left = Counter(item.reason for item in seen if item.reason not in passed)
    left[LeftOutReason.LIMIT] = len(usable) - len(taken)
    cases = tuple(_case(item) for item in taken)
    histories = {
        case.case_id: item.history
        for case, item in zip(cases, taken, strict=True)
        if item.history
    }
    return MiningResult(
        name=name,
        uses=len(found.uses),
        replayable=len(usable),
        left_out={reason: left[reason] for reason in LeftOutReason if left[reason]},
        commits_by=_counted([item.source for item in taken]),
        unclear=sum(item.clean is None for item in taken),
        conversations=len(histories),
        cut=sum(item.is_cut for item in taken),
        file="",
        transcripts=found.files,
        transcripts_left_out=found.left_out,
        cases=tuple(
            MinedCase(item.case_id, item.commit, item.origin)
            for item in cases
            if item.commit and item.origin
        ),
        whole=cases,
        histories=histories,
    )


def _counted(sources: Sequence[CommitSource]) -> dict[CommitSource, int]:
    return {source: count for source in CommitSource if (count := sources.count(source))}


def _past_of(workspace: Workspace) -> PastCommits:
    if workspace.git is None:
        raise DependencyError(
            "git is not installed; it knows where the project stood in the past.",
            hint="Make git available on PATH.",
        )
    past = PastCommits(workspace.git)
    if not past.trees:
        raise RefusedError(
            f"{workspace.root} is no working tree of git, whose past could be run again.",
            hint="Name a checkout with --root DIR.",
        )
    return past


def _placed(past: PastCommits, use: SessionUse, *, with_history: bool) -> _Seen:
    """Find the commit of a use, what came before it, and what speaks against it."""
    found = past.find(use.at, use.branch, use.folder, use.commit)
    if not found:
        is_own = past.tree_of(use.folder) is not None
        return _Seen(use, reason=LeftOutReason.NO_COMMIT if is_own else LeftOutReason.ELSEWHERE)
    history = _said_before(use) if with_history and not use.first else b""
    seen = _Seen(use, *found, history)
    against = {
        LeftOutReason.PICTURES: use.pictures,
        LeftOutReason.LATER: not (use.first or history),
        LeftOutReason.LONG: len(history) > LARGEST,
        LeftOutReason.DIRTY: seen.clean is False,
        LeftOutReason.GUESSED: seen.source is CommitSource.MAIN,
    }
    return replace(seen, reason=next((why for why, holds in against.items() if holds), None))


def _said_before(use: SessionUse) -> bytes:
    """Return the conversation up to a prompt; nothing where it cannot be taken up."""
    *before, prompt = parsed(islice(lines(use.file), use.line + 1))
    end = prompt.get("parentUuid")
    return written(without_secrets(conversation(before, end if isinstance(end, str) else "")))


def _case(seen: _Seen) -> Case:
    """Make a case of a use; its id is always the same, in whichever copy it was found."""
    use, time = seen.use, instants.to_text(seen.use.at)
    mark = sha256(f"{time} {use.prompt}".encode("utf-8", "replace")).hexdigest()
    moment = time[:19].replace("-", "").replace("T", "-").replace(":", "")
    document = {
        "id": f"{slug(use.name)}-{moment}-{mark[:4]}",
        "prompt": redacted(_plain(use.prompt)),
        "commit": seen.commit,
        "tags": [use.kind.value],
        "origin": {
            "session": _plain(use.session) or "unknown",
            "time": time,
            "commit_by": seen.source.value,
            "clean": seen.clean,
            "first": use.first,
        },
    }
    return case(document, "a past use")


def _plain(text: str) -> str:
    """Return a text without what no file of cases can hold."""
    return text.encode("utf-8", "replace").decode().replace("\0", "").strip()


def keep(
    workspace: Workspace, mined: MiningResult, out: Path, *, tracked: bool
) -> MiningResult:
    """Write cases, one at least, into a new file that only its owner can read.

    Args:
        workspace: of whose disk the file is.
        mined: the cases.
        out: the file.
        tracked: it may also lie where git would commit it.

    Raises:
        RefusedError: the file is there, or git would commit it. StorageError: it cannot be
            written. NotFoundError: its folder does not exist.
    """
    require_place(out, tracked=tracked, conversations=bool(mined.histories))
    try:
        write_cases(workspace.files, out, mined.whole, mined.histories)
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}.") from error
    return replace(mined, file=str(out))
