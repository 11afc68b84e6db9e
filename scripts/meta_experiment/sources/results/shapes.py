"""The runs in a document of results: one cell for each, whatever the shape.

Shapes that were met: a list of runs that name their arm; cases, in a list or by name, with
one mapping (or list of runs) per arm; cases with `with_skill_pass_rate` and its like; arms,
in a list or by name, that hold cases; one table per metric; a list of cases of a single,
unnamed arm. What holds arms is a case and what holds cases is an arm, whatever their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from meta_experiment.records import dataclass
from meta_experiment.sources.results.cells import Cell, described, first_text, measured
from meta_experiment.sources.results.measures import Record
from meta_experiment.sources.results.metric_tables import table_cells
from meta_experiment.sources.results.result_words import (
    ARM_FIELDS,
    ARM_WORDS,
    DETAILS,
    METRIC_FIELDS,
    WITNESSES,
    WRAPPERS,
    is_arm,
    is_control,
    snake,
)

ITERATIONS = "iterations"
CASES = (
    "runs", "evals", "results", "cases", "per_case", "per_eval", "per_test", "per_task",
    "trials", "tests", "tasks", "scenarios", "eval_results", "case_results", "test_cases",
    "by_case", "by_eval", "samples", "data", "records",
)  # fmt: skip
_REPEATS = ("runs", "trials", "repeats", "attempts")  # all that a case holds of its runs
_ARMS = ("arms", "configurations", "configs", "variants", "conditions")
_NEITHER = frozenset(
    {
        "delta", "metadata", "quality", "config", "expected", "baseline_delta", "run_summary",
        "aggregates", "overall", "totals", "input", "target", "scores", "judge", "grader",
        ITERATIONS, *WRAPPERS, *DETAILS, *WITNESSES, *CASES, *_ARMS,
    }
)  # fmt: skip
_ARM_NAMES = (*ARM_FIELDS, "name", "key", "id", "label")
_ROUND = re.compile(r"(iteration|iter|round|version|v)[-_ ]?\d+", re.IGNORECASE)  # no case
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class _Around:
    """Surroundings of the place in the document that is looked at.

    `of_item`: it lies inside an item of a list, which may be a run though it names no case.
    `names` are those of parts of its neighbours that can be nothing but arms.
    """

    cell: Cell = Cell({})
    of_item: bool = False
    names: frozenset[str] = frozenset()
    depth: int = 0

    def inside(
        self, cell: Cell, *, of_item: bool = False, names: frozenset[str] = frozenset()
    ) -> _Around:
        """Return what is known one level deeper."""
        return _Around(cell, self.of_item or of_item, names, self.depth + 1)

    @property
    def may_be_run(self) -> bool:
        """Whether a part that holds no runs is one; else it is a total over all cases."""
        return self.of_item or self.cell.case is not None


def cells(document: object) -> list[Cell]:
    """Return the runs of a document in its own order; none when it holds no list of runs."""
    if isinstance(document, list):
        return _listed(document, _Around())
    if not isinstance(document, Mapping):
        return []
    return _inside(document, _Around()) or _of_rounds(_parts(document.get(ITERATIONS)))


def _of_rounds(rounds: list[Any]) -> list[Cell]:
    """Return the runs of a single iteration, or iterations that are runs of cases."""
    if len(rounds) == 1 and (found := cells(rounds[0])):
        return found
    if any(map(cells, rounds)):
        return []  # of several texts, perhaps
    found = _listed(rounds, _Around())
    are_runs = all(cell.case is not None and measured(cell.record) for cell in found)
    return found if are_runs else []


def _inside(item: Record, around: _Around) -> list[Cell]:
    """Return the runs inside a mapping, by the first of the shapes that it has; else none."""
    if around.depth > _DEEPEST:
        return []
    if around.cell.arm is not None:
        return _cases(item, around) or table_cells(item, around.cell)
    arms = _of_arms(_named_arms(item), around)
    if len({cell.arm for cell in arms}) == 1 and not around.may_be_run:
        # its counterpart may be the list that needs no name
        arms += [cell for cell in _cases(item, around) if cell.arm is None]
    return (
        arms
        or (_prefixed(item, around.cell) if around.may_be_run else [])
        or _cases(item, around)
        or table_cells(item, around.cell)
        or _unnamed(item, around)
    )


def _listed(items: list[Any], around: _Around) -> list[Cell]:
    """Return the runs of a list: what each item holds or, where it holds none, is."""
    found: list[Cell] = []
    names = _own_names(items)
    for item in items:
        if isinstance(item, Mapping):
            own = described(item, around.cell)
            arms, is_run = _named_arms(item), bool(measured(item))
            # what has arms inside says of which sort it is where a run says of which arm
            known = replace(own, arm=around.cell.arm) if arms and not is_run else own
            inside = _inside(item, around.inside(known, of_item=True, names=names))
            found += inside
            has_control = bool(arms) and all(map(is_control, arms))
            if not inside or (is_run and own.arm is None and has_control):
                found.append(replace(own, record=item))
    return found


def _by_key(parts: Mapping[str, Any], around: _Around) -> list[Cell]:
    """Return the runs of a mapping in the place of a list: by arm, case or repeat."""
    if around.cell.arm is None and any(map(is_arm, map(str, parts))):
        return _of_arms(parts, around)
    found: list[Cell] = []
    names = _own_names(parts.values())
    for key, part in parts.items():
        case = around.cell.case_id or (None if around.cell.case else str(key))
        own = described(part, replace(around.cell, case_id=case))
        inside = _inside(part, around.inside(own, names=names))
        found += inside or ([replace(own, record=part)] if measured(part) else [])
    return found


def _named_arms(item: Record) -> dict[str, Any]:
    """Return the parts of a mapping that are arms by the name of their place, or their own."""
    for _, value in _places(item, _ARMS):
        if isinstance(value, Mapping):
            arms = {str(arm): part for arm, part in value.items()}
        else:
            parts = [part for part in value if isinstance(part, Mapping)]
            arms = {arm: part for part in parts if (arm := _arm_name(part)) is not None}
        if any(map(_fields, arms.values())):
            return arms
    arms = {
        str(key): value
        for key, value in item.items()
        if is_arm(str(key)) and isinstance(value, Mapping | list)
    }
    return arms | _like(arms, item) if any(map(_fields, arms.values())) else {}


def _like(arms: Mapping[str, Any], item: Record) -> dict[str, Any]:
    """Return the parts beside arms that have all the fields, or lists, that these share."""
    shared = set.intersection(*filter(None, map(_fields, arms.values())))
    return {
        str(key): value
        for key, value in item.items()
        if shared and str(key) not in arms and _may_be_arm(key) and shared <= _fields(value)
    }


def _of_arms(arms: Mapping[str, Any], around: _Around) -> list[Cell]:
    """Return the runs of arms."""
    found: list[Cell] = []
    for arm, value in arms.items():
        known = replace(around.cell, arm=str(arm))
        if isinstance(value, list):
            found += _listed(value, around.inside(known))
        elif isinstance(value, Mapping):
            run = replace(described(value, known), arm=str(arm), record=value)
            inside = _inside(value, around.inside(known))
            found += inside or ([run] if around.may_be_run else [])
    return found


def _cases(item: Record, around: _Around) -> list[Cell]:
    """Return the runs of the first place for cases that has measured ones, or else any."""
    first: list[Cell] = []
    for _, value in _places(item, CASES if around.cell.case is None else _REPEATS):
        if isinstance(value, list):
            found = _listed(value, around)
        elif all(isinstance(part, Mapping) for part in value.values()):
            found = _by_key(value, around)
        else:
            found = [] if around.depth else _inside(value, around.inside(around.cell))
        if _any_measured(found):
            return found
        first = first or found
    return first


def _unnamed(item: Record, around: _Around) -> list[Cell]:
    """Return the runs of parts that have a name of the user's own: arms, or cases with arms."""
    parts = {str(key): value for key, value in item.items() if _may_be_arm(key)}
    if around.may_be_run:
        runs = {key: value for key, value in parts.items() if key in around.names}
        return [] if measured(item) else _of_arms(runs, around)
    cases = {
        key: value
        for key, value in parts.items()
        if isinstance(value, Mapping) and _named_arms(value) and not _ROUND.match(key)
    }
    if cases:
        return _by_key(cases, around)
    found = {key: _of_arms({key: value}, around) for key, value in parts.items()}
    arms = {key: cells for key, cells in found.items() if _any_measured(cells)}
    alone = len(arms) == 1 and any(isinstance(parts[key], list) for key in arms)
    every = [] if alone else [cell for cells in arms.values() for cell in cells]
    return every if all(cell.case is not None for cell in every) else []


