"""Hearing a judge: one whose answers nobody can read is not asked, and paid, to the end."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.errors import RefusedError
from meta_experiment.types.cases import CriterionKind
from meta_experiment.types.runs import CellOutcome, ContestOutcome

_MOST_UNREAD = 5  # verdicts in a row


class Hearing:
    """What a judge said of one run or block after the other."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._unread = 0

    def hear(self, outcome: CellOutcome | ContestOutcome) -> None:
        """Take in what the judge said of a run or a block.

        Raises:
            RefusedError: so often in a row nothing of it was an answer.
        """
        said = list(_said(outcome))
        if not said:
            return
        unread = [detail for readable, detail in said if not readable]
        self._unread = self._unread + 1 if len(unread) == len(said) else 0
        if self._unread >= _MOST_UNREAD:
            raise RefusedError(
                f"{_MOST_UNREAD} times in a row the judge gave no answer that can be read: "
                f"{unread[-1]}.",
                hint="Ask another (--judge, --judge-model); what it said lies in judge/ beside "
                "the runs. What has ended is not run twice.",
            )


def _said(outcome: CellOutcome | ContestOutcome) -> Iterator[tuple[bool, str]]:
    """Yield of each question that was asked whether its answers can be read, and the detail."""
    if isinstance(outcome, ContestOutcome):
        for result in outcome.results:
            if result.answers:
                yield None not in result.answers, result.detail
        checks = [item for items in outcome.checks.values() for item in items]
    else:
        checks = list(outcome.criteria)
    for item in checks:
        if item.kind is CriterionKind.JUDGE and item.answers:
            yield None not in item.answers, item.detail
