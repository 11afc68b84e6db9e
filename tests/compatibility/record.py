"""Write the recordings anew: `python -m tests.compatibility.record`, then read `git diff`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.compatibility.recording import RECORDED, RECORDINGS


def main() -> None:
    """Make each recording and keep it."""
    RECORDINGS.mkdir(exist_ok=True)
    for name, make in RECORDED.items():
        with tempfile.TemporaryDirectory() as folder:
            (RECORDINGS / name).write_text(make(Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
