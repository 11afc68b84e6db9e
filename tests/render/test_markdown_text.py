"""In Markdown a text is read as it was written, and does nothing."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.gfm import Rendered

from meta_experiment.render.markdown_text import code, html, inline
from meta_experiment.render.words import markdown_row, printable

HOSTILE = (
    "@octocat", "#12", "owner/repo#12", "GH-12", "deadbeef1", "https://a.example/x",
    "www.a.example", "me@a.example", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", "![x](http://y)", "[x](javascript:y)", "-->", "<!--",
    "</details>", "a|b", r"a\|b", "`", "```", "``x`", "~~~", "**bold**", "_x_", "- x", "1. x",
    "# x", "> x", "===", ":tada:", "$x^2$", "&lt;b&gt;", "&#64;me", "\\", "~~x~~",
    "\u202eevil", "\x1b[2J", "\0", "a\nb", "<https://a.example>", "[^1]", "| --- |",
    "(@octocat)", '"@octocat"', "x@octocat,", "'#12'", "…@octocat", "http://a|b",
    "`@octocat`",
)  # fmt: skip


def seen(text):
    """What is to be read of a text: on one line, without what steers, the ends left out."""
    flat = printable(re.sub(r"[\t\n\r\v\f]+", " ", text))
    return re.sub(" +", " ", flat).strip(" ")


def read(rendered):
    said = rendered.text.replace("\u2068", "").replace("\u2069", "")
    return re.sub(" +", " ", said.strip("\n")).strip(" ")


def is_text(rendered):
    assert rendered.kinds <= {"p", "code", "table", "thead", "tbody", "tr", "th", "td"}
    assert rendered.comments == []
    assert rendered.fires == []


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_text_in_a_paragraph_a_cell_and_a_fold(text):
    for said in (text, f"a {text} b", f"({text}),"):
        line = Rendered(inline(said))
        is_text(line)
        assert read(line) == seen(said)
        row = markdown_row([inline(said), "1"])
        table = Rendered("\n".join([markdown_row("xy"), "|---|---|", row]))
        assert [len(row) for row in table.rows] == [2, 2]
        assert table.rows[1][1] == "1"
        assert "|" not in inline(said)  # parsers differ on where a cell ends
        fold = Rendered(f"<details>\n<summary>{html(said)}</summary>\n\nx\n\n</details>")
        assert fold.kinds <= {"details", "summary", "p", "code"}
        assert fold.comments == fold.fires == fold.open == []
        assert seen(said) in fold.text


TEXTS = st.text(
    st.one_of(st.sampled_from("@#<>`*_[]()|\\!&;:/$~-+=.1aw \n\"'"), st.characters()),
    max_size=40,
)


@pytest.mark.long
@settings(max_examples=300, deadline=None, derandomize=True)
@given(TEXTS)
def test_no_text_is_more_than_text(text):
    line = Rendered(f"a {inline(text)}")
    is_text(line)
    assert read(line) == seen(f"a {text}")
    assert line.kinds <= {"p", "code"}
    start = Rendered(inline(text))
    is_text(start)
    assert seen(start.text.replace("\u2068", "").replace("\u2069", "")) == seen(text)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(TEXTS)
def test_code_is_what_it_was(text):
    shown = Rendered(f"a {code(text)}")
    is_text(shown)
    assert read(shown) == seen(f"a {text}")


def test_plain_words_stay_plain():
    said = "Treatment is 22\u202f% faster (p < 0.05): “no change” costs $0.09, −3 to +4 — 漢字."
    assert inline(said) == said
    assert inline("use output_tokens, or “a_b”.") == "use `output_tokens`, or “`a_b`”."
    assert inline("שלום") == "&#x2068;שלום&#x2069;"
    assert unicodedata.bidirectional("ש") == "R"
