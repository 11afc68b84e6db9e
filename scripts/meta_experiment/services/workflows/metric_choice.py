"""The metrics of a plan, out of those that a workflow names and those that its runs have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from meta_experiment.errors import UsageError, as_word, cite
from meta_experiment.model.metrics import known_metric
from meta_experiment.model.plan_document import metric_to_document
from meta_experiment.records import dataclass
from meta_experiment.types import Direction, Metric, MetricKind, Scale
from meta_experiment.types.results.workflow_import import UnmappedMetric
from meta_experiment.types.workflows import DeclaredExperiment, MetricBound
from meta_experiment.workflows.metric_names import likely_direction
from meta_experiment.workflows.native_metrics import NATIVE_METRICS, matched

_DERIVED = {"error_rate": "success"}  # what trials have of themselves, and by what it is known
_BETTER = {
    ">=": Direction.HIGHER,
    ">": Direction.HIGHER,
    "<=": Direction.LOWER,
    "<": Direction.LOWER,
}


@dataclass(frozen=True, slots=True)
class MetricWishes:
    """Wishes of the user over what a workflow declares; None leaves that to it.

    `mapping` names what a metric of the workflow is among those that are measured.
    """

    metric: str | None = None
    direction: Direction | None = None
    mapping: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ChosenMetric:
    """A metric, and what turns a value in the unit in which it is declared into its own."""

    metric: Metric
    factor: float = 1.0


class MetricChoice:
    """Choice of the metrics of one experiment; `notes` say what was assumed."""

    def __init__(
        self,
        declared: DeclaredExperiment,
        measured: Collection[str],
        wishes: MetricWishes,
        directions: Mapping[str, Direction],
    ) -> None:
        self.notes: list[str] = []
        self.unmapped: list[UnmappedMetric] = []
        self._declared, self._wishes, self._directions = declared, wishes, directions
        derived = [name for name, source in _DERIVED.items() if source in measured]
        self._measured = (*measured, *derived)

    def primary(self) -> ChosenMetric:
        """Return what decides.

        Raises:
            UsageError: nothing is named, or nothing that runs measure.
        """
        name = self._wishes.metric or self._declared.metric
        measured = ", ".join(sorted(self._measured)) or "nothing"
        if name is None:
            raise UsageError(
                f"{self._declared.name} declares no metric; its runs measure {measured}.",
                hint="Say what must get better: --metric NAME",
            )
        chosen = self._chosen(name, self._wishes.direction)
        if chosen is None:
            near = self.unmapped[-1].nearest
            raise UsageError(
                f"{self._declared.name} decides on {cite(name)}, which its runs do not "
                f"measure; they measure {measured}.",
                hint=f"The nearest is {near}: --metric {near}, or say where it stands: --map "
                f"{as_word(name)}=FILE.json#/NAME",
            )
        return chosen

    def guardrails(self, primary: Metric) -> list[dict[str, Any]]:
        """Return what must not get worse, each metric once and none that decides."""
        found: dict[str, dict[str, Any]] = {}
        for bound in self._declared.guardrail_metrics:
            chosen = self._chosen(bound.name, None)
            if chosen is None:
                continue
            metric = chosen.metric
            if metric.name == primary.name:
                self.notes.append(f"{bound.name} decides already and is no guardrail besides.")
            elif metric.name not in found:
                found[metric.name] = metric_to_document(metric)
                self.notes.append(_bound_note(bound, metric))
        return list(found.values())

    def secondary(self, primary: Metric, guardrails: Collection[str]) -> list[dict[str, Any]]:
        """Return what is reported beside."""
        taken = {primary.name, *guardrails}
        found: dict[str, dict[str, Any]] = {}
        for name in self._declared.secondary_metrics:
            chosen = self._chosen(name, None)
            if chosen is not None and chosen.metric.name not in taken:
                found[chosen.metric.name] = metric_to_document(chosen.metric)
        return list(found.values())

    def _chosen(self, name: str, direction: Direction | None) -> ChosenMetric | None:
        """Return the first that a name may mean and runs have; else note that there is none."""
        mapped = (self._wishes.mapping or {}).get(name)
        if mapped is not None or name in self._measured:
            return ChosenMetric(self._measured_as(mapped or name, name, direction))
        match = matched(name, self._directions)
        metric = next((item for item in match.metrics if item.name in self._measured), None)
        if metric is None:
            nearest = match.metrics[0].name if match.metrics else match.nearest
            self.unmapped.append(UnmappedMetric(name, nearest))
            return None
        if match.note is not None and match.note not in self.notes and direction is None:
            self.notes.append(match.note)
        return ChosenMetric(
            replace(metric, direction=direction or metric.direction), match.factor
        )

    def _measured_as(self, name: str, called: str, direction: Direction | None) -> Metric:
        """Return a metric by the very name under which runs have it.

        Raises:
            UsageError: no run has it, or which way is better is not known.
        """
        if name not in self._measured:
            raise UsageError(
                f"No run has {cite(name)}; measured are {', '.join(sorted(self._measured))}."
            )
        known = NATIVE_METRICS.get(name) or known_metric(name)
        if (
            known is None
            and (match := matched(name.replace(".", ":", 1), self._directions)).metrics
        ):
            known = replace(match.metrics[0], name=name)
        better = direction or (known and known.direction) or likely_direction(called)
        if better is None:
            raise UsageError(
                f"Nothing says which way {cite(called)} is better.",
                hint="Say it: --direction lower, or higher",
            )
        base = known or Metric(name, MetricKind.CONTINUOUS, better, Scale.RAW)
        return replace(base, direction=better)


def _bound_note(bound: MetricBound, metric: Metric) -> str:
    """Say how a guardrail is held, which is not as a bound on means."""
    better = _BETTER.get(bound.comparison)
    note = (
        f"{bound.name} {bound.comparison} {bound.bound:g} is held against the control: no "
        f"variant may make {metric.name} worse by more than its margin."
    )
    if better is not None and better is not metric.direction:
        note += (
            f" It is declared as if {better.value} were better; {metric.direction.value} is."
        )
    return note
