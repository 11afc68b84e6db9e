"""Look at pages in Chromium: those of NAMEs or FILEs, else all made-up ones.

    PYTHONPATH=scripts:. $(tests/environment) -m tests.looks [NAME or FILE]…

Says what is amiss with them in light and dark, 1100, 390 and 320 wide and on paper: violations
that axe knows, of any weight; overflow; requests, scripts and dialogs; words that lie over one
another or are faint; controls that the keyboard does not reach. `--to FOLDER` keeps the pages
with a picture of each view. `--site` is for pages of the site that docs/build made.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.looks.browser import VIEWS, Look, look, told
from tests.looks.installed import find, install
from tests.looks.made_up import INDEXES, NAMES, pages


def main() -> int:
    """Print a line for each fault; exit 1 where there is one."""
    parser = argparse.ArgumentParser(prog="python -m tests.looks", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="NAME|FILE", help=", ".join(NAMES))
    parser.add_argument("--to", type=Path, metavar="FOLDER")
    parser.add_argument("--site", action="store_true", help="They may run scripts of theirs.")
    options = parser.parse_args()
    install(os.environ)
    tools = find(os.environ)
    if isinstance(tools, str):
        sys.exit(tools)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.to or Path(temporary)
        names = [word for word in options.what if word in NAMES]
        files = [Path(word) for word in options.what if word not in NAMES]
        start = time.monotonic()
        files += pages(folder, names or ([] if files else NAMES))
        made = time.monotonic()
        found = look(tools, [_asked(path, options) for path in files])
        seen = time.monotonic()
    lines = []
    for item in found:
        sheets = "" if item.sheets is None else f", {item.sheets} sheets of A4"
        lines += [f"{item.page}: opened in {item.opened:.0f} ms{sheets}"]
        lines += [f"  {line}" for line in told(item.faults)]
    took = f"made in {made - start:.0f} s, looked at in {seen - made:.0f} s"
    print(*lines, f"{len(found)} pages {took}", sep="\n")  # noqa: T201
    return 1 if any(item.faults for item in found) else 0


def _asked(path: Path, options: argparse.Namespace) -> Look:
    scripts = int(path.stem in INDEXES)
    if options.to is None:
        return Look(path, site=options.site, scripts=scripts)
    options.to.mkdir(parents=True, exist_ok=True)
    start = options.to / path.stem
    views = [
        view._replace(shot=Path(f"{start}-{view.width}-{view.scheme}.png")) for view in VIEWS
    ]
    return Look(path, views, options.site, scripts, print_to=Path(f"{start}-A4"), first=9)


if __name__ == "__main__":
    sys.exit(main())
