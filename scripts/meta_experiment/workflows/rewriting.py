"""The next generation of an experiment, written into the file that declares it.

Only the characters of variants and weights change. That is proven before anything is
returned: the new text is read, and all else in it must be what it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.errors import NotFoundError, RefusedError, as_word, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.types.workflows import DeclaredExperiment, OddityLevel
from meta_experiment.workflows.declarations import read_declarations
from meta_experiment.workflows.document import WorkflowDocument, document_of
from meta_experiment.workflows.list_edits import Edit, edited, list_edits
from meta_experiment.workflows.yaml_tree import Node

_RAMPED = 2  # variants that a ramp asks for
Path = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A workflow's text with other variants, and what should be known of it.

    `weight` are the new weights, None where the experiment has none in force.
    """

    text: str
    weight: tuple[float, ...] | None
    notes: tuple[str, ...]


def declared_in(document: WorkflowDocument, name: str) -> DeclaredExperiment:
    """Return the experiment of that name.

    Raises:
        NotFoundError: the workflow declares no such experiment.
    """
    found = read_declarations(document)
    experiment = found.experiment(name)
    if experiment is not None:
        return experiment
    errors = [item for item in found.oddities if item.level is OddityLevel.ERROR]
    names = [item.name for item in found.experiments]
    known = f"It declares {', '.join(names)}." if names else "It declares none."
    why = f" Line {errors[0].line}: {errors[0].message}." if errors else ""
    hint = suggestion(name, names) or known
    raise NotFoundError(f"The workflow declares no experiment {cite(name)}.{why}", hint=hint)


def rewritten(document: WorkflowDocument, name: str, variants: Sequence[str]) -> Rewriting:
    """Return the text of a workflow whose experiment has these variants, control first.

    Raises:
        NotFoundError: there is no such experiment. RefusedError: what stands there has to be
            put right first, or cannot be changed alone.
    """
    experiment = declared_in(document, name)
    target = _target(document, name)
    _refuse_unready(experiment, target, variants)
    weight = _weight(experiment, variants)
    edits = list_edits(document.text, target.variants, variants)
    if weight is not None and target.weight is not None and weight != experiment.weight:
        edits += list_edits(document.text, target.weight, weight)
    text = edited(document.text, edits)
    _prove(document, document_of(text), target, variants, weight)
    return Rewriting(text, weight, tuple(_notes(document.text, target, edits, weight)))


@dataclass(frozen=True, slots=True)
class RewritingTarget:
    """Where the variants and the weights of an experiment stand; `path` is that of both."""

    path: Path
    variants: Node
    weight: Node | None


def _target(document: WorkflowDocument, name: str) -> RewritingTarget:
    value, experiments = None, document.experiments
    if experiments is not None:
        value = experiments.get(name)
    if experiments is None or value is None:
        raise NotFoundError(f"The workflow declares no experiment {cite(name)}.")
    path: Path = ("experiments", name)
    variants, weight = value, None
    if value.is_mapping:
        found, weight = value.get("variants"), value.get("weight")
        variants = found or value
    holders = (experiments, value) if value.is_mapping else (experiments,)
    own = [part for holder in holders for part in holder.value]
    for node in (variants, weight):
        held = node is None or any(node is item for _, item in own)
        if not held or any(holder.style == "*" for holder in holders):
            raise RefusedError(
                f"{name} takes over what an anchor holds; a change would reach further.",
                hint=f"Write its variants out at line {value.line}, then run this again.",
            )
    return RewritingTarget(path, variants, weight)


def _refuse_unready(
    experiment: DeclaredExperiment, target: RewritingTarget, variants: Sequence[str]
) -> None:
    name = experiment.name
    odd = next((x for x in target.variants.value if not isinstance(x.value, str)), None)
    if odd is not None:
        raise RefusedError(
            f"The variants of {name} hold what is no text (line {odd.line}, column "
            f"{odd.column}), which gh-aw drops.",
            hint="Put it in quotes or take it out, then run this again.",
        )
    if experiment.continual is not None and len(variants) != _RAMPED:
        raise RefusedError(
            f"{name} ramps up, for which gh-aw asks for exactly two variants; these are "
            f"{len(variants)}.",
            hint="Name the two with --variant, or take `continual` out of the workflow.",
        )
    listed = target.weight is not None and target.weight.is_list
    unused = listed and experiment.weight is None and target.weight is not None
    if unused and target.weight is not None and len(target.weight.value) == len(variants):
        raise RefusedError(
            f"The weights of {name} do not fit its variants and are not used; of "
            f"{len(variants)} variants they would be, whatever they were meant for.",
            hint=f"Put `weight` right at line {target.weight.line}, then run this again.",
        )


