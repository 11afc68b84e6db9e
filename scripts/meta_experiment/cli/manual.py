"""All that is explained: verbs and words, found by their names."""

from __future__ import annotations

from functools import cache

from meta_experiment.cli.verb_manual import verb_entries
from meta_experiment.errors import NotFoundError, cite
from meta_experiment.manual.word_entries import word_entries
from meta_experiment.model.fields import suggestion
from meta_experiment.types.results.manual import Manual, ManualEntry


@cache
def all_entries() -> tuple[ManualEntry, ...]:
    """Return the explanation of every verb and every word."""
    from meta_experiment.cli.main import group

    return (*verb_entries(group), *word_entries())


def found(topic: str) -> Manual:
    """Return what is explained under a name; without one, everything.

    Raises:
        NotFoundError: nothing is; the nearest name is said.
    """
    if not topic:
        return Manual("", all_entries())
    called = topic.removeprefix("/").removeprefix("meta-experiment ").strip()
    named = [entry for entry in all_entries() if entry.name == called]
    if not named:
        near = suggestion(called, [entry.name for entry in all_entries()])
        raise NotFoundError(
            f"There is no help on {cite(topic)}.",
            hint=near or "All that is explained: meta-experiment help",
        )
    return Manual(called, tuple(named))
