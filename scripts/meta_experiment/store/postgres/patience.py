"""A connection on which no wait is without end, whatever the other side does or does not say.

The server ends what takes it too long, and TCP what is not acknowledged. Neither helps where
something between takes every byte and gives none back: there the clock of this side ends it.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen

Result = TypeVar("Result")

SILENCE = 75.0  # seconds without a byte; the server itself ends a statement after 60
WHOLE = 600.0  # seconds for all of one answer, should its bytes drip
_LOOKS = 0.1  # seconds between two looks at the clock


class OverdueError(OperationalError):
    """The other side did not answer; the connection is closed, as its answer may yet come."""


class PatientConnection(Connection[tuple[Any, ...]]):
    """A connection that is closed when an answer does not come."""

    def wait(
        self, gen: PQGen[Result], interval: float = _LOOKS, timeout: float | None = None
    ) -> Result:
        """Wait for an answer as the driver does, as long as some of it comes."""
        more = {} if timeout is None else {"timeout": timeout}  # which older drivers lack
        try:
            return super().wait(_ending(gen), interval, **more)
        except OverdueError:
            self.pgconn.finish()
            raise


def _ending(steps: PQGen[Result]) -> PQGen[Result]:
    """Take the steps of the driver, which looks up also when nothing comes."""
    begun = heard = monotonic()
    try:
        waits = next(steps)
        while True:
            ready = yield waits
            now = monotonic()
            if ready:
                heard = now
            if now - heard > SILENCE or now - begun > WHOLE:
                steps.close()
                raise OverdueError("the server timed out")
            waits = steps.send(ready)
    except StopIteration as end:
        result: Result = end.value
        return result
