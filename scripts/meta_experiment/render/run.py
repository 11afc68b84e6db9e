"""Page of `run`: what came of the runs, what they took, and what was set aside."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import Emphasis, Facts, Heading, Page, Text, remarks
from meta_experiment.stats.figures import described
from meta_experiment.types import Analysis
from meta_experiment.types.results.run import RunEnd, RunResult, RunsSpent

_MOST_ASIDE = 10


def run_page(done: RunResult) -> Page:
    """Show how it ended, in figures and in a sentence."""
    facts = Facts((_answer(done), *_figures(done)))
    notes = (
        *(done.outlook if done.ended in (RunEnd.PREVIEW, RunEnd.PROBED) else ()),
        *_aside(done),
        *done.notes,
    )
    head = Heading(words.name(done.experiment_id), done.status.value)
    return ((head, facts), *remarks(notes))


def _answer(done: RunResult) -> tuple[Text, Text]:
    if done.ended is RunEnd.PREVIEW:
        return "Preview", done.reason
    word = done.decision.value if done.decision else done.ended.value
    return "Answer", (Emphasis(word, words.tone(done.decision)), f"  {done.reason}")


def _figures(done: RunResult) -> Iterator[tuple[Text, Text]]:
    yield "Runs", _runs(done)
    if done.analysis is not None and _has_enough(done.analysis):
        for item in done.analysis.primary.comparisons:
            if item.estimate.relative is not None:
                yield item.treatment, described(item.estimate.relative)
    if done.ended is not RunEnd.PREVIEW:
        yield "Spent", spent(done.spent)
    for number, wave in enumerate(done.waves if len(done.waves) > 1 else (), start=1):
        yield f"Wave {number}", words.listed(wave)


def _has_enough(analysis: Analysis) -> bool:
    """Tell whether an effect is shown: below the plan's minimum it would mislead."""
    return analysis.readiness.smallest_arm >= analysis.readiness.needed_per_arm


def _runs(done: RunResult) -> str:
    parts = [f"{done.counted:,} of {done.runs:,} count"]
    if done.saved:
        parts.append(f"{done.saved:,} need not be made")
    if done.waiting:
        waits = "waits" if done.waiting == 1 else "wait"
        parts.append(f"{done.waiting:,} ended and {waits} for one before")
    return "; ".join(parts)


def spent(found: RunsSpent) -> str:
    """Say what runs took; of those without a known price, that it is not known.

    No tokens at all are none that anybody told.
    """
    tokens = f"{found.tokens:,.0f} tokens" if found.tokens else ""
    untold = found.unpriced or found.judge_unpriced
    usd = f"${found.usd:.4f}" if found.usd or not untold else ""
    judge = "an unknown price of the judge" if found.judge_unpriced else ""
    runs = words.counted(found.unpriced, "run")
    unknown = f"the price of {runs} is not known" if found.unpriced else ""
    known = " and ".join(filter(None, (", ".join(filter(None, (usd, tokens))), judge)))
    return "; ".join(filter(None, (known, unknown)))


def _aside(done: RunResult) -> Iterator[str]:
    for item in done.set_aside[:_MOST_ASIDE]:
        yield f"Set aside: case {words.name(item.case)}, repeat {item.repeat}: {item.reason}."
    if len(done.set_aside) > _MOST_ASIDE:
        yield f"{len(done.set_aside) - _MOST_ASIDE:,} more were set aside."


def progress_line(ended: int, runs: int, seconds: float, usd: float, tokens: float) -> str:
    """Say how far runs are, with what they took and what is left at the most."""
    left = f", at most {rough_time(seconds / ended * (runs - ended))} left" if ended else ""
    money = f", ${usd:.2f}" if usd else ""
    return f"{ended:,} of at most {runs:,} runs, {tokens:,.0f} tokens{money}{left}"


def waiting_line(doing: str, share: float, seconds: float) -> str:
    """Say how far something is, and about how long it still takes."""
    left = f", about {rough_time(seconds / share * (1 - share))} left" if share else ""
    return f"{doing}, {100 * share:.0f}%{left}"


def rough_time(seconds: float) -> str:
    """Say how long something takes, in seconds or minutes."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
