"""The fields and words that a document may have: one with others is newer, or edited.

A document that lacks something, or has it in another form, is damaged; one that has more says
what this version does not know, and is neither read as less nor replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field
from enum import StrEnum
from typing import Any

from meta_experiment.errors import as_word, cite
from meta_experiment.records import dataclass

_SHOWN = 60  # characters of a strange name


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a mapping. `inner` are the forms of some of them, of the others any."""

    names: AbstractSet[str]
    inner: Mapping[str, Form] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entries:
    """The form of whatever stands under names of the user's own."""

    inner: Form


Form = Fields | Entries | frozenset[str] | list["Form"] | None


def words(kind: type[StrEnum]) -> frozenset[str]:
    """Return the form of a word of a closed list."""
    return frozenset(item.value for item in kind)


def unknown(value: object, form: Form) -> str | None:
    """Return the place of a field or word that a form does not know; None without one."""
    found = _unknown(value, form)
    return None if found is None else found.removeprefix(".")


def _unknown(value: object, form: Form) -> str | None:
    # nothing is put together until something is found: every command reads the registry
    if isinstance(form, Fields | Entries):
        return _in_mapping(value, form) if isinstance(value, Mapping) else None
    if isinstance(form, list):
        for index, item in enumerate(value if isinstance(value, list) else ()):
            found = _unknown(item, form[0])
            if found is not None:
                return f"[{index}]{found}"
    elif form is not None and isinstance(value, str) and value not in form:
        return f" {cite(value, _SHOWN)}"
    return None


def _in_mapping(value: Mapping[Any, object], form: Fields | Entries) -> str | None:
    for name, item in value.items():
        inner = form.inner if isinstance(form, Entries) else form.inner.get(name)
        if inner is None:
            if isinstance(form, Fields) and name not in form.names:
                return f".{as_word(str(name), _SHOWN)}"
            continue
        found = _unknown(item, inner)
        if found is not None:
            return f".{as_word(str(name), _SHOWN)}{found}"
    return None
