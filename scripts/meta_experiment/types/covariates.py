"""Covariates that everyone has, by name: closed lists, beside any name a plan adds."""

from __future__ import annotations

# those that come with a unit's first trial, and those of other units, with their columns
KNOWN_COVARIATES = ("argument_length", "diff_size", "own_past")
SERVED_COVARIATES = ("argument_length", "previous")  # what serving tells of every use
DERIVED_COVARIATES = {"position": 1, "previous": 2}
MOST_COLUMNS = 4  # columns of a plan


def columns_of(names: tuple[str, ...]) -> int:
    """Return how many columns covariates of these names take, where none is missing."""
    return sum(DERIVED_COVARIATES.get(name, 1) for name in names)
