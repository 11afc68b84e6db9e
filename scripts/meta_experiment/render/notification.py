"""What people are told of an experiment, and what became of telling them."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Emphasis,
    Facts,
    Heading,
    Page,
    Paragraph,
    Section,
    Text,
    Tone,
    remarks,
)
from meta_experiment.render.report import arms
from meta_experiment.render.style import Style
from meta_experiment.render.writers import MARKDOWN, write
from meta_experiment.types import Analysis, Comparison
from meta_experiment.types.notification import DeliveryState, NotificationEvent
from meta_experiment.types.results.examination import Examination
from meta_experiment.types.results.notification import Delivery, NotificationResult
from meta_experiment.workflows.workflow_names import acting_command, workflow_of

_TITLES = {
    NotificationEvent.MINIMUM: "enough has been seen to decide",
    NotificationEvent.PROMOTE: "decided, PROMOTE",
    NotificationEvent.REJECT: "decided, REJECT",
    NotificationEvent.INCONCLUSIVE: "decided, INCONCLUSIVE",
}
_VERBS = {
    NotificationEvent.PROMOTE: "promote",
    NotificationEvent.REJECT: "rollback",
    NotificationEvent.INCONCLUSIVE: "stop",
}
_STATES: dict[DeliveryState, tuple[str, Tone]] = {
    DeliveryState.SENT: ("sent", "good"),
    DeliveryState.KNOWN: ("was sent before", "dim"),
    DeliveryState.QUEUED: ("waits", "warn"),
    DeliveryState.REFUSED: ("refused", "bad"),
    DeliveryState.PLANNED: ("would be sent", "strong"),
}


def announced(examined: Examination, event: NotificationEvent) -> tuple[str, str]:
    """Return what is told of an event: one line, and a text in Markdown."""
    analysis, plan = examined.analysis, examined.experiment.plan
    # people know an experiment of a workflow by what its file calls it
    names = [examined.experiment.experiment_id, words.quoted(plan.name)]
    if workflow_of(plan.tags):
        names = [words.name(plan.name), examined.experiment.experiment_id]
    title = f"{names[0]}: {_TITLES[event]}"
    reason = words.one_line(_reason(examined, event))
    page = (
        (Heading(title, names[1], level=2),),
        (Paragraph((reason,)),),
        (arms(analysis.primary, plan.primary.unit),),
        (Facts(tuple(_effects(analysis)), 0),),
        (Paragraph((_next(examined, event),)),),
    )
    text = write(MARKDOWN, page, Style())
    return f"{title}. {reason}", text


def _reason(examined: Examination, event: NotificationEvent) -> str:
    """Say why: what was decided stands as it was when it was decided."""
    experiment, analysis = examined.experiment, examined.analysis
    if event is NotificationEvent.MINIMUM:
        return analysis.readiness.reason
    outcome = experiment.outcome
    if outcome is not None and not experiment.status.is_open:
        return f"{outcome.reason} ({experiment.status.value})"
    return f"{analysis.reason} ({analysis.reason_code.value})"


def _effects(analysis: Analysis) -> Iterator[tuple[Text, Text]]:
    primary = analysis.primary
    yield "Metric", f"{primary.metric}, {primary.direction.value} is better"
    for item in primary.comparisons:
        pair = f"{words.printable(item.treatment)} against {words.printable(item.control)}"
        yield pair, _effect(item)


def _effect(item: Comparison) -> str:
    if item.error:
        return f"no evidence, {item.error}"
    shown = item.sequential.interval if item.sequential else item.interval
    looks = "valid at every look" if item.sequential else "valid at one look"
    return (
        f"{words.signed_per_cent(item.estimate.relative)} (positive is better), "
        f"{words.interval(shown)}, {looks}"
    )


def _next(examined: Examination, event: NotificationEvent) -> str:
    name = examined.experiment.experiment_id
    verb = _VERBS.get(event)
    ends_by_itself = examined.experiment.plan.holdout is not None
    if verb is None or ends_by_itself or not examined.experiment.status.is_open:
        return f"Look closer: meta-experiment analyze {name}"
    plan = examined.experiment.plan
    act = acting_command(plan.name, plan.tags) or f"meta-experiment {verb} {name}"
    return f"Look closer: meta-experiment analyze {name}. Act: {act}"


def notification_page(done: NotificationResult) -> Page:
    """Show what became of each notification, and of a dry run the very texts."""
    sections: list[Section] = []
    for item in done.deliveries:
        sections.append((Paragraph((_delivery(item),)),))
        if item.text is not None:
            sections.append((Paragraph(tuple(item.text.split("\n"))),))
        elif item.reason:
            sections.append((Paragraph((words.one_line(item.reason),), indent=2),))
    for kept in done.kept:
        told = ", ".join(kept.targets)
        sections.append((Paragraph((f"{kept.experiment_id} is told to {told} by itself.",)),))
    sections += remarks(map(words.one_line, done.notes))
    return tuple(sections) or ((Paragraph(("Nobody is told of it any more.",)),),)


def _delivery(item: Delivery) -> Text:
    word, tone = _STATES[item.state]
    place = (
        item.target
        if item.target == item.channel.value
        else f"{item.channel.value} {item.target}"
    )
    url = f": {item.url}" if item.url else ""
    return (f"{item.experiment_id} {item.event.value} → {place} ", Emphasis(word, tone), url)
