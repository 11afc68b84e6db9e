"""The experiments that a run picks of: off a compiled workflow, else off its source."""

from __future__ import annotations

import json

from meta_experiment.workflows.compiled_values import compiled_value
from meta_experiment.workflows.picking.variant_draws import arms_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.workflows.picking.variant_draws import ExperimentArms

SPECIFICATION, STATE, VERSION = (
    "GH_AW_EXPERIMENT_SPEC", "GH_AW_EXPERIMENT_STATE_FILE", "GH_AW_HARNESS_VERSION",
)  # fmt: skip
RESERVED = ("storage", "identity")


class PickSpecification:
    """Experiments in the order of their names, and what the compiler says beside them."""

    __slots__ = ("experiments", "harness", "state")

    def __init__(self, declared: object, harness: str = "", state: str = "") -> None:
        """Take what gh-aw takes of a map of experiments."""
        found = declared if isinstance(declared, dict) else {}
        arms = [
            arms_of(name, found[name])
            for name in sorted(found)
            if name not in RESERVED and name.isascii() and name.isidentifier()
        ]
        self.experiments: list[ExperimentArms] = [item for item in arms if item is not None]
        self.harness = harness
        self.state = state


def read_specification(data: bytes, *, compiled: bool) -> PickSpecification:
    """Read the bytes of a workflow. Raises ValueError: what stands there cannot be read."""
    text = data.decode("utf-8", "replace")
    if not compiled:
        from meta_experiment.workflows.picking.sources import declared_map

        return PickSpecification(declared_map(text))
    values = [compiled_value(text, name) for name in (SPECIFICATION, VERSION, STATE)]
    spec, harness, state = (item.value if item else "" for item in values)
    return PickSpecification(json.loads(spec) if spec else {}, harness, state)
