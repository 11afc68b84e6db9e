"""All that is explained: verbs, options and words, found by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from meta_experiment.cli.verb_manual import option_entries, verb_entries
from meta_experiment.errors import NotFoundError, UsageError, cite
from meta_experiment.manual.word_entries import word_entries
from meta_experiment.model.fields import suggestion
from meta_experiment.types.results.manual import Manual, ManualEntry, ManualSort

_LONG = (ManualSort.VERB, ManualSort.NOUN)  # a page each, so that other meanings go before


@cache
def all_entries() -> tuple[ManualEntry, ...]:
    """Return the explanation of every verb, word and option."""
    return (*_pages_and_words(), *_options())


def found(topic: str) -> Manual:
    """Return what is explained under a name; without one, everything.

    Raises:
        NotFoundError: nothing is; the nearest name is said. UsageError: so for an option.
    """
    if not topic:
        return Manual("", all_entries())
    called = topic.removeprefix("/").removeprefix("meta-experiment ").strip()
    is_option = called.startswith("-")
    first, second = (_options, _pages_and_words)[:: 1 if is_option else -1]
    named = _named(called, first()) or _named(called, second())
    if not named:
        near = suggestion(called, [entry.name for entry in all_entries()])
        if is_option:
            raise UsageError(f"There is no option {cite(called)}.", hint=near)
        raise NotFoundError(
            f"There is no help on {cite(topic)}.",
            hint=near or "All that is explained: meta-experiment help",
        )
    return Manual(called, tuple(sorted(named, key=lambda entry: entry.sort in _LONG)))


@cache
def _pages_and_words() -> tuple[ManualEntry, ...]:
    from meta_experiment.cli.main import group

    return (*verb_entries(group), *word_entries())


@cache
def _options() -> tuple[ManualEntry, ...]:
    """Return every option, for which every verb is walked: only where nothing else is meant."""
    from meta_experiment.cli.main import group

    return tuple(option_entries(group))


def _named(called: str, entries: Sequence[ManualEntry]) -> list[ManualEntry]:
    """Return what is called so; else what is said so."""
    return [entry for entry in entries if entry.name == called] or [
        entry for entry in entries if _spoken(entry.name) == _spoken(called)
    ]


def _spoken(name: str) -> str:
    """Return a name as it is said: without capitals, hyphens and what else is only typed."""
    return re.sub(r"[\W_]+", " ", name.casefold()).strip() or name
