"""All that is explained: verbs, options and words, found by their names."""

from __future__ import annotations

import re
from functools import cache

from meta_experiment.cli.verb_manual import option_entries, verb_entries
from meta_experiment.errors import NotFoundError, cite
from meta_experiment.manual.word_entries import word_entries
from meta_experiment.model.fields import suggestion
from meta_experiment.types.results.manual import Manual, ManualEntry, ManualSort

_LONG = (ManualSort.VERB, ManualSort.NOUN)  # a page each, so that other meanings go before


@cache
def all_entries() -> tuple[ManualEntry, ...]:
    """Return the explanation of every verb, word and option."""
    from meta_experiment.cli.main import group

    return (*verb_entries(group), *word_entries(), *option_entries(group))


def found(topic: str) -> Manual:
    """Return what is explained under a name; without one, everything.

    Raises:
        NotFoundError: nothing is; the nearest name is said.
    """
    if not topic:
        return Manual("", all_entries())
    called = topic.removeprefix("/").removeprefix("meta-experiment ").strip()
    entries = all_entries()
    named = [entry for entry in entries if entry.name == called] or [
        entry for entry in entries if _spoken(entry.name) == _spoken(called)
    ]
    if not named:
        near = suggestion(called, [entry.name for entry in entries])
        raise NotFoundError(
            f"There is no help on {cite(topic)}.",
            hint=near or "All that is explained: meta-experiment help",
        )
    return Manual(called, tuple(sorted(named, key=lambda entry: entry.sort in _LONG)))


def _spoken(name: str) -> str:
    """Return a name as it is said: without capitals, hyphens and what else is only typed."""
    return re.sub(r"[\W_]+", " ", name.casefold()).strip() or name
