"""What a judge is shown of a run: the same, wherever on this machine it was made."""

from __future__ import annotations

import os

from meta_experiment.runs.criteria.anonymous import placeless
from meta_experiment.runs.criteria.run_work import ShownWork
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.types.runs import RunCell


def shown_work(folder: RunFolder, cell: RunCell, answer: str, patch: bytes) -> ShownWork:
    """Return what a run answered and changed without the folders that it was made in.

    An attempt's folder has the name of the variant in it; a checkout differs from run to run.
    """
    attempts = folder.attempts(cell)
    starts = (folder.start(path) for path in attempts)
    checkouts = [start.checkout for start in starts if start is not None and start.checkout]
    places = _spellings(*map(str, attempts), *checkouts)
    around = _spellings(str(folder.folder))
    texts = (answer, patch.decode("utf-8", "replace"))
    return ShownWork(*(placeless(text, places, around) for text in texts))


def _spellings(*folders: str) -> list[str]:
    """Return folders as they are named and as they are behind links."""
    return list(dict.fromkeys((*folders, *map(os.path.realpath, folders))))
