"""The `git` program, as the rest of the house calls it."""

from meta_experiment.git.command import NO_COMMIT_HINT, Git, complaint, tracked_in

__all__ = ["NO_COMMIT_HINT", "Git", "complaint", "tracked_in"]
