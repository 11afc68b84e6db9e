"""The client's own transcripts as a source: what each use of a prompt file came to.

A use is measured as a live trial would be: from its prompt to the next use, or to 30 idle
minutes, follow-ups included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from meta_experiment.prompts.identity import PromptKind, identify
from meta_experiment.protocol.json_text import parse_object
from meta_experiment.records import dataclass
from meta_experiment.sources.sessions.session_files import began_below, mentions, newest
from meta_experiment.transcripts.measure import measure, span
from meta_experiment.transcripts.prices import Prices, load_prices
from meta_experiment.transcripts.transcript import lines, read_transcript
from meta_experiment.transcripts.turns import Turn

_MADE_UP = "#"  # in what stands for the id of an answer that has none
_AGENT = "agent-"  # begins the name of an agent's file


@dataclass(frozen=True, slots=True)
class Use:
    """Use of a prompt file, at a time in seconds since the epoch.

    `argument_length` is how many characters it was called with, where that is written down.
    """

    session: str
    at: float
    status: str
    metrics: Mapping[str, float]
    argument_length: int | None = None


@dataclass(frozen=True, slots=True)
class PastUses:
    """The uses found, oldest first, and what was read for them.

    `files` and `size` (bytes) are the transcripts looked at, `left_out` those beyond the
    bounds; `since` is the time from which on all were read, as far as is known.
    """

    uses: tuple[Use, ...]
    files: int
    size: int
    left_out: int
    since: float | None


def name_of(path: str) -> str:
    """Return by which name a prompt file is found in a transcript."""
    identity = identify(path)
    return "" if identity.kind is PromptKind.OTHER else identity.name


def past_uses(
    folder: Path,
    names: Iterable[str],
    *,
    root: Path | None,
    since: float = 0.0,
    of_any_plugin: bool = False,
) -> PastUses:
    """Find the uses of commands, skills or agents in the newest transcripts.

    Args:
        folder: the client's own folder.
        names: as the client calls them.
        root: only sessions started at or below it count; None counts all.
        since: transcripts that ended before are not read, earlier uses not counted.
        of_any_plugin: a name that nothing was called by fits that of any plugin.

    What one session copied from another is one use. A transcript that cannot be read is left
    out: this is advice, not evidence.
    """
    wanted = frozenset(name for name in names if name)
    chosen, left_out = newest(folder, root, since)
    prices = load_prices(str(root or folder), {"CLAUDE_CONFIG_DIR": str(folder)})
    fullest: dict[str, _SeenUse] = {}
    beside = _Beside()
    for path, _, _ in chosen:
        with suppress(OSError, ValueError):
            if wanted and began_below(path, root) and mentions(path, wanted):
                agents = beside.agents(path)
                for seen in _uses(path, agents, wanted, prices, of_any_plugin=of_any_plugin):
                    known = fullest.get(seen.first)
                    if known is None or seen.answers >= known.answers:
                        fullest[seen.first] = seen
    oldest = min((changed for _, _, changed in chosen), default=None)
    called = {seen.name for seen in fullest.values()} & wanted
    uses = (
        seen.use
        for seen in fullest.values()
        if seen.use.at >= since and (seen.name in called or not called)
    )
    return PastUses(
        uses=tuple(sorted(uses, key=lambda use: use.at)),
        files=len(chosen),
        size=sum(size for _, size, _ in chosen),
        left_out=left_out,
        since=oldest if left_out else None,
    )


class _Beside:
    """The files of agents that older clients keep beside their sessions."""

    def __init__(self) -> None:
        self._sessions: dict[Path, dict[str, list[str]]] = {}

    def agents(self, path: Path) -> list[str]:
        """Return those of the session with this transcript."""
        if path.parent not in self._sessions:
            found: dict[str, list[str]] = {}
            for file in sorted(path.parent.glob(f"{_AGENT}*.jsonl")):
                found.setdefault(_session(file), []).append(str(file))
            self._sessions[path.parent] = found
        return self._sessions[path.parent].get(path.stem, [])


def _session(file: Path) -> str:
    """Return the session that the first line of an agent's file names; empty if it does not."""
    with suppress(OSError, ValueError):
        first = next(lines(str(file)), b"")
        return str(parse_object(first.decode("utf-8", "replace")).get("sessionId") or "")
    return ""


@dataclass(frozen=True, slots=True)
class _SeenUse:
    """A use as one transcript tells it: by its first answer, and by how many in all.

    `name` is that by which the client called what was used.

    A conversation that was resumed or forked holds the answers of the one that it came from,
    and some clients do not say whose they were.
    """

    first: str
    answers: int
    name: str
    use: Use


def _uses(
    path: Path,
    agents: Iterable[str],
    names: frozenset[str],
    prices: Prices,
    *,
    of_any_plugin: bool,
) -> Iterator[_SeenUse]:
    transcript = read_transcript(str(path), agents=agents)
    if transcript is None:
        return
    named = [(turn, _used(turn, names, of_any_plugin)) for turn in transcript.turns]
    turns = [(turn, name) for turn, name in named if name is not None]
    others = {turn.prompt_id for turn, _ in turns}
    for turn, name in turns:
        found = span(transcript, turn.prompt_id, others)
        if found is None or turn.own.started is None:
            continue
        measured = measure(found, prices=prices, state=transcript.cost_state)
        if measured.reason:
            continue
        answers = [key for one in found.turns for work in one.works for key in work.messages]
        first = next((key for key in answers if _MADE_UP not in key), "")
        use = Use(
            path.stem,
            turn.own.started,
            measured.status,
            measured.metrics,
            turn.lengths.get(name),
        )
        yield _SeenUse(first or f"{path}{_MADE_UP}{turn.prompt_id}", len(answers), name, use)


def _used(turn: Turn, names: frozenset[str], of_any_plugin: bool) -> str | None:
    """Return which of these names a turn used; None for one that used none."""
    exact = [name for name in turn.named if name in names]
    alike = [name for name in turn.named if name.rpartition(":")[2] in names]
    return next(iter([*exact, *(alike if of_any_plugin else ())]), None)
