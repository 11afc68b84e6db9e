"""Reading of a session's transcript, as turns: one prompt each, and the work it caused.

The client writes one line per content block, repeats the usage of a message on each, puts
the prompt's id on user lines alone, and keeps agents in files of their own. Whatever is no
line of a transcript is passed over.
"""

from __future__ import annotations

import mmap
import os

from meta_experiment.protocol.json_text import parse_object
from meta_experiment.protocol.timestamps import epoch
from meta_experiment.transcripts.turns import (
    ANSWERED,
    FAILED,
    INTERRUPTED,
    OPEN,
    Transcript,
    Turn,
)
from meta_experiment.transcripts.work import Work, usage_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SYNTHETIC = "<synthetic>"  # the client's own words in the place of a model's
LINE_LIMIT = 8 << 20  # bytes; a longer line holds a picture, not a measure

_HEAD = 300  # bytes in which a line says what it is
_NOTES = (b'{"type":"api-request', b'{"type":"file-history', b'{"type":"queue-operation"')
_INTERRUPT = "[Request interrupted by user"
_NOTIFICATION = "<task-notification>"
_LOCAL_OUTPUT = ("<local-command-stdout>", "<local-command-stderr>")
_SHELL_LINE = ("<bash-input>", "<bash-stdout>", "<bash-stderr>")  # typed behind a "!"
_FORKED = "forked-skill-launch"
_CAVEAT = ("<local-command-caveat>", "Caveat: The messages below")
_NAME, _NAME_END = "<command-name>", "</command-name>"
_ARGUMENTS, _ARGUMENTS_END = "<command-args>", "</command-args>"
_COMMANDS = ("<command-message>", _NAME)  # begin what the client writes; else it was pasted
_ANSWERS_OF_A_PROMPT = ("end_turn", "stop_sequence", "max_tokens", "refusal")


def read_transcript(
    path: str, prompt_ids: Iterable[str] = (), *, agents: Iterable[str] = ()
) -> Transcript | None:
    """Read a transcript with its agents, from the first of these prompts on; else whole.

    `agents` are files of agents besides those in the session's own folder. Returns None when
    there is no such file. Raises OSError.
    """
    wanted = list(prompt_ids)
    try:
        start = _first(path, wanted) if wanted else 0
        transcript = Transcript() if start is None else read_lines(lines(path, start))
    except (FileNotFoundError, NotADirectoryError):
        return None
    if start is not None:
        _add_agents([*_agents_of(path), *agents], transcript)
    return transcript


def read_lines(raw: Iterable[bytes], *, of_agent: bool = False) -> Transcript:
    """Read lines of a transcript; those of an agent's file are its main conversation."""
    reader = _TranscriptReader(of_agent=of_agent)
    for line in raw:
        if _says_nothing(line[:_HEAD]):
            continue
        try:
            document = parse_object(line.decode("utf-8", "replace"))
        except ValueError:
            continue  # torn, or none of ours
        reader.take(document)
    return reader.transcript


def _says_nothing(head: bytes) -> bool:
    """Tell the client's own notes by their first bytes; they are most of a transcript."""
    if head.startswith(_NOTES):
        return True
    return b'"attachment":{"type":"' in head and b'"queued_command"' not in head


def lines(path: str, start: int = 0) -> Iterator[bytes]:
    """Yield the whole lines of a file from an offset on. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as stream:
        stream.seek(start)
        while line := stream.readline(LINE_LIMIT):
            if line.endswith(b"\n") or len(line) < LINE_LIMIT:
                yield line
                continue
            while line and not line.endswith(b"\n"):
                line = stream.readline(LINE_LIMIT)


def _first(path: str, prompt_ids: list[str]) -> int | None:
    """Find the line where the first of some prompts begins; None when there is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not os.fstat(descriptor).st_size:
            return None
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as view:
            found = [at for prompt_id in prompt_ids if (at := _begin(view, prompt_id)) >= 0]
            return min(found, default=None)
    finally:
        os.close(descriptor)


