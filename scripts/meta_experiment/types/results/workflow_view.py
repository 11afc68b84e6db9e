"""One agentic workflow: all that it says of experiments, and what is odd about it."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.results.workflow_list import CompiledState
from meta_experiment.types.workflows import BodyCondition, WorkflowSpecification


@dataclass(frozen=True, slots=True)
class VariantUses:
    """How the text of a workflow uses the variants of an experiment.

    `conditions` cannot tell variants apart, and nothing tells the `alike` from the others.
    """

    experiment: str
    conditions: tuple[BodyCondition, ...]
    alike: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """A workflow as it is declared; `compile` is the command that brings it up to date."""

    workflow: str
    file: str
    compiled: CompiledState
    compile: str | None
    state: str | None
    specification: WorkflowSpecification
    uses: tuple[VariantUses, ...]
