"""One line for each experiment that `auto` looked at."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types.results.auto import AutoStep

_SIGNS = {
    "promote": "✔",
    "rollback": "✘",
    "expire": "◌",
    "none": "…",
    "error": "!",
}


def lines(steps: Sequence[AutoStep], style: Style) -> str:
    """Write what was done for each experiment, and why."""
    if not steps:
        return "No experiment is running."
    return "\n".join(_line(step, style) for step in steps)


def _line(step: AutoStep, style: Style) -> str:
    key = "error" if step.error else step.action.value if step.action else "none"
    paint = {"promote": style.good, "rollback": style.bad, "error": style.bad}
    sign = paint.get(key, style.dim)(_SIGNS[key])
    verdict = f"{step.decision} ({step.reason_code})" if step.decision else "no verdict"
    name = words.name(step.experiment_id)
    alerts = "".join(f" {style.warn('[alert]')} {words.one_line(text)}" for text in step.alerts)
    return f"{sign} {name}  {verdict}  {words.one_line(step.sentence)}{alerts}"
