"""Findings of `check`, `verify` and `doctor`."""

from __future__ import annotations

from collections.abc import Iterable

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Finding on one thing that was looked at."""

    name: str
    ok: bool
    detail: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """All that was found, and in which interpreter; `healthy` when everything is in order."""

    python: str
    root: str
    findings: tuple[Finding, ...]
    healthy: bool

    @classmethod
    def of(cls, python: str, root: str, findings: Iterable[Finding]) -> Health:
        """Judge by the findings."""
        listed = tuple(findings)
        return cls(python, root, listed, all(item.ok for item in listed))
