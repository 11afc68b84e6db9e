"""After the storm: what was acknowledged is there, once, and nothing that nobody asked for."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from tests.chaos.verbs import CONTROL, TREATMENT, left_over
from tests.chaos.writers import AFTER, Log, prompt_of
from tests.logs import everything, sequence

from meta_experiment.assign.draw import arm_for
from meta_experiment.files.roots import Layout
from meta_experiment.live import sandbox
from meta_experiment.protocol.sequence import parse_assignment
from meta_experiment.services.health import recovery
from meta_experiment.services.recording import assigning
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status

_REFUSALS = {"locked", "refused"}
_DRAWING = {"assign", "serve", "box"}


@dataclass
class Found:
    """What the audit counted; `faults` is empty when every promise held."""

    faults: list[str] = field(default_factory=list)
    operations: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    trials: int = 0
    units: int = 0
    apart: int = 0
    settled: int = 0
    longest_ms: int = 0

    def expect(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(fault)


def audit(
    root: Path,
    common: Experiment,
    logs: dict[str, Path],
    *,
    git: bool,
    trees: Sequence[Path] = (),
    rewound: bool = False,
    hindered: bool = False,
) -> Found:
    """Recover as the next command would, then compare everything with what was said.

    Args:
        root: where the storm was.
        common: the experiment that all writers recorded into, as it was started.
        logs: what each writer said.
        git: whether it is a repository.
        trees: its linked working trees.
        rewound: whether the user took files back by git, registry and prompts among them, so
            that of what was acknowledged the trials alone have to stand.
        hindered: whether a stranger meddled with what is served, so that the control may be.
    """
    found = Found()
    space = Workspace.open(Layout(root), time.time)
    recovery.recover(space)
    sandbox.take_over_all(str(root))
    found.expect(left_over(root) == [], f"left over: {left_over(root)}")
    said = {name: list(Log.lines(path)) for name, path in logs.items()}
    for lines in said.values():
        _count(found, lines)
    experiments = {item.experiment_id: item for item in everything(space.store)}
    _trials(found, space, common, said)
    _balance(found, space, common)
    if rewound:
        return found
    for name, lines in said.items():
        _own(found, space, experiments, name, lines, hindered=hindered)
    if git:
        _repository(found, root)
    for tree in trees:
        _linked(found, tree, list(logs), list(experiments.values()))
    return found


def _count(found: Found, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        if line["kind"] == "ack":
            found.operations[line["verb"]] += 1
        found.settled += line["kind"] == "settled" and "cut off" in line["sentence"]
        if line["kind"] in ("ack", "locked"):
            found.longest_ms = max(found.longest_ms, line["ms"])
        if line["kind"] == "locked":
            found.expect("process " in line["message"], f"no holder named: {line['message']}")
        if line["kind"] in _REFUSALS:
            found.refused[line.get("error", "locked")] += 1
        found.expect(line["kind"] != "broken", f"a writer broke: {line.get('trace')}")


def _trials(
    found: Found, space: Workspace, common: Experiment, said: dict[str, list[dict[str, Any]]]
) -> None:
    log = space.store.trials(common)
    by_id = {trial.trial_id: trial for trial in log.trials}
    found.trials = len(by_id)
    found.expect(len(by_id) == len(log.trials), "a trial is counted twice")
    found.expect(log.conflict_count == 0, f"conflicts: {log.conflicts[:3]}")
    recorded: set[str] = set()
    assigned: set[str] = set()
    units = {*said}  # a session is a unit, of the name of its writer
    for line in chain.from_iterable(said.values()):
        if line["verb"] == "record":
            recorded |= {item["trial_id"] for item in line.get("what", [])}
        if line["verb"] in _DRAWING and line["kind"] == "try":
            units.add(line["unit"])
        if line["kind"] != "ack":
            continue
        for item in line.get("what", []):
            trial = by_id.get(item["trial_id"])
            same = trial is not None and dict(trial.metrics) == item["metrics"]
            found.expect(same, f"acknowledged and lost: {item['trial_id']}")
        if line["verb"] in _DRAWING and line.get("trial_id"):
            trial = by_id.get(line["trial_id"])
            same = trial is not None and trial.variant == line["variant"]
            found.expect(same, f"acknowledged and lost: {line['unit']}")
            assigned.add(line["trial_id"])
    for trial_id, trial in by_id.items():
        known = trial_id in recorded or trial_id in assigned or trial.unit in units
        found.expect(known, f"nobody asked for {trial_id}")
    arms: dict[str, set[str]] = {}
    for trial in log.trials:
        arms.setdefault(trial.unit, set()).add(trial.variant)
    torn = [unit for unit, variants in arms.items() if len(variants) > 1]
    found.expect(not torn, f"units in two arms: {torn[:3]}")


def _balance(found: Found, space: Workspace, common: Experiment) -> None:
    """Each position is given once, and to the arm that its block has there."""
    path = sequence(space.root, common.experiment_id)
    lines = [parse_assignment(line) for line in _told(path)]
    found.expect(None not in lines, "a line of the sequence is torn")
    places: dict[str, tuple[int, str]] = {}
    for line in lines:
        if line is not None:
            count, (_, variant, unit, _) = line
            place = places.setdefault(unit, (count - 1, variant))
            found.expect(count == len(places), f"{unit} has the count {count}")
            found.expect(variant == place[1], f"{unit} has two arms")
    found.units = len(places)
    taken = sorted(position for position, _ in places.values())
    found.expect(taken == list(range(len(taken))), "a position is missing or given twice")
    apart = {
        parsed[1][2]
        for other in path.parent.glob("assignments-*.tsv")
        for line in _told(other)
        if (parsed := parse_assignment(line)) is not None
    }
    found.apart = len(apart)
    seed = assigning.mixed_seed(space, common)
    for unit, (position, variant) in places.items():
        due = arm_for(common.plan, seed, unit, position)
        found.expect(variant == due or unit in apart, f"{unit} at {position} is out of balance")


def _told(path: Path) -> list[str]:
    """Return the lines of a log of assignments behind its first; none before a draw."""
    if not path.exists():
        return []
    return path.read_text().splitlines()[1:]


def _own(
    found: Found,
    space: Workspace,
    experiments: dict[str, Experiment],
    name: str,
    lines: list[dict[str, Any]],
    *,
    hindered: bool,
) -> None:
    """Every acknowledged change of state stands; the prompt is what the state says."""
    expected: dict[str, set[Status]] = {}
    for line in lines:
        after, experiment = AFTER.get(line["verb"]), line.get("experiment")
        if after is None or experiment is None:
            continue
        if line["kind"] == "ack":
            expected[experiment] = {after}
        elif line["kind"] == "try":
            expected[experiment] = expected.get(experiment, set()) | {after}
    for experiment, statuses in expected.items():
        status = experiments[experiment].status if experiment in experiments else None
        found.expect(
            status in statuses, f"{experiment} is {status}, acknowledged was {statuses}"
        )
        noted = {entry.verb for entry in space.store.history(experiment).entries}
        found.expect(bool(noted), f"{experiment} has no history")
    path = prompt_of(space.root, name)
    mine = [item for item in experiments.values() if path in item.plan.files]
    promoted = any(item.status is Status.PROMOTED for item in mine)
    data = (space.root / path).read_bytes()
    due = TREATMENT if promoted else CONTROL
    holds = _stands(path, data, mine, due) or (hindered and data == due)
    found.expect(holds, f"{path} is {data!r}")
    mode = (space.root / path).stat().st_mode & 0o777
    found.expect(mode == 0o644, f"{path} has the mode {mode:o}")


def _stands(path: str, data: bytes, mine: list[Experiment], due: bytes) -> bool:
    """Tell whether a prompt file is as it has to be: a skill that runs has a stand-in."""
    runs = any(item.status is Status.RUNNING for item in mine)
    if runs and path.endswith("SKILL.md"):
        return b"!`serve-variant " in data
    return data == due


def _linked(found: Found, tree: Path, names: list[str], experiments: list[Experiment]) -> None:
    """In a linked working tree the prompts stand, git sees no change, and no state is made."""
    for path in [prompt_of(tree, name) for name in names]:
        mine = [item for item in experiments if path in item.plan.files]
        data = (tree / path).read_bytes()
        found.expect(_stands(path, data, mine, CONTROL), f"{tree}/{path} is {data!r}")
    status = _git(tree, "status", "--porcelain")
    found.expect(status == "", f"git in {tree}: {status}")
    found.expect(not (tree / ".claude/meta").exists(), f"state in {tree}")


def _repository(found: Found, root: Path) -> None:
    status = _git(root, "status", "--porcelain")
    found.expect(status == "", f"git: {status}")
    changed = _git(root, "log", "--format=", "--name-only", "--diff-filter=M").split()
    alone = all("writer-" in name for name in changed)
    found.expect(alone, f"committed beside the prompts: {changed}")
    found.operations["commit"] += len(changed)


def _git(tree: Path, *arguments: str) -> str:
    command = ["git", "-C", str(tree), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
