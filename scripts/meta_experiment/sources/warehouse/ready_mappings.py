"""Mappings that come with the program: filled in from a plan, read like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from meta_experiment.errors import UsageError
from meta_experiment.types import Plan, Unit

_FOLDER = Path(__file__).parent / "mappings"
_UNITS = {Unit.SESSION: "session_id", Unit.INVOCATION: "prompt_id"}


def ready_names() -> tuple[str, ...]:
    """Return what they are called."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def ready_document(name: str, plan: Plan, experiment_id: str) -> dict[str, Any]:
    """Return the document of a mapping for one experiment.

    Raises:
        UsageError: the plan's unit is not in the data.
    """
    import yaml

    unit = _UNITS.get(plan.unit)
    if unit is None:
        raise UsageError(
            f"The mapping {name} joins by session or prompt, and the unit of the plan is "
            f"{plan.unit.value}.",
            hint="Write a mapping of your own: meta-experiment collect --draft",
        )
    text = (_FOLDER / f"{name}.yaml").read_text("utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    document["exposure"] |= {
        "unit": unit,
        "variants": {it.name: it.name for it in plan.variants},
    }
    for condition in document["exposure"]["where"]:
        if condition.get("equals") == "$experiment":
            condition["equals"] = experiment_id
    wanted = {item for metric in plan.metrics for item in metric.recorded} | {"error_rate"}
    found = {key: item for key, item in document["metrics"].items() if key in wanted}
    return {**document, "metrics": found}