def _weight(
    experiment: DeclaredExperiment, variants: Sequence[str]
) -> tuple[float, ...] | None:
    """Return the weights in step: who stays keeps its own, who is new gets their mean."""
    if experiment.weight is None:
        return None
    known = dict(zip(experiment.variants, experiment.weight, strict=True))
    staying = [known[name] for name in variants if name in known]
    counted = staying or experiment.weight
    mean = sum(counted) / len(counted)
    whole = all(isinstance(item, int) for item in experiment.weight)
    new = max(1, round(mean)) if whole else mean
    return tuple(known.get(name, new) for name in variants)


def _prove(
    before: WorkflowDocument,
    after: WorkflowDocument,
    target: RewritingTarget,
    variants: Sequence[str],
    weight: Sequence[float] | None,
) -> None:
    """Read what was written; refuse it where more than the lists differs."""
    name = str(target.path[-1])
    anchored = {part.anchor for part in _changed(target, weight) if part.style != "*"} - {""}
    head = before.head
    users = [part for part in head.parts() if part.style == "*"] if head else []
    used = next((part for part in users if part.anchor in anchored), None)
    if used is not None:
        raise RefusedError(
            f"{as_word(used.anchor)} is anchored in {name} and used again at line {used.line}, "
            "which would change with it.",
            hint=f"Write the value out at line {used.line}, then run this again.",
        )
    found = after.experiments.get(name) if after.experiments is not None else None
    listed = found.get("variants") if found is not None and found.is_mapping else found
    read = declared_in(after, name)
    same = dict(_leaves(before, target)) == dict(_leaves(after, target))
    if listed is None or read.variants != tuple(variants) or read.weight != weight or not same:
        raise RefusedError(
            f"The variants of {name} cannot be replaced alone where they stand: line "
            f"{target.variants.line}.",
            hint="Write them as a plain list, such as [one, two], then run this again.",
        )


def _changed(target: RewritingTarget, weight: Sequence[float] | None) -> Iterator[Node]:
    yield from target.variants.parts()
    if weight is not None and target.weight is not None:
        yield from target.weight.parts()


def _leaves(
    document: WorkflowDocument, target: RewritingTarget
) -> Iterator[tuple[Path, object]]:
    """Yield every value of a head by its path but for the lists that change."""
    lists = {target.path, (*target.path, "variants"), (*target.path, "weight")}
    todo: list[tuple[Path, Node]] = [((), document.head)] if document.head else []
    while todo:
        path, node = todo.pop()
        if path in lists and not node.is_mapping:
            yield path, "a list"
        elif node.style == "*":
            yield path, f"*{node.anchor}"
        elif node.is_mapping:
            yield path, tuple(_key(key) for key, _ in node.value)
            todo += [((*path, _key(key)), value) for key, value in node.value]
        elif node.is_list:
            yield path, len(node.value)
            todo += [((*path, number), item) for number, item in enumerate(node.value)]
        else:
            yield path, repr(node.value)


def _key(node: Node) -> object:
    return repr(node.value) if not isinstance(node.value, str) else node.value


def _notes(
    text: str, target: RewritingTarget, edits: Sequence[Edit], weight: Sequence[float] | None
) -> Iterator[str]:
    """Say what a reader of the new file should look at."""
    changed = [edit.start for edit in edits]
    beside = {
        item.line
        for item in target.variants.value
        if item.start in changed and _comment_behind(text, item)
    }
    if beside:
        lines = ", ".join(map(str, sorted(beside)))
        yield f"comments stay in their lines: look whether they fit the new variants ({lines})"
    if weight is not None and not any(weight):
        yield "no weight is above 0: every run would get the first variant"


def _comment_behind(text: str, item: Node) -> bool:
    end = text.find("\n", item.end)
    return "#" in text[item.end : end if end >= 0 else len(text)]
