"""What a team's experiment was decided on, where something else counts by now."""

from __future__ import annotations

from meta_experiment.types import Experiment
from meta_experiment.types.analysis import Analysis


def changed_since(experiment: Experiment, analysis: Analysis) -> str | None:
    """Say that figures are not those of the decision, which stands; None where they are."""
    outcome = experiment.outcome
    if experiment.plan.team is None or experiment.status.is_open or outcome is None:
        return None
    now = sum(item.trials for item in analysis.samples.values())
    if not outcome.trials or now == outcome.trials:
        return None
    return (
        f"It was decided on {outcome.trials:,} trials, and {now:,} count now, as machines were "
        "admitted or removed since, or trials came later. Figures are those of now; the "
        "decision stands."
    )
