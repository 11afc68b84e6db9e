"""Write what is derived from the verbs: `python -m tests.manual.generate`, then `git diff`."""

from __future__ import annotations

import json

from meta_experiment.cli import surface
from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group


def surface_text() -> str:
    """Return the table of the command line as it stands in its file."""
    entries = {words: surface.described(command) for words, command in commands(group)}
    lines = (
        f" {json.dumps(words)}: {json.dumps(entry, ensure_ascii=False)}"
        for words, entry in entries.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write every file anew."""
    surface.TABLE.write_text(surface_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
