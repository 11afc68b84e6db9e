"""Agents of a session, and the file it means by each name (observed on 2.1.330).

The client looks below the folder where it was started and those around it, as far as the top
of the repository or the home directory. The nearest folder with such an agent wins, the user's
own come last. A linked worktree that has no folder of agents takes that of the main checkout.
"""

from __future__ import annotations

import mmap
import os

from meta_experiment.protocol.frontmatter import plain_value
from meta_experiment.protocol.json_text import parse_object
from meta_experiment.protocol.places import client_folder, read_head, try_read
from meta_experiment.protocol.timestamps import epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEAD = 65_536  # bytes in which the frontmatter of an agent stands
_AGENTS = "/.claude/agents"
_LISTING = b'"type":"agent_listing_delta"'
_WORKTREES = "/.git/worktrees/"


def agent_files(name: str, started: str, environment: Mapping[str, str]) -> list[str]:
    """Return the files by this name in the nearest folder that has any.

    The client takes the last. `started` is where it was started.
    """
    for folder in _folders(started, environment):
        files = [
            f"{place}/{file}"
            for place, _, names in os.walk(folder)
            for file in names
            if file.endswith(".md") and _name(f"{place}/{file}") == name
        ]
        if files:
            return sorted(files, key=lambda file: file.encode("utf-16-be", "surrogatepass"))
    return []


def listed_agents(transcript: str) -> dict[str, float]:
    """Return the agents that the client has told the model of, and when it did last.

    In seconds since the epoch. There are none when it does not list them. Raises OSError.
    """
    found: dict[str, float] = {}
    try:
        for line in map(_parsed, _listings(transcript)):
            listing = line.get("attachment")
            if type(listing) is dict:
                at = epoch(line.get("timestamp")) or 0.0
                found.update(dict.fromkeys(_names(listing.get("addedTypes")), at))
                for name in _names(listing.get("removedTypes")):
                    found.pop(name, None)
    except (FileNotFoundError, ValueError):
        pass  # it is not written yet, or empty
    return found


def _listings(path: str) -> Iterator[bytes]:
    """Yield the lines that list agents; many megabytes without one take some milliseconds."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as view:
            at = view.find(_LISTING)
            while at >= 0:
                end = view.find(b"\n", at)
                yield view[view.rfind(b"\n", 0, at) + 1 : end if end >= 0 else len(view)]
                at = view.find(_LISTING, at + 1)
    finally:
        os.close(descriptor)


def _parsed(line: bytes) -> dict[str, object]:
    try:
        return parse_object(line.decode("utf-8", "replace"))
    except ValueError:
        return {}  # torn


def _names(value: object) -> set[str]:
    return {name for name in value if type(name) is str} if type(value) is list else set()


def _folders(started: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the folders in which the client looks, the nearest first."""
    home = os.path.realpath(environment.get("HOME", ""))
    place = os.path.realpath(started)
    top = _top(place)
    while place != home:
        yield place + _AGENTS
        if place in (top, "/"):
            break
        place = os.path.dirname(place)
    if top and not os.path.isdir(top + _AGENTS):
        yield from _of_main_checkout(top)
    yield client_folder(environment, home) + "/agents"


def _top(place: str) -> str:
    """Return the top of the repository around a folder; empty when there is none."""
    while not os.path.exists(f"{place}/.git"):
        if place == "/":
            return ""
        place = os.path.dirname(place)
    return place


def _of_main_checkout(top: str) -> Iterator[str]:
    link = (try_read(f"{top}/.git") or b"").decode("utf-8", "surrogateescape")
    main, linked, _ = link.removeprefix("gitdir:").strip().partition(_WORKTREES)
    if linked:
        yield os.path.join(top, main) + _AGENTS


def _name(path: str) -> str:
    """Return the name in the frontmatter of an agent; empty when there is none.

    What is not written on a line of its own is not found.
    """
    try:
        return plain_value(read_head(path, _HEAD), "name") or ""
    except OSError:
        return ""
