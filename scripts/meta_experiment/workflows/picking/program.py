"""`workflows pick` as a run waits for it: words and environment in, lines and files out."""

from __future__ import annotations

import json
import os

from meta_experiment.workflows.picking import announcements
from meta_experiment.workflows.picking.picked_run import RunOfWorkflow, pick
from meta_experiment.workflows.picking.specifications import read_specification

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from meta_experiment.workflows.picking.picked_run import RunPick
    from meta_experiment.workflows.picking.specifications import PickSpecification

FOLDER = os.path.join(".github", "workflows")
COMPILED, SOURCE = ".lock.yml", ".md"
VALUED = {"--run-id": "run_id", "--state": "state", "--outcomes": "outcomes", "--root": "root"}
PREFIX_OUTPUT = "experiment-prefix"  # no experiment can be called so
_ERRORS = "meta_experiment.errors"  # which takes long to load, and is where one was raised
_LARGEST = 16 * 1024 * 1024  # bytes of a workflow


class PickProblem(ValueError):  # noqa: N818 - what it is, not that it is raised
    """What is wrong with a request to pick; `kind` is one of the errors' kinds."""

    def __init__(self, kind: str, message: str, hint: str | None = None) -> None:
        """Hold the sentence and what to do next."""
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint


def words_of(arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return the plain options of a call; None where something else stands among them."""
    found: dict[str, Any] = {"as_json": False}
    rest = iter(arguments)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--json":
            found["as_json"] = True
        elif name in VALUED:
            stated = value if equals else next(rest, None)
            if stated is None or VALUED[name] in found:
                return None
            found[VALUED[name]] = stated
        elif word.startswith("-") or "workflow" in found:
            return None
        else:
            found["workflow"] = word
    return found if "workflow" in found else None


def picked_for(
    workflow: str,
    environment: Mapping[str, str],
    at: float,
    *,
    run_id: str | None = None,
    state: str | None = None,
    outcomes: str | None = None,
    root: str | None = None,
) -> tuple[RunPick, str]:
    """Pick for one run; return what came of it and the file that keeps the state.

    Args:
        workflow: its file, compiled or not, or its name.
        environment: that of the run.
        at: the time, in seconds since the epoch.
        run_id: of the run, else GITHUB_RUN_ID.
        state: the ledger, else GH_AW_EXPERIMENT_STATE_FILE or what the workflow names.
        outcomes: a file of JSON with what is known of experiments, by name.
        root: where a name is looked for, else here and upwards.

    Raises:
        PickProblem: something is missing or cannot be read. OSError: the file system refused.
        MetaExperimentError: the ledger cannot be read or written.
    """
    specification = _specification(_place(workflow, root))
    run_id = run_id or environment.get("GITHUB_RUN_ID")
    if not run_id:
        hint = "Name it: --run-id ID"
        raise PickProblem("usage", "Which run is this? There is no GITHUB_RUN_ID.", hint)
    state = state or environment.get("GH_AW_EXPERIMENT_STATE_FILE") or specification.state
    if not state:
        hint = "Name it: --state FILE; it is made where it is missing."
        raise PickProblem("usage", "Which file keeps the state of the experiments?", hint)
    if not specification.experiments:
        hint = "meta-experiment workflows show WORKFLOW says what is odd about it."
        raise PickProblem("not_found", f"{workflow} declares no experiment.", hint)
    repository = environment.get("GITHUB_REPOSITORY", "")
    called = environment.get("GITHUB_WORKFLOW_REF") or environment.get("GITHUB_WORKFLOW", "")
    harness = environment.get("GH_AW_HARNESS_VERSION") or specification.harness
    known = _outcomes(outcomes) if outcomes else {}
    names = [item.name for item in specification.experiments]
    if unknown := [name for name in known if name not in names]:
        message = f"{outcomes}: {workflow} has no experiment {unknown[0][:80]!r}."
        raise PickProblem("usage", message, f"It has: {', '.join(names)}")
    run = RunOfWorkflow(run_id, at, f"{repository}:{called}:{run_id}", harness, known)
    return pick(specification.experiments, run, state), state


def tell_runner(picked: RunPick, environment: Mapping[str, str]) -> bool:
    """Write the runner's files, those that there are; say whether a summary was among them.

    Raises OSError.
    """
    assignments = picked.assignments
    values = dict(sorted(assignments.items()))
    values["experiments"] = json.dumps(values, ensure_ascii=False)
    values[PREFIX_OUTPUT] = announcements.title_prefix(assignments)
    name = "OTEL_RESOURCE_ATTRIBUTES"
    attributes = announcements.resource_attributes(environment.get(name, ""), assignments)
    for variable, text in (
        ("GITHUB_OUTPUT", announcements.runner_file(values)),
        ("GITHUB_ENV", announcements.runner_file({name: attributes})),
        ("GITHUB_STEP_SUMMARY", picked.summary()),
    ):
        if path := environment.get(variable):
            with open(path, "ab") as stream:
                stream.write(text.encode("utf-8", "replace"))
    return bool(environment.get("GITHUB_STEP_SUMMARY"))


def lines_of(picked: RunPick, *, with_summary: bool) -> str:
    """Return what a log shows: prefix, variants, events, and the summary that has no file."""
    parts = [
        announcements.title_prefix(picked.assignments),
        *(
            announcements.on_one_line(f"{arms.name}: {drawn.variant} ({drawn.how})")
            for arms, drawn in picked.draws.items()
        ),
        *(announcements.on_one_line(f"Ledger: {note}") for note in picked.notes),
        *picked.events(),
        *(["", picked.summary().rstrip()] if with_summary else []),
    ]
    return "\n".join(parts) + "\n"


def main(arguments: Sequence[str]) -> int | None:
    """Pick and say so; None where the call is not plain, or goes wrong: then nothing was said.

    Who calls turns to the program that knows every option and says what is wrong.
    """
    words = words_of(arguments)
    if words is None:
        return None
    import sys
    import time

    as_json = words.pop("as_json")
    try:
        picked, state = picked_for(**words, environment=os.environ, at=time.time())
        told = tell_runner(picked, os.environ)
    except Exception as error:
        if isinstance(error, OSError | ValueError) or type(error).__module__ == _ERRORS:
            return None
        raise
    if as_json:
        text = json.dumps(picked.answer(state), ensure_ascii=True, indent=2) + "\n"
    else:
        text = lines_of(picked, with_summary=not told)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
    return 0


def _place(workflow: str, root: str | None) -> str:
    if os.path.isfile(workflow):
        return workflow
    name = workflow.removesuffix(SOURCE).removesuffix(COMPILED)
    if os.sep not in name:
        folder = os.path.abspath(root or os.curdir)
        while True:
            for ending in (COMPILED, SOURCE):
                found = os.path.join(folder, FOLDER, name + ending)
                if os.path.isfile(found):
                    return found
            above = os.path.dirname(folder)
            if root or above == folder:
                break
            folder = above
    raise PickProblem(
        "not_found",
        f"There is no workflow {workflow[:200]!r}: no such file, and none of that name in "
        f"{FOLDER}. It may have been renamed or deleted.",
        "meta-experiment workflows list",
    )


def _specification(path: str) -> PickSpecification:
    with open(path, "rb") as stream:
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise PickProblem("storage", f"{path} is larger than {_LARGEST:,} bytes.")
    try:
        return read_specification(data, compiled=not path.endswith(SOURCE))
    except (ValueError, RecursionError) as error:
        hint = "meta-experiment workflows show WORKFLOW says what is odd about it."
        raise PickProblem("usage", f"{path} cannot be read: {error}.", hint) from error


def _outcomes(path: str) -> Mapping[str, Any]:
    try:
        with open(path, "rb") as stream:
            found = json.loads(stream.read(_LARGEST))
    except (ValueError, RecursionError) as error:
        raise PickProblem("usage", f"{path} is not valid JSON: {error}.") from error
    values = found.values() if isinstance(found, dict) else [None]
    if not all(isinstance(item, dict) for item in values):
        expected = "expected experiments by name, each with its decision and samples"
        raise PickProblem("usage", f"{path}: {expected}.")
    outcomes: Mapping[str, Any] = found
    return outcomes
