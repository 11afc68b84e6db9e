"""Both moments of the evidence are told: when it first sufficed, and since when it does."""

from types import SimpleNamespace

import pytest

from meta_experiment.render.findings import course_finding, since_when
from meta_experiment.types import Unit
from meta_experiment.types.results.report import EvidenceSeries

BOTH = "was ruled out first at 12 sessions per arm, and at every look since 15"


def told(first, since, looks=0, say=since_when):
    verdict = SimpleNamespace(any_look=True, by_e_values=True)
    report = SimpleNamespace(unit=Unit.SESSION, verdict=verdict, series=(1,))
    return say(report, EvidenceSeries("b", 3.0, first, since, looks, ()))


@pytest.mark.parametrize(
    ("first", "since", "looks", "said"),
    [
        (12, 12, 0, "has been ruled out since 12 sessions per arm"),
        (12, 15, 0, BOTH),
        (12, 15, 900, f"{BOTH} (of 900 looks 0 are kept)"),
        (12, None, 0, "was ruled out at 12 sessions per arm, and is not any more"),
    ],
)
def test_first_and_since_are_one_sentence(first, since, looks, said):
    assert told(first, since, looks) == said


def test_the_heading_is_that_sentence():
    assert told(12, 15, say=course_finding) == f"“No change” {told(12, 15)}"
    assert told(None, None, say=course_finding) == "“No change” is not ruled out yet"
