"""One document, four forms: they say the same in the same order, and nothing in them runs."""

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from tests.everyday import some
from tests.looks import made_up
from tests.looks.project import MadeUpProject, Uses
from tests.support.forms import FORMS, said_by
from tests.support.gfm import Rendered
from tests.support.hostile import HOSTILE, poisoned

from meta_experiment.render.check_words import check_rows
from meta_experiment.render.html.report_page import report_page
from meta_experiment.render.plan_words import plan_rows
from meta_experiment.render.report_markdown import MOST, marker, page_markdown, report_markdown
from meta_experiment.render.report_picture import report_picture
from meta_experiment.render.report_summary import summary
from meta_experiment.render.style import Style
from meta_experiment.render.words import harmless
from meta_experiment.render.writers import TEXT, write
from meta_experiment.types import Decision
from meta_experiment.types.results.report import PromptDiff
from meta_experiment.types.results.report_metrics import ResultState

MARKS = (
    "@octocat #12 owner/repo#12 https://a.example/x www.a.example -->\n<!-- x --> </details> "
)
TABLES = {"table", "thead", "tbody", "tr", "th", "td"}
ALLOWED = {"p", "h3", "ul", "li", "strong", "code", "pre", "details", "summary", "br", *TABLES}
PLANS = {
    "rate": ("--primary-metric", "error_rate", "--guardrail", "duration_seconds:20%"),
    "ratio": ("--primary-metric", "cost_usd.per.turns", "--secondary", "duration_seconds"),
    "quantile": ("--primary-metric", "duration_seconds.p90", "--guardrail", "turns:10%"),
    "believed": ("--primary-metric", "duration_seconds", "--stopping", "bayesian"),
    "bandit": (
        "--primary-metric", "duration_seconds", "--assignment", "bandit", "--aim", "find_best",
    ),
}  # fmt: skip


@cache
def document(name):
    return fresh(name)


def fresh(name):
    with MadeUpProject.fresh() as project:
        if name not in PLANS:
            return {**made_up.REPORTS, **made_up.INDEXES}[name](project)
        made = project.started("--guardrail", "output_tokens:20%", *PLANS[name])
        project.observe(made, Uses({"control": 84.0, "treatment": 60.0}), 30, seed=4)
        project.later(9)
        return project.report(made)


NAMES = (*PLANS, "decided", "three-arms", "cases", "fixed", "undecided", "empty")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", some(NAMES, 4))
def test_verdict_numbers_and_order_are_those_of_the_document(name, form):
    report = document(name)
    assert said_by(form, report) == said_by("document", report)


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("form", some(FORMS, 2))
def test_every_verdict_and_state_is_said_in_every_form(form, decision):
    """Also those that no made-up experiment comes to."""
    report = document("three-arms")
    for state in ResultState:
        results = tuple(
            replace(one, comparisons=tuple(replace(it, state=state) for it in one.comparisons))
            for one in report.results
        )
        other = replace(
            report, results=results, verdict=replace(report.verdict, decision=decision)
        )
        assert said_by(form, other) == said_by("document", other)


@pytest.mark.parametrize("name", some(NAMES, 4))
def test_the_same_document_makes_the_same_bytes(name):
    report, again = document(name), fresh(name)
    assert report == again
    assert report_markdown(report) == report_markdown(again)
    assert report_picture(report, "x.svg") == report_picture(again, "x.svg")
    assert report_page(report) == report_page(again)
    assert write(TEXT, summary(report), Style()) == write(TEXT, summary(again), Style())


@pytest.mark.parametrize("name", NAMES)
def test_markdown_is_a_comment_of_headings_tables_and_folds(name):
    text = report_markdown(document(name))
    first, rest = text.split("\n", 1)
    assert first == marker(document(name).experiment_id)
    read = Rendered(text)
    assert read.open == []
    assert read.comments == [first.removeprefix("<!--").removesuffix("-->")]
    assert read.kinds <= ALLOWED
    assert {tag for tag, _ in read.headings} == {"h3"}
    assert read.fires == []
    opened = Rendered(rest.partition("<details>")[0])
    assert max(map(len, opened.rows)) == 5
    assert "<details>\n<summary>" in rest
    for fold in rest.split("<details>")[1:]:
        assert re.match(r"\n<summary>[^\n]*</summary>\n\n", fold)
        assert "\n\n</details>\n" in fold


def hostile(words):
    report = poisoned(document("decided"))
    (prompt,) = report.prompts
    diff = f"--- a\n+++ b\n@@ -1 +1 @@\n-`````` {words}\n+</details>\n+```\n+\u202e@octocat\n"
    prompts = (replace(prompt, diffs=(PromptDiff("x", 1, 1, diff * 400),)),)
    plan = replace(report.plan, name=words, hypothesis=words)
    notes = (words, "漢" * 10_000, "@a " * 4_000)
    return replace(report, prompts=prompts, plan=plan, notes=notes, experiment_id=words[:200])


