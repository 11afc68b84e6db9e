"""A workflow file: its head, which declares experiments, and its body, which uses them.

The head is what stands between the first line, if that is `---`, and the next such line; what
the body holds of fenced examples declares nothing.
"""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.workflows import Oddity, OddityLevel
from meta_experiment.workflows.workflow_head import (
    BYTE_ORDER_MARK,
    OpenHeadError,
    head_bounds,
    line_end,
)
from meta_experiment.workflows.yaml_tree import Node, TreeError, read_tree


@dataclass(frozen=True, slots=True)
class WorkflowDocument:
    """The text of a workflow file and the tree of its head.

    `head` is None where there is none that can be read; `oddities` then say why. `body` is
    where the text below the head begins.
    """

    text: str
    head: Node | None
    body: int
    oddities: tuple[Oddity, ...] = ()

    @property
    def experiments(self) -> Node | None:
        """What stands under `experiments:`."""
        return self.head.get("experiments") if self.head is not None else None

    @property
    def title(self) -> str | None:
        """What its runs call it: its name, else its first heading; None without both."""
        name = self.head.get("name") if self.head is not None else None
        if name is not None and isinstance(name.value, str) and name.value.strip():
            return name.value.strip()
        lines = self.text[self.body :].splitlines()
        return next((line[2:].strip() for line in lines if line.startswith("# ")), None)


def read_document(data: bytes) -> WorkflowDocument:
    """Read the bytes of a workflow file, whatever they are."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return WorkflowDocument("", None, 0, (_error("is not text in UTF-8", line, 1),))
    return document_of(text)


def document_of(text: str) -> WorkflowDocument:
    """Read the text of a workflow file; its first character may be a byte order mark."""
    oddities = []
    if text.startswith(BYTE_ORDER_MARK):
        message = "begins with a byte order mark, behind which gh-aw may see no frontmatter"
        oddities.append(Oddity(1, 1, OddityLevel.WARNING, message))
    try:
        bounds = head_bounds(text)
    except OpenHeadError:
        message = "has frontmatter that no second line of --- ends"
        oddities.append(_error(message, 1, 1))
        return WorkflowDocument(text, None, len(text), tuple(oddities))
    if bounds is None:
        return WorkflowDocument(text, None, 0, tuple(oddities))
    try:
        head = read_tree(text, *bounds)
    except TreeError as error:
        message = f"has frontmatter that is no YAML: {error}"
        oddities.append(_error(message, error.line, error.column))
        head = None
    return WorkflowDocument(text, head, line_end(text, bounds[1]), tuple(oddities))


def _error(message: str, line: int, column: int) -> Oddity:
    return Oddity(line, column, OddityLevel.ERROR, message)
