"""Turns of one session: what was typed, in order, and what came of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from meta_experiment.errors import NotFoundError, UsageError, cite
from meta_experiment.protocol.json_text import parse_object
from meta_experiment.protocol.timestamps import epoch
from meta_experiment.records import dataclass
from meta_experiment.sources.sessions.session_files import transcripts
from meta_experiment.sources.sessions.session_uses import SessionUse, UseReader, typed
from meta_experiment.transcripts.measure import measure, span
from meta_experiment.transcripts.prices import Prices
from meta_experiment.transcripts.transcript import lines, read_transcript
from meta_experiment.transcripts.turns import Transcript

_NOTIFICATION = "<task-notification>"
_SHELL = ("<bash-input>", "<bash-stdout>", "<bash-stderr>")
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class SessionTurn:
    """What was typed, and what came of it until something else was.

    `queued` was typed while an agent worked: what it led to is in the turn before. `metrics`
    are empty where nothing was measured. `answer` is what was said last, `files` those that
    tools changed. `pictures` came with it.
    """

    prompt: str
    at: float
    queued: bool = False
    pictures: bool = False
    answer: str = ""
    status: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    model: str = ""
    exact_cost: bool = False


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session: where it began, its turns, and how many prompts no model answered."""

    session: str
    file: str
    begin: SessionUse | None
    turns: tuple[SessionTurn, ...]
    unanswered: int


def find_session(client: Path, words: str) -> Path:
    """Return the transcript of a session, by its id, the beginning of that, or its file.

    Raises:
        NotFoundError: there is none. UsageError: several begin so.
    """
    path = Path(words).expanduser()
    if path.suffix == ".jsonl":
        if path.is_file():
            return path.resolve()
        raise NotFoundError(f"There is no transcript {path}.")
    found = [item for item in transcripts(client, None) if item.stem == words]
    found = found or [
        it for it in transcripts(client, None) if words and it.stem.startswith(words)
    ]
    if not found:
        raise NotFoundError(
            f"No session {cite(words)} is below {client}.",
            hint=f"Name its id, as the files in {client}/projects do, or its file.",
        )
    if len({item.stem for item in found}) > 1:
        names = ", ".join(sorted({item.stem for item in found})[:_MOST_NAMED])
        raise UsageError(f"Several sessions begin with {cite(words)}: {names}.")
    return max(found, key=lambda item: item.stat().st_size)


def session_record(path: Path, prices: Prices) -> SessionRecord:
    """Read a transcript.

    Raises:
        OSError: it cannot be read.
    """
    reader = _TurnReader(path.stem)
    for number, line in enumerate(lines(str(path))):
        with suppress(ValueError):  # torn, or none of ours
            reader.take(number, parse_object(line.decode("utf-8", "replace")))
    transcript = read_transcript(str(path)) or Transcript()
    measured = [*_measured(reader.prompts, transcript, prices)]
    turns = [turn for turn in measured if turn is not None]
    begin = reader.prompts[0].use if reader.prompts else None
    session = begin.session if begin else path.stem
    return SessionRecord(
        session, str(path), begin, tuple(turns), len(measured) - len(turns) + reader.dropped
    )


@dataclass(frozen=True, slots=True)
class _TypedPrompt:
    """A prompt, its id, that of the line it follows, and what was said last after it."""

    use: SessionUse
    prompt_id: str
    parent: object
    queued: bool = False
    answer: str = ""


class _TurnReader(UseReader):
    """Takes the lines of a transcript one by one; of what was taken back nothing is left."""

    def __init__(self, session: str) -> None:
        super().__init__(lambda _: False, session)
        self.prompts: list[_TypedPrompt] = []
        self.dropped = 0

    def take(self, number: int, document: dict[str, Any]) -> None:
        super().take(number, document)
        attachment = document.get("attachment")
        if type(attachment) is dict and attachment.get("type") == "queued_command":
            self._take_queued(document, attachment)

    def _take_queued(self, document: dict[str, Any], attachment: dict[str, Any]) -> None:
        text, pictures = typed(attachment.get("prompt"))
        own = document.get("isSidechain") is not True and attachment.get("isMeta") is not True
        if own and text and not text.startswith(_NOTIFICATION) and self.prompts:
            at = epoch(document.get("timestamp")) or self.prompts[-1].use.at
            use = replace(self.prompts[-1].use, prompt=text, at=at, pictures=pictures)
            self.prompts.append(_TypedPrompt(use, "", None, queued=True))

    def _take_status(self, context: object) -> None:
        super()._take_status(context)
        if self.prompts and self._asked is not None:
            self.prompts[-1] = replace(self.prompts[-1], use=self._asked)

    def _take_prompt(self, document: dict[str, Any], text: str, *, pictures: bool) -> None:
        super()._take_prompt(document, text, pictures=pictures)
        if self._asked is None:
            return
        if text.startswith(_SHELL):
            self.dropped += text.startswith(_SHELL[0])
            return
        parent = document.get("parentUuid")
        again = [n for n, it in enumerate(self.prompts) if parent and it.parent == parent]
        del self.prompts[again[0] if again else len(self.prompts) :]
        self.prompts.append(
            _TypedPrompt(self._asked, str(document.get("promptId") or ""), parent)
        )

    def _take_answer(self, document: dict[str, Any], message: dict[str, Any]) -> None:
        super()._take_answer(document, message)
        text, _ = typed(message.get("content"))
        if text and self.prompts and document.get("isSidechain") is not True:
            self.prompts[-1] = replace(self.prompts[-1], answer=text)


def _measured(
    prompts: Sequence[_TypedPrompt], transcript: Transcript, prices: Prices
) -> Iterator[SessionTurn | None]:
    """Yield the turns, None for what no model had a part in."""
    known = {turn.prompt_id: turn for turn in transcript.turns}
    others = {item.prompt_id for item in prompts if item.prompt_id}
    for item in prompts:
        turn = SessionTurn(
            item.use.prompt,
            item.use.at,
            queued=item.queued,
            pictures=item.use.pictures,
            answer=item.answer,
        )
        own = known.get(item.prompt_id)
        if own is not None and own.local and own.came_to_nothing:
            yield None
            continue
        found = span(transcript, item.prompt_id, others) if own is not None else None
        if found is None:
            yield turn
            continue
        result = measure(found, prices=prices, state=transcript.cost_state)
        yield replace(
            turn,
            status=result.status,
            metrics=result.metrics,
            files=frozenset(f for one in found.turns for work in one.works for f in work.files),
            model=result.fingerprint.get("model", ""),
            exact_cost=result.fingerprint.get("cost") == "exact",
        )
