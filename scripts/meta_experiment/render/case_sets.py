"""Page of `cases check`: what a set of cases is."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Emphasis, Facts, Heading, Page, Text
from meta_experiment.types.results.case_sets import CaseSetResult


def case_set_page(found: CaseSetResult) -> Page:
    """Show how many there are, and what of their runs can be judged."""
    rows: list[tuple[Text, Text]] = [("Judged", _judged(found))]
    if found.criteria:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.criteria.items())
        rows.append(("Criteria", kinds))
    if found.pinned:
        missing = (
            (Emphasis(f"; not in this repository: {words.listed(found.missing)}", "bad"),)
            if found.missing
            else ()
        )
        rows.append(("Commits", (f"{found.pinned:,} name one", *missing)))
    if found.mined:
        rows.append(("Past", f"{found.mined:,} made of past uses"))
    rows.append(("Together", _together(found)))
    return ((Heading(words.counted(found.cases, "case"), found.path), Facts(tuple(rows))),)


def _judged(found: CaseSetResult) -> str:
    parts = [f"{found.judged:,} have a criterion that needs nobody"]
    if found.by_hand:
        parts.append(f"{found.by_hand:,} wait for a person or a model")
    if found.unjudged:
        parts.append(f"{found.unjudged:,} not at all: only time, tokens and cost are compared")
    return "; ".join(parts)


def _together(found: CaseSetResult) -> str:
    if len(found.waves) == 1:
        return "all may run at the same time"
    return f"in {len(found.waves):,} waves, as some share files or needs"
