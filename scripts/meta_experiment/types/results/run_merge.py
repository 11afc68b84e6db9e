"""Result of `runs merge`: a run's work on a branch of its own, or what stands against it."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class RunMerge:
    """Merge of the work of one run onto the commit `onto`, where `head` stands.

    `head` is the user's branch, empty where there is none. `commit` and `branch` are what was
    made, empty where nothing was: on a dry run, or where `conflicts` names files that both
    sides changed. `files` have the lines that are new or gone in each; `left_out` are changes
    that are none of the project's; `failed` are criteria that the run did not meet.
    """

    experiment_id: str
    case: str
    repeat: int
    variant: str
    head: str
    onto: str
    commit: str
    branch: str
    conflicts: tuple[str, ...]
    files: Mapping[str, int]
    left_out: tuple[str, ...]
    failed: tuple[str, ...]
    dry_run: bool
