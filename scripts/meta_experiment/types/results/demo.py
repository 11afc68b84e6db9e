"""What became of the demo."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class DemoResult:
    """That it ran to its end, and the folder in which it was left, if it was."""

    demo: str
    kept: str | None
