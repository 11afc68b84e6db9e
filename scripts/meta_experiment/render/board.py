"""The board that `status` prints: what runs, what ended, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meta_experiment.render import over_time, words
from meta_experiment.render.bandit import drawn, worth
from meta_experiment.render.blocks import (
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Section,
    Text,
    Tone,
    lines,
)
from meta_experiment.render.holdout import standing
from meta_experiment.render.project_chance import chance_told
from meta_experiment.stats.figures import described

if TYPE_CHECKING:  # status starts without the types
    from meta_experiment.types.results.board import (
        BoardObstacle,
        BoardOpenEnd,
        BoardPlan,
        BoardProgress,
        BoardRow,
        BoardSaving,
        BoardSavings,
        BoardStep,
        BoardSummary,
        BoardView,
    )

_SIGNS: dict[str, tuple[str, Tone]] = {
    "draft": ("○ Draft", "dim"),
    "running": ("● Running", "warn"),
    "paused": ("◐ Paused", "dim"),
    "promoted": ("✔ Promoted", "good"),
    "rolled_back": ("✘ Rolled back", "bad"),
    "expired": ("◌ Ended undecided", "dim"),
    "archived": ("▪ Archived", "dim"),
}
_ACTIONS = {"promote": "promoted", "rollback": "rolled back", "expire": "ended"}
_HOLDING = {
    "errors_rise": "errors that rise",
    "below_threshold_so_far": "an effect below its threshold",
    "no_relative_effect": "an effect that is no per cent of anything",
    "interruptions_uncertain": "trials that were cut short",
    "missing_uncertain": "values that are missing",
    "means_disagree": "means that disagree",
}
_FILES = 3  # named, of more than so many the others are counted
_ACTIVE = ("running", "paused", "draft")


def board(view: BoardView, limit: int) -> Page:
    """Show the board of all experiments; `limit` bounds each of the two sections."""
    rows, summary = view["experiments"], view["summary"]
    last = _foremost(view["foremost"])
    if not rows and summary["archived"]:
        stored = words.counted(summary["archived"], "experiment")
        said = f"Nothing on the board; {stored} archived: meta-experiment status --archived"
        return (
            *lines(said),
            *_plans(view["plans"], limit),
            *_open_ends(view["open_ends"], limit),
            last,
        )
    if not rows:
        begin = lines(
            "No experiments yet.",
            "Start one: meta-experiment create --file PROMPT.md=VARIANT.md "
            "--primary-metric active_seconds --start",
            "All verbs: meta-experiment --help",
        )
        return (
            *begin,
            *_plans(view["plans"], limit),
            *_open_ends(view["open_ends"], limit),
            last,
        )
    active = [row for row in rows if row["status"] in _ACTIVE]
    completed = [row for row in rows if row["status"] not in _ACTIVE]
    return (
        *_listed("ACTIVE EXPERIMENTS", active, limit),
        *_listed("COMPLETED EXPERIMENTS", completed, limit),
        *_plans(view["plans"], limit),
        *_open_ends(view["open_ends"], limit),
        (Heading("SUMMARY"),),
        (Facts(tuple(_summary(summary))),),
        last,
    )


def one(row: BoardRow) -> Section:
    """Show the board's entry of one experiment."""
    ended = row["watches"] is not None and row["status"] == "expired"
    sign = Emphasis(*(("◌ Ended", "dim") if ended else _SIGNS[row["status"]]))
    return Heading(words.name(row["id"]), sign, level=2), Facts(tuple(_facts(row)))


def _listed(title: str, rows: Sequence[BoardRow], limit: int) -> Iterator[Section]:
    if rows:
        yield (Heading(title),)
    yield from map(one, rows[:limit])
    if len(rows) > limit:
        more = f"… and {len(rows) - limit:,} more (--limit {len(rows)})"
        yield (Paragraph((Emphasis(more, "dim"),)),)


