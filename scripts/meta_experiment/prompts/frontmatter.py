"""Frontmatter of a prompt file, as the client reads it.

Where the block is no YAML, the client reads it once more, with quotes around the values that
may be what it stumbled over. Where that fails too, it reads nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import RefusedError
from meta_experiment.protocol.frontmatter import SPACE, find_block, head_length
from meta_experiment.records import dataclass

if TYPE_CHECKING:
    from meta_experiment.prompts.client_yaml import Lines, YamlBlock

_LARGEST = 64 * 1024
_FIELD = re.compile(rf"([a-zA-Z_-]+):[{SPACE}]+([^\n\r\u2028\u2029]+)")
_MENDED = re.compile(r"[\[\]{}*&#!|>%@`]|: ")


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """Fields that the client reads between the markers.

    Attributes:
        fields: as the client reads them.
        ignored: why it reads nothing of what stands there; "" when it reads it.
        unclear: why it cannot be told what it reads; "" when it can.
        lines: where each field stands in the block, where that is in lines of its own.
    """

    fields: dict[str, Any]
    ignored: str = ""
    unclear: str = ""
    lines: Mapping[str, tuple[Lines, ...]] = field(default_factory=dict, compare=False)

    @property
    def error(self) -> str | None:
        """Return what is the matter with it; None when nothing is."""
        return self.ignored or self.unclear or None


def read_frontmatter(data: bytes) -> Frontmatter:
    """Read the frontmatter of a prompt file; a file without one has no fields."""
    text = data.decode("utf-8", "replace")
    found = find_block(text)
    if found is None:
        return Frontmatter({})
    if found[1] - found[0] > _LARGEST:
        return Frontmatter({}, unclear="the frontmatter is longer than 64 kB")
    from meta_experiment.prompts.client_yaml import NotYamlError, UnclearError

    try:
        block = _parsed(text[slice(*found)])
    except UnclearError as error:
        return Frontmatter({}, unclear=f"the frontmatter {error}")
    except NotYamlError as error:
        before = text.count("\n", 0, found[0])
        line = f" (line {before + error.line})" if error.line else ""
        return Frontmatter({}, ignored=f"the frontmatter is not valid YAML: {error}{line}")
    fault = block.fault and f"the frontmatter {block.fault}"
    return Frontmatter(block.fields, fault, lines=block.lines)


def read_clearly(data: bytes) -> Frontmatter:
    """Read the frontmatter of a prompt file of which the client's reading must be known.

    Raises:
        RefusedError: it is not.
    """
    read = read_frontmatter(data)
    if read.unclear:
        raise RefusedError(
            f"How the client reads this prompt file is not known: {read.unclear}.",
            hint="Write it in a plainer form, or start with --manual.",
        )
    return read


def may_be_hooks(value: object) -> bool:
    """Tell whether the client takes a value of `hooks` as such, or as if there were none."""
    return isinstance(value, Mapping) or value in (None, "", False, 0)


def cut(data: bytes) -> tuple[bytes, bytes]:
    """Part a prompt file into its head, markers included, and its body; joined it is whole."""
    text = data.decode("utf-8", "surrogateescape")
    end = len(text[: head_length(text)].encode("utf-8", "surrogateescape"))
    return data[:end], data[end:]


def _parsed(text: str) -> YamlBlock:
    from meta_experiment.prompts.client_yaml import NotYamlError, parse

    try:
        return parse(text)
    except NotYamlError as first:
        try:
            return parse("\n".join(map(_mended, text.split("\n"))))
        except NotYamlError:
            raise first from None


def _mended(line: str) -> str:
    """Return a line as the client tries it the second time: what may have hindered quoted."""
    found = _FIELD.fullmatch(line)
    if found is None:
        return line
    key, value = found.groups()
    if (value[0] == value[-1] and value[0] in "\"'") or not _MENDED.search(value):
        return line
    if value.startswith("[") and value.endswith("]") and _is_list(value):
        return line
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}: "{escaped}"'


def _is_list(value: str) -> bool:
    from meta_experiment.prompts.client_yaml import NotYamlError, parse

    try:
        return isinstance(parse(f"list: {value}").fields.get("list"), list)
    except NotYamlError:
        return False
