"""Page of `auto`: one line for each experiment it looked at."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Emphasis, Page, Text, Tone, lines
from meta_experiment.types.results.auto import AutoResult, AutoStep

_SIGNS: dict[str, tuple[str, Tone]] = {
    "promote": ("✔", "good"),
    "rollback": ("✘", "bad"),
    "expire": ("◌", "dim"),
    "none": ("…", "dim"),
    "error": ("!", "bad"),
}


def steps(done: AutoResult) -> Page:
    """Show what was done for each experiment, and why."""
    return lines(*[_step(item) for item in done.experiments] or ["No experiment is running."])


def _step(step: AutoStep) -> Text:
    sign = _SIGNS["error" if step.error else step.action.value if step.action else "none"]
    verdict = f"{step.decision} ({step.reason_code})" if step.decision else "no verdict"
    name = words.name(step.experiment_id)
    alerts = [
        part
        for text in step.alerts
        for part in (" ", Emphasis("[alert]", "warn"), f" {words.one_line(text)}")
    ]
    return (Emphasis(*sign), f" {name}  {verdict}  {words.one_line(step.sentence)}", *alerts)