def _facts(row: BoardRow) -> Iterator[tuple[Text, Text]]:
    yield "Name", words.quoted(row["name"])
    yield "Hypothesis", words.quoted(row["hypothesis"])
    for path in row["files"][:_FILES]:
        yield "File", words.name(path)
    if (more := len(row["files"]) - _FILES) > 0:
        yield "", f"and {words.counted(more, 'more file')}"
    if team := row["team"]:
        yield "Team", words.team(**team, auto=row["auto"])
    yield _progress(row)
    yield from _results(row)
    yield from _over_time(row)
    for arm in row["ended"]:
        said = f"{words.name(arm['treatment'])}: {words.one_line(arm['reason'])}"
        yield Emphasis("Ended", "bad"), said
    outcome = row["outcome"]
    if row["decision"] and not outcome:
        yield "Decision", _decision(row)
    if outcome:
        yield "Outcome", _outcome(outcome)
    for text in row["apart"]:
        yield Emphasis("Apart", "warn"), words.one_line(text)
    for text in row["alerts"]:
        yield Emphasis("Alert", "warn"), words.one_line(text)
    yield from words.step(row["stage"], row["missing"], row["skill"], row["next_action"])


def _over_time(row: BoardRow) -> Iterator[tuple[Text, Text]]:
    """Say by which shares units are drawn, and when, and how a holdout stands."""
    bandit, watched = row["bandit"], row["holdout"]
    if bandit is not None:
        yield "Bandit", drawn(bandit["shares"], bandit["known"])
        if told := worth(bandit["leads"], bandit["spared"], bandit["information"]):
            yield "", told
    if row["ramp"] is not None:
        for place, line in enumerate(over_time.ramp(row["ramp"])):
            yield "" if place else "Ramp", line
    if told := over_time.dates(row["start_date"], row["end_date"]):
        yield "Dates", told
    if watched is not None:
        yield "Holdout", standing(watched)


def _plans(plans: Sequence[BoardPlan], limit: int) -> Iterator[Section]:
    if plans:
        yield (Heading("PLANS"),)
    for plan in plans[:limit]:
        hypothesis = plan["hypothesis"]
        facts: list[tuple[Text, Text]] = []
        if hypothesis is not None:
            facts.append(("Hypothesis", words.quoted(hypothesis)))
        facts += [(Emphasis("Warning", "warn"), words.one_line(it)) for it in plan["warnings"]]
        facts += words.step(plan["stage"], plan["missing"], plan["skill"], plan["next_action"])
        yield Heading(words.name(plan["file"]), level=2), Facts(tuple(facts))


def _open_ends(ends: Sequence[BoardOpenEnd], limit: int) -> Iterator[Section]:
    if ends:
        yield (
            Heading("LEFT OPEN"),
            Facts(
                tuple(
                    ("", f"{words.name(it['id'])}: {words.quoted(it['next'])}")
                    for it in ends[:limit]
                )
            ),
        )


def _foremost(step: BoardStep) -> Section:
    told = words.step(step["stage"], step["missing"], step["skill"], step["next_action"])
    if step["about"] is None:
        return Heading("FOREMOST"), Facts(told)
    _, *what = told  # the stage stands above already
    return Heading("FOREMOST", words.name(step["about"])), Facts(tuple(what))


def _progress(row: BoardRow) -> tuple[str, str]:
    progress = row["progress"]
    if row["status"] not in _ACTIVE:
        return "Trials", f"{progress['trials']:,}"
    if progress["fraction"] is None:
        return "Progress", "its trials are not read"
    left, held = progress["days_left"], progress["held_by"]
    part = f"{words.bar(progress['fraction'])} {words.per_cent(progress['fraction'])} of the"
    way, back = f"{part} way to a decision", f"held back by {', '.join(map(_holding, held))}"
    if held:
        way = f"{part} evidence, and {back}" if "evidence" in row["missing"] else back
    return "Progress", (
        f"{way} ({_units(progress)}{_ahead(progress)}"
        + ("" if left is None else f", {words.days(left)} left")
        + ("" if progress["waits_until"] is None else " until its last day is in")
        + ")"
    )


def _units(progress: BoardProgress) -> str:
    """Say how many units there are of those it takes at least."""
    have, needed = progress["smallest_arm"] or 0, progress["needed_per_arm"]
    if have < needed:
        return f"{have:,} of at least {needed:,} per arm"
    return f"{have:,} per arm, at least {needed:,} needed"


