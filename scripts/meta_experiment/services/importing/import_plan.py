"""A plan made of what was read, or what was read in the words of a plan that exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import InvalidStateError, NotFoundError, UsageError
from meta_experiment.model.fields import suggestion
from meta_experiment.model.metrics import KNOWN_METRICS, derived_metric
from meta_experiment.model.plan_checks import OF_CASES
from meta_experiment.model.plan_document import plan_from_document
from meta_experiment.model.secrets import redacted_plan
from meta_experiment.records import dataclass
from meta_experiment.sources.results.combine import CombinedSources
from meta_experiment.sources.results.run_identity import import_id
from meta_experiment.types import Assignment, Direction, Experiment, Plan, Status, Unit
from meta_experiment.types.covariates import DERIVED_COVARIATES

# What decides where nobody says it: how good the work was, before what it took.
_QUALITY = (
    "pass_rate", "success", "tests_passed", "score", "rating", "user_satisfaction",
)  # fmt: skip
_EFFORT = ("active_seconds", "duration_seconds", "cost_usd", "total_tokens", "output_tokens")
_LONGEST_TITLE = 120
_ALL_DAYS = 3650.0  # the data are there already; no horizon waits for more


@dataclass(frozen=True, slots=True)
class ImportOverrides:
    """Wishes of the user for the experiment; None is left to what the sources suggest."""

    metric: str | None = None
    direction: str | None = None
    name: str | None = None


def plan_of(
    combined: CombinedSources,
    overrides: ImportOverrides,
    covariates: Sequence[str],
    notes: list[str],
) -> Plan:
    """Return the plan of a new experiment on what was read; assumptions become notes.

    Its last tag is the identity of this very import.

    Raises:
        UsageError: the metric is not among those measured, its direction is unknown, or a
            covariate serves nothing here.
    """
    _check_covariates(combined, covariates, notes)
    primary = _primary(combined, overrides, notes)
    control, *treatments = combined.variants
    same = import_id(
        [item.trial_id for item in combined.runs],
        *combined.variants,
        str(primary),
        *covariates,
    )
    title = (combined.title or Path(combined.names[0]).stem)[:_LONGEST_TITLE]
    document = redacted_plan(
        {
            "name": overrides.name or f"{title} (imported)",
            "hypothesis": f"{' or '.join(treatments)} is better than {control} in "
            f"{primary['name']}.",
            "files": [],
            "variants": list(combined.variants),
            "metrics": {
                "primary": primary,
                "secondary": _secondary(combined, primary["name"], notes),
            },
            "stopping": {"max_duration_days": _ALL_DAYS},
            "unit": (Unit.CASE if combined.has_cases else Unit.INVOCATION).value,
            "assignment": {"method": Assignment.EXTERNAL.value},
            "covariates": list(covariates),
            "tags": [
                *(f"imported:{kind}" for kind in combined.kind.split("+")),
                f"import:{same}",
            ],
        }
    )
    return plan_from_document(document)


def _check_covariates(
    combined: CombinedSources, covariates: Sequence[str], notes: list[str]
) -> None:
    """Refuse covariates of paired cases, and such as no run has a number of."""
    if covariates and combined.has_cases:
        raise UsageError(f"--covariate {covariates[0]}: {OF_CASES}", hint="Leave it out.")
    for name in covariates:
        if name in DERIVED_COVARIATES:
            raise UsageError(
                f"--covariate {name}: that is derived from when units began and closed, and "
                "read from no column.",
                hint=f"Name it otherwise: --covariate NAME={name}",
            )
        if not any(name in item.run.covariates for item in combined.runs):
            raise UsageError(f"--covariate {name}: its column holds no number.")
        notes.append(
            f"{name} counts as known before each run: means are compared with what it explains "
            "taken out, which is wrong of anything that an arm can move."
        )


def _primary(
    combined: CombinedSources, overrides: ImportOverrides, notes: list[str]
) -> dict[str, str]:
    metrics = combined.metrics
    name = overrides.metric
    if name is None:
        known = [item for item in (*_QUALITY, *_EFFORT, *metrics) if item in metrics]
        if not known:
            raise UsageError("No run has a metric, so there is nothing to compare.")
        name = known[0]
        notes.append(_why_primary(name, [item for item in metrics if item != name]))
    elif not _is_measured(name, overrides, metrics):
        raise UsageError(
            f"No run has the metric '{name}'; measured are {', '.join(metrics)}.",
            hint=suggestion(name, metrics) or f"Map it: --map {name}=COLUMN",
        )
    return {"name": name} | ({"direction": overrides.direction} if overrides.direction else {})


def _why_primary(name: str, others: Sequence[str]) -> str:
    if not others:
        return f"The primary metric is {name}: nothing else was measured."
    why = (
        "how good the work was goes before what it took"
        if name in _QUALITY
        else "how good the work was is not measured; time goes before cost, cost before tokens"
    )
    return (
        f"The primary metric is {name}, as {why}; reported beside it: {', '.join(others)}. "
        "Another is chosen with --metric."
    )


def _is_measured(name: str, overrides: ImportOverrides, metrics: Sequence[str]) -> bool:
    """Say whether runs have a metric, or all that it is made of (`cost_usd.per.success`)."""
    if name in metrics:
        return True
    direction = Direction(overrides.direction) if overrides.direction else None
    made = derived_metric(name, direction)
    return made is not None and set(made.recorded) <= set(metrics)


def _secondary(combined: CombinedSources, primary: str, notes: list[str]) -> list[str]:
    others = [name for name in combined.metrics if name != primary]
    notes += [
        f"{name} is stored but not reported: whether more of it is better is not known. Make "
        "it the primary metric with --metric and --direction."
        for name in others
        if name not in KNOWN_METRICS
    ]
    return [name for name in others if name in KNOWN_METRICS]


def fitted(
    experiment: Experiment,
    combined: CombinedSources,
    overrides: ImportOverrides,
    covariates: Sequence[str],
    notes: list[str],
) -> CombinedSources:
    """Bring what was read into the words of the experiment that takes it.

    Raises:
        InvalidStateError: it takes no trials. UsageError: its unit, its primary metric or its
            covariates are not what was measured. NotFoundError: it has no such treatments.
    """
    plan, known = experiment.plan, experiment.experiment_id
    if experiment.status in (Status.DRAFT, Status.ARCHIVED):
        raise InvalidStateError(
            f"{known} is {experiment.status.value} and takes no trials.",
            hint=f"meta-experiment status {known}",
        )
    if combined.has_cases != (plan.unit is Unit.CASE):
        what = "cases" if combined.has_cases else "single rows"
        raise UsageError(
            f"{known} compares one value per {plan.unit.value}, and this source has {what}.",
            hint="Import it as an experiment of its own: leave --into out.",
        )
    primary = plan.primary.name
    lacking = set(plan.primary.recorded) - set(combined.metrics)
    if overrides.metric not in (None, primary) or lacking:
        raise UsageError(
            f"{known} decides on {primary}; this source measures "
            f"{', '.join(combined.metrics)}.",
            hint=f"--metric {primary}, or --map {primary}=COLUMN, or leave --into out.",
        )
    _check_covariates(combined, covariates, notes)
    beside = [name for name in covariates if name not in plan.covariates]
    if beside:
        raise UsageError(
            f"{known} has no covariate {beside[0]} in its plan, which says what "
            "counts before there are data.",
            hint=suggestion(beside[0], plan.covariates) or "Leave --into out.",
        )
    if overrides.name or overrides.direction:
        raise UsageError("--name and --direction describe a new experiment, not --into.")
    names = _translation(plan, combined, known)
    for name, meant in names.items():
        if name != meant:
            notes.append(f"{name} is {meant} in {known}.")
    return replace(
        combined,
        variants=tuple(names[name] for name in combined.variants),
        runs=tuple(replace(item, variant=names[item.variant]) for item in combined.runs),
    )


def _translation(plan: Plan, combined: CombinedSources, known: str) -> dict[str, str]:
    control, *treatments = combined.variants
    planned = [item.name for item in plan.treatments]
    if all(name in planned for name in treatments):
        return {control: plan.control.name} | {name: name for name in treatments}
    if len(treatments) == len(planned) == 1:
        return {control: plan.control.name, treatments[0]: planned[0]}
    raise NotFoundError(
        f"{known} has the treatments {', '.join(planned)}; this source has "
        f"{', '.join(treatments)}.",
        hint="Choose and name them: --treatment NAME, or NAME=PATH:ARM.",
    )
