"""What is told before anything is spent: what so many cases can show, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meta_experiment.decide.case_limits import fewest_cases, limits_of
from meta_experiment.types import Experiment, Trial
from meta_experiment.types.cases import Case, CriterionKind
from meta_experiment.types.runs import RunBlock

_COST, _TOKENS, _SECONDS = "cost_usd", "total_tokens", "active_seconds"


def outlook(
    experiment: Experiment, trials: Sequence[Trial], cases: int, runs_left: int, at_once: int
) -> Iterator[str]:
    """Say, a sentence each, what the runs that are left can show and will take.

    `trials` are those that were recorded before: their price and time are what is known.
    `cases` are all that there will be evidence of, those of earlier calls included.
    """
    plan = experiment.plan
    by_evidence = fewest_cases(plan)
    fewest = max(by_evidence, plan.sample_size)
    name = experiment.experiment_id
    if cases < fewest:
        yield (
            f"{cases} cases cannot decide, whatever comes: this plan needs {fewest} that ran "
            f"in every arm ({by_evidence} by its evidence, {plan.sample_size} by its "
            "minimum). Repeats make a case surer, they are no more cases. "
            + (
                f"meta-experiment amend {name} --set sample_size={by_evidence} --why … "
                "lowers the minimum."
                if cases >= by_evidence
                else "Add cases."
            )
        )
    if trials:
        yield from limits_of(plan, trials)
    yield _price(trials, runs_left, at_once)


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


def _price(trials: Sequence[Trial], runs: int, at_once: int) -> str:
    cost, tokens, seconds = (_mean(trials, name) for name in (_COST, _TOKENS, _SECONDS))
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
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.3g} minutes"


def _mean(trials: Sequence[Trial], name: str) -> float | None:
    values = [item.metrics[name] for item in trials if name in item.metrics]
    return sum(values) / len(values) if values else None
