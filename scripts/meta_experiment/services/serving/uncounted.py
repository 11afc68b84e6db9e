"""Uses of a prompt under experiment that no trial counts: where, since when, what mends it.

`status` passes here, so nothing is imported that a glance does not need.
"""

from __future__ import annotations

import json
from pathlib import Path

from meta_experiment.files.roots import Layout, git_top
from meta_experiment.model.instants import to_text
from meta_experiment.protocol import index, places
from meta_experiment.protocol.missed import (
    ABSENT,
    EDITED,
    UNLISTED,
    UNSERVED,
    UNWRITABLE,
    MissedUses,
    missed,
)
from meta_experiment.protocol.worktrees import linked_trees
from meta_experiment.records import dataclass
from meta_experiment.services.serving.unserved import drift_notes

LAG = 60.0  # seconds that a hook may come after its session began
_WHY = {
    EDITED: (
        "{path} is another text there (an edit, or another branch)",
        "Bring it back to the control there, or: meta-experiment stop {id}",
    ),
    ABSENT: ("what serves it does not stand there", "Put it there: meta-experiment repair"),
    UNWRITABLE: (
        "nothing can be written in {meta}",
        "Let it be written to, or: meta-experiment stop {id}",
    ),
    UNLISTED: (
        "the branch that was checked out does not list it in {registry}",
        "Switch to a branch that lists it, or merge one",
    ),
    UNSERVED: (
        "all stands in its place, and the client did not run it, or it could keep nothing",
        "Begin a new session there. Where a sandbox keeps it from that, set: {allow}",
    ),
}


@dataclass(frozen=True, slots=True)
class UncountedUses:
    """Uses that were not counted: what is said of them, why, and what mends it.

    `here` says that they were in the root itself, and not in a linked working tree.
    """

    name: str
    what: str
    why: str
    fix: str
    here: bool = True

    @property
    def sentence(self) -> str:
        """What is said, with its reason."""
        return f"{self.what}: {self.why}"


def missed_uses(layout: Layout) -> list[UncountedUses]:
    """Return what the hooks saw used and not counted, of experiments that run here."""
    found = []
    entries = {entry.id: entry for entry in _entries(layout) if entry.running or entry.missing}
    for item in missed(str(layout.root)) if entries else ():
        entry = entries.get(item.experiment_id)
        before = entry is not None and item.last < entry.since * 1000
        if entry is not None and (item.why == UNLISTED or not before):
            found.append(_told(layout, entry, item))
    return found


def _told(layout: Layout, entry: index.Entry, item: MissedUses) -> UncountedUses:
    root = str(layout.root)
    trees = [tree.top for tree in linked_trees(str(git_top(layout.root) or root))]
    known = item.place == root or any(Path(item.place).is_relative_to(top) for top in trees)
    where = item.place if known else "a working tree that is gone"
    why, fix = _WHY[item.why]
    allow = json.dumps({"sandbox": {"filesystem": {"allowWrite": [str(layout.meta)]}}})
    words = {"path": entry.path, "id": entry.id, "meta": layout.meta, "allow": allow}
    words["registry"] = layout.registry.name
    return UncountedUses(
        entry.id,
        f"not served in {where} since {to_text(item.first / 1000)}, {_uses(item.count)} not "
        "counted there",
        why.format(**words),
        fix.format(**words),
        here=item.place == root,
    )


def uncounted_notes(layout: Layout, client: Path) -> list[str]:
    """Say for the board what is not served, what was not counted, and what mends it."""
    drifted = drift_notes(layout)
    notes = []
    for item in missed_uses(layout):
        now = drifted.pop(item.name, "") if item.here else ""
        notes.append(f"{item.name}: {item.what}: {now or f'{item.why}. {item.fix}'}")
    unhooked = without_hooks(layout, client)
    if unhooked is not None:
        notes.append(f"{unhooked.name}: {unhooked.sentence}. {unhooked.fix}")
    return [*notes, *(f"{name}: {sentence}" for name, sentence in drifted.items())]


def without_hooks(layout: Layout, client: Path) -> UncountedUses | None:
    """Tell that sessions began here and no hook fired, as without the plugin; else None.

    `client` is the client's own folder.
    """
    running = _running(layout)
    if not running:
        return None
    from meta_experiment.sources.sessions.session_files import last_began

    beat = last_beat(layout)
    since = max(min(entry.since for entry in running), beat or 0.0)
    began = last_began(client, layout.root)
    if began is None or began <= since + LAG:
        return None
    from meta_experiment.services.serving.plugin import how_to_load
    from meta_experiment.sources.sessions.past_sessions import past_uses

    names = [entry.name for entry in running]
    uses = len(past_uses(client, names, root=layout.root, since=since).uses)
    last = "none was ever seen" if beat is None else f"the last was at {to_text(beat)}"
    return UncountedUses(
        "hooks",
        "they do not fire",
        f"a session began here at {to_text(began)}, {last}; nothing is served since, "
        f"{_uses(uses)} not counted in {layout.root}",
        how_to_load(),
    )


def last_beat(layout: Layout) -> float | None:
    """Return when a hook was last seen in a root; None when none ever was."""
    try:
        return Path(places.heartbeat(str(layout.root))).stat().st_mtime
    except OSError:
        return None


def _running(layout: Layout) -> list[index.Entry]:
    return [entry for entry in _entries(layout) if entry.running]


def _entries(layout: Layout) -> list[index.Entry]:
    try:
        return index.entries(str(layout.root))
    except OSError:
        return []


def _uses(count: int) -> str:
    return "1 use" if count == 1 else f"{count:,} uses"
