"""Which experiment a short name means."""

import pytest

from meta_experiment.errors import ConflictError, NotFoundError, UsageError
from meta_experiment.services.naming import pick

FIRST, SECOND, OTHER = "exp-2026-01-30-review", "exp-2026-02-02-review", "exp-2026-02-02-rev"


@pytest.mark.parametrize(
    ("ids", "selector", "live", "meant"),
    [
        ([FIRST, OTHER], FIRST, (), FIRST),
        ([FIRST, OTHER], "review", (), FIRST),
        ([FIRST, OTHER], "rev", (), OTHER),  # the whole subject, before a beginning
        ([FIRST, SECOND], "exp-2026-01", (), FIRST),
        ([FIRST, SECOND], "review", (SECOND,), SECOND),  # the other has ended
        ([FIRST, SECOND], "rev", (SECOND,), SECOND),
        ([FIRST, SECOND], FIRST, (SECOND,), FIRST),  # the whole id means itself
        ([FIRST, OTHER], "review", (OTHER,), FIRST),  # living on is no claim to a name
    ],
)
def test_a_name_means_what_it_clearly_says(ids, selector, live, meant):
    assert pick(ids, selector, live) == meant


@pytest.mark.parametrize("selector", ["", " ", "\n"])
def test_an_empty_text_names_nothing_though_there_is_one_alone(selector):
    """As a variable of a shell that was never set."""
    with pytest.raises(UsageError, match="is empty"):
        pick([FIRST], selector)


@pytest.mark.parametrize("live", [(), (FIRST, SECOND)])
def test_what_fits_several_is_refused_with_their_names(live):
    with pytest.raises(ConflictError, match=f"fits 2 experiments: {FIRST}, {SECOND}"):
        pick([FIRST, SECOND], "review", live)


def test_the_nearest_name_is_suggested():
    with pytest.raises(NotFoundError) as refusal:
        pick([FIRST], "exp-2026-01-30-reviev")
    assert FIRST in (refusal.value.hint or "")
