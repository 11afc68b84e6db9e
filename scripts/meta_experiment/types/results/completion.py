"""Result of `completion`."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class CompletionScript:
    """Script that a shell runs once, so that it completes words at TAB."""

    shell: str
    script: str
