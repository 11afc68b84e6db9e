"""The plan as a document: what stands in plan.yaml, and in the registry.

In documents percentages are per cents (15 is fifteen per cent), as on the command line;
in `Plan` they are fractions.
"""

from __future__ import annotations

import json
from typing import Any

from meta_experiment.assign.layers import SLOTS
from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import UsageError, cite
from meta_experiment.model import fields
from meta_experiment.model.assignment_document import (
    ASSIGNMENT_KEYS,
    assignment_to_document,
    bandit_from,
    method_of,
    ramp_from,
)
from meta_experiment.model.fields import Document
from meta_experiment.model.instants import to_text
from meta_experiment.model.known_fields import Fields, words
from meta_experiment.model.metrics import describe
from meta_experiment.model.per_cents import fraction, per_cent
from meta_experiment.model.plan_checks import NAME, check_plan
from meta_experiment.model.plan_dates import date_in
from meta_experiment.model.team_document import TEAM_KEYS, team_from, team_to_document
from meta_experiment.types import (
    Aim,
    AnalysisType,
    Assignment,
    CarryOut,
    Claim,
    Comparator,
    Direction,
    FileVersion,
    Guardrail,
    Holdout,
    Layer,
    LiftPrior,
    Metric,
    MetricKind,
    Plan,
    Scale,
    Stopping,
    Unit,
    Variant,
)

PLAN_KEYS = {
    "name", "hypothesis", "files", "variants", "metrics", "targets", "stopping", "unit",
    "assignment", "analysis_type", "safety", "report", "covariates", "robust", "prior", "auto",
    "seed", "tags", "start_date", "end_date", "layer", "team",
}  # fmt: skip
_STORED_KEYS = {*PLAN_KEYS, "holdout"}  # which no plan file asks for: a promotion comes first
_METRICS_KEYS = {"primary", "guardrails", "secondary"}
_METRIC_KEYS = {"name", "kind", "direction", "scale", "unit"}
_TARGET_KEYS = {"improvement_threshold", "max_regression", "equivalence_margin"}
_STOPPING_KEYS = {
    "rule", "claim", "alpha", "sample_size", "max_sample", "max_duration_days", "price",
}  # fmt: skip
_LAYER_KEYS = {"name", "share", "start"}
_PRIOR_KEYS = {"mean", "sd", "source"}
_HOLDOUT_KEYS = {"of", "decayed_below", "models", "block"}
_SAFETY_KEYS = {"metrics", "acting_alerts"}
_VARIANT_KEYS = {"name", "weight", "comparator"}
_GUARDRAIL_KEYS = {*_METRIC_KEYS, "margin", "required"}
_METRIC_WORDS = {
    "kind": words(MetricKind),
    "direction": words(Direction),
    "scale": words(Scale),
}
_METRIC_FIELDS = Fields(_METRIC_KEYS, _METRIC_WORDS)
PLAN_FIELDS = Fields(
    _STORED_KEYS,
    {
        "variants": [Fields(_VARIANT_KEYS, {"comparator": words(Comparator)})],
        "metrics": Fields(
            _METRICS_KEYS,
            {
                "primary": _METRIC_FIELDS,
                "guardrails": [Fields(_GUARDRAIL_KEYS, _METRIC_WORDS)],
                "secondary": [_METRIC_FIELDS],
            },
        ),
        "targets": Fields(_TARGET_KEYS),
        "stopping": Fields(_STOPPING_KEYS, {"rule": words(Stopping), "claim": words(Claim)}),
        "assignment": Fields(ASSIGNMENT_KEYS, {"method": words(Assignment), "aim": words(Aim)}),
        "safety": Fields(_SAFETY_KEYS),
        "prior": Fields(_PRIOR_KEYS),
        "holdout": Fields(_HOLDOUT_KEYS),
        "layer": Fields(_LAYER_KEYS),
        "team": Fields(TEAM_KEYS, {"carry_out": words(CarryOut)}),
        "unit": words(Unit),
        "analysis_type": words(AnalysisType),
    },
)
_LARGEST_SEED = 2**63 - 1


