"""Single trials are looked up without folding the rest."""

from __future__ import annotations

import json

import pytest
from tests.store.making import (
    append_events,
    assign,
    fold_of,
    line,
    read_trials,
    recorded,
    write_log,
)

from meta_experiment.store.fold import single_trials


@pytest.mark.parametrize("trial_id", ["t1", "0123456789abcdef", 'with "quotes"\\', "é"])
def test_conflicts_of_one_trial_are_those_of_the_whole_fold(layout, disk, trial_id):
    """Whoever wrote the lines, and however the id is spelled in them."""
    others = "".join(line(trial_id=f"x{n}", metrics={"m": n % 3}) for n in range(2000))
    write_log(layout, others + others + json.dumps(json.loads(line(trial_id=trial_id))) + "\n")
    assign(layout, disk, "e", "u1", lambda _: "treatment", at=1.0, new_id=lambda: trial_id)
    append_events(layout, disk, "h-1", "e", [recorded(trial_id, 5.0, metrics={"m": 7})])
    whole = read_trials(layout, "e")
    expected = [it for it in whole.conflicts if it.sentence.startswith(f"trial {trial_id}: ")]
    assert sorted(fold_of(layout, "e", [trial_id]).conflicts) == sorted(expected)
    assert len(expected) == 2


def test_only_lines_that_name_the_trial_are_decoded(layout, monkeypatch):
    """The cost is that of a search, not of a fold."""
    write_log(layout, "".join(line(trial_id=f"x{n}-") for n in range(5000)))
    seen = []
    whole = single_trials.decoded
    monkeypatch.setattr(
        single_trials, "decoded", lambda lines: seen.extend(lines) or whole(lines)
    )
    assert fold_of(layout, "e", ["x77-"]).conflicts == []
    assert len(seen) == 1
