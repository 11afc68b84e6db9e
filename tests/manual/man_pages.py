"""Pages of the manual: one for the program, one for each verb, one for each sort of word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meta_experiment.cli.main import SECTIONS, group
from meta_experiment.cli.manual import all_entries
from meta_experiment.cli.verb_command import PROGRAM
from meta_experiment.render.blocks import Block, Commands, Facts, Heading, Paragraph, Section
from meta_experiment.render.manual import coded, entry_sections
from meta_experiment.render.style import Style
from meta_experiment.render.writers import ROFF, write
from meta_experiment.types.results.manual import ManualEntry, ManualSort

_MADE = '.\\" Made by python -m tests.manual.generate'
WORDS = {
    ManualSort.WORD: ("words", "what the words mean that are used everywhere"),
    ManualSort.DECISION: ("decisions", "what an analysis comes to"),
    ManualSort.STATUS: ("statuses", "the stages in the life of an experiment"),
    ManualSort.REASON_CODE: ("reasons", "why a decision is what it is"),
    ManualSort.ERROR_KIND: ("errors", "why a command was refused or failed"),
    ManualSort.METRIC: ("metrics", "what is measured"),
    ManualSort.OPTION: ("options", "each option, and the verbs that take it"),
}


def pages() -> dict[str, str]:
    """Return every page by its file below `share/man`."""
    found = {f"man1/{PROGRAM}.1": _page(PROGRAM, 1, _program())}
    for entry in _verbs():
        name = _called(entry.name)
        found[f"man1/{name}.1"] = _page(name, 1, _verb(name, entry))
    for sort, (word, about) in WORDS.items():
        name = f"{PROGRAM}-{word}"
        found[f"man7/{name}.7"] = _page(name, 7, _words(name, about, sort))
    return found


def _called(words: str) -> str:
    return f"{PROGRAM}-{words.replace(' ', '-')}"


def _verbs() -> list[ManualEntry]:
    return [
        entry for entry in all_entries() if entry.sort in (ManualSort.VERB, ManualSort.NOUN)
    ]


def _page(name: str, number: int, sections: Iterable[Section]) -> str:
    title = f'.TH {name.upper()} {number} "" {PROGRAM}'
    return "\n".join((_MADE, title, write(ROFF, list(sections), Style()), ""))


def _head(name: str, about: str, usage: str) -> Iterator[Section]:
    yield (Heading("NAME"), Paragraph((f"{name} - {about.rstrip('.')}",)))
    if usage:
        yield (Heading("SYNOPSIS"), Paragraph((usage,)))


def _verb(name: str, entry: ManualEntry) -> Iterator[Section]:
    yield from _head(name, entry.summary, entry.usage)
    if entry.about:
        yield (Heading("DESCRIPTION"), *(Paragraph((coded(part),)) for part in entry.about))
    for terms in entry.terms:
        yield (Heading(terms.title.upper()), _facts(terms.rows))
    if entry.example:
        yield (Heading("EXAMPLES"), Commands(entry.example))
    yield (Heading("SEE ALSO"), Paragraph((f"{PROGRAM}(1)",)))


def _program() -> Iterator[Section]:
    about = (group.help or "").replace("\b", "").split("\n\n")
    yield from _head(PROGRAM, about[0], f"{PROGRAM} VERB [OPTIONS] …")
    said = {entry.name: entry.summary for entry in _verbs()}
    yield (Heading("VERBS"),)
    for section, verbs in SECTIONS.items():
        rows = [(name, said[name]) for name in said if name.split()[0] in verbs]
        yield (Heading(section, level=2), _facts(rows))
    for title, sort in (
        ("EXIT STATUS", ManualSort.EXIT_CODE),
        ("ENVIRONMENT", ManualSort.VARIABLE),
    ):
        rows = [(entry.name, entry.summary) for entry in all_entries() if entry.sort == sort]
        yield (Heading(title), _facts(rows))
    others = [f"{_called(name)}(1)" for name in said]
    others += [f"{PROGRAM}-{word}(7)" for word, _ in WORDS.values()]
    yield (Heading("SEE ALSO"), Paragraph((", ".join(others),)))


def _words(name: str, about: str, sort: ManualSort) -> Iterator[Section]:
    yield from _head(name, about, "")
    yield (Heading("DESCRIPTION"), Paragraph((f"Also: {PROGRAM} help WORD",)))
    for entry in all_entries():
        if entry.sort == sort:
            yield from entry_sections(entry, 1)
    yield (Heading("SEE ALSO"), Paragraph((f"{PROGRAM}(1)",)))


def _facts(rows: Iterable[tuple[str, str]]) -> Block:
    return Facts(tuple((coded(f"`{name}`"), coded(said)) for name, said in rows))
