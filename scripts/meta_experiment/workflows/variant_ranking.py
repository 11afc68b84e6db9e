"""The order of variants by evidence, and the variants of the next generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meta_experiment.errors import NotFoundError, UsageError, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.types import Analysis, Comparison, Decision
from meta_experiment.types.results.workflow_generation import GenerationVariant
from meta_experiment.types.workflows import FEWEST_VARIANTS, DeclaredExperiment

_NO_EVIDENCE = 1.0  # the e-value of what is not tested


def ranking(
    experiment: DeclaredExperiment,
    runs: Mapping[str, int],
    analysis: Analysis | None,
    names: Mapping[str, str],
) -> tuple[GenerationVariant, ...]:
    """Rank the variants: who has won, then by evidence, those that do harm last.

    Where evidence says nothing, counts decide, once every variant has as many runs as the
    experiment asks for; before that the order in which they are declared.

    Args:
        experiment: as the workflow declares it.
        runs: how often each variant was drawn.
        analysis: of its outcomes, None where there are none.
        names: what the analysis calls each variant.
    """
    ranked = [_ranked(item, experiment, runs, analysis, names) for item in experiment.variants]
    ready = all(item.runs >= experiment.min_samples for item in ranked)
    winner = winner_of(analysis, names)

    def place(item: GenerationVariant) -> tuple[bool, bool, float, int]:
        evidence = item.e_value if item.e_value is not None else _NO_EVIDENCE
        counted = item.runs if ready else 0
        return item.name != winner, item.is_harmful, -evidence, -counted

    return tuple(sorted(ranked, key=place))  # a stable sort: else as they are declared


def winner_of(analysis: Analysis | None, names: Mapping[str, str]) -> str | None:
    """Return the variant that the decision promotes; after a rejection that is the control."""
    if analysis is None:
        return None
    called = {name: variant for variant, name in names.items()}
    if analysis.decision is Decision.PROMOTE and analysis.winner is not None:
        return called.get(analysis.winner)
    if analysis.decision is Decision.REJECT and analysis.primary.comparisons:
        return called.get(analysis.primary.comparisons[0].control)
    return None


def chosen_winner(stated: str, experiment: DeclaredExperiment) -> str:
    """Return a winner that a person named.

    Raises:
        NotFoundError: it is none of the variants.
    """
    if stated not in experiment.variants:
        known = ", ".join(map(cite, experiment.variants))
        raise NotFoundError(
            f"{cite(stated)} is not a declared variant of {experiment.name}: {known}.",
            hint=suggestion(stated, experiment.variants)
            or f"Name one of its variants: --winner {cite(experiment.variants[0])}",
        )
    return stated


def next_generation(
    winner: str, ranked: Sequence[GenerationVariant], stated: Sequence[str]
) -> tuple[str, ...]:
    """Return the winner as the control, and those that are to beat it.

    These are the ones that are `stated`, else the others by rank.

    Raises:
        UsageError: they are fewer than two, or one is empty.
    """
    challengers = list(stated) or [item.name for item in ranked]
    for name in stated:
        if not name.strip():
            raise UsageError("--variant is empty; expected the name of a variant.")
        if name != name.strip():
            raise UsageError(
                f"--variant {cite(name)} begins or ends with a blank; expected a name without.",
                hint=f"Write --variant {cite(name.strip())}",
            )
    found = tuple(dict.fromkeys([winner, *challengers]))
    if len(found) < FEWEST_VARIANTS:
        raise UsageError(
            f"The next generation would hold {cite(winner)} alone; it takes at least two.",
            hint="Name another: --variant NAME",
        )
    return found


def _ranked(
    variant: str,
    experiment: DeclaredExperiment,
    runs: Mapping[str, int],
    analysis: Analysis | None,
    names: Mapping[str, str],
) -> GenerationVariant:
    name = names.get(variant, variant)
    comparison = _comparison(analysis, name)
    sample = analysis.samples.get(name) if analysis else None
    evidence = comparison.sequential if comparison else None
    ended = analysis is not None and any(item.treatment == name for item in analysis.ended)
    rejected = analysis is not None and analysis.decision is Decision.REJECT
    return GenerationVariant(
        variant,
        runs.get(variant, 0),
        sample.completed if sample else 0,
        comparison.estimate.relative if comparison else None,
        evidence.e_promote if evidence else None,
        variant == experiment.control,
        ended or (rejected and comparison is not None),
    )


def _comparison(analysis: Analysis | None, name: str) -> Comparison | None:
    compared = analysis.primary.comparisons if analysis else ()
    return next((item for item in compared if item.treatment == name), None)
