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
    """Return what stands under `experiments:`; the whole head has to be YAML.

    Raises TreeError or OpenHeadError, both of them a ValueError.
    """
    bounds = head_bounds(text)
    head = None if bounds is None else read_tree(text, *bounds)
    node = head.get(_KEY) if head is not None else None
    return plain(node) if node is not None else {}


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
