"""Result of `workflows darwin`: how variants rank, who wins, and the next generation."""

from __future__ import annotations

from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.workflows import BodyCondition


class WinnerSource(StrEnum):
    """By what a winner was chosen."""

    DECISION = "decision"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class GenerationVariant:
    """A variant with what is known of it, the first ranking highest.

    `effect` is relative to the control, positive is better; `e_value` says how strong the
    evidence for it is. Both are null where there is none, and of the control. `runs` are those
    that were drawn.
    """

    name: str
    runs: int
    units: int
    effect: float | None
    e_value: float | None
    is_control: bool
    is_harmful: bool


@dataclass(frozen=True, slots=True)
class GenerationPlan:
    """The next generation of a workflow's experiment; control first.

    `winner` is null where nothing has won and nobody named one: then nothing changes. The
    decision is that of the experiment `experiment_id`, null where no outcomes were imported.
    `archive` is the file that holds this generation, null where nothing was applied.
    `conditions` of the text no variant of the next generation meets, or all do; nothing in the
    text tells the `alike` from the others. `compile` brings the change into effect.
    """

    workflow: str
    file: str
    experiment: str
    branch: str | None
    winner: str | None
    chosen_by: WinnerSource | None
    experiment_id: str | None
    decision: str | None
    reason_code: str | None
    reason: str
    minimum: int
    current_variants: tuple[str, ...]
    next_variants: tuple[str, ...]
    next_weight: tuple[float, ...] | None
    ranking: tuple[GenerationVariant, ...]
    conditions: tuple[BodyCondition, ...]
    alike: tuple[str, ...]
    archive: str | None
    compile: str
    diff: str
    notes: tuple[str, ...]