def _begin(view: mmap.mmap, prompt_id: str) -> int:
    at = -1
    for mark in ('"promptId":"%s"', '"promptId": "%s"'):
        at = view.find((mark % prompt_id).encode("utf-8", "replace"))
        if at >= 0:
            return view.rfind(b"\n", 0, at) + 1
    return at


def _agents_of(path: str) -> list[str]:
    """List the files of agents in the session's own folder."""
    folder = path.removesuffix(".jsonl") + "/subagents"
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [f"{folder}/{name}" for name in names if name.endswith(".jsonl")]


def _add_agents(files: list[str], transcript: Transcript) -> None:
    """Give the work in the agents' files to the turns that caused it."""
    began = min((turn.own.started for turn in transcript.turns if turn.own.started), default=0)
    agents: list[tuple[str, Turn]] = []
    for file in files:
        # what was last written before the first turn cannot be of any
        if os.stat(file).st_mtime >= began - 1:
            agent = read_lines(lines(file), of_agent=True)
            transcript.delivered |= agent.delivered
            call, name = _origin(file)
            for turn in agent.turns:
                turn.own.agent, turn.own.agent_name = _agent_in(file), name
                agents.append((call, turn))
                call = name = ""  # what it was told later came by another call
    _share_out(transcript.turns, agents)


def _share_out(turns: list[Turn], agents: list[tuple[str, Turn]]) -> None:
    """Give each agent to the turn whose call started it, or else to that of its prompt."""
    known = {turn.prompt_id: turn for turn in turns}
    owners: dict[str, Turn | None] = {}
    for turn in reversed(turns):  # an agent is the first's that names it: others wake it up
        owners |= dict.fromkeys(turn.sent, turn)
    # one agent may have started another: the first of them comes first
    for call, agent in sorted(agents, key=lambda item: item[1].own.started or 0):
        owner = owners.get(call, known.get(agent.prompt_id))
        if owner is None and agent.made_up:
            owner = _during(turns, agent.own.started)
        owners |= dict.fromkeys(agent.sent, owner)
        if owner is not None:
            _join(owner, agent)


def _origin(file: str) -> tuple[str, str]:
    """Return the call of a tool that started an agent, and by which name.

    In the place of a call that is not known stands the agent's id, which results name.
    """
    try:
        data = b"".join(lines(file.removesuffix("jsonl") + "meta.json"))
        told = parse_object(data.decode("utf-8", "replace"))
    except (FileNotFoundError, ValueError):
        told = {}
    return _string(told.get("toolUseId")) or _agent_in(file), _string(told.get("agentType"))


def _agent_in(file: str) -> str:
    return os.path.basename(file).removesuffix(".jsonl").removeprefix("agent-")


def _join(owner: Turn, agent: Turn) -> None:
    owner.agents.append(agent.own)
    if owner.state == OPEN and not owner.own.messages and agent.state == ANSWERED:
        owner.state = ANSWERED  # old clients leave nothing of a fork in the main file


def _during(turns: list[Turn], moment: float | None) -> Turn | None:
    """Return the last turn that had begun by then."""
    if moment is None:
        return None
    begun = [turn for turn in turns if turn.own.started and turn.own.started <= moment]
    return begun[-1] if begun else None


