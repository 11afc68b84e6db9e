"""`analyze`: evidence and verdict."""

from __future__ import annotations

from dataclasses import replace

import click

from meta_experiment.cli.frame import (
    Place,
    Result,
    Screen,
    current_option,
    narrated,
    pairs,
    verb,
)
from meta_experiment.cli.open import client_folder, workspace
from meta_experiment.render.report import report
from meta_experiment.services.acting import analysing
from meta_experiment.services.find import find_in
from meta_experiment.services.reporting.metric_changes import metric_changes
from meta_experiment.services.serving import observing
from meta_experiment.types import Decision

_GATE = {Decision.PROMOTE: 0, Decision.EXTEND: 3, Decision.INCONCLUSIVE: 3, Decision.REJECT: 4}


@verb(example="meta-experiment analyze exp-2026-01-31-review --json")
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--gate", is_flag=True, help="Exit 0 on PROMOTE, 3 on EXTEND or INCONCLUSIVE, 4 on REJECT."
)
@click.option(
    "--exact", is_flag=True, help="Also weigh the draw of the arms alone, whatever the values."
)
@click.option(
    "--interactions",
    is_flag=True,
    help="Also what other experiments on the same units do to the effect; reads their logs.",
)
@click.option(
    "--as",
    "other",
    type=click.Choice(["analysis_result", "input_data"]),
    help="As a feature-flag experiment's result or sums, in JSON.",
)
@current_option
def analyze_verb(
    place: Place,
    screen: Screen,
    experiment_id: str,
    gate: bool,
    exact: bool,
    interactions: bool,
    other: str | None,
    current: tuple[str, ...],
) -> Result:
    """Compute the evidence and the verdict from plan and trials; changes nothing."""
    opened = workspace(place)
    observing.sweep(opened.layout, opened.clock())
    studied = analysing.study(
        opened,
        find_in(opened.store, experiment_id),
        pairs("--current", current),
        explore=True,
        exact=exact,
        interactions=interactions,
    )
    examined = studied.examination
    analysis = examined.analysis
    exit_code = _GATE[analysis.decision] if gate else 0
    if other is not None:
        from meta_experiment.render.source_result import document
        from meta_experiment.services.acting.source_form import exported

        written = exported(opened, examined, sums=other == "input_data")
        return Result(written, document(written), exit_code=exit_code)
    notes = (
        *examined.apart,
        *examined.problems,
        *observing.notes(opened.layout, opened.clock(), client_folder()),
    )
    return Result(
        replace(analysis, notes=(*analysis.notes, *notes)),
        report(examined, () if screen.as_json else metric_changes(studied)),
        exit_code=exit_code,
        narration=narrated(notes),
    )


command = analyze_verb
