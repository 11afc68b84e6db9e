"""Uses in a sandbox, with writes refused and hooks broken off: a small form of the full run."""

import pytest
from tests.chaos import boxes

pytestmark = pytest.mark.long


def test_a_use_that_may_not_be_written_down_is_one_trial(tmp_path, monkeypatch):
    """From each of its writes on, with each error; whatever was written before counts once."""
    monkeypatch.setenv("CLAUDE_TMPDIR", "")
    uses = boxes.Uses(tmp_path)
    uses.refuse()
    assert uses.counts["uses"] > 6


@pytest.mark.parametrize("error", [boxes.DEATH, boxes.errno.ENOSPC], ids=["death", "full"])
def test_a_hook_that_is_broken_off_while_it_takes_over_loses_and_doubles_none(
    tmp_path, monkeypatch, error
):
    """The next one goes on."""
    monkeypatch.setenv("CLAUDE_TMPDIR", "")
    uses = boxes.Uses(tmp_path)
    uses.break_off(error)
    assert uses.counts["uses"] > 4