@pytest.mark.parametrize("length", [1, pytest.param(10_000, marks=pytest.mark.long)])
def test_no_text_is_more_than_text_in_any_form(length):
    """In each place, short and long: no cell breaks, nothing runs, is called or linked."""
    words = (MARKS + HOSTILE) * max(1, length // len(MARKS + HOSTILE))
    report = hostile(words)
    text = report_markdown(report)
    assert len(text) <= MOST
    first, _, rest = text.partition("\n")
    assert re.fullmatch(r"<!-- meta-experiment report [\w./%-]+ -->", first)
    assert first.count("--") == 2
    read = Rendered(rest)
    assert (read.open, read.comments, read.fires) == ([], [], [])
    assert read.kinds <= ALLOWED
    assert all(attributes.keys() <= {"style", "class"} for _, attributes in read.tags)
    assert {len(row) for row in read.rows} <= {2, 3, 4, 5, 6, 7, 8}
    assert re.search("[\u202a-\u202e\u2066\x00-\x08\x1b]", text) is None
    said = harmless(write(TEXT, summary(report), Style(width=80)))
    assert re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", said) is None
    assert max(map(len, said.splitlines())) < 400
    pair = report_picture(report, "x.svg")
    for drawn in pair.files.values():
        elements = list(ET.fromstring(drawn).iter())  # noqa: S314 - our own
        kinds = {it.tag.rpartition("}")[2] for it in elements}
        assert kinds <= {"svg", "title", "desc", "style", "rect", "text", "g", "path"}
        names = {name for it in elements for name in it.attrib}
        assert not [name for name in names if name.startswith("on") or "href" in name]
        assert not re.search(r"url\(|@import", drawn.partition("</style>")[0])
    inside = Rendered("\n".join(pair.snippet))
    assert inside.kinds <= {"picture", "source", "img"}


class _Attributes(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    handle_startendtag = handle_starttag


def test_a_name_cannot_leave_the_lines_that_show_a_picture():
    report = replace(document("decided"))
    pair = report_picture(report, 'a" onerror="x.svg')
    found = dict(_Attributes("\n".join(pair.snippet)).found)
    assert found["img"]["src"] == 'a" onerror="x.light.svg'
    assert set(found["img"]) == {"src", "alt"}


def test_what_is_too_long_is_shortened_from_the_end_and_says_so():
    """The longest parts give way; what stands open is whole."""
    report = hostile("x ")
    whole, short = report_markdown(report, 10**9), report_markdown(report, 20_000)
    assert len(short) <= 20_000 < len(whole)
    assert short.partition("<details>")[0] == whole.partition("<details>")[0]
    left = re.findall(r"Left out here: ([\d,]+) of ([\d,]+) lines\.", short)
    assert len(left) >= 1
    assert "--html FILE`" in short
    assert short.count("<details>") == whole.count("<details>")
    for fold in short.split("<details>")[1:]:
        inner = Rendered(f"<details>{fold}")
        assert inner.open == []
    diff = short.partition("```diff")[2]
    assert "-`````` x" in (diff or short)


def test_nothing_is_left_out_of_a_usual_report():
    for name in NAMES:
        assert "Left out here" not in report_markdown(document(name))


def test_two_ids_have_two_marks_and_none_ends_its_comment():
    assert marker("exp-1") != marker("exp-2")
    assert marker("a--b") != marker("a__b") != marker("a-_b")
    assert marker("a --> b") == "<!-- meta-experiment report a_-%2D__b -->"
    assert marker(None) not in map(marker, ("all", "*", "None", "", "index"))
    assert "--" not in marker("----").removeprefix("<!--").removesuffix("-->")


@pytest.mark.long
def test_the_table_of_all_experiments_is_a_comment_as_well():
    from meta_experiment.render.project_list import project_list

    text = page_markdown(None, project_list(document("index")))
    read = Rendered(text)
    assert text.startswith(f"{marker(None)}\n")
    assert {tag for tag, _ in read.headings} <= {"h3"}
    assert {len(row) for row in read.rows} == {4}
    assert len(read.rows) == 1 + len(document("index").experiments)
    assert read.fires == []


@pytest.mark.parametrize("name", ["decided", "cases", "empty"])
def test_markdown_tells_the_plan_and_the_checks_as_the_page_does(name):
    report = document(name)
    text = Rendered(report_markdown(report)).text
    for about, told, *_ in (*plan_rows(report), *check_rows(report)):
        assert words(about) in words(text)
        assert words(told) in words(text)


def words(text):
    return " ".join(re.findall(r"\w+", text))
