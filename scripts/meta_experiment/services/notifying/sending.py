"""Sending a notification to one target, whatever kind it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from meta_experiment.outbound.desktop import show_on_desktop
from meta_experiment.outbound.github.client import GitHub
from meta_experiment.outbound.github.comments import (
    GitHubThread,
    ThreadKind,
    post_once,
    thread_named,
)
from meta_experiment.outbound.github.hosts import github_host
from meta_experiment.outbound.webhook import (
    SECRET,
    call_webhook,
    require_webhook,
    shown_webhook,
)
from meta_experiment.records import dataclass
from meta_experiment.types.notification import (
    Notification,
    NotificationChannel,
    NotificationTarget,
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a target gave back: the number of a comment and where it can be read."""

    comment: str = ""
    url: str = ""


def target_named(
    channel: NotificationChannel,
    environment: Mapping[str, str],
    place: str = "",
    repository: str = "",
) -> NotificationTarget:
    """Return the target that a user names; a number alone is of the repository `OWNER/REPO`.

    What names no host is at the one of the environment, and stays there.

    Raises:
        UsageError: there can be no such place, or the environment's host is none.
    """
    if channel is NotificationChannel.WEBHOOK:
        return NotificationTarget(channel, require_webhook(place))
    if channel in _THREADS:
        thread = thread_named(_THREADS[channel], place, repository)
        host = thread.host.lower() or github_host(environment).name
        return NotificationTarget(channel, thread.name, host)
    return NotificationTarget(channel)


def shown_target(target: NotificationTarget) -> str:
    """Return a target as it may be shown: the path of a webhook is often its password."""
    if target.channel is NotificationChannel.WEBHOOK:
        return shown_webhook(target.place)
    if target.channel in _THREADS:
        return str(_thread(target))
    return target.channel.value


def exact_text(notification: Notification, target: NotificationTarget) -> str:
    """Return what a target is sent, word for word."""
    if target.channel in _THREADS:
        return f"{notification.mark}\n{notification.text}"
    if target.channel is NotificationChannel.WEBHOOK:
        return notification.text
    return notification.summary


def send(
    notification: Notification,
    target: NotificationTarget,
    environment: Mapping[str, str],
    within: float,
) -> Receipt:
    """Send a notification to a target within so many seconds.

    Raises:
        RemoteError: it was refused. RateLimitError, NetworkError: later may be better.
        DependencyError: a token or a program is missing.
    """
    return _SENDERS[target.channel](notification, target, environment, within)


def _to_thread(
    notification: Notification,
    target: NotificationTarget,
    environment: Mapping[str, str],
    within: float,
) -> Receipt:
    thread = _thread(target)
    github = GitHub.at(environment, thread.host, within=within)
    posted = post_once(github, thread, notification.mark, notification.text)
    return Receipt(posted.id, posted.url)


def _thread(target: NotificationTarget) -> GitHubThread:
    return replace(thread_named(_THREADS[target.channel], target.place), host=target.host)


def _to_webhook(
    notification: Notification,
    target: NotificationTarget,
    environment: Mapping[str, str],
    within: float,
) -> Receipt:
    document = {
        "event": f"experiment.{notification.event.value}",
        "experiment": notification.experiment_id,
        "text": notification.summary,
        "markdown": notification.text,
        "key": notification.identity,
    }
    secret = environment.get(SECRET, "")
    call_webhook(
        target.place, document, key=notification.identity, secret=secret, within=within
    )
    return Receipt()


def _to_desktop(
    notification: Notification,
    target: NotificationTarget,
    environment: Mapping[str, str],
    within: float,
) -> Receipt:
    del target, within
    show_on_desktop(notification.experiment_id, notification.summary, environment)
    return Receipt()


def _to_terminal(
    notification: Notification,
    target: NotificationTarget,
    environment: Mapping[str, str],
    within: float,
) -> Receipt:
    """Do nothing: whoever asked for it shows what is told, now or at the next session."""
    del notification, target, environment, within
    return Receipt()


_Sender = Callable[[Notification, NotificationTarget, Mapping[str, str], float], Receipt]
_THREADS: dict[NotificationChannel, ThreadKind] = {
    NotificationChannel.ISSUE: "issue",
    NotificationChannel.DISCUSSION: "discussion",
}
_SENDERS: dict[NotificationChannel, _Sender] = {
    NotificationChannel.ISSUE: _to_thread,
    NotificationChannel.DISCUSSION: _to_thread,
    NotificationChannel.WEBHOOK: _to_webhook,
    NotificationChannel.DESKTOP: _to_desktop,
    NotificationChannel.TERMINAL: _to_terminal,
}
