"""The variant that a unit gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import SPARE


@dataclass(frozen=True, slots=True)
class AssignmentResult:
    """The variant of a unit; `contents` names the file that holds its text, by prompt file.

    Of a skill with its folder they are all files, and `absent` those that the variant lacks.
    `trial_id` is None when the unit is outside the share of traffic under experiment: it is
    served the control and nothing is recorded of it. `reason` says so where its time is not
    that of the plan.
    """

    experiment_id: str
    unit: str
    variant: str
    trial_id: str | None
    contents: Mapping[str, str]
    absent: tuple[str, ...] = ()
    reason: str | None = field(default=None, metadata=SPARE)
