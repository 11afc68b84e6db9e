"""Frame of all verbs: common options, one result, one way to print it and to fail."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import field
from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.verb_command import verb_command
from meta_experiment.errors import MetaExperimentError, UsageError, as_word, cite
from meta_experiment.files import interruption
from meta_experiment.files.interruption import Interrupted
from meta_experiment.records import dataclass
from meta_experiment.render.blocks import Page
from meta_experiment.render.style import Style
from meta_experiment.render.words import harmless, harmless_json, one_line
from meta_experiment.render.writers import MARKDOWN, TEXT, write

_PLAIN = Style()
_CTRL_C = 2  # the number of the signal, where none was caught


@dataclass(frozen=True, slots=True)
class Result:
    """Answer of a verb: one for machines, and the same as a page for people.

    What is `paged` is shown by a pager, where a person looks at a terminal.
    """

    answer: object
    page: Page
    exit_code: int = 0
    narration: tuple[str, ...] = ()
    paged: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """Manner of speaking: JSON or text, coloured or not, to a person or not."""

    as_json: bool
    form: str
    style: Style
    interactive: bool

    def show(self, result: Result) -> None:
        """Print narration on stderr and the result on stdout."""
        for line in result.narration:
            say(one_line(line), self.style, err=True)
        if self.as_json:
            _say_json(_document(result.answer))
        else:
            self.write(result.page, paged=result.paged and self.interactive)

    def write(self, page: Page, *, err: bool = False, paged: bool = False) -> None:
        """Print a page in the form of this screen."""
        text = write(self.form, page, self.style)
        if paged and sys.stdout.isatty():
            colour = self.style.colour
            click.echo_via_pager(harmless(text, colour=colour) + "\n", color=colour)
        else:
            say(text, self.style, err=err)


@dataclass(frozen=True, slots=True)
class Place:
    """The place from which a verb was called: the folder, and the root that was named."""

    root: str | None = None
    user: bool = False
    directory: Path = field(default_factory=Path.cwd)


Body = Callable[..., Result]


def verb(
    *, example: str, changes: bool = False, kin: str = ""
) -> Callable[[Body], click.Command]:
    """Turn a function that returns a Result into a click command with the common options.

    The function receives `place` besides its own parameters, and `screen` where it has a
    parameter of that name, to ask a person. `changes` adds
    `--dry-run` and `--yes`, for verbs that touch files outside `.claude/meta`; the others take
    `--yes` for scripts that give it to every verb. `kin` tells it from the verbs that are like
    it.
    """

    def decorate(body: Body) -> click.Command:
        asks = "screen" in inspect.signature(body).parameters

        def run(
            *,
            root: str | None,
            user: bool,
            as_json: bool,
            form: str = TEXT,
            **own: Any,  # noqa: ANN401
        ) -> None:
            style = Style.for_stream(sys.stdout, os.environ)
            screen = Screen(as_json, form, style, _interactive())
            if asks:
                own["screen"] = screen
            with _told_how_far(screen):
                result = body(place=Place(root, user), **own)
            screen.show(result)
            click.get_current_context().exit(result.exit_code)

        return verb_command(
            run,
            name=body.__name__.removesuffix("_verb").replace("_", "-"),
            about=body.__doc__ or "",
            example=example,
            kin=kin,
            changes=changes,
            own=list(reversed(getattr(body, "__click_params__", []))),
        )

    return decorate


HEALTH_VERBS = """\
doctor    is the prompt served here, now
check     the quick look: installation, permissions, is the registry readable
verify    the thorough one: everything stored, against everything else
recover   finishes or undoes what a crash cut off; brings a lost registry back
repair    recover, then makes anew what can be derived from what is sound"""

commit_option = click.option(
    "--commit/--no-commit",
    default=True,
    help="Commit the changed files, and only them [commit].",
)
markdown_option = click.option(
    "--markdown",
    "form",
    flag_value=MARKDOWN,
    default=TEXT,
    help="Print it as Markdown.",
)
current_option = click.option(
    "--current",
    multiple=True,
    metavar="KEY=VALUE",
    help="What runs now, such as model=NAME: evidence that never saw it is stale. Repeatable.",
)


def _told_how_far(screen: Screen) -> AbstractContextManager[object]:
    """Draw how far long work is, where a person looks at a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return nullcontext()
    from meta_experiment.cli.moving import PatientBar

    return PatientBar(screen)


def narrated(notes: Iterable[str]) -> tuple[str, ...]:
    """Return notes on a result as they are narrated beside it."""
    return tuple(f"Note: {note}" for note in notes)


