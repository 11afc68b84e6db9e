"""What analysts load is what the verbs say, and loading leaves no trace."""

import json
import math
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import project
from tests.cli.test_report import Reader
from tests.docs.pages import ROOT, python_blocks
from tests.support.hostile import HOSTILE

import meta_experiment
from meta_experiment import load
from meta_experiment.cli.main import main
from meta_experiment.errors import (
    DependencyError,
    InvalidStateError,
    NotFoundError,
    UsageError,
)
from meta_experiment.frames import tidy_frame

__all__ = ["project"]
SHOWN = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "br", "small", "p"}


@pytest.fixture
def recorded(project):
    """Units of several trials, of which some are left out, cut short or lack a value."""
    made = project.create("--guardrail", "output_tokens:20%", "--secondary", "cost_usd")
    lines = []
    for number in range(60):
        variant, factor = (("control", 1.0), ("treatment", 0.8))[number % 2]
        metrics = {
            "duration_seconds": (80 + 7 * (number % 11)) * factor,
            "output_tokens": 100 + number % 7,
        }
        if number % 3:
            metrics["cost_usd"] = 0.25
        lines.append(
            {
                "experiment": made,
                "variant": variant,
                "unit": f"{HOSTILE} {variant} {number // 4}",
                "trial_id": f"t{number}",
                "metrics": metrics,
                "status": "interrupted" if number == 9 else "ok",
                "fingerprint": {"model": "model-a"},
            }
        )
    for first in range(0, len(lines), 12):
        project.stdin("record", "--stdin", lines=lines[first : first + 12])
    return made


