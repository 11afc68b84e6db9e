"""Explanations of verbs and options, from the table of the command line: none is imported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import click

from meta_experiment.cli.groups import LazyGroup
from meta_experiment.cli.verb_command import HELP_NAMES, PROGRAM, Verb
from meta_experiment.types.results import RESULTS
from meta_experiment.types.results.manual import ManualEntry, ManualSort, ManualTerms

_SCHEMAS = {verb: name for name, (_, verbs) in RESULTS.items() for verb in verbs}
_EVERY = "every verb"


def verb_entries(group: LazyGroup) -> Iterator[ManualEntry]:
    """Yield the explanation of every verb of a group; of nouns, then of their verbs."""
    for name in group.places:
        command = group.look(name)
        if isinstance(command, LazyGroup):
            yield _noun(command)
            yield from verb_entries(command)
        elif isinstance(command, Verb):
            yield _verb((*group.words, name), command)


def _noun(noun: LazyGroup) -> ManualEntry:
    called = " ".join(noun.words)
    rows = tuple((f"{called} {name}", said) for name, said in noun.rows(noun.places))
    return ManualEntry(
        called,
        ManualSort.NOUN,
        noun.help or "",
        f"{PROGRAM} {called} VERB …",
        terms=(ManualTerms("Verbs", rows),),
    )


def _verb(words: tuple[str, ...], verb: Verb) -> ManualEntry:
    context = _context(words, verb)
    paragraphs = [_line(part) for part in verb.about.split("\n\n")]
    summary, _, rest = paragraphs[0].partition(". ")
    own = {id(item) for item in verb.own}
    common = [item for item in verb.get_params(context) if id(item) not in own]
    called = " ".join(words)
    terms = (
        ManualTerms("Beside its kin", tuple(_kin(verb.kin))),
        ManualTerms("Options", tuple(_shown(verb.own, context))),
        ManualTerms("Options of every verb", tuple(_shown(common, context))),
    )
    answer = f"With `--json`: `schemas/{_SCHEMAS[called]}.v1.schema.json`."
    return ManualEntry(
        called,
        ManualSort.VERB,
        f"{summary.rstrip('.')}.",
        " ".join((context.command_path, *verb.collect_usage_pieces(context))),
        (*([rest] if rest else []), *paragraphs[1:], answer),
        tuple(item for item in terms if item.rows),
        tuple(line.removeprefix("  ") for line in verb.example.splitlines()),
    )


def option_entries(group: LazyGroup) -> Iterator[ManualEntry]:
    """Yield the explanation of every option: how it is typed, and what it says where."""
    taken: dict[str, dict[tuple[str, str], list[str]]] = {}
    for words, verb in _sketches(group):
        own = {id(item) for item in verb.own}
        for item in verb.get_params(_context(words, verb)):
            record = item.get_help_record(_context(words, verb))
            if record is None or not isinstance(item, click.Option):
                continue
            for name in (*item.opts, *item.secondary_opts):
                verbs = taken.setdefault(name, {}).setdefault(record, [])
                verbs.append(" ".join(words) if id(item) in own else _EVERY)
    for name in sorted(taken, key=lambda it: it.lstrip("-")):
        yield _option(name, taken[name])


def _option(name: str, taken: Mapping[tuple[str, str], Iterable[str]]) -> ManualEntry:
    rows = {typed: ", ".join(dict.fromkeys(verbs)) for typed, verbs in taken.items()}
    return ManualEntry(
        name,
        ManualSort.OPTION,
        f"An option of {', '.join(dict.fromkeys(rows.values()))}.",
        about=tuple(dict.fromkeys(f"`{typed}`" for typed, _ in rows)),
        terms=(ManualTerms("What it says", tuple((rows[it], it[1]) for it in rows)),),
    )


def _sketches(group: LazyGroup) -> Iterator[tuple[tuple[str, ...], Verb]]:
    for name in group.places:
        command = group.look(name)
        if isinstance(command, LazyGroup):
            yield from _sketches(command)
        elif isinstance(command, Verb):
            yield (*group.words, name), command


def _shown(
    parameters: Iterable[click.Parameter], context: click.Context
) -> Iterator[tuple[str, str]]:
    for parameter in parameters:
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            yield record


def _context(words: tuple[str, ...], verb: Verb) -> click.Context:
    called = " ".join((PROGRAM, *words))
    return click.Context(verb, info_name=called, help_option_names=HELP_NAMES)


def _kin(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, said = line.partition(" ")
        yield name, said.strip()


def _line(paragraph: str) -> str:
    return " ".join(paragraph.replace("\b", "").split())
