"""Amounts of money, and what promotions save or add, as a reader is told them."""

import pytest

from meta_experiment.render.project_impact import impact_headline, impact_rows
from meta_experiment.render.report_words import THIN, amounts, quantity
from meta_experiment.types.results.project_report import (
    MetricSavings,
    ProjectImpact,
    SavedAmount,
)


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        (11.1, "$11.10"),
        (56.64, "$56.64"),
        (1234.5, "$1,234.50"),
        (-0.3921, "−$0.392"),
        (0.99999, "$1.00"),
        (0.0911, "$0.0911"),
        (0.0, "$0"),
    ],
)
def test_money_has_its_cents_from_a_dollar_on(usd, said):
    assert quantity(usd, "USD") == said


def test_both_ends_of_an_amount_of_money_are_written_alike():
    assert amounts(1.5, 11.06, "USD").split("\u00a0") == ["$1.50", "to", "$11.06"]


def test_what_a_promotion_adds_is_no_negative_saving():
    """Time and money say themselves what they are; of tokens the label says which."""
    tokens, time = SavedAmount(-70_800, -90_000, -50_000), SavedAmount(51_120, 40_000, 60_000)
    items = (
        MetricSavings("duration_seconds", "duration", "s", 1, time, time),
        MetricSavings("output_tokens", "output tokens", "tokens", 1, tokens, tokens),
    )
    impact = ProjectImpact(1, 1, 1, 0, (), 0.9, items)
    assert impact_headline(impact).replace(THIN, " ") == (
        "What was promoted saves about 14.2 h and costs about 70,800 output tokens more a month"
    )
    saved, added = ([it.replace(THIN, " ") for it in row] for row in impact_rows(impact))
    assert saved[:2] == ["duration saved a month", "14.2 h"]
    assert added == [
        "output tokens added a month",
        "70,800 tokens",
        "50,000 tokens to 90,000 tokens",
        "70,800 tokens",
    ]
