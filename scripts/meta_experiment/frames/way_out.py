"""What to do next, in the traceback of an error, as whoever calls from Python sees no hint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from meta_experiment.errors import MetaExperimentError


@contextmanager
def way_out() -> Iterator[None]:
    """Let an error of ours say what to do next below its message."""
    try:
        yield
    except MetaExperimentError as error:
        if error.hint:
            error.add_note(f"Next: {error.hint}")
        raise
