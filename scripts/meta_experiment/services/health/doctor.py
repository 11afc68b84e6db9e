"""Would a prompt be served and observed in Claude Code here? Looks at all, changes nothing."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from meta_experiment import __version__
from meta_experiment.errors import MetaExperimentError, as_word
from meta_experiment.files.pack import is_around, plugin_folder
from meta_experiment.model.instants import DAY, to_text
from meta_experiment.protocol import index, places
from meta_experiment.protocol.faults import faults_of
from meta_experiment.services.health.checking import lost_registry
from meta_experiment.services.serving.client_settings import (
    ClientSettings,
    obstacles,
    read_settings,
)
from meta_experiment.services.serving.plugin import (
    InstalledPlugin,
    how_to_load,
    installed_plugin,
    is_enabled,
    loaded_from,
)
from meta_experiment.services.serving.rehearsal import chosen_python, rehearse, start_seconds
from meta_experiment.services.serving.served import orphans, served
from meta_experiment.services.serving.uncounted import (
    LAG,
    last_beat,
    missed_uses,
    without_hooks,
)
from meta_experiment.services.strange_entries import strange_entries
from meta_experiment.services.teams.shipping_apart import in_use
from meta_experiment.services.teams.team_board import NO_STORE, USE
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.sessions.session_files import last_began
from meta_experiment.types import Status
from meta_experiment.types.results.health import Finding, Health

_BEGIN = "Begin a session with the plugin, then run doctor again."
_NEWER_PLUGIN = (
    "claude plugin update meta-experiment@meta-experiment, then a new session; where it comes "
    "from a folder that `plugin --to` wrote, write it there anew before."
)
_NEWER_PROGRAM = (
    "Upgrade it by what it was installed by: uv tool upgrade, pipx upgrade or pip install "
    "--upgrade, with meta-experiment; git pull in a clone."
)
_SLOW = 3.0  # times the start of the interpreter at hand
_WEEK = 7 * DAY
_SHOWN = 3


def examine(workspace: Workspace) -> Health:
    """Look at everything between a prompt and its trial."""
    machine = workspace.machine
    settings = read_settings(workspace.root, machine.home, machine.environment)
    installed = installed_plugin(machine)
    findings = [
        _plugin(workspace, settings),
        *_versions(installed),
        _hooks(workspace),
        *_serving(machine.environment, installed),
        *_settings(workspace, settings),
        *_experiments(workspace),
        *_team_store(workspace),
        *_faults(workspace),
    ]
    return Health.of(sys.executable, str(workspace.root), findings)


def _plugin(workspace: Workspace, settings: ClientSettings) -> Finding:
    if workspace.machine.environment.get("CLAUDECODE"):
        found = loaded_from(workspace.machine.environment)
        if found is not None:
            return _fine("plugin", f"loaded in this session: {found}")
        detail = "not loaded in this session: there is no serve-variant on its PATH"
        return _fail("plugin", detail, how_to_load())
    enabled = is_enabled(settings)
    if enabled is not None:
        words = "enabled" if enabled else "disabled"
        hint = None if enabled else "Enable it again with /plugin in Claude Code."
        return Finding("plugin", enabled, f"{words} in the client's settings", hint)
    beat = last_beat(workspace.layout)
    if beat is not None:
        return _fine("plugin", f"loaded when a hook was last seen here, {to_text(beat)}")
    detail = "not enabled in the client's settings, and no hook of it was ever seen here"
    running, began = (
        _running_here(workspace),
        last_began(workspace.machine.client, workspace.root),
    )
    if running and (began is None or began <= min(running) + LAG):
        early = began is not None and began > min(running)
        within = f" (one in its first {LAG:.0f} s tells nothing)" if early else ""
        detail += f"; no session has begun since the start{within}"
        hint = f"{_BEGIN} {how_to_load()}"
        return Finding("plugin", ok=True, detail=detail, hint=hint)
    return Finding("plugin", not running, detail, how_to_load())


def _versions(installed: InstalledPlugin | None) -> Iterator[Finding]:
    """Compare this program with the plugin that serves: what one writes the other reads."""
    if installed is None:
        return
    if installed.version == __version__:
        yield _fine("version", f"plugin and program are both {__version__}")
        return
    older = _age(installed.version) < _age(__version__)
    yield _fail(
        "version",
        f"the plugin in {installed.folder} is {as_word(installed.version)}, this program "
        f"{__version__}: the {'plugin' if older else 'program'} is older",
        _NEWER_PLUGIN if older else _NEWER_PROGRAM,
    )


def _age(version: str) -> tuple[list[int], int, str, list[int]]:
    """Return what versions are ordered by: `0.9.0rc1` and `0.9.0-rc.1` come before `0.9.0`."""
    public = version[:50].lower().partition("+")[0]
    found = re.match(r"v?([0-9]+(?:\.[0-9]+)*)[.\-_]?([a-z]*)(.*)", public, re.DOTALL)
    release, word, rest = found.groups() if found else ("0", "", public)
    stage = {"": 2, "dev": 0, "post": 3}.get(word, 1)
    return _numbers(release), stage, word, _numbers(rest)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"[0-9]+", text)]


def _hooks(workspace: Workspace) -> Finding:
    """Compare the last hook with the sessions that began here: each should have had one."""
    running = _running_here(workspace)
    if not running:
        return _fine("hooks", "nothing is under experiment here, so they have nothing to do")
    unhooked = without_hooks(workspace.layout, workspace.machine.client)
    if unhooked is not None:
        return _fail(unhooked.name, unhooked.sentence, unhooked.fix)
    beat = last_beat(workspace.layout)
    if beat is None:
        return _fine("hooks", "no session has begun here since the experiment started")
    return _fine("hooks", f"the last one fired at {to_text(beat)}")


def _serving(
    environment: Mapping[str, str], installed: InstalledPlugin | None
) -> Iterator[Finding]:
    chosen = chosen_python(environment)
    if chosen is None:
        yield _fail("interpreter", "no python3 on PATH", "Install Python 3.11 or newer.")
        return
    yield _interpreter(*chosen)
    yield from _path(environment.get("PATH", ""))
    if installed is None and not is_around():
        detail = "comes with the plugin, which this program was installed without"
        yield Finding("serve-variant", ok=True, detail=detail, hint=how_to_load())
        return
    folder = plugin_folder() if installed is None else installed.folder
    seen = rehearse(folder / "bin" / "serve-variant", environment)
    if seen.ok:
        yield _fine("serve-variant", f"{seen.detail}, in {seen.seconds * 1000:.0f} ms")
    else:
        hint = "Install the plugin anew; if that does not help, meta-experiment check."
        yield _fail("serve-variant", seen.detail, hint)


def _interpreter(python: str, source: str) -> Finding:
    """A start of the interpreter is the price of every served prompt."""
    took = start_seconds(python)
    shown = f"{python} (named by {source})"
    if took is None:
        hint = f"Correct {source}, or remove what it names."
        return _fail("interpreter", f"{shown} cannot be run", hint)
    detail = f"{shown} starts in {took * 1000:.0f} ms"
    same = os.path.realpath(python) == os.path.realpath(sys.executable)
    own = None if same else start_seconds(sys.executable)
    if own is not None and took > _SLOW * own:
        named = shlex.quote(sys.executable)
        return Finding(
            "interpreter",
            ok=True,
            detail=f"{detail}; {sys.executable} in {own * 1000:.0f} ms: a version manager "
            "in between makes every served prompt wait",
            hint=f"export META_EXPERIMENT_PYTHON={named}, in the shell that starts the client.",
        )
    return _fine("interpreter", detail)


def _path(entries: str) -> Iterator[Finding]:
    """Name what makes the client run programs that lie in the folder one works in."""
    odd = [entry for entry in entries.split(os.pathsep) if not Path(entry).is_absolute()]
    if odd:
        yield Finding(
            "path",
            ok=True,
            detail=f"PATH holds {', '.join(repr(entry) for entry in odd)}: the folder that you "
            "work in, and not you, decides which programs the client runs",
            hint="Take it out of PATH where your shell sets it.",
        )


def _settings(workspace: Workspace, settings: ClientSettings) -> Iterator[Finding]:
    agents = {
        name
        for entry in index.entries(str(workspace.root))
        if entry.running and entry.kind == index.AGENT
        for name in index.agent_names(entry.name, entry.arms)
    }
    found = obstacles(settings, agents=agents)
    for item in found:
        yield _fail("settings", item.message, item.fix)
    if not found:
        yield _fine("settings", "nothing in the client's settings forbids serving")


def _experiments(workspace: Workspace) -> Iterator[Finding]:
    try:
        experiments = workspace.store.experiments()
    except MetaExperimentError as error:
        yield Finding("registry", ok=False, detail=error.message, hint=error.hint)
        return
    lost = lost_registry(workspace)
    if lost is not None:
        yield lost
    yield from strange_entries(workspace)
    entries = {entry.id: entry for entry in index.entries(str(workspace.root))}
    missed = missed_uses(workspace.layout)
    here = {item.name: item for item in missed if item.here}
    for experiment in experiments:
        if experiment.status is Status.RUNNING:
            name = experiment.experiment_id
            found = served(workspace, experiment, entries.get(name))
            if name not in here:
                yield found
            elif not found.ok:
                item = here[name]
                missed.remove(item)
                yield replace(found, detail=f"{item.what}: {found.detail}")
    for item in missed:
        yield _fail(item.name, item.sentence, item.fix)
    yield from orphans(workspace, experiments, entries)
    if entries and not _listed(workspace):
        yield _fail(
            "roots",
            f"{workspace.root} is missing from the list by which hooks find it",
            "meta-experiment repair",
        )


def _team_store(workspace: Workspace) -> Iterator[Finding]:
    """Ask the team's store, where one is in use: without it trials wait, and none is lost."""
    if not in_use(workspace.layout):
        running = [
            item.experiment_id
            for item in workspace.store.experiments()
            if item.plan.team is not None and item.status is Status.RUNNING
        ]
        if running:
            yield _fail("team store", f"{', '.join(running)} is of a team: {NO_STORE}", USE)
        return
    from meta_experiment.services.teams.membership import copy_hint, require_owner
    from meta_experiment.services.teams.store_address import opened_member

    try:
        with opened_member(workspace) as member:
            require_owner(member)
            project, hint = as_word(member.setting.project), copy_hint(workspace, member)
    except MetaExperimentError as error:
        detail = f"{error.message} Trials wait here meanwhile, and prompts are served."
        yield Finding("team store", ok=False, detail=detail, hint=error.hint)
    else:
        detail = f"answers, project {project}"
        yield Finding("team store", ok=True, detail=detail, hint=hint)


