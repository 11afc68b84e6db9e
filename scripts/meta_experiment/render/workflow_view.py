"""Page of one agentic workflow and its experiments."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import Facts, Heading, Notes, Page, Section, Text
from meta_experiment.types.results.workflow_list import CompiledState
from meta_experiment.types.results.workflow_view import VariantUses, WorkflowView
from meta_experiment.types.workflows import DeclaredExperiment, NotifyTargets
from meta_experiment.workflows.native_metrics import matched

_COMPILED = {
    CompiledState.CURRENT: "up to date",
    CompiledState.STALE: "older than the workflow; nothing changes until it is compiled",
    CompiledState.MISSING: "not compiled",
    CompiledState.ALONE: "this is the compiled file; its source is not here",
}
_MOST = 50  # oddities that are listed


def workflow_page(found: WorkflowView) -> Page:
    """Show a workflow, each of its experiments, and what is odd."""
    uses = {item.experiment: item for item in found.uses}
    sections: list[Section] = [
        (
            Heading(words.name(found.workflow), words.name(found.file)),
            Facts(tuple(_facts(found))),
        )
    ]
    for item in found.specification.experiments:
        facts = Facts(tuple(_experiment(item, uses.get(item.name))))
        sections.append((Heading(words.name(item.name), level=2), facts))
    odd = tuple(_odd(found))
    if odd:
        sections.append((Heading("Odd", f"in {words.name(found.file)}", level=2), Notes(odd)))
    return tuple(sections)


def _facts(found: WorkflowView) -> Iterator[tuple[Text, Text]]:
    yield "Compiled", _COMPILED[found.compiled]
    if found.compile:
        yield "Next", found.compile
    yield "State", found.state or "in the cache of the repository's workflows"
    if not found.specification.experiments:
        yield "Experiments", "none"


def _experiment(
    item: DeclaredExperiment, uses: VariantUses | None
) -> Iterator[tuple[Text, Text]]:
    weight = item.weight or ()
    shares = [
        f"{words.name(one)} ({words.compact(w)})"
        for one, w in zip(item.variants, weight, strict=False)
    ]
    yield "Variants", ", ".join(shares) or words.listed(item.variants)
    yield "Draw", _drawn(item)
    yield from _metrics(item)
    yield "Samples", f"{item.min_samples:,} for each variant"
    if item.start_date or item.end_date:
        yield "Dates", f"{item.start_date or '…'} to {item.end_date or '…'}"
    if item.continual:
        stages = ", ".join(f"{share}%" for share in item.continual.ramp)
        yield "Ramp", stages
    yield from _asides(item)
    for label, text in (("Hypothesis", item.hypothesis), ("About", item.description)):
        if text:
            yield label, words.quoted(text)
    for condition in uses.conditions if uses else ():
        yield (
            "Condition",
            f"line {condition.line}: {words.quoted(condition.text)}, {condition.why}",
        )
    if uses and uses.alike:
        yield "Alike", f"nothing in the text tells {words.listed(uses.alike)} from the others"


def _metrics(item: DeclaredExperiment) -> Iterator[tuple[Text, Text]]:
    if item.metric:
        yield "Metric", words.name(item.metric) + _measured(item.metric)
    if item.secondary_metrics:
        yield "Beside", ", ".join(map(_beside, item.secondary_metrics))
    for bound in item.guardrail_metrics:
        limit = f"{bound.comparison} {words.compact(bound.bound)}"
        yield "Guardrail", f"{words.name(bound.name)} {limit}{_measured(bound.name)}"


def _asides(item: DeclaredExperiment) -> Iterator[tuple[Text, Text]]:
    """Yield what is declared beside and decides nothing."""
    if item.analysis_type:
        yield "Test", item.analysis_type.value
    if item.issue:
        yield "Issue", f"#{item.issue}"
    if item.notify:
        yield "Notify", ", ".join(_notified(item.notify))
    if item.tags:
        yield "Tags", words.listed(item.tags)


def _measured(metric: str) -> str:
    """Say of a metric that no run leaves it, with the nearest that runs do."""
    found = matched(metric)
    if found.metrics:
        return ""
    return f" (no run measures it; the nearest is {found.nearest}: --map at the import)"


def _beside(metric: str) -> str:
    return words.name(metric) + ("" if matched(metric).metrics else " (no run measures it)")


def _notified(targets: NotifyTargets) -> Iterator[str]:
    if targets.issue:
        yield f"issue #{targets.issue}"
    if targets.discussion:
        yield f"discussion #{targets.discussion}"


def _drawn(item: DeclaredExperiment) -> str:
    if item.continual is not None:
        return "by a seed and a growing share"
    if item.weight is None:
        return "the least used first, so that runs are balanced"
    even = len(set(item.weight)) == 1
    return "by weights, which is chance" + (
        ": without `weight` the same shares would be balanced" if even else ""
    )


def _odd(found: WorkflowView) -> Iterator[str]:
    oddities = found.specification.oddities
    for item in oddities[:_MOST]:
        yield words.one_line(f"{item.line}:{item.column} {item.level.value}: {item.message}")
    if len(oddities) > _MOST:
        yield f"{len(oddities) - _MOST:,} more: --json"
