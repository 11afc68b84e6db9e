"""The one entry point: finds the verb, loads only its module, turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from meta_experiment import __version__
from meta_experiment.cli import frame
from meta_experiment.cli.groups import LazyGroup
from meta_experiment.cli.verb_command import HELP_NAMES, PROGRAM, REQUEST
from meta_experiment.errors import DependencyError, MetaExperimentError, UsageError
from meta_experiment.files import interruption

# The sections order the help page.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Plan and run": (
        "baseline",
        "plan",
        "create",
        "start",
        "pause",
        "resume",
        "stop",
        "amend",
        "archive",
    ),
    "Offline": ("cases", "run", "runs"),
    "Feed": ("assign", "record", "rate", "import", "collect", "admit"),
    "Look": (
        "status",
        "explain",
        "analyze",
        "report",
        "trials",
        "monitor",
        "noise",
        "telemetry",
    ),
    "Act": ("promote", "holdout", "rollback", "auto", "notify", "panic"),
    "Workflows": ("workflows",),
    "Team": ("store",),
    "Learn": ("learn",),
    "Keep healthy": ("doctor", "check", "verify", "recover", "repair", "plugin"),
    "Try": ("demo",),
    "Help": ("help", "completion"),
}
# verb -> its command, where that is not `command` of the module that has the verb's name
ELSEWHERE = {"import": "meta_experiment.cli.verbs.importing:command"}
_SYSTEM = os.name
VERBS = tuple(verb for verbs in SECTIONS.values() for verb in verbs)


class VerbGroup(LazyGroup):
    """All verbs, by section."""

    @property
    def places(self) -> dict[str, str]:
        """Where each verb stands: mostly in the module that has its name."""
        usual = "meta_experiment.cli.verbs.{}:command"
        return {verb: ELSEWHERE.get(verb, usual.format(verb)) for verb in VERBS}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs by section, each with its first sentence."""
        del ctx
        for section, verbs in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(self.rows(verbs))


@click.group(cls=VerbGroup, context_settings={"help_option_names": HELP_NAMES})
@click.version_option(__version__, prog_name=PROGRAM)
def group() -> None:
    """Find out whether a change to a prompt file really helps, then keep it or take it back.

    \b
    A first experiment:
      meta-experiment create --file .claude/commands/review.md=review-v2.md \\
          --primary-metric active_seconds --start
      meta-experiment status

    More of a verb: meta-experiment VERB --help
    """  # noqa: D301 - the backspace tells click to leave the paragraph as it is


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; return 0 done, 1 refused or failed, 2 usage, 130 or 143 interrupted."""
    request = os.environ.get(REQUEST)
    if request:
        from meta_experiment.cli.completion import complete

        return complete(group, request)
    words: list[str] = sys.argv[1:] if arguments is None else arguments
    words = _lone_flags_as_verbs(words)
    try:
        _require_posix()
        _require_text(words)
        code: Any = group.main(words, prog_name=PROGRAM, standalone_mode=False)
    except (MetaExperimentError, click.ClickException, click.Abort, OSError) as error:
        return frame.report(error, words)
    except KeyboardInterrupt as error:
        return frame.report(error, words)
    return code if isinstance(code, int) else 0


def run() -> int:
    """Run one verb as a process of its own, which signals may end; return its exit code."""
    interruption.listen()
    try:
        code = main()
        interruption.rest()
    except KeyboardInterrupt:  # while the last words were said
        code = 0
        interruption.rest()
    number = interruption.caught()
    return 128 + number if number else code


def _require_posix() -> None:
    """Refuse a system without the locks and processes that all of this rests on."""
    if _SYSTEM == "nt":
        raise DependencyError(
            "meta-experiment runs on Linux and macOS, not on Windows itself.",
            hint="On Windows it runs within WSL: docs/install.md",
        )


def _require_text(words: list[str]) -> None:
    """Refuse arguments that are not UTF-8, before they get half way."""
    for argument in words:
        if any("\ud800" <= character <= "\udfff" for character in argument):
            raise UsageError(f"The argument {argument!a} is not text in UTF-8.")


def _lone_flags_as_verbs(words: list[str]) -> list[str]:
    """Read the older spelling `--auto` as the verb `auto`, and no verb as `status`."""
    if words and words[0] == "--auto":
        return ["auto", *words[1:]]
    if not words or (words[0].startswith("-") and words[0] in ("--json", "--root", "--user")):
        return ["status", *words]
    return words


if __name__ == "__main__":
    sys.exit(run())
