"""`monitor`: what is worth a person's look."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.alerts import alerts
from meta_experiment.services.board import alerting


@verb(example="meta-experiment monitor --json")
@click.argument("experiment_id", metavar="[ID]", required=False)
def monitor_verb(place: Place, experiment_id: str | None) -> Result:
    """Report what is worth a look in running experiments.

    Error rate over twice the control's, satisfaction under 50%, a regression over the limit,
    an anomaly in the newest trials, over-age. Alerts notify and decide nothing: as rules they
    would roll back up to 54% of identical arms. A plan may let one act
    (safety.acting_alerts).
    """
    report = alerting.monitor(workspace(place), experiment_id)
    failed = any(item.error for item in report.experiments)
    return Result(report, alerts(report), exit_code=1 if failed else 0)


command = monitor_verb
