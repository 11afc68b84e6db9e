"""A report speaks of one thing by one word and one number, in every form that it has."""

import re
from dataclasses import replace
from functools import cache

import pytest
from tests.looks import made_up
from tests.looks.project import MadeUpProject, Uses

from meta_experiment.render.html.report_page import report_page
from meta_experiment.render.report_markdown import report_markdown
from meta_experiment.render.report_summary import summary
from meta_experiment.render.style import Style
from meta_experiment.render.writers import TEXT, write
from meta_experiment.types import Status
from meta_experiment.types.results.report import GateName, GateState
from meta_experiment.types.results.report_standing import StandingState


@cache
def document(name):
    with MadeUpProject.fresh() as project:
        if name != "alike":
            return made_up.REPORTS[name](project)
        made = project.started(
            "--primary-metric", "error_rate", "--guardrail", "output_tokens:20%"
        )
        typical = {"control": 84.0, "treatment": 84.0}
        uses = Uses(typical, errors=dict.fromkeys(typical, 0.0))
        project.observe(made, uses, 30, seed=4)
        project.later(3)
        return project.report(made)


def _text(report):
    return write(TEXT, summary(report), Style())


def _plain(page):
    return re.sub(r"<[^>]*>", "", page)


FORMS = {"html": report_page, "markdown": report_markdown, "text": _text}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["decided", "three-arms", "undecided"])
def test_evidence_is_odds_everywhere_and_a_change_has_two_figures(name, form):
    told = _plain(FORMS[form](document(name)).partition("<script")[0])
    assert " to 1" in told
    assert not re.search(r"e-value \d|e\+\d", told)
    assert not re.search(r"\d{2}\.\d+\s?% (better|worse)", told)


@pytest.mark.parametrize("name", ["decided", "three-arms", "cases", "fixed", "undecided"])
def test_a_terminal_names_the_gates_as_the_page_does(name):
    report = document(name)
    page, text = report_page(report), _text(report)
    titles = re.findall(r'<li data-gate="\w+"[^>]*>.*?<b>(.*?)</b>', page)
    assert len(titles) == len(GateName)
    assert all(f" {title}: " in text for title in titles)


@pytest.mark.long
def test_values_that_are_all_alike_are_data():
    report = document("alike")
    gates = {gate.gate: gate.state for gate in report.gates}
    assert gates[GateName.DATA] is GateState.FAILED
    assert gates[GateName.GUARDRAILS] is not GateState.NOTHING_YET
    for form in FORMS.values():
        told = form(report)
        assert "No data yet" not in told
        assert "Data are not sound" not in told
        assert "up to +100" not in told
        assert "throughout in every arm" in told
    assert "choose a metric that varies" in report.ahead.sentence


def test_every_command_to_run_next_is_code_of_its_own():
    report = document("decided")
    action = "write it down: meta-experiment learn x; to go on: meta-experiment resume x"
    report = replace(report, verdict=replace(report.verdict, next_action=action))
    page, comment = (
        report_page(report),
        report_markdown(report),
    )
    for command in ("meta-experiment learn x", "meta-experiment resume x"):
        assert f"<code>{command}</code>" in page
        assert f"`{command}`" in comment


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_the_status_has_the_word_of_the_verdict(form):
    report = document("decided")
    standing = replace(report.standing, state=StandingState.STOPPED, status=Status.EXPIRED)
    told = FORMS[form](replace(report, standing=standing, status=Status.EXPIRED))
    assert "Stopped, " in told
    assert "Expired" not in told


def test_a_long_hypothesis_is_folded_before_the_facts():
    report = document("decided")
    words = "No part waits for another. " * 40
    page = report_page(replace(report, plan=replace(report.plan, hypothesis=words)))
    assert '<p class="hypothesis"' in report_page(report)
    shown = re.search(r'<details class="hypothesis"><summary[^>]*>(.*?)</summary>', page)[1]
    assert len(shown) <= 200
    assert words.strip() in page


@pytest.mark.parametrize("form", FORMS)
def test_what_would_make_one_surer_calls_metrics_by_their_labels(form):
    report = document("undecided")
    ahead = replace(report.ahead, sentence="A promotion waits until enough have error_rate.")
    told = FORMS[form](replace(report, ahead=ahead))
    assert "until enough have error rate." in told


def test_every_code_of_a_page_holds_something():
    """Also where what is to be done next has no command."""
    report = document("undecided")
    assert report.verdict.next_action.startswith("go on collecting; ")
    assert "<code></code>" not in report_page(report)


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_history_says_statuses_in_words(form):
    report = document("decided")
    last = replace(report.events[-1], before="promoted", after="rolled_back")
    told = FORMS[form](replace(report, events=(*report.events, last)))
    assert "promoted → rolled back" in told


def test_too_few_values_are_not_said_to_be_alike():
    """An arm may vary and carry no evidence all the same, as few values of a quantile do."""
    report = document("alike")
    result = report.results[0]
    apart = replace(result.comparisons[0], control_value=0.1, treatment_value=0.2)
    first = replace(result, comparisons=(apart,))
    for form in FORMS.values():
        told = form(replace(report, results=(first, *report.results[1:])))
        assert "throughout" not in told
        assert "Nothing can be decided on these data" in told
