"""What a set of cases is, and what of its runs can be judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from meta_experiment.git import Git
from meta_experiment.runs.cases.forms import read_cases
from meta_experiment.runs.scope import waves
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.cases import Case, CriterionKind
from meta_experiment.types.results.case_sets import CaseSetResult

_BY_HAND = {CriterionKind.MANUAL, CriterionKind.JUDGE, CriterionKind.PREFERENCE}


def case_set(workspace: Workspace, path: Path) -> CaseSetResult:
    """Read cases and say what they are.

    Raises:
        UsageError: some of it is no case. NotFoundError: nothing is there.
    """
    cases = read_cases(path)
    kinds = [{item.kind for item in one.criteria} for one in cases]
    counts = Counter(item.kind for one in cases for item in one.criteria)
    return CaseSetResult(
        path=str(path),
        cases=len(cases),
        judged=sum(bool(asked - _BY_HAND) for asked in kinds),
        by_hand=sum(bool(asked & _BY_HAND) for asked in kinds),
        unjudged=sum(not asked for asked in kinds),
        criteria={kind.value: counts[kind] for kind in CriterionKind if counts[kind]},
        pinned=sum(one.commit is not None for one in cases),
        missing=tuple(_missing(workspace.git, cases)),
        mined=sum(one.origin is not None for one in cases),
        waves=waves(list(cases)),
    )


def _missing(git: Git | None, cases: Iterable[Case]) -> Iterator[str]:
    """Yield the commits that this repository does not have, each once."""
    for name in dict.fromkeys(one.commit for one in cases if one.commit):
        asked = ("rev-parse", "-q", "--verify", f"{name}^{{commit}}")
        if git is None or git.run(*asked).code:
            yield name
