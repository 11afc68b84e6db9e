"""`notify`: tell people once of a minimum and of a decision."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import UsageError
from meta_experiment.render.notification import announced, notification_page
from meta_experiment.services.board import notice
from meta_experiment.services.notifying.notifying import NotifyOptions, notify
from meta_experiment.services.notifying.sending import target_named
from meta_experiment.services.serving import observing
from meta_experiment.types.notification import DeliveryState, NotificationChannel
from meta_experiment.types.results.notification import NotificationResult

_FAILED = (DeliveryState.QUEUED, DeliveryState.REFUSED)


@verb(
    example="meta-experiment notify exp-2026-01-31-review --issue acme/prompts#12 --keep",
    changes=True,
)
@click.argument("experiments", metavar="[ID]...", nargs=-1)
@click.option(
    "--issue", multiple=True, metavar="OWNER/REPO#N", help="Or its address. Repeatable."
)
@click.option(
    "--discussion", multiple=True, metavar="OWNER/REPO#N", help="Or its address. Repeatable."
)
@click.option("--webhook", multiple=True, metavar="URL", help="JSON by POST. Repeatable.")
@click.option("--desktop", is_flag=True, help="A notice on this desktop.")
@click.option(
    "--terminal", is_flag=True, help="Say it here; with --keep when a session starts."
)
@click.option(
    "--declared",
    is_flag=True,
    help="The issue and the discussion that the experiment's workflow names.",
)
@click.option(
    "--repo",
    metavar="OWNER/REPO",
    help="Of the workflow, and of numbers alone [GITHUB_REPOSITORY].",
)
@click.option(
    "--state",
    metavar="FILE",
    help="Write whom to tell of what into this JSON as well, beside what gh-aw keeps there.",
)
@click.option("--keep", is_flag=True, help="Tell them by itself from now on, on this machine.")
@click.option("--forget", is_flag=True, help="Tell nobody by itself any more.")
@click.option(
    "--within",
    "--timeout",
    type=click.FloatRange(1, 3_600),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="The time that each target may take.",
)
@click.option("--background", is_flag=True, hidden=True)
def notify_verb(
    place: Place,
    experiments: tuple[str, ...],
    issue: tuple[str, ...],
    discussion: tuple[str, ...],
    webhook: tuple[str, ...],
    desktop: bool,
    terminal: bool,
    declared: bool,
    repo: str | None,
    state: str | None,
    keep: bool,
    forget: bool,
    within: float,
    background: bool,
    dry_run: bool,
    yes: bool,
) -> Result:
    """Comment on an issue or a discussion when enough was seen to decide, and on a decision.

    Each is told once, however often this runs and whatever fails on the way: a comment is
    looked for before it is posted, and what cannot be sent now waits for the next time. It goes
    through gh where that is installed, else by the token of GH_TOKEN or GITHUB_TOKEN. Without
    an ID it tells of all whose targets are kept. An experiment of an agentic workflow, once
    its runs were imported, may be called WORKFLOW/EXPERIMENT. --dry-run prints the comment.
    """
    del yes  # a target that is named is the leave; nobody is asked
    channels = (
        (NotificationChannel.ISSUE, issue),
        (NotificationChannel.DISCUSSION, discussion),
        (NotificationChannel.WEBHOOK, webhook),
        (NotificationChannel.DESKTOP, ("",) * desktop),
        (NotificationChannel.TERMINAL, ("",) * terminal),
    )
    home = repo or os.environ.get("GITHUB_REPOSITORY", "")
    targets = tuple(
        target_named(way, os.environ, item, home) for way, named in channels for item in named
    )
    if (targets or declared or state or keep or forget) and not experiments:
        raise UsageError(
            "Which experiment? Name it before its targets.", hint="meta-experiment status"
        )
    if keep and not (targets or declared):
        raise UsageError("--keep: name whom to tell, such as --issue OWNER/REPO#N.")
    opened = workspace(place, settled=False)
    observing.sweep(opened.layout, opened.clock())
    options = NotifyOptions(
        targets,
        declared=declared,
        repository=home,
        state=None if state is None else Path(place.directory, state),
        keep=keep,
        forget=forget,
        within=within,
        background=background,
    )
    done = notify(opened, experiments, options, announced, dry_run=dry_run)
    if background:
        notice.add_lines(opened.layout, _news(done))
    failed = any(item.state in _FAILED for item in done.deliveries)
    return Result(done, notification_page(done), exit_code=1 if failed else 0)


def _news(done: NotificationResult) -> Iterator[str]:
    """Yield what somebody should hear of at the next session."""
    for item in done.deliveries:
        if item.text is not None:
            yield item.text
        elif item.state is DeliveryState.REFUSED:
            yield f"{item.experiment_id} could not be told to {item.target}: {item.reason}"


command = notify_verb
