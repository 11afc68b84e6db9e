"""Covariates on their whole way: create, start, uses of a prompt, analyze."""

import json
import subprocess
import sys

import pytest
from tests.live.stage import CONTROL, FRONT, REPOSITORY, TREATMENT, Stage
from tests.transcripts.script import Script

from meta_experiment.protocol import places

USES = 14


def program(stage, *words):
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "meta-experiment.py"), *words, "--json"],
        cwd=stage.root, env=stage.environment, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.long
def test_what_serving_knows_explains_what_is_measured(tmp_path):
    """Each use takes as many seconds as its arguments are long, and some more of its own."""
    stage = Stage(tmp_path)
    stage.write(".claude/commands/review.md", FRONT + CONTROL)
    stage.write("v2.md", FRONT + TREATMENT)
    subprocess.run(["git", "init", "--quiet"], cwd=stage.root, check=True)
    name = program(
        stage, "create", "--file", ".claude/commands/review.md=v2.md", "--unit", "invocation",
        "--seed", "1", "--start",
    )["experiment_id"]  # fmt: skip
    (root,) = places.roots(places.data_folder(stage.environment))
    script, lengths = Script(), []
    for number in range(USES):
        length = 10 * 2 ** (number * 5 % 7)
        prompt, at = f"p{number}", 4000.0 * number
        stage.typed("x" * length, prompt)
        served = stage.serve_words([f"{name}@{root.token}", "s1"])
        assert served.returncode == 0
        seconds = length * (1 + number * 3 % 5 / 10)
        script.command(prompt, at, arguments="x" * length).answer(at + seconds)
        lengths.append(length)
    script.write(stage.home / "transcript.jsonl")
    stage.hook("SessionEnd", "end", {"reason": "other"})
    trials = program(stage, "trials", name)["trials"]
    assert sorted(item["covariates"]["argument_length"] for item in trials) == sorted(lengths)
    analysis = program(stage, "analyze", name)
    (found,) = (analysis.get("analysis") or analysis)["primary"]["comparisons"]
    assert found["adjusted"]["explained"] > 0.9
    assert "argument_length" in found["adjusted"]["slopes"]
