"""The texts of the arms, and what each treatment changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.confine import Content
from meta_experiment.store.ports import Variants
from meta_experiment.types import Experiment
from meta_experiment.types.results.report import PromptDiff, PromptVersion, ReportPrompt

LONGEST = 200_000  # characters of all differences together

_Texts = dict[str, dict[str, Content | None]]


def prompt_changes(
    store: Variants, experiment: Experiment, *, diff: bool = True
) -> tuple[ReportPrompt, ...]:
    """Compare the stored texts of every arm; those that are gone or damaged are left out."""
    texts: _Texts = {}
    for variant in experiment.plan.variants:
        with suppress(MetaExperimentError):
            texts[variant.name] = store.variant(experiment, variant.name)
    return tuple(_prompts(experiment, texts, LONGEST if diff else 0))


def _prompts(experiment: Experiment, texts: _Texts, room: int) -> Iterator[ReportPrompt]:
    control = experiment.plan.as_compared.control.name
    for path in experiment.versions:
        known = {name: arm.get(path) for name, arm in texts.items()}
        diffs = []
        for treatment in experiment.plan.as_compared.treatments:
            if control not in known or treatment.name not in known:
                continue
            found = _difference(treatment.name, path, known[control], known[treatment.name])
            if len(found.diff or "") > room:
                found = PromptDiff(found.treatment, found.added, found.removed, None)
            room -= len(found.diff or "")
            diffs.append(found)
        yield ReportPrompt(
            path,
            {
                name: PromptVersion(
                    content.sha256, len(content.data), len(content.data.splitlines())
                )
                for name, content in known.items()
                if content is not None
            },
            tuple(diffs),
        )


def _difference(
    treatment: str, path: str, before: Content | None, after: Content | None
) -> PromptDiff:
    from meta_experiment.files.content_diff import marked_lines, unified_diff  # long to load

    text = unified_diff(path, before, after)
    marks = [mark for mark, _ in marked_lines(text)]
    return PromptDiff(treatment, marks.count("+"), marks.count("-"), text)
