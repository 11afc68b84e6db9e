"""Result of the demo."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class DemoResult:
    """It ran to its end; `kept` is the folder in which it was left, None for nowhere."""

    demo: str
    kept: str | None
