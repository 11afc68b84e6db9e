"""What is told before anything is spent: what so many cases can show, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meta_experiment.decide.case_limits import cases_to_decide, fewest_cases, limits_of
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.telling.outlook import POWER, smallest_improvement, spread_of
from meta_experiment.types import Experiment, Plan, Trial
from meta_experiment.types.cases import Case, CriterionKind
from meta_experiment.types.runs import CellOutcome, RunBlock

_COST, _TOKENS, _SECONDS = "cost_usd", "total_tokens", "active_seconds"


def outlook(experiment: Experiment, trials: Sequence[Trial], cases: int) -> Iterator[str]:
    """Say, a sentence each, what the runs that are left can show.

    `trials` are those that were recorded before. `cases` are all that there will be evidence
    of, those of earlier calls included.
    """
    plan = experiment.plan
    by_evidence, fewest = fewest_cases(plan), cases_to_decide(plan)
    name = experiment.experiment_id
    if cases < fewest:
        yield (
            f"{cases} cases cannot decide, whatever comes: this plan needs {fewest} that ran "
            f"in every arm ({by_evidence} by its evidence, {plan.sample_size} by its "
            "minimum). Repeats make a case surer, they are no more cases. "
            + (
                f"meta-experiment amend {name} --set sample_size={by_evidence} --why … "
                "lowers the minimum."
                if cases >= by_evidence and not trials
                else "Add cases."
            )
        )
    if len({trial.unit for trial in trials}) > 1:
        yield from limits_of(plan, trials)
    else:
        yield _detectable(plan, cases)


def _detectable(plan: Plan, cases: int) -> str:
    """Say what so many cases find before any has been run: of arms that have no case in common.

    How alike both arms do on a case, which lets smaller effects be found, nobody knows yet.
    """
    spread, name = spread_of(plan.primary, ()), plan.primary.name
    words = family_of(plan.primary).spread_words(spread.centre, spread.sd, plan.primary)
    size = smallest_improvement(plan, spread, cases) if cases > 1 else None
    found, alike = f"no improvement of {name}", "some where both arms do alike on a case"
    if size is not None:
        found = f"an improvement of {name} of {size:.0%} or more"
        alike = "a smaller one where both arms do alike on a case"
    return (
        f"As far as is known before any run, {cases} cases find {found} in {POWER:.0%} of "
        f"series (assuming {words}); {alike}."
    )


def verdicts_to_come(
    experiment_id: str, cases: Mapping[str, Case], left: Sequence[RunBlock], *, judged: bool
) -> Iterator[str]:
    """Say which verdicts a model or a person has to give, and what comes without them."""
    asked = {
        kind: sum(
            len(block.variants)
            * sum(item.kind is kind for item in cases[block.case_id].criteria)
            for block in left
        )
        for kind in (CriterionKind.JUDGE, CriterionKind.MANUAL)
    }
    contests = sum(
        (len(block.variants) - 1) * len(cases[block.case_id].preferences) for block in left
    )
    if contests and judged:
        yield (
            f"The judge is asked at most {contests:,} times which of two works it prefers, in "
            "both orders. What that takes is in the caps, and in no variant's cost."
        )
    elif contests:
        yield (
            f"{contests:,} preferences are for a judge and none is named: without --judge "
            "claude (or a command) nothing says which work is preferred."
        )
    if asked[CriterionKind.JUDGE] and judged:
        yield (
            f"The judge is asked for at most {asked[CriterionKind.JUDGE]:,} verdicts, twice "
            "each. What that takes is in the caps, and in no variant's cost."
        )
    elif asked[CriterionKind.JUDGE]:
        yield (
            f"{asked[CriterionKind.JUDGE]:,} verdicts are for a judge and none is named: "
            "without --judge claude (or a command) their runs have neither score nor success."
        )
    if asked[CriterionKind.MANUAL]:
        yield (
            f"{asked[CriterionKind.MANUAL]:,} verdicts are for a person: until then their runs "
            f"have neither score nor success. meta-experiment runs rate {experiment_id} --next"
        )


def first_seen(outcomes: Sequence[CellOutcome], runs_left: int, at_once: int) -> Iterator[str]:
    """Say whether all of the first block failed, and what the rest will take."""
    failures = [item.report.failure for item in outcomes]
    if all(failures) and failures[0] is not None:
        yield (
            f"None of the first {len(failures)} runs ended well: {failures[0].reason}. If that "
            "is not what the prompts are to blame for, stop here."
        )
    yield price([item.report.metrics for item in outcomes], runs_left, at_once)


def price(metrics: Sequence[Mapping[str, float]], runs: int, at_once: int) -> str:
    """Say what so many runs will take, by the metrics of those that there are."""
    cost, tokens, seconds = (_mean(metrics, name) for name in (_COST, _TOKENS, _SECONDS))
    if cost is None and tokens is None and seconds is None:
        return (
            f"At most {runs:,} runs, {at_once} at a time. What one costs is not known before "
            "the first: --max-usd, --max-tokens or --max-minutes bound the whole."
        )
    parts = [f"At most {runs:,} runs, {at_once} at a time"]
    if cost is not None:
        parts.append(f"about ${cost * runs:.2f} (${cost:.3g} each so far)")
    if tokens is not None:
        parts.append(f"{tokens * runs:,.0f} tokens")
    if seconds is not None:
        parts.append(_time(seconds * runs / at_once))
    return f"{', '.join(parts)}; fewer where the answer is known sooner."


def _time(seconds: float) -> str:
    if seconds < 1.5:
        return "a second"
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.3g} minutes"


def _mean(metrics: Sequence[Mapping[str, float]], name: str) -> float | None:
    values = [item[name] for item in metrics if name in item]
    return sum(values) / len(values) if values else None
