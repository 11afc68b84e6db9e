"""Page of `runs merge`: what was merged, or what stands against it."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import Heading, Page, Paragraph, Section, remarks
from meta_experiment.types.results.run_merge import RunMerge

_MOST_SHOWN = 20
_COMMIT = 12  # characters


def run_merge_page(found: RunMerge) -> Page:
    """Show the branch and what is on it; of a conflict the files."""
    where = f"case {words.name(found.case)}, repeat {found.repeat:,}"
    head: Section = (
        Heading(f"{words.name(found.variant)}: {_what(found)}", where),
        Paragraph(tuple(_files(found)), indent=2),
    )
    return (head, *remarks(_remarks(found)))


def _what(found: RunMerge) -> str:
    onto = words.name(found.head) if found.head else found.onto[:_COMMIT]
    if found.conflicts:
        files = words.counted(len(found.conflicts), "file")
        return f"{files} changed on both sides; nothing was merged onto {onto}"
    files = words.counted(len(found.files), "file")
    if not found.commit:
        return f"{files} would change on {onto}"
    return f"{files} changed on {onto}, on the new branch {words.name(found.branch)}"


def _files(found: RunMerge) -> Iterator[str]:
    shown = found.conflicts or found.files
    for name in list(shown)[:_MOST_SHOWN]:
        lines = found.files.get(name)
        told = "" if not lines else f"  {words.counted(lines, 'line')}"
        yield f"{words.name(name)}{told}"
    if len(shown) > _MOST_SHOWN:
        yield f"… and {len(shown) - _MOST_SHOWN:,} more"


def _remarks(found: RunMerge) -> Iterator[str]:
    if found.failed:
        yield f"The run did not meet: {', '.join(map(words.name, found.failed))}."
    if found.left_out:
        yield (
            "Left out, as it is none of the project's: "
            f"{', '.join(map(words.name, found.left_out[:_MOST_SHOWN]))}."
        )
    if found.conflicts:
        yield "Nothing of yours was touched; runs diff shows what the run changed."
    elif found.commit:
        yield (
            f"Look: git show {found.commit[:_COMMIT]}. Take it: git merge {found.branch}. "
            f"Throw it away: git branch -D {found.branch}"
        )
