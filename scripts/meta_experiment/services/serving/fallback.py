"""Fallback of an injected line: what it tries when serving fails, and may read.

Each step ends at a text that a pull cannot slip in: the bodies of the control in the machine's
own folder; the prompt file, where it stays in its place and the client would read it without
an experiment; its original in git's own folder. The last step names the file in words. A path
that a shell would take for more than a path, or that a rule of the client's settings denies, is
left out, for the client aborts the whole line for one of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from meta_experiment.deploy.unseen import HiddenFiles
from meta_experiment.prompts.shim import quoted
from meta_experiment.protocol import places, texts
from meta_experiment.records import dataclass
from meta_experiment.services.serving.client_places import scope_of, state_path
from meta_experiment.services.serving.client_settings import denies_reading, read_settings
from meta_experiment.services.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Fallback:
    """The steps after `serve-variant`.

    Attributes:
        copies: for a part (from 1; 0 for a body in one piece) the files to print, each as the
            client's shell is to read it.
        named: the file that the model is told to read when none of them is there.
        rules: the permissions that this needs.
    """

    copies: Callable[[int], list[str]]
    named: str
    rules: list[str]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file under experiment, as far as it matters here.

    `control` is the name of that arm; `shadowed` says that the file stays in its place.
    """

    experiment_id: str
    path: str
    control: str
    original: bytes
    shadowed: bool


def fallback_of(workspace: Workspace, prompt: Prompt, token: str) -> Fallback:
    """Work out the steps for a prompt file; `token` is that of its root."""
    root, scope = str(workspace.root), scope_of(workspace.root)
    machine = workspace.machine
    settings = read_settings(workspace.root, machine.home, machine.environment)

    def readable(path: str) -> bool:
        return quoted(path) is not None and not denies_reading(settings, root, path)

    # rules hold for the path that a link leads to
    data = os.path.realpath(machine.data)
    folder = places.kept_folder(data, token, prompt.experiment_id)
    original = texts.digest(prompt.original)

    def body(number: int) -> str:
        name = places.body_name(prompt.control, number)
        return places.kept_text(data, token, prompt.experiment_id, original, name)

    kept = readable(body(0))
    last, printed = _last(workspace, prompt)
    inner = last.removeprefix(f"{root}/")
    # of a plugin's or a person's own file a project may have another by the same inner path
    near = [inner] if inner != last and scope == places.PROJECT else []
    whole = [path for path in (last, *near) if readable(path)] if printed else []

    def copies(number: int) -> list[str]:
        bodies = [body(number)] if kept else []
        found = [*bodies, *(whole if number <= 1 else [])]
        return [shown for path in found if (shown := quoted(path)) is not None]

    home = [f"~/{inner}"] if inner != last and scope == places.USER else []
    own = _own(workspace, prompt)
    sayable = (path for path in (last, *home, *near, own) if quoted(path.lstrip("~")))
    rules = [f"Read(/{folder}/**)"] if kept else []
    rules += [f"Read(/{last})"] if quoted(last) else []
    return Fallback(copies, next(sayable), rules)


def _last(workspace: Workspace, prompt: Prompt) -> tuple[str, bool]:
    """Return the file in which the control is found when all else is gone; may it be printed?

    A copy below the root is only named: what is put in its place must not be printed unseen.
    """
    if prompt.shadowed:
        return f"{workspace.root}/{prompt.path}", True
    unseen = HiddenFiles.around(workspace.git, workspace.files, workspace.root)
    if unseen is not None:
        return str(unseen.original(prompt.path, prompt.original)), True
    return f"{workspace.root}/{_own(workspace, prompt)}", False


def _own(workspace: Workspace, prompt: Prompt) -> str:
    """Return where this tool keeps the original below the root."""
    state = state_path(workspace.root)
    return f"{state}/local/live/{prompt.experiment_id}/{texts.ORIGINAL}"
