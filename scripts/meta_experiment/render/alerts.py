"""Alerts, one a line."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Emphasis, Page, Text, lines
from meta_experiment.types.results.alerts import AlertReport


def alerts(report: AlertReport) -> Page:
    """Show every alert, or that there is none."""
    raised: list[Text] = [
        (
            Emphasis(alert.kind.value, "warn"),
            f"  {item.experiment_id}  {words.one_line(alert.message)}",
        )
        for item in report.experiments
        for alert in item.alerts
    ]
    raised += [
        (Emphasis("error", "bad"), f"  {item.experiment_id}  {words.one_line(item.sentence)}")
        for item in report.experiments
        if item.error
    ]
    looked_at = words.counted(len(report.experiments), "experiment")
    return lines(*raised or [f"Nothing to report ({looked_at} looked at)."])
