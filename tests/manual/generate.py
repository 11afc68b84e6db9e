"""Write what is derived from the verbs and the words: `python -m tests.manual.generate`.

The table of the command line, the reference, the pages of the manual, and the skill's table of
reason codes: all of them from one walk. Then read `git diff`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.manual import man_pages, reference

from meta_experiment.cli import surface
from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group
from meta_experiment.manual.word_entries import sentences

ROOT = Path(__file__).resolve().parents[2]
REASONS = ROOT / "skills/evidence-analysis/references/reason-codes.md"
FOLDERS = (ROOT / "docs/reference", ROOT / "share/man")  # where nothing else lies


def surface_text() -> str:
    """Return the table of the command line as it stands in its file."""
    entries = {words: surface.described(command) for words, command in commands(group)}
    lines = (
        f" {json.dumps(words)}: {json.dumps(entry, ensure_ascii=False)}"
        for words, entry in entries.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def reason_codes_text() -> str:
    """Return the skill's reason codes: its own words before them, and the tables."""
    intro = re.split(r"^## ", REASONS.read_text("utf-8"), maxsplit=1, flags=re.MULTILINE)[0]
    parts = [intro]
    for gate in sentences("reasons"):
        rows = (
            f"| `{code}` | {said['says']} | {said['say']} | {said['do']} |\n"
            for code, said in gate["codes"].items()
        )
        head = "| Code | What it says | Say | What to do |\n| --- | --- | --- | --- |\n"
        parts.append(f"## {gate['title']}\n\n{head}{''.join(rows)}\n")
    return "".join(parts).rstrip() + "\n"


def derived() -> dict[Path, str]:
    """Return every derived file with its text, the table of the command line apart."""
    return {
        REASONS: reason_codes_text(),
        **{ROOT / "docs/reference" / name: text for name, text in reference.pages().items()},
        **{ROOT / "share/man" / name: text for name, text in man_pages.pages().items()},
    }


def main() -> None:
    """Write every file anew, and delete those of verbs that are gone."""
    surface.TABLE.write_text(surface_text(), encoding="utf-8")
    surface.table.cache_clear()
    files = derived()
    for folder in FOLDERS:
        for old in [path for path in folder.rglob("*") if path.is_file()]:
            if old not in files:
                old.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
