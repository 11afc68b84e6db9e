"""Past values: measurements of a metric in the control, and how often they come.

From this project's own experiments or, where there are none, from the client's transcripts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.units import Arm, UnitRecord, arms_of
from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.roots import Layout
from meta_experiment.model.instants import DAY
from meta_experiment.records import dataclass
from meta_experiment.services.serving.client_places import call_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.sessions.past_sessions import PastUses, Use, name_of, past_uses
from meta_experiment.store.ports import Store
from meta_experiment.types import Experiment, Metric, Status, Trial, TrialStatus, Unit

_SHORTEST = 0.5  # days; a rate from less than half a day says little


@dataclass(frozen=True, slots=True)
class Past:
    """Control values of earlier experiments, one per unit, and units of all arms per day.

    `sessions` counts the sessions they come from, when they are no experiment's; then `uses`
    are what was used in them, and `uses_per_day` how often. `arm` is the control with the most
    values of one experiment, None where there is none.
    """

    values: tuple[float, ...]
    units_per_day: float | None
    experiments: tuple[str, ...]
    sessions: int = 0
    uses: tuple[Use, ...] = ()
    uses_per_day: float | None = None
    arm: Arm | None = None

    def units(self, unit: Unit) -> Arm:
        """Return the units of one arm in their order, with what was known of them before."""
        return self.arm or arm_of_uses(self.uses, unit)


def past_of(
    workspace: Workspace,
    metric: Metric,
    files: Sequence[str] = (),
    *,
    of_cases: bool | None = None,
) -> Past:
    """Gather the past of a metric from experiments on these files; no files means on any.

    Runs on cases and uses in earnest are two things: `of_cases` says which, None means both.
    An experiment whose logs cannot be read is left out: this is advice, not evidence.
    """
    store, values = workspace.store, list[float]()
    rates: list[float] = []
    names = []
    most, longest = 0, None
    put_away = (
        {item.experiment_id: item for path in files for item in store.archived_last(path)}
        if files
        else {item.experiment_id: item for item in store.archived_last()}
    )
    for experiment in (*store.experiments(), *put_away.values()):
        if experiment.status is Status.DRAFT or not _about(experiment, files):
            continue
        if of_cases not in (None, experiment.plan.unit is Unit.CASE):
            continue
        try:
            log = workspace.store.trials(experiment)
        except MetaExperimentError:
            continue
        arms = arms_of(experiment.plan, log.trials)
        arm = arms[experiment.plan.control.name]
        control = sample_of(arm, metric)
        if not len(control):
            continue
        if len(control) > most:
            most, longest = len(control), arm
        values += control.raw
        names.append(experiment.experiment_id)
        rate = _rate(
            experiment, sum(len(item.units) for item in arms.values()), workspace.clock()
        )
        rates += [] if rate is None else [rate]
    return Past(tuple(values), max(rates, default=None), tuple(names), arm=longest)


def past_in_sessions(
    workspace: Workspace, metric: Metric, files: Sequence[str], unit: Unit, client: Path
) -> Past:
    """Gather the past of a metric from the client's transcripts; `client` is its folder."""
    names = [name for file in files if (name := named(workspace.root, file))]
    if not names:
        return Past((), None, ())
    found = past_uses(client, names, root=home_or_root(workspace.root, client))
    uses = undisturbed(workspace, client, names, found.uses)
    sample = sample_of_uses(uses, metric, unit)
    rate = daily(found, unit, workspace.clock())
    return Past(
        sample.raw,
        rate,
        (),
        len({use.session for use in uses}),
        tuple(uses),
        daily(found, Unit.INVOCATION, workspace.clock()),
    )


def named(root: Path, path: str) -> str:
    """Return by which name the uses of a prompt file are found; "" when by none."""
    return call_of(root, path) or name_of(path)


