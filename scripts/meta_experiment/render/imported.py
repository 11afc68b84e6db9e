"""What `import` answers: what was read, what was left out, what it can show."""

from __future__ import annotations

from collections.abc import Iterable

from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types.results.imported import ImportResult
from meta_experiment.types.results.sums import ArmSums, SumsComparison


def imported(done: ImportResult, style: Style) -> str:
    """Write what an import read and did."""
    plan = done.experiment.plan
    lines = [
        _headline(done, style),
        f"  Read        {_listed(done.sources)} ({words.name(done.kind)})",
        (
            f"  Decides on  {words.name(plan.primary.name)} "
            f"({plan.primary.direction.value} is better)"
        ),
        f"  Metrics     {_listed(done.metrics)}",
        *_arms(done),
    ]
    lines += _section("Left out", _excluded(done), style)
    lines += _section(
        "Assumed and noted", map(words.one_line, done.notes[: -len(done.reach) or None]), style
    )
    lines += _section("What these data can show", map(words.one_line, done.reach), style)
    if not done.dry_run:
        lines.append(f"\n  Next  meta-experiment analyze {_id(done)}")
    return "\n".join(lines)


def summed(result: SumsComparison, style: Style) -> str:
    """Write the comparison of two arms that are known by their sums alone."""
    unit = result.unit
    names = (result.treatment.name, result.control.name)
    verdict = {True: "better", False: "worse", None: "higher is neither better nor worse here"}
    relative = "" if result.relative is None else f", {words.signed_per_cent(result.relative)}"
    lines = [
        style.strong(" against ".join(map(words.name, names)))
        + "  from sums alone; no experiment was created",
        *(_summed_arm(item, unit) for item in (result.control, result.treatment)),
        (
            f"  Difference  {words.quantity(result.difference, unit)}{relative} "
            f"({verdict[result.better]})"
        ),
        (
            f"  {result.level:.0%} interval of the difference "
            f"[{words.quantity(result.low, unit)}, {words.quantity(result.high, unit)}], "
            f"{result.test} p {words.p_value(result.p_value)} (one look only)"
        ),
    ]
    if result.size is not None:
        lines.append(f"  Effect size g {result.size:.3g}")
    lines += _section("What sums can and cannot show", result.limits, style)
    return "\n".join(lines)


def _headline(done: ImportResult, style: Style) -> str:
    trials = words.counted(done.added, "trial")
    if done.dry_run:
        return style.strong(f"Would import {trials}") + "; nothing was written"
    if not done.added:
        return style.strong(_id(done)) + "  holds all of this already; nothing was added"
    before = f", {done.already_recorded:,} were there before" if done.already_recorded else ""
    return style.strong(_id(done)) + f"  imported {trials}{before}"


def _id(done: ImportResult) -> str:
    return words.name(done.experiment.experiment_id)


def _arms(done: ImportResult) -> list[str]:
    unit = "case" if done.paired_cases else "unit"
    lines = []
    for arm in done.arms.values():
        role = "control" if arm.variant == done.control else "treatment"
        repeats = ""
        if arm.cases and arm.runs > arm.cases:
            repeats = f", {arm.runs / arm.cases:.3g} runs a case"
        lines.append(
            f"  Arm         {words.name(arm.variant)} ({role}): "
            f"{words.counted(arm.cases, unit)}{repeats}, {arm.measured:,} of "
            f"{words.counted(arm.runs, 'run')} measured"
        )
    if done.paired_cases:
        lines.append(f"  Paired      {words.counted(done.paired_cases, 'case')} in every arm")
    return lines


def _excluded(done: ImportResult) -> list[str]:
    return [f"{count:,} × {words.name(reason)}" for reason, count in done.excluded.items()]


def _section(heading: str, sentences: Iterable[str], style: Style) -> list[str]:
    listed = [f"  - {item}" for item in sentences]
    return ["", style.strong(heading), *listed] if listed else []


def _listed(names: Iterable[str]) -> str:
    return words.listed(names)


def _summed_arm(arm: ArmSums, unit: str) -> str:
    spread = "" if arm.sd is None else f", sd {words.quantity(arm.sd, unit)}"
    bounds = ""
    if arm.low is not None:
        bounds = f" [{words.per_cent(arm.low, 1)}, {words.per_cent(arm.high, 1)}]"
        value = words.per_cent(arm.mean, 1)
    else:
        value = words.quantity(arm.mean, unit)
    return f"  {words.name(arm.name):<16} n {arm.n:,}  {value}{spread}{bounds}"
