"""The report of one experiment as a page of its own."""

from __future__ import annotations

from meta_experiment.render.findings import impact_finding
from meta_experiment.render.html.course_part import cases_part, course_part, distribution_part
from meta_experiment.render.html.data_part import data_part, worth_part
from meta_experiment.render.html.metrics_part import metrics_part
from meta_experiment.render.html.page import page
from meta_experiment.render.html.record_part import again_part, change_part, plan_part
from meta_experiment.render.html.units_part import units_part
from meta_experiment.render.html.verdict_part import contents, top
from meta_experiment.render.markup import element
from meta_experiment.render.report_words import moment, name
from meta_experiment.render.standing_words import whole_sentence
from meta_experiment.types.results.report import ReportDocument


def report_page(report: ReportDocument) -> str:
    """Write a report as one file."""
    parts = [
        ("metrics", "Metrics", metrics_part(report)),
        ("course", "Over time", course_part(report)),
        ("worth", "What it is worth", worth_part(report, impact_finding(report) or "")),
        ("distributions", "Distributions", distribution_part(report)),
        ("cases", "Case by case", cases_part(report)),
        ("units", "Units by their keys", units_part(report)),
        ("data", "Data quality", data_part(report)),
        ("change", "The change", change_part(report)),
        ("plan", "Plan and history", plan_part(report)),
        ("again", "Reproduce", again_part(report)),
    ]
    shown = [(identity, word) for identity, word, drawn in parts if drawn is not None]
    return page(
        f"{whole_sentence(report)} · {name(report.plan.name, 80)}",
        top(report),
        contents(shown),
        *(drawn for _, _, drawn in parts),
        element("footer", f"Made by meta-experiment, as of {moment(report.as_of)}."),
    )
