"""A notice on the desktop, by the program that this system has for it."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.errors import DependencyError, NetworkError
from meta_experiment.files import process
from meta_experiment.files.programs import find_program

_WITHIN = 10.0  # seconds
_SCRIPT = (
    "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
)


def show_on_desktop(title: str, text: str, environment: Mapping[str, str]) -> None:
    """Show a notice; the words reach no shell and no script.

    Raises:
        DependencyError: there is no program for it.
        NetworkError: it did not end well, such as where nobody is logged in.
    """
    if program := find_program("notify-send", environment):
        command = [program, "--app-name=meta-experiment", "--", title, text]
    elif program := find_program("osascript", environment):
        command = [program, "-e", _SCRIPT, title, text]
    else:
        raise DependencyError(
            "There is no program that shows notices: notify-send, or osascript on macOS.",
            hint="Install libnotify, or use --terminal.",
        )
    try:
        ended = process.run(command, within=_WITHIN, environment=environment)
    except (OSError, TimeoutError) as error:
        raise NetworkError(f"No notice could be shown: {error}.") from error
    if ended.code != 0:
        said = ended.errors.decode("utf-8", "replace").strip().splitlines()
        raise NetworkError(f"No notice could be shown: {said[-1] if said else ended.code}.")
