"""What it costs to close a trial at the end of a long session, in a process of its own.

    python benchmarks/closing.py [--megabytes N] [--runs N]

Two cases: the trial is the last turn of the transcript (how it is at the end of a prompt),
and it reaches from the first line to the last. Printed are the shortest, the median and the
longest time and the largest memory; half a second and 50 MB bound the shortest for 20 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
sys.path[:0] = [str(SCRIPTS), str(SCRIPTS.parent)]

from tests.sealing import own_seal  # noqa: E402

from meta_experiment.protocol.sessions import OpenTrial, Session  # noqa: E402

SECONDS, MEGABYTES = 0.5, 50
SESSION = "long-session"

CLOSE = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from meta_experiment.live.closing import close_session
from meta_experiment.protocol.sessions import Session
closed = close_session(Session(sys.argv[2], sys.argv[3]), final=True, now=1795300000.0)
print(closed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def transcript(path: Path, megabytes: int) -> list[str]:
    """Write a transcript like the client's; return the ids of its prompts."""
    prompts: list[str] = []
    written = 0
    with path.open("w", encoding="utf-8") as stream:
        while written < megabytes * 1_000_000:
            prompt = f"prompt-{len(prompts):05d}"
            prompts.append(prompt)
            for line in turn(prompt):
                written += stream.write(json.dumps(line, separators=(",", ":")) + "\n")
    return prompts


def turn(prompt: str) -> Iterator[dict[str, object]]:
    common = {"sessionId": SESSION, "version": "2.1.330", "isSidechain": False}
    stamp = "2026-11-21T14:16:58.323Z"
    yield {
        **common,
        "type": "user",
        "promptId": prompt,
        "timestamp": stamp,
        "message": {"role": "user", "content": "<command-name>/review</command-name>"},
    }
    snapshot = {"type": "prompt_snapshot", "text": "s" * 20_000}
    yield {"type": "attachment", "attachment": snapshot}
    for step in range(10):
        call = f"toolu_{prompt}_{step}"
        usage = {"input_tokens": 3, "output_tokens": 50, "cache_read_input_tokens": 9000}
        message = {"id": f"msg_{prompt}_{step}", "model": "claude-opus-5-5", "usage": usage}
        block = {"type": "tool_use", "id": call, "name": "Read", "input": {"file_path": "a"}}
        yield {
            **common,
            "type": "assistant",
            "timestamp": stamp,
            "message": {**message, "content": [block], "stop_reason": "tool_use"},
        }
        result = {"type": "tool_result", "tool_use_id": call, "content": "text \\n" * 500}
        yield {
            **common,
            "type": "user",
            "promptId": prompt,
            "timestamp": stamp,
            "message": {"role": "user", "content": [result]},
            "toolUseResult": {"type": "text", "file": {"content": "text \\n" * 500}},
        }


def close(folder: Path, path: Path, prompt: str) -> tuple[float, float]:
    """Close one trial in a process of its own; return seconds and megabytes."""
    trial = OpenTrial(
        experiment_id="exp-1",
        trial_id=f"t-{prompt}",
        variant="control",
        unit="u",
        prompt_id=prompt,
        transcript_path=str(path),
        epoch_ms=1795270618000,
        sha="",
        plugin="",
    )
    Session(str(folder), SESSION).write_trial(trial)
    words = [sys.executable, "-I", "-S", "-c", CLOSE, str(SCRIPTS), str(folder), SESSION]
    started = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    closed, kilobytes = map(int, done.stdout.split())
    if closed != 1:
        raise SystemExit(f"the trial of {prompt} was not closed")
    return seconds, kilobytes / 1024


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--megabytes", type=int, default=20)
    options.add_argument("--runs", type=int, default=7)
    given = options.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["HOME"] = name
        own_seal(folder)
        path = folder / "transcript.jsonl"
        prompts = transcript(path, given.megabytes)
        print(f"{path.stat().st_size / 1e6:.1f} MB, {len(prompts)} prompts")
        for case, prompt in (("last turn", prompts[-1]), ("whole session", prompts[0])):
            runs = [close(folder, path, prompt) for _ in range(given.runs)]
            seconds, megabytes = [run[0] for run in runs], max(run[1] for run in runs)
            print(
                f"{case:<14} shortest {min(seconds) * 1000:.0f} ms, "
                f"median {statistics.median(seconds) * 1000:.0f} ms, "
                f"longest {max(seconds) * 1000:.0f} ms, memory {megabytes:.0f} MB"
            )
            good = good and min(seconds) <= SECONDS and megabytes <= MEGABYTES
    print("within the bounds" if good else f"OVER {SECONDS} s or {MEGABYTES} MB")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
