"""Runs that nobody made: the files of their outcomes, and the trials of those that count."""

from meta_experiment.runs.criteria.judging import verdicts
from meta_experiment.runs.run_folder import AttemptStart
from meta_experiment.services.running.run_records import run_folder
from meta_experiment.services.running.run_trials import events_of
from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import Case, CriterionKind, CriterionResult
from meta_experiment.types.runs import (
    AgentReport,
    CellOutcome,
    Failure,
    FailureKind,
    RunCell,
    Spent,
)


class MadeUpRuns:
    """The runs of an experiment that runs."""

    def __init__(self, space, name):
        self.space, self.name = space, name
        self.folder = run_folder(space, name)

    def begin(self, cell, prompt=b"Do it."):
        """Begin an attempt; without more it goes on."""
        checkout = str(self.folder.slots / "0" / "project")
        start = AttemptStart(0, self.space.clock(), checkout=checkout)
        return self.folder.begin(cell, start, prompt)

    def fail(self, case, repeat, variant, reason, kind="machine"):
        """Leave an attempt that came to nothing."""
        attempt = self.begin(RunCell(case, repeat, variant))
        self.folder.read_off(attempt, Spent(0.0, 0.0), Failure(FailureKind(kind), reason))

    def end(self, case, repeat, variant, *criteria, counts=True, patch=None, **report):
        """Write the outcome of a run, and record it where it counts.

        A criterion is its result, or whether it passed.
        """
        cell = RunCell(case, repeat, variant)
        results = tuple(
            item
            if isinstance(item, CriterionResult)
            else CriterionResult(f"check-{number}", CriterionKind.CONTAINS, 1.0, item)
            for number, item in enumerate(criteria)
        )
        metrics = {"active_seconds": report.pop("seconds", 10.0), **report.pop("metrics", {})}
        judging = report.pop("judging", Spent(0.0, 0.0))
        known = {
            "status": TrialStatus.OK,
            "output": f"Done, says {variant}.\n",
            "spent": Spent(report.pop("usd", 0.01), 100.0),
            "fingerprint": {"agent": "sh", "model": "small"},
            **report,
        }
        if known["status"] is TrialStatus.OK:
            metrics |= verdicts(results)
        measured = {"duration_seconds": 10.0, "total_tokens": 100.0, **metrics}
        at = self.space.clock()
        found = AgentReport(metrics=measured, **known)
        outcome = CellOutcome(cell, found, results, at, at + 10, judging=judging)
        attempt = self.begin(cell)
        self.folder.conclude(outcome)
        self.folder.read_off(attempt, outcome.bill.whole)
        if patch is not None:
            self.folder.keep_patch(cell, patch)
        if counts:
            experiment = self.space.store.experiment(self.name)
            events = events_of(outcome, Case(case, "Do it.", "0" * 64), experiment.plan)
            self.space.store.append(self.name, list(events))
        return outcome

    def trial(self, case, repeat, variant):
        """Return the recorded trial of a run; None where it does not count."""
        log = self.space.store.trials(self.space.store.experiment(self.name))
        wanted = f"{case}.{repeat}.{variant}"
        return next((item for item in log.trials if item.trial_id == wanted), None)
