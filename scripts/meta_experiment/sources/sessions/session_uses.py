"""Uses of a command, skill or agent as they were asked for, so that they can be had again.

What a transcript tells of the moment is kept beside each: the folder and branch, what git had
to say, what the session had edited by then and whether anything was said before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from meta_experiment.files.headway import steps
from meta_experiment.protocol.json_text import parse_object
from meta_experiment.protocol.timestamps import epoch
from meta_experiment.records import dataclass
from meta_experiment.sources.sessions.session_files import began_below, mentions, newest
from meta_experiment.transcripts.transcript import SYNTHETIC, lines

_COMMAND = ("<command-message>", "<command-name>")  # begin what the client makes of one
_OF_THE_CLIENT = ("<system-reminder>", "<ide_", "<local-command-caveat>", "Caveat: ")
_LOCAL_OUTPUT = ("<local-command-stdout>", "<local-command-stderr>")
_NO_PROMPT = ("[Request interrupted by user", "<task-notification>")
_GOES_ON = "This session is being continued"
_EDITS = ("Edit", "MultiEdit", "Write", "NotebookEdit")
_GIT = r"\bgit\b[^\n;&|]{0,200}?\b"
_COMMITS = re.compile(rf"{_GIT}commit\b")
_MOVES = re.compile(
    rf"{_GIT}(?:commit|checkout|switch|pull|merge|rebase|reset|cherry-pick|revert|am)\b"
)
_STATUS, _RECENT = "\nStatus:\n", "\n\nRecent commits:\n"
_ID = re.compile(r"[0-9a-f]{4,64}\b")
_CLEAN, _UNTRACKED = "(clean)", "?? "


class UseKind(StrEnum):
    """Kind of what was used."""

    COMMAND = "command"
    SKILL = "skill"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class SessionUse:
    """Use of a prompt file, at a time in seconds since the epoch.

    `prompt` is what has to be typed to have the same again; `pictures` came with it. `folder`
    and `branch` are where the session stood, `commit` and `clean` what the client had asked git
    for: None where it had not, or where that is out of date. `edited` is whether the session
    had edited files by then that it had not committed. `first` says that nothing of a
    conversation was before it, or none that reached it, as with an agent. So many lines are
    before its own in the transcript `file`.
    """

    kind: UseKind
    name: str
    prompt: str
    session: str
    at: float
    folder: str
    branch: str
    commit: str | None
    clean: bool | None
    edited: bool
    first: bool
    pictures: bool
    line: int = 0
    file: str = ""


@dataclass(frozen=True, slots=True)
class SessionUses:
    """The uses found, newest first; how many transcripts were read, how many were too many."""

    uses: tuple[SessionUse, ...]
    files: int
    left_out: int


def session_uses(
    client: Path,
    name: str,
    *,
    root: Path | None,
    since: float = 0.0,
    of_any_plugin: bool = False,
) -> SessionUses:
    """Find what was asked of a command, skill or agent, in the newest transcripts.

    Args:
        client: the client's own folder.
        name: as the client calls it.
        root: only sessions started at or below it count; None counts all.
        since: earlier uses do not count.
        of_any_plugin: a name that nothing was called by fits that of any plugin.

    What one session copied from another is one use. A transcript that cannot be read is left
    out.
    """

    def fits(called: str) -> bool:
        return called == name or (of_any_plugin and called.rpartition(":")[2] == name)

    chosen, left_out = newest(client, root, since)
    found: dict[tuple[float, str], SessionUse] = {}
    for path, _, _ in steps(chosen, "reading sessions"):
        with suppress(OSError):
            if name and began_below(path, root) and mentions(path, frozenset((name,))):
                for use in uses_in(lines(str(path)), fits, path.stem):
                    found[use.at, use.prompt] = replace(use, file=str(path))
    uses = [use for use in found.values() if use.at >= since]
    if any(use.name == name for use in uses):
        uses = [use for use in uses if use.name == name]
    uses.sort(key=lambda use: (-use.at, use.prompt))
    return SessionUses(tuple(uses), len(chosen), left_out)


def uses_in(
    raw: Iterable[bytes], fits: Callable[[str], bool], session: str = ""
) -> Iterator[SessionUse]:
    """Yield the uses in the lines of a transcript of what fits by its name."""
    reader = UseReader(fits, session)
    for number, line in enumerate(raw):
        with suppress(ValueError):  # torn, or none of ours
            reader.take(number, parse_object(line.decode("utf-8", "replace")))
    yield from reader.uses


class UseReader:
    """Takes the lines of a transcript one by one."""

    def __init__(self, fits: Callable[[str], bool], session: str) -> None:
        self.uses: list[SessionUse] = []
        self._fits = fits
        self._session = session
        self._asked: SessionUse | None = None  # the last prompt, as a use of whatever it led to
        self._open: int | None = None  # the first use that nobody has answered yet
        self._line = 0
        self._spoken = False
        self._edited = False
        self._git: tuple[str | None, str | None] = (None, None)  # a commit, and the status

    def take(self, number: int, document: dict[str, Any]) -> None:
        """Take one line, before which there are so many."""
        self._line = number
        attachment, message = document.get("attachment"), document.get("message")
        if type(attachment) is dict and attachment.get("type") == "session_context":
            self._take_status(attachment.get("context"))
        elif type(message) is not dict:
            return
        elif document.get("type") == "assistant":
            self._take_answer(document, message)
        elif document.get("type") == "user" and document.get("isSidechain") is not True:
            self._take_user(document, message)

    def _take_status(self, context: object) -> None:
        """Take what git said; it is written down after the prompt that it was asked for."""
        told = context.get("gitStatus") if type(context) is dict else None
        if type(told) is not str:
            return
        status, _, recent = told.partition(_STATUS)[2].partition(_RECENT)
        commit = _ID.match(recent)
        self._git = (
            commit[0] if commit else None,
            status if recent else None,
        )
        self._edited = False
        if self._asked is not None:
            self._asked = self._as_git_says(self._asked)
        if self._open is not None:
            self.uses[self._open :] = map(self._as_git_says, self.uses[self._open :])

    def _as_git_says(self, use: SessionUse) -> SessionUse:
        return replace(use, commit=self._git[0], clean=_is_clean(self._git[1], use.prompt))

    def _take_user(self, document: dict[str, Any], message: dict[str, Any]) -> None:
        blocks = _blocks(message.get("content"))
        if any(block.get("type") == "tool_result" for block in blocks):
            return
        text = _typed(blocks)
        if document.get("isCompactSummary") is True or text.startswith(_GOES_ON):
            self._spoken, self._asked = True, None
        elif text.startswith(_LOCAL_OUTPUT):
            self._asked = None  # the client itself did what was typed
            if self._open is not None:
                del self.uses[self._open :]
                self._open = None
        elif document.get("isMeta") is not True and not text.startswith(_NO_PROMPT):
            pictures = any(block.get("type") != "text" for block in blocks)
            self._take_prompt(document, text, pictures=pictures)

    def _take_prompt(self, document: dict[str, Any], text: str, *, pictures: bool) -> None:
        called, typed = _called(text)
        use = self._use(document, UseKind.COMMAND, called, typed, pictures=pictures)
        self._asked = use
        if called and use is not None and self._fits(called):
            self._add(use)
        if not called:
            self._spoken = True

    def _take_answer(self, document: dict[str, Any], message: dict[str, Any]) -> None:
        if message.get("model") == SYNTHETIC:
            return
        of_agent = document.get("isSidechain") is True
        if not of_agent:
            self._spoken, self._open = True, None
        for block in _blocks(message.get("content")):
            arguments = block.get("input")
            if block.get("type") == "tool_use" and type(arguments) is dict:
                tool = str(block.get("name"))
                if not of_agent:
                    self._take_call(document, tool, arguments)
                self._take_work(tool, arguments)

    def _take_call(
        self, document: dict[str, Any], tool: str, arguments: dict[str, Any]
    ) -> None:
        """Take a call of a skill, or of an agent, which has a prompt of its own."""
        if tool == "Skill" and self._asked is not None:
            name = str(arguments.get("skill") or "").removeprefix("/")
            use = replace(self._asked, kind=UseKind.SKILL, name=name)
            known = ((item.name, item.at) for item in self.uses)
            if self._fits(name) and (name, use.at) not in known:
                self.uses.append(use)
        elif tool in ("Agent", "Task"):
            name = str(arguments.get("subagent_type") or "")
            prompt = arguments.get("prompt")
            if self._fits(name) and type(prompt) is str and prompt.strip():
                typed = f"@agent-{name} {prompt}"
                use_or_none = self._use(document, UseKind.AGENT, name, typed, alone=True)
                self.uses += [] if use_or_none is None else [use_or_none]

    def _take_work(self, tool: str, arguments: dict[str, Any]) -> None:
        """Take what changes the working tree, or where it stands."""
        if tool in _EDITS:
            self._edited = True
        elif tool == "Bash" and _MOVES.search(command := str(arguments.get("command"))):
            self._git = (None, None)
            self._edited = self._edited and not _COMMITS.search(command)

    def _add(self, use: SessionUse) -> None:
        self._open = len(self.uses) if self._open is None else self._open
        self.uses.append(use)

    def _use(
        self,
        document: dict[str, Any],
        kind: UseKind,
        name: str,
        prompt: str,
        *,
        pictures: bool = False,
        alone: bool = False,
    ) -> SessionUse | None:
        """Return a use as of now; None of a line that does not tell when, or has no words."""
        at = epoch(document.get("timestamp"))
        if at is None or at <= 0 or not prompt:
            return None
        return SessionUse(
            kind=kind,
            name=name,
            prompt=prompt,
            session=str(document.get("sessionId") or self._session),
            at=at,
            folder=str(document.get("cwd") or ""),
            branch=str(document.get("gitBranch") or ""),
            commit=self._git[0],
            clean=_is_clean(self._git[1], prompt),
            edited=self._edited,
            first=alone or not self._spoken,
            pictures=pictures,
            line=self._line,
        )


def _is_clean(status: str | None, prompt: str) -> bool | None:
    """Tell whether all that a prompt may be about was committed; None where nobody asked git.

    A file that git does not track is none of it, unless the prompt names it.
    """
    if status is None:
        return None
    lines = [line for line in status.strip().splitlines() if line != _CLEAN]
    names = (line.removeprefix(_UNTRACKED).strip('"/') for line in lines)
    return all(line.startswith(_UNTRACKED) for line in lines) and not any(
        name in prompt for name in names
    )


def _blocks(content: object) -> list[dict[str, Any]]:
    if type(content) is str:
        return [{"type": "text", "text": content}]
    return [block for block in content if type(block) is dict] if type(content) is list else []


def typed(content: object) -> tuple[str, bool]:
    """Return the words of a message, and whether there is more in it than words."""
    blocks = _blocks(content)
    return _typed(blocks), any(block.get("type") != "text" for block in blocks)


def _typed(blocks: Iterable[dict[str, Any]]) -> str:
    """Return what a user typed, without what the client put beside it."""
    texts = (str(block.get("text") or "") for block in blocks if block.get("type") == "text")
    return "\n".join(text for text in texts if not text.startswith(_OF_THE_CLIENT)).strip()


def _called(text: str) -> tuple[str, str]:
    """Return the command that a prompt calls, if any, and the prompt as it was typed."""
    if text.startswith(_COMMAND) and (name := _between(text, "command-name").lstrip("/")):
        return name, f"/{name} {_between(text, 'command-args')}".rstrip()
    if text.startswith("/"):  # a forked skill leaves what was typed and nothing else
        word = text[1:].split(maxsplit=1)[:1]
        return (word[0] if word and "/" not in word[0] else ""), text
    return "", text


def _between(text: str, tag: str) -> str:
    return text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0].strip()
