"""`cases mine`: cases out of past uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import bases, client_folder, workspace
from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.render.case_mining import mining_page
from meta_experiment.services.planning.request import find_path
from meta_experiment.services.running import case_mining
from meta_experiment.services.running.case_files import require_place


@verb(
    example=(
        "meta-experiment cases mine review --dry-run\n"
        "  meta-experiment cases mine .claude/commands/review.md --days 90 --out ~/review.jsonl"
    ),
    changes=True,
)
@click.argument("name_or_file", metavar="NAME|FILE")
@click.option("--out", metavar="FILE", help="A new file of JSON lines, that only you can read.")
@click.option("--limit", metavar="N", type=click.IntRange(1), help="The newest so many [all].")
@click.option(
    "--days",
    metavar="DAYS",
    type=click.FloatRange(0, min_open=True),
    help="How far back [all].",
)
@click.option("--everywhere", is_flag=True, help="Sessions of all projects, not of this root.")
@click.option(
    "--conversation",
    is_flag=True,
    help="Also from within a conversation, kept with the case up to the prompt.",
)
@click.option(
    "--all",
    "unsure",
    is_flag=True,
    help="Also over uncommitted changes, at a guessed commit, or without the conversation.",
)
@click.option("--tracked", is_flag=True, help="Also where git would commit the file.")
def mine_verb(
    place: Place,
    screen: Screen,
    name_or_file: str,
    out: str | None,
    tracked: bool,
    dry_run: bool,
    yes: bool,
    **said: Any,
) -> Result:
    """Make cases of what was asked of a command, skill or agent in the past.

    Reads the client's transcripts on this machine, the newest 200 or 200 MB of this project. A
    case is run at the commit where the project stood then, and says what tells it. By default
    only uses that stand alone, over a tree that was clean as far as is known, at a commit that
    more than the main branch tells. Secrets are cut. On a terminal it shows them and asks
    before it writes.

    With --conversation a case also holds what was said before its prompt, in a folder beside
    the file, and runs of it go on from there.
    """
    file = find_path(name_or_file, place.directory, bases(place))
    prompts = [file] if file.is_file() else []
    opened = workspace(place, settled=False, prompts=prompts)
    target = _target(place, out, dry_run=dry_run)
    if target is not None:
        require_place(target, tracked=tracked, conversations=said["conversation"])
    request = case_mining.MiningRequest(str(file) if prompts else name_or_file, **said)
    found = case_mining.mine(opened, request, client_folder())
    if target is None or not found.cases:
        return Result(found, mining_page(found), exit_code=0 if target is None else 1)
    if screen.interactive and not yes:
        screen.write(mining_page(found), err=True)
        if not click.confirm(f"Write them to {target}?", err=True):
            raise RefusedError("Nothing was written.")
    kept = case_mining.keep(opened, found, target, tracked=tracked)
    return Result(kept, mining_page(kept))


def _target(place: Place, out: str | None, *, dry_run: bool) -> Path | None:
    if dry_run:
        return None
    if out is None:
        raise UsageError(
            "There is no --out, the file to write cases into.",
            hint="Only to see what there is: --dry-run",
        )
    return place.directory / Path(out).expanduser()


command = mine_verb
