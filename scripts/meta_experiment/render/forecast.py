"""What a plan can show, as a table and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types import Plan
from meta_experiment.types.results.forecast import Forecast, Outlook


def forecast(seen: Forecast, style: Style) -> str:
    """Write the reach of a plan, and what speaks against it."""
    return reach(seen.plan, seen.outlook, seen.warnings, seen.past_values, style)


def reach(
    plan: Plan, seen: Outlook, warnings: Sequence[str], past_values: int, style: Style
) -> str:
    """Write the reach of a plan; `past_values` is how many measured values it rests on."""
    basis = "an assumed spread" if seen.spread.assumed else f"{past_values:,} past values"
    lines = [
        style.strong(f"{plan.primary.name}, {plan.stopping.value} rule, from {basis}"),
        f"  {'units per arm':>14} {'smallest improvement found':>28} {'days':>8}",
    ]
    for item in seen.reach:
        found = words.per_cent(item.improvement) if item.improvement is not None else "none"
        days = "–" if item.days is None else words.compact(item.days)
        lines.append(f"  {item.units:>14,} {found:>28} {days:>8}")
    lines += ["", seen.sentence]
    lines += [style.warn(f"Warning: {text}") for text in warnings]
    return "\n".join(lines)
