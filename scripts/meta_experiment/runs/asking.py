"""Questions to a judge: each in an empty folder whose name tells no variant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from meta_experiment.assign.uniform import sha256
from meta_experiment.runs.agents import Agent
from meta_experiment.runs.agents.agent import Task
from meta_experiment.runs.criteria import by_model, pairwise
from meta_experiment.runs.criteria.run_work import GivenUpError
from meta_experiment.runs.run_folder import RunFolder, clear
from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import AgentReport, Failure, FailureKind, Spent

Make = Callable[[Agent, Task], AgentReport]  # starts an agent and sees it to its end
_ENDS_ALL = (FailureKind.SETUP, FailureKind.OURS)
_DIGITS = 8
_MOST_TIMES = 2  # that the machine may fail a question


def identity(judge: Agent) -> str:
    """Return a name of a judge that changes with its model, its words and its prompts."""
    prompts = f"{by_model.PROMPT}\n{pairwise.PROMPT}"
    return f"{judge.identity}, prompts {str(sha256(prompts.encode()).hexdigest())[:_DIGITS]}"


class Asking:
    """A judge who is asked about one thing.

    `spent` is what that took so far, `failure` why the last question came to no answer,
    `model` that which answered, as far as it is known.
    """

    def __init__(self, judge: Agent, folder: RunFolder, about: str, make: Make) -> None:
        """Ask nothing yet; `about` is the name of what is judged."""
        self._judge, self._folder, self._about, self._make = judge, folder, about, make
        self.spent = Spent(0.0, 0.0)
        self.failure: Failure | None = None
        self.asked = False
        self.model = ""

    @property
    def identity(self) -> str:
        """Which judge it is, and by which prompts it is asked."""
        return identity(self._judge)

    def __call__(self, question: str) -> str | None:
        """Return what the judge answers; None where it comes to no answer.

        Raises:
            GivenUpError: no question can be asked as things are set up, or all is stopped.
        """
        for _ in range(_MOST_TIMES):
            folder = self._folder.question(self._about, question.encode("utf-8", "replace"))
            empty = folder / "empty"
            self._folder.files.make_directory(empty)
            task = Task(Case("judge", question, ""), empty, folder, {})
            report = self._make(self._judge, task)
            spent = replace(report.spent, cut=report.status is not TrialStatus.OK)
            self.spent += spent
            self._folder.read_off(folder, spent)
            clear(folder)
            self.failure, self.asked = report.failure, True
            self.model = report.fingerprint.get("model", self.model)
            if report.failure is None:
                return report.output
            if report.failure.kind in _ENDS_ALL:
                why = f"the judge: {report.failure.reason}"
                raise GivenUpError(Failure(report.failure.kind, why))
            if report.failure.kind is not FailureKind.MACHINE:
                break
        return None
