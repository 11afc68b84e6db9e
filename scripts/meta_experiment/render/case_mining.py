"""Page of `cases mine`: what the past gives."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Heading,
    Page,
    Paragraph,
    Section,
    Table,
    remarks,
)
from meta_experiment.types.cases import CommitSource
from meta_experiment.types.results.case_mining import UNSURE, LeftOutReason, MiningResult

_MOST_SHOWN = 20
_PROMPT = 48  # characters
_WHY = {
    LeftOutReason.ELSEWHERE: "made in another project",
    LeftOutReason.NO_COMMIT: "no commit shows where the project stood",
    LeftOutReason.PICTURES: "pictures came with the prompt",
    LeftOutReason.LATER: "more of a conversation came before it",
    LeftOutReason.LONG: "the conversation before it is too long to be kept",
    LeftOutReason.DIRTY: "files were changed and not committed, of which nothing is kept",
    LeftOutReason.GUESSED: "only the main branch of that time is known, right 1 time in 3",
    LeftOutReason.LIMIT: "older than those that --limit asks for",
}
COMMIT_SOURCES = {
    CommitSource.RECORDED: "named in the transcript: exact",
    CommitSource.REFLOG: "from the reflog: exact",
    CommitSource.BRANCH: "the newest of its branch by then: right 9 times in 10",
    CommitSource.MERGE: "the newest of its merged branch by then: right 9 times in 10",
    CommitSource.MAIN: "the newest of the main branch by then: right 1 time in 3",
}


def mining_page(found: MiningResult) -> Page:
    """Show how many there are, why not more, and the newest of them."""
    title = (
        f"{found.name}: of {words.counted(found.uses, 'past use')} "
        f"{found.replayable:,} can be run again"
    )
    why = [f"{count:,} left out: {_WHY[reason]}" for reason, count in found.left_out.items()]
    how = [
        f"{count:,} at a commit {COMMIT_SOURCES[word]}"
        for word, count in found.commits_by.items()
    ]
    head: Section = (Heading(title), Paragraph((*how, *why), indent=2))
    return (
        head,
        *(((_table(found),),) if found.cases else ()),
        *remarks(_remarks(found)),
    )


def _table(found: MiningResult) -> Table:
    columns = (Column("case", 36), Column("commit", 8), Column("found by", 9), Column("prompt"))
    rows = tuple(
        (
            words.name(item.case_id),
            (item.commit or "")[:8],
            item.origin.commit_by.value if item.origin else "",
            words.one_line(item.prompt, _PROMPT),
        )
        for item in found.whole[:_MOST_SHOWN]
    )
    return Table(columns, rows)


def _remarks(found: MiningResult) -> Iterator[str]:
    unsure = sum(found.left_out.get(reason, 0) for reason in UNSURE)
    if unsure:
        more = words.counted(unsure, "more case")
        yield f"--all takes {more}, of which none can be had just as it was."
    if len(found.cases) > _MOST_SHOWN:
        yield f"{len(found.cases) - _MOST_SHOWN:,} more are not shown."
    if found.unclear:
        yield (
            f"Of {words.counted(found.unclear, 'case')} nothing tells whether all was "
            "committed then; what was not is missing in a run of it."
        )
    if found.conversations:
        yield (
            f"With {words.counted(found.conversations, 'case')} the conversation before it is "
            "kept, and with that what files and commands showed in it."
        )
    if found.cut:
        yield f"Secrets were cut from {words.counted(found.cut, 'case')}."
    if found.transcripts_left_out:
        yield (
            f"From the newest {found.transcripts:,} transcripts; "
            f"{found.transcripts_left_out:,} older ones were not read."
        )
    if found.file:
        yield (
            f"Written to {found.file}, for your eyes alone. No case has a criterion: without "
            "one, runs are compared by time, tokens and cost (docs/cases.md)."
        )
