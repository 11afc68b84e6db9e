"""What moves on a terminal: drawn by rich, which is loaded for nothing else.

rich takes FORCE_COLOR for a terminal; here only a terminal is one, so that nothing moves in the
log of a machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from meta_experiment.cli.frame import Result, Screen, say
from meta_experiment.errors import UsageError
from meta_experiment.render.words import harmless
from meta_experiment.render.writers import write

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_PAUSE = 2.0  # seconds between two looks
_PER_SECOND = 4  # frames


class MovingBar:
    """A bar on stderr with words behind it, and above it what is said; elsewhere only that."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._drawn: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin with an empty bar, where there is a terminal."""
        if _is_terminal(sys.stderr):
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

            columns = (
                SpinnerColumn(),
                BarColumn(),
                TextColumn("{task.description}", markup=False),
            )
            self._drawn = Progress(
                *columns,
                console=_console(sys.stderr, self._screen),
                refresh_per_second=_PER_SECOND,
                transient=True,
            )
            self._task = self._drawn.add_task("", total=None)
            self._drawn.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing of the bar."""
        if self._drawn is not None:
            self._drawn.stop()
            self._drawn = None

    def fill(self, done: int, total: int, description: str) -> None:
        """Draw how far it is."""
        if self._drawn is not None and self._task is not None:
            self._drawn.update(self._task, completed=done, total=total, description=description)

    def say(self, line: str) -> None:
        """Print a line that stays."""
        if self._drawn is None:
            say(line, self._screen.style, err=True)
        else:
            self._drawn.console.print(
                harmless(line), markup=False, highlight=False, emoji=False
            )


def watch(look: Callable[[], Result], screen: Screen) -> Result:
    """Show a result anew, again and again, until it is interrupted; then print it once more.

    Raises:
        UsageError: nobody watches: it is no terminal, or JSON is wanted.
    """
    if screen.as_json or not _is_terminal(sys.stdout):
        raise UsageError(
            "--watch draws on a terminal.",
            hint="meta-experiment status --json, as often as needed",
        )
    from rich.live import Live
    from rich.text import Text

    seen = look()
    try:
        with Live(
            console=_console(sys.stdout, screen), screen=True, auto_refresh=False
        ) as live:
            while True:
                style = replace(screen.style, width=live.console.width)
                page = harmless(write(screen.form, seen.page, style), colour=style.colour)
                head = "\n".join(_head(page.splitlines(), live.console.height))
                live.update(Text.from_ansi(head), refresh=True)
                time.sleep(_PAUSE)
                seen = look()
    except KeyboardInterrupt:
        return seen


def _head(lines: Sequence[str], height: int) -> Sequence[str]:
    """Return what of a page fits on a screen, and how much there is below it."""
    if len(lines) <= height:
        return lines
    shown = max(height - 1, 0)
    return [*lines[:shown], f"… {len(lines) - shown} lines more; Ctrl-C prints all of it"]


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _console(stream: TextIO, screen: Screen) -> Console:
    from rich.console import Console

    return Console(
        file=stream,
        force_terminal=True,
        force_interactive=True,
        no_color=not screen.style.colour,
        legacy_windows=False,
    )
