"""What a terminal shows, as a picture: its lines, in the colours that the program asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from meta_experiment.render.fit import seen

_SIZE, _STEP, _LINE, _MARGIN = 13, 7.8, 18, 14
# paper, frame, ink by itself, and in the colours that this program asks for by their numbers
_PAPER = {"light": "#ffffff", "dark": "#0e1318"}
_SHADE = {"light": "#545d68", "dark": "#a7b0bb"}
_INK = {"light": "#1c2128", "dark": "#e8ebef"}
_COLOURS = {
    "light": {"2": _SHADE["light"], "31": "#a8191f", "32": "#12632b", "33": "#7a4d00"},
    "dark": {"2": _SHADE["dark"], "31": "#ff9a93", "32": "#63d483", "33": "#e9b949"},
}
_CODE = re.compile(r"\x1b\[([0-9;]*)m")


def drawn(text: str, columns: int, scheme: str) -> str:
    """Draw lines as SVG, each run of a colour at its column whatever the font."""
    lines = text.rstrip("\n").split("\n")
    wide = round(2 * _MARGIN + columns * _STEP)
    high = 2 * _MARGIN + len(lines) * _LINE
    rows = "\n".join(
        "".join(_runs(line, _MARGIN + 13 + number * _LINE, scheme))
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" '
        f'font-size="{_SIZE}" fill="{_INK[scheme]}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="{_PAPER[scheme]}" '
        f'stroke="{_SHADE[scheme]}"/>\n{rows}\n</svg>\n'
    )


def _runs(line: str, y: int, scheme: str) -> Iterator[str]:
    column, code = 0, ""
    for number, part in enumerate(_CODE.split(line)):
        if number % 2:
            code = "" if part in ("", "0") else part
            continue
        for word in re.finditer(r"\S+(?: \S+)*", part):
            start, cells = column + seen(part[: word.start()]), seen(word[0])
            place = f'x="{_MARGIN + start * _STEP:.1f}" y="{y}"'
            look = f'textLength="{cells * _STEP:.1f}"{_look(code, scheme)}'
            yield f"<text {place} {look}>{escape(word[0])}</text>"
        column += seen(part)


def _look(code: str, scheme: str) -> str:
    if code == "1":
        return ' font-weight="700"'
    return f' fill="{_COLOURS[scheme][code]}"' if code else ""
