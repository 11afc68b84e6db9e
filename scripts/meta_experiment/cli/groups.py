"""Groups of verbs, each imported when it is called, so that the program starts fast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from meta_experiment.errors import cite
from meta_experiment.table import entry


class LazyGroup(click.Group):
    """A group that knows where each of its verbs stands."""

    @property
    def places(self) -> Mapping[str, str]:
        """Where each verb stands, as `module:NAME`, in the order of the help page."""
        raise NotImplementedError

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all verbs in their order."""
        del ctx
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        del ctx
        place = self.places.get(cmd_name)
        if place is None:
            return None
        command: click.Command = entry(place)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one was probably meant."""
        if args and args[0] not in self.places:
            from meta_experiment.model.fields import suggestion

            near = suggestion(args[0], tuple(self.places))
            typed = cite(" ".join((*ctx.command_path.split()[1:], args[0])))
            raise click.UsageError(f"There is no verb {typed}. {near or ''}".rstrip(), ctx)
        return super().resolve_command(ctx, args)


class Noun(LazyGroup):
    """A verb that is a thing, followed by what is to be done about it."""

    def __init__(self, name: str, about: str, places: Mapping[str, str]) -> None:
        """Take the places of its verbs; `about` is its help."""
        super().__init__(name, help=about, no_args_is_help=False)
        self._places = places

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
