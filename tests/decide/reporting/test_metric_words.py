"""What a metric is called in a report."""

import pytest

from meta_experiment.decide.reporting.metric_words import label


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("duration_seconds", "duration"),
        ("duration_seconds.p90", "p90 of duration"),
        ("cost_usd.per.turns", "cost per turn"),
        ("cost_usd.per.success", "cost per success"),
        ("followup_turns", "follow-up turns"),
    ],
)
def test_a_metric_is_called_as_one_says_it(name, said):
    assert label(name) == said
