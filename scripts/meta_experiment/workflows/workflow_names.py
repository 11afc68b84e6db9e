"""The names of a workflow: that of its file, and those under which its state is kept."""

from __future__ import annotations

from collections.abc import Iterable

BRANCHES = "experiments/"
TAG = "workflow"
_ENDINGS = (".lock.yml", ".md")


def workflow_name(file: str) -> str:
    """Return the name of a workflow by its file, of which paths may use either slash."""
    name = file.replace("\\", "/").rstrip("/").rpartition("/")[2]
    ending = next((item for item in _ENDINGS if name.lower().endswith(item)), "")
    return name[: len(name) - len(ending)]


def workflow_id(file: str) -> str:
    """Return under which name the state of a workflow is kept, by its file or name.

    That is its name in lower case without hyphens, so that two workflows can share one: `a-b`
    and `ab`.
    """
    return workflow_name(file).lower().replace("-", "")


def branch_of(workflow: str) -> str:
    """Return the branch that keeps the state of a workflow, by its file or name."""
    return BRANCHES + workflow_id(workflow)


def experiment_tag(workflow: str, experiment: str) -> str:
    """Return the tag that all plans of a workflow's experiment bear, whatever they compare.

    It has the name of the workflow as it is: two that keep their state under one have trials
    apart.
    """
    return f"{TAG}:{workflow_name(workflow)}/{experiment}"


def workflow_of(tags: Iterable[str]) -> str:
    """Return `WORKFLOW/EXPERIMENT` by the tags of a plan; "" where no workflow declares it."""
    start = f"{TAG}:"
    ours = (item for item in tags if item.startswith(start) and "@" not in item)
    return next(ours, "").removeprefix(start)


def generation_command(workflow: str, experiment: str) -> str:
    """Return the command that acts on the decision of a workflow's experiment."""
    import shlex

    return f"meta-experiment workflows darwin {shlex.quote(workflow)} {shlex.quote(experiment)}"


def acting_command(plan_name: str, tags: Iterable[str]) -> str:
    """Return the same by the name and the tags of an experiment's plan; "" of any other."""
    workflow, slash, experiment = plan_name.rpartition("/")
    own = bool(slash) and experiment_tag(workflow, experiment) in tags
    return generation_command(workflow, experiment) if own else ""
