"""What the benchmarks share: registries and logs as this program writes them, and a clock."""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

from tests.sealing import own_seal

from meta_experiment.model.plan_document import plan_from_document
from meta_experiment.model.registry import encode_registry
from meta_experiment.protocol import log_head
from meta_experiment.store.fold.events import encode_event
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import Experiment, FileVersion, Status, TrialStatus

EXPERIMENT = "exp-2026-01-01-bench"
NOW = 1.76e9  # seconds; when the logs begin
_ARMS = ("control", "treatment")
_DATA = tempfile.TemporaryDirectory(prefix="meta-bench-data-")  # a key of its own lies there
os.environ["XDG_DATA_HOME"] = _DATA.name


# by its own name, so that no version manager stands in between
PYTHON = os.path.realpath(sys.executable) if sys.prefix == sys.base_prefix else sys.executable
REPOSITORY = Path(__file__).resolve().parents[1]


def environment() -> dict[str, str]:
    """Return the environment of a command that is timed."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "XDG_DATA_HOME": _DATA.name,
        "META_EXPERIMENT_PYTHON": PYTHON,
    }


def seconds(command: Sequence[str]) -> float:
    """Time one whole process."""
    start = time.perf_counter()
    subprocess.run(command, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def processor_seconds(command: Sequence[str]) -> float:
    """Time the processor in one whole process and those that it starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment(), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_parts(parts: dict[str, Callable[[Path, int], None]], about: str) -> int:
    """Print the tables that are asked for; a part gets a folder, and by what it is smaller."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    for name in asked.parts or parts:
        print(f"\n{name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="meta-bench-") as temporary:
            parts[name](Path(temporary), 10 if asked.quick else 1)
    return 0


def names(experiments: int) -> list[str]:
    """Return the ids of so many experiments."""
    return [
        f"exp-2026-01-{number % 28 + 1:02d}-bench-{number}" for number in range(experiments)
    ]


def build(
    root: Path,
    experiments: Sequence[str],
    trials: int,
    writers: int,
    unit: str = "invocation",
    running: int = 10,
) -> None:
    """Write a registry, ten of it running, and logs in which the writers take turns.

    Where units are sessions, the experiments have the same ones.
    """
    registry(root, experiments, running, unit)
    chance = random.Random(2)  # noqa: S311 - data, no secrets
    each = trials // len(experiments)
    begin = time.time() - 80_000
    for name in experiments:
        folder = root / ".claude" / "meta" / "trials" / name
        folder.mkdir(parents=True)
        lines = list(typed(chance, each, begin, shared=unit == "session"))
        for writer in range(min(writers, each)):
            own = [head(root, name, f"host-{writer}.jsonl"), *lines[writer::writers]]
            (folder / f"host-{writer}.jsonl").write_bytes(b"".join(own))


def head(root: Path, experiment: str, name: str) -> bytes:
    """Return the first line of a log that the checkout at a root wrote."""
    return log_head.head(own_seal(root), experiment, name)


def registry(
    root: Path, names: Sequence[str], running: int = 1, unit: str = "invocation"
) -> None:
    """Write a registry; all but the first few of its experiments have ended."""
    now, registered = time.time(), []
    for number, name in enumerate(names):
        plan = plan_from_document(
            {
                "name": f"bench {number}",
                "hypothesis": "The new text is faster.",
                "files": [f".claude/commands/c{number}.md"],
                "metrics": {"primary": "duration_seconds", "guardrails": ["output_tokens:20%"]},
                "unit": unit,
            }
        )
        arms: dict[str, FileVersion | None] = {
            arm: FileVersion(f"{place}" * 64, 0o644) for place, arm in enumerate(_ARMS)
        }
        registered.append(
            Experiment(
                experiment_id=name,
                plan=plan,
                plan_sha256=f"{number:064x}",
                status=Status.RUNNING if number < running else Status.EXPIRED,
                created=now - 86_400,
                started=now - 86_400,
                ended=None if number < running else now,
                versions={plan.files[0]: arms},
            )
        )
    meta = root / ".claude" / "meta"
    meta.mkdir(parents=True, exist_ok=True)
    (meta / "experiments.json").write_bytes(encode_registry(registered))


def typed(
    chance: random.Random,
    trials: int,
    begin: float = NOW,
    batch: int = 1,
    *,
    shared: bool = False,
) -> Iterator[bytes]:
    """Yield lines as `record` writes them, so many at once: two metrics, 163 bytes.

    The units of `shared` lines have names that those of others have as well.
    """
    first = 0
    for number in range(trials):
        if number % batch == 0:
            first = chance.getrandbits(63)
        yield _recorded(
            f"{first + number % batch:016x}",
            round(begin + number * 0.37, 6),
            _ARMS[chance.random() < 0.5],
            {
                "duration_seconds": round(chance.lognormvariate(4, 0.5), 3),
                "output_tokens": int(chance.lognormvariate(7, 0.4)),
            },
            f"session-{number}" if shared else None,
        )


def live(chance: random.Random, trials: int, begin: float = NOW) -> tuple[bytes, list[bytes]]:
    """Return what serving and closing write: the sequence, and lines of twenty metrics."""
    sequence, lines = [], []
    for number in range(trials):
        unit = str(UUID(int=chance.getrandbits(128), version=4))
        trial, arm = f"{chance.getrandbits(64):016x}", _ARMS[chance.random() < 0.5]
        at = begin + number * 0.74
        sequence.append(f"{number + 1}\t{unit}\t{arm}\t{trial}\t{int(at * 1000)}\n")
        lines.append(_recorded(trial, round(at + 60, 3), arm, _measured(chance), unit))
    return "".join(sequence).encode(), lines


def _recorded(
    trial: str, at: float, arm: str, metrics: dict[str, float], unit: str | None = None
) -> bytes:
    fingerprint = {"model": "claude-sonnet-4-5", "client": "2.1.330"} if unit else {}
    return encode_event(
        TrialEvent(
            EventKind.RECORDED,
            at,
            trial,
            arm,
            unit,
            status=TrialStatus.OK,
            metrics=metrics,
            fingerprint=fingerprint,
        )
    )


def _measured(chance: random.Random) -> dict[str, float]:
    """Return twenty metrics of a live trial."""
    seconds = {
        name: round(chance.lognormvariate(4, 0.5), 3)
        for name in ("duration_seconds", "active_seconds", "turn_duration_seconds")
    }
    tokens = {
        name: int(chance.lognormvariate(8, 1))
        for name in (
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_creation_tokens",
            "total_tokens",
            "turn_output_tokens",
        )
    }
    counts = {
        name: chance.randrange(12)
        for name in (
            "turns",
            "followup_turns",
            "tool_calls",
            "tool_errors",
            "files_touched",
            "lines_changed",
            "agents",
            "permission_prompts",
            "retries",
        )
    }
    rest = {"error_rate": 0, "cost_usd": round(chance.lognormvariate(-2, 1), 6)}
    return seconds | tokens | rest | counts
