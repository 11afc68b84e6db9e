"""The decision on a plan and its trials: pure functions over `stats`."""

from meta_experiment.decide.analysis import analyze

__all__ = ["analyze"]
