"""How Sphinx makes the site of the Markdown that the repository shows as it stands.

The source is the repository itself, so that links between pages, to schemas and to what lies at
its top are the same here and there. Pages have no directives: which page follows which is read
from the lists of links in the pages that are tables of contents.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

project = _PROJECT["name"]
author = _PROJECT["authors"][0]["name"]
release = _PROJECT["version"]
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "AGENTS.md",
    "CHANGELOG.md",
    "LICENSE",
    "SECURITY.md",
    "evals/README.md",
]
exclude_patterns = ["build/**"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a page may begin with the text of another's section
html_theme = "furo"
html_title = f"{project} {release}"
html_favicon = "../.claude-plugin/icon.png"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+\.md)\)")


def _with_contents(_app: object, page: str, source: list[str]) -> None:
    """Tell Sphinx of the pages that a table of contents links to, by its headings."""
    if page != root_doc and not _is_contents(page):
        return
    if page == root_doc:
        source[0] += _unlisted(source[0])
    parts = _HEADING.split(source[0])
    seen: set[str] = set()
    for title, text in [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]:
        linked = [link for link in _LINK.findall(text) if _is_below(page, link)]
        fresh = [link for link in dict.fromkeys(linked) if link not in seen]
        seen.update(fresh)
        if fresh:
            caption = [f":caption: {title}"] if title else []
            source[0] += "\n".join(
                ["\n```{toctree}", ":hidden:", *caption, "", *fresh, "```\n"]
            )


def _is_contents(page: str) -> bool:
    return page.startswith("docs/") and page.endswith("/README")


def _unlisted(contents: str) -> str:
    """List the pages beside the front page, and folders of pages, that it does not link to."""
    docs = ROOT / "docs"
    places = sorted([*docs.glob("*.md"), *docs.glob("*/README.md")])
    links = [place.relative_to(docs).as_posix() for place in places]
    others = [it for it in links if it not in ("index.md", *_LINK.findall(contents))]
    return "\n## More\n\n" + "\n".join(f"- [{it}]({it})" for it in others) if others else ""


def _is_below(page: str, link: str) -> bool:
    """Tell whether a link of a table of contents leads to what it is the contents of."""
    return page == root_doc or "/" not in link


def _front_page(app: Any, error: Exception | None) -> None:  # noqa: ANN401
    """Lead from the top of the site to its first page."""
    if error is None:
        to = '<!doctype html><meta http-equiv="refresh" content="0; url=docs/index.html">\n'
        Path(app.outdir, "index.html").write_text(to, "utf-8")


# what the theme leaves out, without which some people cannot find their way: a heading's level,
# names that tell the drawers apart, and the keyboard's way to switches and parts that scroll
_NAVIGATION = '<input type="checkbox" class="sidebar-toggle" name="__navigation"'
_MENDED = (
    ('class="caption" role="heading"><', 'class="caption" role="heading" aria-level="2"><'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="Pages">'),
    ('<aside class="toc-drawer">', '<aside class="toc-drawer" aria-label="On this page">'),
    ('<a href="#" class="back-to-top', '<nav aria-label="Up"><a href="#" class="back-to-top'),
    ("<span>Back to top</span>\n        </a>", "<span>Back to top</span>\n        </a></nav>"),
    ('<div id="search-results">', '<h1>Search</h1><div id="search-results">'),
    (_NAVIGATION, f'<nav aria-label="Drawers">{_NAVIGATION}'),
    ('of contents sidebar">\n<label', 'of contents sidebar"></nav>\n<label'),
    ("<pre>", '<pre tabindex="0">'),
    ('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
)


def _mended(app: Any, error: Exception | None) -> None:  # noqa: ANN401
    """Mend every page; one that was mended before stays as it is."""
    for path in Path(app.outdir).rglob("*.html") if error is None else ():
        text = path.read_text("utf-8")
        for before, after in _MENDED:
            if after not in text:
                text = text.replace(before, after)
        path.write_text(text, "utf-8")


def setup(app: Any) -> None:  # noqa: ANN401
    """Connect it to what Sphinx does; the front page is always read, as others may be new."""
    app.connect("env-get-outdated", lambda *_: [root_doc])
    app.connect("source-read", _with_contents)
    app.connect("build-finished", _front_page)
    app.connect("build-finished", _mended)
