"""Sums of an experiment, computed where its data lie and kept here under a seal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from meta_experiment.decide.collected import CollectedSums
from meta_experiment.decide.collected_days import JoinedSums, joined
from meta_experiment.errors import InvalidStateError, RefusedError, UsageError
from meta_experiment.model.collected_document import CollectedState, CollectionEntry
from meta_experiment.model.instants import to_text
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.find import find_in
from meta_experiment.services.trials_or_sums import require_no_trials
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.warehouse.assumed import assumed_tables, written_queries
from meta_experiment.sources.warehouse.collecting import (
    ExposureCount,
    Period,
    collect,
    queries,
)
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.sought import (
    SoughtMetric,
    longest_window,
    sought,
    told_while_serving,
)
from meta_experiment.types import Experiment, Plan, Status
from meta_experiment.types.mapping import WarehouseMapping
from meta_experiment.types.results.board import Instant
from meta_experiment.types.results.collection import (
    CollectedArm,
    CollectedMetric,
    Collection,
    CollectionQuery,
    LateData,
)

_OPEN = (Status.RUNNING, Status.PAUSED)
_FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86400.0
_LEFT_OUT = (
    "no_unit", "no_variant", "no_time", "other_variant", "later", "tainted", "gated", "waiting",
)  # fmt: skip


def collect_sums(
    workspace: Workspace,
    selector: str,
    mapping: WarehouseMapping,
    engine: str | None,
    *,
    start_over: str | None = None,
) -> Collection:
    """Have an engine compute an experiment's sums, and keep the days that are over.

    A day that was kept stays as it is, so that what was decided on it does; what has come late
    is told. `start_over` says why all is read by another mapping, as if nothing had been
    collected.

    Raises:
        InvalidStateError: the experiment takes no data. RefusedError: it has trials, was
            collected by another mapping, or what was taken is gone. UsageError: the mapping
            does not fit the plan.
        DependencyError, NetworkError, RemoteError, NotFoundError: the engine, or a table.
    """
    experiment = find_in(workspace.store, selector)
    _require_open(workspace, experiment)
    now = workspace.clock()
    as_of = now if mapping.as_of is None else mapping.as_of
    if as_of > now:
        raise UsageError("mapping.as_of lies in the future; expected a time that is over.")
    plan, name = experiment.plan, experiment.experiment_id
    known = None if start_over else workspace.checkout.collected(name)
    _require_same(name, known, mapping)
    wanted = sought(plan, mapping)
    arms = [item.name for item in plan.variants]
    period = Period(as_of, plan.start_date, plan.end_date)
    with opened(engine) as opened_engine:
        found, count = collect(opened_engine, mapping, arms, wanted, period)
        where = opened_engine.name
    open_day = period.first_open_day(mapping, longest_window(wanted))
    through = None if open_day is None else open_day - 1
    if through is None:
        _require_one_look(plan, found, known)
    made: list[JoinedSums] = []

    def with_found(before: CollectedState | None) -> CollectedState:
        """Put what was found behind what another process may have kept meanwhile."""
        before = None if start_over else before
        _require_same(name, before, mapping)
        sums, until = (before.sums, before.last.through) if before else (None, None)
        made.append(joined(sums, found, until))
        _require_kept(name, made[-1])
        settles = longest_window(wanted) + mapping.lateness
        entry = _entry(
            before, made[-1], through, now, as_of, where, mapping, start_over, settles
        )
        return CollectedState(made[-1].sums, (*(before.entries if before else ()), entry))

    workspace.checkout.ensure_ignored()
    state = workspace.checkout.keep_collected(name, with_found)
    said = f"{made[-1].added} days from {where}" + (
        f", anew: {start_over}" if start_over else ""
    )
    workspace.note(experiment, "collect", experiment.status, said)
    return _told(workspace, experiment, state, made[-1], count, wanted, mapping)


def collection_queries(
    workspace: Workspace,
    selector: str,
    mapping: WarehouseMapping,
    engine: str | None,
    dialect: str,
) -> CollectionQuery:
    """Return what would be asked, in the words of one engine; only its tables are looked at.

    Without an engine the types of the columns are those that the mapping implies.
    """
    plan = find_in(workspace.store, selector).plan
    wanted, arms = sought(plan, mapping), [item.name for item in plan.variants]
    as_of = workspace.clock() if mapping.as_of is None else mapping.as_of
    period = Period(as_of, plan.start_date, plan.end_date)
    if engine is None:
        asked = queries(assumed_tables(mapping), mapping, arms, wanted, period)
        return CollectionQuery(dialect, written_queries(asked, dialect))
    with opened(engine) as opened_engine:
        asked = queries(opened_engine.tables(mapping), mapping, arms, wanted, period)
        return CollectionQuery(dialect, written_queries(asked, dialect))


def _require_open(workspace: Workspace, experiment: Experiment) -> None:
    name = experiment.experiment_id
    if experiment.status not in _OPEN:
        hint = f"meta-experiment start {name} --manual"
        raise InvalidStateError(
            f"{name} is {experiment.status.value} and takes no data.",
            hint=hint
            if experiment.status is Status.DRAFT
            else f"meta-experiment status {name}",
        )
    require_no_trials(workspace, experiment)


def _require_same(name: str, known: CollectedState | None, mapping: WarehouseMapping) -> None:
    if known is not None and known.last.mapping != mapping.digest:
        raise RefusedError(
            f"{name} was collected by another mapping, and its days stand as that had them.",
            hint="Use that one; or, to begin again and say so on record: --start-over REASON",
        )


def _require_kept(name: str, made: JoinedSums) -> None:
    """Take no new day where the days before it are no longer what they were.

    Without a new day nothing can count twice, and it is only told.
    """
    if not made.added:
        return
    again = f"To read all that is there anew, on record: collect {name} --start-over REASON"
    if made.lost is not None:
        lost = made.lost
        raise RefusedError(
            f"exposures_are_gone: until {_date(lost.day)} {lost.variant} has "
            f"{lost.units:,} units fewer than were taken, so that units may come again on a "
            "new day and count twice. New days were not taken.",
            hint="Read from a table that keeps every exposure. "
            f"What was taken stands: analyze {name}. {again}",
        )
    if made.otherwise:
        raise RefusedError(
            f"values_changed: {', '.join(made.otherwise)} has other values on every day that "
            "was taken, as when a column changes its type or its unit. New days were not "
            "taken, as days of two meanings do not add up.",
            hint=f"Look at the columns; where events only come late, say lateness. {again}",
        )


def _require_one_look(plan: Plan, found: CollectedSums, known: CollectedState | None) -> None:
    """Take data without a time once, when they hold what the plan asks for."""
    if known is not None:
        raise RefusedError(
            "The mapping has no time, so that there is one look, and it was taken.",
            hint="With exposure.at every day is a look of its own.",
        )
    units = {item.name: 0 for item in plan.variants} | {
        day.variant: day.units for day in found.days
    }
    if min(units.values()) < plan.sample_size:
        counts = ", ".join(f"{name} {number}" for name, number in units.items())
        raise RefusedError(
            f"The mapping has no time, so that there is one look, at {plan.sample_size} units "
            f"per arm; there are {counts}. Nothing was kept.",
            hint="Collect when there are enough, or give exposure.at.",
        )


def _entry(
    before: CollectedState | None,
    made: JoinedSums,
    through: int | None,
    now: float,
    as_of: float,
    engine: str,
    mapping: WarehouseMapping,
    start_over: str | None,
    settles: float,
) -> CollectionEntry:
    known = {day.day for day in before.sums.days} if before else set()
    past = before.last.through if before else None
    return CollectionEntry(
        at=now,
        as_of=as_of,
        engine=engine,
        mapping=mapping.digest,
        through=through if past is None or through is None else max(past, through),
        days=made.added,
        units=sum(day.units for day in made.sums.days if day.day not in known),
        late=len(made.late),
        why=start_over or "",
        settles=settles,
    )


def _told(
    workspace: Workspace,
    experiment: Experiment,
    state: CollectedState,
    made: JoinedSums,
    count: ExposureCount,
    wanted: tuple[SoughtMetric, ...],
    mapping: WarehouseMapping,
) -> Collection:
    plan, days = experiment.plan, state.sums.days
    analysis = examine(workspace, experiment).analysis
    metrics = {
        item.name: [day.metrics[item.name] for day in days if item.name in day.metrics]
        for item in wanted
    }
    units = sum(day.units for day in days)
    return Collection(
        experiment_id=experiment.experiment_id,
        engine=state.last.engine,
        mapping=state.last.mapping,
        as_of=Instant(to_text(state.last.as_of)),
        through=None if state.last.through is None else _date(state.last.through),
        added=made.added,
        days=len({day.day for day in days}),
        arms={
            item.name: CollectedArm(
                sum(day.units for day in days if day.variant == item.name),
                sum(day.tainted for day in days if day.variant == item.name),
            )
            for item in plan.variants
        },
        metrics={
            name: CollectedMetric(
                sum(item.joint.n for item in found),
                units - sum(item.joint.n for item in found),
                _together(item.skipped for item in found),
            )
            for name, found in metrics.items()
        },
        rows=count.rows,
        left_out={name: number for name in _LEFT_OUT if (number := getattr(count, name))},
        late=tuple(LateData(_date(item.day), item.units) for item in made.late),
        decision=analysis.decision,
        reason_code=analysis.reason_code,
        reason=analysis.reason,
        notes=(
            *_notes(experiment, state, wanted, mapping),
            *_whose(experiment, started=workspace.checkout.started_here(experiment)),
        ),
    )


def _notes(
    experiment: Experiment,
    state: CollectedState,
    wanted: tuple[SoughtMetric, ...],
    mapping: WarehouseMapping,
) -> Iterator[str]:
    plan, got = experiment.plan, {item.name for item in wanted}
    untold = [name for name in told_while_serving(plan) if name not in mapping.covariates]
    if untold:
        yield (
            f"Of {' and '.join(untold)} the mapping has nothing, as the client tells them of "
            "what it serves; the evidence is weighed without."
        )
    for metric in plan.secondary:
        if metric.name not in got:
            yield f"{metric.name} is not in the mapping, so that nothing is reported of it."
    first = min((day.day for day in state.sums.days if day.day is not None), default=None)
    if (
        first is not None
        and experiment.began is not None
        and (first + 1) * _DAY < experiment.began
    ):
        yield (
            f"Units were exposed from {_date(first)} on, before the experiment was started: "
            "the plan was not fixed before these data."
        )
    if not mapping.has_time:
        yield "The mapping has no time: this is the one look, and later data change nothing."
    if state.last.why:
        yield f"All was collected anew: {state.last.why}"


def _whose(experiment: Experiment, *, started: bool) -> Iterator[str]:
    """Say who decides on sums, which stay in the checkout that collected them."""
    name = experiment.experiment_id
    if not started:
        yield (
            "This checkout has not started the experiment: these sums are a look, and auto "
            f"does nothing here. To decide here: meta-experiment start {name} --manual"
        )
    if experiment.plan.team is not None:
        yield (
            "It is a team's: sums stay on this machine and are added to no other's. It is "
            "decided once, by what the deciding machine has: let that one collect, alone."
        )


def _together(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in counts:
        for reason, number in item.items():
            found[reason] = found.get(reason, 0) + number
    return found


def _date(day: int) -> str:
    return f"{_FIRST_DAY + timedelta(days=day):%Y-%m-%d}"
