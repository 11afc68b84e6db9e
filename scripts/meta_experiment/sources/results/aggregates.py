"""Refusal of a document that cannot become trials: what it holds, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from meta_experiment.errors import MetaExperimentError, RefusedError, UsageError
from meta_experiment.sources.results import values
from meta_experiment.sources.results.cells import measured
from meta_experiment.sources.results.choosing import older_of
from meta_experiment.sources.results.result_words import CASE_IDS, is_control, snake
from meta_experiment.sources.results.shapes import CASES, ITERATIONS, cells
from meta_experiment.sources.results.wording import command, listed

_EXPECTED = (
    "expected a skill-creator benchmark.json or its workspace folder, the result of "
    "claude plugin eval --json, of promptfoo, Inspect or Harbor, JUnit XML, or rows in CSV or "
    "JSON lines"
)
_OF_ONE_RUN = frozenset(
    {"expectations", "total_duration_seconds", "duration_ms", "run_type", "pass_count"}
)
_MEANS = ("mean", "avg", "average")
_SPREADS = ("stddev", "std", "sd", "stdev")


def refusal(name: str, document: object) -> MetaExperimentError:
    """Return the error that says why a document holds no runs."""
    counts = assignment_counts(document)
    if counts:
        return _only_assignments(name, counts)
    means = _means(document) if isinstance(document, Mapping) else {}
    if means:
        return _only_means(name, means)
    return _other_than_runs(name, document) or _unknown(name, document)


def _other_than_runs(name: str, document: object) -> RefusedError | None:
    """Return the error about what is known and is not the runs of two texts."""
    if not isinstance(document, Mapping):
        return None
    rounds = document.get(ITERATIONS)
    keys = {snake(str(key)) for key in document}
    if isinstance(rounds, Mapping | list) and len(rounds) > 1 and _hold_runs(rounds):
        return RefusedError(
            f"{name} holds {len(rounds)} iterations, perhaps of different texts of one skill.",
            hint="Put those to compare into files of their own: "
            f"{command('control=OLDER', 'treatment=NEWER')}",
        )
    if {"decision", "reason_code"} <= keys:
        return RefusedError(
            f"{name} holds the verdict of an analysis, not the data that led to it.",
            hint="Import the results that it was made from.",
        )
    if keys & _OF_ONE_RUN or (measured(document) and keys & {*CASE_IDS, "prompt"}):
        what = "tells of a single run; one run compares nothing"
    elif measured(document):
        what = "holds one set of values, of all runs together or of one; that compares nothing"
    else:
        return None
    return RefusedError(
        f"{name} {what}.",
        hint=f"Import all runs of both texts, such as the whole workspace: {command('FOLDER')}",
    )


def _hold_runs(rounds: Mapping[str, Any] | list[Any]) -> bool:
    parts = rounds.values() if isinstance(rounds, Mapping) else rounds
    return any(map(cells, parts))


def assignment_counts(document: object) -> dict[str, dict[str, int]]:
    """Return, for a state of assignments, how often each variant was drawn; else nothing.

    The state counts by experiment and variant, or lists runs with their assignments.
    """
    if isinstance(document, Mapping):
        counts = document.get("counts")
        if isinstance(counts, Mapping) and counts and all(map(_is_tally, counts.values())):
            return {str(name): dict(tally) for name, tally in counts.items()}
        document = document.get("runs")
    if not isinstance(document, list):
        return {}
    drawn: dict[str, Counter[str]] = {}
    for item in document:
        assigned = item.get("assignments") if isinstance(item, Mapping) else None
        if not isinstance(assigned, Mapping):
            return {}
        for experiment, variant in assigned.items():
            drawn.setdefault(str(experiment), Counter())[str(variant)] += 1
    return {name: dict(tally) for name, tally in drawn.items()}


def _is_tally(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(type(count) is int and count >= 0 for count in value.values())
    )


def _only_assignments(name: str, counts: Mapping[str, Mapping[str, int]]) -> RefusedError:
    balance = "; ".join(
        f"{experiment}: " + ", ".join(f"{variant} {count}" for variant, count in tally.items())
        for experiment, tally in counts.items()
    )
    return RefusedError(
        f"{name} holds assignments only: which variant was drawn how often ({balance}), and "
        "nothing that was measured, so there is no outcome to compare.",
        hint="Join the assignments with their outcomes into a CSV with a column for the "
        "variant and one for each metric, and import that.",
    )


def _means(document: Mapping[str, Any]) -> dict[str, tuple[float, float | None]]:
    """Return mean and spread of the first metric that a summary has for its arms."""
    for name in ("run_summary", "summary", "aggregates", "configurations"):
        arms = document.get(name)
        if not isinstance(arms, Mapping):
            continue
        found = {
            str(arm): mean
            for arm, of_arm in arms.items()
            if isinstance(of_arm, Mapping)
            and snake(str(arm)) != "delta"
            and (mean := _mean(of_arm)) is not None
        }
        if found:
            return found
    return {}


def _mean(of_arm: Mapping[str, Any]) -> tuple[float, float | None] | None:
    for name, value in of_arm.items():
        if isinstance(value, Mapping):
            mean = next(
                (values.read(value[key]).number for key in _MEANS if key in value), None
            )
            sd = next(
                (values.read(value[key]).number for key in _SPREADS if key in value), None
            )
            if mean is not None:
                return mean, sd
        elif snake(str(name)).startswith(_MEANS):
            mean = values.read(value).number
            if mean is not None:
                return mean, None
    return None


def _only_means(name: str, means: Mapping[str, tuple[float, float | None]]) -> RefusedError:
    stated = ", ".join(
        f"{arm} {mean:g}" + ("" if sd is None else f" (sd {sd:g})")
        for arm, (mean, sd) in means.items()
    )
    way = _sums(means)
    return RefusedError(
        f"{name} holds means over runs ({stated}) and not the runs: a mean is not a trial, "
        "and no trials can be made from it.",
        hint=f"Import the folder with the runs' own files{way}",
    )


def _sums(means: Mapping[str, tuple[float, float | None]]) -> str:
    """Return how the sums of two arms are compared, with what is to be filled in."""
    if len(means) != 2:
        return "."
    known = [arm for arm in means if is_control(arm)]
    given: list[str] = []
    for arm, (mean, sd) in means.items():
        role = arm if len(known) != 1 else "control" if arm in known else "treatment"
        spread = "SD" if sd is None else f"{sd:g}"
        given += ["--sums", f"{role}=N,{mean:g},{spread}"]
    asked = "the number of runs per arm for N"
    if any(sd is None for _, sd in means.values()):
        asked += ", their standard deviation for SD"
    if len(known) != 1:
        older = older_of(list(means))
        given += ["--control", older or "ARM"]
        asked += "" if older else ", the older text for ARM"
    return f", or compare the sums alone, with {asked}: {command(*given)}"


def _unknown(name: str, document: object) -> UsageError:
    items = document
    if isinstance(document, Mapping):
        items = next(
            (value for value in document.values() if isinstance(value, list) and value), None
        )
    first = items[0] if isinstance(items, list) and items else None
    inside = {snake(str(key)) for key in first} if isinstance(first, Mapping) else set()
    empty = _empty(document)
    if empty is not None:
        return UsageError(
            f"{name} holds no run: '{empty}' is empty.",
            hint="Run the cases, then import the results.",
        )
    if inside & {"prompt", "should_trigger", "expected_output"} or (
        isinstance(document, Mapping) and "prompt" in document
    ):
        return UsageError(
            f"{name} holds the cases to run and no results of running them.",
            hint="Run them, then import the benchmark that this gives.",
        )
    found = listed(sorted(inside or _keys(document))) or "nothing with a name"
    return UsageError(
        f"{name} is no source of results that is known here; {_EXPECTED}; found: {found}.",
        hint="Rows of any origin can be read with --map variant=COLUMN --map METRIC=COLUMN.",
    )


def _empty(document: object) -> str | None:
    """Return the field that would hold the runs and holds nothing."""
    if not isinstance(document, Mapping):
        return None
    return next((key for key in CASES if key in document and document[key] in ([], {})), None)


def _keys(document: object) -> set[str]:
    return {str(key) for key in document} if isinstance(document, Mapping) else set()
