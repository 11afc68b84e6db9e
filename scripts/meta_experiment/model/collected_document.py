"""What was collected of an experiment, as it stands in its file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.decide.collected import ArmDay, CollectedSums, MetricSums, RetoldDays
from meta_experiment.records import dataclass
from meta_experiment.stats.joint_moments import JointMoments

VERSION = 1


@dataclass(frozen=True, slots=True)
class CollectionEntry:
    """Collection: when, by which engine and mapping (a digest), and what it brought.

    `as_of` is when its data were taken to end, `through` the last day that was over, counted
    from 1970; None where there is no time. `settles` are the seconds after a day until it is.
    `mapping` is what one means by the digest.
    """

    at: float
    as_of: float
    engine: str
    mapping: str
    through: int | None
    days: int
    units: int
    late: int
    why: str = ""
    settles: float = 0.0


@dataclass(frozen=True, slots=True)
class CollectedState:
    """All that is kept of the collections of one experiment."""

    sums: CollectedSums
    entries: tuple[CollectionEntry, ...]

    @property
    def last(self) -> CollectionEntry:
        """The newest collection."""
        return self.entries[-1]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the sums: two reports with the same one rest on the same."""
        days = state_to_document(self)["days"]
        found: str = sha256(json.dumps(days, separators=(",", ":")).encode()).hexdigest()
        return found

    def until(self, moment: float) -> CollectedState | None:
        """Return what had been collected by then; None if that is nothing."""
        entries = tuple(item for item in self.entries if item.at <= moment)
        if not entries or len(entries) == len(self.entries):
            return self if entries else None
        through = entries[-1].through
        days = tuple(
            day
            for day in self.sums.days
            if through is None or (day.day is not None and day.day <= through)
        )
        return CollectedState(replace(self.sums, days=days), entries)


def state_to_document(state: CollectedState) -> dict[str, Any]:
    """Return what stands in the file."""
    retold = state.sums.retold
    return {
        "version": VERSION,
        "collections": [
            {
                "at": item.at, "as_of": item.as_of, "engine": item.engine,
                "mapping": item.mapping, "through": item.through, "days": item.days,
                "units": item.units, "late": item.late, "why": item.why,
                "settles": item.settles,
            }
            for item in state.entries
        ],
        "covariates": {name: list(item) for name, item in state.sums.covariates.items()},
        "days": list(map(_day_to, state.sums.days)),
        "retold": retold and {
            "days": list(map(_day_to, retold.days)), "through": retold.through,
            "looks": retold.looks,
        },
    }  # fmt: skip


def state_from_document(document: Mapping[str, Any]) -> CollectedState:
    """Read the same. Raises ValueError, KeyError or TypeError where it is something else."""
    if document["version"] != VERSION:
        raise ValueError(f"version {document['version']}")
    retold = document.get("retold")
    return CollectedState(
        CollectedSums(
            tuple(map(_day_from, document["days"])),
            {name: tuple(item) for name, item in document["covariates"].items()},
            retold
            and RetoldDays(
                tuple(map(_day_from, retold["days"])), retold["through"], retold["looks"]
            ),
        ),
        tuple(CollectionEntry(**item) for item in document["collections"]),
    )


def _day_to(day: ArmDay) -> list[Any]:
    metrics = {name: _sums_to(item) for name, item in day.metrics.items()}
    return [day.variant, day.day, day.units, day.tainted, metrics]


def _day_from(found: Sequence[Any]) -> ArmDay:
    variant, day, units, tainted, metrics = found
    sums = {name: _sums_from(item) for name, item in metrics.items()}
    return ArmDay(variant, day, units, tainted, sums)


def _sums_to(sums: MetricSums) -> dict[str, Any]:
    found: dict[str, Any] = {"joint": _joint_to(sums.joint), "binary": sums.binary}
    if sums.raw is not None:
        found["raw"] = _joint_to(sums.raw)
    if sums.skipped:
        found["skipped"] = dict(sums.skipped)
    if sums.values:
        found["values"] = [list(pair) for pair in sums.values]
    return found


def _sums_from(found: Mapping[str, Any]) -> MetricSums:
    return MetricSums(
        joint=_joint_from(found["joint"]),
        raw=_joint_from(found["raw"]) if "raw" in found else None,
        binary=found["binary"],
        skipped=found.get("skipped", {}),
        values=tuple((value, units) for value, units in found.get("values", ())),
    )


def _joint_to(joint: JointMoments) -> list[Any]:
    return [
        joint.n,
        list(joint.centres),
        list(joint.residuals),
        [list(row) for row in joint.among],
    ]


def _joint_from(found: Sequence[Any]) -> JointMoments:
    n, centres, residuals, among = found
    return JointMoments(n, tuple(centres), tuple(residuals), tuple(map(tuple, among)))
