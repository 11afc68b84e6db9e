"""How far the judge of an experiment's runs is to be believed, and what it prefers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from meta_experiment.stats.agreement import agreement
from meta_experiment.types.cases import CriterionKind, CriterionResult
from meta_experiment.types.results.run_summary import (
    AgreementFigures,
    JudgeFigures,
    PreferenceFigures,
)
from meta_experiment.types.runs import CellOutcome, ContestOutcome, Spent

_LEVEL = 0.95
_TIE = 0.5


def judge_figures(
    runs: Sequence[CellOutcome], contests: Sequence[ContestOutcome]
) -> JudgeFigures | None:
    """Sum up what a judge said of runs by themselves; None where none was asked of any."""
    asked = [
        item
        for run in runs
        for item in run.criteria
        if item.kind is CriterionKind.JUDGE and item.answers
    ]
    if not asked and not contests:
        return None
    whole = [item for item in asked if None not in item.answers]
    agreeing = [item for item in whole if len(set(item.answers)) == 1]
    compared = list(_compared(agreeing))
    took = sum((one.judging for one in runs), Spent(0.0, 0.0))
    took = sum((one.spent for one in contests), took)
    return JudgeFigures(
        asked=len(asked),
        disagreements=len(whole) - len(agreeing),
        unanswered=len(asked) - len(whole),
        compared=len(compared),
        agreed=sum(one == other for one, other in compared),
        usd=took.usd,
        tokens=took.tokens or 0.0,
        agreement=agreement_figures(compared),
        judges=dict(Counter(_judges(runs)) + Counter(_judges(contests))),
    )


def agreement_figures(compared: Iterable[tuple[bool, bool]]) -> AgreementFigures | None:
    """Return how far two agree on what both judged; None without any."""
    found = agreement(compared, _LEVEL)
    if found is None:
        return None
    kappa = found.kappa
    return AgreementFigures(
        level=_LEVEL,
        share=found.share,
        low=found.low,
        high=found.high,
        kappa=kappa.value if kappa else None,
        kappa_low=kappa.low if kappa else None,
        kappa_high=kappa.high if kappa else None,
    )


def preference_figures(contests: Sequence[ContestOutcome]) -> Iterator[PreferenceFigures]:
    """Sum up which works a judge prefers, for each treatment and criterion."""
    keys = dict.fromkeys(
        (item.treatment, item.name) for one in contests for item in one.results
    )
    for treatment, name in keys:
        found = [
            item
            for one in contests
            for item in one.results
            if (item.treatment, item.name) == (treatment, name)
        ]
        known = [item.preferred for item in found if item.preferred is not None]
        torn = [item.answers for item in found if len(set(item.answers)) > 1]
        yield PreferenceFigures(
            treatment=treatment,
            criterion=name,
            pairs=len(found),
            won=known.count(1.0),
            lost=known.count(0.0),
            tied=known.count(_TIE),
            unasked=sum(not item.answers for item in found),
            unanswered=len(found) - len(known),
            contradicted=sum(None not in answers for answers in torn),
            first_twice=torn.count((0.0, 1.0)),
            second_twice=torn.count((1.0, 0.0)),
            share=math.fsum(known) / len(known) if known else None,
        )


def _compared(agreeing: Iterable[CriterionResult]) -> Iterator[tuple[bool, bool]]:
    for item in agreeing:
        if item.person is not None and item.answers[0] is not None:
            yield item.answers[0], item.person


def _judges(judged: Sequence[CellOutcome] | Sequence[ContestOutcome]) -> Iterator[str]:
    for one in judged:
        if one.judge:
            yield f"{one.judge} ({one.judge_model})" if one.judge_model else one.judge
