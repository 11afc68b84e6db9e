"""What a shell offers when TAB is pressed: by click, with this project's words as values.

What belongs into a place is said by its placeholder, the same that help shows: `ID`, `VARIANT`,
`METRIC=VALUE`. Looking reads the board alone and writes nothing. Whatever goes wrong, the shell
is told of nothing: there is no worse place for a message than the line one is typing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import click

from meta_experiment.cli.verb_command import PROGRAM, REQUEST

SHELLS = ("bash", "zsh", "fish")

Row = Mapping[str, Any]
Offer = tuple[str, str]  # what may be typed, and what is said beside it
_PLACEHOLDER = r"[A-Z]+"
_PLAIN = r"(?a)[\w][\w.:/@+-]*"  # nothing that a shell would act on


def complete(program: click.Command, request: str) -> int:
    """Print what may follow the words on the line, or the script that asks for it."""
    from click.shell_completion import BashComplete, add_completion_class, shell_complete

    class Bash(BashComplete):
        """Bash, which makes a word of the sign in `--variant=NAME`."""

        def get_completion_args(self) -> tuple[list[str], str]:
            args, typed = super().get_completion_args()
            return [word for word in args if word != "="], typed

    with suppress(Exception):
        add_completion_class(Bash)
        shell_complete(program, {}, PROGRAM, REQUEST, request)
    return 0


def script(shell: str) -> str:
    """Return what a shell runs once, so that it asks at every TAB."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise ValueError(f"there is no completion for {shell}")
    asking = found(click.Command(PROGRAM), {}, PROGRAM, REQUEST)
    return str(found.source_template % asking.source_vars()).strip() + "\n"


def offers(context: click.Context, parameter: click.Parameter, typed: str) -> list[Any]:
    """Return what may stand in the place of a parameter (a `shell_complete` of click)."""
    from click.shell_completion import CompletionItem

    wanted = re.search(_PLACEHOLDER, parameter.metavar or "")
    kind = wanted[0] if wanted else ""
    if kind in _PATHS:
        return [CompletionItem(typed, type=_PATHS[kind])]
    offered = _OFFERED.get(kind)
    if offered is None:
        return []
    found = [item for item in offered(context) if re.fullmatch(_PLAIN, item[0])]
    return [
        CompletionItem(value, help=told)
        for value, told in _beginning(found, typed) or _about(found, typed)
    ]


def _beginning(found: Iterable[Offer], typed: str) -> list[Offer]:
    return [item for item in found if item[0].startswith(typed)]


def _about(found: Iterable[Offer], typed: str) -> list[Offer]:
    """Return experiments by what follows the day in their ids, as verbs find them too."""
    return [item for item in found if item[0].split("-", 4)[-1].startswith(typed)]


def _experiments(context: click.Context) -> Iterator[Offer]:
    for name, row in _rows(context).items():
        yield name, str(row["status"])


def _variants(context: click.Context) -> Iterator[Offer]:
    """Offer the arms of the experiment on the line, else those of all."""
    rows, named = _rows(context), context.params.get("experiment_id")
    asked = {named: rows[named]} if named in rows else rows
    arms = (str(arm["name"]) for row in asked.values() for arm in row["variants"])
    return ((name, "") for name in dict.fromkeys(arms))


def _metrics(context: click.Context) -> Iterator[Offer]:
    del context
    from meta_experiment.model.metrics import KNOWN_METRICS

    return ((name, f"{item.direction} is better") for name, item in KNOWN_METRICS.items())


def _rows(context: click.Context) -> dict[str, Row]:
    """Return the rows of the board as it was last kept, the newest first."""
    from meta_experiment.cli.frame import Place
    from meta_experiment.cli.open import layout
    from meta_experiment.store.local.board import Board
    from meta_experiment.store.local.sealing import known_seal

    place = Place(context.params.get("root"), user=bool(context.params.get("user")))
    where = layout(place)
    kept = Board.load(where, known_seal(where)).entries
    rows = {name: entry.row for name, entry in kept.items()}
    return dict(sorted(rows.items(), key=lambda item: str(item[1]["created"]), reverse=True))


def _topics(context: click.Context) -> Iterator[Offer]:
    from meta_experiment.cli.manual import all_entries

    before = tuple(context.params.get("words") or ())
    offered: dict[str, str] = {}  # a word may have two meanings
    for entry in all_entries():
        words = tuple(entry.name.split())
        if words[: len(before)] == before and len(words) > len(before):
            offered.setdefault(words[len(before)], entry.sort)
    yield from offered.items()


_OFFERED: dict[str, Callable[[click.Context], Iterator[Offer]]] = {
    "ID": _experiments,
    "VARIANT": _variants,
    "METRIC": _metrics,
    "TOPIC": _topics,
}
_PATHS = {"FILE": "file", "PATH": "file", "DIR": "dir"}
