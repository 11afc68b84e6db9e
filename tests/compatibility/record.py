"""Write the recordings anew: `python -m tests.compatibility.record`, then read `git diff`.

What is said of the stored sample is made anew as well; the sample stays as it was.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.compatibility import sample
from tests.compatibility.recording import RECORDED, RECORDINGS


def main() -> None:
    """Make each recording and keep it."""
    RECORDINGS.mkdir(exist_ok=True)
    for name, make in RECORDED.items():
        with tempfile.TemporaryDirectory() as folder:
            (RECORDINGS / name).write_text(make(Path(folder)), encoding="utf-8")
    with sample.place():
        program = sample.restored()
        said = {"now": program.now, "said": sample.reading(program)}
        sample.SAID.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
        sample.wait_for_the_background()


if __name__ == "__main__":
    main()
