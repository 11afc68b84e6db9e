"""What moves on a terminal: drawn by rich, which is loaded for nothing else.

rich takes FORCE_COLOR for a terminal; here only a terminal is one, so that nothing moves in the
log of a machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from meta_experiment.cli.frame import Result, Screen, say
from meta_experiment.errors import UsageError
from meta_experiment.files.headway import heard_by
from meta_experiment.render.run import waiting_line
from meta_experiment.render.words import harmless
from meta_experiment.render.writers import write

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_PAUSE = 2.0  # seconds between two looks
_PATIENCE = 2.0  # seconds for which nobody needs a bar
_PER_SECOND = 4  # frames


class MovingBar:
    """A bar on stderr with words behind it, and above it what is said; elsewhere only that.

    It moves by itself, or when it is filled alone: by no thread, which some work must not have.
    """

    def __init__(self, screen: Screen, *, by_itself: bool = True) -> None:
        self._screen, self._by_itself = screen, by_itself
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
                auto_refresh=self._by_itself,
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

    def fill(self, done: float, total: float, description: str) -> None:
        """Draw how far it is."""
        if self._drawn is not None and self._task is not None:
            self._drawn.update(
                self._task,
                completed=done,
                total=total,
                description=description,
                refresh=not self._by_itself,
            )

    def say(self, line: str) -> None:
        """Print a line that stays."""
        if self._drawn is None:
            say(line, self._screen.style, err=True)
        else:
            self._drawn.console.print(
                harmless(line), markup=False, highlight=False, emoji=False
            )


class PatientBar:
    """A bar for what takes longer than some seconds, with the time that is left."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._open = screen, ExitStack()
        self._bar: MovingBar | None = None
        self._share, self._began, self._drawn = 0.0, 0.0, 0.0

    def __enter__(self) -> Self:
        """Listen to how far work is."""
        self._listening = ExitStack()
        self._listening.enter_context(heard_by(self.hear))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing of it, whatever happened."""
        self._listening.close()
        self._leave()

    def hear(self, doing: str, share: float) -> None:
        """Draw how far it is, once it has taken long enough."""
        now = time.monotonic()
        if share < self._share or not self._began:  # another work
            self._leave()
            self._began = now
        self._share = share
        if share >= 1:
            self._leave()
        elif (
            now - max(self._drawn, self._began + _PATIENCE - 1 / _PER_SECOND) >= 1 / _PER_SECOND
        ):
            self._drawn = now
            if self._bar is None:
                bar = MovingBar(self._screen, by_itself=False)
                self._bar = self._open.enter_context(bar)
            self._bar.fill(share, 1, waiting_line(doing, share, now - self._began))

    def _leave(self) -> None:
        self._open.close()
        self._bar, self._began, self._share = None, 0.0, 0.0


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
        with (
            heard_by(None),
            Live(console=_console(sys.stdout, screen), screen=True, auto_refresh=False) as live,
        ):
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
