"""From a plan and its trials to a decision: pure functions over `stats`."""

from meta_experiment.decide.analysis import analyze
from meta_experiment.decide.telling.explain import explain

__all__ = ["analyze", "explain"]
