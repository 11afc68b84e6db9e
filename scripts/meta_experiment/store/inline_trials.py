"""The trials that the registry itself holds of an experiment, beside those of its logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

from meta_experiment.protocol.log_head import REGISTRY
from meta_experiment.store.trial_log import TrialLog, UncountedLog, UnitsUsed
from meta_experiment.types import Experiment

IN_THE_REGISTRY = "in the registry, which any commit may change"


def with_inline_trials(
    log: TrialLog, experiment: Experiment, admitted: Callable[[], bool]
) -> TrialLog:
    """Put them before the others, or apart where they do not count.

    Where the experiment has texts that could be promoted, they count only when they are
    `admitted`.
    """
    inline = experiment.inline_trials
    if not inline:
        return log
    if experiment.versions and not admitted():
        beside = UncountedLog(REGISTRY, REGISTRY, len(inline), IN_THE_REGISTRY)
        return replace(log, apart=(*log.apart, beside))
    first = max(trial.order for trial in inline) + 1
    later = (replace(trial, order=trial.order + first) for trial in log.trials)
    return replace(log, trials=tuple(chain(inline, later)))


def with_inline_units(used: UnitsUsed, experiment: Experiment) -> UnitsUsed:
    """Count their units as well, each for its first variant."""
    inline = {trial.unit: trial.variant for trial in reversed(experiment.inline_trials)}
    return replace(used, units=Counter(used.units) + Counter(inline.values()))
