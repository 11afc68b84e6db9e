"""Runs in a file that another tool's viewer opens."""

from __future__ import annotations

import json

import pytest

from meta_experiment.errors import NotFoundError, RefusedError
from meta_experiment.services.running.run_export import export


def filled(runs):
    for case in range(3):
        for variant, passed in (("control", case > 0), ("treatment", True)):
            runs.end(f"c{case}", 1, variant, passed, seconds=10.0 + case)
    return runs


def test_runs_that_count_are_written_and_told(made_up, tmp_path):
    runs, out = filled(made_up()), tmp_path / "benchmark.json"
    done = export(runs.space, runs.name, out, None)
    assert (done.control, done.treatment, done.runs, done.left_out) == (
        "control", "treatment", 6, 0,
    )  # fmt: skip
    document = json.loads(out.read_text())
    assert document["run_summary"]["delta"]["pass_rate"] == "+0.33"  # noqa: S105
    assert document["metadata"]["evals_run"] == [1, 2, 3]
    assert document["metadata"]["timestamp"].endswith("Z")


def test_nothing_is_overwritten_or_made_up(made_up, tmp_path):
    runs, out = filled(made_up()), tmp_path / "benchmark.json"
    out.write_text("mine")
    with pytest.raises(RefusedError, match="there already"):
        export(runs.space, runs.name, out, None)
    assert out.read_text() == "mine"
    with pytest.raises(NotFoundError, match="no folder"):
        export(runs.space, runs.name, tmp_path / "no" / "b.json", None)
    with pytest.raises(NotFoundError, match="no treatment"):
        export(runs.space, runs.name, tmp_path / "b.json", "treatmnt")


def test_without_a_verdict_there_is_nothing_to_show(made_up, tmp_path):
    runs = made_up()
    for variant in ("control", "treatment"):
        runs.end("c1", 1, variant, None, seconds=1.0)
    with pytest.raises(RefusedError, match="has a verdict"):
        export(runs.space, runs.name, tmp_path / "b.json", None)
