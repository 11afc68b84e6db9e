"""The long run: `python -m tests.fuzz.full [EXAMPLES]`; prints counts as JSON.

`run` is also called by the command that makes docs/reliability.md.
"""

import json
import os
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import run_state_machine_as_test

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "scripts")]
SLOW = {"summary": 20, "board": 10, "hook input": 4, "assignment file": 4}
CALM = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


def run(examples: int = 2000, sequences: int = 100, steps: int = 40) -> dict[str, object]:
    """Fuzz every parser and walk the state machine; raise at the first failure.

    Returns counts: `inputs` by parser, `inputs_total`, `sequences`, `steps`, `seconds`.
    """
    from tests.fuzz.machine import Verbs
    from tests.fuzz.parsers import PARSERS
    from tests.support.git import GIT_ENVIRONMENT

    os.environ.update(GIT_ENVIRONMENT)
    begun = time.monotonic()
    counts: dict[str, int] = {}
    for name in PARSERS:
        counts[name] = look(name, max(10, examples // SLOW.get(name, 1)))
        print(f"{name}: {counts[name]:,}", file=sys.stderr)  # noqa: T201
    Verbs.steps = 0
    machine = settings(max_examples=sequences, stateful_step_count=steps, **CALM)
    run_state_machine_as_test(Verbs, settings=machine)
    return {
        "inputs": counts,
        "inputs_total": sum(counts.values()),
        "sequences": sequences,
        "steps": Verbs.steps,
        "seconds": round(time.monotonic() - begun, 1),
    }


def look(name: str, examples: int) -> int:
    """Give one parser so many inputs and return how many it took."""
    from tests.fuzz.parsers import PARSERS, check

    taken = 0

    @settings(max_examples=examples, **CALM)
    @given(PARSERS[name][0])
    def looked_at(text):
        nonlocal taken
        taken += 1
        check(name, text)

    looked_at()
    return taken


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(json.dumps(run(number, max(2, number // 20)), indent=2))  # noqa: T201
