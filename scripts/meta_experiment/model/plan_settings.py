"""Settings of a plan, by the names that flags and amendments give them."""

from __future__ import annotations

from typing import Any

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class PlanSetting:
    """A field of a plan: its place in the document, and what an amendment may do to it.

    `after_data` is what may still change once there are data, as it does not change what they
    mean; of these `horizon` ones extend the experiment. `listed` values are split at commas.
    """

    place: tuple[str, ...]
    after_data: bool = False
    horizon: bool = False
    listed: bool = False
    amendable: bool = True

    def put(self, document: dict[str, Any], value: object) -> object:
        """Set the field in a plan document; return what stood there, None where nothing did."""
        *sections, last = self.place
        for name in sections:
            document = document.setdefault(name, {})
        before, document[last] = document.get(last), value
        return before


PLAN_SETTINGS: dict[str, PlanSetting] = {
    "name": PlanSetting(("name",), after_data=True),
    "hypothesis": PlanSetting(("hypothesis",), after_data=True),
    "auto": PlanSetting(("auto",), after_data=True),
    "robust": PlanSetting(("robust",)),
    "tags": PlanSetting(("tags",), after_data=True, listed=True),
    "max_duration_days": PlanSetting(
        ("stopping", "max_duration_days"), after_data=True, horizon=True
    ),
    "max_sample": PlanSetting(("stopping", "max_sample"), after_data=True, horizon=True),
    "sample_size": PlanSetting(("stopping", "sample_size")),
    "alpha": PlanSetting(("stopping", "alpha")),
    "stopping": PlanSetting(("stopping", "rule")),
    "price": PlanSetting(("stopping", "price")),
    "prior": PlanSetting(("prior",), amendable=False),
    "claim": PlanSetting(("stopping", "claim")),
    "improvement_threshold": PlanSetting(("targets", "improvement_threshold")),
    "max_regression": PlanSetting(("targets", "max_regression")),
    "equivalence_margin": PlanSetting(("targets", "equivalence_margin")),
    "unit": PlanSetting(("unit",)),
    "assignment": PlanSetting(("assignment", "method")),
    "traffic": PlanSetting(("assignment", "traffic")),
    "aim": PlanSetting(("assignment", "aim")),
    "floor": PlanSetting(("assignment", "floor")),
    "burn_in": PlanSetting(("assignment", "burn_in")),
    "ramp": PlanSetting(("assignment", "ramp"), listed=True),
    "step_days": PlanSetting(("assignment", "step_days")),
    "step_units": PlanSetting(("assignment", "step_units")),
    "layer": PlanSetting(("layer",), amendable=False),
    "team": PlanSetting(("team", "branch"), amendable=False),
    "carry_out": PlanSetting(("team", "carry_out"), amendable=False),
    "machines": PlanSetting(("team", "machines"), amendable=False),
    "start_date": PlanSetting(("start_date",)),
    "end_date": PlanSetting(("end_date",), after_data=True, horizon=True),
    "analysis_type": PlanSetting(("analysis_type",), after_data=True),
    "report": PlanSetting(("report",), listed=True),
    "covariates": PlanSetting(("covariates",), listed=True),
    "seed": PlanSetting(("seed",)),
    "guardrails": PlanSetting(("metrics", "guardrails"), listed=True),
    "primary_metric": PlanSetting(("metrics", "primary")),
    "secondary": PlanSetting(("metrics", "secondary"), amendable=False),
}
