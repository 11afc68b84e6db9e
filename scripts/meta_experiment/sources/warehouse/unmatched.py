"""Events whose units nobody exposed: as where one table has them in capitals, one not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meta_experiment.decide.collected import CollectedSums
from meta_experiment.errors import RefusedError
from meta_experiment.sources.warehouse.columns import Expression, Table, alike, column_of
from meta_experiment.sources.warehouse.engines import Engine
from meta_experiment.sources.warehouse.sought import SoughtMetric
from meta_experiment.types.mapping import EventMapping, ExposureMapping


def require_matches(
    engine: Engine,
    tables: Mapping[str, Table],
    exposure: ExposureMapping,
    sought: Sequence[SoughtMetric],
    sums: CollectedSums,
) -> None:
    """Refuse sums of nothing because no event has the name of a unit that was exposed.

    Asked only where a metric shows nothing at all. Of what is no primary metric there may be
    no event yet, unless the names would agree but for case and spaces.

    Raises:
        RefusedError: they have no name in common.
    """
    for place, metric in enumerate(sought):
        if not any(day.units for day in sums.days) or _shows(sums, metric.name):
            continue
        for events in _apart(metric, exposure):
            with engine.errors(f"comparing the units of {events.table}"):
                asked = _overlap(tables, exposure, events, metric.name)
            (found,) = engine.rows(asked)
            if found["same"] or not found["events"] or not (found["near"] or not place):
                continue
            raise RefusedError(
                f"metrics.{metric.name}: none of the {found['events']:,} events of "
                f"{events.table} has a unit that is in {exposure.table}. Nothing was kept.",
                hint=f"{found['near']:,} would agree but for case and spaces: make them alike "
                "in the tables, or in a view of them."
                if found["near"]
                else f"Do {events.unit.name} and exposure.unit ({exposure.unit.name}) name "
                "the same?",
            )


def _shows(sums: CollectedSums, name: str) -> bool:
    joints = [day.metrics[name].joint for day in sums.days if name in day.metrics]
    return any(any(item.centres) or any(map(any, item.among)) for item in joints)


def _apart(metric: SoughtMetric, exposure: ExposureMapping) -> Iterator[EventMapping]:
    """Yield the parts that are made of other rows than those of exposures."""
    for events in metric.parts:
        if (events.table, events.unit) != (exposure.table, exposure.unit):
            yield events


def _overlap(
    tables: Mapping[str, Table], exposure: ExposureMapping, events: EventMapping, name: str
) -> Table:
    """Return one row: how many events there are, and how many of a unit that was exposed."""
    import ibis

    own, other = tables[events.table], tables[exposure.table]
    units = column_of(own, events.unit, f"metrics.{name}.unit")
    exposed = column_of(other, exposure.unit, "exposure.unit")
    key, known = alike(units, exposed)
    rows = own.select(key=key, near=_folded(key))
    seen = other.select(known=known, nearly=_folded(known))
    same, near = seen.select("known").distinct(), seen.select("nearly").distinct()
    counts = (
        rows.aggregate(events=rows.key.count()),
        rows.semi_join(same, rows.key == same.known).aggregate(same=ibis._.count()),
        rows.semi_join(near, rows.near == near.nearly).aggregate(near=ibis._.count()),
    )
    return counts[0].cross_join(counts[1]).cross_join(counts[2])


def _folded(key: Expression) -> Expression:
    return key.cast("string").strip().lower()