class _TranscriptReader:
    """Takes the lines of a transcript one by one."""

    def __init__(self, *, of_agent: bool) -> None:
        self.transcript = Transcript()
        self._of_agent = of_agent
        self._known: dict[str, Turn] = {}
        self._copied: set[str] = set()  # prompts under which answers are copies
        self._turn: Turn | None = None
        self._lines = 0

    def take(self, document: dict[str, object]) -> None:
        """Take one line."""
        self._lines += 1
        kind = document.get("type")
        message = document.get("message")
        if kind == "cost-state":
            self.transcript.cost_state = document
        elif kind == "attachment":
            self._deliver(_text_of(document.get("attachment")))
        elif kind == "system":
            self._take_system(document)
        elif type(message) is dict:
            if kind == "assistant" or (kind is None and "usage" in message):
                self._take_answer(document, message)
            elif kind == "user":
                self._take_user(document, message)

    def _take_system(self, document: dict[str, object]) -> None:
        """Take the client's own answer; after a model's, it is one to another command."""
        turn = self._turn
        if turn is None:
            return
        if document.get("subtype") == "turn_duration":
            turn.worked = _seconds(document.get("durationMs"))
        if document.get("subtype") != "local_command":
            return
        if turn.state == OPEN and not turn.own.messages:
            turn.local = True
            turn.state = ANSWERED
            turn.own.extend(epoch(document.get("timestamp")))
            forked = _forked(_string(document.get("content")))
            if forked:
                turn.own.tasks.add(forked)
                turn.own.launched.add(forked)

    def _take_user(self, document: dict[str, object], message: dict[str, object]) -> None:
        content = message.get("content")
        blocks = _blocks(content)
        results = [block for block in blocks if block.get("type") == "tool_result"]
        text = _first_text(content)
        turn = self._turn_of(document, text, is_answer=bool(results))
        if turn is None:
            return
        work = self._work(turn, document)
        moment = epoch(document.get("timestamp"))
        work.extend(moment)
        turn.version = _string(document.get("version")) or turn.version
        for block in results:
            work.take_result(block, document.get("toolUseResult"), moment)
        if work is not turn.own:
            return
        if text.startswith(_INTERRUPT):
            turn.state = INTERRUPTED
            if "interruptedMessageId" not in document:
                work.refuse(moment)  # nothing was under way: the calls were asked about
        elif text.startswith((*_LOCAL_OUTPUT, *_SHELL_LINE)):
            turn.local = True
            turn.state = ANSWERED
        elif document.get("isMeta") is not True and not text.startswith(_CAVEAT):
            turn.state = OPEN
        if not results:
            self._name(turn, text)

    def _name(self, turn: Turn, text: str) -> None:
        """Note what a prompt says of itself: which command, or whose notification."""
        if text.startswith(_NOTIFICATION):
            turn.notified += self._deliver(text)
        elif text.lstrip().startswith(_COMMANDS) and _NAME in text[:400]:
            name = text.partition(_NAME)[2].partition(_NAME_END)[0].strip().removeprefix("/")
            turn.named.append(name)
            _, given, rest = text.partition(_ARGUMENTS)
            turn.lengths[name] = len(rest.partition(_ARGUMENTS_END)[0]) if given else 0
        elif text.startswith("/") and len(text) > 1:
            # a forked skill leaves what was typed and nothing else
            words = text[1:].split(maxsplit=1)[:1]
            turn.named += [word for word in words if "/" not in word]

    def _take_answer(self, document: dict[str, object], message: dict[str, object]) -> None:
        turn = self._turn or self._begin_turn(f"line-{self._lines}", made_up=True)
        if _is_copy(document):
            self._copied.add(turn.prompt_id)
            return
        work = self._work(turn, document)
        moment = epoch(document.get("timestamp"))
        work.extend(moment)
        turn.version = _string(document.get("version")) or turn.version
        model = _string(message.get("model"))
        if document.get("isApiErrorMessage") is True:
            turn.state = FAILED if work is turn.own else turn.state
            return
        if model == SYNTHETIC:
            if _first_text(message.get("content")).startswith("API Error"):
                turn.state = FAILED if work is turn.own else turn.state
            return
        key = _string(message.get("id")) or f"{turn.prompt_id}#{self._lines}"
        work.take_message(key, usage_of(model, message.get("usage")))
        asks = False
        for block in _blocks(message.get("content")):
            if block.get("type") == "tool_use":
                asks = True
                work.take_call(block, moment)
                if work is turn.own:
                    turn.named += _called(block)
        if work is turn.own:
            stopped = message.get("stop_reason")
            if stopped is None and turn.state == INTERRUPTED:
                return  # what was said until then, written later
            ends = stopped in _ANSWERS_OF_A_PROMPT or (stopped is None and not asks)
            turn.state = ANSWERED if ends else OPEN

    def _turn_of(
        self, document: dict[str, object], text: str, *, is_answer: bool
    ) -> Turn | None:
        """Return the turn of a user line: by its prompt's id or, without ids, by its look."""
        prompt_id = _string(document.get("promptId"))
        if prompt_id and not (self._of_agent and self._turn and not _is_told(document)):
            known = self._known.get(prompt_id)
            asked = not is_answer and self._is_prompt(document, text)
            if known and asked and prompt_id in self._copied:
                # a forked session puts all that it copied under its first own prompt
                self.transcript.turns.remove(known)
                known = None
            self._turn = known or self._begin_turn(prompt_id)
        elif self._turn is None or (self._turn.made_up and not is_answer):
            if self._turn is not None and not self._is_prompt(document, text):
                return self._turn
            name = _string(document.get("uuid")) or f"line-{self._lines}"
            self._begin_turn(name, made_up=True)
        return self._turn

    def _is_prompt(self, document: dict[str, object], text: str) -> bool:
        if document.get("isMeta") is True or document.get("isCompactSummary") is True:
            return False
        if document.get("isSidechain") is True:
            return False
        return not text.startswith((_INTERRUPT, *_LOCAL_OUTPUT, *_SHELL_LINE, *_CAVEAT))

    def _begin_turn(self, prompt_id: str, *, made_up: bool = False) -> Turn:
        self._turn = Turn(prompt_id, made_up=made_up)
        self._known[prompt_id] = self._turn
        self.transcript.turns.append(self._turn)
        return self._turn

    def _work(self, turn: Turn, document: dict[str, object]) -> Work:
        """Return whose work a line is: old clients keep agents in the main file."""
        if self._of_agent or document.get("isSidechain") is not True:
            return turn.own
        if not turn.agents:
            turn.agents.append(Work())
        return turn.agents[0]

    def _deliver(self, text: str) -> list[str]:
        found = []
        for piece in text.split(_NOTIFICATION)[1:]:
            reported = _within(piece, "tool-use-id") or _within(piece, "task-id")
            if reported:
                found.append(reported)
        self.transcript.delivered.update(found)
        return found