def conflicting(conflicts: Iterable[str]) -> tuple[str, ...]:
    """Return values that differ from recorded ones as they are narrated beside a result."""
    return tuple(f"Conflict, the first value is kept: {item}" for item in conflicts)


def pairs(flag: str, values: tuple[str, ...]) -> dict[str, str]:
    """Read repeated KEY=VALUE options.

    Raises:
        UsageError: one has no equals sign, no key or no value.
    """
    found = {}
    for item in values:
        key, _, value = item.partition("=")
        if not key.strip() or not value.strip():
            raise UsageError(f"{flag} {cite(item)}: expected KEY=VALUE.")
        found[key.strip()] = value.strip()
    return found


def numbers(flag: str, values: tuple[str, ...]) -> dict[str, float]:
    """Read repeated NAME=VALUE options whose values are numbers.

    Raises:
        UsageError: one has no name, or no number, or a name is given twice.
    """
    pairs = [_number(flag, item) for item in values]
    numbers = dict(pairs)
    if len(numbers) < len(pairs):
        raise UsageError(f"{flag} gives a name twice: {', '.join(values)}.")
    return numbers


def _number(flag: str, text: str) -> tuple[str, float]:
    name, separator, value = text.partition("=")
    try:
        return name.strip(), float(value if separator else "")
    except ValueError:
        raise UsageError(
            f"{flag} {cite(text)}: expected NAME=VALUE with a number, for example "
            "duration_seconds=41.5."
        ) from None


def report(error: BaseException, arguments: list[str]) -> int:
    """Print an error in the form that was asked for and return the exit code."""
    kind, message, hint, code = _describe(error)
    heard = _settle_output()
    if heard and "--json" in arguments:
        envelope = {"error": {"kind": kind, "message": message, "hint": hint}}
        with suppress(OSError):
            _say_json(envelope)
        if _settle_output():
            return code
    style = Style.for_stream(sys.stderr, os.environ)
    say(f"{style.bad('Error:')} {one_line(message)}", style, err=True)
    if hint:
        say(f"{style.dim('Next:')}  {one_line(hint)}", style, err=True)
    return code


def _describe(error: BaseException) -> tuple[str, str, str | None, int]:
    if isinstance(error, MetaExperimentError):
        return error.kind, error.message, error.hint, error.exit_code
    if isinstance(error, click.UsageError):
        return "usage", error.format_message(), _usage_hint(error), 2
    if isinstance(error, click.ClickException):
        return "usage", error.format_message(), None, 2
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted", *_interruption(error)
    if isinstance(error, PermissionError):
        return "storage", f"No permission: {_of(error)}.", "Check who owns the file.", 1
    if isinstance(error, OSError):
        return "storage", f"The file system refused: {_of(error)}.", None, 1
    raise error


def _interruption(error: BaseException) -> tuple[str, None, int]:
    source = error if isinstance(error, Interrupted) else error.__cause__
    detail = source.sentence if isinstance(source, Interrupted) else ""
    message = f"Interrupted. {detail}" if detail else "Interrupted; nothing was left half done."
    return message, None, 128 + (interruption.caught() or _CTRL_C)


def _of(error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return f"{as_word(str(error.filename), 300)}: {reason}" if error.filename else reason


def _usage_hint(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "meta-experiment"
    return f"{path} --help"


def _document(answer: object) -> dict[str, Any]:
    """Write an answer as a document, which that of `status` is from the start."""
    if isinstance(answer, dict):
        return answer
    from meta_experiment.model.result_document import to_document

    document: dict[str, Any] = to_document(answer)
    return document


def _say_json(document: dict[str, Any]) -> None:
    _print(harmless_json(json.dumps(document, ensure_ascii=False, indent=2)))


def say(text: str, style: Style = _PLAIN, *, err: bool = False) -> None:
    """Print a text in which nothing but the colours of its style can steer a terminal."""
    _print(harmless(text, colour=style.colour), err=err)


def _print(text: str, *, err: bool = False) -> None:
    click.echo(text, err=err, color=True)
    if not err and sys.stdout is not None:
        sys.stdout.flush()  # a full disk or a closed pipe is an error here, not at exit


def _settle_output() -> bool:
    """Bring out what is printed; tell whether the output took it.

    What one that fails still holds is let go, as it would fail once more at exit.
    """
    if sys.stdout is None:
        return False
    try:
        sys.stdout.flush()
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
        return False
    return True


def _interactive() -> bool:
    streams = (sys.stdin, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams)
