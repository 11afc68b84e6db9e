"""The text of a ledger: how long it may get, and how a line is written.

It lies on the way of a run that waits, and loads next to nothing.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

KEPT = 512  # runs that a ledger lists; of those before only their number is kept
BASELINE = "baseline_counts"  # of the first line: the runs before it
FILE_MODE = 0o644


def ledger_line(document: Mapping[str, Any]) -> bytes:
    """Return one line of a ledger, with its end."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"