def _within(text: str, tag: str) -> str:
    """Return what a tag holds, if that may be an id."""
    found = _between(text, tag)
    return found if len(found) <= 200 else ""


def _between(text: str, tag: str) -> str:
    found, end, _ = text.partition(f"<{tag}>")[2].partition(f"</{tag}>")
    return found if end else ""


def _forked(text: str) -> str:
    """Return the agent in which the client lets a forked skill run in the background."""
    try:
        return _string(parse_object(_between(text, _FORKED)).get("agentId"))
    except ValueError:
        return ""


def _is_copy(document: dict[str, object]) -> bool:
    """Tell an answer that was given in the session which this one was forked from."""
    asked_in = _string(document.get("requestSessionId"))
    return asked_in not in ("", document.get("sessionId"))


def _is_told(document: dict[str, object]) -> bool:
    """Tell a message to an agent from the results of its tools and its own background work."""
    origin = document.get("origin")
    return type(origin) is dict and origin.get("kind") != "task-notification"


def _blocks(content: object) -> list[dict[str, object]]:
    if type(content) is not list:
        return []
    return [block for block in content if type(block) is dict]


def _first_text(content: object) -> str:
    if type(content) is str:
        return content
    for block in _blocks(content):
        if block.get("type") == "text":
            return _string(block.get("text"))
    return ""


def _text_of(attachment: object) -> str:
    """Return what an attachment says, as far as it may be a notification."""
    if type(attachment) is not dict or attachment.get("type") != "queued_command":
        return ""
    prompt = attachment.get("prompt")
    return _first_text(prompt)


def _called(block: dict[str, object]) -> list[str]:
    """Return the skill or the agent that a call of a tool names."""
    key = {"Skill": "skill", "Agent": "subagent_type", "Task": "subagent_type"}
    wanted = key.get(_string(block.get("name")))
    arguments = block.get("input")
    name = _string(arguments.get(wanted)) if wanted and type(arguments) is dict else ""
    return [name.removeprefix("/")] if name else []


def _seconds(milliseconds: object) -> float | None:
    return milliseconds / 1000 if type(milliseconds) is int and milliseconds >= 0 else None


def _string(value: object) -> str:
    return value if type(value) is str else ""
