"""A number is written in one way, wherever a reader meets it."""

import re

import pytest
from tests.cli.test_report_forms import document
from tests.cli.test_where_it_stands import GUARDED, made

from meta_experiment.render.html.report_page import report_page
from meta_experiment.render.report_markdown import report_markdown
from meta_experiment.render.report_summary import summary
from meta_experiment.render.style import Style
from meta_experiment.render.writers import TEXT, write

FORMS = {
    "html": report_page,
    "markdown": report_markdown,
    "text": lambda report: write(TEXT, summary(report), Style()),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["three-arms", "fixed", "cases"])
def test_per_cents_have_one_form_on_every_report(name, form):
    text = FORMS[form](document(name))
    assert re.search(r"\d%", text)
    assert re.findall(r"\d\s%", text) == []


def test_a_change_is_the_same_figure_in_every_verb(project):
    """Its sentence, its line in the picture and its line in detail; here 39.6 per cent."""
    name = made(project, 20, *GUARDED, speed=0.6)
    (found,) = re.findall(r"duration {2,}.* ([+−]\d+%) ", project("report", name).out)
    size = found[1:]
    analysis = project("analyze", name).out
    assert f"treatment is {size} better than control on duration_seconds" in analysis
    assert f"treatment against control: +{size} (positive is better)" in analysis
    assert f"Effect      {size} better" in project("status", name).out


def test_a_p_value_has_to_be_at_most_so_much(project):
    name = made(project, 30, *GUARDED, "--stopping", "fixed", "--sample-size", "30")
    said = " ".join(project("report", name).out.split())
    assert "p < 0.0001, at most 0.05 needed" in said
    assert "p = 0.05" not in said


def test_what_is_broken_is_said_once(project):
    name = made(project, 40, *GUARDED, cost=2.0)
    line = next(
        it for it in project("report", name).out.splitlines() if "A guardrail is broken" in it
    )
    assert "A guardrail is broken: cost (" in line
