"""Telling people in a process of its own, so that no dead network delays who decides."""

from __future__ import annotations

from contextlib import suppress

from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.interruption import held
from meta_experiment.files.pack import own_program
from meta_experiment.files.roots import Layout
from meta_experiment.live.apart import run_apart
from meta_experiment.services.notifying.notification_book import NotificationBook, book_file


def tell_apart(layout: Layout) -> bool:
    """Start telling whom this machine tells, if it tells anybody; return whether it began."""
    if not book_file(layout).exists():
        return False
    with suppress(MetaExperimentError):
        book = NotificationBook(layout, FileSystem())
        if not (book.targets or book.waiting):
            return False
    log = layout.local / "notify.log"
    with (
        suppress(OSError),
        held(),
    ):  # a signal must not meet the second process before it is one
        run_apart(str(layout.root), ["notify", "--background"], str(log), own_program())
        return True
    return False
