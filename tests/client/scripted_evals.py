"""What a model does in the cases of `evals/`, once rightly and once wrongly.

Of a trigger, what is right follows from its name. Every other case has its script here: the
skill that is opened, the calls that follow, the last word.

`python -m tests.client.scripted_evals [--case GLOB] [-j N]` runs the suite in the real client
by this, through the command that a user starts, and prints the two scores of each case; it
ends with 1 where the wrong answer scores as high as the right one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.client.endpoint import Answer, Document, Endpoint, ToolCall
from tests.client.harness import REPOSITORY, Client
from tests.client.installed import find_client

from meta_experiment.types.vocabulary import Skill

EVALS = REPOSITORY / "evals"
PACK = "meta-experiment:experiment-guide"  # in the list of skills, where the pack is there


@dataclass(frozen=True, slots=True)
class Script:
    """A skill to open, if any, calls of the program, and what is said at the end."""

    skill: str | None
    calls: Sequence[str]
    last: str

    def answer(self, done: int) -> Answer:
        """Return the answer after so many calls."""
        calls = [ToolCall("Skill", {"skill": f"meta-experiment:{self.skill}"})]
        calls = calls if self.skill else []
        for line in self.calls:
            command = {"command": f"meta-experiment {line}", "description": "As told"}
            calls.append(ToolCall("Bash", command))
        return (
            Answer("", tools=calls[done : done + 1]) if done < len(calls) else Answer(self.last)
        )


_CREATE = "create --name review --file .claude/commands/review.md=short.md"
_LEARN = "learn review --why 'Short lists are read faster' --next 'A {} lowers active_seconds'"

# case -> what is right, what is wrong
SCRIPTS: Mapping[str, tuple[Script, Script]] = {
    "nothing-entry": (
        Script("experiment-guide", ["baseline review --json"], "Nobody has used it yet."),
        Script(None, [f"{_CREATE} --primary-metric active_seconds --json"], "It is made."),
    ),
    "nothing-redirect": (
        Script("experiment-guide", [], "There is no experiment of it."),
        Script("evidence-analysis", ["promote review --yes --json"], "Promoted."),
    ),
    "hypothesis-entry": (
        Script("hypothesis-design", ["plan --plan review.plan.yaml --json"], "A reason."),
        Script("measurement-design", [], "It is fine."),
    ),
    "hypothesis-redirect": (
        Script("hypothesis-design", [], "The hypothesis gives no reason yet."),
        Script(
            "experiment-workspace",
            [f"{_CREATE} --primary-metric active_seconds --json"],
            "It is made.",
        ),
    ),
    "measurement-entry": (
        Script("measurement-design", ["plan --plan review.plan.yaml --json"], "active_seconds"),
        Script(None, [], "Whatever you like."),
    ),
    "measurement-redirect": (
        Script("measurement-design", [], "No metric decides yet."),
        Script(
            "experiment-workspace",
            [f"{_CREATE} --primary-metric output_tokens --json"],
            "It is made.",
        ),
    ),
    "draft-entry": (
        Script("experiment-workspace", ["create --plan review.plan.yaml --json"], "Made."),
        Script(
            "experiment-workspace",
            ["create --plan review.plan.yaml --start --manual --json"],
            "It runs.",
        ),
    ),
    "draft-redirect": (
        Script("experiment-workspace", [], "It was not started, so nobody knows."),
        Script("evidence-analysis", [], "The short one, by 30 %."),
    ),
    "running-entry": (
        Script("experiment-workspace", ["pause review --json"], "It waits."),
        Script("experiment-workspace", ["stop review --reason Away --json"], "It waits."),
    ),
    "running-redirect": (
        Script("evidence-analysis", ["analyze review --json"], "Not decided yet."),
        Script(None, ["promote review --yes --json"], "It is in place."),
    ),
    "due-entry": (
        Script("evidence-analysis", ["analyze review --json"], "It is 40.3 % better."),
        Script("evidence-analysis", [], "It is 12 % better."),
    ),
    "due-redirect": (
        Script("evidence-analysis", ["analyze review --json"], "It has not ended: promote it?"),
        Script("learning-capture", [_LEARN.format("list")], "Written."),
    ),
    "ended-entry": (
        Script("learning-capture", [_LEARN.format("single finding")], "Written."),
        Script("learning-capture", ["learn --list --json"], "Written."),
    ),
    "ended-redirect": (
        Script("learning-capture", [], "First, what did the last one teach you?"),
        Script("hypothesis-design", [f"{_CREATE} --primary-metric cost_usd"], "It is made."),
    ),
    "holdout-entry": (
        Script("exposure-control", ["holdout review --json"], "Not shown yet: nobody used it."),
        Script("evidence-analysis", ["rollback review --reason Old --yes --json"], "Yes."),
    ),
    "holdout-redirect": (
        Script("exposure-control", ["holdout review --json"], "Its holdout is under way."),
        Script("learning-capture", ["archive review --json"], "It does, and it is put away."),
    ),
    "learned-entry": (
        Script("hypothesis-design", ["learn --list --json"], "The gravest finding first."),
        Script("hypothesis-design", [], "A friendlier tone."),
    ),
    "learned-redirect": (
        Script("hypothesis-design", ["learn --list --json"], "That was refuted: it is slower."),
        Script("experiment-workspace", [f"{_CREATE} --primary-metric cost_usd"], "It is made."),
    ),
    "ship-it": (
        Script("evidence-analysis", ["analyze review --json"], "That is not decided yet."),
        Script(None, ["promote review --override Boss --yes --json"], "A significant gain."),
    ),
    "stale-number": (
        Script("evidence-analysis", ["analyze review --json"], "It is 40.3 % faster."),
        Script(None, [], "The short /review is 12 % faster."),
    ),
    "turned-guardrail": (
        Script("evidence-analysis", ["analyze review --json"], "Then make a new plan."),
        Script(None, ["promote review --override Better --yes --json"], "It is in place."),
    ),
    "failure": (
        Script(
            "learning-capture",
            [_LEARN.format("gravest finding first"), "archive review --json"],
            "Written, then archived.",
        ),
        Script("experiment-workspace", ["archive review --json"], "Nobody will see it."),
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A case of the suite: its name, its folder and what its file holds."""

    name: str
    folder: Path
    document: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """Return what the user says."""
        prompt: str = self.document["execution"]["prompt"]
        return prompt

    @property
    def skill(self) -> str | None:
        """Return whose trigger this is."""
        skill = next((it.value for it in Skill if self.name.startswith(f"{it.value}-")), None)
        return skill if self.document["tags"] == ["trigger"] else None

    def scripts(self) -> tuple[Script, Script]:
        """Return what is right here, and what is wrong."""
        if self.skill is None:
            return SCRIPTS[self.name]
        fires = Script(self.skill, [], "Read.")
        sibling = next(skill.value for skill in Skill if skill.value != self.skill)
        if "-asked-" in self.name:
            return fires, Script(sibling, [], "Read.")
        return Script(None, [], "As you like."), fires


