"""Arms that are compared alone, in the report of an analysis."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Heading, Paragraph, Section, Table
from meta_experiment.types import Analysis, Comparator, ComparatorResult, PrimaryResult

_LONGEST_REASON = 80
_MEANING = {
    Comparator.PLACEBO: (
        "{name} is the control's text, as long as the treatment's by words that say nothing: "
        "what it differs by from the control, length alone does; what the treatment differs by "
        "from it, its words do."
    ),
    Comparator.AA: "{name} is the control once more: what it differs by is noise.",
}


def comparators(analysis: Analysis) -> Iterator[Section]:
    """Show what they are beside the control, and a treatment beside its placebo."""
    if not analysis.comparators:
        return
    columns = (
        Column("compared", 30),
        Column("metric", 18, gap=2),
        Column("cases", 6, "right", gap=2),
        Column("effect", 8, "right", gap=2),
        Column("valid at every look", gap=2),
    )
    rows = tuple(_row(item, result) for item in analysis.comparators for result in item.results)
    names = {
        item.treatment: item.comparator
        for item in reversed(analysis.comparators)
        if item.control == analysis.primary.comparisons[0].control
    }
    told = [_MEANING[kind].format(name=words.printable(name)) for name, kind in names.items()]
    head = Heading("Compared alone", "(never promoted; positive is better)", level=2)
    yield (head, Table(columns, rows), Paragraph(tuple(told), indent=2))


def _row(item: ComparatorResult, result: PrimaryResult) -> tuple[str, ...]:
    (comparison,) = result.comparisons
    evidence = comparison.sequential
    return (
        f"{words.name(item.treatment, 13)} against {words.name(item.control, 13)}",
        words.printable(result.metric),
        f"{min(arm.n for arm in result.variants.values()):,}",
        words.signed_per_cent(comparison.estimate.relative),
        words.interval(evidence.interval)
        if evidence
        else words.one_line(f"no evidence: {comparison.error}", _LONGEST_REASON),
    )
