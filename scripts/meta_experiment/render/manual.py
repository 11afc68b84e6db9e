"""Explanations as blocks: pages of help, of the manual and of the reference alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from meta_experiment.render.blocks import (
    Block,
    Commands,
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Section,
    Text,
)
from meta_experiment.render.words import capital
from meta_experiment.types.results.manual import Manual, ManualEntry, ManualTerms

_CODE = re.compile(r"`([^`]+)`|(?<![\w-])(--[a-z][\w-]*(?: [A-Z]+)?)")
_WIDEST = 24  # columns of terms, whose explanations begin beside them


def manual_page(answer: Manual) -> Page:
    """Write what was asked for: one explanation or several, or of all there are the names."""
    if answer.topic:
        return tuple(
            part for entry in answer.entries for part in entry_sections(entry, 1, entry.sort)
        )
    return tuple(_names(answer.entries))


def entry_sections(entry: ManualEntry, level: int, detail: str = "") -> Iterator[Section]:
    """Yield the sections of one explanation, below a heading of a level."""
    yield (Heading(entry.name, detail, level), Paragraph((coded(entry.summary),)))
    if entry.usage:
        yield (Paragraph((Emphasis(entry.usage, "code"),)),)
    for paragraph in entry.about:
        yield (Paragraph((coded(paragraph),)),)
    for terms in entry.terms:
        yield (Heading(terms.title, level=level + 1), _facts(terms))
    if entry.example:
        yield (Heading("Example", level=level + 1), Commands(entry.example))


def coded(text: str) -> Text:
    """Return a text in which what is typed stands out: what has backticks, and options."""
    parts: list[Text] = []
    end = 0
    for found in _CODE.finditer(text):
        parts += [text[end : found.start()], Emphasis(found[1] or found[2], "code")]
        end = found.end()
    return (*parts, text[end:]) if parts else text


def _facts(terms: ManualTerms) -> Block:
    longest = max(len(name) for name, _ in terms.rows)
    rows = ((Emphasis(name, "code"), coded(said)) for name, said in terms.rows)
    return Facts(tuple(rows), min(longest, _WIDEST))


def _names(entries: Iterable[ManualEntry]) -> Iterator[Section]:
    sorts: dict[str, list[tuple[str, str]]] = {}
    for entry in entries:
        sorts.setdefault(entry.sort, []).append((entry.name, entry.summary))
    for sort, rows in sorts.items():
        yield (
            Heading(f"{capital(sort)}s"),
            _facts(ManualTerms(sort, tuple(rows))),
        )
