"""The index of what is served in a root: one line an experiment, fields between tabs.

It is compiled from the plans when something starts or ends, so that a prompt needs to read
one small file and no JSON. Lines of ended experiments stay for some days: a session that
still has the old text of a prompt must go on being served. Each line ends with this machine's
seal; one without it is a stranger's, and none.
"""

from __future__ import annotations

from meta_experiment.protocol.places import active_index, is_id, is_plain, read_text
from meta_experiment.protocol.seal import seal_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from meta_experiment.protocol.seal import Seal

RUNNING, ENDED, UNLISTED = "running", "ended", "unlisted"
_STATES = (RUNNING, ENDED, UNLISTED)
_FIELDS = (23, 24, 25, 26)  # of a line; the last where an arm ended, shares move, in part
COMMAND, SKILL, AGENT = "command", "skill", "agent"
BANDIT, RAMP = "bandit", "ramp"
MOVING = (BANDIT, RAMP)  # methods whose shares change: those in force stand with each draw
SHADOW, IN_PLACE, AGENTS = "shadow", "inplace", "agents"
SEQUENCE_LENGTH = 4096  # positions drawn ahead
SETTLED = 10.0  # seconds after which a running client knows a new file of an agent
_PURPOSE = "index"  # of the seals of lines
# a letter for each arm, more than a plan may have
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz" + "".join(map(chr, range(0x100, 0x180)))
_COMMA = "\x1f"  # stands for a comma in the name of an argument; YAML lets it into no text


class Entry:
    """Entry of one experiment: all that serving must know of it.

    Attributes:
        id: the experiment.
        state: running; ended, or unlisted by the registry of this branch: then nothing is
            logged.
        kind: command, skill or agent.
        name: as the client calls it: `review`, `git:review`, `plug:review`.
        path: the prompt file, relative to the root, with `/`.
        form: shadow, inplace or agents.
        unit: session, invocation or user.
        method: block, held, hash, least_used, weighted, bandit or ramp; see `assign.arms`.
        traffic: the share of units under experiment, in [0, 1].
        arms: names of the variants, control first.
        weights: one for each arm; of those that move the parts in force, of blocks that are
            held their units.
        seed: that of plan and checkout together.
        sequence: the arm for each position, one letter; empty for the hash, and of a bandit
            the turns before its weights count.
        user: the key of this user and checkout.
        since: start of serving, seconds since the epoch.
        serve: the variant served once the experiment has ended; empty means control.
        parts: the number of injected lines.
        arguments: names of the arguments, from the frontmatter.
        allow: whether a Skill call is to be allowed, as it was before.
        sha: first digits of the plan's SHA-256.
        plugin: the version of this plugin.
        report: metrics the model is asked to report.
        digests: those of its texts, by name; see `protocol.texts`.
        ended: arms that get no more units; the control is served to theirs.
        known: on how many closed trials the weights rest that move.
        opens: before that nothing is drawn, seconds since the epoch.
        closes: nothing is drawn from then on; 0 means never.
        slots: the first slot of its layer and that behind its last; none without a layer.
        layer: the seed of the layer.
    """

    __slots__ = (
        "allow",
        "arguments",
        "arms",
        "closes",
        "digests",
        "ended",
        "form",
        "id",
        "kind",
        "known",
        "layer",
        "method",
        "name",
        "opens",
        "parts",
        "path",
        "plugin",
        "report",
        "seed",
        "sequence",
        "serve",
        "sha",
        "since",
        "slots",
        "state",
        "traffic",
        "unit",
        "user",
        "weights",
    )

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the word of every document
        state: str,
        kind: str,
        name: str,
        path: str,
        form: str,
        unit: str,
        method: str,
        traffic: float,
        arms: list[str],
        weights: list[float],
        seed: str,
        sequence: str = "",
        user: str = "",
        since: float = 0.0,
        serve: str = "",
        parts: int = 1,
        arguments: list[str] | None = None,
        allow: bool = False,
        sha: str = "",
        plugin: str = "",
        report: list[str] | None = None,
        digests: dict[str, str] | None = None,
        ended: list[str] | None = None,
        known: int = 0,
        opens: float = 0.0,
        closes: float = 0.0,
        slots: tuple[int, int] | None = None,
        layer: str = "",
    ) -> None:
        self.id = id
        self.state = state
        self.kind = kind
        self.name = name
        self.path = path
        self.form = form
        self.unit = unit
        self.method = method
        self.traffic = traffic
        self.arms = arms
        self.weights = weights
        self.seed = seed
        self.sequence = sequence
        self.user = user
        self.since = since
        self.serve = serve
        self.parts = parts
        self.arguments = arguments or []
        self.allow = allow
        self.sha = sha
        self.plugin = plugin
        self.report = report or []
        self.digests = digests or {}
        self.ended = ended or []
        self.known = known
        self.opens = opens
        self.closes = closes
        self.slots = slots
        self.layer = layer

    @property
    def running(self) -> bool:
        """Whether exposures are drawn and logged."""
        return self.state == RUNNING

    @property
    def takes_all(self) -> bool:
        """Whether every unit takes part, at any time."""
        return self.traffic >= 1 and not (self.opens or self.closes or self.slots)

    @property
    def missing(self) -> bool:
        """Whether it ran, until a branch came that does not list it."""
        return self.state == UNLISTED

    @property
    def control(self) -> str:
        """The name of the control."""
        return self.arms[0]


