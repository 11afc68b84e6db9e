"""The forms in which cases are kept, recognised by what is there.

A form turns what it finds into documents of the plain form. A further one is a module with a
`FORM` and its line in `FORMS`, which are asked in this order.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from meta_experiment.errors import NotFoundError, UsageError, as_word
from meta_experiment.model import strict_json
from meta_experiment.runs.cases import case_text
from meta_experiment.runs.cases.case_fields import case
from meta_experiment.runs.cases.form import Form, Found
from meta_experiment.table import entry
from meta_experiment.types.cases import Case

FORMS = (
    "meta_experiment.runs.cases.skill_evals:FORM",
    "meta_experiment.runs.cases.trigger_queries:FORM",
    "meta_experiment.runs.cases.plain_list:FORM",
    "meta_experiment.runs.cases.eval_folder:FORM",
)
_LINES = (".jsonl", ".ndjson")
_EXPECTED = "Expected a file of JSON lines, a .json file or a folder of cases"


def read_cases(path: Path) -> tuple[Case, ...]:
    """Read the cases that a file or a folder holds, in their order there; at least one.

    Raises:
        UsageError: some of it is no case, or two cases have one id; names file, line and field.
        UnsafePathError: a file of a folder lies behind a link. NotFoundError: nothing is there.
    """
    found = _look(path)
    forms: Iterable[Form] = map(entry, FORMS)
    form = next((form for form in forms if form.recognises(found)), None)
    if form is None:
        raise UsageError(f"{found.shown} holds no cases. {_EXPECTED}.")
    cases: dict[str, tuple[Case, str]] = {}
    for where, document in form.documents(found):
        read = case(document, where, found.folder)
        # two names that differ in case alone are one on some file systems
        _, before = cases.setdefault(read.case_id.casefold(), (read, where))
        if before != where:
            raise UsageError(
                f"{where}: the id {as_word(read.case_id)} is that of {before}; expected one "
                "id a case."
            )
    if not cases:
        raise UsageError(f"{found.shown} is empty; expected at least one case.")
    return tuple(read for read, _ in cases.values())


def _look(path: Path) -> Found:
    if not path.exists():
        raise NotFoundError(f"There is no {path}. {_EXPECTED}.")
    if path.is_dir():
        return Found(path, as_word(path.resolve().name))
    text, shown = case_text.named_file(path)
    if path.suffix in _LINES:
        return Found(path, shown, tuple(_lines(text, shown)))
    if path.suffix != ".json":
        raise UsageError(f"{shown} is no file of cases. {_EXPECTED}.")
    document = strict_json.parse(text, shown)
    if isinstance(document, list):
        return Found(
            path, shown, tuple((f"{shown}[{at}]", item) for at, item in enumerate(document))
        )
    return Found(path, shown, ((shown, document),))


def _lines(text: str, shown: str) -> Iterable[tuple[str, object]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{shown}:{number}", strict_json.parse(line, f"{shown}:{number}")
