"""The files that stand in for a prompt, as they were placed; nothing else is touched."""

from __future__ import annotations

import os

from meta_experiment.protocol.places import read_bytes
from meta_experiment.protocol.texts import is_text, placed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.places import Root


def renew(root: Root, entry: Entry) -> None:
    """Have the clients that are open look at the stand-ins again. Raises OSError.

    One that was starting when they were placed has read the folders and did not watch them
    yet: it would not notice them until its end.
    """
    if not entry.running:
        return
    for place in {root.path, root.place}:
        for path, name in placed(entry).items():
            if is_text(entry, name, read_bytes(f"{place}/{path}")):  # by whichever link
                os.utime(f"{place}/{path}")
