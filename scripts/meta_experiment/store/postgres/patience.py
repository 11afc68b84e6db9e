"""A connection on which no wait is without end, whatever the other side does or does not say.

The server ends what takes it too long, and TCP what is not acknowledged. Neither helps where
something between takes every byte and gives none back: there the clock of this side ends it.

While it waits somebody may hold a lock. Who that is can be seen for so long alone: it is looked
up meanwhile, over another connection, and told with the error that ends the wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.errors import LockNotAvailable

from meta_experiment.store.exchange import LockHolder

Result = TypeVar("Result")

SILENCE = 75.0  # seconds without a byte; the server itself ends a statement after 60
WHOLE = 600.0  # seconds for all of one answer, should its bytes drip
FIRST_LOOK = 4.0  # seconds of silence, after which it is looked up who holds a lock; then twice
_LOOKS = 0.1  # seconds between two looks at the clock


class OverdueError(OperationalError):
    """The other side did not answer; the connection is closed, as its answer may yet come."""


class HeldError(LockNotAvailable):
    """Somebody held a lock for too long; `holders` as far as they were seen."""

    def __init__(self, said: str, holders: Sequence[LockHolder]) -> None:
        super().__init__(said)
        self.holders = tuple(holders)


class PatientConnection(Connection[tuple[Any, ...]]):
    """A connection that is closed when an answer does not come.

    `look` tells who holds what this one waits for; it is asked only when that takes long.
    """

    look: Callable[[], Sequence[LockHolder]] = tuple

    def wait(
        self, gen: PQGen[Result], interval: float = _LOOKS, timeout: float | None = None
    ) -> Result:
        """Wait for an answer as the driver does, as long as some of it comes."""
        more = {} if timeout is None else {"timeout": timeout}  # which older drivers lack
        holders = list[LockHolder]()
        try:
            return super().wait(self._ending(gen, holders), interval, **more)
        except LockNotAvailable as error:
            raise HeldError(str(error), holders) from None
        except OverdueError:
            self.pgconn.finish()
            raise

    def _ending(self, steps: PQGen[Result], holders: list[LockHolder]) -> PQGen[Result]:
        """Take the steps of the driver, which looks up also when nothing comes.

        Who holds it is put into `holders`, as it was last seen.
        """
        begun = heard = monotonic()
        look = FIRST_LOOK
        try:
            waits = next(steps)
            while True:
                ready = yield waits
                now = monotonic()
                if ready:
                    heard = now
                elif now - heard > look:
                    look *= 2
                    holders[:] = self.look() or holders
                if now - heard > SILENCE or now - begun > WHOLE:
                    steps.close()
                    raise OverdueError("the server timed out")
                waits = steps.send(ready)
        except StopIteration as end:
            result: Result = end.value
            return result
