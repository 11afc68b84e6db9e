"""The fields of an experiment, each by its own rule; what breaks one is left out and named."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from itertools import pairwise
from typing import Any, ClassVar, TypeGuard, TypeVar

from meta_experiment.errors import as_word, cite
from meta_experiment.model.fields import shown, suggestion
from meta_experiment.types import Direction
from meta_experiment.types.workflows import (
    BoundSide,
    ContinualRamp,
    DeclaredTest,
    EffectPolicy,
    MetricBound,
    NotifyTargets,
    Oddity,
    OddityLevel,
)
from meta_experiment.workflows.metric_names import likely_direction
from meta_experiment.workflows.yaml_tree import Node

Word = TypeVar("Word", bound=StrEnum)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_BOUND = re.compile(r"(>=|<=|==|>|<)(-?\d+(?:\.\d+)?)")
_LIKE_BOUND = re.compile(r"\s*(>=|<=|==|=|>|<|≥|≤)?\s*(-?\d+(?:\.\d+)?)\s*%?\s*")
_DIRECTIONS: Mapping[str, str] = {BoundSide.MIN: "<=", BoundSide.MAX: ">="}
_BETTER = {
    ">=": Direction.HIGHER,
    ">": Direction.HIGHER,
    "<=": Direction.LOWER,
    "<": Direction.LOWER,
}
_LONGEST_SEED = 128
_MOST_STAGES = 8
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class FieldReader:
    """Reads values off nodes, and gathers what is odd about them."""

    EXPERIMENT: ClassVar[dict[str, str]] = {  # -> the method that reads it
        "description": "text",
        "hypothesis": "text",
        "metric": "text",
        "secondary_metrics": "texts",
        "guardrail_metrics": "bounds",
        "min_samples": "count",
        "weight": "weights",
        "issue": "count",
        "start_date": "date",
        "end_date": "date",
        "analysis_type": "analysis",
        "decision": "policy",
        "tags": "texts",
        "notify": "targets",
        "continual": "ramp",
    }

    def __init__(self, oddities: list[Oddity]) -> None:
        """Add to what was found odd before."""
        self.oddities = oddities

    def error(self, node: Node, message: str) -> None:
        """Note what gh-aw refuses or drops."""
        self.oddities.append(Oddity(node.line, node.column, OddityLevel.ERROR, message))

    def warn(self, node: Node, message: str) -> None:
        """Note what gh-aw reads, though it will not do what was meant."""
        self.oddities.append(Oddity(node.line, node.column, OddityLevel.WARNING, message))

    def no_field(self, key: Node, where: str, known: Collection[str]) -> None:
        """Note a key that means nothing here."""
        near = suggestion(str(key.value), known) or ""
        self.error(key, f"{where}: there is no field {cite(key.value)}. {near}".rstrip())

    def experiment_fields(self, name: str, nodes: Mapping[str, Node]) -> dict[str, Any]:
        """Read every known field that is there and can be used, but the variants."""
        found = {}
        for key, method in self.EXPERIMENT.items():
            if (node := nodes.get(key)) is not None:
                value = getattr(self, method)(node, f"{name}.{key}")
                if value is not None:
                    found[key] = value
        return found

    def text(self, node: Node, where: str) -> str | None:
        """Read a text."""
        if isinstance(node.value, str):
            return node.value
        self._wrong(node, where, "a text; put it in quotes")
        return None

    def texts(self, node: Node, where: str) -> tuple[str, ...] | None:
        """Read a list of texts."""
        if not node.is_list:
            self._wrong(node, where, "a list of texts")
            return None
        read = [self.text(item, where) for item in node.value]
        return tuple(item for item in read if item is not None)

    def count(self, node: Node, where: str) -> int | None:
        """Read a whole number of at least 1."""
        number = _whole(node.value)
        if number is None or number < 1:
            self._wrong(node, where, "a whole number of at least 1")
            return None
        return number

    def weights(self, node: Node, where: str) -> tuple[float, ...] | None:
        """Read weights; those that are no whole numbers are kept, though gh-aw cuts them."""
        if not node.is_list:
            self._wrong(node, where, "a list of whole numbers")
            return None
        found: list[float] = []
        for item in node.value:
            if not _is_number(item.value) or item.value < 0:
                self._wrong(item, where, "a whole number of at least 0")
                return None
            if _whole(item.value) is None:
                self.error(item, f"{where}: {item.value} is cut to {int(item.value)} by gh-aw")
            found.append(item.value)
        return tuple(found)

    def date(self, node: Node, where: str) -> str | None:
        """Read a date."""
        if isinstance(node.value, str) and _is_date(node.value):
            return node.value
        self._wrong(node, where, "a date of the form YYYY-MM-DD")
        return None

    def analysis(self, node: Node, where: str) -> DeclaredTest | None:
        """Read the name of a test."""
        return self.word(node, DeclaredTest, where)

    def word(self, node: Node | None, words: type[Word], where: str) -> Word | None:
        """Read one word of a closed list; None where there is none."""
        if node is None:
            return None
        allowed = [item.value for item in words]
        if isinstance(node.value, str) and node.value in allowed:
            return words(node.value)
        near = suggestion(str(node.value), allowed) or ""
        message = f"{where}: {_said(node)} is none of {', '.join(allowed)}. {near}"
        self.error(node, message.rstrip())
        return None

    def bounds(self, node: Node, where: str) -> tuple[MetricBound, ...] | None:
        """Read guardrails; one that cannot be used is left out."""
        if not node.is_list:
            self._wrong(node, where, "a list of guardrails")
            return None
        read = [self._bound(item, where) for item in node.value]
        return tuple(item for item in read if item is not None)

    def _bound(self, node: Node, where: str) -> MetricBound | None:
        parts = self._parts(node, where, ("name", "threshold", "direction"))
        if parts is None:
            return None
        name, threshold = parts.get("name"), parts.get("threshold")
        if name is None or not isinstance(name.value, str) or not name.value:
            self._wrong(name or node, f"{where}.name", "the name of a metric")
            return None
        here = f"{where}.{as_word(name.value)}"
        way = self._way(parts.get("direction"), here)
        if threshold is None:
            self._wrong(node, f"{here}.threshold", "a threshold such as '>=0.95'")
            return None
        read = self._threshold(threshold, way, here)
        if read is None:
            return None
        comparison, bound, text = read
        self._compare_ways(parts, name.value, comparison, here)
        return MetricBound(name.value, comparison, bound, text)

    def _way(self, node: Node | None, where: str) -> str:
        if node is None:
            return ""
        if isinstance(node.value, str) and node.value in _DIRECTIONS:
            return node.value
        self._wrong(node, f"{where}.direction", "min (lower is better) or max")
        return ""

    def _threshold(self, node: Node, way: str, where: str) -> tuple[str, float, str] | None:
        text = str(node.value)
        if _is_number(node.value):
            if way:
                return _DIRECTIONS[way], float(node.value), text
            wanted = "an operator such as '>=', or a direction beside the number"
            self._wrong(node, f"{where}.threshold", wanted)
            return None
        found = _BOUND.fullmatch(text) if isinstance(node.value, str) else None
        if found is not None:
            return found[1], float(found[2]), text
        near = _LIKE_BOUND.fullmatch(text) if isinstance(node.value, str) else None
        hint = ""
        if near is not None:
            sign = {"≥": ">=", "≤": "<=", "=": "=="}.get(near[1], near[1] or ">=")
            hint = f" such as '{sign}{near[2]}'"
        self._wrong(node, f"{where}.threshold", f"an operator and a number{hint}")
        return None

    def _compare_ways(
        self, parts: Mapping[str, Node], name: str, comparison: str, where: str
    ) -> None:
        """Warn where a guardrail asks for the opposite of what its name promises."""
        likely, asked = likely_direction(name), _BETTER.get(comparison)
        place = parts.get("direction") or parts["threshold"]
        stated = parts.get("direction")
        if stated is not None and isinstance(parts["threshold"].value, str):
            if _DIRECTIONS.get(stated.value) not in (None, comparison, f"{comparison}="):
                message = f"{where}: the direction {stated.value} is not used; the threshold's "
                self.warn(stated, f"{message}{comparison} is")
            place = parts["threshold"]
        if likely and asked and likely is not asked:
            wanted = "higher" if likely is Direction.HIGHER else "lower"
            self.warn(
                place,
                f"{where}: is asked to stay {comparison} {parts['threshold'].value}, though "
                f"by its name {wanted} is better",
            )

    def policy(self, node: Node, where: str) -> EffectPolicy | None:
        """Read what a decision asks of an effect."""
        least, tolerance, level = "minimum_effect", "regression_tolerance", "confidence"
        parts = self._parts(node, where, (least, tolerance, level))
        if parts is None:
            return None
        rules = {
            least: ("a number of at least 0", _is_not_negative),
            tolerance: ("a number of at least 0", _is_not_negative),
            level: ("a number between 0 and 1", _is_between),
        }
        read = {
            name: self._number(part, f"{where}.{name}", *rules[name])
            for name, part in parts.items()
        }
        usable = {name: value for name, value in read.items() if value is not None}
        return replace(EffectPolicy(), **usable)

    def targets(self, node: Node, where: str) -> NotifyTargets | None:
        """Read who is to hear of a decision."""
        parts = self._parts(node, where, ("issue", "discussion"))
        if not parts:
            return None
        issue, discussion = (
            self.count(parts[name], f"{where}.{name}") if name in parts else None
            for name in ("issue", "discussion")
        )
        return NotifyTargets(issue, discussion) if issue or discussion else None

    def ramp(self, node: Node, where: str) -> ContinualRamp | None:
        """Read a growing share of the candidate."""
        parts = self._parts(node, where, ("seed", "ramp"))
        if parts is None:
            return None
        seed, ramp = parts.get("seed"), parts.get("ramp")
        if seed is None or not isinstance(seed.value, str) or not _is_seed(seed.value):
            self._wrong(seed or node, f"{where}.seed", "a text of 1 to 128 characters")
            return None
        listed = ramp.value if ramp is not None and ramp.is_list else ()
        shares = tuple(_whole(item.value) or 0 for item in listed)
        rising = all(first < second for first, second in pairwise(shares))
        inside = all(1 <= share <= 100 for share in shares)
        if not (rising and inside and 1 <= len(shares) <= _MOST_STAGES):
            wanted = "1 to 8 whole numbers from 1 to 100, each larger than the one before"
            self._wrong(ramp or node, f"{where}.ramp", wanted)
            return None
        return ContinualRamp(seed.value, shares)

    def _parts(self, node: Node, where: str, known: tuple[str, ...]) -> dict[str, Node] | None:
        """Return the parts of a mapping by name, after naming those that mean nothing."""
        if not node.is_mapping:
            self._wrong(node, where, f"a map with {', '.join(known)}")
            return None
        for key, _ in node.pairs():
            if key.value not in known:
                near = suggestion(str(key.value), known) or ""
                self.error(
                    key, f"{where}: there is no field {cite(key.value)}. {near}".rstrip()
                )
        return {key.value: value for key, value in node.pairs() if key.value in known}

    def _number(
        self, node: Node, where: str, wanted: str, inside: Callable[[float], bool]
    ) -> float | None:
        if not _is_number(node.value) or not inside(node.value):
            self._wrong(node, where, wanted)
            return None
        return float(node.value)

    def _wrong(self, node: Node, where: str, wanted: str) -> None:
        self.error(node, f"{where}: expected {wanted}, found {_said(node)}")


def _said(node: Node) -> str:
    if node.is_mapping:
        return "a map"
    return "a list" if node.is_list else shown(node.value)


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < math.inf


def _whole(value: object) -> int | None:
    """Return a whole number, be it written as 5 or as 5.0."""
    return int(value) if _is_number(value) and value == int(value) else None


def _is_not_negative(value: float) -> bool:
    return value >= 0


def _is_between(value: float) -> bool:
    return 0 < value < 1


def _is_seed(text: str) -> bool:
    return 1 <= len(text) <= _LONGEST_SEED


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    if not 1 <= month <= 12:
        return False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= _DAYS[month - 1] + leap
