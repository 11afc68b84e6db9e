"""Markdown read as GitHub reads it: by a parser of the tables and the HTML of GFM.

What GitHub does to the text after that (people, issues, commits, addresses, emoji) is looked
for in what is no code, as there.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

FIRES = re.compile(
    r"(?<![\w`/])@[a-z\d]"  # calls somebody
    r"|(?<![\w&])#\d|\bGH-\d"  # links an issue
    r"|\b(?=[a-f]*\d)[0-9a-f]{7,40}\b"  # links a commit
    r"|://|\bwww\.|[\w.+-]+@[\w-]+\.\w"  # links an address
    r"|:[a-z\d_+-]+:|\$[^\s$][^$]*[^\s$]\$(?!\d)",  # an emoji, a formula
    re.IGNORECASE,
)


def parser():
    """A parser of GFM: CommonMark with tables and strikethrough."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@dataclass
class Rendered(HTMLParser):
    """A rendered text: its tags in order, its plain text, and the cells of each row."""

    source: str
    tags: list = field(default_factory=list)
    comments: list = field(default_factory=list)
    open: list = field(default_factory=list)
    plain: list = field(default_factory=list)
    said: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    headings: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.html = parser().render(self.source)
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "hr", "img", "source"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.headings.append((tag, ""))
        self.plain.append("\0")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.plain.append("\0")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} ends another element"
        self.plain.append("\0")

    def handle_comment(self, data):
        self.comments.append(data)

    def handle_data(self, data):
        self.said.append(data)
        if not {"code", "pre"} & set(self.open):
            self.plain.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if self.headings and self.open and self.headings[-1][0] in self.open:
            tag, said = self.headings[-1]
            self.headings[-1] = (tag, said + data)

    @property
    def text(self):
        """All that is read, code as well."""
        return "".join(self.said)

    @property
    def fires(self):
        """What GitHub would make more of than text."""
        return FIRES.findall("".join(self.plain))

    @property
    def kinds(self):
        """The kinds of elements that there are."""
        return {tag for tag, _ in self.tags}
