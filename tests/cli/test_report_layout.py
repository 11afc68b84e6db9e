"""How the page of a report is laid out: what every arm came to, and tables that may stack."""

import random
import re

import pytest
from tests.cli.test_report import Reader, page_of

from meta_experiment.render.html.page import table


@pytest.fixture
def three(project):
    """An experiment in which one arm wins, and one loses."""
    text = project.root / "v3.md"
    text.write_text("Review the branch twice.")
    made = project.create("--file", "plan:.claude/commands/review.md=v3.md")
    chance = random.Random(1)  # noqa: S311 - data
    for _ in range(12):
        lines = [
            {
                "experiment": made,
                "variant": arm,
                "metrics": {"duration_seconds": factor * chance.lognormvariate(0, 0.2)},
            }
            for arm, factor in (("control", 90), ("treatment", 60), ("plan", 150))
        ]
        project.stdin("record", "--stdin", lines=lines)
    return made


def test_every_arm_is_told_with_its_mark_above_the_table_and_in_it(project, three):
    """The one that loses as well: by name and number, in a colour and a form of its own."""
    page = page_of(project, three)
    (told,) = re.findall('<ul class="arms".*?</ul>', page)
    arms = re.findall(r'class="arm t(\d)"><span class="dot d\1"></span><bdi>(\w+)</bdi>', told)
    assert [name for _, name in arms] == ["control", "treatment", "plan"]
    assert len({number for number, _ in arms}) == 3
    assert "worse" in told.split("plan")[1]
    rows = Reader(page).having("tr", "data-treatment")
    for row, name in zip(rows, ["treatment", "plan"], strict=True):
        assert name in row["text"]
    number = dict(map(reversed, arms))
    first, *_ = re.findall("<svg.*?</svg>", page[page.index('id="course"') :], re.DOTALL)
    assert f'class="s{number["plan"]} other"' in first
    assert ">plan −" in first


def test_rows_that_stack_stay_rows_to_those_who_hear_them():
    drawn = table(
        "Sums", ("Arm", "Units", "Left out"), [("b", "3", "none")], numbers=(1,), cards=True
    )
    roles = re.findall('<(table|thead|tbody|tr|th|td)[^>]* role="([a-z]+)"', drawn)
    assert roles == [
        ("table", "table"),
        ("thead", "rowgroup"),
        ("tr", "row"),
        *[("th", "columnheader")] * 3,
        ("tbody", "rowgroup"),
        ("tr", "row"),
        ("th", "rowheader"),
        *[("td", "cell")] * 2,
    ]
    assert re.findall('data-label="([^"]*)"', drawn) == ["Units", "Left out"]
    assert "role" not in table("Sums", ("Arm", "Units"), [("b", "3")]).partition("<table")[2]


def test_nothing_is_told_by_colour_alone(project, three):
    """Each state has its word, each gate its sign, each changed line its own."""
    read = Reader(page_of(project, three))
    styled = [(it["class"].split(), it["text"]) for it in read.having("span", "class")]
    pills = [text for style, text in styled if "pill" in style]
    assert len(pills) >= 6
    assert all(re.search("[a-z]{4}", text) for text in pills)
    signs = [it for it in read.having("span", "aria-label") if "sign" in it["class"]]
    assert {it["aria-label"] for it in signs} > {"passed"}
    assert all(it["text"] in "✓✗?–!" and it["text"] for it in signs)
    assert {text[:2] for style, text in styled if "out" in style} == {"− "}
    assert {text[:2] for style, text in styled if "in" in style} == {"+ "}
    labels = {it["text"] for it in read.having("text", "class")}
    assert {"no change", "enough", "better", "worse"} <= labels
    assert any(label.startswith("goal ") for label in labels)
