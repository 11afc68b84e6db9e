"""What two variants made of the same case, one held against the other."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from difflib import unified_diff

from meta_experiment.errors import NotFoundError, UsageError, cite
from meta_experiment.services.running.run_records import RunRecords, run_records
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.run_difference import RunDifference
from meta_experiment.types.runs import CellOutcome, RunCell

_MOST_LINES = 5_000  # of one text: comparing takes time with the square of them
_JOINER = "\u200d"


def difference(
    workspace: Workspace,
    selector: str,
    case: str,
    repeat: int | None = None,
    variants: Sequence[str] = (),
    most: int | None = None,
) -> RunDifference:
    """Compare the answers and the patches of two variants on a case.

    Without a repeat it is the first that both have, without variants the control and the first
    treatment that has one. Each diff is cut at the end of a line or, where there is none, of a
    character, so that it has `most` characters.

    Raises:
        NotFoundError: there are no two such runs. UsageError: a variant is compared to itself.
    """
    found = run_records(workspace, selector)
    first, second = _pair(found, case, repeat, variants)
    names = (first.cell.variant, second.cell.variant)
    patches = [found.folder.patch(item.cell) for item in (first, second)]
    whole = [_diff(first.report.output, second.report.output, names)]
    if None not in patches:
        texts = [(patch or b"").decode("utf-8", "replace") for patch in patches]
        whole.append(_diff(texts[0], texts[1], names))
    shown = [shortened(text, most) for text, _ in whole]
    return RunDifference(
        experiment_id=found.experiment.experiment_id,
        case=case,
        repeat=first.cell.repeat,
        variants=names,
        output=shown[0],
        patches=shown[1] if len(shown) > 1 else None,
        cut=any(cut or text != kept for (text, cut), kept in zip(whole, shown, strict=True)),
    )


def shortened(text: str, most: int | None) -> str:
    """Cut a text behind its last line that fits, or where one is longer, behind a character.

    A character is what a reader takes for one: what combines with it stays with it.
    """
    if most is None or len(text) <= most:
        return text
    end = text.rfind("\n", 0, most) + 1
    if end:
        return text[:end]
    end = most
    while end and _belongs_to_the_one_before(text, end):
        end -= 1
    return text[:end]


def _belongs_to_the_one_before(text: str, place: int) -> bool:
    mark = text[place]
    joined = text[place - 1] == _JOINER or mark == _JOINER
    return joined or bool(unicodedata.combining(mark)) or unicodedata.category(mark) == "Mn"


def _pair(
    found: RunRecords, case: str, repeat: int | None, variants: Sequence[str]
) -> tuple[CellOutcome, CellOutcome]:
    runs = {item.cell: item for item in found.outcomes if item.cell.case_id == case}
    arms = [item.name for item in found.experiment.plan.variants]
    if len(set(variants)) < len(variants):
        raise UsageError(f"{cite(variants[0])} is compared to itself; expected two variants.")
    if strange := [name for name in variants if name not in arms]:
        raise NotFoundError(
            f"{found.experiment.experiment_id} has no variant {cite(strange[0])}.",
            hint=f"It has: {', '.join(arms)}.",
        )
    pairs = [tuple(variants)] if variants else [(arms[0], arm) for arm in arms[1:]]
    repeats = sorted({cell.repeat for cell in runs} if repeat is None else {repeat})
    for one, other in pairs:
        for number in repeats:
            both = [runs.get(RunCell(case, number, arm)) for arm in (one, other)]
            if both[0] is not None and both[1] is not None:
                return both[0], both[1]
    which = f", repeat {repeat}" if repeat is not None else ""
    raise NotFoundError(
        f"There are no two ended runs of case {cite(case)}{which} to compare.",
        hint=f"See which there are: meta-experiment runs show "
        f"{found.experiment.experiment_id} --case {cite(case)}",
    )


def _diff(first: str, second: str, names: Sequence[str]) -> tuple[str, bool]:
    """Return a unified diff, and whether some of the texts was left out."""
    old, new = first.splitlines(), second.splitlines()
    lines = unified_diff(old[:_MOST_LINES], new[:_MOST_LINES], names[0], names[1], lineterm="")
    return "".join(f"{line}\n" for line in lines), max(len(old), len(new)) > _MOST_LINES
