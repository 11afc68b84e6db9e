"""The dates of an experiment as its workflow had them at each time, out of git's history."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.errors import MetaExperimentError
from meta_experiment.git import Git
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.declarations import read_declarations
from meta_experiment.workflows.document import read_document
from meta_experiment.workflows.state.tally import DrawDates

_MOST_COMMITS = 500


def draw_dates(
    git: Git | None, path: str, experiment: DeclaredExperiment
) -> tuple[DrawDates, ...]:
    """Return on which days an experiment drew its variants, from when on each.

    Where git knows nothing of the file, what it says today held always.
    """
    now = DrawDates(0.0, experiment.start_date, experiment.end_date)
    try:
        past = list(_past(git, path, experiment.name)) if git else []
    except MetaExperimentError:
        past = []
    return tuple(past) or (now,)


def _past(git: Git, path: str, name: str) -> Iterator[DrawDates]:
    """Yield the dates at each commit that changed the file, the newest first."""
    listed = git.run("log", f"--max-count={_MOST_COMMITS}", "--format=%ct %H", "--", path)
    commits = [line.split() for line in listed.output.decode("ascii", "replace").splitlines()]
    if listed.code or not commits:
        return
    asked = "".join(f"{commit}:{path}\n" for _, commit in commits).encode()
    rest = git.demand("cat-file", "--batch", stdin=asked)
    for time, _ in commits:
        head, _, rest = rest.partition(b"\n")
        words = head.split()
        if words[-1:] == [b"missing"] or len(words) != 3:
            continue
        size = int(words[-1])
        data, rest = rest[:size], rest[size + 1 :]
        found = read_declarations(read_document(data)).experiment(name)
        if found is not None:
            yield DrawDates(float(time), found.start_date, found.end_date)
