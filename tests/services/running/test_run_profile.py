"""Models by what all runs of a project came to."""

import pytest

from meta_experiment.errors import NotFoundError
from meta_experiment.services.running.run_profile import run_profile
from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import CriterionKind, CriterionResult


def test_runs_are_summed_up_by_model(made_up):
    runs = made_up()
    tools = {"tool_calls": 4.0, "tool_errors": 1.0}
    large = {"fingerprint": {"agent": "claude", "model": "large"}}
    runs.end("a", 1, "control", True, metrics=tools)
    runs.end("a", 1, "treatment", False)
    runs.end("b", 1, "control")  # nothing to judge: it ended well
    runs.end("b", 1, "treatment", status=TrialStatus.ERROR, counts=False)
    runs.end("c", 1, "control", True, **large, usd=None)
    runs.end(
        "c", 1, "treatment", CriterionResult("m", CriterionKind.MANUAL, 1.0, None), **large
    )
    runs.end("d", 1, "control", True, received=False, counts=False)
    first, second = run_profile(runs.space).models
    assert (first.model, first.runs, first.unjudged, first.experiments) == ("large", 1, 1, 1)
    assert (first.success_rate, first.mean_usd, first.usd_per_success) == (1.0, None, None)
    assert (second.model, second.runs, second.success_rate) == ("small", 4, 0.5)
    assert second.usd_per_success == pytest.approx(0.02)
    assert (second.tool_success, first.tool_success) == (0.75, None)
    assert second.confidence == pytest.approx(4 / 14)
    assert second.capability == "weak"
    assert [item.model for item in run_profile(runs.space, "large").models] == ["large"]
    with pytest.raises(NotFoundError, match="'none'") as refused:
        run_profile(runs.space, "none")
    assert refused.value.hint == "There are: large, small."


def test_nothing_was_run(made_up):
    assert run_profile(made_up().space).models == ()
