"""The reference as CommonMark: a page for each section of verbs, and for each sort of word."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from meta_experiment.cli.main import SECTIONS
from meta_experiment.cli.manual import all_entries
from meta_experiment.render.blocks import Heading, Paragraph, Section
from meta_experiment.render.manual import coded, entry_sections
from meta_experiment.render.style import Style
from meta_experiment.render.writers import MARKDOWN, write
from meta_experiment.types.results.manual import ManualEntry, ManualSort

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
_MADE = "<!-- Made by `python -m tests.manual.generate` from the verbs and tables of words. -->"
WORDS = {  # -> file, title, what it is about
    ManualSort.WORD: ("words.md", "Words", "They are used everywhere, and mean this here."),
    ManualSort.DECISION: (
        "decisions.md",
        "Decisions",
        "Each analysis comes to one of four, as `decision` in JSON.",
    ),
    ManualSort.STATUS: ("statuses.md", "Statuses", "The stages in the life of an experiment."),
    ManualSort.REASON_CODE: (
        "reason-codes.md",
        "Reason codes",
        "Each decision has one, as `reason_code` in JSON.",
    ),
    ManualSort.ERROR_KIND: (
        "error-kinds.md",
        "Kinds of errors",
        "Each refusal has one, as `error.kind` in JSON.",
    ),
    ManualSort.EXIT_CODE: ("exit-codes.md", "Exit codes", "With what a command ends."),
    ManualSort.METRIC: (
        "metrics.md",
        "Metrics",
        "Names that need no description; `cost_usd.per.success` is a ratio of two.",
    ),
    ManualSort.VARIABLE: (
        "environment-variables.md",
        "Environment variables",
        "What is read of the environment, and what is set in it.",
    ),
    ManualSort.OPTION: ("options.md", "Options", "Each option, and the verbs that take it."),
}


def pages() -> dict[str, str]:
    """Return every page by the name of its file."""
    found = {_file(section): _verbs(section, verbs) for section, verbs in SECTIONS.items()}
    for sort, (file, title, about) in WORDS.items():
        found[file] = _page(title, about, _of_sort(sort))
    found["schemas.md"] = _schemas()
    return {"README.md": _contents()} | found


def _file(section: str) -> str:
    return f"verbs-{section.lower().replace(' ', '-')}.md"


def _of_sort(sort: ManualSort) -> list[ManualEntry]:
    return [entry for entry in all_entries() if entry.sort == sort]


def _verbs(section: str, verbs: Iterable[str]) -> str:
    entries = [
        entry for entry in all_entries() if entry.sort in (ManualSort.VERB, ManualSort.NOUN)
    ]
    named = [entry for name in verbs for entry in entries if entry.name.split()[0] == name]
    called = ", ".join(f"`{name}`" for name in verbs)
    return _page(f"Verbs: {section.lower()}", f"The verbs {called}.", named)


def _page(title: str, about: str, entries: Iterable[ManualEntry]) -> str:
    page: list[Section] = [(Heading(title, level=0), Paragraph((coded(about),)))]
    for entry in entries:
        page += entry_sections(entry, 1)
    return f"{_MADE}\n\n{write(MARKDOWN, page, Style())}\n"


def _contents() -> str:
    lines = [
        _MADE,
        "",
        "# Reference",
        "",
        "Made from the program: `meta-experiment help WORD` and its manual pages say the same.",
        "",
        "## Verbs",
        "",
        *(
            f"- [{section}]({_file(section)}): {', '.join(f'`{name}`' for name in verbs)}"
            for section, verbs in SECTIONS.items()
        ),
        "",
        "## Words",
        "",
        *(f"- [{title}]({file}): {about}" for file, title, about in WORDS.values()),
        "- [Schemas](schemas.md): What verbs print as JSON, and what files hold.",
    ]
    return "\n".join(lines) + "\n"


def _schemas() -> str:
    lines = [_MADE, "", "# Schemas", "", "JSON Schema, draft 2020-12, one a file.", ""]
    for path in sorted(SCHEMAS.glob("*.json")):
        schema = json.loads(path.read_bytes())
        name = path.name.removesuffix(".schema.json")
        said = ". ".join(
            dict.fromkeys(
                str(schema[key]).rstrip(".")
                for key in ("title", "description")
                if key in schema
            )
        )
        lines.append(f"- [{name}](../../schemas/{path.name}): {said}.")
    return "\n".join(lines) + "\n"
