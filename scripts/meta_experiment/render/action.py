"""Page of a promotion, a rollback or an end: what it did, or would do."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Block,
    Difference,
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Text,
)
from meta_experiment.types.results.action import UNCHANGED, ActionResult

_FEW = 3  # unchanged files that are named


def action(done: ActionResult) -> Page:
    """Show what was done, or with a dry run what would be."""
    title = f"{words.name(done.experiment_id)}: {words.one_line(done.message)}"
    section: list[Block] = [Heading(title), Facts(tuple(_facts(done)), width=9)]
    if done.dry_run:
        section.insert(0, Paragraph((Emphasis("Dry run, nothing was changed.", "dim"),)))
    return (section, (Difference(done.diff),)) if done.diff else (section,)


def _facts(done: ActionResult) -> Iterator[tuple[Text, Text]]:
    alike = [item for item in done.files if item.change == UNCHANGED]
    for item in done.files:
        if item.change != UNCHANGED or len(alike) <= _FEW:
            yield item.change, words.name(item.path)
    if len(alike) > _FEW:
        yield UNCHANGED, f"{len(alike):,} files"
    if done.override:
        yield Emphasis("OVERRIDE", "warn"), Emphasis(words.quoted(done.override), "warn")
    if done.commit:
        yield "commit", done.commit[:12]
    elif done.commit_note:
        yield "not committed:", words.one_line(done.commit_note)
    if done.hint:
        yield "Next", words.one_line(done.hint)
