"""Is this installation, and is this registry, healthy?"""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from meta_experiment.errors import MetaExperimentError, as_word, cite
from meta_experiment.files.pack import plugin_folder
from meta_experiment.model import fields
from meta_experiment.protocol import index, places
from meta_experiment.services.health.learnt_entries import learnt_entries
from meta_experiment.services.recording.admitting import sentences
from meta_experiment.services.strange_entries import strange_entries
from meta_experiment.services.workspace import Workspace, problems
from meta_experiment.store.local.registry import read_strange
from meta_experiment.types import Experiment
from meta_experiment.types.results.health import Finding, Health

_PACKAGES = ("click", "jsonschema", "PyYAML", "rich")
_PYTHON = (3, 11)
_UNDO = "Undo the edit by hand, or: meta-experiment recover"


def check(workspace: Workspace) -> Health:
    """Look at everything that must be right, and change nothing."""
    findings = [
        _python(),
        *_packages(),
        _machine(workspace.machine.data),
        _git(workspace),
        _permission(workspace),
    ]
    try:
        experiments = workspace.store.experiments()
    except MetaExperimentError as error:
        findings.append(Finding("registry", ok=False, detail=error.message, hint=error.hint))
    else:
        known = "1 experiment" if len(experiments) == 1 else f"{len(experiments):,} experiments"
        shown = f"{known} in {workspace.layout.registry}"
        findings.append(_registered(workspace, experiments, shown))
        findings += strange_entries(workspace)
        findings += _schema(workspace)
        findings += [item for entry in experiments for item in _experiment(workspace, entry)]
        findings += learnt_entries(workspace)
    findings.append(journal(workspace))
    return Health.of(sys.executable, str(workspace.root), findings)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding(
        "python",
        ok=sys.version_info >= _PYTHON,
        detail=f"{version} at {sys.executable}",
        hint=None if sys.version_info >= _PYTHON else "Install Python 3.11 or newer.",
    )


def _packages() -> Iterator[Finding]:
    for name in _PACKAGES:
        try:
            yield Finding(name, ok=True, detail=importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(
                name,
                ok=False,
                detail="not installed",
                hint=f"{sys.executable} -I -m pip install {name}",
            )


def _machine(data: str) -> Finding:
    """Name what is kept outside of every project, for who looks, or uninstalls."""
    if not data or not Path(data).is_dir():
        return Finding("machine", ok=True, detail="nothing is kept outside of this project")
    size = 0
    for folder, _, names in os.walk(data):
        for name in names:
            with suppress(FileNotFoundError):  # while an environment is built, files move
                size += Path(folder, name).lstat().st_size
    listed = (root.path for root in places.roots(data))
    served = ", ".join(filter(_serves, listed)) or "none"
    return Finding(
        "machine",
        ok=True,
        detail=f"{size / 1e6:.1f} MB in {data}, for all projects; served now: {served}",
    )


def _serves(root: str) -> bool:
    try:
        return any(entry.running for entry in index.entries(root))
    except OSError:
        return False


def _git(workspace: Workspace) -> Finding:
    """Git is welcome and not needed: without it files change all the same, uncommitted."""
    if workspace.git is None:
        return Finding("git", ok=True, detail="not installed; files change without commits")
    inside = workspace.git.run("rev-parse", "--is-inside-work-tree").code == 0
    where = "in a repository" if inside else "no repository here; files change without commits"
    return Finding("git", ok=True, detail=where)


def _permission(workspace: Workspace) -> Finding:
    place = workspace.layout.meta
    while not place.exists():
        place = place.parent
    fine = os.access(place, os.W_OK)
    return Finding(
        "permission",
        ok=fine,
        detail=f"{place} {'can' if fine else 'cannot'} be written",
        hint=None if fine else f"chmod u+w {shlex.quote(str(place))}",
    )


def _registered(workspace: Workspace, experiments: list[Experiment], shown: str) -> Finding:
    """A missing registry beside stored variants is a lost one, not an empty one."""
    stored = workspace.layout.meta / "variants"
    gone = not experiments and not workspace.layout.registry.exists() and stored.is_dir()
    if gone and not workspace.layout.registry_lost():
        detail = f"{workspace.layout.registry} is gone, but its variants are there"
        return Finding("registry", ok=False, detail=detail, hint="meta-experiment recover")
    return lost_registry(workspace) or Finding("registry", ok=True, detail=shown)


def lost_registry(workspace: Workspace) -> Finding | None:
    """Find that the registry is gone while a copy of it is kept."""
    if not workspace.layout.registry_lost():
        return None
    return Finding(
        "registry",
        ok=False,
        detail=f"{workspace.layout.registry} is gone, and a copy of it is kept",
        hint="meta-experiment recover (unless it belongs to another branch)",
    )


def _schema(workspace: Workspace) -> Iterator[Finding]:
    """Hold the registry against its published schema, where it is in the current form."""
    import json

    import jsonschema

    if not workspace.layout.registry.exists():
        return
    data = places.read_whole(workspace.layout.registry)
    try:
        document = json.loads(data, object_pairs_hook=fields.unique)
    except ValueError as twice:
        document = json.loads(data)
        detail = f"{twice}, and the last one counts"
        yield Finding("schema", ok=False, detail=detail, hint=_UNDO)
    if "schema_version" not in document:
        yield Finding("schema", ok=True, detail="the older template's form, read as it stands")
        return
    for place in reversed(read_strange(workspace.layout)):  # which have findings of their own
        del document["experiments"][place]
    path = plugin_folder() / "schemas" / "experiments.v1.schema.json"
    validator = jsonschema.Draft202012Validator(json.loads(path.read_bytes()))
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is None:
        yield Finding("schema", ok=True, detail="experiments.json obeys experiments/v1")
    else:
        yield Finding(
            "schema",
            ok=False,
            detail=f"{as_word(error.json_path)}: {cite(error.message)}",
            hint=_UNDO,
        )


def _experiment(workspace: Workspace, experiment: Experiment) -> Iterator[Finding]:
    name = experiment.experiment_id
    try:
        if experiment.versions:
            for variant in experiment.plan.variants:
                workspace.store.variant(experiment, variant.name)
        log = workspace.store.trials(experiment)
    except MetaExperimentError as error:
        yield Finding(name, ok=False, detail=error.message, hint=error.hint)
        return
    found = [*sentences(name, log.apart), *problems(log)]
    if found:  # set aside and reported: nothing is broken that could be mended
        yield Finding(name, ok=True, detail=f"{len(log.trials):,} trials; {'; '.join(found)}")
    else:
        yield Finding(
            name, ok=True, detail=f"{experiment.status.value}, {len(log.trials):,} trials"
        )


def journal(workspace: Workspace) -> Finding:
    """Find what is in flight, and what lies in its place that nobody here wrote."""
    name, recover = "journal", "meta-experiment recover"
    try:
        pending = workspace.deployer.pending()
    except MetaExperimentError as error:
        return Finding(name, ok=False, detail=error.message, hint=error.hint)
    if pending:
        detail = "a change of prompt files is under way or was cut off"
        return Finding(name, ok=False, detail=detail, hint=recover)
    if workspace.layout.in_flight():
        detail = "it holds what this checkout did not write, which is not followed"
        return Finding(name, ok=False, detail=detail, hint=recover)
    return Finding(name, ok=True, detail="nothing in flight")
