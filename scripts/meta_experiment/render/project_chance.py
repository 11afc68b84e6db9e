"""How many promotions chance may have made, in words that are no louder than the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from meta_experiment.render.words import compact, counted, listed, per_cent

if TYPE_CHECKING:  # status starts without the types
    from meta_experiment.types.results.project_report import FalseDiscoveries


def chance_told(
    *,
    tried: int,
    promotions: int,
    overridden: int,
    unknown: int,
    expected: float,
    level: float,
    standing: Sequence[str],
    needed: float,
) -> Iterator[str]:
    """Say in sentences what may be owed to chance, the most important first.

    Nothing of one experiment alone, which its own error rate tells.
    """
    if tried < 2:
        return
    yield _bound(tried, promotions, expected)
    yield _stand(standing, promotions, level)
    if overridden:
        yield f"On top {_comes(overridden)} {overridden:,} against the evidence."
    if unknown:
        yield f"Of {counted(unknown, 'promotion')} no e-value is on record, so none can stand."
    if len(standing) < promotions:
        yield (
            "What does not stand is not refuted: it was decided at its own α. It takes an "
            f"e-value of {compact(needed)} for one more, and a holdout adds evidence: "
            "meta-experiment holdout ID."
        )


def project_chance(found: FalseDiscoveries | None) -> Sequence[str]:
    """Say the same of a project; nothing where nothing was promoted."""
    return [] if found is None else [*chance_told(**asdict(found))]


def _bound(tried: int, promotions: int, expected: float) -> str:
    few = f"{expected:.2g}" if expected < 100 else f"{expected:,.0f}"
    if expected < promotions:
        be = "is" if few == "1" else "are"
        told = f"at most about {few} {be} expected to be of no use, as {tried:,} were tried"
        return f"Of {counted(promotions, 'promotion')} {told}."
    be = "was" if promotions == 1 else "were"
    return (
        f"Chance alone may promote {few} of {tried:,} experiments if all are of no use, and "
        f"{promotions:,} {be} promoted."
    )


def _comes(number: int) -> str:
    return "comes" if number == 1 else "come"


def _stand(standing: Sequence[str], promotions: int, level: float) -> str:
    rate, many = f"at a false-discovery rate of {per_cent(level)}", len(standing)
    if not standing:
        return f"None of them stands {rate}."
    who = "All" if many == promotions > 1 else f"{many:,} of them"
    return f"{who} {'stands' if many == 1 else 'stand'} {rate}: {listed(standing)}."