def _own_names(items: Iterable[Any]) -> frozenset[str]:
    """Return the names of two parts or more of cases that are runs, and so their arms."""
    names = frozenset(
        str(key)
        for item in items
        if isinstance(item, Mapping) and not measured(item)
        for key, part in item.items()
        if _may_be_arm(key) and isinstance(part, Mapping) and measured(part)
    )
    return names if len(names) > 1 else frozenset()


def _prefixed(item: Record, own: Cell) -> list[Cell]:
    """Return the runs of `with_skill_pass_rate` and its like: the arm begins the name."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in item.items():
        name = snake(str(key))
        arms = (arm for arm in ARM_WORDS if name.startswith(f"{arm}_"))
        for arm in sorted(arms, key=len, reverse=True):
            rest = name[len(arm) + 1 :]
            if rest in METRIC_FIELDS:
                found.setdefault(arm, {})[rest] = value
                break
    return [replace(own, arm=arm, record=record) for arm, record in found.items()]


def _any_measured(found: list[Cell]) -> bool:
    return any(measured(cell.record) for cell in found)


def _parts(value: object) -> list[Any]:
    return (
        [*value.values()]
        if isinstance(value, Mapping)
        else [*value]
        if isinstance(value, list)
        else []
    )


def _places(item: Record, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the parts with such names that can hold runs, in the order of the names."""
    fields = {snake(str(key)): value for key, value in item.items()}
    for name in names:
        value = fields.get(name)
        if (isinstance(value, Mapping) and value) or (
            isinstance(value, list) and any(isinstance(part, Mapping) for part in value)
        ):
            yield name, value


def _fields(value: object) -> set[str]:
    """Return what a part has of the fields of a run, and of what holds several."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, Mapping)), {})
    if not isinstance(value, Mapping):
        return set()
    tables = {"tables"} if table_cells(value, Cell({})) else set()
    return measured(value) | {name for name, _ in _places(value, CASES)} | tables


def _may_be_arm(key: object) -> bool:
    return snake(str(key)) not in _NEITHER


def _arm_name(part: Record) -> str | None:
    return first_text({snake(str(key)): value for key, value in part.items()}, _ARM_NAMES)
