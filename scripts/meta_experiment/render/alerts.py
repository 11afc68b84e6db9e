"""Alerts, one a line."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types.results.alerts import AlertReport


def alerts(report: AlertReport, style: Style) -> str:
    """Write every alert, or that there is none."""
    lines = [
        f"{style.warn(alert.kind.value)}  {item.experiment_id}  {words.one_line(alert.message)}"
        for item in report.experiments
        for alert in item.alerts
    ]
    looked_at = words.counted(len(report.experiments), "experiment")
    return "\n".join(lines) or f"Nothing to report ({looked_at} looked at)."
