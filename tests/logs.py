"""Logs as a checkout writes them itself, and how to find those that it has written."""

from __future__ import annotations

from pathlib import Path

from tests.sealing import own_seal

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import log_head, places
from meta_experiment.store.backends import FILES, open_store
from meta_experiment.store.local.checkout import Checkout
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.tracked import TrackedLogs
from meta_experiment.store.ports import Store
from meta_experiment.types import Experiment


def head(root: Path, experiment_id: str, name: str) -> bytes:
    """Return the first line of a log of this checkout."""
    return log_head.head(own_seal(root), experiment_id, name)


def own_log(root: Path, experiment_id: str, name: str, data: bytes | str = b"") -> Path:
    """Write a log as this checkout does, with these lines behind its first one."""
    path = Path(places.trials(str(root), experiment_id), name)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    path.write_bytes(head(root, experiment_id, name) + lines)
    return path


def lines(path: Path) -> bytes:
    """Return what stands in a log behind its first line."""
    return path.read_bytes().partition(b"\n")[2]


def sequence(root: Path, experiment_id: str) -> Path:
    """Return the file of the assignments that all processes of a checkout share."""
    mark = log_head.mark(own_seal(root))
    return Path(places.trials(str(root), experiment_id), f"assignments.{mark}.tsv")


def drawn_apart(root: Path, experiment_id: str) -> Path:
    """Return the file of what prompts in the client drew without the sequence."""
    mark = log_head.mark(own_seal(root))
    return Path(places.trials(str(root), experiment_id), f"assignments-{mark}-live.tsv")


def live_log(root: Path, experiment_id: str) -> Path:
    """Return the log of live trials."""
    stem = log_head.live_stem(own_seal(root))
    return Path(places.trials(str(root), experiment_id), f"{stem}.jsonl")


def counting(root: Path) -> Counting:
    """Return whose logs count where git tracks nothing: this checkout's own."""
    return Counting(own_seal(root), {}, TrackedLogs())


def everything(of: Store) -> list[Experiment]:
    """Return all experiments of a store, those that were put away as well."""
    known = of.experiments()
    away = of.archived_ids() - {item.experiment_id for item in known}
    return [*known, *(of.archived(name) for name in sorted(away))]


def checkout(layout: Layout, files: FileSystem | None = None) -> Checkout:
    """Return the checkout at a root where git tracks nothing."""
    return Checkout(layout, files or FileSystem(), lambda _: [])


def store(layout: Layout, files: FileSystem | None = None) -> Store:
    """Open the store in files of a root where git tracks nothing."""
    return open_store(FILES, layout, files or FileSystem(), checkout(layout, files))
