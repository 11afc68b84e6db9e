"""A run to be judged, and what was noted of one."""

from __future__ import annotations

import shlex

from meta_experiment.render import words
from meta_experiment.render.blocks import Facts, Heading, Page, Paragraph, lines
from meta_experiment.types.results.run_rating import RunRating


def run_to_rate_page(found: RunRating) -> Page:
    """Show the task and the answer, and how to say what one thinks of it."""
    if found.run is None:
        return lines("No run waits for a verdict.")
    facts = Facts(
        (
            ("Case", words.name(found.case)),
            ("Prompt", words.quoted(found.prompt)),
            ("Criteria", "; ".join(words.name(item, 200) for item in found.open)),
        )
    )
    criterion = shlex.quote(found.open[0])
    say = (
        f"meta-experiment runs rate {words.name(found.experiment_id)} --run {found.run} "
        f"--criterion {words.printable(criterion)} --pass   # or --fail"
    )
    return (
        (Heading(f"Run {found.run}", f"{words.counted(found.waiting, 'run')} waiting"), facts),
        (Heading("Answer", level=2), Paragraph(tuple(found.output.splitlines()), indent=2)),
        (Paragraph((say,)),),
    )


def run_rating_page(found: RunRating) -> Page:
    """Say what was noted, and how many runs wait. The variant stays unnamed."""
    verdict = "passed" if found.passed else "failed"
    noted = f"Noted: {words.name(found.criterion, 200)} {verdict}, run {found.run}."
    return lines(noted, f"{words.counted(found.waiting, 'run')} waiting for a verdict.")
