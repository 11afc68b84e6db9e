"""What many experiments and many trials cost one checkout: the figures of docs/scale.md.

    python benchmarks/scale.py [fold] [prompt] [board] [registry] [--quick]

`fold`: a log of 100,000, 1,000,000 and 10,000,000 trials read into columns, and `analyze` of
the first two; time of the processor, memory at its peak, and bytes on the disk a trial.
`prompt`: hooks and serve-variant with 10, 100 and 1,000 experiments under way, as ratios to a
bare start of Python. `board`: `status` and `auto` with 100 experiments under way, of 10,000
trials each. `registry`: its size and its reading with 100, 1,000 and 5,000 experiments.
Without a name all. Times are of the processor, which a busy machine disturbs least. `--quick`
takes a tenth of the largest.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from benchmarks import hooks  # noqa: E402
from benchmarks.fold import memory_of, programs  # noqa: E402
from benchmarks.growth import add  # noqa: E402
from benchmarks.making import (  # noqa: E402
    EXPERIMENT,
    PYTHON,
    build,
    environment,
    head,
    live,
    names,
    processor_seconds,
    registry,
    run_parts,
    typed,
)
from tests.live.stage import Stage  # noqa: E402

LAUNCHER = str(REPOSITORY / "bin" / "meta-experiment")
_BLOCK = 100_000
_ID = re.compile(rb'("trial_id":")....')


def row(*cells: object) -> None:
    """Print a row of a table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def blocks(trials: int) -> Iterator[bytes]:
    """Yield lines as `record` writes them: a block again and again, under other ids."""
    block = b"".join(typed(Random(1), min(trials, _BLOCK), batch=100))  # noqa: S311
    for number in range(max(1, trials // _BLOCK)):
        yield _ID.sub(rb"\g<1>%04x" % number, block)


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def processor_and_memory(command: list[str]) -> tuple[float, float]:
    """Return the seconds of the processor that a command takes, and its peak in MB."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True,"
        " stdout=subprocess.DEVNULL); told = resource.getrusage(resource.RUSAGE_CHILDREN);"
        " print(told.ru_utime + told.ru_stime, told.ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [PYTHON, "-c", program, *command], env=environment(), check=True, stdout=subprocess.PIPE
    )
    seconds, memory = map(float, done.stdout.split())
    return seconds, memory


def fold(folder: Path, tenth: int) -> None:
    """One experiment's log: folded, and analysed."""
    row("trials", "fold, s", "µs a trial", "fold, MB", "log, B a trial", "summary, B a trial",
        "analyze first, s", "MB", "again, s", "MB")  # fmt: skip
    for trials in (100_000 // tenth, 1_000_000 // tenth, 10_000_000 // tenth):
        root = folder / str(trials)
        registry(root, [EXPERIMENT])
        logs = root / ".claude" / "meta" / "trials" / EXPERIMENT
        logs.mkdir(parents=True)
        with (logs / "host-0.jsonl").open("wb") as stream:
            stream.write(head(root, EXPERIMENT, "host-0.jsonl"))
            stream.writelines(blocks(trials))
        program = programs(root, logs)["ours"]
        taken = processor_seconds([PYTHON, "-c", program])
        memory = memory_of(PYTHON, program)
        told: list[object] = ["–"] * 5
        if trials <= 1_000_000:
            command = [LAUNCHER, "analyze", EXPERIMENT, "--json", "--root", str(root)]
            first, again = processor_and_memory(command), processor_and_memory(command)
            kept = size(root / ".claude" / "meta" / "summaries") / trials
            told = [f"{kept:.0f}", *(f"{it:.1f}" for it in (*first, *again))]
        row(f"{trials:,}", f"{taken:.1f}", f"{1e6 * taken / trials:.1f}", f"{memory:.0f}",
            f"{size(logs) / trials:.0f}", *told)  # fmt: skip
    sequence, lines = live(Random(1), 1_000)  # noqa: S311
    print(
        f"a live trial of twenty metrics: {(len(sequence) + len(b''.join(lines))) / 1e3:.0f} B"
    )


def prompt(folder: Path, tenth: int) -> None:
    """The way of a prompt: each program beside a bare start, in turn on every project."""
    stages = {}
    for running in dict.fromkeys((10, 100, 1_000 // tenth)):
        stages[running] = Stage(folder / f"stage-{running}")
        hooks.furnish(stages[running], running)
    timed = {running: hooks.programs(stage) for running, stage in stages.items()}
    bare = [PYTHON, "-I", "-S", "-c", "pass"]
    starts: list[float] = []
    taken: dict[tuple[str, int], list[float]] = {}
    for turn in range(42 // tenth):
        for running, stage in stages.items():
            starts.append(hooks.seconds(bare, stage, {}, b"", bare=True))
            for name, program in timed[running].items():
                spent = program()
                if turn > 1:  # the first ones compile
                    taken.setdefault((name, running), []).append(spent)
            for path in Path(stage.session("bench").folder).glob("*-*"):
                path.unlink()
    row("program", *(f"{running:,} under way" for running in stages))
    for name in dict.fromkeys(name for name, _ in taken):
        ratios = [_ratio(taken[name, running], starts) for running in stages]
        row(name, *ratios)


def _ratio(taken: list[float], starts: list[float]) -> str:
    middle = statistics.median(taken) / statistics.median(starts)
    return f"{middle:.2f} ({min(taken) / min(starts):.2f})"


def board(folder: Path, tenth: int) -> None:
    """A hundred experiments under way: everything new, nothing new, and something."""
    row("under way", "trials of each", "call", "s", "MB")
    sizes = ((10, 10_000), (100, 1_000), (100, 10_000 // tenth))
    for running, trials in dict.fromkeys(sizes):
        root = folder / f"{running}-{trials}"
        ids = names(running)
        build(root, ids, running * trials, 1, running=running)
        at = ["--root", str(root)]

        def told(call: str, *words: str, at: list[str] = at, of: tuple[int, int]) -> None:
            seconds, memory = processor_and_memory([LAUNCHER, *words, *at])
            row(of[0], f"{of[1]:,}", call, f"{seconds:.2f}", f"{memory:.0f}")

        of = (running, trials)
        told("status, of all for the first time", "status", of=of)
        told("status, nothing new", "status", of=of)
        told("auto, nothing new", "auto", "--dry-run", of=of)
        add(root, ids[0], 1)
        told("status, one new trial", "status", of=of)
        for number, name in enumerate(ids):
            add(root, name, 1_000 + number)
        told("status, one new trial in each", "status", of=of)
        told("report --all --json", "report", "--all", "--json", of=of)


def registered(folder: Path, tenth: int) -> None:
    """The registry: its bytes, and what changes it and reads it."""
    row("experiments", "bytes of each", "status, nothing new, s", "a change of one, s")
    for number in dict.fromkeys((100, 1_000, 5_000 // tenth)):
        root = folder / str(number)
        ids = names(number)
        registry(root, ids, 10)
        at = ["--root", str(root)]
        subprocess.run([LAUNCHER, "status", *at], env=environment(), check=True, stdout=-3)
        spent = processor_seconds([LAUNCHER, "status", *at])
        change = processor_seconds([LAUNCHER, "archive", ids[-1], *at])
        bytes_of = (root / ".claude" / "meta" / "experiments.json").stat().st_size
        row(f"{number:,}", f"{bytes_of / number:,.0f}", f"{spent:.2f}", f"{change:.2f}")


PARTS: dict[str, Callable[[Path, int], None]] = {
    "fold": fold,
    "prompt": prompt,
    "board": board,
    "registry": registered,
}


if __name__ == "__main__":
    sys.exit(run_parts(PARTS, str(__doc__)))
