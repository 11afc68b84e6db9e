"""Calls that may never end, in a process of their own which ends with its time.

A pattern or a schema is somebody else's, and so is the text that it meets: some pairs take
longer than anybody waits, and nothing within a process can stop them.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys

SECONDS = 5.0
# It ends by itself as well, should its caller be killed meanwhile.
_PROGRAM = """
import json, sys
asked = json.load(sys.stdin.buffer)
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (asked["seconds"],) * 2)
except ImportError:
    pass
sys.path[:] = asked["path"]
from meta_experiment.table import entry
json.dump(entry(asked["function"])(*asked["arguments"]), sys.stdout)
"""


class NoAnswerError(Exception):
    """A call came to no answer; says why."""


def call(function: str, *arguments: object) -> object:
    """Return what a function of JSON values answers, named as `module:function`.

    Raises:
        NoAnswerError: it took longer than `SECONDS`, or failed.
    """
    asked: dict[str, object] = {"path": sys.path, "function": function, "arguments": arguments}
    asked["seconds"] = math.ceil(SECONDS) + 1
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoAnswerError(f"took longer than {SECONDS:g} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise NoAnswerError(said or f"ended with {done.returncode}")
    answer: object = json.loads(done.stdout)
    return answer
