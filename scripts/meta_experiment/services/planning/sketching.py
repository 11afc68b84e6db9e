"""Sketch of a plan: what a request says, read without its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_experiment.model.plan_checks import check_new_plan
from meta_experiment.model.plan_document import plan_from_document
from meta_experiment.services.planning.request import Request
from meta_experiment.types import Assignment, Plan


def sketch(request: Request) -> Plan:
    """Read the plan of a request without its files, for a look at what it could show."""
    document = {"name": "plan", "hypothesis": "a look ahead", **request.document}
    metrics = dict(document.get("metrics") or {})
    document["metrics"] = {"primary": default_metric(document), **metrics}
    if not request.variant_files:
        document.pop("variants", None)
    return new_plan(document)


def new_plan(document: object) -> Plan:
    """Read a plan that is made now, which is held to more than one that was stored."""
    plan = plan_from_document(document)
    check_new_plan(plan)
    return plan


def default_metric(document: Mapping[str, Any], *, manual: bool = False) -> str:
    """Return the time: of work, as transcripts tell it, or else as somebody takes it."""
    elsewhere = manual or is_drawn_elsewhere(document)
    return "duration_seconds" if elsewhere else "active_seconds"


def is_drawn_elsewhere(document: Mapping[str, Any]) -> bool:
    """Tell whether somebody else draws who gets which variant."""
    drawn = document.get("assignment")
    method = drawn.get("method") if isinstance(drawn, Mapping) else drawn
    return bool(method == Assignment.EXTERNAL.value)
