"""Runs with their variants and what they came to: which count, and why others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from meta_experiment.records import dataclass
from meta_experiment.types.trial import EARLIER, GATED
from meta_experiment.workflows.outcomes.measuring import RunOutcome
from meta_experiment.workflows.state.generations import CurrentGeneration, DrawTerms
from meta_experiment.workflows.state.ledger import LedgerRun, RunLedger
from meta_experiment.workflows.state.tally import has_own_dates, is_earlier, was_gated
from meta_experiment.workflows.state.union import attempts

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

    `excluded` counts the others by reason. `ruled_out` are the ids of those that can never
    count, each with its reason: several variants, a generation before, or outside of the dates.
    Those `in_doubt` are outside of dates that may not have been those of their time. Nothing is
    here of those that are `lost`, though runs before and after them left something: whoever
    fetched these looked for them as well.
    """

    runs: tuple[JoinedRun, ...]
    excluded: Mapping[str, int]
    ruled_out: Mapping[str, str]
    in_doubt: tuple[str, ...]
    lost: tuple[JoinedRun, ...] = ()

    def of(self, reason: str) -> list[str]:
        """Return the ids of those that can never count for one reason."""
        return [run_id for run_id, why in self.ruled_out.items() if why == reason]


def joined(
    ledger: RunLedger,
    outcomes: Iterable[RunOutcome],
    experiment: str,
    declared: Sequence[str],
    dates: Sequence[DrawTerms] = (),
) -> JoinedRuns:
    """Join the state of a workflow with what its runs came to, for one experiment.

    Args:
        ledger: which run had which variant.
        outcomes: of those whose artifacts are here.
        experiment: its name.
        declared: its variants.
        dates: on which it drew, and from what, from when on each.
    """
    generation = CurrentGeneration(declared, dates, ledger.runs, experiment)
    known = sorted(dates, key=lambda item: item.since)
    ended = _by_run(outcomes)
    left_out: dict[str, list[str]] = {}
    runs, missing, seen, in_doubt = [], list[JoinedRun](), set(), dict[str, None]()
    for run_id, same in attempts(ledger).items():
        own = [run for run in same if experiment in run.assignments]
        if not own:
            continue
        seen.add(run_id)
        variant = own[-1].assignments[experiment]
        reason = None
        if len({run.assignments[experiment] for run in own}) > 1:
            reason = CONTAMINATED
        elif was_gated(own[-1], experiment, known):
            reason = GATED
        elif variant not in declared:
            reason = UNDECLARED
        elif is_earlier(own[-1], experiment, declared, generation, _began(ended, run_id)):
            reason = EARLIER
        elif run_id not in ended:
            reason = NO_OUTCOME
            missing.append(_run(own[-1], variant, {}))
        if reason is None:
            runs.append(_run(own[-1], variant, ended[run_id]))
        else:
            left_out.setdefault(reason, []).append(run_id)
        if reason == GATED and not has_own_dates(own[-1], known):
            in_doubt[run_id] = None
    excluded = Counter({reason: len(ids) for reason, ids in left_out.items()})
    excluded[NO_VARIANT] += len(ended.keys() - seen)
    return JoinedRuns(
        tuple(sorted(runs, key=_place)),
        dict(+excluded),
        {
            run_id: reason
            for reason in (CONTAMINATED, EARLIER, GATED)
            for run_id in left_out.get(reason, ())
            if run_id not in in_doubt
        },
        tuple(in_doubt),
        tuple(_among(runs, missing)),
    )


def _among(runs: Iterable[JoinedRun], missing: Iterable[JoinedRun]) -> Iterator[JoinedRun]:
    """Yield those that began between the first and the last of these runs."""
    times = [run.at for run in runs if run.at is not None]
    if times:
        first, last = min(times), max(times)
        yield from (run for run in missing if run.at is not None and first < run.at < last)


def _by_run(outcomes: Iterable[RunOutcome]) -> dict[str, dict[int, RunOutcome]]:
    found: dict[str, dict[int, RunOutcome]] = {}
    for outcome in outcomes:
        if outcome.run_id is not None:
            found.setdefault(outcome.run_id, {})[outcome.attempt or 1] = outcome
    return found


def _began(ended: Mapping[str, Mapping[int, RunOutcome]], run_id: str) -> float | None:
    """Return when the first attempt of a run began that is known to have."""
    times = [item.began for item in ended.get(run_id, {}).values() if item.began is not None]
    return min(times, default=None)


def _place(run: JoinedRun) -> tuple[bool, float, int, str]:
    """Order by time, then by id, which grows with time: by nothing that a run came to."""
    number = int(run.run_id) if run.run_id.isdigit() else 0
    return run.at is None, run.at or 0.0, number, run.run_id


def _run(run: LedgerRun, variant: str, ended: Mapping[int, RunOutcome]) -> JoinedRun:
    """Join a run with the outcome of its latest attempt, as far as that is here."""
    attempt = max((run.attempt or 1, *ended))
    outcome = ended.get(attempt)
    at = run.at
    if outcome is not None:
        at = outcome.began if at is None else at
        outcome = outcome if outcome.status is not None or outcome.metrics else None
    return JoinedRun(run.run_id, attempt, variant, at, run.harness, outcome)