def plan_from_document(document: object) -> Plan:
    """Read a plan in full or in its short forms (a metric by its name alone).

    Raises:
        UsageError: a field is unknown, missing or impossible; the message names it.
    """
    plan = fields.mapping(document, "plan")
    fields.known_keys(plan, _STORED_KEYS, "plan")
    metrics = _section(plan, "metrics", _METRICS_KEYS)
    targets = _section(plan, "targets", _TARGET_KEYS)
    stopping = _section(plan, "stopping", _STOPPING_KEYS)
    assignment = _section(plan, "assignment", ASSIGNMENT_KEYS)
    safety = _section(plan, "safety", _SAFETY_KEYS)
    max_regression = fraction(targets, "max_regression", "targets", 10.0)
    variants = _variants(plan)
    result = Plan(
        name=fields.text(plan, "name", "plan"),
        hypothesis=fields.text(plan, "hypothesis", "plan"),
        files=tuple(_texts(plan, "files")),
        variants=variants,
        primary=metric_from_document(metrics.get("primary"), "metrics.primary"),
        guardrails=tuple(
            guardrail_from_document(item, where, per_cent(max_regression))
            for where, item in _items(metrics, "guardrails")
        ),
        secondary=tuple(
            metric_from_document(item, where) for where, item in _items(metrics, "secondary")
        ),
        improvement_threshold=fraction(targets, "improvement_threshold", "targets", 15.0),
        max_regression=max_regression,
        equivalence_margin=_equivalence_margin(targets),
        alpha=fields.number(stopping, "alpha", "stopping", 0.05, low=1e-6, high=0.5),
        stopping=fields.word(stopping, "rule", "stopping", Stopping, Stopping.SEQUENTIAL),
        claim=fields.word(stopping, "claim", "stopping", Claim, Claim.BETTER),
        sample_size=fields.whole(stopping, "sample_size", "stopping", 10, low=2, high=10**7),
        max_sample=_max_sample(stopping),
        max_duration_days=fields.number(
            stopping, "max_duration_days", "stopping", 14.0, low=0.01, high=3650
        ),
        unit=fields.word(plan, "unit", "plan", Unit, Unit.SESSION),
        assignment=method_of(assignment),
        traffic=fraction(assignment, "traffic", "assignment", 100.0, low=0.1, high=100),
        analysis_type=fields.word(
            plan, "analysis_type", "plan", AnalysisType, AnalysisType.AUTO
        ),
        safety_metrics=tuple(_texts(safety, "metrics", "safety")),
        acting_alerts=tuple(_texts(safety, "acting_alerts", "safety")),
        report=tuple(_texts(plan, "report")),
        covariates=tuple(_texts(plan, "covariates")),
        robust=fields.flag(plan, "robust", "plan", default=False),
        bandit=bandit_from(assignment, len(variants)),
        ramp=ramp_from(assignment),
        start_date=date_in(plan, "start_date"),
        end_date=date_in(plan, "end_date", last=True),
        layer=_layer(plan),
        prior=_prior(plan),
        price=_price(stopping),
        holdout=_holdout(plan),
        team=team_from(plan),
        auto=fields.flag(plan, "auto", "plan", default=False),
        seed=fields.whole(plan, "seed", "plan", 0, high=_LARGEST_SEED),
        tags=tuple(_texts(plan, "tags")),
    )
    check_plan(result)
    return result


def plan_to_document(plan: Plan) -> dict[str, Any]:
    """Write a plan in full; reading it again gives an equal plan."""
    # these stand only where something is asked for: older plans keep their hash.
    asked = {
        "report": list(plan.report),
        "covariates": list(plan.covariates),
        "robust": plan.robust,
        "prior": plan.prior and _prior_document(plan.prior),
        "start_date": plan.start_date and to_text(plan.start_date),
        "end_date": plan.end_date and to_text(plan.end_date),
        "holdout": plan.holdout and _holdout_document(plan.holdout),
        "layer": plan.layer and _layer_document(plan.layer),
        "team": plan.team and team_to_document(plan.team),
    }
    return {key: value for key, value in asked.items() if value} | {
        "name": plan.name,
        "hypothesis": plan.hypothesis,
        "files": list(plan.files),
        "variants": [_variant_to_document(item) for item in plan.variants],
        "metrics": {
            "primary": metric_to_document(plan.primary),
            "guardrails": [
                metric_to_document(item.metric)
                | {"margin": per_cent(item.margin), "required": item.required}
                for item in plan.guardrails
            ],
            "secondary": [metric_to_document(item) for item in plan.secondary],
        },
        "targets": {
            "improvement_threshold": per_cent(plan.improvement_threshold),
            "max_regression": per_cent(plan.max_regression),
            "equivalence_margin": (
                None if plan.equivalence_margin is None else per_cent(plan.equivalence_margin)
            ),
        },
        "stopping": {
            "rule": plan.stopping.value,
            "claim": plan.claim.value,
            "alpha": plan.alpha,
            "sample_size": plan.sample_size,
            "max_sample": plan.max_sample,
            "max_duration_days": plan.max_duration_days,
            **({} if plan.price is None else {"price": per_cent(plan.price)}),
        },
        "unit": plan.unit.value,
        "assignment": assignment_to_document(plan),
        "analysis_type": plan.analysis_type.value,
        "safety": {
            "metrics": list(plan.safety_metrics),
            "acting_alerts": list(plan.acting_alerts),
        },
        "auto": plan.auto,
        "seed": plan.seed,
        "tags": list(plan.tags),
    }


