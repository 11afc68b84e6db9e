"""`workflows report`: figures, winners, and why other experiments are not decided."""

from __future__ import annotations

import os
from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, markdown_option, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import StorageError
from meta_experiment.render.blocks import Page
from meta_experiment.render.style import Style
from meta_experiment.render.workflow_report import notices, workflow_report_page
from meta_experiment.render.writers import MARKDOWN, write
from meta_experiment.services.workflows.digest import digest

_SUMMARY, _ACTIONS = "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"
_LARGEST = 1024 * 1024 - 64  # bytes of a step's summary; GitHub drops a larger one whole
_CUT = "\n\n…cut here, as a summary may have no more than 1 MiB.\n"


@verb(
    example=(
        "meta-experiment workflows report\n"
        "  meta-experiment workflows report daily-report --markdown"
    )
)
@click.argument("workflow", metavar="[WORKFLOW]", required=False)
@markdown_option
def report_verb(place: Place, workflow: str | None) -> Result:
    """Report on the experiments of agentic workflows: a digest of the day.

    Of each the number of runs, mean, standard deviation and test, the winner where evidence
    declares one, and else why there is none yet. In GitHub Actions it is added to the step's
    summary, and decisions become annotations.
    """
    found = digest(workspace(place), place.directory, workflow)
    page = workflow_report_page(found)
    summary = os.environ.get(_SUMMARY)
    if summary:
        _add(Path(summary), page)
    in_actions = os.environ.get(_ACTIONS) == "true"
    return Result(found, page, narration=tuple(notices(found)) if in_actions else ())


def _add(path: Path, page: Page) -> None:
    """Add a page to a step's summary, as far as that takes it."""
    data = write(MARKDOWN, page, Style()).encode() + b"\n"
    try:
        room = _LARGEST - (path.stat().st_size if path.exists() else 0)
        if len(data) > room:
            kept = data[: max(0, room - len(_CUT.encode()))].decode("utf-8", "ignore")
            data = (kept.rpartition("\n")[0] + _CUT).encode()
        if len(data) <= room:
            with path.open("ab") as stream:
                stream.write(data)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error


command = report_verb
