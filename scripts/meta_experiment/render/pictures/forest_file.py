"""The picture of all changes as a file of its own, for a page of others such as a README.

A pair, for light and for dark: who shows a picture of another place tells it no scheme. Nothing
in it runs, and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from meta_experiment.render.blocks import Forest, ForestLine
from meta_experiment.render.fit import clipped, flowed, plain
from meta_experiment.render.html.style_sheet import style_sheet
from meta_experiment.render.markup import Markup, element, joined
from meta_experiment.render.pictures import forest as picture
from meta_experiment.render.pictures.drawing import box, text
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.types import Interval

SCHEMES = ("light", "dark")
_WIDTH = 980.0
_LEFT, _CELL, _CHANGE, _BETWEEN, _STATE = 24.0, 244.0, 620.0, 638.0, 818.0
_TOP, _TITLE, _SUB, _AXIS, _ROW = 20.0, 26.0, 20.0, 34.0, 34.0
_LABELLED = 0.4  # of the axis: beside it stand the directions
_COLUMNS = (76, 116, 26)  # that a line of the title, of what is below, and a name take
_STYLE = """
text{font:15px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;
fill:$ink}.title{font-size:20px;font-weight:700}.soft{fill:$soft;font-size:14px}
.n{font-weight:600}.good{fill:$good}.bad{fill:$bad}.warn{fill:$open}.dim{fill:$soft}
path{fill:none}.frame{fill:$paper;stroke:$rule}
.zero{stroke:$ink;stroke-width:1.2}.goal{stroke:$good;stroke-width:1.5;stroke-dasharray:5 4}
.margin{stroke:$bad;stroke-width:2;stroke-dasharray:2 3}
.bar{stroke-width:2}.point{stroke-width:11;stroke-linecap:round}
"""
_ARMS = "".join(f".s{it}{{stroke:$a{it}}}.f{it}{{fill:$a{it}}}" for it in range(5))


def forest_svg(forest: Forest, title: str, about: str, scheme: str) -> str:
    """Draw every change below a title, for those who look and for those who listen."""
    heads = [plain(it) for it in flowed(title, _COLUMNS[0])]
    told = [plain(it) for it in flowed(about, _COLUMNS[1])]
    top = _TOP + _TITLE * len(heads) + _SUB * len(told) + _AXIS
    height = top + _ROW * len(forest.lines) + 12
    scale = PictureScale(-forest.reach, forest.reach, picture.RIM, picture.WIDTH - picture.RIM)
    drawn = element(
        "svg",
        element("title", title, id="t"),
        element("desc", said(forest, about), id="d"),
        element("style", Markup(_styled(scheme))),
        box(0.5, 0.5, _WIDTH - 1, height - 1, "frame"),
        *_lines(heads, _TOP + 18, _TITLE, "title"),
        *_lines(told, _TOP + 14 + _TITLE * len(heads), _SUB, "soft"),
        *_axis(scale, top - 8),
        *(_row(item, scale, top + _ROW * at) for at, item in enumerate(forest.lines)),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH:.0f} {height:.0f}",
        width=f"{_WIDTH:.0f}",
        height=f"{height:.0f}",
        role="img",
        aria_labelledby="t d",
        data_made_by="meta-experiment",
    )
    return f"{drawn}\n"


def said(forest: Forest, about: str) -> str:
    """Say what the picture shows, row by row."""
    rows = [
        f"{item.label}{f' ({item.arm})' if item.arm else ''}: {item.change}, true change "
        f"{item.between}, {item.word}"
        for item in forest.lines
    ]
    return f"{'. '.join((about, *rows))}."


def snippet(light: str, dark: str, alternative: str) -> tuple[str, ...]:
    """Return the lines by which a README shows the pair."""
    media = "(prefers-color-scheme: dark)"
    return (
        "<picture>",
        "  " + element("source", media=media, srcset=dark).removesuffix("</source>"),
        "  " + element("img", src=light, alt=alternative).removesuffix("</img>"),
        "</picture>",
    )


def _lines(texts: Sequence[str], first: float, step: float, style: str) -> Iterator[Markup]:
    for place, line in enumerate(texts):
        yield text(_LEFT, first + step * place, line, style)


def _axis(scale: PictureScale, y: float) -> Iterator[Markup]:
    yield text(_CELL, y, "← worse", "soft")
    yield text(_CELL + picture.WIDTH, y, "better →", "soft", "end")
    for at, label in picture.axis_labels(scale, _LABELLED):
        yield text(_CELL + scale.place(at), y, label, "soft", "middle")


def _row(item: ForestLine, scale: PictureScale, top: float) -> Markup:
    base = top + picture.HEIGHT / 2 + 5
    interval = Interval(0.0, item.low, item.high)
    found = picture.marks(scale, item.effect, interval, margin=item.margin, goal=item.goal)
    label = clipped(f"{item.label}{f', {item.arm}' if item.arm else ''}", _COLUMNS[2])
    return joined(
        text(_LEFT, base, label),
        element(
            "g",
            *picture.drawn(found, item.number),
            transform=f"translate({_CELL:.0f} {top:.0f})",
        ),
        text(_CHANGE, base, item.change, "n", "end"),
        text(_BETWEEN, base, item.between, "soft"),
        text(_STATE, base, f"{item.sign} {item.word}".strip(), item.tone),
    )


def _styled(scheme: str) -> str:
    """Return the style with the colours that pages have for a scheme."""
    light, dark = re.findall(r":root\{(.*?)\}", style_sheet())[:2]
    palette = dict(re.findall(r"--([\w-]+):(#\w+)", light))
    if scheme == "dark":
        palette |= dict(re.findall(r"--([\w-]+):(#\w+)", dark))
    text = re.sub(r"\$(\w+)", lambda found: palette[found[1]], _STYLE + _ARMS)
    return text.replace("\n", "")
