"""The body of a prompt file, parted into what is served and what must stay in the file.

A line that holds an injection of its own (`` !`git status` ``) runs only while it stands in the
file, so it stays there, and the text around it is served in its place. What one injected line
prints is bounded, so a long text is served in several parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from meta_experiment.errors import RefusedError
from meta_experiment.records import dataclass

LIMIT = 29_500  # bytes; the client cuts what one injected line prints at 30,000

_INJECTION = re.compile(rb"```!.*?```|(?<!\S)!`[^`]+`", re.DOTALL)
_BLANK_LINES = re.compile(rb"(?:[ \t]*\r?\n)*")
_SPACE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class PromptParts:
    """Parts by which the bodies of all arms are served: `bodies[arm]`, in order.

    `frame` holds the literal text around them, one piece more than there are parts.
    """

    frame: tuple[bytes, ...]
    bodies: dict[str, tuple[bytes, ...]]

    def joined(self, arm: str) -> bytes:
        """Return the body that a reader of this arm gets."""
        pairs = zip(self.bodies[arm], self.frame[1:], strict=True)
        return self.frame[0] + b"".join(body + literal for body, literal in pairs)


@dataclass(frozen=True, slots=True)
class _Core:
    """A text without the white space around it, which an injected line would lose."""

    before: bytes
    text: bytes
    after: bytes


def part(bodies: Mapping[str, bytes]) -> PromptParts:
    """Part the bodies of all arms alike, the control first.

    The control joins to exactly its bytes; the others do, but for white space at both ends.

    Raises:
        RefusedError: the arms cannot be parted alike; the message says what differs.
    """
    if not all(body.strip() for body in bodies.values()):
        raise RefusedError("An arm has no text below its frontmatter that could be served.")
    torn = {arm: _torn(body) for arm, body in bodies.items()}
    control, *others = torn
    for arm in others:
        if torn[arm][1] != torn[control][1]:
            raise RefusedError(
                f"'{arm}' differs from the control in the commands that it runs when it is "
                "called (!`…`), and those cannot be served.",
                hint="Make these lines equal in all arms, or start with --manual.",
            )
    kept = torn[control][1]
    frame, served = [b""], {arm: list[bytes]() for arm in bodies}
    for number in range(len(kept) + 1):
        ends = (number == 0, number == len(kept))
        cores = {arm: _core(torn[arm][0][number], first=ends[0]) for arm in torn}
        _place(frame, served, cores, ends)
        if number < len(kept):
            frame[-1] += kept[number]
    if len(frame) == 1:
        raise RefusedError("The prompt has no text beside the commands that it runs (!`…`).")
    return PromptParts(tuple(frame), {arm: tuple(parts) for arm, parts in served.items()})


def _place(
    frame: list[bytes],
    served: dict[str, list[bytes]],
    cores: Mapping[str, _Core],
    ends: tuple[bool, bool],
) -> None:
    """Add one text, in as many parts as the longest arm needs, to frame and bodies."""
    control, *others = cores.values()
    if not any(core.text for core in cores.values()):
        frame[-1] += control.before
        return
    for other in others:
        same = (other.before == control.before or ends[0]) and (
            other.after == control.after or ends[1]
        )
        if not (same and control.text and other.text):
            raise RefusedError(
                "The arms differ in where text stands around the commands that the prompt runs "
                "when it is called (!`…`).",
                hint="Put text and blank lines around them alike, or start with --manual.",
            )
    separator, parts = _divided({arm: core.text for arm, core in cores.items()})
    frame[-1] += control.before
    frame += [separator] * (len(next(iter(parts.values()))) - 1)
    frame.append(control.after)
    for arm, pieces in parts.items():
        served[arm] += pieces


def _torn(body: bytes) -> tuple[list[bytes], list[bytes]]:
    """Part a body into texts and the whole lines between them that hold injections."""
    texts, kept, position = list[bytes](), list[bytes](), 0
    for found in _INJECTION.finditer(body):
        start = body.rfind(b"\n", 0, found.start()) + 1
        end = body.find(b"\n", found.end() - 1) + 1 or len(body)
        if start < position:  # on the line of the one before
            kept[-1] += body[position:end] if end > position else b""
        elif kept and not body[position:start]:
            kept[-1] += body[start:end]
        else:
            texts.append(body[position:start])
            kept.append(body[start:end])
        position = max(position, end)
    return [*texts, body[position:]], kept


def _core(text: bytes, *, first: bool) -> _Core:
    inner = text.rstrip(_SPACE)
    after = text[len(inner) :]
    if not inner:
        return _Core(text, b"", b"")
    if first:  # the client takes the indent of the first line away as well
        start = len(inner) - len(inner.lstrip(_SPACE))
    else:
        found = _BLANK_LINES.match(inner)
        start = found.end() if found else 0
    return _Core(inner[:start], inner[start:], after)


def _divided(texts: Mapping[str, bytes]) -> tuple[bytes, dict[str, list[bytes]]]:
    """Divide every arm's text into the same number of parts at the same separator."""
    if all(len(text) <= LIMIT for text in texts.values()):
        return b"", {arm: [text] for arm, text in texts.items()}
    for separator in (b"\n\n", b"\r\n\r\n", b"\n", b"\r\n"):
        atoms = {arm: _atoms(text, separator) for arm, text in texts.items()}
        packed = [_packed(items, separator) for items in atoms.values()]
        count = max(len(parts) for parts in packed)
        if any(len(separator.join(part)) > LIMIT for parts in packed for part in parts):
            continue
        if all(len(items) >= count for items in atoms.values()):
            return separator, {
                arm: [separator.join(part) for part in _spread(parts, count)]
                for arm, parts in zip(atoms, packed, strict=True)
            }
    raise RefusedError(
        f"A text of more than {LIMIT:,} bytes is served in parts, and these arms cannot be "
        "parted alike: one has too few lines, or a line that is longer.",
        hint="Start with --manual and serve it yourself.",
    )


def _atoms(text: bytes, separator: bytes) -> list[bytes]:
    """Split where the separator stands alone, with no further white space beside it."""
    atoms, position, start = list[bytes](), 0, 0
    while (found := text.find(separator, position)) >= 0:
        end = found + len(separator)
        position = end
        if text[found - 1 : found].strip(_SPACE) and text[end : end + 1].strip(_SPACE):
            atoms.append(text[start:found])
            start = end
        else:  # part of a longer gap: look on behind all of it
            while text[position : position + 1] and not text[position : position + 1].strip(
                _SPACE
            ):
                position += 1
    return [*atoms, text[start:]]


def _packed(atoms: list[bytes], separator: bytes) -> list[list[bytes]]:
    """Fill parts with as many atoms as fit."""
    parts, size = list[list[bytes]](), 0
    for atom in atoms:
        size += len(separator) + len(atom)
        if not parts or size > LIMIT:
            parts.append([])
            size = len(atom)
        parts[-1].append(atom)
    return parts


def _spread(parts: list[list[bytes]], count: int) -> list[list[bytes]]:
    """Take the last atoms off the parts that have several, until there are that many parts."""
    spread = [list(part) for part in parts]
    while len(spread) < count:
        place = next(number for number, part in enumerate(spread) if len(part) > 1)
        spread.insert(place + 1, [spread[place].pop()])
    return spread
