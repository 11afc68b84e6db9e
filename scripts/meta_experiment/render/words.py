"""Numbers and names in words: the only place where a number is rounded."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from meta_experiment import errors

if TYPE_CHECKING:
    from meta_experiment.render.blocks import Tone
    from meta_experiment.types import Interval


_STEERING = (
    r"\x1b\[(?:[0-2]|3[1-3])m"  # our own colours
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_CELLS = 10
_BARS = "▁▂▃▄▅▆▇█"
_LONGEST_NAME = 80
_LONGEST_UNIT = 20
_LONGEST_LINE = 1_000
_MOST_NAMES = 8
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_DECIDED: dict[str | None, Tone] = {"PROMOTE": "good", "REJECT": "bad"}


def bar(fraction: float, cells: int = _CELLS) -> str:
    """Draw a progress bar; it is full only when the fraction is 1 or more."""
    filled = min(cells, max(0, math.floor(fraction * cells + 1e-9)))
    return "█" * filled + "░" * (cells - filled)


def sparkline(values: Sequence[float]) -> str:
    """Draw values as bars of eight heights, from the least to the largest."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    steps = len(_BARS) - 1
    return "".join(
        _BARS[round(steps * (value - low) / (high - low)) if high > low else 0]
        for value in values
    )


def per_cent(fraction: float | None, digits: int = 0) -> str:
    """Write a fraction as per cent, or a dash."""
    if fraction is None or not math.isfinite(fraction):
        return "–"
    return f"{fraction * 100:.{digits}f}%"


def chosen(fraction: float) -> str:
    """Write a fraction that somebody chose as per cent, as they chose it."""
    from meta_experiment.stats import figures

    return figures.chosen(fraction)


def signed_per_cent(fraction: float | None) -> str:
    """Write a change as per cent with its sign, in two figures as everywhere, or a dash."""
    if fraction is None or not math.isfinite(fraction):
        return "–"
    from meta_experiment.stats.figures import two_figures

    return f"{'-' if fraction < 0 else '+'}{two_figures(100 * abs(fraction))}%"


def tone(decision: str | None) -> Tone:
    """Return the tone of a decision, or of none yet."""
    return _DECIDED.get(decision, "warn")


def quantity(value: float | None, unit: str = "") -> str:
    """Write a measured value with its unit; seconds become minutes or hours where long."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "s" and abs(value) >= _HOUR:
        return f"{value / _HOUR:.3g} h"
    if unit == "s" and abs(value) >= 2 * _MINUTE:
        return f"{value / _MINUTE:.3g} min"
    return f"{compact(value)} {name(unit, _LONGEST_UNIT) if unit else ''}".rstrip()


def elapsed(seconds: float | None) -> str:
    """Write how long a run took, as a watch would: 500ms, 5s, 2m30s, 1h05m; or a hyphen."""
    if seconds is None or not 0 <= seconds < math.inf:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms" if seconds < 0.9995 else "1s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def markdown_row(cells: Iterable[object]) -> str:
    """Write a row of a table in Markdown, in which no cell ends another."""
    inner = (" ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(inner)} |"


def days(value: float) -> str:
    """Write a number of days, part of one as hours, minutes or seconds."""
    if 0 < value < 1:
        return quantity(value * _DAY, "s")
    return "1 day" if value == 1 else f"{compact(value)} days"


def compact(value: float) -> str:
    """Write a number with three or four figures, without an exponent where one can read it."""
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.3g}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if size < 100 else f"{value:.1f}"


def p_value(value: float | None) -> str:
    """Write a p-value; a very small one as a bound."""
    if value is None:
        return "–"
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def e_value(value: float | None) -> str:
    """Write an e-value; the odds at which a bet against 'no better' would stand."""
    if value is None:
        return "–"
    return compact(value) if value < 1e6 else "over 1,000,000"


def step(
    stage: str, missing: Iterable[str], skill: str, next_action: str
) -> tuple[tuple[str, str], ...]:
    """Write the stage that something is at, what it lacks, who helps, and what to do."""
    lacks = ", ".join(item.replace("_", " ") for item in missing)
    return (
        ("Stage", f"{stage}{f'; missing: {lacks}' if lacks else ''}"),
        ("Skill", skill),
        ("Next", one_line(next_action)),
    )


def counted(number: int, noun: str) -> str:
    """Write a number with its noun in the right form."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


def quoted(text: object) -> str:
    """Write somebody's words: on one line, cut short, in quotes that nothing in them ends."""
    return errors.quoted(str(text))


def name(text: object, most: int = _LONGEST_NAME) -> str:
    """Write a name or a path: as it is where it is one plain word, else in quotes."""
    return errors.as_word(str(text), most)


def listed(names: Iterable[object]) -> str:
    """Write some names, and how many more there are."""
    known = [name(item) for item in names]
    more = f" and {len(known) - _MOST_NAMES:,} more" if len(known) > _MOST_NAMES else ""
    return ", ".join(known[:_MOST_NAMES]) + more


def one_line(text: str, most: int = _LONGEST_LINE) -> str:
    """Write a message on one line, cut where no message ends."""
    text = " ".join(printable(text).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def harmless(text: str, *, colour: bool = False) -> str:
    """Replace what could steer a terminal or hide text, but line ends, tabs and our colours.

    The last door before the screen, whatever was forgotten before it.
    """
    text = text.replace("\r\n", "\n")  # as a difference of files has them
    return _steering_replaced(text, lambda found: _stand_in(found[0], colour=colour))


def harmless_json(text: str) -> str:
    """Escape the same characters inside the texts of a JSON document; it means the same."""
    return _steering_replaced(text, lambda found: json.dumps(found[0])[1:-1])


def _steering_replaced(text: str, stand_in: Callable[[re.Match[str]], str]) -> str:
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text  # as nearly always, and what it takes to search need not be compiled
    return re.sub(_STEERING, stand_in, text)


def _stand_in(found: str, *, colour: bool) -> str:
    if len(found) > 1 and colour:
        return found
    return "�" + found[1:]


def printable(text: str) -> str:
    """Replace control characters, so that no stored name can steer a terminal."""
    if text.isprintable():
        return text
    import unicodedata

    return "".join(
        "�" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") else character
        for character in text
    )


def interval(found: Interval) -> str:
    """Write an interval of a relative effect, with its level."""
    if found.low is found.high is None:
        return f"no {chosen(found.level)} interval"
    low = signed_per_cent(found.low) if found.low is not None else "unbounded"
    high = signed_per_cent(found.high) if found.high is not None else "unbounded"
    return f"{chosen(found.level)} interval [{low}, {high}]"


def team(branch: str, carry_out: str, machines: Sequence[str], *, auto: bool) -> str:
    """Say of a team's plan where a promotion goes, by whom, and whose trials count."""
    where = f"{name(branch)} gets what is promoted, by a {carry_out.replace('_', ' ')}"
    by = "decided by auto" if auto else "decided by hand (promote)"
    who = f"; only {listed(map(name, machines))} count" if machines else ""
    return f"{where}; {by}{who}"
