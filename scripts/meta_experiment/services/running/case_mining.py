"""Cases out of the past: what was asked of a prompt, at the commit where the project stood.

Only what can be had again becomes a case by default: nothing of a conversation came before it,
all was committed as far as is known, and more than the main branch tells the commit.
"""

from __future__ import annotations

import json
import math
import os
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import (
    DependencyError,
    NotFoundError,
    RefusedError,
    StorageError,
    UsageError,
)
from meta_experiment.files.atomic import write_atomically
from meta_experiment.git import Git
from meta_experiment.git.past_commits import PastCommits
from meta_experiment.model import instants
from meta_experiment.model.secrets import redacted
from meta_experiment.prompts.slug import slug
from meta_experiment.records import dataclass
from meta_experiment.runs.cases.case_document import case_document
from meta_experiment.runs.cases.case_fields import case
from meta_experiment.services.planning.past import called, home_or_root
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.sessions.session_uses import SessionUse, session_uses
from meta_experiment.types.cases import Case, CommitSource
from meta_experiment.types.results.case_mining import LeftOutReason, MinedCase, MiningResult

_DAY = 86_400.0
_UNSURE = (LeftOutReason.LATER, LeftOutReason.DIRTY, LeftOutReason.GUESSED)


@dataclass(frozen=True, slots=True)
class MiningRequest:
    """Request for cases: of which prompt, how far back, from where, how sure, how many.

    `prompt` is a name as the client calls it, or the path of a prompt file; `unsure` asks also
    for what cannot be had again just as it was.
    """

    prompt: str
    days: float | None = None
    everywhere: bool = False
    unsure: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """A use, the commit at which it was made, and the first reason against it."""

    use: SessionUse
    commit: str = ""
    source: CommitSource = CommitSource.MAIN
    reason: LeftOutReason | None = None

    @property
    def clean(self) -> bool | None:
        """Whether all was committed, as far as is known."""
        return False if self.use.edited else self.use.clean


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
    since = 0.0 if days is None else workspace.clock() - days * _DAY
    found = session_uses(client, name, root=root, since=since, of_any_plugin=by_plugins)
    if not found.uses:
        where = "" if root is None else f" of sessions in {root}"
        raise NotFoundError(
            f"No use of '{name}' is in the {found.files} transcripts{where} below {client}.",
            hint="Name it as you call it (review, git:review); --everywhere reads all "
            "projects.",
        )
    seen = [_placed(past, use) for use in found.uses]
    passed = {None, *(_UNSURE if request.unsure else ())}
    usable = [item for item in seen if item.reason in passed]
    taken = usable[: request.limit]
    left = Counter(item.reason for item in seen if item.reason not in passed)
    left[LeftOutReason.LIMIT] = len(usable) - len(taken)
    cases = tuple(_case(item) for item in taken)
    return MiningResult(
        name=name,
        uses=len(found.uses),
        replayable=len(usable),
        left_out={reason: left[reason] for reason in LeftOutReason if left[reason]},
        commits_by=_counted([item.source for item in taken]),
        unclear=sum(item.clean is None for item in taken),
        cut=sum(redacted(text) != text for text in (_plain(item.use.prompt) for item in taken)),
        file="",
        transcripts=found.files,
        transcripts_left_out=found.left_out,
        cases=tuple(
            MinedCase(item.case_id, item.commit, item.origin)
            for item in cases
            if item.commit and item.origin
        ),
        whole=cases,
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


def _placed(past: PastCommits, use: SessionUse) -> _Seen:
    """Find the commit of a use, and what speaks against running it again."""
    found = past.find(use.at, use.branch, use.folder, use.commit)
    if not found:
        is_own = past.tree_of(use.folder) is not None
        return _Seen(use, reason=LeftOutReason.NO_COMMIT if is_own else LeftOutReason.ELSEWHERE)
    seen = _Seen(use, *found)
    against = {
        LeftOutReason.PICTURES: use.pictures,
        LeftOutReason.LATER: not use.first,
        LeftOutReason.DIRTY: seen.clean is False,
        LeftOutReason.GUESSED: seen.source is CommitSource.MAIN,
    }
    return replace(seen, reason=next((why for why, holds in against.items() if holds), None))


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
    require_place(out, tracked=tracked)
    lines = (json.dumps(case_document(item), ensure_ascii=False) for item in mined.whole)
    try:
        write_atomically(workspace.files, out, "".join(f"{line}\n" for line in lines).encode())
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}.") from error
    return replace(mined, file=str(out))


def require_place(out: Path, *, tracked: bool) -> None:
    """Refuse a file that is there already, or whose content git would commit.

    Raises:
        UsageError: it could not be read back. NotFoundError: its folder does not exist.
        RefusedError: it is there, or git would commit it.
    """
    if out.suffix != ".jsonl":
        raise UsageError(f"{out} is no file of JSON lines; expected a name in .jsonl.")
    if not out.parent.is_dir():
        raise NotFoundError(f"There is no folder {out.parent} to write {out.name} into.")
    if os.path.lexists(out):
        raise RefusedError(
            f"{out} is there already, perhaps with criteria that somebody has added.",
            hint="Name another file with --out.",
        )
    git = Git.find(out.parent)
    if tracked or git is None:
        return
    if git.run("rev-parse", "--is-inside-work-tree").output.strip() != b"true":
        return
    if git.run("--no-literal-pathspecs", "check-ignore", "-q", "--", f"./{out.name}").code:
        raise RefusedError(
            f"git would commit {out}, and with it what people have typed.",
            hint=f"Let git ignore it: echo {shlex.quote(out.name)} >> "
            f"{shlex.quote(str(out.parent / '.gitignore'))}; or name a file elsewhere; or "
            "write it all the same: --tracked",
        )
