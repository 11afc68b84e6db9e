"""The door to a team's store, for use cases that need it only sometimes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from meta_experiment.errors import InvalidStateError
from meta_experiment.services.teams.membership import Membership

TeamDoor = Callable[[], AbstractContextManager[Membership]]
"""Opens the team's store; raises where none is in use here, or it does not answer."""


def no_store() -> AbstractContextManager[Membership]:
    """Refuse, where no store can be opened."""
    raise InvalidStateError(
        "A team's experiment is decided over its store, and none is in use here.",
        hint="meta-experiment store use URL",
    )
