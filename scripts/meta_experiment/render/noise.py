"""The noise of identical arms as a table."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types.results.noise import NoiseResult


def noise(seen: NoiseResult, style: Style) -> str:
    """Write by how much two identical arms differ, for each size."""
    lines = [
        style.strong(
            f"Two identical arms of {seen.metric}, drawn from {seen.values:,} past values"
        ),
        f"  {'units per arm':>14} {'half differ by over':>20} {'1 in 20 by over':>16}",
    ]
    lines += [
        f"  {item.units:>14,} {words.per_cent(item.typical, 1):>20} "
        f"{words.per_cent(item.large, 1):>16}"
        for item in seen.floors
    ]
    return "\n".join(lines)