def format_entry(entry: Entry) -> str:
    """Return the line of an entry, its end included.

    Raises:
        ValueError: a field holds a tab, the end of a line or, in a list, a comma.
    """
    fields = [
        entry.id,
        entry.state,
        entry.kind,
        entry.name,
        entry.path,
        entry.form,
        entry.unit,
        entry.method,
        repr(float(entry.traffic)),
        _joined(entry.arms),
        ",".join(repr(float(weight)) for weight in entry.weights),
        entry.seed,
        entry.sequence,
        entry.user,
        repr(float(entry.since)),
        entry.serve,
        str(entry.parts),
        _joined([name.replace(",", _COMMA) for name in entry.arguments]),
        "1" if entry.allow else "",
        entry.sha,
        entry.plugin,
        _joined(entry.report),
        _joined([f"{name}={digest}" for name, digest in entry.digests.items()]),
        *_last_fields(entry),
    ]
    for field in fields:
        if any(mark in field for mark in "\t\n\r\0"):
            raise ValueError(f"a field of {entry.id} holds a tab or the end of a line")
    return "\t".join(fields) + "\n"


def _last_fields(entry: Entry) -> list[str]:
    """Return the fields that most lines do without, up to the last that says something."""
    dated = bool(entry.opens or entry.closes or entry.slots)
    moves = entry.method in MOVING or dated
    slots = (*entry.slots, entry.layer) if entry.slots else ()
    return [
        *([_joined(entry.ended)] if entry.ended or moves else []),
        *([str(entry.known)] if moves else []),
        *([",".join(map(str, (entry.opens, entry.closes, *slots)))] if dated else []),
    ]


def parse_entry(line: str) -> Entry | None:
    """Read a line of the index; None when it is not one."""
    line = line.rstrip("\n")
    if "\0" in line or "\r" in line or "\n" in line:
        return None  # format_entry writes none
    fields = line.split("\t")
    if (
        len(fields) not in _FIELDS
        or not fields[0]
        or fields[1] not in (RUNNING, ENDED, UNLISTED)
    ):
        return None
    try:
        opens, closes, *slots = _parted(fields[25]) if len(fields) > 25 else ("0", "0")
        entry = Entry(
            id=fields[0],
            state=fields[1],
            kind=fields[2],
            name=fields[3],
            path=fields[4],
            form=fields[5],
            unit=fields[6],
            method=fields[7],
            traffic=float(fields[8]),
            arms=_parted(fields[9]),
            weights=[float(weight) for weight in _parted(fields[10])],
            seed=fields[11],
            sequence=fields[12],
            user=fields[13],
            since=float(fields[14]),
            serve=fields[15],
            parts=int(fields[16]),
            arguments=[name.replace(_COMMA, ",") for name in _parted(fields[17])],
            allow=fields[18] == "1",
            sha=fields[19],
            plugin=fields[20],
            report=_parted(fields[21]),
            digests={
                name: digest
                for name, _, digest in (pair.partition("=") for pair in _parted(fields[22]))
            },
            ended=_parted(fields[23]) if len(fields) > 23 else None,
            known=int(fields[24]) if len(fields) > 24 else 0,
            opens=float(opens),
            closes=float(closes),
            slots=(int(slots[0]), int(slots[1])) if slots else None,
            layer=slots[2] if slots else "",
        )
    except (ValueError, IndexError):
        return None
    return entry if _is_sound(entry) else None


def _is_sound(entry: Entry) -> bool:
    """Tell whether names may stand in paths, which stay below the root."""
    names = [*entry.arms, *([entry.serve] if entry.serve else [])]
    steps = entry.path.split("/")
    return (
        bool(entry.arms)
        and is_id(entry.id)
        and len(entry.weights) == len(entry.arms)
        and sum(entry.weights) > 0
        and all(map(is_plain, names))
        and not any(step in ("", ".", "..") for step in steps)
    )


def sealed_lines(entries: Sequence[Entry], seal: Seal) -> str:
    """Return the text of an index under this machine's seal. Raises as `format_entry`."""
    lines = [format_entry(entry).removesuffix("\n") for entry in entries]
    return "".join(f"{line}\t{seal.of(_PURPOSE, _bytes(line))}\n" for line in lines)


def entries(root: str) -> list[Entry]:
    """Return what is served in a root, damaged lines passed over. Raises OSError."""
    text = read_text(active_index(root))
    if not text:
        return []
    seal = seal_of(root)
    return [entry for line in text.split("\n") if (entry := _unsealed(line, seal)) is not None]


def find_entry(root: str, experiment_id: str) -> Entry | None:
    """Return the entry of an experiment, reading no line but its own. Raises OSError."""
    text = "\n" + read_text(active_index(root))
    start = text.find(f"\n{experiment_id}\t") + 1
    if not start:
        return None
    end = text.find("\n", start)
    line = text[start : end if end >= 0 else len(text)]
    return _unsealed(line, seal_of(root))


def _unsealed(line: str, seal: Seal) -> Entry | None:
    text, _, mark = line.rpartition("\t")
    return parse_entry(text) if seal.fits(mark, _PURPOSE, _bytes(text)) else None


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


def agent_names(name: str, arms: Sequence[str]) -> list[str]:
    """Return the names of an agent and of its variants, the control (its own name) first."""
    return [name, *(f"{name}-{arm}" for arm in arms[1:])]


def sequence_text(arms: list[int]) -> str:
    """Return the arms of successive positions, one letter for each."""
    return "".join(_LETTERS[arm] for arm in arms)


def sequence_arm(sequence: str, position: int) -> int | None:
    """Return the arm at a position; None when it was not drawn ahead."""
    if not 0 <= position < len(sequence):
        return None
    return _LETTERS.index(sequence[position])


def _joined(names: list[str]) -> str:
    if any("," in name or not name for name in names):
        raise ValueError(f"a name in {names} is empty or holds a comma")
    return ",".join(names)


def _parted(text: str) -> list[str]:
    return text.split(",") if text else []
