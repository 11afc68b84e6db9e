"""Search for the experiment that a user means, in a state for what they want."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from meta_experiment.errors import InvalidStateError, NotFoundError
from meta_experiment.store.ports import Registry
from meta_experiment.types import Experiment, Status


def find(experiments: Sequence[Experiment], selector: str) -> Experiment:
    """Return the experiment with that id, or the only one that it clearly means.

    A holdout is meant by its id; a prompt's name means what the holdout watches.

    Raises:
        NotFoundError: there is none; the nearest id is named.
        ConflictError: several fit.
    """
    from meta_experiment.services.naming import pick_watched

    known = {item.experiment_id: item for item in experiments}
    live = {name for name, item in known.items() if item.status.is_open}
    files = {name: item.plan.files for name, item in known.items()}
    watching = {name for name, item in known.items() if item.plan.holdout is not None}
    return known[pick_watched(known, selector, watching, live, files)]


def find_in(store: Registry, selector: str) -> Experiment:
    """Return the same of all that a store holds, also one that was put away.

    Raises:
        NotFoundError, ConflictError: as `find`.
        CorruptStoreError, StorageError: its file in the archive cannot be read.
    """
    with suppress(NotFoundError):  # by its whole id, as most are
        return store.experiment(selector)
    put_away = store.archived_ids()
    try:
        return find(store.experiments(), selector)
    except NotFoundError:
        if not put_away:
            raise
        from meta_experiment.services.naming import pick

        with suppress(NotFoundError):
            return store.archived(pick(put_away, selector))
        raise


def require_status(experiment: Experiment, allowed: Sequence[Status], done: str) -> None:
    """Refuse what the experiment's status does not allow.

    Raises:
        InvalidStateError: names the status, and those in which this can be `done`.
    """
    if experiment.status not in allowed:
        words = ", ".join(item.value for item in allowed)
        raise InvalidStateError(
            f"{experiment.experiment_id} is {experiment.status.value}; only one that is "
            f"{words} can be {done}.",
            hint=f"See where it stands: meta-experiment status {experiment.experiment_id}",
        )
