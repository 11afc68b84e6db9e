"""What a judge said, and how far it is to be believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.render import words
from meta_experiment.render.blocks import Column, Heading, Section, Table, Text
from meta_experiment.render.run_views import LONGEST_ARM, money
from meta_experiment.types.results.run_summary import (
    AgreementFigures,
    JudgeFigures,
    PreferenceFigures,
)

_LONGEST = 24  # characters of a criterion's name


def judge_facts(judge: JudgeFigures | None) -> Iterator[tuple[Text, Text]]:
    """Say how often it was asked, contradicted itself and agrees with a person."""
    if judge is None:
        return
    who = [f"{words.one_line(name)}: {count:,}" for name, count in judge.judges.items()]
    yield "Judge", "; ".join(who) or "its name was not kept"
    if judge.asked:
        said = (
            f"{words.counted(judge.asked, 'verdict')} asked for twice; it contradicted itself "
            f"in {judge.disagreements:,} ({words.per_cent(judge.disagreements / judge.asked)})"
        )
        if judge.unanswered:
            said += f", gave no answer in {judge.unanswered:,}"
        yield "", said
    if judge.agreement is not None:
        share = words.per_cent(judge.agreement.share)
        yield "", f"agrees with a person in {judge.agreed:,} of {judge.compared:,} ({share})"
        yield "", agreement_line(judge.agreement)
    tokens = f"{judge.tokens:,.0f}" if judge.tokens else "–"  # nobody told
    yield "", f"took {money(judge.usd)}, {tokens} tokens, beside those of the runs"


def agreement_line(found: AgreementFigures) -> str:
    """Say what an agreement is worth."""
    level = words.per_cent(found.level)
    ends = f"{words.per_cent(found.low)} to {words.per_cent(found.high)}"
    if found.kappa is None or found.kappa_low is None or found.kappa_high is None:
        return (
            f"which may be {ends} ({level}); beyond chance it shows nothing, as one of both "
            "always says the same"
        )
    return (
        f"which may be {ends}; beyond chance \u03ba = {found.kappa:.2f} "
        f"({found.kappa_low:.2f} to {found.kappa_high:.2f}, {level})"
    )


def preference_sections(found: Sequence[PreferenceFigures]) -> Iterator[Section]:
    """Show which works it prefers, and how often only for their place."""
    if not found:
        return
    columns = (
        Column("treatment", LONGEST_ARM),
        Column("criterion", _LONGEST, gap=2),
        Column("won", 4, "right", gap=2),
        Column("tied", 4, "right", gap=2),
        Column("lost", 4, "right", gap=2),
        Column("preferred", 9, "right", gap=2),
        Column("it contradicted itself", gap=2),
    )
    rows = tuple(_row(item) for item in found)
    yield (Heading("Preferences", "to the control", level=2), Table(columns, rows))


def _row(item: PreferenceFigures) -> tuple[str, ...]:
    return (
        words.name(item.treatment, LONGEST_ARM),
        words.name(item.criterion, _LONGEST),
        f"{item.won:,}",
        f"{item.tied:,}",
        f"{item.lost:,}",
        "–" if item.share is None else words.per_cent(item.share),
        _position(item),
    )


def _position(item: PreferenceFigures) -> str:
    asked = item.pairs - item.unasked
    said = f"{item.contradicted:,} of {asked:,}"
    if item.contradicted:
        said += f": the first twice {item.first_twice:,}, the second {item.second_twice:,}"
    return f"{said}; no answer {item.unanswered:,}" if item.unanswered else said
