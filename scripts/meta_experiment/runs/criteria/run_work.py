"""What a run left behind, as criteria look at it, and what one of them says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from meta_experiment.records import dataclass
from meta_experiment.types.runs import Failure, FailureKind

# a line of the shell, its time in seconds -> exit code, None where that ran out; what it said
RunCommand = Callable[[str, float], tuple[int | None, str]]
Ask = Callable[[str], str | None]  # a question -> the answer of a model, None where it has none


class ShownWork(NamedTuple):
    """What somebody answered and changed, as it is put before a judge."""

    answer: str
    changes: str


@dataclass(frozen=True, slots=True)
class RunWork:
    """What a run left behind.

    Attributes:
        output: the last answer of the agent.
        checkout: the folder in which it worked.
        tools: the names of the tools it used, in their order.
        inputs: what each of them was given, as text; None where that is not known.
        changed: the files it changed (paths relative to the checkout, with `/`) -> how many
            lines of each, added and taken away; None where that is not known.
        run_command: runs a command in the checkout; None where none can be run.
        task: what was asked of the agent.
        shown: what a judge reads of it.
        ask: asks a model that judges; None where there is none.
    """

    output: str
    checkout: Path
    tools: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    changed: Mapping[str, int] | None = None
    run_command: RunCommand | None = None
    task: str = ""
    shown: ShownWork = ShownWork("", "")
    ask: Ask | None = None


class GivenUpError(Exception):
    """A run is not judged: nobody waits for it any more, or nothing can judge it as it is."""

    def __init__(self, failure: Failure | None = None) -> None:
        """Hold whose fault it is."""
        self.failure = failure or Failure(
            FailureKind.OURS, "it was stopped while it was judged"
        )
        super().__init__(self.failure.reason)


class Ruling(NamedTuple):
    """Whether a criterion holds, None where that cannot be said; and why, in a sentence.

    `answers` are those that it is made of, where it was asked for more than once.
    """

    passed: bool | None
    detail: str = ""
    answers: tuple[bool | None, ...] = ()
