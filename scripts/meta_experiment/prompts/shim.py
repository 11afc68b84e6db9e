"""The text that stands in for a prompt file while its variants are served.

It keeps the control's head, adds the permission it needs, and has one injected line where the
body was (several for a long body). Whatever fails in that line, the control text is shown.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.frontmatter import cut, may_be_hooks, read_clearly
from meta_experiment.prompts.parts import part
from meta_experiment.prompts.tools import add_tools
from meta_experiment.protocol.frontmatter import SPACE
from meta_experiment.records import dataclass

_LONGEST_DESCRIPTION = 100  # units of UTF-16
_EFFORT = "${CLAUDE_EFFORT}"


@dataclass(frozen=True, slots=True)
class Shim:
    """The stand-in's exact bytes, and what is served: `bodies[arm]` are its parts."""

    data: bytes
    bodies: dict[str, tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Line:
    """Parts of an injected line.

    `copies` are the places of the control's text, each as the client's shell is to read it;
    `named` tells the model where all of it is, when even that is out of reach: a path that
    `quoted` takes.
    """

    target: str
    copies: Callable[[int], Sequence[str]]
    named: str

    def text(self, number: int, *, effort: bool) -> str:
        """Return the line for a part (from 1), or for a body in one piece (0).

        With `effort` it hands on the level of reasoning, which the client alone can tell.
        """
        which = f" --part {number}" if number else ""
        which += f" --effort {_EFFORT}" if effort else ""
        steps = [f"serve-variant {self.target} ${{CLAUDE_SESSION_ID}}{which} 2>/dev/null"]
        steps += [f"cat {copy} 2>/dev/null" for copy in self.copies(number)]
        steps.append(
            'echo "(see above)"' if number > 1 else f'echo "Read {self.named} and follow it."'
        )
        return f"!`{' || '.join(steps)}`"


def build_shim(
    arms: Mapping[str, bytes], line: Line, tools: Sequence[str], *, describe: bool
) -> Shim:
    """Make the stand-in for the arms of one file, the control first.

    `describe` gives a file without a description the one that the client would have made of
    its first line, which is gone from the stand-in.

    Raises:
        RefusedError: these arms cannot be served from one file; the message says why.
    """
    heads, bodies = {}, {}
    for arm, data in arms.items():
        heads[arm], bodies[arm] = cut(data)
    control = next(iter(arms))
    _require_sound_hooks(arms[control])
    for arm in list(arms)[1:]:
        _require_same_head(arms[control], arms[arm], arm)
    parted = part(bodies)
    count = len(parted.frame) - 1
    effort = any(_EFFORT.encode() in body for body in bodies.values())
    text = parted.frame[0]
    for number, literal in enumerate(parted.frame[1:], start=1):
        text += line.text(number if count > 1 else 0, effort=effort).encode() + literal
    more = {}
    if describe and not _is_described(read_clearly(arms[control]).fields):
        more["description"] = _description(bodies[control])
    return Shim(add_tools(heads[control], tools, more) + text, parted.bodies)


def require_alike_as_skill(command: bytes) -> None:
    """Refuse a command whose head means something else in the skill that stands in for it.

    Raises:
        RefusedError: the skill would be offered for some files alone.
    """
    if read_clearly(command).fields.get("paths"):
        raise RefusedError(
            "The head of the command says `paths`, which the client passes over in a command "
            "and heeds in the skill that would stand in for it.",
            hint="Take `paths` out of all versions, or start with --manual.",
        )


def quoted(path: str) -> str | None:
    """Return a path as the client's shell is to read it; None for one the client refuses."""
    if not all(mark.isalnum() or mark in " ._-/@+" for mark in path):
        return None
    return shlex.quote(path)


def _require_sound_hooks(data: bytes) -> None:
    if not may_be_hooks(read_clearly(data).fields.get("hooks")):
        raise RefusedError(
            "`hooks` at the head of the prompt is no mapping; the client lets that pass until "
            "a line is injected, and then stops the prompt.",
            hint="Correct `hooks` in all versions, or take it out.",
        )


def _require_same_head(control: bytes, other: bytes, arm: str) -> None:
    one, two = read_clearly(control).fields, read_clearly(other).fields
    keys = sorted(key for key in one.keys() | two.keys() if one.get(key) != two.get(key))
    if keys:
        raise RefusedError(
            f"'{arm}' differs from the control in its frontmatter ({', '.join(keys)}), which "
            "the client reads before anything can be served.",
            hint="Make the frontmatter equal, or start with --manual and serve it yourself.",
        )


def _is_described(fields: Mapping[str, Any]) -> bool:
    """Tell whether the client shows the description that stands in the frontmatter."""
    given = fields.get("description")
    if isinstance(given, str):
        return bool(given.strip(SPACE))
    return isinstance(given, bool | int | float)


def _description(body: bytes) -> str:
    """Return what the client takes for a description: the first line, without heading marks."""
    lines = body.decode("utf-8", "replace").split("\n")
    first = next((line.strip(SPACE) for line in lines if line.strip(SPACE)), "")
    first = re.sub(rf"^#+[{SPACE}]+", "", first)
    units = first.encode("utf-16-le")
    if len(units) <= 2 * _LONGEST_DESCRIPTION:
        return first
    begins = units[: 2 * _LONGEST_DESCRIPTION - 6].decode("utf-16-le", "surrogatepass")
    return re.sub("[\ud800-\udfff]", " ", begins) + "..."  # half of a character is shown so
