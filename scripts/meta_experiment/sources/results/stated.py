"""What a benchmark states of its runs, held against them: their number, and who is ahead.

The tool that sums them up writes three runs a configuration whatever there are, and takes the
difference of the first two in the order of their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from meta_experiment.sources.results import values
from meta_experiment.sources.results.imported import Run
from meta_experiment.sources.results.result_words import METRIC_FIELDS, is_control, snake

_SAME = 0.02  # of the larger mean; less is rounding


def contradictions(document: object, runs: Sequence[Run]) -> Iterator[str]:
    """Say, a sentence each, where a benchmark states something else than its runs show."""
    if not isinstance(document, Mapping):
        return
    metadata, summary = document.get("metadata"), document.get("run_summary")
    if isinstance(metadata, Mapping):
        yield from _other_number(metadata.get("runs_per_configuration"), runs)
    delta = summary.get("delta") if isinstance(summary, Mapping) else None
    if isinstance(delta, Mapping):
        yield from _turned_round(delta, runs)


def _other_number(stated: object, runs: Sequence[Run]) -> Iterator[str]:
    most = max(Counter((run.arm, run.case) for run in runs).values(), default=0)
    if type(stated) is int and stated != most:
        yield (
            f"The source states {stated} runs of each case in every configuration; there are "
            f"at most {most}, and these were read."
        )


def _turned_round(delta: Mapping[str, object], runs: Sequence[Run]) -> Iterator[str]:
    """Find differences that are the control's minus the other's."""
    arms = list(dict.fromkeys(run.arm for run in runs))
    controls = [arm for arm in arms if is_control(arm)]
    if len(arms) != 2 or len(controls) != 1:
        return
    control, other = controls[0], next(arm for arm in arms if arm not in controls)
    for name, value in delta.items():
        metric, _ = METRIC_FIELDS.get(snake(str(name)), ("", 1.0))
        stated = values.read(value).number
        before, after = (_mean(runs, arm, metric) for arm in (control, other))
        if not stated or before is None or after is None:
            continue
        apart = after - before
        if abs(apart) > _SAME * max(abs(before), abs(after)) and (stated < 0) != (apart < 0):
            yield (
                f"The source's difference of {metric} ({value}) has the sign turned round: "
                f"{other} is {'above' if apart > 0 else 'below'} {control}. Its runs were read."
            )


def _mean(runs: Sequence[Run], arm: str, metric: str) -> float | None:
    known = [run.metrics[metric] for run in runs if run.arm == arm and metric in run.metrics]
    return sum(known) / len(known) if known else None
