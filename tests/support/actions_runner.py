"""A stand-in for GitHub's runners: it does the steps of a workflow that need no network.

Each job has a fresh clone, HOME and folder for temporary files; artifacts are folders. Of
expressions it knows what workflows of this project use; another one is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")


class ActionsRunner:
    """All runs of one workflow of a repository."""

    def __init__(self, repository, workflow, folder, secrets):
        self.repository, self.folder, self.secrets = repository, folder, secrets
        self.workflow = yaml.safe_load(Path(workflow).read_text())
        self.on = self.workflow[True]  # what YAML 1.1 makes of `on`
        self.tools = folder / "tools"
        self.tools.mkdir(parents=True)
        _script(
            self.tools / "meta-experiment", f'exec {sys.executable} -m meta_experiment "$@"'
        )
        _script(self.tools / "python", "test \"$1 $2 $3\" = '-m pip install'")

    def run(self, number, attempt=1, resume="", only=None, hinder=None):
        """Do all jobs of a run, or `only` some; return how each ended, with what it said."""
        ended = {}
        matrix = self.workflow["jobs"]["cells"]["strategy"]["matrix"]["share"]
        jobs = [(f"cells {share}", "cells", share) for share in matrix]
        for title, name, share in [*jobs, ("count", "count", None)]:
            if only is None or title in only:
                job = _Job(self, number, attempt, resume, name, share, hinder)
                ended[title] = job.run()
        return ended

    def artifacts(self, number):
        """Return the folder of a run's artifacts."""
        return self.folder / "artifacts" / str(number)


class _Job:
    def __init__(self, runner, number, attempt, resume, name, share, hinder):
        self.runner, self.spec = runner, runner.workflow["jobs"][name]
        self.hinder = hinder
        self.place = runner.folder / f"run-{number}-{attempt}" / f"{name}-{share}"
        self.temp, self.home = self.place / "temp", self.place / "home"
        for path in (self.temp, self.home):
            path.mkdir(parents=True)
        self.checkout = self.place / "work"
        self.values = {
            "matrix.share": str(share),
            "inputs.resume": resume,
            "github.run_id": str(number),
            "github.run_attempt": str(attempt),
            "github.token": "token",
            "runner.temp": str(self.temp),
            **{f"secrets.{key}": value for key, value in runner.secrets.items()},
        }
        self.number, self.failed, self.said, self.outcomes = number, False, [], {}

    def run(self):
        for step in self.spec["steps"]:
            outcome = "skipped"
            if self._is_due(step.get("if", "success()")):
                outcome = "success" if self._step(step) else "failure"
            self.outcomes[step.get("id", "")] = outcome
            if outcome == "failure" and not step.get("continue-on-error"):
                self.failed = True
        return ("failure" if self.failed else "success", "".join(self.said))

    def _is_due(self, condition):
        words = condition.removeprefix("${{ ").removesuffix(" }}").split(" && ")
        always = {"always()", "!cancelled()"} & {*words}
        return (always or not self.failed) and all(map(self._holds, words))

    def _holds(self, word):
        if word in ("always()", "!cancelled()", "success()"):
            return word != "success()" or not self.failed
        left, sign, right = word.split(" ")
        return (self._value(left) == right.strip("'")) is (sign == "==")

    def _value(self, name):
        if name == "'${{'":
            return "${{"
        if name.startswith("steps."):
            return self.outcomes.get(name.split(".")[1], "")
        if name.startswith("secrets."):
            return self.values.get(name, "")  # as theirs: one that is not there is empty
        return self.values[name]

    def _filled(self, text):
        # `${{ '${{' }} x` holds an expression that holds the sign of one
        text = text.replace("${{ '${{' }}", "\0")
        return _EXPRESSION.sub(lambda found: self._value(found[1]), text).replace("\0", "${{")

    def _step(self, step):
        uses = step.get("uses", "").partition("@")[0]
        with_ = {key: self._filled(str(value)) for key, value in step.get("with", {}).items()}
        if uses == "actions/checkout":
            command = ["git", "clone", "--quiet", self.runner.repository, self.checkout]
            return subprocess.run(command, check=False).returncode == 0
        if uses == "actions/upload-artifact":
            target = self.runner.artifacts(self.number) / with_["name"]
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(with_["path"], target)
            return True
        if uses == "actions/download-artifact":
            return self._download(with_)
        if uses:
            return uses in ("actions/setup-python", "actions/setup-node")
        return self._shell(step)

    def _download(self, with_):
        kept = self.runner.artifacts(with_.get("run-id", self.number))
        if "name" in with_:
            found = [kept / with_["name"]]
            targets = [Path(with_["path"])]
        else:
            found = sorted(kept.glob(with_["pattern"]))
            targets = [Path(with_["path"]) / path.name for path in found]
        for source, target in zip(found, targets, strict=True):
            if not source.exists():
                return False
            shutil.copytree(source, target)
        return True

    def _shell(self, step):
        values = {
            **self.runner.workflow.get("env", {}),
            **self.spec.get("env", {}),
            **step.get("env", {}),
        }
        summary = self.temp / "summary.md"
        environment = {
            "PATH": f"{self.runner.tools}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "PYTHONPATH": str(SCRIPTS),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_STEP_SUMMARY": str(summary),
            "LANG": "C.UTF-8",
            **{key: self._filled(str(value)) for key, value in values.items()},
        }
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.checkout,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        if self.hinder:
            self.hinder(step, self, process)
        self.said.append(process.communicate(timeout=300)[0])
        return process.returncode == 0


def _script(path, line):
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