def called(root: Path, prompt: str) -> tuple[str, bool]:
    """Return by which name uses are found, and whether a plugin's name may stand before it.

    `prompt` is the path of a prompt file, which has but one name, or what somebody calls it.
    """
    place = Path(prompt)
    if not (prompt.endswith(".md") or (root / prompt).is_file()):
        return prompt.removeprefix("/"), True
    inside = place.is_absolute() and place.is_relative_to(root)
    path = (place.relative_to(root) if inside else place).as_posix()
    return named(root, path) or prompt, False


def undisturbed(
    workspace: Workspace, client: Path, names: Sequence[str], uses: Sequence[Use]
) -> list[Use]:
    """Return the uses outside the time of any experiment, which mixes its arms' texts.

    Personal prompt files are under experiment in the home, whatever the root is.
    """
    spans: list[tuple[float, float]] = []
    for root in dict.fromkeys((workspace.root, client.parent)):
        with suppress(MetaExperimentError):  # advice does not fail on a damaged registry
            spans += _spans(root, Workspace.open(Layout(root), workspace.clock).store, names)
    return [use for use in uses if not any(start <= use.at <= end for start, end in spans)]


def _spans(root: Path, store: Store, names: Sequence[str]) -> list[tuple[float, float]]:
    return [
        (item.started, math.inf if item.ended is None else item.ended)
        for item in (*store.experiments(), *store.archived_last())
        if item.started is not None
        and any(_is_same(named(root, path), name) for path in item.plan.files for name in names)
    ]


def _is_same(one: str, other: str) -> bool:
    """Tell whether two names may mean one prompt: either may lack the plugin's name."""
    return other in (one, one.rpartition(":")[2]) or other.rpartition(":")[2] == one


def home_or_root(root: Path, client: Path) -> Path | None:
    """Return the root whose sessions count; None (all) where its files serve everywhere."""
    return None if root.resolve() == client.parent.resolve() else root


def sample_of_uses(uses: Sequence[Use], metric: Metric, unit: Unit) -> Sample:
    """Return one value per unit of what was used (see `arm_of_uses`)."""
    return sample_of(arm_of_uses(uses, unit), metric)


def arm_of_uses(uses: Sequence[Use], unit: Unit) -> Arm:
    """Return what was used as one arm: a session's uses are one unit, unless each is.

    A use stands as closed when it began, which is before the next one all the same.
    """
    units: dict[str, list[Trial]] = {}
    for order, use in enumerate(uses):
        key = use.session if unit is not Unit.INVOCATION else f"{use.session} {order}"
        length = use.argument_length
        trial = Trial(
            trial_id=str(order),
            variant="control",
            unit=key,
            order=order,
            status=TrialStatus(use.status),
            metrics=use.metrics,
            covariates={} if length is None else {"argument_length": float(length)},
            assigned_at=use.at,
            closed_at=use.at,
        )
        units.setdefault(key, []).append(trial)
    records = [
        UnitRecord(key, order, exposed=True, trials=tuple(trials), history=tuple(trials))
        for order, (key, trials) in enumerate(units.items())
    ]
    return Arm("control", tuple(records), {})


def daily(found: PastUses, unit: Unit, now: float) -> float | None:
    """Return units per day since the first use, or since when all transcripts were read."""
    if not found.uses:
        return None
    began = _began(found)
    within = [use for use in found.uses if use.at >= began]
    units = len(within) if unit is Unit.INVOCATION else len({use.session for use in within})
    return units / days_of(found, now) if units else None


def days_of(found: PastUses, now: float) -> float:
    """Return the days over which a rate is taken: half a day at least."""
    return max((now - _began(found)) / DAY, _SHORTEST)


def _began(found: PastUses) -> float:
    return max(found.uses[0].at, found.since or 0.0)


def _about(experiment: Experiment, files: Sequence[str]) -> bool:
    return not files or bool(set(files) & set(experiment.plan.files))


def _rate(experiment: Experiment, units: int, now: float) -> float | None:
    if experiment.started is None:
        return None
    days = ((experiment.closed or now) - experiment.started) / DAY
    return units / days if days >= _SHORTEST else None
