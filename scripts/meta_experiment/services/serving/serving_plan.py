"""Plan of serving an experiment: what it would put on disk, before it is written."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from meta_experiment.deploy.apply import observe
from meta_experiment.deploy.unseen import HiddenFiles
from meta_experiment.errors import ConflictError, RefusedError, as_word
from meta_experiment.files.confine import Content, real_path
from meta_experiment.files.roots import git_top
from meta_experiment.prompts.agent_variants import (
    agent_fault,
    agent_name,
    agent_under,
    require_nameless,
)
from meta_experiment.prompts.frontmatter import read_frontmatter
from meta_experiment.prompts.identity import PromptKind
from meta_experiment.prompts.loading import loading_fault
from meta_experiment.prompts.place import UNLOADED, PromptPlace, is_installed_copy
from meta_experiment.prompts.shim import Line, build_shim, require_alike_as_skill
from meta_experiment.prompts.tools import asks_first
from meta_experiment.prompts.traces import NO_TRACES, Traces
from meta_experiment.protocol import index, places, texts
from meta_experiment.records import dataclass
from meta_experiment.services.serving.client_places import (
    place_of,
    scope_of,
    shadow_path,
    why_not_loaded,
)
from meta_experiment.services.serving.client_settings import obstacles, read_settings
from meta_experiment.services.serving.fallback import Prompt, fallback_of
from meta_experiment.services.serving.hiding import MANUAL, require_hidden, require_hideable
from meta_experiment.services.serving.placed import is_ours
from meta_experiment.services.serving.unserved import stand_in_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Assignment, Experiment, Unit

_ON_CASES = "create it with --unit case and run it: meta-experiment run ID --cases PATH"
_NUMBER = re.compile(r"[0-9]+")
_KINDS = {
    PromptKind.COMMAND: index.COMMAND,
    PromptKind.SKILL: index.SKILL,
    PromptKind.AGENT: index.AGENT,
}


@dataclass(frozen=True, slots=True)
class Serving:
    """An experiment as it is served here.

    Attributes:
        experiment: which one.
        kind: command, skill or agent; form: how it is served; name: as the client calls it.
        path: its prompt file.
        placed: files of ours beside the user's, by path below the root.
        stored: what serving reads, by name in the experiment's folder of served texts.
        shim: what stands in for the prompt file, for agents nothing.
        control: the prompt file itself.
        parts: the number of injected lines; arguments: names of the arguments.
        allow: whether a call by the model is to be allowed as it was before.
        traces: what of the stand-in is not the user's.
    """

    experiment: Experiment
    kind: str
    form: str
    name: str
    path: str
    placed: dict[str, bytes]
    stored: dict[str, bytes]
    shim: bytes
    control: Content
    parts: int = 1
    arguments: list[str] = field(default_factory=list)
    allow: bool = False
    traces: Traces = NO_TRACES

    @property
    def texts(self) -> dict[str, bytes]:
        """All that is sealed of it, by name: what serving reads, the file, its stand-in."""
        shim = {texts.SHIM: self.shim} if self.shim else {}
        return {**self.stored, texts.ORIGINAL: self.control.data, **shim}


def manual_only_reason(workspace: Workspace, experiment: Experiment) -> str:
    """Say why an experiment is not served by itself; "" when it is."""
    plan = experiment.plan
    if plan.assignment is Assignment.EXTERNAL:
        return "its assignments are made elsewhere"
    if plan.unit is Unit.CASE:
        return "its units are cases of an evaluation"
    root = workspace.root
    if any(place_of(root, path) for path in plan.files):
        return ""
    return next((why_not_loaded(root, path) for path in plan.files), "it has no prompt file")


def plan_serving(
    workspace: Workspace, experiment: Experiment, drafted: Mapping[str, Content] | None = None
) -> Serving:
    """Work out what is put on disk to serve an experiment.

    `drafted` are the texts of its arms, where they are not in the store yet.

    Raises:
        RefusedError: it cannot be served; says why, and what to do.
        MetaExperimentError: its stored texts cannot be read.
    """
    if len(experiment.plan.files) > 1:
        raise RefusedError(
            f"{experiment.experiment_id} holds {len(experiment.plan.files)} prompt files; only "
            "an experiment on one file is served by itself.",
            hint=f"Make one experiment a file, or {_ON_CASES}. {MANUAL}",
        )
    (path,) = experiment.plan.files
    _require_same_folder(experiment, path)
    place = place_of(workspace.root, path)
    if place is None:
        raise RefusedError(
            f"{why_not_loaded(workspace.root, path)}.", hint=f"Mend that. {MANUAL}"
        )
    if is_installed_copy(str(workspace.root / path)):
        raise RefusedError(
            f"{as_word(path)} belongs to an installed plugin; its next update replaces the "
            "file.",
            hint=f"Work in the plugin's own repository (--plugin-dir). {MANUAL}",
        )
    arms = drafted or {
        variant.name: content
        for variant in experiment.plan.variants
        if (content := workspace.store.variant(experiment, variant.name)[path]) is not None
    }
    for arm, content in arms.items():
        fault = loading_fault(place.kind, content.data)
        if fault:
            raise RefusedError(
                f"The client does not load {as_word(path)} with the text of '{arm}': {fault}.",
                hint=f"Mend the text and create the experiment anew. {MANUAL}",
            )
    if place.kind is PromptKind.AGENT:
        _require_beside(workspace.root, place, path)
        return _agent(experiment, place, path, arms)
    if any(mark in place.call for mark in UNLOADED):
        raise RefusedError(
            "The client loads no command or skill with '<' or '>' in its name: "
            f"{as_word(path)}",
            hint=f"Rename it. {MANUAL}",
        )
    return _text(workspace, experiment, place, path, arms)


def _require_same_folder(experiment: Experiment, path: str) -> None:
    """Refuse variants that differ in more of a skill's folder than its text.

    What serves them puts a text before the model; files are the same in every session.
    """
    others = {name: arms for name, arms in experiment.versions.items() if name != path}
    differing = [name for name, arms in others.items() if len(set(arms.values())) > 1]
    if differing:
        count = len(differing) - 1
        more = f" and {count:,} more" if count else ""
        raise RefusedError(
            f"The variants of {experiment.experiment_id} differ in {as_word(differing[0])}"
            f"{more}, and only the text of {as_word(path)} can be served live.",
            hint=f"To compare whole folders, {_ON_CASES}. {MANUAL}",
        )


def _require_beside(root: Path, place: PromptPlace, path: str) -> None:
    """Refuse an agent that the client meets by a link to its file: variants lie beside it."""
    folder, _, name = place.path.rpartition("/")
    if real_path(root, folder) + f"/{name}" != path:
        raise RefusedError(
            f"The client meets {as_word(path)} by the link {as_word(place.path)}, and would "
            "not find its variants beside it.",
            hint=f"Put the file in the place of its link, or link the whole folder. {MANUAL}",
        )


def require_servable(workspace: Workspace, serving: Serving) -> None:
    """Refuse to begin where something on this machine stands in the way.

    Raises:
        RefusedError: the settings of client or git forbid it. ConflictError: the name is taken.
    """
    unseen = HiddenFiles.around(workspace.git, workspace.files, workspace.root)
    require_hidden(workspace.root, unseen, serving.form, serving.path)
    if unseen is not None:
        require_hideable(unseen, serving.form, serving.path, serving.placed)
    home = workspace.machine.home
    settings = read_settings(workspace.root, home, workspace.machine.environment)
    arms = [variant.name for variant in serving.experiment.plan.variants]
    found = obstacles(
        settings,
        agents=index.agent_names(serving.name, arms) if serving.kind == index.AGENT else (),
        hooks_only=serving.form == index.AGENTS,
    )
    if found:
        more = f" ({len(found) - 1} more: meta-experiment doctor)" if len(found) > 1 else ""
        raise RefusedError(f"{found[0].message}{more}", hint=f"{found[0].fix} {MANUAL}")
    if serving.kind == index.AGENT:
        _require_chosen(workspace, serving)
    rivals = [
        workspace.root / path
        for path in serving.placed
        if not _is_ours(workspace, serving, path)
    ]
    if scope_of(workspace.root) != places.USER and serving.kind != index.AGENT:
        rivals.append(home / ".claude" / "skills" / serving.name / "SKILL.md")
        if serving.kind == index.COMMAND:
            rivals += _skills_around(workspace.root, serving.name)
            file = serving.name.replace(":", "/") + ".md"
            rivals.append(home / ".claude" / "commands" / file)
    if ":" in serving.name and serving.form == index.IN_PLACE:
        rivals = []  # a plugin's names are its own
    for rival in rivals:
        if os.path.lexists(rival):
            raise ConflictError(
                f"{rival} has the same name as what is under experiment: the client would use "
                "the one in place of the other.",
                hint=f"Rename one of the two. {MANUAL}",
            )


def _skills_around(root: Path, name: str) -> list[Path]:
    """Return where skills would lie that the client takes before a command of a nested root."""
    top = git_top(root) or root
    around = [folder for folder in root.parents if folder.is_relative_to(top)]
    return [folder / ".claude" / "skills" / name / "SKILL.md" for folder in around]


def _require_chosen(workspace: Workspace, serving: Serving) -> None:
    """Refuse an agent whose name another file has, which the client takes in its place.

    Of several files below one folder of agents it takes the last by its path.
    """
    place = place_of(workspace.root, serving.path)
    met = place.path if place is not None else serving.path
    folder = workspace.root / met.partition("agents/")[0] / "agents"
    name = serving.name.rpartition(":")[2]
    for file in folder.rglob("*.md"):
        path = file.relative_to(workspace.root).as_posix()
        behind = path.encode("utf-16-be") > met.encode("utf-16-be")
        data = places.try_read(file) if behind else None
        if data is None or agent_fault(data):
            continue
        if read_frontmatter(data).fields.get("name") == name:
            raise ConflictError(
                f"{as_word(path)} is an agent of the same name, {as_word(name)}, and the "
                "client takes that file.",
                hint=f"Rename one of the two. {MANUAL}",
            )


def _is_ours(workspace: Workspace, serving: Serving, path: str) -> bool:
    """Tell whether a file is what would be placed there, or was left by an experiment."""
    found = observe(workspace.root, path)
    if found is None:
        return False
    if found.data == serving.placed[path]:
        return True
    left = stand_in_of(found.data)
    if not left or index.find_entry(str(workspace.root), left):
        return False
    unseen = HiddenFiles.around(workspace.git, workspace.files, workspace.root)
    return is_ours(workspace, unseen, path)


def _agent(
    experiment: Experiment, place: PromptPlace, path: str, arms: Mapping[str, Content]
) -> Serving:
    control = experiment.plan.control.name
    name = agent_name(arms[control].data)
    if not name.isprintable():
        raise RefusedError(
            f"The agent's name holds a control character: {name!r}.",
            hint=f"Give it a plain name. {MANUAL}",
        )
    placed, stored = {}, {places.body_name(control): arms[control].data}
    for arm, content in arms.items():
        require_nameless(content.data, index.agent_names(name, list(arms)))
        if arm != control:
            data = agent_under(content.data, name, f"{name}-{arm}")
            placed[texts.beside(path, arm)] = data
            stored[places.body_name(arm)] = data
    return Serving(
        experiment=experiment,
        kind=index.AGENT,
        form=index.AGENTS,
        name=f"{place.plugin}:{name}" if place.plugin else name,
        path=path,
        placed=placed,
        stored=stored,
        shim=b"",
        control=arms[control],
    )


def _text(
    workspace: Workspace,
    experiment: Experiment,
    place: PromptPlace,
    path: str,
    arms: Mapping[str, Content],
) -> Serving:
    control = arms[experiment.plan.control.name]
    # A plugin's own command goes before a skill of its name (observed), so it has no shadow.
    shadowed = place.kind is PromptKind.COMMAND and not place.plugin
    if shadowed:
        require_alike_as_skill(control.data)
    name, token = experiment.experiment_id, workspace.checkout.identity()[: places.TOKEN_LENGTH]
    prompt = Prompt(name, path, experiment.plan.control.name, control.data, shadowed)
    fallback = fallback_of(workspace, prompt, token)
    rating = ["Bash(meta-experiment rate:*)"] if experiment.plan.report else []
    shim = build_shim(
        {arm: content.data for arm, content in arms.items()},
        Line(f"{name}@{token}", fallback.copies, fallback.named),
        ["Bash(serve-variant:*)", *fallback.rules, *rating],
        describe=not place.plugin,
    )
    parts = len(next(iter(shim.bodies.values())))
    stored = {
        places.body_name(arm, number if parts > 1 else 0): body
        for arm, bodies in shim.bodies.items()
        for number, body in enumerate(bodies, start=1)
    }
    return Serving(
        experiment=experiment,
        kind=_KINDS[place.kind],
        form=index.SHADOW if shadowed else index.IN_PLACE,
        name=place.call,
        path=path,
        placed={shadow_path(workspace.root, place.call): shim.data} if shadowed else {},
        stored=stored,
        shim=shim.data,
        control=control,
        parts=parts,
        arguments=_arguments(control.data),
        allow=not asks_first(control.data),
        traces=Traces.between(
            shim.data, control.data, shim.bodies[experiment.plan.control.name]
        ),
    )


def _arguments(control: bytes) -> list[str]:
    """Return the names that the client takes for those of arguments: no number is one."""
    given = read_frontmatter(control).fields.get("arguments")
    names = given.split() if isinstance(given, str) else given
    return [
        name
        for name in (names if isinstance(names, list) else [])
        if isinstance(name, str) and name.strip() and not _NUMBER.fullmatch(name)
    ]
