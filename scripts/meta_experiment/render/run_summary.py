"""Pages of an experiment's runs: in full, and a line for each variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Section,
    Table,
    Text,
    remarks,
)
from meta_experiment.render.judge_views import judge_facts, preference_sections
from meta_experiment.render.run_noise import run_noise
from meta_experiment.render.run_views import LONGEST_ARM, money, runs_of_case
from meta_experiment.types import Scale
from meta_experiment.types.results.run_summary import (
    RankedVariant,
    RunFold,
    RunState,
    RunSummary,
    VariantSteadiness,
)

_MOST_ASIDE = 20
_BAR = 20  # cells
_LONGEST_CASE = 32
_STATES = {
    RunState.COUNTS: "counted",
    RunState.WAITS: "waiting for one before",
    RunState.UNDER_WAY: "under way",
    RunState.STOPPED: "stopped, to be made again",
    RunState.SET_ASIDE: "set aside",
}


def run_summary_page(found: RunSummary, case: str | None) -> Page:
    """Show all of it; of one case each of its runs."""
    head = Heading(f"RUNS  {words.name(found.experiment_id)}", found.status.value)
    decision = found.decision.value if found.decision else "NO RUN COUNTS"
    verdict: Text = (
        Emphasis(decision, words.tone(found.decision)),
        f"  {words.one_line(found.reason)}",
    )
    facts = Facts((("Answer", verdict), ("Runs", _states(found)), *judge_facts(found.judge)))
    sections: list[Section] = [(head, facts), *preference_sections(found.preferences)]
    if case is not None:
        sections += runs_of_case(found.runs, found.unit)
    elif found.cases:
        sections += [(Heading("Cases", level=2), _folds(found.cases, found))]
    if any(item.runs for item in found.variants):
        sections += [
            (Heading("Variants", level=2), _folds(found.variants, found)),
            (Heading("Repeats", "of the same case", level=2), _steadiness(found)),
            *run_noise(found),
            *_bars(found.variants),
            (Heading("Ranking", _by(found), level=2), _ranking(found)),
        ]
    return (*sections, *remarks(_notes(found)))


def compact_page(found: RunSummary) -> Page:
    """Show a line for each variant, in their order."""
    folds = {item.variant: item for item in found.variants}
    rows = [
        f"{item.place}. {words.name(item.variant)}  {_passed(folds[item.variant])}  "
        f"{money(item.usd)}  {words.elapsed(item.seconds)}  {_effect(item, found)}"
        for item in found.ranking
    ]
    return ((Paragraph(tuple(rows) or (found.reason,)),),)


def _states(found: RunSummary) -> str:
    parts = [
        f"{found.states[state]:,} {said}"
        for state, said in _STATES.items()
        if found.states.get(state)
    ]
    return "; ".join(parts)


def _folds(folds: Sequence[RunFold], found: RunSummary) -> Table:
    with_case = any(item.case is not None for item in folds)
    columns = (
        *((Column("case", _width(folds, "case", _LONGEST_CASE)),) if with_case else ()),
        Column("variant", _width(folds, "variant", LONGEST_ARM), gap=2 if with_case else 1),
        Column("runs", 4, "right", gap=2),
        Column("passed", 7, "right", gap=2),
        Column("score", 5, "right", gap=2),
        Column(words.name(found.metric), 18, "right", gap=2),
        Column("cost", 8, "right", gap=2),
        Column("tokens", 8, "right", gap=2),
        Column("ended", gap=2),
    )
    return Table(columns, tuple(_fold(item, found.unit, with_case) for item in folds))


def _width(folds: Sequence[RunFold], name: str, most: int) -> int:
    return max((len(words.name(getattr(item, name), most)) for item in folds), default=0)


def _fold(item: RunFold, unit: str, with_case: bool) -> tuple[str, ...]:
    return (
        *((words.name(item.case, _LONGEST_CASE),) if with_case else ()),
        words.name(item.variant, LONGEST_ARM),
        f"{item.runs:,}",
        _passed(item),
        "–" if item.score is None else f"{item.score:.2f}",
        _value(item.value, item.value_sd, unit),
        money(item.usd),
        "–" if item.tokens is None else f"{item.tokens:,.0f}",
        ", ".join(f"{number:,} {status}" for status, number in item.statuses.items()),
    )


def _passed(item: RunFold) -> str:
    return f"{item.successes:,}/{item.judged:,}" if item.judged else "–"


def _value(value: float | None, spread: float | None, unit: str) -> str:
    shown = words.quantity(value, unit)
    return shown if spread is None else f"{shown} ±{words.compact(spread)}"


def _steadiness(found: RunSummary) -> Table:
    columns = (
        Column("variant", LONGEST_ARM),
        Column("all of k pass", 14, "right"),
        Column("cases that flip", 16, "right"),
        Column("noise of one run", 17, "right"),
        Column("cost of a success", 18, "right"),
    )
    return Table(columns, tuple(_steady(item, found) for item in found.steadiness))


def _steady(item: VariantSteadiness, found: RunSummary) -> tuple[str, ...]:
    chance = (
        "–" if item.pass_all is None else f"{words.per_cent(item.pass_all)} (k={item.tries})"
    )
    noise = "–"
    if item.noise_floor is not None:
        is_ratio = found.scale is Scale.LOG
        size = words.per_cent(item.noise_floor) if is_ratio else words.compact(item.noise_floor)
        noise = f"±{size}"
    name = words.name(item.variant, LONGEST_ARM)
    return name, chance, words.per_cent(item.flip_rate), noise, money(item.usd_per_success)


def _bars(folds: Sequence[RunFold]) -> Iterator[Section]:
    """Draw what a run of each variant costs and takes, the most first."""
    for title, values, said in (
        ("Cost of a run", {item.variant: item.usd for item in folds}, money),
        ("Time of a run", {item.variant: item.seconds for item in folds}, words.elapsed),
    ):
        known = {name: value for name, value in values.items() if value}
        largest = max(known.values(), default=1.0)
        rows = tuple(
            (
                words.name(name, LONGEST_ARM),
                f"{_bar(value / largest)} {said(value)}",
            )
            for name, value in sorted(known.items(), key=lambda item: -item[1])
        )
        if rows:
            yield (Heading(title, level=2), Facts(rows, width=LONGEST_ARM))


def _bar(fraction: float) -> str:
    """Draw a bar; what is more than nothing has a cell at least."""
    return words.bar(max(fraction, 1 / _BAR), _BAR)


def _by(found: RunSummary) -> str:
    if any(item.decided for item in found.ranking):
        return "by score, then cost, then time; what is decided says so"
    return "by score, then cost, then time; nothing is decided: the places may be chance"


def _ranking(found: RunSummary) -> Table:
    columns = (
        Column("", 2, "right"),
        Column("variant", LONGEST_ARM),
        Column("score", 5, "right"),
        Column("cost", 8, "right", gap=2),
        Column("time", 7, "right", gap=2),
        Column(f"effect on {words.name(found.metric)}", gap=2),
    )
    rows = tuple(
        (
            f"{item.place}.",
            words.name(item.variant, LONGEST_ARM),
            "–" if item.standing is None else f"{item.standing:.2f}",
            money(item.usd),
            words.elapsed(item.seconds),
            _effect(item, found),
        )
        for item in found.ranking
    )
    return Table(columns, rows)


def _effect(item: RankedVariant, found: RunSummary) -> str:
    """Say what is known of a variant's effect, never without how sure that is."""
    if item.verdict == "control":
        return item.verdict
    if found.shown_from is not None:
        return f"{item.verdict}; an effect is shown from {found.shown_from:,} cases on"
    if item.interval is None or item.effect is None:
        return item.verdict
    level = words.per_cent(item.interval.level)
    if item.interval.low is None and item.interval.high is None:
        return f"{item.verdict}; no effect can be ruled out yet ({level}, valid at every look)"
    low, high = (
        words.signed_per_cent(end) if end is not None else "open"
        for end in (item.interval.low, item.interval.high)
    )
    effect = words.signed_per_cent(item.effect)
    return f"{item.verdict}: {effect} ({low} to {high}, {level}, valid at every look)"


def _notes(found: RunSummary) -> Iterator[str]:
    name = words.name(found.experiment_id)
    if found.open_verdicts:
        runs = words.counted(found.open_verdicts, "run")
        yield f"{runs} without a verdict: meta-experiment runs rate {name} --next shows one."
    for item in found.set_aside[:_MOST_ASIDE]:
        yield (
            f"Set aside: case {words.name(item.case)}, repeat {item.repeat:,}: "
            f"{words.one_line(item.reason)}."
        )
    if len(found.set_aside) > _MOST_ASIDE:
        yield f"{len(found.set_aside) - _MOST_ASIDE:,} more were set aside."
