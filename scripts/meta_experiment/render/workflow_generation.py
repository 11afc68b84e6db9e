"""Page of the next generation of a workflow's experiment."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Difference,
    Facts,
    Heading,
    Page,
    Section,
    Table,
    Text,
    remarks,
)
from meta_experiment.types.results.workflow_generation import (
    GenerationPlan,
    GenerationVariant,
    WinnerSource,
)

_COLUMNS = (
    Column("variant", 32),
    Column("runs", 7, "right"),
    Column("measured", 8, "right", gap=2),
    Column("effect", 8, "right", gap=2),
    Column("evidence", 14, "right", gap=2),
    Column("", gap=2),
)
_AFTER = "runs change once it is compiled"


def generation_page(plan: GenerationPlan) -> Page:
    """Show who wins and why, the ranking, and what is or would be changed."""
    title = f"{words.name(plan.workflow)}/{words.name(plan.experiment)}"
    sections: list[Section] = [
        (Heading(title, words.name(plan.file)), Facts(tuple(_facts(plan)), width=14)),
        (Table(_COLUMNS, tuple(_row(plan, item) for item in plan.ranking)),),
    ]
    sections += remarks(_told(plan))
    if plan.diff:
        sections.append((Difference(plan.diff),))
    return tuple(sections)


def _facts(plan: GenerationPlan) -> Iterator[tuple[Text, Text]]:
    yield "Branch", plan.branch or "none: the state is in a cache"
    decision = f"{plan.decision} ({plan.reason_code})" if plan.decision else "none"
    yield "Recommendation", decision
    yield "Why", words.one_line(plan.reason)
    if plan.winner is None:
        yield "Winner", "none yet; --winner NAME names one all the same"
        return
    named = plan.chosen_by is WinnerSource.OVERRIDE
    yield "Winner", words.name(plan.winner) + (" (named, not decided)" if named else "")
    yield "Next", words.listed(plan.next_variants)
    if plan.next_weight is not None:
        yield "Weights", ", ".join(map(words.compact, plan.next_weight))
    if plan.archive is not None:
        yield "Archive", words.name(plan.archive, 200)
        yield "Compile", f"{_AFTER}: {plan.compile}"
    else:
        yield "Apply", f"--apply archives this generation and rewrites the workflow; {_AFTER}"
        yield "Compile", plan.compile


def _row(plan: GenerationPlan, item: GenerationVariant) -> tuple[str, ...]:
    marks = [
        *(["control"] if item.is_control else []),
        *(["winner"] if item.name == plan.winner else []),
        *(["does harm"] if item.is_harmful else []),
    ]
    return (
        words.name(item.name, _COLUMNS[0].width),
        f"{item.runs:,}",
        f"{item.units:,}",
        words.signed_per_cent(item.effect),
        words.e_value(item.e_value),
        ", ".join(marks),
    )


def _told(plan: GenerationPlan) -> Iterator[str]:
    for item in plan.conditions:
        yield f"line {item.line}: {words.quoted(item.text)}: {item.why}"
    if plan.alike:
        yield f"nothing in the text tells {words.listed(plan.alike)} from the others"
    yield from map(words.one_line, plan.notes)
