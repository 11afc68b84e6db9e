"""Page of `runs judge`."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Facts,
    Heading,
    Notes,
    Page,
    Section,
    Table,
    Text,
)
from meta_experiment.render.judge_views import agreement_line, judge_facts, preference_sections
from meta_experiment.render.run_views import LONGEST_ARM
from meta_experiment.types.results.run_judging import RunJudging

_LONGEST = 24  # characters of a criterion's name


def run_judging_page(done: RunJudging) -> Page:
    """Show what the judge says, how far it agrees with others, and that it decides nothing."""
    name = words.name(done.experiment_id)
    head = Heading(f"JUDGED AGAIN  {name}", "decides nothing")
    said = f"judged on {words.counted(done.blocks, 'case')}, each repeat for itself"
    if done.left:
        said += f"; {done.left:,} left. {words.one_line(done.reason)}"
    facts = Facts((("Runs", said), *_criteria(done), *judge_facts(done.judge), *_first(done)))
    sections: list[Section] = [(head, facts)]
    if done.verdicts:
        sections.append((Heading("Verdicts", level=2), _verdicts(done)))
    sections += preference_sections(done.preferences)
    note = (
        "None of this counts for the decision: that rests on what was judged as the runs were "
        f"made. It lies in {words.one_line(done.folder)}."
    )
    return (*sections, (Notes((note,)),))


def _criteria(done: RunJudging) -> Iterator[tuple[Text, Text]]:
    for number, item in enumerate(done.criteria):
        name, target = words.name(item.criterion, 200), words.one_line(item.target, 200)
        yield "" if number else "Criteria", f"{name} ({item.kind}): {target}"


def _first(done: RunJudging) -> Iterator[tuple[Text, Text]]:
    if done.first is not None:
        share = words.per_cent(done.first.share)
        yield "", f"agrees with the first judge in {share} of {done.first_compared:,} verdicts"
        yield "", agreement_line(done.first)


def _verdicts(done: RunJudging) -> Table:
    columns = (
        Column("variant", LONGEST_ARM),
        Column("criterion", _LONGEST, gap=2),
        Column("passed", 6, "right", gap=2),
        Column("failed", 6, "right", gap=2),
        Column("no verdict", 10, "right", gap=2),
    )
    rows = (
        (
            words.name(item.variant, LONGEST_ARM),
            words.name(item.criterion, _LONGEST),
            f"{item.passed:,}",
            f"{item.failed:,}",
            f"{item.open:,}",
        )
        for item in done.verdicts
    )
    return Table(columns, tuple(rows))
