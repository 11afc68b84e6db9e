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
from meta_experiment.types.results.manual import Manual, ManualEntry, ManualSort, ManualTerms

_CODE = re.compile(r"`([^`]+)`|(?<![\w-])(--[a-z][\w-]*(?: [A-Z]+)?)")
_PLURAL = {ManualSort.STATUS: "Statuses"}
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
    sorts: dict[ManualSort, list[ManualEntry]] = {}
    for entry in entries:
        sorts.setdefault(entry.sort, []).append(entry)
    for sort, named in sorts.items():
        yield (Heading(_PLURAL.get(sort, f"{capital(sort)}s")), _listed(sort, named))


def _listed(sort: ManualSort, entries: Iterable[ManualEntry]) -> Block:
    if sort == ManualSort.OPTION:  # so many that what each says would bury the rest
        return Paragraph((", ".join(entry.name for entry in entries),))
    return _facts(ManualTerms(sort, tuple((entry.name, entry.summary) for entry in entries)))
