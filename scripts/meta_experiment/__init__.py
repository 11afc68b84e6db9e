"""meta-experiment: controlled experiments on prompt files, decided by sound statistics."""

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> object:
    """Load what analysts load when they do, so that nobody else waits for it."""
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from meta_experiment.table import entry

    found: object = entry("meta_experiment.frames.experiment_frames:load")
    return found
