"""A page is written in any form of the table, whatever it is made of."""

import typing

import click
import pytest

from meta_experiment.cli.main import main
from meta_experiment.cli.verbs import status
from meta_experiment.render import writers
from meta_experiment.render.blocks import (
    Block,
    Column,
    Commands,
    Curve,
    Difference,
    Emphasis,
    Facts,
    Figure,
    FoldedPart,
    Forest,
    ForestLine,
    Heading,
    Notes,
    Paragraph,
    Table,
    lines,
)
from meta_experiment.render.style import Style

DURATION = ForestLine(
    "duration", "", 1, 0.2, 0.1, 0.3, None, 0.15, "+20%", "+10% to +30%",
    "✓", "better", "good",
)  # fmt: skip
COST = ForestLine(
    "cost",
    "",
    1,
    -0.05,
    None,
    0.02,
    0.1,
    None,
    "−5%",
    "up to +2%",
    "?",
    "open",
    "warn",
)
PAGE = (
    (
        Heading("Verdict", ("of ", Emphasis("today", "good"))),
        Facts((("Name", "review"), (Emphasis("Alert", "warn"), "slow"), ("", "and more"))),
    ),
    (
        Table(
            (Column("variant", 8), Column("units", 6, "right"), Column("effect", gap=2)),
            (("control", "12"), ("treatment", "9", "+3%")),
        ),
        Notes(("One look.", "No more.")),
        Paragraph((("It is ", Emphasis("better", "good"), "."), "Promote it."), indent=4),
    ),
    (Difference("-a\n+b\t<c>\n"), Figure("Evidence", (Curve("treatment", (0, 1, 3, 7)),))),
    (Commands(("meta-experiment status",)),),
    (Forest(0.4, (DURATION, COST)), FoldedPart("In full", (Notes(("Seen.",)),))),
)
TEXT = """\
Verdict  of today
  Name        review
  Alert       slow
              and more

  variant   units  effect
  control      12
  treatment      9  +3%
  - One look.
  - No more.
    It is better.
    Promote it.

-a
+b    <c>
Evidence
  treatment   ▁▂▄█

  meta-experiment status

            ← worse   −20%           0          +20%   better →
  duration                           │     ├──┆───●─────┤        +20%  ✓ better
  cost      ◂──────────────────┊──●──┼┤                           −5%  ? open
In full
  - Seen."""


@pytest.fixture
def forms(monkeypatch):
    """The forms there are, and one more: a module, and a line in the table."""
    monkeypatch.setitem(writers.WRITERS, "toy", "tests.render.toy_writer:write")
    return tuple(writers.WRITERS)


def test_every_kind_of_block_stands_on_the_page():
    shown = {type(block) for section in PAGE for block in section}
    assert shown == set(typing.get_args(Block))


def test_every_form_writes_every_block(forms):
    for form in forms:
        written = writers.write(form, PAGE, Style())
        for word in (
            "Verdict",
            "today",
            "review",
            "control",
            "No more.",
            "Promote",
            "Evidence",
        ):
            assert word in written, form


def test_text_has_the_layout_of_the_screen():
    assert writers.write("text", PAGE, Style()) == TEXT


def test_in_markdown_nothing_of_a_text_is_a_mark():
    cells = (Column("a|b"), Column("n", align="right"))
    page = (
        (Heading("*x*", "_y_", level=2), Table(cells, (("<i>|", "1"), ("short",)))),
        (Notes(("# no",)), Difference("-a\n+```\n"), Facts((("k", Emphasis("v", "dim")),))),
    )
    assert writers.write("markdown", page, Style()) == (
        "### `*x*`\n\n`_y_`\n\n| a&#124;b | n |\n| --- | ---: |\n| `<i>`&#124; | 1 |\n"
        "| short |  |\n\n- `#` no\n\n````diff\n-a\n+```\n````\n\n- **k**: v"
    )


def test_colours_take_no_room():
    coloured = writers.write("text", PAGE, Style(colour=True))
    for code in ("1", "31", "32", "33", "0"):
        assert f"\x1b[{code}m" in coloured
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == TEXT


def test_another_form_needs_no_more_than_a_line_in_the_table(forms):
    written = writers.write("toy", lines(Emphasis("<b>", "bad"), "& more"), Style())
    assert (
        written == "<section><paragraph><em>&lt;b&gt;</em> &amp; more 0</paragraph></section>"
    )
    assert "toy" in forms


def test_a_verb_speaks_in_another_form_by_one_option(forms, tmp_path, capsys, monkeypatch):
    asked = click.Option(["--toy", "form"], flag_value=forms[-1], default=writers.TEXT)
    monkeypatch.setattr(status.command, "params", [*status.command.params, asked])
    assert main(["status", "--root", str(tmp_path), "--toy"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("<section><paragraph>No experiments yet. Start one: ")
    assert said.endswith("</facts></section>\n")
    assert main(["status", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("No experiments yet.\nStart one: ")
