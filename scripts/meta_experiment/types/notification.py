"""Words of notifications: what is told, and where."""

from __future__ import annotations

from enum import StrEnum

from meta_experiment.records import dataclass


class NotificationChannel(StrEnum):
    """Way on which a person is told."""

    ISSUE = "issue"
    DISCUSSION = "discussion"
    WEBHOOK = "webhook"
    DESKTOP = "desktop"
    TERMINAL = "terminal"


class NotificationEvent(StrEnum):
    """What is worth telling: enough has been seen to decide, and each decision."""

    MINIMUM = "minimum"
    PROMOTE = "promote"
    REJECT = "reject"
    INCONCLUSIVE = "inconclusive"


class DeliveryState(StrEnum):
    """How far a notification got at one target.

    `refused` is said by the other side; `queued` waits for the next time; `planned` is what a
    dry run would send.
    """

    SENT = "sent"
    KNOWN = "known"
    QUEUED = "queued"
    REFUSED = "refused"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class NotificationTarget:
    """One place to tell: `OWNER/REPO#N`, an address, or "" where the channel is the place.

    `host` is that of an issue or a discussion, whatever the environment says later.
    """

    channel: NotificationChannel
    place: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Notification:
    """What is told of one event, once at each target.

    `subject` is what the experiment is called wherever it is met, and `identity` (hex digits)
    the same of each of its events; `text` is Markdown, `summary` one line of plain words.
    """

    experiment_id: str
    subject: str
    event: NotificationEvent
    identity: str
    summary: str
    text: str

    @property
    def mark(self) -> str:
        """The hidden first line by which a comment is known again."""
        about = "".join(
            sign if sign.isalnum() or sign in "._/-" else "_" for sign in self.subject
        )
        return (
            f"<!-- meta-experiment:notify v1 {about.replace('--', '__')} "
            f"event={self.event.value} sha256:{self.identity} -->"
        )