def plan_sha256(plan: Plan, versions: dict[str, dict[str, FileVersion | None]]) -> str:
    """Hash all that is fixed before data: the plan, the bytes and modes of every arm."""
    document = plan_to_document(plan) | {
        "versions": {
            path: {
                name: item and [item.sha256, item.mode] for name, item in sorted(arms.items())
            }
            for path, arms in sorted(versions.items())
        }
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return str(sha256(canonical.encode()).hexdigest())


def metric_from_document(value: object, where: str) -> Metric:
    """Read a metric given by name, or by a mapping that describes it."""
    if value is None:
        raise UsageError(
            f"{where}: no metric is named.",
            hint="Name what should get better, for example --primary-metric active_seconds.",
        )
    if isinstance(value, str):
        name, _, direction = value.partition(":")
        value = {"name": name} | ({"direction": direction} if direction else {})
    described = fields.mapping(value, where)
    fields.known_keys(described, _GUARDRAIL_KEYS, where)
    name = fields.text(described, "name", where)
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{where}: {cite(name)} is no metric name; letters, digits, '_', '.' and '-' are."
        )
    return describe(
        name,
        direction=fields.optional_word(described, "direction", where, Direction),
        scale=fields.optional_word(described, "scale", where, Scale),
        kind=fields.optional_word(described, "kind", where, MetricKind),
        unit=described.get("unit"),
    )


def metric_to_document(metric: Metric) -> dict[str, Any]:
    """Write a metric in full."""
    return {
        "name": metric.name,
        "kind": metric.kind.value,
        "direction": metric.direction.value,
        "scale": metric.scale.value,
        "unit": metric.unit,
    }


def guardrail_from_document(value: object, where: str, default_margin: float) -> Guardrail:
    """Read a guardrail: `NAME`, `NAME:MARGIN%`, or a mapping. Margins are per cents."""
    if isinstance(value, str):
        name, *parts = value.split(":")
        directions = [part for part in parts if part in list(Direction)]
        margins = [part for part in parts if part not in directions]
        try:
            margin = float(margins[0].rstrip("% ")) if margins else None
        except ValueError:
            raise UsageError(
                f"{where}: {cite(value)} is no guardrail; expected NAME or NAME:MARGIN%, for "
                "example output_tokens:20%, or clarity:10%:higher for a metric of your own."
            ) from None
        given = {"name": name, "margin": margin, "direction": next(iter(directions), None)}
        value = {key: part for key, part in given.items() if part is not None}
    described = fields.mapping(value, where)
    return Guardrail(
        metric=metric_from_document(described, where),
        margin=fields.number(described, "margin", where, default_margin, low=0, high=1000)
        / 100,
        required=fields.flag(described, "required", where, default=False),
    )


def _variants(plan: Document) -> tuple[Variant, ...]:
    given = fields.sequence(plan.get("variants"), "plan.variants") or ["control", "treatment"]
    variants = []
    for index, item in enumerate(given):
        where = f"variants[{index}]"
        described = {"name": item} if isinstance(item, str) else fields.mapping(item, where)
        fields.known_keys(described, _VARIANT_KEYS, where)
        name = fields.text(described, "name", where)
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{where}: {cite(name)} is no variant name; letters, digits, '_', '.' and '-' "
                "are."
            )
        weight = fields.number(described, "weight", where, 1.0, low=0.001, high=1000)
        kind = fields.optional_word(described, "comparator", where, Comparator)
        variants.append(Variant(name, weight, kind))
    return tuple(variants)


def _variant_to_document(variant: Variant) -> dict[str, Any]:
    document: dict[str, Any] = {"name": variant.name, "weight": variant.weight}
    if variant.comparator is not None:
        document["comparator"] = variant.comparator.value
    return document


