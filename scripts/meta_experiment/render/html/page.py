"""The frame of a page, and the pieces that all pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meta_experiment.render.html.style_sheet import style_sheet
from meta_experiment.render.markup import Content, Markup, element, joined
from meta_experiment.render.pictures import forest
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.render.report_words import name

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_ROLES = {  # that a table keeps though its parts are laid out as blocks
    role: role for role in ("table", "rowgroup", "row", "columnheader", "rowheader", "cell")
}


def page(title: str, *content: Content, style: str = "", script: str = "") -> str:
    """Write a whole page, of which nothing is fetched, and nothing can run but its script."""
    policy = f"{POLICY}; script-src {_source(script)}" if script else POLICY
    head = joined(
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width,initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="generator", content="meta-experiment"),
        element("title", title),
        element("style", Markup(style_sheet() + style)),
    )
    skip = element("a", "To the report", href="#report", class_="skip")
    last = element("script", Markup(script)) if script else None
    body = element("body", skip, element("main", *content, id="report"), last)
    return f"<!doctype html>\n{element('html', element('head', head), body, lang='en')}\n"


def _source(script: str) -> str:
    """Name a script by its digest, so that no other runs."""
    import base64
    import hashlib

    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def section(identity: str, heading: Content, *content: Content) -> Markup:
    """Write a part of a page below what was found."""
    title = element("h2", heading, id=f"{identity}-h")
    return element("section", title, *content, id=identity, aria_labelledby=f"{identity}-h")


def axis(scale: PictureScale) -> Markup:
    """Write the axis above rows of changes."""
    marks = [
        element("span", said, style=f"left:{place:.1f}%") for place, said in forest.ticks(scale)
    ]
    return element("div", element("b", "← worse · better →"), *marks, class_="axis")


def own(text: str) -> Markup:
    """Write somebody's words so that their direction ends with them."""
    return element("bdi", text)


def owned(rows: Iterable[Sequence[str]]) -> Iterator[tuple[Content, ...]]:
    """Write rows that begin with somebody's words."""
    return ((own(first), *rest) for first, *rest in rows)


def marked(arm: str, number: int) -> Markup:
    """Write the name of an arm in its colour, beside the mark that it has in pictures."""
    mark = element("span", class_=f"dot d{number}")
    return element("span", mark, own(name(arm, 40)), class_=f"arm t{number}")


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Content]],
    *,
    numbers: Sequence[int] = (),
    cards: bool = False,
) -> Markup:
    """Write a table that is scrolled where it is too wide; `numbers` are columns of them.

    The rows of `cards` stand below each other on a narrow page instead, and stay a table to
    those who hear them.
    """
    role = _ROLES if cards else dict.fromkeys(_ROLES)
    style = ["n" if place in numbers else None for place in range(len(head))]
    labels = [title if cards and len(head) > 2 else None for title in head]
    titles = [
        element("th", title, scope="col", class_=look, role=role["columnheader"])
        for title, look in zip(head, style, strict=True)
    ]
    lines = [
        element(
            "tr",
            element("th", first, scope="row", role=role["rowheader"]),
            *(
                element("td", cell, class_=look, role=role["cell"], data_label=label)
                for cell, look, label in zip(cells, style[1:], labels[1:], strict=True)
            ),
            role=role["row"],
        )
        for first, *cells in rows
    ]
    inner = element(
        "table",
        element("caption", caption, class_="soft"),
        element("thead", element("tr", *titles, role=role["row"]), role=role["rowgroup"]),
        element("tbody", *lines, role=role["rowgroup"]),
        class_="cards" if cards else None,
        role=role["table"],
    )
    return element(
        "div", inner, class_="scroll", tabindex="0", role="group", aria_label=caption
    )


def folded(summary: str, *content: Content, open_: bool = False) -> Markup:
    """Write what is shown when it is asked for."""
    return element("details", element("summary", summary), *content, open=open_ or None)


def figure(drawn: Content, caption: Content, *more: Content) -> Markup:
    """Write a picture with what there is to say of it."""
    return element("figure", drawn, element("figcaption", caption), *more)


def pill(sign: str, word: str, tone: str) -> Markup:
    """Write a state as a word with its sign."""
    return element("span", f"{sign} {word}".strip(), class_=f"pill {tone}")
