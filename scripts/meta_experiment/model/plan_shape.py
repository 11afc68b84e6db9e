"""The shape of a plan file, field by field: said by an example before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from meta_experiment.errors import UsageError
from meta_experiment.model import fields
from meta_experiment.model.continual import without_continual
from meta_experiment.model.plan_dates import as_text
from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of values, in words and as a test, with an example."""

    expected: str
    fits: Callable[[object], bool]
    example: str


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _is_named(value: object) -> bool:
    return _is_text(value) or (isinstance(value, Mapping) and _is_text(value.get("name")))


def _are(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _are_files(value: object) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    arms = value.values()
    texts = (arm.values() if isinstance(arm, Mapping) else [arm] for arm in arms)
    return all(_is_text(key) for key in value) and all(
        _is_text(it) for some in texts for it in some
    )


def _section(example: str) -> Shape:
    return Shape("a mapping of fields to values", _is_mapping, example)


def _text(example: str) -> Shape:
    return Shape("a text", _is_text, example)


def _number(example: str) -> Shape:
    return Shape("a number", _is_number, example)


def _whole(example: str) -> Shape:
    return Shape("a whole number", _is_whole, example)


def _texts(example: str) -> Shape:
    return Shape("a list of names", _are(_is_text), example)


def _date(example: str) -> Shape:
    return Shape("a date", lambda it: _is_text(it) or isinstance(it, date), example)


# by the place of a field; None, and a field that is not there, stand for the default
SHAPES: dict[str, Shape] = {
    "name": _text("name: Parallel review"),
    "hypothesis": _text("hypothesis: Three agents at once review faster"),
    "files": Shape(
        "each prompt file with the file that holds its new text",
        _are_files,
        "files: {.claude/commands/review.md: review-v2.md}",
    ),
    "variants": Shape(
        "a list of names, or of names with weights or comparators",
        _are(_is_named),
        "variants: [control, treatment]",
    ),
    "metrics": _section("metrics: {primary: active_seconds}"),
    "metrics.primary": Shape(
        "a metric by its name, or described", _is_named, "primary: active_seconds"
    ),
    "metrics.guardrails": Shape(
        "a list of metrics", _are(_is_named), "guardrails: ['output_tokens:20%']"
    ),
    "metrics.secondary": Shape(
        "a list of metrics", _are(_is_named), "secondary: [tool_errors]"
    ),
    "targets": _section("targets: {improvement_threshold: 15}"),
    "targets.improvement_threshold": _number("improvement_threshold: 15"),
    "targets.max_regression": _number("max_regression: 10"),
    "targets.equivalence_margin": _number("equivalence_margin: 5"),
    "stopping": _section("stopping: {rule: sequential, sample_size: 10}"),
    "stopping.rule": _text("rule: sequential"),
    "stopping.claim": _text("claim: better"),
    "stopping.alpha": _number("alpha: 0.05"),
    "stopping.sample_size": _whole("sample_size: 10"),
    "stopping.max_sample": _whole("max_sample: 200"),
    "stopping.max_duration_days": _number("max_duration_days: 14"),
    "stopping.price": _number("price: 0.5"),
    "prior": _section("prior: {mean: 10, sd: 5}"),
    "prior.mean": _number("mean: 10"),
    "prior.sd": _number("sd: 5"),
    "prior.source": _text("source: review-20260101-1a2b"),
    "unit": _text("unit: session"),
    "assignment": _section("assignment: {method: block}"),
    "assignment.method": _text("method: block"),
    "assignment.traffic": _number("traffic: 100"),
    "assignment.aim": _text("aim: few_bad_uses"),
    "assignment.floor": _number("floor: 5"),
    "assignment.burn_in": _whole("burn_in: 5"),
    "assignment.ramp": Shape("a list of numbers", _are(_is_number), "ramp: [5, 25, 50]"),
    "assignment.step_days": _number("step_days: 1"),
    "assignment.step_units": _whole("step_units: 5"),
    "layer": Shape(
        "a name, or a mapping with name and share",
        _is_named,
        "layer: {name: prompts, share: 50}",
    ),
    "team": Shape(
        "the branch that everybody pulls, or a mapping with it",
        lambda it: _is_text(it) or (isinstance(it, Mapping) and _is_text(it.get("branch"))),
        "team: {branch: main, carry_out: pull_request}",
    ),
    "start_date": _date("start_date: 2026-12-05"),
    "end_date": _date("end_date: 2026-12-19"),
    "analysis_type": _text("analysis_type: auto"),
    "safety": _section("safety: {metrics: [tool_errors]}"),
    "safety.metrics": _texts("metrics: [tool_errors]"),
    "safety.acting_alerts": _texts("acting_alerts: [error_rate]"),
    "report": _texts("report: [rating]"),
    "covariates": _texts("covariates: [argument_length, previous]"),
    "robust": Shape("true or false", lambda value: isinstance(value, bool), "robust: true"),
    "auto": Shape("true or false", lambda value: isinstance(value, bool), "auto: true"),
    "seed": _whole("seed: 7"),
    "tags": _texts("tags: [review]"),
}


_SECTIONS = frozenset(place.partition(".")[0] for place in SHAPES if "." in place)


def require_shape(document: object, *, whole: bool = True) -> Mapping[str, Any]:
    """Return what a plan file says if each value is of the right form; nothing says nothing.

    In a plan that is not `whole` an empty text, list or mapping says nothing either.

    Raises:
        UsageError: names the place and the form; the hint shows an example.
    """
    if not whole:
        document = _begun({} if document is None else document)
    if not isinstance(document, Mapping) or not _is_mapping(document):
        raise _wrong("plan", _section(SHAPES["files"].example), document)
    document = without_continual(document)
    fields.known_keys(document, [place for place in SHAPES if "." not in place], "plan")
    for place, shape in SHAPES.items():
        section, _, field = place.rpartition(".")
        values = (document.get(section) or {}) if section else document
        value = values.get(field)
        if not shape.fits(value) and (value is not None or (whole and place == "files")):
            raise _wrong(place if section else f"plan.{place}", shape, value)
    return {
        name: _said(value) if name in _SECTIONS else as_text(value)
        for name, value in _said(document).items()
    }


def _begun(value: Any) -> Any:  # noqa: ANN401
    """Leave out what somebody has begun to write and not filled in."""
    if not isinstance(value, Mapping):
        return value
    inner = {name: _begun(item) for name, item in value.items()}
    return {
        name: item
        for name, item in inner.items()
        if item not in ({}, []) and not (isinstance(item, str) and not item.strip())
    }


def _said(section: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if value is not None}


def _wrong(where: str, shape: Shape, value: object) -> UsageError:
    hint = f"For example: {shape.example}"
    if shape.fits(0.5) and (number := _as_yaml_writes(value)) is not None:
        hint = f"To YAML that is a text; write {number}"
    return UsageError(
        f"{where}: expected {shape.expected}, found {fields.shown(value)}.", hint=hint
    )


def _as_yaml_writes(value: object) -> str | None:
    """Write a number as YAML reads it, which asks for a point before an exponent: 1.0e-6."""
    mantissa, e, exponent = str(value).lower().partition("e")
    try:
        number = float(mantissa)
        float(f"{mantissa}{e}{exponent}")
    except ValueError:
        return None
    sign = "" if exponent[:1] in ("+", "-", "") else "+"
    return f"{number}e{sign}{exponent}" if e else mantissa
