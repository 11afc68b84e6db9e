"""Where a workflow's text asks for the variant of an experiment, and which it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from meta_experiment.records import dataclass
from meta_experiment.types.workflows import BodyCondition
from meta_experiment.workflows.document import WorkflowDocument

FALSE = frozenset({"no", "false", "0", ""})
_NAME = r"(?:experiments|needs\.activation\.outputs)\.([a-zA-Z_]\w*)"
_TEXT = r"""(?:'([^'\n]*)'|"([^"\n]*)")"""
_EXPRESSION = re.compile(r"\$?\{\{(?!\{).*?\}\}")  # both {{#if …}} and ${{ … }}, on one line
_COMPARISONS = (
    re.compile(rf"{_NAME}\s*[=!]=\s*{_TEXT}"),
    re.compile(rf"\(\s*(?:eq|ne)\s+{_NAME}\s+{_TEXT}\s*\)"),
)
_TURNED = re.compile(rf"{_TEXT}\s*[=!]=\s*{_NAME}")
_USE = re.compile(_NAME)
_IF = re.compile(rf"#(?:else\s+)?(?:if|unless)\s+!?\s*{_NAME}\s*$")


@dataclass(frozen=True, slots=True)
class VariantUse:
    """A place that uses the variant of an experiment.

    `value` is what it is compared with. Where it is compared with nothing it is either asked
    whether it is true (`asked`), or put into the text.
    """

    experiment: str
    line: int
    column: int
    text: str
    value: str | None = None
    asked: bool = False


def uses(document: WorkflowDocument) -> Iterator[VariantUse]:
    """Yield every use of a variant, in head and body, in order."""
    text = document.text
    for found in _EXPRESSION.finditer(text):
        start, inner = found.start(), found[0].removeprefix("$")[2:-2]
        line = text.count("\n", 0, start) + 1
        place = (line, start - text.rfind("\n", 0, start), found[0])
        compared = [*_compared(inner)]
        for name, value in compared:
            yield VariantUse(name, *place, value)
        named = {name for name, _ in compared}
        for name in dict.fromkeys(item[1] for item in _USE.finditer(inner)):
            if name not in named:
                yield VariantUse(name, *place, asked=bool(_IF.search(inner.strip())))


def _compared(expression: str) -> Iterator[tuple[str, str]]:
    for pattern in _COMPARISONS:
        for name, single, double in pattern.findall(expression):
            yield name, single or double
    for single, double, name in _TURNED.findall(expression):
        yield name, single or double


def unmet(
    document: WorkflowDocument, experiment: str, variants: Sequence[str]
) -> tuple[BodyCondition, ...]:
    """Return the conditions that no variant meets, or that all of them do."""
    false = [name for name in variants if name in FALSE]
    found = []
    for use in uses(document):
        if use.experiment != experiment:
            continue
        if use.value is not None and use.value not in variants:
            found.append(_condition(use, f"no variant is called {use.value!r}"))
        elif use.asked and not false:
            found.append(_condition(use, "every variant is true"))
        elif use.asked and len(false) == len(variants):
            found.append(_condition(use, "every variant is false"))
    return tuple(found)


def unmentioned(
    document: WorkflowDocument, experiment: str, variants: Sequence[str]
) -> tuple[str, ...]:
    """Return the variants that nothing tells from the others.

    None, where the variant itself is put into the text. Of those that no comparison names,
    one may be what is left over, which is the control where it is among them.
    """
    found = [use for use in uses(document) if use.experiment == experiment]
    if any(use.value is None and not use.asked for use in found):
        return ()
    named = {use.value for use in found}
    asked = any(use.asked for use in found)
    if asked:
        false = [name for name in variants if name in FALSE]
        named |= {*false[:1], *[name for name in variants if name not in false][:1]}
    alike = [name for name in variants if name not in named]
    left_over = found and not asked and len(alike) < len(variants)
    return tuple(alike[1:] if left_over else alike)


def _condition(use: VariantUse, why: str) -> BodyCondition:
    return BodyCondition(use.line, use.column, use.text, why)