def _holding(obstacle: BoardObstacle) -> str:
    metric = obstacle["metric"]
    if metric is not None:
        return f"the guardrail {words.name(metric)}"
    return _HOLDING.get(obstacle["reason_code"], "its data")


def _ahead(progress: BoardProgress) -> str:
    """Say what is to come, where that can be told."""
    more, days = progress["units_to_go"], progress["days_to_go"]
    if not more:
        return ""
    time = "" if days is None else f" in some {words.days(days)}"
    if (progress["smallest_arm"] or 0) < progress["needed_per_arm"]:
        return f", {more:,} to go{time}"
    evidence = " for the evidence" if progress["held_by"] else ""
    return f", about {more:,} more{evidence} as it looks{time}"


def _results(row: BoardRow) -> Iterator[tuple[str, str]]:
    primary = row["primary"]
    measured = [arm for arm in row["variants"] if arm["mean"] is not None]
    for arm in measured:
        value = words.quantity(arm["mean"], primary["unit"])
        units = words.counted(arm["n"] or 0, "unit")
        yield (
            words.name(arm["name"]),
            f"{value}  ({primary['statistic']} of {primary['metric']}, {units})",
        )
    improvement = row["improvement"]
    if improvement is not None and measured:
        several = len(row["variants"]) > 2 and row["leading"]
        of = f"{words.name(row['leading'])} " if several else ""
        yield "Effect", f"{of}{described(improvement)}"
    elif (
        measured and (row["progress"]["smallest_arm"] or 0) < row["progress"]["needed_per_arm"]
    ):
        yield "Effect", f"shown from {row['progress']['needed_per_arm']:,} units per arm on"


def _decision(row: BoardRow) -> Text:
    decision = str(row["decision"])
    return (
        Emphasis(decision, words.tone(decision)),
        f" ({row['reason_code']}): {words.one_line(row['reason'] or '')}",
    )


def _outcome(outcome: Mapping[str, Any]) -> str:
    done = f"{_ACTIONS[outcome['action']]} on {outcome['at'][:10]}"
    text = f"{done}: {words.quoted(outcome['reason'])}"
    if outcome.get("override"):
        text += f" [OVERRIDE without evidence: {words.quoted(outcome['override'])}]"
    return text


def _summary(summary: BoardSummary) -> Iterator[tuple[str, str]]:
    yield "Active", f"{summary['active']:,}"
    ended = summary["promoted"] + summary["rolled_back"]
    rate = f" ({summary['promoted'] / ended:.0%} of those decided)" if ended else ""
    yield "Promoted", f"{summary['promoted']:,}{rate}"
    yield "Rolled back", f"{summary['rolled_back']:,}"
    yield "Undecided", f"{summary['expired']:,}"
    if summary["archived"]:
        yield "Archived", f"{summary['archived']:,}"
    if summary["saved"]:
        yield "Saved", _saved(summary["saved"])
    if (found := summary["false_discoveries"]) and (told := [*chance_told(**found)]):
        more = ["More: meta-experiment report --all"] if told[2:] else []
        yield "Chance", " ".join([*told[:2], *more])


def _saved(saved: BoardSavings) -> str:
    """Say what is saved a month where an interval leaves zero, and that it is estimated."""
    less = [_amount(it) for it in saved["items"] if (it["low"] or 0) > 0]
    lost = [f"{_amount(it)} more" for it in saved["items"] if (it["high"] or 0) < 0]
    told = [*less, *(f"but {it}" if less else it for it in lost)]
    known = f"{saved['known']:,} of {words.counted(saved['promotions'], 'promotion')}"
    more = "more: meta-experiment report --all"
    if not saved["known"]:
        return f"not known yet of {words.counted(saved['promotions'], 'promotion')}; {more}"
    if not told:
        return f"nothing that is settled, known of {known}; {more}"
    strange = f" ({saved['elsewhere']:,} not made here)" if saved["elsewhere"] else ""
    return f"about {', '.join(told)} a month, estimated from {known}{strange}; {more}"


def _amount(item: BoardSaving) -> str:
    """Write an amount; time and money say themselves what they are."""
    said = words.quantity(abs(item["saved"]), item["unit"])
    return said if item["unit"] in ("s", "USD") else f"{said} of {words.name(item['label'])}"
