"""What a bandit costs: renewing its shares, serving by them, analysing what came of it.

    python benchmarks/bandits.py [--arms 8] [--units 10000] [--analysed 400] [--runs 15]

Renewing is timed within this process, by its processor, the log read before; it may take 40
ms. A prompt is
served interleaved with `python3 -I -S -c pass`, of which it may take 2, and `analyze` with
`python -c "import click, json"`, of which it may take 3: of the processor, and of the ratio of
medians and that of minima the smaller.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks import making  # noqa: E402
from benchmarks.making import EXPERIMENT, NOW, PYTHON, head, processor_seconds  # noqa: E402
from benchmarks.making import seconds as timed  # noqa: E402
from tests.live.stage import TOKEN, Stage  # noqa: E402
from tests.logs import own_log, sequence  # noqa: E402
from tests.store.making import experiment  # noqa: E402

from meta_experiment.assign.adaptive import default_floor  # noqa: E402
from meta_experiment.files.roots import Layout  # noqa: E402
from meta_experiment.protocol.index import sequence_text  # noqa: E402
from meta_experiment.protocol.places import body_name  # noqa: E402
from meta_experiment.protocol.sequence import format_draw, format_line  # noqa: E402
from meta_experiment.protocol.sessions import PromptRef  # noqa: E402
from meta_experiment.services.recording.renewing import renewed  # noqa: E402
from meta_experiment.services.workspace import Workspace  # noqa: E402
from meta_experiment.store.fold.events import encode_event  # noqa: E402
from meta_experiment.store.local.registry import update_registry  # noqa: E402
from meta_experiment.store.ports import Store  # noqa: E402
from meta_experiment.store.trial_log import EventKind, TrialEvent  # noqa: E402
from meta_experiment.types import (  # noqa: E402
    Aim,
    Assignment,
    Bandit,
    Experiment,
    Status,
    TrialStatus,
    Variant,
)

RENEWAL, SERVING, ANALYSIS = 0.040, 2.0, 3.0  # seconds, ratios


def names(arms: int) -> list[str]:
    """Return the names of so many arms."""
    return ["control", *(f"arm{number}" for number in range(1, arms))]


def build(root: Path, arms: int, units: int) -> Experiment:
    """Write a bandit that runs, and so many units that it drew and that have closed."""
    made = experiment(EXPERIMENT, status=Status.RUNNING)
    plan = replace(
        made.plan,
        variants=tuple(map(Variant, names(arms))),
        assignment=Assignment.BANDIT,
        bandit=Bandit(Aim.FIND_BEST, default_floor(arms)),
    )
    made = replace(made, plan=plan, started=NOW)
    space = Workspace.open(Layout(root), time.time)
    update_registry(space.layout, space.files, lambda _: [made])
    folder = space.layout.trials(EXPERIMENT)
    folder.mkdir(parents=True, exist_ok=True)
    drawn, closed = zip(*lines(arms, units), strict=True)
    file = sequence(root, EXPERIMENT)
    own_log(root, EXPERIMENT, file.name, b"".join(drawn).decode())
    path = folder / "host-1.jsonl"
    path.write_bytes(head(root, EXPERIMENT, path.name) + b"".join(closed))
    return made


def lines(arms: int, units: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield for each unit the line of its draw and that of its trial, shares moving."""
    chance, every = random.Random(5), names(arms)  # noqa: S311 - data, no secrets
    parts = [1] * arms
    for number in range(units):
        if number >= 5 * arms and number % 20 == 0:
            parts = [chance.randrange(200, 3000) for _ in every]
        (place,) = chance.choices(range(arms), parts)
        at, trial_id = NOW + 60 * number, f"{number:016x}"
        draw = format_draw(parts, number if number >= 5 * arms else 0)
        yield (
            format_line(number + 1, f"unit{number}", every[place], trial_id, at, draw),
            encode_event(
                TrialEvent(
                    kind=EventKind.RECORDED,
                    at=at + 30,
                    trial_id=trial_id,
                    variant=every[place],
                    unit=f"unit{number}",
                    status=TrialStatus.OK,
                    metrics={
                        "duration_seconds": math.exp(chance.gauss(3.0 - 0.02 * place, 0.5))
                    },
                )
            ),
        )


