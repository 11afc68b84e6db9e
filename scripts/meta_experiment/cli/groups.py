"""Groups of verbs, each imported when it is called, so that the program starts fast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import click

from meta_experiment.cli.verb_command import HELP_NAMES
from meta_experiment.errors import cite
from meta_experiment.table import entry


class LazyGroup(click.Group):
    """A group that knows where each of its verbs stands, and how it looks.

    `words` are those before its verbs; the program itself has none.
    """

    words: tuple[str, ...] = ()

    @property
    def places(self) -> Mapping[str, str]:
        """Where each verb stands, as `module:NAME`, in the order of the help page."""
        raise NotImplementedError

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all verbs in their order."""
        del ctx
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb; for a look of the shell, which runs nothing, return its sketch."""
        if cmd_name not in self.places:
            return None
        return self.look(cmd_name) if ctx.resilient_parsing else self._imported(cmd_name)

    def look(self, name: str) -> click.Command:
        """Return a verb as it looks, for which none is imported that the table knows."""
        from meta_experiment.cli.surface import sketch

        return sketch(*self.words, name) or self._imported(name)

    def _imported(self, name: str) -> click.Command:
        command: click.Command = entry(self.places[name])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs in their order, each with its first sentence."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(self.rows(self.places))

    def rows(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Return verbs with their first sentences."""
        return [(name, self.look(name).get_short_help_str(limit=120)) for name in names]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one was probably meant."""
        if args and args[0] not in self.places:
            from meta_experiment.model.fields import suggestion

            near = suggestion(args[0], tuple(self.places))
            typed = cite(" ".join((*ctx.command_path.split()[1:], args[0])))
            raise click.UsageError(f"There is no verb {typed}. {near or ''}".rstrip(), ctx)
        if args and args[1:] in [[name] for name in HELP_NAMES]:
            return args[0], self.look(args[0]), args[1:]
        return super().resolve_command(ctx, args)


class Noun(LazyGroup):
    """A verb that is a thing, followed by what is to be done about it."""

    def __init__(self, name: str, about: str, places: Mapping[str, str]) -> None:
        """Take the places of its verbs; `about` is its help."""
        super().__init__(name, help=about, no_args_is_help=False)
        self.words, self._places = (name,), places

    @property
    def places(self) -> Mapping[str, str]:
        """Where each of its verbs stands."""
        return self._places


def commands(group: LazyGroup, *before: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every verb by its words, such as `runs show`."""
    for name in group.places:
        command = group.get_command(click.Context(group), name)
        if isinstance(command, LazyGroup):
            yield from commands(command, *before, name)
        elif command is not None:
            yield " ".join((*before, name)), command
