"""How often each variant of an experiment really was drawn, as far as its state tells."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from meta_experiment.records import dataclass
from meta_experiment.workflows.state.generations import CurrentGeneration, DrawTerms
from meta_experiment.workflows.state.ledger import LedgerRun, RunLedger
from meta_experiment.workflows.state.union import attempts, cut_off


@dataclass(frozen=True, slots=True)
class VariantTally:
    """Runs of one variant that were drawn, of which `cut_off` are known by their number alone.

    `drawn` are those that are listed. `gated` had it outside of the experiment's dates and
    count nowhere.
    """

    drawn: int = 0
    cut_off: int = 0
    gated: int = 0

    @property
    def total(self) -> int:
        """All of its runs that were drawn."""
        return self.drawn + self.cut_off


@dataclass(frozen=True, slots=True)
class Tally:
    """The runs of one experiment by variant, each run once, by its latest attempt.

    `contaminated` are the ids of runs whose attempts had different variants: they count for
    none. `repeated` is how many earlier attempts were left out. Of `untold` runs nothing tells
    whether they were gated; they count. `earlier` runs were drawn among other variants than
    those of today, or are counted without anything to tell it; they count nowhere.
    `unwitnessed` came before the oldest version of the workflow that is known; they count.
    `harnesses` counts runs by version of the workflow,
    None where that is not known. Times are seconds since the epoch.
    """

    experiment: str
    variants: Mapping[str, VariantTally]
    contaminated: tuple[str, ...]
    repeated: int
    untold: int
    earlier: int
    unwitnessed: int
    harnesses: Mapping[str | None, int]
    first: float | None
    last: float | None

    @property
    def total(self) -> int:
        """All runs that were drawn."""
        return sum(item.total for item in self.variants.values())


def tally(
    ledger: RunLedger,
    experiment: str,
    dates: Sequence[DrawTerms] = (),
    variants: Sequence[str] = (),
) -> Tally:
    """Count the runs of an experiment.

    Which runs were gated is told by themselves, else by the dates that held at their time, else
    by a state that counts fewer than it lists: then not which, but how many.

    Args:
        ledger: the state of its workflow.
        experiment: its name.
        dates: on which it drew, from when on each; none where they are not known.
        variants: those of today, whose generation alone counts; none for all runs.
    """
    generation = CurrentGeneration(variants, dates, ledger.runs, experiment)
    known = sorted(dates, key=lambda item: item.since)
    oldest = min((item.since for item in dates if item.variants), default=-math.inf)
    found, ids, repeated, earlier = [], [], 0, 0
    for run_id, same in attempts(ledger).items():
        own = [run for run in same if experiment in run.assignments]
        if len({run.assignments[experiment] for run in own}) > 1:
            ids.append(run_id)
        elif own and is_earlier(own[-1], experiment, variants, generation):
            earlier += 1
        elif own:
            found.append(own[-1])
            repeated += len(own) - 1
    gates = {run.run_id: was_gated(run, experiment, known) for run in found}
    drawn = Counter(run.assignments[experiment] for run in found if not gates[run.run_id])
    gated = Counter(run.assignments[experiment] for run in found if gates[run.run_id])
    untold = sum(value is None for value in gates.values())
    if untold and (fewer := ledger.uncounted.get(experiment)):
        gated, untold = Counter(fewer), 0
        drawn -= gated
    beyond = cut_off(ledger, experiment)
    if not generation.is_first:
        earlier += sum(beyond.values())
        beyond = {}
    names = sorted({*drawn, *gated, *beyond})
    times = [run.at for run in found if run.at is not None and not gates[run.run_id]]
    return Tally(
        experiment,
        {name: VariantTally(drawn[name], beyond.get(name, 0), gated[name]) for name in names},
        tuple(sorted(ids)),
        repeated,
        untold,
        earlier,
        sum(run.at is not None and run.at < oldest for run in found),
        Counter(run.harness for run in found),
        min(times, default=None),
        max(times, default=None),
    )


def is_earlier(
    run: LedgerRun,
    experiment: str,
    variants: Sequence[str],
    generation: CurrentGeneration,
    ended: float | None = None,
) -> bool:
    """Say whether a run had a variant of today, drawn when others were declared beside it.

    `ended` is a time that is known of it elsewhere, should its own not be known.
    """
    if run.assignments[experiment] not in variants:
        return False
    return not generation.holds(run.at if run.at is not None else ended)


def was_gated(run: LedgerRun, experiment: str, dates: Sequence[DrawTerms]) -> bool | None:
    """Say whether a run lay outside of an experiment's dates; None where nothing tells.

    `dates` are in the order of their times. The first of them holds for what came before it.
    """
    if run.drawn is not None:
        return experiment not in run.drawn
    if dates and not any(item.first or item.last for item in dates):
        return False
    if run.at is None or not dates:
        return None
    held = [item for item in dates if item.since <= run.at]
    return not (held[-1] if held else dates[0]).hold(run.at)


def has_own_dates(run: LedgerRun, dates: Sequence[DrawTerms]) -> bool:
    """Say whether the dates at a run's time are known, and not only those of a later one."""
    if run.drawn is not None:
        return True
    held = [item for item in dates if run.at is not None and item.since <= run.at]
    return bool(held) and held[-1].dated


def notes(tallied: Tally, declared: Iterable[str] = ()) -> Iterator[str]:
    """Say what a reader of the counts must know; `declared` are the variants of today."""
    name, today = tallied.experiment, list(declared)
    lost = sum(item.cut_off for item in tallied.variants.values())
    if lost:
        yield f"{_runs(lost)} of {name} were cut off its state: their number alone is known."
    gated = sum(item.gated for item in tallied.variants.values())
    if gated:
        yield f"{_runs(gated)} of {name} outside of its dates: not counted."
    if tallied.earlier:
        yield (
            f"{_runs(tallied.earlier)} of {name} drawn when other variants, another control or "
            "other weights were declared: of the generation before, and not counted for this "
            "one."
        )
    if tallied.unwitnessed:
        yield (
            f"{_runs(tallied.unwitnessed)} of {name} came before the oldest version of its "
            "workflow that git has here: what was declared then is not known, and they count "
            "as if it was the same. A shallow clone has the last version alone: git fetch "
            "--unshallow."
        )
    if tallied.untold:
        yield (
            f"Whether {_runs(tallied.untold)} of {name} lay outside its dates is not known, as "
            "neither they nor its workflow say it; they count."
        )
    if tallied.contaminated:
        yield (
            f"{_runs(len(tallied.contaminated))} of {name} had another variant in another "
            f"attempt and count for none: {some_of(tallied.contaminated)}."
        )
    if tallied.repeated:
        yield f"{tallied.repeated:,} earlier attempts of runs of {name} are left out."
    renamed = [one for one in tallied.variants if one not in today] if today else []
    if renamed:
        yield f"{name} no longer declares {some_of(renamed)}, which earlier runs had."
    versions = len(tallied.harnesses)
    if versions > 1:
        yield (
            f"The workflow of {name} changed while it ran: its runs are of {versions} versions"
            f"{' (one of them not said)' if None in tallied.harnesses else ''}."
        )


def _runs(number: int) -> str:
    return f"{number:,} run{'' if number == 1 else 's'}"


def some_of(names: Sequence[str], most: int = 5) -> str:
    """Name the first of several and say how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
