"""The command of a verb: its own parameters, the common ones, and help with an example."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import click

PROGRAM = "meta-experiment"
REQUEST = "_META_EXPERIMENT_COMPLETE"  # set by a shell, to `bash_complete` and the like
HELP_NAMES = ["-h", "--help"]
_ROOT = (
    "The project (default: META_EXPERIMENT_ROOT, else the nearest folder upwards that owns the "
    "prompt or has experiments, else the git top level, else here)."
)


class Verb(click.Command):
    """Verb: what it does, an example of it, and what tells it from the verbs that are like it.

    `own` are its parameters without the common ones; `changes` whether it touches files outside
    `.claude/meta`.
    """

    def __init__(
        self,
        name: str,
        *,
        about: str,
        example: str,
        kin: str,
        changes: bool,
        own: Sequence[click.Parameter],
        callback: Callable[..., None],
    ) -> None:
        """Take its parts."""
        self.about, self.example, self.kin = inspect.cleandoc(about), example, kin
        self.changes, self.own = changes, tuple(own)
        beside = f"\n\n\b\n{kin}" if kin else ""
        super().__init__(
            name,
            callback=callback,
            help=f"{self.about}{beside}\n\n\b\nExample:\n  {example}",
            params=[*own, *_common(changes=changes, own=own)],
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; an error of theirs points to the help of this verb."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


def verb_command(run: Callable[..., None], **parts: Any) -> Verb:  # noqa: ANN401
    """Return the command that runs a function; the parts are those of `Verb`."""
    return Verb(callback=run, **parts)


def _common(*, changes: bool, own: Sequence[click.Parameter]) -> list[click.Parameter]:
    """Return the options of every verb; those that change nothing take `--yes` unheard."""
    options: list[click.Parameter] = [
        click.Option(["--root"], metavar="DIR", help=_ROOT),
        click.Option(
            ["--user"], is_flag=True, help="Personal files: the home directory is the root."
        ),
        click.Option(
            ["--json", "as_json"], is_flag=True, help="Print the result as JSON on stdout."
        ),
    ]
    if changes:
        return [
            *options,
            click.Option(
                ["--dry-run"], is_flag=True, help="Say what would change, and change nothing."
            ),
            click.Option(
                ["--yes"], is_flag=True, help="Do not ask; without a terminal nobody is asked."
            ),
        ]
    if any("--yes" in item.opts for item in own):
        return options
    return [*options, click.Option(["--yes"], is_flag=True, hidden=True, expose_value=False)]
