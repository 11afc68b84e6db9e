"""The made-up experiments whose pages are looked at, each told by one word.

`python -m tests.looks.made_up FOLDER [NAME…]` writes their pages and documents there.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.looks.project import COMMAND, CONTROL, MadeUpProject, Uses
from tests.support.hostile import HOSTILE, poisoned

from meta_experiment.render.html.project_page import project_page
from meta_experiment.render.html.report_page import report_page
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import TrialStatus
from meta_experiment.types.results.project_report import ProjectReport
from meta_experiment.types.results.report import ReportDocument

_TIMED = (
    "--primary-metric", "duration_seconds", "--guardrail", "output_tokens:20%",
    "--guardrail", "cost_usd:20%", "--guardrail", "error_rate:50%", "--secondary", "turns",
)  # fmt: skip
_PARALLEL = (
    "--name", "Parallel review",
    "--hypothesis", "Three agents at once review 20% faster: no part waits for another",
)  # fmt: skip
_FASTER = Uses({"control": 84.0, "treatment": 62.0}, tokens={"treatment": 0.97})


def decided(project: MadeUpProject) -> ReportDocument:
    """Two arms, of which the treatment is to be promoted."""
    made = project.started(*_PARALLEL, *_TIMED)
    lost = {7: "open", 31: "the laptop slept", 90: "unseen", 104: "the laptop slept"}
    models = ("claude-sonnet-4-5", "claude-opus-4-5")
    project.observe(made, _FASTER, 64, seed=10, models=models, lost=lost)
    project.later(4)
    why = "a week of holidays, in which hardly anybody reviews"
    project("amend", made, "--set", "max_duration_days=21", "--why", why)
    project.later(5)
    return project.report(made)


def three_arms(project: MadeUpProject) -> ReportDocument:
    """Two treatments; the one that leads breaks a guardrail."""
    project.write("drafts/brief.md", CONTROL.replace("one summary", "three lines at most"))
    made = project.started(
        "--name", "Parallel or brief review", "--hypothesis",
        "Agents at once are faster, and three lines are enough of a summary",
        "--file", f"brief:{COMMAND}=drafts/brief.md", *_TIMED,
    )  # fmt: skip
    uses = Uses(
        {"control": 84.0, "treatment": 48.0, "brief": 73.0},
        tokens={"treatment": 1.75, "brief": 0.8},
    )
    project.observe(made, uses, 60, seed=3)
    project.later(9)
    return project.report(made)


def cases(project: MadeUpProject) -> ReportDocument:
    """Forty eval cases, three times each under both prompts."""
    made = project.started(
        "--name", "Findings with file and line", "--hypothesis",
        "Asking for file and line makes more findings that can be acted upon",
        "--unit", "case", "--primary-metric", "success", "--guardrail", "duration_seconds:25%",
        "--guardrail", "cost_usd:25%", "--improvement-threshold", "10",
    )  # fmt: skip
    chance, events = random.Random(5), []  # noqa: S311 - data
    hard = [chance.random() for _ in range(40)]
    for repeat in range(3):
        for number, level in enumerate(hard):
            for arm in ("control", "treatment"):
                likely = min(1.6 - 1.9 * level, 0.98) if arm == "control" else 1.9 - 1.7 * level
                seconds = round((60 + 70 * level) * chance.lognormvariate(0, 0.2), 1)
                at = project.now + 3600 * repeat + 80 * number
                events += _case_run(
                    f"pr-{100 + number}", repeat, arm, at, {
                        "success": float(chance.random() < likely),
                        "duration_seconds": seconds,
                        "cost_usd": round(seconds * 0.0012, 4),
                    },
                )  # fmt: skip
    project.record(made, sorted(events, key=lambda event: event.at))
    project.later(1)
    return project.report(made)


def _case_run(
    case: str, repeat: int, arm: str, at: float, metrics: dict[str, float]
) -> Iterator[TrialEvent]:
    one = TrialEvent(EventKind.ASSIGNED, at, f"{case}.{repeat}.{arm}", arm, unit=case)
    yield one
    yield replace(one, kind=EventKind.EXPOSED)
    yield replace(
        one,
        kind=EventKind.RECORDED,
        at=at + metrics["duration_seconds"],
        status=TrialStatus.OK,
        metrics=metrics,
        fingerprint={"model": "claude-sonnet-4-5", "client": "2.1.330"},
    )


def fixed(project: MadeUpProject) -> ReportDocument:
    """One look at forty units an arm, which finds harm."""
    made = project.started(
        "--name", "Step by step", "--hypothesis", "Thinking aloud first is faster in the end",
        "--stopping", "fixed", "--sample-size", "40", *_TIMED,
    )  # fmt: skip
    project.observe(made, Uses({"control": 84.0, "treatment": 112.0}), 40, seed=6)
    project.later(9)
    return project.report(made)


def undecided(project: MadeUpProject) -> ReportDocument:
    """Some units, and no evidence yet."""
    made = project.started(*_PARALLEL, *_TIMED)
    project.observe(made, Uses({"control": 84.0, "treatment": 71.0}), 14, seed=8, days=3)
    project.later(3.5)
    return project.report(made)


def empty(project: MadeUpProject) -> ReportDocument:
    """Started, and never used."""
    made = project.started(*_PARALLEL, *_TIMED)
    project.later(1)
    return project.report(made)


def large(project: MadeUpProject) -> ReportDocument:
    """A hundred thousand trials, recorded without the rest of their story."""
    made = project.started(*_PARALLEL, *_TIMED)
    typical = {"control": 84.0, "treatment": 82.0}
    uses = Uses(typical, errors=dict.fromkeys(typical, 0.03))
    chance, arms = random.Random(9), list(typical)  # noqa: S311 - data
    events = []
    for number in range(100_000):
        arm = arms[chance.random() < 0.5]
        at = round(project.now + number * 11.0, 3)
        one = TrialEvent(
            EventKind.RECORDED, at, f"t{number:06}", arm, status=TrialStatus.OK,
            metrics=uses.metrics(chance, arm), fingerprint={"model": "claude-sonnet-4-5"},
        )  # fmt: skip
        events.append(one)
    project.record(made, events)
    project.later(13.5)
    return project.report(made)


def hostile(project: MadeUpProject) -> ReportDocument:
    """Every text written by somebody who means harm, some of them very long."""
    found = poisoned(decided(project))
    words = f"{HOSTILE} {'漢' * 3_000} {'x' * 3_000}"
    return replace(found, plan=replace(found.plan, name=words, hypothesis=words))


REPORTS: dict[str, Callable[[MadeUpProject], ReportDocument]] = {
    "decided": decided,
    "three-arms": three_arms,
    "cases": cases,
    "fixed": fixed,
    "undecided": undecided,
    "empty": empty,
    "large": large,
    "hostile": hostile,
}

# of each experiment of the index: its prompt, its name, times as fast, units, and how it went
_MANY = (
    ("review", "Parallel review", 0.70, 60, "promote"),
    ("commit", "Shorter commit messages", 0.97, 40, "stop"),
    ("review", "Ten findings at most", 0.72, 70, "promote"),
    ("notes", "Release notes by label", 1.45, 40, "stop"),
    ("triage", "Labels before words", 0.55, 30, "promote"),
    ("explain", "Explain with a drawing", 1.10, 60, "stop"),
    ("review", "No praise in reviews", 1.02, 90, "stop"),
    ("test", "Tests before code", 1.60, 30, "stop"),
    ("triage", "Ask back at most once", 0.68, 50, "rollback"),
    ("plan", "A plan of five lines", 0.74, 60, "promote"),
    ("review", "Security last", 0.88, 34, "running"),
    ("commit", "Say why, not what", 0.95, 4, "running"),
    ("docs", "Examples first", 1.0, 0, "running"),
)  # fmt: skip


def index(project: MadeUpProject) -> ProjectReport:
    """A project with a year of experiments, wins and losses alike."""
    for number, (prompt, name, factor, units, end) in enumerate(_MANY):
        path, draft = f".claude/commands/{prompt}.md", f"drafts/{prompt}-{number}.md"
        if not (project.root / path).exists():
            project.write(path, f"---\ndescription: {prompt}\n---\nDo the {prompt}.\n")
        project.write(draft, f"---\ndescription: {prompt}\n---\nDo the {prompt}: {name}.\n")
        made = project.started(
            "--name", name, *_TIMED, "--max-duration-days", "40", file=f"{path}={draft}"
        )
        if units:
            uses = Uses({"control": 84.0, "treatment": 84.0 * factor}, spread=0.3)
            project.observe(made, uses, units, seed=20 + number, days=9)
        project.later(9.5)
        if end == "stop":
            project("stop", made, "--reason", "seen enough")
        elif end != "running":
            project("promote", made, "--yes")
        if end == "rollback":
            project.later(3)
            project("rollback", made, "--reason", "people missed the questions", "--yes")
    return project.index()


def hostile_index(project: MadeUpProject) -> ProjectReport:
    """Every text of an index by somebody who means harm, but ids, which name files."""
    found = index(project)
    return replace(poisoned(found), experiments=tuple(
        replace(poisoned(it), experiment_id=it.experiment_id) for it in found.experiments
    ), generations=found.generations)  # fmt: skip


INDEXES: dict[str, Callable[[MadeUpProject], ProjectReport]] = {
    "index": index,
    "index-hostile": hostile_index,
    "index-empty": MadeUpProject.index,
}
NAMES = (*REPORTS, *INDEXES)


def forms(name: str, columns: Sequence[int] = ()) -> tuple[str, list[str]]:
    """Make a page, and what terminals of so many columns show: its report, or the board."""
    with MadeUpProject.fresh() as project:
        if name in REPORTS:
            report = REPORTS[name](project)
            words = ("report", report.experiment_id)
            return report_page(report), [project.shown(wide, *words) for wide in columns]
        found = INDEXES[name](project)
        linked = [item.experiment_id for item in found.experiments[::2]]
        boards = [project.shown(wide, "status") for wide in columns]
        return project_page(found, linked), boards


def pages(folder: Path, names: Sequence[str] = NAMES) -> list[Path]:
    """Write pages into a folder, which is made; return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name in names:
        made.append(folder / f"{name}.html")
        made[-1].write_text(forms(name)[0], "utf-8")
    return made


def main() -> None:
    """Write the pages that are asked for, else all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME")
    options = parser.parse_args()
    for path in pages(options.folder, options.names or NAMES):
        print(path)  # noqa: T201


if __name__ == "__main__":
    main()
