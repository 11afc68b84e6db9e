"""Runs with their variants and what they came to: which count, and why others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from meta_experiment.records import dataclass
from meta_experiment.workflows.outcomes.measuring import RunOutcome
from meta_experiment.workflows.state.ledger import LedgerRun, RunLedger
from meta_experiment.workflows.state.tally import DrawDates, was_gated
from meta_experiment.workflows.state.union import attempts

GATED = "outside the experiment's dates"
CONTAMINATED = "had another variant in another attempt"
UNDECLARED = "of a variant that is not declared"
NO_OUTCOME = "without artifacts here: expired, or not downloaded"
NO_VARIANT = "names no variant"


@dataclass(frozen=True, slots=True)
class JoinedRun:
    """The latest attempt of a run that was drawn a variant; `at` is in epoch seconds.

    `outcome` is None where the run left its variant and nothing of how it ended.
    """

    run_id: str
    attempt: int
    variant: str
    at: float | None
    harness: str | None
    outcome: RunOutcome | None


@dataclass(frozen=True, slots=True)
class JoinedRuns:
    """Runs of one experiment that count, in the order of time.

    `excluded` counts the others by reason. `contaminated` are ids of runs that had several
    variants; `undeclared` counts runs by variants that nobody declares.
    """

    runs: tuple[JoinedRun, ...]
    excluded: Mapping[str, int]
    contaminated: tuple[str, ...]
    undeclared: Mapping[str, int]


def joined(
    ledger: RunLedger,
    outcomes: Iterable[RunOutcome],
    experiment: str,
    declared: Sequence[str],
    dates: Sequence[DrawDates] = (),
) -> JoinedRuns:
    """Join the state of a workflow with what its runs came to, for one experiment.

    Args:
        ledger: which run had which variant.
        outcomes: of those whose artifacts are here.
        experiment: its name.
        declared: its variants.
        dates: on which it drew, from when on each.
    """
    known = sorted(dates, key=lambda item: item.since)
    ended: dict[str, dict[int, RunOutcome]] = {}
    for outcome in outcomes:
        if outcome.run_id is not None:
            ended.setdefault(outcome.run_id, {})[outcome.attempt or 1] = outcome
    excluded: Counter[str] = Counter()
    undeclared: Counter[str] = Counter()
    runs, contaminated, seen = [], [], set()
    for run_id, same in attempts(ledger).items():
        own = [run for run in same if experiment in run.assignments]
        if not own:
            continue
        seen.add(run_id)
        variant = own[-1].assignments[experiment]
        reason = None
        if len({run.assignments[experiment] for run in own}) > 1:
            contaminated.append(run_id)
            reason = CONTAMINATED
        elif was_gated(own[-1], experiment, known):
            reason = GATED
        elif variant not in declared:
            undeclared[variant] += 1
            reason = UNDECLARED
        elif run_id not in ended:
            reason = NO_OUTCOME
        if reason is None:
            runs.append(_run(own[-1], variant, ended[run_id]))
        else:
            excluded[reason] += 1
    excluded[NO_VARIANT] += len(ended.keys() - seen)
    runs.sort(key=_place)
    return JoinedRuns(tuple(runs), dict(+excluded), tuple(contaminated), dict(undeclared))


def _place(run: JoinedRun) -> tuple[bool, float, int, str]:
    """Order by time, then by id, which grows with time: by nothing that a run came to."""
    number = int(run.run_id) if run.run_id.isdigit() else 0
    return run.at is None, run.at or 0.0, number, run.run_id


def _run(run: LedgerRun, variant: str, ended: Mapping[int, RunOutcome]) -> JoinedRun:
    """Join a run with the outcome of its latest attempt, as far as that is here."""
    attempt = max(run.attempt or 1, *ended)
    outcome = ended.get(attempt)
    at = run.at
    if outcome is not None:
        at = outcome.began if at is None else at
        outcome = outcome if outcome.status is not None or outcome.metrics else None
    return JoinedRun(run.run_id, attempt, variant, at, run.harness, outcome)
