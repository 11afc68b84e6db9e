"""The action: its steps do what they say, and linters find nothing in it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.outbound.fake_github import TOKEN, fake_github
from tests.support.git import git
from tests.support.readers import actionlint, lint, zizmor

REPOSITORY = Path(__file__).parents[2]
ACTION, EXAMPLE = REPOSITORY / "action.yml", REPOSITORY / "docs/examples/experiment.yml"
WORKFLOW = """\
---
on: daily
experiments:
  tone: {variants: [dry, warm], metric: effective_tokens, min_samples: 5, notify: {issue: 7}}
---
# Report
"""
GH = """\
#!/bin/sh
# `gh run list` and `gh run download` of what the test keeps
case "$2" in
    list) ls "$ARTIFACTS" ;;
    download) mkdir -p "$9" && cp -R "$ARTIFACTS/$3/usage/." "$9" ;;
esac
"""


def test_every_part_of_the_action_is_pinned_and_no_input_is_pasted_into_a_script():
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    for step in steps:
        assert "${{" not in step.get("run", "")
        if "uses" in step:
            assert re.search(r"@[0-9a-f]{40}$", step["uses"])


def test_the_ledger_that_is_restored_is_that_of_the_same_workflow():
    """A cache is found by the beginning of its key, and `daily` is one of `daily-report`."""
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    (kept,) = [item["with"] for item in steps if "restore-keys" in item.get("with", {})]
    told = {"inputs.workflow": "", "github.run_id": "12", "github.run_attempt": "1"}

    def filled(name, workflow):
        values = told | {"inputs.workflow": workflow}
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: values[found[1]], kept[name]).strip()

    restored = filled("restore-keys", "daily")
    assert filled("key", "daily").startswith(restored)
    assert not filled("key", "daily-report").startswith(restored)


def test_the_example_asks_for_no_right_that_it_does_not_need():
    example = yaml.safe_load(EXAMPLE.read_text())
    assert example["permissions"] == {}
    rights = {name: job["permissions"] for name, job in example["jobs"].items()}
    assert rights == {
        "pick": {"contents": "read"},
        "run": {"contents": "read"},
        "decide": {"actions": "read", "contents": "read", "issues": "write"},
    }
    known = set(yaml.safe_load(ACTION.read_text())["inputs"])
    for job in example["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("acme/meta-experiment@"):
                assert set(step["with"]) <= known


class Runner:
    """A stand-in for a runner: it does the steps of the action for one command."""

    def __init__(self, tmp_path, api):
        self.action = yaml.safe_load(ACTION.read_text())
        self.root = tmp_path / "work"
        self.root.mkdir()
        git(self.root, "init", "-q")
        (self.root / ".github/workflows").mkdir(parents=True)
        (self.root / ".github/workflows/daily.md").write_text(WORKFLOW)
        self.artifacts, self.cache = tmp_path / "artifacts", tmp_path / "cache"
        self.output, programs = tmp_path / "output", tmp_path / "bin"
        self.summary = tmp_path / "summary"
        programs.mkdir()
        (programs / "gh").write_text(GH)
        (programs / "gh").chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "ARTIFACTS": str(self.artifacts),
            "GITHUB_ACTION_PATH": str(REPOSITORY),
            "GITHUB_API_URL": api,
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_REPOSITORY": "acme/prompts",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKFLOW_REF": "acme/prompts/.github/workflows/daily.yml@refs/heads/main",
        }

    def __call__(self, run, **inputs):
        """Do a command in a run; return what it put out."""
        for file in (self.output, self.summary):
            file.write_text("")
        known = {key: item.get("default", "") for key, item in self.action["inputs"].items()}
        values = {**known, "token": TOKEN, "workflow": "daily", **inputs}
        for step in self.action["runs"]["steps"]:
            if step["if"] != f"inputs.command == '{inputs['command']}'":
                continue
            if "run" in step:
                self._script(step, values, run)
            else:
                self._used(step["uses"], step["with"], run, self.root / values["folder"])
        if inputs["command"] == "pick":
            shutil.copytree(self.root / values["folder"], self.cache, dirs_exist_ok=True)
        return self.output.read_text()

    def _script(self, step, values, run):
        own = {
            key: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: values[found[1]], text)
            for key, text in step["env"].items()
        }
        environment = {**self.environment, **own, "GITHUB_RUN_ID": str(run)}
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            words,
            check=False,
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _used(self, uses, options, run, folder):
        if uses.startswith("actions/cache@"):
            shutil.rmtree(folder, ignore_errors=True)
            if self.cache.exists():
                shutil.copytree(self.cache, folder)
        else:
            assert uses.startswith("actions/upload-artifact@")
            shutil.copytree(folder, self.artifacts / str(run) / options["name"])


@pytest.mark.long
@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_pick_record_decide_and_notify_lead_to_one_comment(tmp_path, monkeypatch):
    monkeypatch.setenv("META_EXPERIMENT_PYTHON", sys.executable)
    with fake_github() as hub:
        runner = Runner(tmp_path, hub.base)
        for run in range(1, 49):  # 24 of each: drawn is what was used least
            told = runner(run, command="pick")
            variant = "warm" if "\nwarm\n" in told else "dry"
            assert f'"tone": "{variant}"' in told
            tokens = (9_000 if variant == "dry" else 1_000) + 37 * (run * 7 % 36)
            folder = runner.root / ".meta-experiment"
            shutil.rmtree(folder)
            shutil.copytree(runner.artifacts / str(run) / "experiment", folder / "experiment")
            runner(
                run,
                command="record",
                seconds="12.5",
                metrics=f"input_tokens={tokens}\noutput_tokens = 10\n\nclarity=4\n",
            )
        shutil.rmtree(runner.root / ".meta-experiment")
        told = runner(49, command="decide")
        (decided,) = json.loads(told.partition("decisions=")[2])
        assert decided["decision"] == "PROMOTE"
        first, _, rest = runner.summary.read_text("utf-8").partition("\n")
        assert first == f"<!-- meta-experiment report {decided['experiment_id']} -->"
        assert "says Promote: Warm takes" in rest.partition("- **Experiment**")[0]
        for _ in range(2):
            runner(49, command="notify", experiment="tone")
        runner(49, command="notify", experiment="tone", targets="--issue=7\n")
        events = [body.split("event=")[1].split(" ")[0] for body in hub.of(("issue", 7))]
        assert events == ["promote"]


@pytest.mark.long
def test_actionlint_finds_nothing_in_the_example(tmp_path):
    program = actionlint()
    checked = tmp_path / ".github/workflows/experiment.yml"
    checked.parent.mkdir(parents=True)
    text = EXAMPLE.read_text()
    checked.write_text(text)
    assert lint([program, checked], tmp_path).returncode == 0
    checked.write_text(text.replace("needs.pick.outputs.tone", "needs.pick.outputs.voice"))
    assert lint([program, checked], tmp_path).returncode != 0


@pytest.mark.long
def test_zizmor_finds_nothing_in_action_and_example(tmp_path):
    shutil.copy(ACTION, tmp_path)
    checked = tmp_path / ".github/workflows/experiment.yml"
    checked.parent.mkdir(parents=True)
    checked.write_text(EXAMPLE.read_text())
    words = [zizmor(), "--offline", "--pedantic", "--no-progress", "action.yml", checked]
    done = lint(words, tmp_path)
    assert done.returncode == 0, done.stdout
    checked.write_text(EXAMPLE.read_text().replace("permissions: {}", "permissions: write-all"))
    assert lint(words, tmp_path).returncode != 0