def files_below(*folders):
    """Return every file with its bytes and its time, and every folder."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for folder in folders
        for path in folder.rglob("*")
        if not path.is_symlink()
    }


def test_nothing_is_loaded_before_it_is_used():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "import meta_experiment\n"
        "print(sorted(set(sys.modules) - before))\n"
        "from meta_experiment import load\n"
        "print('meta_experiment.frames.tidy_frame' in sys.modules)\n"
        "print({'pandas', 'polars', 'pyarrow', 'numpy'} & set(sys.modules))"
    )
    words = [sys.executable, "-c", code, str(ROOT / "scripts")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "['meta_experiment']\nTrue\nset()\n"
    assert not hasattr(meta_experiment, "lode")


def test_trials_are_those_of_the_verb(project, recorded):
    frame = load(recorded, project.root).trials
    target = project.root.parent / "trials.jsonl"
    project("trials", recorded, "--jsonl", target)
    lines = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert len(frame) == len(lines) == 60
    for row, line in zip(frame, lines, strict=True):
        for name in ("assigned_at", "closed_at"):
            known = datetime.fromisoformat(line[name])
            assert row[name].tzinfo is UTC
            assert abs((row[name] - known).total_seconds()) < 0.001
            line[name] = row[name]
        assert {name: cell for name, cell in row.items() if cell is not None} == line
    assert list(next(iter(frame))) == frame.columns == list(frame.types)
    assert frame.types["metrics.output_tokens"] == "whole"
    assert frame.types["metrics.duration_seconds"] == "number"
    assert all(type(row["metrics.output_tokens"]) is int for row in frame)
    assert sum(row["metrics.cost_usd"] is None for row in frame) == 20


def test_units_are_what_the_analysis_compares(project, recorded):
    loaded = load(recorded, project.root)
    analysis = project("analyze", recorded, "--json").json
    primary = analysis["primary"]
    (comparison,) = primary["comparisons"]
    logs = {name: [] for name in primary["variants"]}
    raw = {name: [] for name in primary["variants"]}
    for row in loaded.units:
        if row["compared"]:
            logs[row["variant"]].append(row["log.duration_seconds"])
            raw[row["variant"]].append(row["metrics.duration_seconds"])
    for name, told in primary["variants"].items():
        assert len(raw[name]) == told["n"]
        assert statistics.fmean(raw[name]) == pytest.approx(told["mean"], rel=1e-12)
        assert statistics.stdev(raw[name]) == pytest.approx(told["sd"], rel=1e-9)
        assert statistics.fmean(logs[name]) == pytest.approx(told["log_mean"], rel=1e-12)
    control, treatment = logs["control"], logs["treatment"]
    error = math.sqrt(sum(statistics.variance(it) / len(it) for it in (control, treatment)))
    difference = statistics.fmean(treatment) - statistics.fmean(control)
    assert comparison["statistic"] == pytest.approx(difference / error, rel=1e-9)
    assert sum(row["trials"] for row in loaded.units) == 60
    for arm, count in analysis["samples"].items():
        own = [row for row in loaded.units if row["variant"] == arm]
        assert (len(own), sum(row["exposed"] for row in own)) == (
            count["assigned"],
            count["exposed"],
        )


def test_what_is_left_out_of_a_unit_is_counted_and_not_measured(project):
    made = project.create()
    project.observe(made, 4)
    twice = [
        {"experiment": made, "variant": arm, "unit": "both", "metrics": {"duration_seconds": 9}}
        for arm in ("control", "treatment")
    ]
    project.stdin("record", "--stdin", lines=twice)
    tainted = [row for row in load(made, project.root).units if row["unit"] == "both"]
    assert [row["variant"] for row in tainted] == ["control", "treatment"]
    for row in tainted:
        assert (row["exposed"], row["compared"], row["trials"]) == (True, False, 0)
        assert (row["excluded"], row["metrics.duration_seconds"]) == (1, None)


def test_looks_are_the_series_and_the_last_one_is_the_analysis(project, recorded):
    loaded = load(recorded, project.root)
    looks = list(loaded.looks)
    (series,) = project("report", recorded, "--json").json["series"]
    assert len(looks) == len(series["points"]) > 3
    for row, point in zip(looks, series["points"], strict=True):
        assert row["treatment"] == series["treatment"]
        assert {name: row[name] for name in point if name != "at"} == {
            name: value for name, value in point.items() if name != "at"
        }
    (comparison,) = project("analyze", recorded, "--json").json["primary"]["comparisons"]
    told = comparison["sequential"]
    assert looks[-1]["effect"] == comparison["effect"]["relative"]
    assert math.exp(looks[-1]["log_better"]) == pytest.approx(told["e_promote"], rel=1e-12)
    bounds = (looks[-1]["low"], looks[-1]["high"])
    assert bounds == (told["interval"]["low"], told["interval"]["high"])


def test_plan_and_report_are_those_of_the_document(project, recorded):
    loaded = load(recorded, project.root)
    document = project("report", recorded, "--json").json
    assert loaded.plan == document["plan"] == loaded.report["plan"]
    assert loaded.report.keys() == document.keys()
    assert loaded.report["results"] == document["results"]
    assert loaded.report["provenance"]["data_sha256"] == document["provenance"]["data_sha256"]
    json.dumps(loaded.report)


def test_loading_leaves_no_trace(project, recorded, monkeypatch):
    """Not even what other looks keep to be faster, nor a note that somebody looked."""
    home = Path.home()
    monkeypatch.setattr("meta_experiment.store.local.reading.summaries.WORTHWHILE", 1)
    before = files_below(project.root, home)
    loaded = load(recorded, project.root)
    loaded.trials, loaded.units, loaded.looks, loaded.report, repr(loaded)
    assert files_below(project.root, home) == before
    project("analyze", recorded)
    assert files_below(project.root, home) != before


def test_all_parts_are_of_one_moment(project, recorded):
    loaded = load(recorded, project.root)
    project.observe(recorded, 3)
    assert len(loaded.trials) == 60
    assert sum(row["trials"] for row in loaded.units) == 60
    assert loaded.report["provenance"]["trials"] == 60
    assert len(load(recorded, project.root).trials) == 66


def test_the_root_is_found_as_the_verbs_find_it(project, recorded, tmp_path, monkeypatch):
    monkeypatch.chdir(project.root / ".claude")
    assert load("review").experiment_id == recorded
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError):
        load(recorded)
    assert load(recorded, str(project.root)).experiment_id == recorded
    monkeypatch.setenv("META_EXPERIMENT_ROOT", str(project.root))
    assert load(recorded).experiment_id == recorded
    monkeypatch.delenv("META_EXPERIMENT_ROOT")
    monkeypatch.setenv("HOME", str(project.root))
    assert load(recorded, user=True).experiment_id == recorded
    assert load(recorded, "~").experiment_id == recorded
    with pytest.raises(UsageError):
        load(recorded, project.root, user=True)


def test_what_cannot_be_loaded_says_what_to_do(project):
    draft = load(project.create(start=False), project.root)
    assert len(draft.trials) == 0
    assert draft.trials.columns[0] == "trial_id"
    assert "0 rows" in draft.trials._repr_html_()
    with pytest.raises(InvalidStateError) as raised:
        draft.units  # noqa: B018
    assert raised.value.__notes__ == [f"Next: meta-experiment start {draft.experiment_id}"]
    with pytest.raises(NotFoundError):
        load("nothing-of-that-name", project.root)
    with pytest.raises(UsageError, match="is empty"):
        load("", project.root)


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_a_library_that_is_missing_is_named(project, recorded, monkeypatch, name):
    def missing(wanted):
        raise ImportError(wanted)

    monkeypatch.setattr(tidy_frame, "import_module", missing)
    frame = load(recorded, project.root).looks
    with pytest.raises(DependencyError, match=name) as raised:
        getattr(frame, f"to_{name.removeprefix('py')}")()
    assert raised.value.hint.startswith(f"pip install {name}")
    assert f"Next: {raised.value.hint}" in raised.value.__notes__


def test_a_notebook_shows_the_first_rows_and_runs_nothing(project, recorded):
    loaded = load(recorded, project.root)
    for frame in (loaded.trials, loaded.units, loaded.looks):
        markup = frame._repr_html_()
        page = Reader(markup)
        told = {name for name, _ in page.elements}
        assert told <= SHOWN | {f"/{name}" for name in SHOWN}
        assert not [
            key for _, kept in page.elements for key in kept if key.startswith(("on", "src"))
        ]
        assert "\u202e" not in markup
        assert "\x1b" not in markup
        assert f"{len(frame)} rows, {len(frame.columns)} columns" in markup
        rows = [kept for name, kept in page.elements if name == "/tr"]
        assert len(rows) == 1 + min(10, len(frame))
        for side in ("left", "right"):
            assert f"text-align:{side}" in markup
    assert "50 more" in loaded.trials._repr_html_()
    shown = Reader(loaded.looks._repr_html_()).elements
    sides = [kept["style"].split("text-align:")[1] for name, kept in shown if name == "/td"]
    assert [side.split(";")[0] for side in sides[:4]] == ["left", "right", "right", "left"]


def test_a_prompt_of_python_tells_columns_and_types(project, recorded):
    loaded = load(recorded, project.root)
    lines = repr(loaded.trials).splitlines()
    assert lines[0] == (f"trials of {recorded}: 60 rows, {len(loaded.trials.columns)} columns")
    assert lines[1].split() == ["trial_id", "text", "t0"]
    assert len(lines) == 1 + len(loaded.trials.columns)
    assert not any(line != line.rstrip() or "\x1b" in line for line in lines)
    assert repr(loaded).startswith(f"{recorded}: running, 60 trials")


def test_cases_are_compared_where_both_arms_have_them(project):
    made = project.create("--unit", "case", start=False)
    project("start", made, "--manual")
    lines = [
        {"experiment": made, "variant": arm, "unit": f"case-{number}",
         "metrics": {"duration_seconds": 10.0 + number + (arm == "control")}}
        for number in range(6)
        for arm in ("control", "treatment")
        if (number, arm) != (5, "control")
    ]  # fmt: skip
    project.stdin("record", "--stdin", lines=lines)
    rows = list(load(made, project.root).units)
    assert {row["unit"] for row in rows if not row["compared"]} == {"case-5"}
    assert len(rows) == 11


def test_what_the_page_shows_runs(project, recorded, monkeypatch, capsys):
    """Of the worked example what needs no library; the rest is run where these are."""
    monkeypatch.chdir(project.root)
    blocks = python_blocks(ROOT / "docs" / "frames.md")
    plain = [block for block in blocks if ".to_" not in block]
    assert 1 < len(plain) < len(blocks)
    exec("\n".join(plain), {"__name__": "page"})  # noqa: S102
    assert "faster" in capsys.readouterr().out
    assert main(["analyze", recorded]) == 0
