"""The experiments of a project that were run on cases on this machine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from meta_experiment.services.running.run_records import RunRecords, records_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.run_list import RunList, RunListEntry
from meta_experiment.types.runs import Spent


def run_list(workspace: Workspace) -> RunList:
    """List them, those that were put away as well. Raises CorruptStoreError."""
    return RunList(tuple(map(_entry, every_record(workspace))))


def every_record(workspace: Workspace) -> Iterator[RunRecords]:
    """Yield the runs of every experiment that has some."""
    store = workspace.store
    put_away = (store.archived(name) for name in sorted(store.archived_ids()))
    for experiment in (*put_away, *store.experiments()):
        found = records_of(workspace, experiment)
        if found.records:
            yield found


def _entry(found: RunRecords) -> RunListEntry:
    bills = tuple(found.folder.bills())
    took = sum((bill.whole for bill in bills), Spent(0.0, 0.0))
    parts = [spent for bill in bills for spent in (bill.work, bill.judging)]
    return RunListEntry(
        experiment_id=found.experiment.experiment_id,
        name=found.experiment.plan.name,
        status=found.experiment.status,
        cases=len({record.cell.case_id for record in found.records}),
        runs=len(found.records),
        states=dict(Counter(state.value for state in found.states.values())),
        open_verdicts=found.open_verdicts,
        usd=took.usd,
        tokens=math.fsum(item.tokens or 0.0 for item in parts),
        usd_known=math.fsum(item.usd or 0.0 for item in parts),
    )
