"""Earlier forms of experiments.json, brought to the present one step by step.

Each step has a name, knows the form it starts from and makes the next one. Reading applies
the steps in memory only; the first change of state writes the present form, and the store
keeps the earlier text in `backups/` before it does (`experiments.json.earlier-…`).
"""

from __future__ import annotations

from collections.abc import Callable

from meta_experiment.errors import CorruptStoreError, NewerVersionError, cite
from meta_experiment.model import source_template
from meta_experiment.model.fields import Document
from meta_experiment.records import dataclass

SCHEMA_VERSION = 1
UPDATE = "Update the plugin: claude plugin update meta-experiment"
TEMPLATE = 0  # the number given to the form that has none


@dataclass(frozen=True, slots=True)
class Migration:
    """Step from the form `since` to the form `since + 1`."""

    name: str
    since: int
    upgrade: Callable[[Document], Document]


MIGRATIONS = (Migration("template-to-1", TEMPLATE, source_template.upgraded),)


def version_of(registry: Document) -> int:
    """Return the number of a registry's form.

    Raises:
        NewerVersionError: a later program wrote it. CorruptStoreError: no program of this kind.
    """
    if source_template.recognised(registry):
        return TEMPLATE
    version = registry.get("schema_version")
    if version is None or isinstance(version, bool):
        raise CorruptStoreError(
            f"The registry has no schema version; expected {SCHEMA_VERSION}."
        )
    # how later versions are numbered is theirs to say
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise NewerVersionError(
            f"The registry has schema version {cite(version, 40)}; this program reads up to "
            f"{SCHEMA_VERSION}. It was written by a newer meta-experiment.",
            hint=UPDATE,
        )
    if version <= TEMPLATE:
        raise CorruptStoreError(
            f"The registry has schema version {version!r:.40}; expected {SCHEMA_VERSION}."
        )
    return version


def upgraded(registry: Document) -> tuple[Document, tuple[str, ...]]:
    """Return a registry in the present form, and the names of the steps that made it so.

    Raises:
        CorruptStoreError: its form is unknown. UsageError: an entry lacks what it needs.
    """
    version = version_of(registry)
    names = []
    for step in MIGRATIONS:
        if version == step.since:
            registry = step.upgrade(registry)
            version += 1
            names.append(step.name)
    return registry, tuple(names)
