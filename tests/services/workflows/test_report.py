"""The report declares winners by evidence alone, and says why others are not decided."""

import json
import random
import statistics

import pytest
from tests.support.workflow_runs import START, write_run

from meta_experiment.cli.main import main

DAY = 86_400.0


@pytest.fixture
def call(repository, monkeypatch, capsys):
    """Return the command line in a repository; it gives what is printed on both streams."""
    monkeypatch.setattr("meta_experiment.cli.open.clock", lambda: START + 60 * DAY)

    def run(*arguments):
        got = main([*map(str, arguments)])
        said = capsys.readouterr()
        assert got == 0, said
        return said

    def declare(name="daily", **experiments):
        text = f"---\nexperiments: {json.dumps(experiments)}\n---\n"
        (repository / ".github" / "workflows" / f"{name}.md").write_text(text)

    run.root, run.declare = repository, declare
    return run


def report(call):
    return json.loads(call("workflows", "report", "--json").out)


def values(mean, sd, count):
    """Return so many values of exactly this mean and standard deviation."""
    raw = [number - (count - 1) / 2 for number in range(count)]
    scale = sd / statistics.stdev(raw)
    return [mean + scale * item for item in raw]


def test_a_difference_that_is_not_significant_has_no_winner(call):
    """28.3 ± 6.8 of 7 against 22.1 ± 5.2 of 6 was once called significant, at p 0.041."""
    call.declare(engine={"variants": ["copilot", "claude"], "metric": "aic", "min_samples": 10})
    arms = {"copilot": values(28.3, 6.8, 7), "claude": values(22.1, 5.2, 6)}
    runs = [(variant, credits_) for variant, spent in arms.items() for credits_ in spent]
    random.Random(2).shuffle(runs)  # noqa: S311
    for number, (variant, credits_) in enumerate(runs, 1):
        write_run(call.root / "runs", number, {"engine": variant}, credits_=credits_)
    call("import", "runs", "--workflow", "daily")
    (found,) = report(call)["experiments"]
    figures = {
        name: (one["n"], round(one["mean"], 1), round(one["sd"], 1), one["needed"])
        for name, one in found["variants"].items()
    }
    assert figures == {"copilot": (7, 28.3, 6.8, 3), "claude": (6, 22.1, 5.2, 4)}
    (compared,) = found["comparisons"]
    assert compared["p_value"] == pytest.approx(0.0902, abs=5e-4)
    assert compared["relative"] == pytest.approx((28.3 - 22.1) / 28.3, abs=0.1)
    assert (found["winner"], found["standing"]["decision"]) == (None, "EXTEND")
    page = call("workflows", "report").out
    assert "none is declared" in page
    assert "copilot" in page


def make(call, count=120):
    call.declare(
        tone={"variants": ["dry", "warm"], "metric": "aic", "min_samples": 10, "issue": 3},
        depth={"variants": ["low", "high"], "metric": "run_duration_ms", "min_samples": 50},
    )
    call.declare("other", mood=["a", "b"])
    rng = random.Random(4)  # noqa: S311
    for number in range(1, count + 1):
        variants = {
            "tone": ["dry", "warm"][number % 2],
            "depth": ["low", "high"][number // 2 % 2],
        }
        spent = rng.gauss(5 if variants["tone"] == "warm" else 9, 1)
        seconds = rng.lognormvariate(4, 0.2)
        write_run(call.root / "runs", number, variants, credits_=spent, seconds=seconds)
    call("import", "runs", "--workflow", "daily")


def test_the_digest_tells_winners_and_what_keeps_the_others_from_a_decision(call):
    make(call)
    done = report(call)
    found = {item["experiment"]: item for item in done["experiments"]}
    assert (done["decided"], done["undecided"]) == (1, 2)
    assert (found["tone"]["winner"], found["depth"]["winner"]) == ("warm", None)
    assert found["tone"]["lacking"] == []
    assert "No decision yet" in found["depth"]["lacking"][0]
    assert [item.split(":")[0] for item in found["mood"]["lacking"][:2]] == [
        "no outcome is recorded",
        "it declares no metric",
    ]
    (cells,) = done["interactions"]
    assert set(cells["cells"].values()) == {30}
    assert (cells["least"], cells["sparse"]) == (50, True)


@pytest.mark.long
def test_in_actions_the_summary_and_annotations_are_written(call, monkeypatch, tmp_path):
    make(call, 100)
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    said = call("workflows", "report", "--json")
    assert json.loads(said.out)["experiments"]
    assert "::notice title=daily/tone PROMOTE::" in said.err
    text = summary.read_text()
    assert text.startswith("before\n## WORKFLOW EXPERIMENTS")
    assert "| dry |" in text


def test_a_summary_stays_below_what_drops_it(call, monkeypatch, tmp_path):
    make(call, 20)
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    for before in (1024 * 1024 - 600, 1024 * 1024 - 70):
        summary.write_bytes(b"x" * before)
        call("workflows", "report")
        assert before <= summary.stat().st_size < 1024 * 1024
    summary.write_bytes(b"x" * (1024 * 1024 - 600))
    call("workflows", "report")
    assert summary.read_text().endswith("may have no more than 1 MiB.\n")
