"""Commands of criteria: run in the checkout when the agent is gone, watched as it was.

They see neither the agent's login nor the user's settings, and what they begin ends with them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.runs.agents.agent import Task
from meta_experiment.runs.agents.surroundings import surroundings
from meta_experiment.runs.criteria.run_work import GivenUpError
from meta_experiment.runs.stopping import StopSign
from meta_experiment.runs.supervising import Launch, run

Around = Callable[[Launch], Launch]

_SHELL = "/bin/sh"
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ")
_MOST_PRINTED = 4 * 1024 * 1024


def run_command(
    task: Task,
    command: str,
    within: float,
    stopping: StopSign,
    around: Around,
    environment: Mapping[str, str] = os.environ,
) -> tuple[int | None, str]:
    """Run a shell command of a case in its checkout; return its exit code and what it said.

    The code is None where its time ran out.

    Raises:
        GivenUpError: `stopping` was set meanwhile.

    The command is the author's of the case, who is the user: nothing of a prompt, an answer or
    a file becomes part of it.
    """
    graders = task.attempt / "graders"
    FileSystem().make_directory(graders)
    folder = graders / str(sum(1 for _ in graders.iterdir()))
    empty = task.attempt / "nothing"
    empty.touch(mode=0o600)
    inherited = {key: environment[key] for key in _INHERITED if key in environment}
    order = Launch(
        command=(_SHELL, "-c", command),
        directory=task.checkout,
        environment=surroundings(task, inherited),
        stdin=empty,
        folder=folder,
        within=within,
        output_limit=_MOST_PRINTED,
    )
    ending = run(around(order), stopping.is_set)
    if ending.stopped:
        raise GivenUpError
    said = b"".join((folder / name).read_bytes() for name in ("stdout", "stderr"))
    return (None if ending.timed_out else ending.code), said.decode("utf-8", "replace")
