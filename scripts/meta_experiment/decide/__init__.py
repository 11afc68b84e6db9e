"""From a plan and its trials to a decision: pure functions over `stats`."""

from meta_experiment.decide.analysis import analyze

__all__ = ["analyze"]
