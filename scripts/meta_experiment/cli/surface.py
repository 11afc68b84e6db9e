"""The command line as a table: what every verb is called, takes and says of itself.

The table is made from the verbs (`python -m tests.manual.generate`) and held equal to them by a
test. Whoever asks for help or presses TAB gets a sketch of a verb out of it, so that no verb is
imported only to be looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.completion import offers
from meta_experiment.cli.verb_command import Verb, verb_command

TABLE = Path(__file__).with_name("surface.json")
Entry = Mapping[str, Any]


@cache
def table() -> Mapping[str, Entry]:
    """Return what the table says of every verb, by its words, such as `runs show`."""
    read: Mapping[str, Entry] = json.loads(TABLE.read_bytes())
    return read


def sketch(*words: str) -> Verb | None:
    """Return a verb that has its help and its parameters, and does nothing.

    None where the table has no such verb: it is of nouns, or of something new.
    """
    entry = table().get(" ".join(words))
    if entry is None:
        return None
    return verb_command(
        lambda **_: None,
        name=words[-1],
        about=entry["about"],
        example=entry["example"],
        kin=entry.get("kin", ""),
        changes=entry.get("changes", False),
        own=[_parameter(item) for item in entry["takes"]],
    )


def described(command: Verb) -> Entry:
    """Return what the table is to say of a verb."""
    rare = {"kin": command.kin, "changes": command.changes}
    return {
        "about": command.about,
        "example": command.example,
        **{name: value for name, value in rare.items() if value},
        "takes": [_described(item) for item in command.own],
    }


def _described(parameter: click.Parameter) -> Entry:
    words = parameter.type.choices if isinstance(parameter.type, click.Choice) else ()
    common = {"name": parameter.name, "nargs": parameter.nargs, "words": list(words)}
    usual: Entry = {"nargs": 1, "words": [], "metavar": None}
    if isinstance(parameter, click.Option):
        shown = parameter.get_help_record(click.Context(click.Command("")))
        common |= {
            "opts": parameter.opts,
            "metavar": parameter.metavar,
            "contrary": parameter.secondary_opts,
            "flag": parameter.is_flag,
            "multiple": parameter.multiple,
            "shown": shown,
        }
        usual = {**usual, "contrary": [], "flag": False, "multiple": False, "shown": None}
    else:
        common |= {"metavar": parameter.metavar, "required": parameter.required}
    return {
        name: value
        for name, value in common.items()
        if name not in usual or value != usual[name]
    }


def _parameter(entry: Entry) -> click.Parameter:
    more: dict[str, Any] = {"nargs": entry.get("nargs", 1), "metavar": entry.get("metavar")}
    if "words" in entry:
        more["type"] = click.Choice(entry["words"])
    else:
        more["shell_complete"] = offers
    if "opts" not in entry:
        return click.Argument([entry["name"]], required=entry["required"], **more)
    if entry.get("flag"):
        more = {"is_flag": True}
    flags = "/".join([*entry["opts"][-1:], *entry.get("contrary", [])])
    return SketchedOption(
        [entry["name"], *entry["opts"][:-1], flags],
        shown=entry.get("shown"),
        multiple=entry.get("multiple", False),
        **more,
    )


class SketchedOption(click.Option):
    """Option that is shown as the table says."""

    def __init__(self, *decls: Any, shown: Sequence[str] | None, **more: Any) -> None:  # noqa: ANN401
        """Take what stands for it on the help page, None where it is hidden."""
        super().__init__(*decls, **more)
        self._shown = shown
        self.help, self.hidden = shown[1] if shown else None, shown is None

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return it as it was shown when the table was made."""
        del ctx
        return (self._shown[0], self._shown[1]) if self._shown else None
