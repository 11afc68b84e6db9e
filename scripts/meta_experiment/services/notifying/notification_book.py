"""Whom this machine tells of each experiment, and what it has told so far.

The file lies under this machine's seal: a target that a commit brought along is not there, and
whoever is told was named by this machine's user.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from meta_experiment.errors import StorageError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.seal import read_sealed
from meta_experiment.records import dataclass
from meta_experiment.store.local.sealing import write_sealed
from meta_experiment.types.notification import (
    DeliveryState,
    Notification,
    NotificationChannel,
    NotificationEvent,
    NotificationTarget,
)

_PURPOSE = "notifications"


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A notification with its target, and how far it got; the text of one that arrived goes."""

    notification: Notification
    target: NotificationTarget
    state: DeliveryState
    url: str = ""
    comment: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        """What makes two of them the same."""
        target = self.target
        return f"{self.notification.identity} {target.channel} {target.host} {target.place}"

    def arrived(self, comment: str, url: str) -> DeliveryRecord:
        """Return the same, sent."""
        told = replace(self.notification, text="")
        return DeliveryRecord(told, self.target, DeliveryState.SENT, url, comment)


class NotificationBook:
    """Targets by experiment, and deliveries by their keys; saved after each change.

    Whoever changes it holds the root's lock `notify`.
    """

    def __init__(self, layout: Layout, files: FileSystem) -> None:
        """Read what this machine has written; anything else in its place is nothing."""
        self._layout = layout
        self._files = files
        self.targets: dict[str, tuple[NotificationTarget, ...]] = {}
        self.deliveries: dict[str, DeliveryRecord] = {}
        document = _document(layout)
        for name, listed in document.get("targets", {}).items():
            self.targets[name] = tuple(_target(item) for item in listed)
        for item in document.get("deliveries", ()):
            record = _record(item)
            self.deliveries[record.key] = record

    @property
    def waiting(self) -> list[DeliveryRecord]:
        """What has not arrived, and may yet."""
        return [it for it in self.deliveries.values() if it.state is DeliveryState.QUEUED]

    def keep_targets(self, experiment_id: str, targets: tuple[NotificationTarget, ...]) -> None:
        """Tell these of an experiment from now on; none takes it off the book.

        Raises:
            StorageError: the disk refused.
        """
        self.targets.pop(experiment_id, None)
        if targets:
            self.targets[experiment_id] = targets
        self._save()

    def keep(self, record: DeliveryRecord) -> None:
        """Note how far a delivery got. Raises StorageError."""
        self.deliveries[record.key] = record
        self._save()

    def drop(self, records: Iterable[DeliveryRecord]) -> None:
        """Send these no more. Raises StorageError."""
        found = [it.key for it in records if self.deliveries.pop(it.key, None)]
        if found:
            self._save()

    def forget(self, experiment_ids: Collection[str]) -> None:
        """Forget whom to tell of experiments, and all that did not have to wait.

        Raises:
            StorageError: the disk refused.
        """
        kept = {
            key: it
            for key, it in self.deliveries.items()
            if it.state is DeliveryState.QUEUED
            or it.notification.experiment_id not in experiment_ids
        }
        targets = {name: it for name, it in self.targets.items() if name not in experiment_ids}
        if (kept, targets) != (self.deliveries, self.targets):
            self.deliveries, self.targets = kept, targets
            self._save()

    def _save(self) -> None:
        document = {
            "targets": {
                name: [_target_document(item) for item in listed]
                for name, listed in self.targets.items()
            },
            "deliveries": [_record_document(item) for item in self.deliveries.values()],
        }
        data = json.dumps(document, ensure_ascii=False, indent=1).encode()
        write_sealed(self._layout, self._files, book_file(self._layout), _PURPOSE, data)


def book_file(layout: Layout) -> Path:
    """Return where the book lies; where there is none, nobody is told of anything."""
    return layout.local / "notifications.json"


def _document(layout: Layout) -> dict[str, Any]:
    path = book_file(layout)
    try:
        data = read_sealed(str(layout.root), str(path), _PURPOSE)
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    document: dict[str, Any] = json.loads(data) if data else {}
    return document


def _target(item: Mapping[str, str]) -> NotificationTarget:
    return NotificationTarget(
        NotificationChannel(item["channel"]), item["place"], item.get("host", "")
    )


def _target_document(target: NotificationTarget) -> dict[str, str]:
    return {"channel": target.channel.value, "place": target.place, "host": target.host}


def _record(item: Mapping[str, Any]) -> DeliveryRecord:
    told = item["notification"]
    notification = Notification(
        told["experiment_id"],
        told["subject"],
        NotificationEvent(told["event"]),
        told["identity"],
        told["summary"],
        told["text"],
    )
    return DeliveryRecord(
        notification,
        _target(item["target"]),
        DeliveryState(item["state"]),
        item["url"],
        item["comment"],
        item["reason"],
    )


def _record_document(record: DeliveryRecord) -> dict[str, Any]:
    told = record.notification
    return {
        "notification": {
            "experiment_id": told.experiment_id,
            "subject": told.subject,
            "event": told.event.value,
            "identity": told.identity,
            "summary": told.summary,
            "text": told.text,
        },
        "target": _target_document(record.target),
        "state": record.state.value,
        "url": record.url,
        "comment": record.comment,
        "reason": record.reason,
    }
