"""The experiments of a workflow that is not compiled, as plain values."""

from __future__ import annotations

from meta_experiment.workflows.workflow_head import head_bounds
from meta_experiment.workflows.yaml_tree import read_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from meta_experiment.workflows.yaml_tree import Node

_KEY = "experiments"
_DEEPEST = 6  # levels that a declaration has


def declared_map(text: str) -> object:
    """Return what stands under `experiments:`. Raises TreeError, a ValueError."""
    bounds = head_bounds(text)
    if bounds is None:
        return {}
    start, end = _block(text, *bounds)
    try:
        head = read_tree(text, start, end)
    except ValueError:
        head = read_tree(text, *bounds)  # an alias, say, of what stands further up
    node = head.get(_KEY) if head is not None else None
    return plain(node) if node is not None else {}


def _block(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the key stands with all that is indented below it; else the whole head."""
    at = text.find(f"\n{_KEY}:", start - 1, end) + 1
    if not at:
        return start, end
    stop = text.find("\n", at, end) + 1 or end
    while stop < end and (text[stop] in " \t\r\n#-"):
        stop = text.find("\n", stop, end) + 1 or end
    return at, stop


def plain(node: Node, depth: int = 0) -> Any:  # noqa: ANN401
    """Return the value of a node; what is too deep for a declaration is left out."""
    if depth > _DEEPEST:
        return None
    if node.is_mapping:
        return {
            key.value: plain(value, depth + 1)
            for key, value in node.pairs()
            if isinstance(key.value, str)
        }
    return [plain(item, depth + 1) for item in node.value] if node.is_list else node.value
