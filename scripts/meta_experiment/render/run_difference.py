"""Difference between two variants on a case, as text."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Difference, Heading, Page, Paragraph, Section, remarks
from meta_experiment.types.results.run_difference import RunDifference


def run_difference_page(found: RunDifference) -> Page:
    """Show both diffs, or say that there is none."""
    first, second = (words.name(item) for item in found.variants)
    place = f"case {words.name(found.case)}, repeat {found.repeat:,}"
    sections: list[Section] = [
        (Heading(f"{first} → {second}", place),),
        _section("Answers", found.output, "Both answered the same."),
    ]
    if found.patches is None:
        sections.append(
            (Heading("Patches", level=2), Paragraph(("What they changed was not kept.",)))
        )
    else:
        sections.append(_section("Patches", found.patches, "Both changed the same or nothing."))
    notes = ("It is cut; --max-output N shows more.",) if found.cut else ()
    return (*sections, *remarks(notes))


def _section(title: str, diff: str, same: str) -> Section:
    shown = Difference(diff) if diff else Paragraph((same,))
    return (Heading(title, level=2), shown)
