"""What came of telling people of minimums and decisions."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.notification import (
    DeliveryState,
    NotificationChannel,
    NotificationEvent,
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivery of one notification to one target.

    `target` shows no secret part of an address. `url` is where it can be read; `reason` says
    why it was not sent; `text` is exactly what a dry run would send, or what a terminal
    shows.
    """

    experiment_id: str
    event: NotificationEvent
    channel: NotificationChannel
    target: str
    state: DeliveryState
    url: str | None = None
    reason: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class KeptTargets:
    """Targets of an experiment that this machine tells by itself."""

    experiment_id: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotificationResult:
    """Deliveries, one for each event and target; `notes` say what else was done or left."""

    deliveries: tuple[Delivery, ...]
    kept: tuple[KeptTargets, ...]
    notes: tuple[str, ...]
    dry_run: bool
