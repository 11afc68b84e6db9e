"""What a workflow declares under `experiments:`, read as gh-aw reads it, and what is odd there.

Nothing is refused: what cannot be used is left out, and named with line and column. Where
gh-aw would cut a value short (weights such as 0.7) it is kept as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from meta_experiment.errors import as_word, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.types.workflows import (
    FEWEST_VARIANTS,
    DeclaredExperiment,
    HistoryIdentity,
    OddityLevel,
    StateStorage,
    WorkflowSpecification,
)
from meta_experiment.workflows.document import WorkflowDocument
from meta_experiment.workflows.field_values import FieldReader
from meta_experiment.workflows.metric_names import (
    BUILT_IN_GRADERS,
    MetricSource,
    reference_of,
)
from meta_experiment.workflows.yaml_tree import Node

RESERVED = ("storage", "identity")
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def read_declarations(document: WorkflowDocument) -> WorkflowSpecification:
    """Read all that a workflow's head says of experiments."""
    read = FieldReader(list(document.oddities))
    evals, graders = _identifiers(document.head, "evals"), _graders(document.head)
    return specification_of(document.experiments, read, evals, graders)


def specification_of(
    experiments: Node | None,
    read: FieldReader,
    evals: tuple[str, ...] | None,
    graders: tuple[str, ...] | None,
) -> WorkflowSpecification:
    """Read a map of experiments; which evals and graders there are is not known where None."""
    if experiments is None or experiments.value is None:
        return WorkflowSpecification((), oddities=tuple(read.oddities))
    if not experiments.is_mapping:
        read.error(experiments, "experiments: expected a map of names to variants")
        return WorkflowSpecification((), oddities=tuple(read.oddities))
    storage, identity = (experiments.get(name) for name in RESERVED)
    found = tuple(_experiments(experiments, read))
    _refuse_unknown(experiments, found, read, evals, graders)
    return WorkflowSpecification(
        found,
        read.word(storage, StateStorage, "storage") or StateStorage.REPO,
        read.word(identity, HistoryIdentity, "identity") or HistoryIdentity.FRONTMATTER,
        tuple(sorted(read.oddities, key=lambda item: (item.line, item.column))),
        evals or (),
        graders or (),
    )


def _experiments(experiments: Node, read: FieldReader) -> Iterator[DeclaredExperiment]:
    for key, value in experiments.pairs():
        name = key.value
        if name in RESERVED:
            continue
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            read.error(
                key,
                f"{cite(name)} cannot name an experiment, and is skipped: expected letters, "
                "digits and _, and no digit first",
            )
        elif found := _experiment(name, key, value, read):
            yield found


def _experiment(
    name: str, key: Node, value: Node, read: FieldReader
) -> DeclaredExperiment | None:
    stated = value.get("variants") if value.is_mapping else value
    if value.is_mapping and stated is None:
        read.error(key, f"{name}: has no variants, and is dropped")
        return None
    listed = stated or value
    if not listed.is_list:
        read.error(listed, f"{name}: expected a list of variants, and is dropped")
        return None
    variants = _variants(name, listed, read)
    if len(variants) < FEWEST_VARIANTS:
        many = "one variant" if variants else "no variant"
        read.error(listed, f"{name}: has {many}, and is dropped: expected two texts")
        return None
    if not value.is_mapping:
        return DeclaredExperiment(name, variants, key.line, key.column, bare=True)
    found = {part.value: node for part, node in value.pairs() if isinstance(part.value, str)}
    fields = read.experiment_fields(name, found)
    _refuse_unnamed(name, value, read)
    _settle(name, variants, found, fields, read)
    return DeclaredExperiment(name, variants, key.line, key.column, **fields)


def _variants(name: str, node: Node, read: FieldReader) -> tuple[str, ...]:
    found: list[str] = []
    for item in node.value:
        if not isinstance(item.value, str):
            read.error(item, f"{name}: a variant is no text, and is dropped; put it in quotes")
            continue
        if not item.value.strip():
            read.error(item, f"{name}: a variant is empty")
        if item.value in found:
            read.error(item, f"{name}: the variant {cite(item.value)} is named twice")
        found.append(item.value)
    return tuple(found)


def _refuse_unnamed(name: str, value: Node, read: FieldReader) -> None:
    """Name the keys that mean nothing in an experiment."""
    known = ("variants", *read.EXPERIMENT)
    for key, _ in value.pairs():
        if key.value not in known:
            read.no_field(key, name, known)


def _settle(
    name: str,
    variants: Sequence[str],
    nodes: dict[str, Node],
    fields: dict[str, object],
    read: FieldReader,
) -> None:
    """Hold fields against the variants and against one another."""
    weight, continual = fields.get("weight"), fields.get("continual")
    if isinstance(weight, tuple) and len(weight) != len(variants):
        message = f"has {len(weight)} weights for {len(variants)} variants, and none is used"
        read.error(nodes["weight"], f"{name}: {message}")
        del fields["weight"]
    elif isinstance(weight, tuple) and not any(weight):
        message = "has no weight above 0: every run gets the first variant"
        read.warn(nodes["weight"], f"{name}: {message}")
    if continual and len(variants) != FEWEST_VARIANTS:
        read.error(nodes["continual"], f"{name}: continual asks for exactly two variants")
    start, end = fields.get("start_date"), fields.get("end_date")
    if isinstance(start, str) and isinstance(end, str) and end < start:
        read.warn(nodes["end_date"], f"{name}: ends before it starts, so it never runs")


def _refuse_unknown(
    experiments: Node,
    found: Sequence[DeclaredExperiment],
    read: FieldReader,
    evals: tuple[str, ...] | None,
    graders: tuple[str, ...] | None,
) -> None:
    """Name the metrics that refer to evals or graders which nobody declares."""
    known = {
        MetricSource.EVAL: None if evals is None else frozenset(evals),
        MetricSource.GRADER: None if graders is None else BUILT_IN_GRADERS.union(graders),
    }
    for experiment in found:
        value = experiments.get(experiment.name)
        for metric, node in _metrics(value) if value else ():
            source = reference_of(metric)
            declared = known.get(source.source)
            if declared is not None and source.identifier not in declared:
                near = suggestion(source.identifier, declared) or ""
                what = f"no {source.source} {as_word(source.identifier)} is declared"
                read.error(node, f"{experiment.name}: {what}. {near}".rstrip())


def _metrics(experiment: Node) -> Iterator[tuple[str, Node]]:
    guardrails = experiment.get("guardrail_metrics")
    listed = guardrails.value if guardrails is not None and guardrails.is_list else ()
    for node in (experiment.get("metric"), *(item.get("name") for item in listed)):
        if node is not None and isinstance(node.value, str):
            yield node.value, node


def _identifiers(head: Node | None, key: str) -> tuple[str, ...]:
    """Return the identifiers of a list, or of the `questions` of a map."""
    node = head.get(key) if head is not None else None
    if node is not None and node.is_mapping:
        node = node.get("questions")
    items = node.value if node is not None and node.is_list else ()
    found = (item.get("id") for item in items)
    return tuple(str(item.value) for item in found if item is not None)


def _graders(head: Node | None) -> tuple[str, ...]:
    node = head.get("graders") if head is not None else None
    if node is not None and node.is_list:
        return _identifiers(head, "graders")
    return tuple(str(key.value) for key, _ in (node.pairs() if node else ()))


def levels(specification: WorkflowSpecification) -> dict[OddityLevel, int]:
    """Count what is odd, by how much it matters."""
    found = [item.level for item in specification.oddities]
    return {level: found.count(level) for level in OddityLevel}
