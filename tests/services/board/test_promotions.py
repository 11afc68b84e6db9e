"""What a promotion owes to chance, by the rows of the board."""

import pytest

from meta_experiment.services.board.promotions import tried_experiments

PROMOTED = {
    "id": "exp-1", "started": "2026-01-01T00:00:00Z", "watches": None, "files": ["review.md"],
    "alpha": 0.05, "promoted": "2026-01-09T00:00:00Z", "promoted_e_value": 25.0,
    "outcome": {"override": None, "e_value": 25.0}, "holdout": None,
}  # fmt: skip


def watching(outcome, now):
    return PROMOTED | {
        "id": "exp-1-holdout", "watches": "exp-1", "promoted": None, "promoted_e_value": None,
        "outcome": outcome, "holdout": now,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "now", "counted"),
    [
        ({"override": None, "e_value": 21.5}, None, (21.5,)),
        (None, {"still_better": 0.03}, (0.03,)),
        (None, None, ()),
    ],
    ids=["ended", "running", "unread"],
)
def test_a_holdout_counts_as_it_is_now_and_not_only_once_it_went_well(outcome, now, counted):
    """Those that run on are those of which not enough speaks for the promotion."""
    (tried,) = tried_experiments([PROMOTED, watching(outcome, now)])
    assert (tried.evidence, tried.later) == (25.0, counted)
