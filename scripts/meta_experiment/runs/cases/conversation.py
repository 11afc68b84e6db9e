"""What was said before the prompt of a case: a transcript of the client, cut and bare.

Kept is the conversation. What the client puts before the model by itself (its surroundings,
what skills there are, instructions, a system prompt) is left out, as it says that anew, of the
checkout and the variant under test. So are its notes: those of costs it would add up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import NotFoundError, StorageError, UsageError, as_word
from meta_experiment.files.confine import read_confined
from meta_experiment.model.secrets import redacted

LARGEST = 16 << 20  # bytes
_SAID = ("user", "assistant", "system", "attachment")
_SAID_ANEW = frozenset(
    {
        "agent_listing_delta",
        "command_permissions",
        "date",
        "deferred_tools_delta",
        "environment",
        "instructions",
        "mcp_instructions_delta",
        "model",
        "output_style",
        "prompt_snapshot",
        "remote_session_change",
        "session_context",
        "skill_listing",
    }
)
# what a service signed or a program encoded, and what tells one line from another
_AS_IT_IS = frozenset({"signature", "data", "uuid", "parentUuid", "id", "tool_use_id"})

Line = Mapping[str, Any]


def conversation(lines: Iterable[Line], end: str | None = None) -> tuple[Line, ...]:
    """Return what of a transcript goes on in the line with the id `end`, by default its last.

    What was said and taken back again, as nothing leads from there to the end, is left out.
    Nothing is returned of a transcript whose lines have no ids: it cannot be taken up.
    """
    parents: dict[str, str] = {}
    said: list[Line] = []
    before = ""
    for line in lines:
        name = line.get("uuid")
        if isinstance(name, str) and line.get("isSidechain") is not True:
            parent = line.get("parentUuid")
            # one that is not there, as it was too long to be read, stood before this one
            parents[name] = parent if parent in parents else before if parent else ""
            before = name
            if line.get("type") in _SAID:
                said.append(line)
    if end is None:
        end = str(said[-1]["uuid"]) if said else ""
    path = {*_upwards(end, parents)}
    prompts = {str(line["uuid"]) for line in said if _is_prompt(line)}
    kept: dict[str, Line] = {}
    for line in said:
        name = str(line["uuid"])
        if _is_said_anew(line) or not _leads_to(name, path, prompts, parents):
            continue
        above = (item for item in _upwards(parents[name], parents) if item in kept)
        kept[name] = {**line, "parentUuid": next(above, None)}
    return tuple(kept.values())


def without_secrets(lines: Iterable[Line]) -> Iterator[Line]:
    """Cut what looks like a credential from what was said."""
    return (_cut(line) for line in lines)


def written(lines: Iterable[Line]) -> bytes:
    """Return a transcript of these lines."""
    rows = (json.dumps(line, separators=(",", ":"), ensure_ascii=True) for line in lines)
    return "".join(f"{row}\n" for row in rows).encode()


def read_history(folder: Path, relative: str, where: str) -> tuple[str, str]:
    """Return where the transcript of a case lies, and the SHA-256 (hex) of what it says.

    Raises:
        UsageError: it is no transcript that can be taken up, or too large. NotFoundError: there
            is none. UnsafePathError: it lies outside of the folder, or behind a link.
    """
    shown = as_word(relative)
    try:
        data = read_confined(folder, relative, LARGEST).data
    except NotFoundError:
        raise NotFoundError(
            f"{where}: there is no file {shown}; expected one of what was said before."
        ) from None
    except StorageError as error:
        raise UsageError(f"{where}: {error.message}") from error
    if not conversation(parsed(data.splitlines())):
        raise UsageError(
            f"{where}: {shown} holds no conversation; expected a transcript of the client."
        )
    return str(folder.absolute() / relative), str(sha256(data).hexdigest())


def parsed(lines: Iterable[str | bytes]) -> Iterator[Line]:
    """Yield the JSON objects among lines."""
    for line in lines:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _upwards(name: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Yield a line and those that lead to it."""
    seen: set[str] = set()
    while name in parents and name not in seen:
        seen.add(name)
        yield name
        name = parents[name]


def _leads_to(name: str, path: set[str], prompts: set[str], parents: Mapping[str, str]) -> bool:
    """Tell a line of the path, or beside it as one of several answers of tools is."""
    for item in _upwards(name, parents):
        if item in path:
            return True
        if item in prompts:
            return False
    return False


def _is_prompt(line: Line) -> bool:
    if line.get("type") != "user" or line.get("isMeta") is True:
        return False
    message = line.get("message")
    content = message.get("content") if isinstance(message, Mapping) else None
    return not (
        isinstance(content, list)
        and any(isinstance(it, Mapping) and it.get("type") == "tool_result" for it in content)
    )


def _is_said_anew(line: Line) -> bool:
    attachment = line.get("attachment")
    return isinstance(attachment, Mapping) and attachment.get("type") in _SAID_ANEW


def _cut(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {
            key: item if key in _AS_IT_IS and isinstance(item, str) else _cut(item)
            for key, item in value.items()
        }
    return [_cut(item) for item in value] if isinstance(value, list) else value
