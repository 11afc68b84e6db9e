"""Pages as a real browser shows them: pictures of them, and what of them is amiss."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.looks.installed import HERE, Tools

WIDTHS = (1100, 390, 320)
SCHEMES = ("light", "dark")
_PATIENCE = 600  # seconds


class View(NamedTuple):
    """A width and a scheme; whether it is checked, and a picture of it to make."""

    width: int
    scheme: str
    check: bool = True
    shot: Path | None = None
    tall: int = 16_000  # pixels; more Chromium cannot draw at once


VIEWS = tuple(View(width, scheme) for width in WIDTHS for scheme in SCHEMES)


@dataclass(frozen=True)
class Look:
    """A page to look at. A page of a `site` may load what lies beside it, and run scripts.

    `scripts` says how many of its own another may run. `print_to` is how the names of the
    pictures of its `first` pages on paper begin.
    """

    path: Path
    views: Sequence[View] = VIEWS
    site: bool = False
    scripts: int = 0
    paper: bool = True
    print_to: Path | None = None
    first: int = 2


class Fault(NamedTuple):
    """Something amiss: in which view, of what kind, and what it is."""

    where: str
    kind: str
    said: str


@dataclass(frozen=True)
class Looked:
    """What was seen of a page: its faults, its sheets of paper, and milliseconds to open it."""

    page: str
    faults: Sequence[Fault]
    sheets: int | None
    opened: float = field(compare=False)


def look(
    tools: Tools, looks: Iterable[Look], *, quality: int = 60, tabs: int = 2
) -> list[Looked]:
    """Look at pages, in one browser; the answers are in the order of the pages."""
    asked = list(looks)
    task = {
        "packages": str(tools.packages),
        "chromium": tools.chromium,
        "quality": quality,
        "tabs": tabs,
        "pages": [_asked(number, item) for number, item in enumerate(asked)],
    }
    done = subprocess.run(
        [tools.node, str(HERE / "browser.mjs")],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The browser failed:\n{done.stderr}")
    answers = {item["name"]: item for item in map(json.loads, done.stdout.splitlines())}
    return [_answer(item.path.stem, answers[number]) for number, item in enumerate(asked)]


def told(faults: Iterable[Fault]) -> list[str]:
    """Say each fault once, with the views that have it."""
    views: dict[tuple[str, str], list[str]] = {}
    for where, kind, said in faults:
        views.setdefault((kind, said), []).append(where)
    return [f"{kind}: {said} ({', '.join(where)})" for (kind, said), where in views.items()]


def _asked(name: int, item: Look) -> dict[str, object]:
    """Write it as the browser's program reads it.

    What its parts are, and the keyboard, is asked once a width; no scheme changes these. That
    and which colours they have is asked where it is widest and narrowest: all that is shown is
    shown there, in the same order; what a width between these breaks, `inspect` measures.
    """
    widths = [view.width for view in item.views]
    extremes = max(widths), min(widths)
    views = [
        {
            "width": view.width,
            "scheme": view.scheme,
            "check": view.check,
            "structure": view.width in extremes and view.width not in widths[:number],
            "colours": view.width in extremes,
            "shot": view.shot and str(view.shot),
            "tall": view.tall,
        }
        for number, view in enumerate(item.views)
    ]
    folder = item.print_to and str(item.print_to)
    paper = {"folder": folder, "first": item.first} if item.paper else None
    url = item.path.resolve().as_uri()
    return {
        "name": name,
        "url": url,
        "site": item.site,
        "scripts": item.scripts,
        "print": paper,
        "views": views,
    }


def _answer(name: str, answer: dict[str, Any]) -> Looked:
    faults = [Fault(it["where"], it["kind"], it["said"]) for it in answer["faults"]]
    return Looked(name, faults, answer["printed"], answer["opened"])
