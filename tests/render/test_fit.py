"""Lines fit a terminal, nothing of what they say is lost, and what is copied stays whole."""

from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.render import text
from meta_experiment.render.blocks import (
    Column,
    Emphasis,
    Facts,
    Heading,
    Notes,
    Paragraph,
    Table,
)
from meta_experiment.render.fit import flowed, plain, seen
from meta_experiment.render.style import Style

WORDS = st.lists(st.text(alphabet="abc漢é\u0301🙂", min_size=1, max_size=9), min_size=1)
TONES = st.sampled_from([None, "good", "bad"])


@given(WORDS, st.lists(TONES, min_size=1), st.integers(1, 30), st.integers(1, 30))
def test_lines_fit_and_keep_every_word_in_its_tone(words, tones, width, rest):
    parts = zip_longest(words, tones[: len(words)])
    told = tuple(
        part
        for word, tone in parts
        for part in (" ", word if tone is None else Emphasis(word, tone))
    )
    lines = list(flowed(told, width, rest))
    assert " ".join(plain(line).strip() for line in lines).split() == words
    for place, line in enumerate(lines):
        assert seen(line) <= (rest if place else width) or len(plain(line).split()) == 1
    shown = "".join(text.write(((Paragraph((line,)),),), Style(colour=True)) for line in lines)
    flat = text.write(((Paragraph((told,)),),), Style(colour=True))
    assert shown.replace(" ", "") == flat.replace(" ", "")


def written(*blocks, width=0, colour=False):
    return text.write((blocks,), Style(colour, width)).splitlines()


@pytest.mark.parametrize(
    "whole",
    ["meta-experiment learn exp-1 --why TEXT", "[+14.0%, +64.5%]", "/a/long/path/there"],
)
def test_what_is_copied_or_belongs_together_is_not_broken(whole):
    for width in range(max(20, len(whole)), 60):
        lines = written(Facts((("Next", f"write it down: {whole}"),)), width=width)
        assert any(line.endswith(whole) for line in lines)
        assert max(map(len, lines)) <= width


def test_a_command_ends_with_its_sentence():
    said = "first: meta-experiment doctor. Then all the rest of the words"
    assert written(Notes((said,)), width=34) == [
        "  - first: meta-experiment doctor.",
        "    Then all the rest of the words",
    ]


TABLE = Table(
    (Column("name", 8), Column("mean", 6, "right"), Column("what it means", 4, gap=2)),
    (("control", "41.5 s", "as it was"), ("treatment", "8 s", "three agents, 漢字 at once")),
)


def test_a_table_that_fits_stays_as_it_is():
    assert written(TABLE, width=80) == [line.rstrip() for line in written(TABLE)]


def test_the_widest_column_of_a_table_gives_way():
    assert written(TABLE, width=36) == [
        "  name        mean  what it means",
        "  control   41.5 s  as it was",
        "  treatment    8 s  three agents,",
        "                    漢字 at once",
    ]


def test_a_table_with_no_room_becomes_a_list_for_each_row():
    assert written(TABLE, width=26) == [
        "  control",
        "    mean          41.5 s",
        "    what it means as it",
        "                  was",
        "  treatment",
        "    mean          8 s",
        "    what it means three",
        "                  agents,",
        "                  漢字 at",
        "                  once",
    ]


def test_colour_takes_no_room():
    blocks = (Heading("A title", ("of ", Emphasis("some", "dim"), " length")), TABLE)
    plainly = written(*blocks, width=20)
    painted = "\n".join(written(*blocks, width=20, colour=True))
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m"):
        painted = painted.replace(code, "")
    assert painted.splitlines() == plainly
    assert max(map(seen, plainly)) <= 26  # the words of the list have no less


class Terminal:
    def __init__(self, *, real):
        self.isatty = lambda: real


def test_what_is_piped_has_no_width_and_a_terminal_the_one_it_says(monkeypatch):
    monkeypatch.setenv("COLUMNS", "61")
    assert Style.for_stream(Terminal(real=True), {}).width == 61
    assert Style.for_stream(Terminal(real=True), {"NO_COLOR": "1"}).width == 61
    assert Style.for_stream(Terminal(real=False), {"FORCE_COLOR": "1"}).width == 0
    assert Style.for_stream(None, {}).width == 0
