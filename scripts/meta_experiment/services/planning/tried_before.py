"""What earlier experiments on the same files taught, told to the next hypothesis."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from meta_experiment.decide.telling.hypotheses import are_alike
from meta_experiment.decide.telling.upshots import was_reversed
from meta_experiment.errors import MetaExperimentError, as_word, cite
from meta_experiment.services.acting.holdouts import later_findings
from meta_experiment.services.acting.learnings import followed, learnings_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.learning import Learning
from meta_experiment.types.vocabulary import Upshot

_MOST = 3  # of a kind that are told


def tried_before(
    workspace: Workspace, files: Collection[str], hypothesis: str | None
) -> tuple[tuple[Learning, ...], tuple[str, ...]]:
    """Return the entries on these files, newest first, and what a new hypothesis is told.

    That is what was refuted, that alike to the new one first, and what was left open. A file
    that cannot be read is said, and keeps nobody from anything.
    """
    try:
        found = learnings_in(workspace.layout)
    except MetaExperimentError as error:
        return (), (f"What was learnt before cannot be read: {error.message}",)
    wanted = set(files)
    entries = [item for item in found.entries if wanted & set(item.files)]
    if not entries:
        return (), ()
    experiments = workspace.store.experiments()
    later = later_findings(experiments)
    entries = [
        replace(
            item, later=tuple(dict.fromkeys((*item.later, *later.get(item.experiment_id, ()))))
        )
        for item in followed(entries, experiments)
    ]
    return tuple(entries), tuple(_told(entries, hypothesis))


def _told(entries: Iterable[Learning], hypothesis: str | None) -> Iterator[str]:
    entries = list(entries)
    refuted = [it for it in entries if it.judged is Upshot.REFUTED or was_reversed(it.later)]
    alike = [item for item in refuted if hypothesis and are_alike(hypothesis, item.hypothesis)]
    for item in alike[:_MOST]:
        yield (
            f"This was tried: {_refuted(item)}. Say what is different now, or test something "
            "else."
        )
    for item in [item for item in refuted if item not in alike][:_MOST]:
        yield f"{_refuted(item)}."
    for item in [item for item in entries if item.is_open][:_MOST]:
        yield f"{item.experiment_id} left open: {cite(item.next)}"
    if len(entries) > _MOST:
        path = as_word(entries[0].files[0])
        yield f"All that was learnt of this: meta-experiment learn --list --file {path}"


def _refuted(item: Learning) -> str:
    """Say what was refuted, and under which models: another may differ."""
    models = item.happened.models if item.happened and not item.edited else {}
    named = ", ".join(as_word(name) for name in list(models)[:_MOST])
    seen = f" (seen under {named})" if named else ""
    after = " after its promotion" if was_reversed(item.later) else ""
    return f"{item.experiment_id} refuted {cite(item.hypothesis)}{after}{seen}"
