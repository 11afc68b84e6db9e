"""The plain form: a JSON line a case, or a JSON file with a list of cases or one alone."""

from __future__ import annotations

from meta_experiment.runs.cases.form import Form, Found, Placed


def _recognises(found: Found) -> bool:
    return found.documents is not None


def _documents(found: Found) -> tuple[Placed, ...]:
    return found.documents or ()


FORM = Form(_recognises, _documents)