def renewing(arms: int, units: int, runs: int) -> float:
    """Return the shortest time in which the shares of so many units are renewed, in seconds."""
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        made = build(Path(temporary), arms, units)
        space = Workspace.open(Layout(Path(temporary)), time.time)
        values = space.store.closed_values(made, made.plan.primary.name)
        known = replace(space, store=cast("Store", _Read(values)))
        return min(
            _seconds(lambda: renewed(known, made), time.process_time) for _ in range(runs)
        )


class _Read:
    """A store whose log is read already."""

    def __init__(self, values: object) -> None:
        self.closed_values = lambda *_: values


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start


def serving(arms: int, runs: int) -> float:
    """Return what serving a prompt by moving shares takes, as a ratio to a bare start."""
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        stage = Stage(Path(temporary))
        every = names(arms)
        ahead = sequence_text(list(range(arms)) * 5)
        entry = stage.run(
            method="bandit",
            arms=every,
            weights=[10_000 / arms] * arms,
            sequence=ahead,
            known=100,
        )
        stage.seal({body_name(arm): f"{arm} for $ARGUMENTS." for arm in every}, entry.id)
        drawn, _ = zip(*lines(arms, 100), strict=True)
        file = sequence(stage.root, entry.id)
        own_log(stage.root, entry.id, file.name, b"".join(drawn).decode())
        here = {"CLAUDE_PROJECT_DIR": str(stage.root), "CLAUDE_CODE_SESSION_ID": "bench"}
        making.environment = lambda: stage.environment | here
        program = str(REPOSITORY / "bin" / "serve-variant")
        bare: list[float] = []
        taken: list[float] = []
        for number in range(runs + 2):
            turn = PromptRef(f"p{number}", "/t", str(stage.root))
            stage.session("bench").write_turn(turn)
            bare.append(processor_seconds([PYTHON, "-I", "-S", "-c", "pass"]))
            taken.append(processor_seconds([program, f"{entry.id}@{TOKEN}", "bench"]))
        return _ratio(taken[2:], bare[2:])


def analysing(arms: int, units: int, runs: int) -> float:
    """Return what `analyze` of a bandit takes, as a ratio to importing click and json."""
    launcher = str(REPOSITORY / "bin" / "meta-experiment")
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
        build(Path(temporary), arms, units)
        command = [launcher, "analyze", EXPERIMENT, "--root", temporary]
        bare = [PYTHON, "-c", "import click, json"]
        for words in (command, bare):
            timed(words)
        pairs = [(processor_seconds(command), processor_seconds(bare)) for _ in range(runs)]
    taken, least = zip(*pairs, strict=True)
    return _ratio(list(taken), list(least))


def _ratio(taken: list[float], bare: list[float]) -> float:
    return min(statistics.median(taken) / statistics.median(bare), min(taken) / min(bare))


def main() -> int:
    """Print the figures; exit 1 when one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arms", type=int, default=8)
    parser.add_argument("--units", type=int, default=10_000)
    parser.add_argument("--analysed", type=int, default=400)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    arms, runs = options.arms, options.runs
    found = (
        ("renewing, ms", 1e3 * renewing(arms, options.units, runs), 1e3 * RENEWAL),
        ("analyze, ratio", analysing(arms, options.analysed, runs), ANALYSIS),
        ("serving, ratio", serving(arms, 2 * runs), SERVING),
    )
    print(f"{arms} arms, {options.units:,} units renewed, {options.analysed:,} analysed")
    for name, value, limit in found:
        print(f"{name:16}{value:8.2f}  (at most {limit:g})")
    return 0 if all(value <= limit for _, value, limit in found) else 1


if __name__ == "__main__":
    sys.exit(main())