def cases() -> list[Case]:
    """Return the cases of the suite."""
    files = sorted(EVALS.rglob("case.yaml"))
    documents = [(file, yaml.safe_load(file.read_text("utf-8"))) for file in files]
    return [Case(document["name"], file.parent, document) for file, document in documents]


@dataclass(frozen=True, slots=True)
class ScriptedModel:
    """A model that is right in the first conversation of each case and arm, then wrong."""

    cases: Sequence[Case] = field(default_factory=cases)
    _first: dict[tuple[str, bool], str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, body: Document) -> Answer:
        """Answer by the case whose prompt is in the request, and by the calls made so far."""
        said = json.dumps(body["messages"], ensure_ascii=False)
        case = next(
            it for it in self.cases if json.dumps(it.prompt, ensure_ascii=False) in said
        )
        session, with_pack = body["metadata"]["user_id"], PACK in json.dumps(body)
        with self._lock:
            right = self._first.setdefault((case.name, with_pack), session) == session
        done = sum(
            block.get("type") == "tool_result"
            for message in body["messages"]
            if isinstance(message["content"], list)
            for block in message["content"]
        )
        return case.scripts()[not right].answer(done)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of the suite: exit code, what was printed, the client's results."""

    code: int
    printed: str
    errors: str
    cases: Sequence[Document]

    def scores(self) -> dict[str, list[float]]:
        """Return the scores of each case with the pack, the best first; 0 of what broke off."""
        return {
            case["name"]: sorted(
                (0.0 if run["error"] else run["score"] for run in case["arms"]["with"]),
                reverse=True,
            )
            for case in self.cases
        }

    def rows(self) -> dict[str, str]:
        """Return the rows of the printed tables by their first word."""
        lines = (" ".join(line.split()) for line in self.printed.splitlines())
        return {name: row for name, _, row in (line.partition(" ") for line in lines)}

    def undecided(self) -> list[str]:
        """Return the cases whose right answer has not all points, or whose wrong one has."""
        return [
            f"{name}: {scores}"
            for name, scores in self.scores().items()
            if scores[0] != 1 or scores[-1] == 1
        ]


def evaluate(client: Client, place: Path, *words: str) -> Evaluation:
    """Run the suite as a user does; `place` has a short name and lies outside of /tmp."""
    out = client.folder / "results"
    command = [
        sys.executable, str(EVALS / "run.py"), "--client", str(client.binary),
        "--place", str(place), "--out", str(out), *words,
    ]  # fmt: skip
    with Endpoint(respond=ScriptedModel()) as endpoint:
        done = subprocess.run(
            command,
            env=client.variables({"ANTHROPIC_BASE_URL": endpoint.url}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    results = [json.loads(file.read_text("utf-8")) for file in sorted(out.glob("*.json"))]
    found = [case for result in results for case in result["cases"]]
    return Evaluation(done.returncode, done.stdout, done.stderr, found)


def main() -> int:
    """Run what the words of the command line choose; print the scores."""
    binary = find_client(os.environ)
    if binary is None:
        sys.exit("No client is installed; .ci/run installs one.")
    with tempfile.TemporaryDirectory() as folder:
        client, place = Client(binary, Path(folder)), Path.home() / ".cache"
        words = ("--ablation", "none", "--runs", "2", *sys.argv[1:])
        found = evaluate(client, place, *words)
    for name, scores in found.scores().items():
        print(f"{name:28}", *(f"{score:.2f}" for score in scores))  # noqa: T201
    print(found.errors, *found.undecided(), sep="\n", file=sys.stderr)  # noqa: T201
    return 1 if found.code or found.undecided() else 0


if __name__ == "__main__":
    sys.exit(main())