def _listed(workspace: Workspace) -> bool:
    listed = places.roots(workspace.machine.data)
    token = workspace.checkout.identity()[: places.TOKEN_LENGTH]
    return any((root.path, root.token) == (str(workspace.root), token) for root in listed)


def _faults(workspace: Workspace) -> Iterator[Finding]:
    """Show the newest faults of this root, and those of which no root is known."""
    data = workspace.machine.data
    noted = [*faults_of(str(workspace.root), data), *faults_of("", data)]
    recent = sorted(
        (fault for fault in noted if workspace.clock() - fault.at <= _WEEK),
        key=lambda fault: fault.at,
    )
    if not recent:
        yield _fine("faults", "none within a week")
    for fault in recent[-_SHOWN:]:
        yield Finding(
            "faults",
            ok=True,
            detail=f"{to_text(fault.at)}: {fault.text}",
            hint="A prompt ran as it was, or a trial waits. If it goes on: verify",
        )


def _running_here(workspace: Workspace) -> list[float]:
    """Return since when each experiment is served here."""
    entries = index.entries(str(workspace.root))
    return [entry.since for entry in entries if entry.running]


def _fine(name: str, detail: str) -> Finding:
    return Finding(name, ok=True, detail=detail)


def _fail(name: str, detail: str, hint: str) -> Finding:
    return Finding(name, ok=False, detail=detail, hint=hint)
