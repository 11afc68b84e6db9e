"""A case as a document of the plain form: only what it says."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from meta_experiment.types.cases import Case, Criterion


def case_document(case: Case) -> dict[str, Any]:
    """Return a case so that `case_fields.case` reads the same from it."""
    said: dict[str, Any] = {
        "id": case.case_id,
        "prompt": case.prompt,
        "criteria": [_criterion(item) for item in case.criteria],
        "files": list(case.files),
        "needs": list(case.needs),
        "commit": case.commit,
        "timeout_seconds": case.timeout_seconds,
        "tags": list(case.tags),
        "origin": asdict(case.origin) if case.origin else None,
        "history": case.history,
    }
    return {key: value for key, value in said.items() if value}


def _criterion(item: Criterion) -> dict[str, Any]:
    said = {"type": item.kind, "target": item.target, "weight": item.weight, "name": item.name}
    return {key: value for key, value in {**said, **item.options}.items() if value != ""}
