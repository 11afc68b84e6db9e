"""Any command line as an agent: the prompt on stdin, its answer on stdout.

    META_EXPERIMENT_PROMPT   the file under experiment, as it stands in the run's checkout
    META_EXPERIMENT_METRICS  where it may write one JSON object of numbers that it measured

It ends with 0 when it did its work, with 75 (EX_TEMPFAIL of sysexits.h) when the machine or
the network failed it, so that the run is made again; anything else is its own failure.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import DependencyError, UsageError, as_word, cite
from meta_experiment.files.programs import find_program
from meta_experiment.runs.agents import left_files
from meta_experiment.runs.agents.agent import AgentOptions, Task
from meta_experiment.runs.agents.surroundings import surroundings
from meta_experiment.runs.supervising import Launch, ProgramEnding
from meta_experiment.types import TrialStatus
from meta_experiment.types.runs import AgentReport, Failure, FailureKind, Spent

_METRICS = "metrics.json"
_MOST_METRICS = 64 * 1024  # bytes
_MOST_ANSWER = 4 * 1024 * 1024
_TRY_AGAIN = 75
_DIGITS = 8
_COST, _TOKENS = "cost_usd", "total_tokens"
_DURATIONS = ("duration_seconds", "active_seconds")
_NEVER_NEGATIVE = (_COST, _TOKENS, *_DURATIONS)


class CommandLine:
    """A program with its arguments, started without a shell."""

    takes_history = False

    def __init__(
        self, words: str, options: AgentOptions, environment: Mapping[str, str]
    ) -> None:
        """Read a command line as a shell would, without being one.

        Raises:
            UsageError: a quote is not closed, or there is no word, or a run is to cost no
                more than so much, to which nobody can hold it.
        """
        if options.most_usd is not None:
            raise UsageError(
                "--max-budget-usd holds for claude alone; no other program can be held to it.",
                hint="--max-usd and --max-tokens hold for all runs together.",
            )
        try:
            self._words = tuple(shlex.split(words))
        except ValueError as error:
            raise UsageError(
                f"The agent {cite(words)} cannot be read as a command line: {error}."
            ) from error
        if not self._words:
            raise UsageError(
                "The agent has no name.", hint="For example --agent claude, or a command."
            )
        self._options = options
        self._environment = environment

    @property
    def name(self) -> str:
        """The program, without its folder."""
        return os.path.basename(self._words[0])  # noqa: PTH119 - may be no path

    @property
    def identity(self) -> str:
        """The program, and what tells its command line from others without repeating it."""
        digest = sha256("\0".join(self._words).encode("utf-8", "replace")).hexdigest()
        return f"{self.name} {str(digest)[:_DIGITS]}"

    def require(self) -> None:
        """Look for the program.

        Raises:
            DependencyError: PATH has none of that name.
        """
        self._program()

    def launch(self, task: Task) -> Launch:
        """Start it in the checkout, the case's prompt on its stdin."""
        environment = surroundings(task, self._environment) | {
            "META_EXPERIMENT_PROMPT": os.pathsep.join(
                str(task.checkout / path) for path in task.texts
            ),
            "META_EXPERIMENT_METRICS": str(task.attempt / _METRICS),
        }
        return Launch(
            command=(self._program(), *self._words[1:]),
            directory=task.checkout,
            environment=environment,
            stdin=task.prompt,
            folder=task.attempt,
            within=task.case.timeout_seconds or self._options.within,
            output_limit=self._options.most_output,
        )

    def stuck(self, task: Task) -> Failure | None:
        """Know nothing of it: its time-out ends it."""
        del task
        return None

    def report(self, task: Task, ending: ProgramEnding) -> AgentReport:
        """Read its exit code, its answer and what it measured."""
        status, failure = _judged(self.name, ending)
        said, doubt = _measured(task)
        metrics = dict.fromkeys(_DURATIONS, ending.seconds) | said
        answer = left_files.head(task.attempt / "stdout", _MOST_ANSWER)
        if doubt and failure is None:
            status, failure = TrialStatus.ERROR, Failure(FailureKind.SETUP, doubt)
        return AgentReport(
            status=status,
            output=answer.decode("utf-8", "replace"),
            metrics=metrics,
            spent=Spent(metrics.get(_COST), metrics.get(_TOKENS)),
            failure=failure,
            fingerprint={"agent": self.identity},
        )

    def _program(self) -> str:
        found = find_program(self._words[0], self._environment)
        if found is None:
            raise DependencyError(
                f"There is no program {as_word(self._words[0])} to run as an agent.",
                hint="Install it, or name it with its folder: --agent '/PATH/PROGRAM …'",
            )
        return found


def _judged(name: str, ending: ProgramEnding) -> tuple[TrialStatus, Failure | None]:
    """Say how a program ended, and whose fault it was where it did not end well."""
    if ending.lost or ending.stopped:
        return TrialStatus.INTERRUPTED, Failure(FailureKind.OURS, "it was stopped")
    if ending.timed_out:
        why = f"it did not end within {ending.seconds:.3g} seconds"
        return TrialStatus.TIMEOUT, Failure(FailureKind.AGENT, why)
    if ending.flooded:
        return TrialStatus.ERROR, Failure(FailureKind.AGENT, "it printed too much")
    if ending.code == 0:
        return TrialStatus.OK, None
    if ending.code == _TRY_AGAIN:
        return TrialStatus.ERROR, Failure(FailureKind.MACHINE, f"{name} asks to try again (75)")
    return TrialStatus.ERROR, Failure(FailureKind.AGENT, f"{name} ended with {ending.code}")


def _measured(task: Task) -> tuple[dict[str, float], str | None]:
    """Return what the program measured, and what is wrong with it."""
    data = left_files.head(task.attempt / _METRICS, _MOST_METRICS + 1)
    if not data.strip():
        return {}, None
    wrong = "what it wrote to META_EXPERIMENT_METRICS is no JSON object of numbers"
    try:
        found = left_files.json_value(data) if len(data) <= _MOST_METRICS else None
    except ValueError:
        return {}, wrong
    if not isinstance(found, dict):
        return {}, wrong
    values = {}
    for name, value in found.items():
        number = left_files.number(value)
        if number is None or (number < 0 and name in _NEVER_NEGATIVE):
            return {}, f"{wrong}: {as_word(str(name))} is {cite(value, 40)}"
        values[str(name)] = number
    return values, None
