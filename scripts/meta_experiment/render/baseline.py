"""The past of a prompt file as text."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.forecast import reach
from meta_experiment.render.style import Style
from meta_experiment.types.results.baseline import UsageBaseline
from meta_experiment.types.results.noise import NoiseFloor


def baseline(seen: UsageBaseline, style: Style) -> str:
    """Write how the prompt file did so far, and what an experiment could show."""
    known = {item.metric: item.n for item in seen.spreads}
    ahead = reach(seen.plan, seen.outlook, seen.warnings, known.get(seen.metric, 0), style)
    return "\n\n".join((_usage(seen, style), _halves(seen.halves, seen.metric), ahead))


def _usage(seen: UsageBaseline, style: Style) -> str:
    """Write how often it was used, how that ended, how long and how costly it was."""
    rate = "" if seen.per_day is None else f", {words.compact(seen.per_day)} a day"
    endings = ", ".join(f"{count:,} {status}" for status, count in seen.statuses.items())
    lines = [
        style.strong(
            f"{seen.name}: {words.counted(seen.uses, 'use')} in "
            f"{words.counted(seen.sessions, 'session')} over {words.compact(seen.days)} days"
            f"{rate} ({endings})"
        ),
        f"  {'per ' + seen.unit:<18} {'median':>12} {'mean':>12} {'4 of 5 lie within':>26}",
    ]
    for item in seen.spreads:
        low, high = (words.quantity(value, item.unit) for value in (item.low, item.high))
        median, mean = (words.quantity(value, item.unit) for value in (item.median, item.mean))
        lines.append(f"  {item.metric:<18} {median:>12} {mean:>12} {f'{low} – {high}':>26}")
    if seen.uses_under_experiment:
        more = words.counted(seen.uses_under_experiment, "more use")
        lines.append(
            style.dim(f"  left out: {more}, made during an experiment on it with several texts")
        )
    if seen.transcripts_left_out:
        lines.append(
            style.dim(
                f"  from the newest {seen.transcripts:,} transcripts; "
                f"{seen.transcripts_left_out:,} older ones were not read"
            )
        )
    return "\n".join(lines)


def _halves(seen: NoiseFloor | None, metric: str) -> str:
    """Say how far two halves of one past differ by chance."""
    if seen is None:
        return f"Too few values of {metric} to compare two halves of this past."
    return (
        f"Two random halves of this past ({seen.units:,} each) differ in {metric} by more than "
        f"{words.per_cent(seen.typical, 1)} half of the time, and by more than "
        f"{words.per_cent(seen.large, 1)} 1 time in 20, by chance alone."
    )
