"""The board of all experiments, from rows kept ready.

This path starts fast: it imports neither the registry's types nor the deciding code, unless a
row has to be made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from meta_experiment.errors import NotFoundError
from meta_experiment.files.roots import Layout
from meta_experiment.model.instants import DAY, from_text
from meta_experiment.store.local.board import Board
from meta_experiment.store.local.sealing import known_seal

if TYPE_CHECKING:
    from meta_experiment.services.workspace import Workspace
    from meta_experiment.types.results.board import (
        BoardFalseDiscoveries,
        BoardOpenEnd,
        BoardPlan,
        BoardRow,
        BoardSavings,
        BoardStep,
        BoardSummary,
        BoardView,
    )

Row = dict[str, Any]
_ACTIVE = ("running", "paused", "draft")
_AWAY = "archived"
_URGENCY = (
    "due", "ended", "silent", "draft", "measurement", "hypothesis", "running", "holdout",
    "learned",
)  # fmt: skip
_STEP = ("stage", "missing", "skill", "next_action")
_OPEN_END = {
    "stage": "hypothesis",
    "missing": ["hypothesis"],
    "skill": "hypothesis-design",
    "next_action": "take up what it left open: meta-experiment plan --hypothesis TEXT; or drop "
    "it: meta-experiment learn --list",
}
_BEGINNING = {
    "about": None,
    "stage": "nothing",
    "missing": ["plan"],
    "skill": "experiment-guide",
    "next_action": "see how a prompt did so far: meta-experiment baseline NAME; or say what a "
    "change should do: meta-experiment plan --hypothesis TEXT",
}


def board(
    layout: Layout,
    clock: Callable[[], float],
    open_workspace: Callable[[], Workspace],
    selector: str | None,
    *,
    archived: bool,
) -> BoardView:
    """Return the board, or the row of one experiment.

    Raises:
        NotFoundError: no such experiment. CorruptStoreError: the registry is damaged.
    """
    now = clock()
    notes: list[str] = []
    kept = up_to_date(layout, now, open_workspace, notes)
    rows: dict[str, Mapping[str, Any]] = {
        name: entry.row for name, entry in kept.entries.items()
    }
    summary = _summary(rows.values(), kept.put_away(layout), kept)
    if selector is not None:
        asked = _asked(layout, kept, selector)
        if asked not in kept.entries:
            from meta_experiment.services.board.refreshing import archived_row

            made = archived_row(open_workspace(), asked, notes)
            return _view(kept, [_with_time(made, now)], summary, notes, now)
        if asked in kept.stale(layout, {asked: kept.entries[asked].key}):
            kept = _refreshed(open_workspace, kept, {asked}, notes)
        return _view(kept, [_with_time(kept.entries[asked].row, now)], summary, notes, now)
    if archived:
        from meta_experiment.services.board.refreshing import archived_rows

        rows |= archived_rows(open_workspace(), rows.keys(), notes)
    timed = (_with_time(item, now) for item in rows.values())
    shown = [item for item in timed if archived or item["status"] != "archived"]
    newest_first = sorted(shown, key=lambda item: str(item["created"]), reverse=True)
    return _view(kept, sorted(newest_first, key=_rank), summary, notes, now)


def up_to_date(
    layout: Layout, now: float, open_workspace: Callable[[], Workspace], notes: list[str]
) -> Board:
    """Return the board as it was kept, with rows made anew where something changed since.

    Raises:
        CorruptStoreError: the registry is damaged.
    """
    kept = Board.load(layout, known_seal(layout))
    resting = _resting(kept)
    outlived = kept.outlived(now) - resting
    if (
        outlived
        or not kept.registry_unchanged(layout)
        or not kept.trust_unchanged(layout)
        or not kept.texts_unchanged(layout)
        or kept.stale(layout, kept.keys(), resting)
    ):
        return _refreshed(open_workspace, kept, outlived, notes)
    return kept


def _view(
    kept: Board, rows: list[Row], summary: BoardSummary, notes: list[str], now: float
) -> BoardView:
    return {
        "experiments": cast("list[BoardRow]", rows),
        "plans": cast("list[BoardPlan]", kept.plans),
        "open_ends": cast("list[BoardOpenEnd]", kept.open_ends),
        "foremost": _foremost(kept, now),
        "summary": summary,
        "notes": notes,
    }


def _foremost(kept: Board, now: float) -> BoardStep:
    """Return what waits foremost of all; of several the one that was created first."""
    rows = (_with_time(entry.row, now) for entry in kept.entries.values())
    steps: list[tuple[str, str, Mapping[str, Any]]]
    steps = [(str(row["created"]), row["id"], row) for row in rows if row["status"] != _AWAY]
    steps += [("", row["file"], row) for row in kept.plans]
    urgent = min(steps, key=lambda step: (_urgency(step[2]), step[:2]), default=None)
    if kept.open_ends and (urgent is None or urgent[2]["stage"] in ("holdout", "learned")):
        return cast("BoardStep", _OPEN_END | {"about": kept.open_ends[0]["id"]})
    if urgent is None:
        return cast("BoardStep", _BEGINNING)
    return cast("BoardStep", {"about": urgent[1]} | {name: urgent[2][name] for name in _STEP})


def _urgency(row: Mapping[str, Any]) -> int:
    silent = row["stage"] == "running" and "trials" in row["missing"]
    return _URGENCY.index("silent" if silent else row["stage"])


def _asked(layout: Layout, kept: Board, selector: str) -> str:
    """Return the id that is meant, on the board or else in the archive."""
    if selector in kept.entries:
        return selector
    put_away = layout.archived_ids()
    if selector in put_away:
        return selector
    from meta_experiment.services.naming import pick, pick_watched

    live = {name for name, entry in kept.entries.items() if entry.row["status"] in _ACTIVE}
    files = {name: entry.row["files"] for name, entry in kept.entries.items()}
    watching = {name for name, entry in kept.entries.items() if entry.row["watches"]}
    try:
        return pick_watched(kept.entries, selector, watching, live, files)
    except NotFoundError:
        with suppress(NotFoundError):
            return pick(put_away, selector)
        raise


def _refreshed(
    open_workspace: Callable[[], Workspace], kept: Board, wanted: set[str], notes: list[str]
) -> Board:
    from meta_experiment.services.board.refreshing import refresh

    return refresh(open_workspace(), kept, wanted, notes)


def _resting(kept: Board) -> set[str]:
    """Return the experiments that have ended, whose logs move nothing any more."""
    return {name for name, entry in kept.entries.items() if entry.row["status"] not in _ACTIVE}


def _with_time(row: Mapping[str, Any], now: float) -> Row:
    """Fill in what depends on the hour: the days that are left."""
    left = None
    if row["status"] == "running" and row["started"] is not None:
        began = from_text(row["started"])
        if row["start_date"] is not None:
            began = max(began, from_text(row["start_date"]))
        ends = began + row["max_duration_days"] * DAY
        if row["end_date"] is not None:
            ends = min(ends, from_text(row["end_date"]))
        waits = row["progress"].get("waits_until")
        if waits is not None:
            ends = from_text(waits)
        left = max(0.0, (ends - now) / DAY)
        if now < began:
            row = {**row, "next_action": f"none before its start, {row['start_date']}"}
    return {**row, "progress": {"waits_until": None, **row["progress"], "days_left": left}}


def _summary(rows: Iterable[Mapping[str, Any]], put_away: int, kept: Board) -> BoardSummary:
    statuses = [item["status"] for item in rows]
    return {
        "active": sum(item in _ACTIVE for item in statuses),
        "promoted": statuses.count("promoted"),
        "rolled_back": statuses.count("rolled_back"),
        "expired": statuses.count("expired"),
        "archived": statuses.count("archived") + put_away,
        "total": len(statuses) + put_away,
        "saved": cast("BoardSavings | None", kept.saved),
        "false_discoveries": cast("BoardFalseDiscoveries | None", kept.chance),
    }


def _rank(item: Row) -> int:
    """Put first what wants attention: running, then paused, then drafts."""
    return _ACTIVE.index(item["status"]) if item["status"] in _ACTIVE else len(_ACTIVE)