def _section(plan: Document, key: str, allowed: set[str]) -> Document:
    section = fields.mapping(plan.get(key) or {}, key)
    fields.known_keys(section, allowed, key)
    return section


def _items(section: Document, key: str) -> list[tuple[str, Any]]:
    where = f"metrics.{key}"
    return [
        (f"{where}[{index}]", item)
        for index, item in enumerate(fields.sequence(section.get(key), where))
    ]


def _equivalence_margin(targets: Document) -> float | None:
    if targets.get("equivalence_margin") is None:
        return None
    return fraction(targets, "equivalence_margin", "targets", 0.0, low=0.1, high=99)


def _layer(plan: Document) -> Layer | None:
    """Read a layer: by its name alone, or with a share of its units in per cent."""
    if plan.get("layer") is None:
        return None
    value = plan["layer"]
    layer = {"name": value} if isinstance(value, str) else _section(plan, "layer", _LAYER_KEYS)
    name = fields.text(layer, "name", "layer")
    if not NAME.fullmatch(name):
        raise UsageError(
            f"layer: {cite(name)} is no name of a layer; letters, digits, '_', '.' and '-' are."
        )
    share = fraction(layer, "share", "layer", 50.0, low=0.1, high=100)
    start = layer.get("start")
    first = None
    if start is not None:
        first = round(fraction(layer, "start", "layer", low=0, high=99.9) * SLOTS)
    made = Layer(name, round(share * SLOTS), first)
    if made.slots[1] > SLOTS:
        raise UsageError(
            f"layer: {per_cent(share):g}% from {start:g}% on are more than all of it; expected "
            "at most 100."
        )
    return made


def _layer_document(layer: Layer) -> dict[str, Any]:
    known = {"name": layer.name, "share": per_cent(layer.count / SLOTS)}
    return known if layer.first is None else known | {"start": per_cent(layer.first / SLOTS)}


def _prior(plan: Document) -> LiftPrior | None:
    """Read a prior of the lift: its mean and standard deviation, in per cent."""
    if plan.get("prior") is None:
        return None
    prior = _section(plan, "prior", _PRIOR_KEYS)
    if "sd" not in prior:
        raise UsageError(
            "prior: no sd is given; expected how uncertain the lift is, in per cent.",
            hint="For example: prior: {mean: 10, sd: 5}, or leave it out for a flat one.",
        )
    return LiftPrior(
        mean=fraction(prior, "mean", "prior", 0.0, low=-99.0),
        sd=fraction(prior, "sd", "prior", 0.0, low=0.01),
        source=fields.text(prior, "source", "prior") if prior.get("source") else None,
    )


def _prior_document(prior: LiftPrior) -> dict[str, Any]:
    known = {"mean": per_cent(prior.mean), "sd": per_cent(prior.sd)}
    return known if prior.source is None else known | {"source": prior.source}


def _holdout(plan: Document) -> Holdout | None:
    """Read what a holdout watches; the verb `holdout` alone makes one."""
    if plan.get("holdout") is None:
        return None
    found = _section(plan, "holdout", _HOLDOUT_KEYS)
    return Holdout(
        of=fields.text(found, "of", "holdout"),
        decayed_below=fields.number(found, "decayed_below", "holdout", low=-99, high=1e6) / 100,
        models=tuple(_texts(found, "models", "holdout")),
        block=fields.whole(found, "block", "holdout", 0, high=100),
    )


def _holdout_document(holdout: Holdout) -> dict[str, Any]:
    below, models = per_cent(holdout.decayed_below), list(holdout.models)
    return {
        "of": holdout.of,
        "decayed_below": below,
        "models": models,
        "block": holdout.block,
    }


def _price(stopping: Document) -> float | None:
    if stopping.get("price") is None:
        return None
    return fraction(stopping, "price", "stopping", 0.0, low=0.001, high=100)


def _max_sample(stopping: Document) -> int | None:
    if stopping.get("max_sample") is None:
        return None
    return fields.whole(stopping, "max_sample", "stopping", low=2, high=10**7)


def _texts(document: Document, key: str, where: str = "plan") -> list[str]:
    values = fields.sequence(document.get(key), f"{where}.{key}")
    for index, value in enumerate(values):
        fields.text({"item": value}, "item", f"{where}.{key}[{index}]")
    return values
