"""Whether a person has given leave for what no model may do by itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from meta_experiment.errors import MetaExperimentError, RefusedError, cite
from meta_experiment.live.typed import FLAG, take_typed
from meta_experiment.services.find import find
from meta_experiment.services.workspace import Workspace

_SESSION = "CLAUDE_CODE_SESSION_ID"
# What the client puts into the environment of every command that its model runs.
_SIGNS = ("CLAUDECODE", _SESSION, "CLAUDE_CODE_CHILD_SESSION")


def is_inside_client(environment: Mapping[str, str]) -> bool:
    """Tell whether this process was started by the client, by what it says to its children."""
    return any(environment.get(name) for name in _SIGNS)


def require_override_typed(
    workspace: Workspace, asked: str, reason: str, environment: Mapping[str, str]
) -> None:
    """Refuse to override evidence inside the client, unless a person typed just that.

    What was typed behind `/meta_experiment` in this session must name the experiment, and then
    the reason behind the flag; it counts once.

    Raises:
        RefusedError: nobody typed it.
    """
    if not is_inside_client(environment):
        return
    experiments = workspace.store.experiments()
    meant = find(experiments, asked).experiment_id
    words = take_typed(environment.get(_SESSION, ""), workspace.clock(), environment)
    named = set()
    for word in _names_before(words):
        with suppress(MetaExperimentError):
            named.add(find(experiments, word).experiment_id)
    wanted = _letters(reason)
    if wanted and wanted in _letters(words.partition(FLAG)[2]) and meant in named:
        return
    command = f"promote {meant} --override {cite(reason or 'reason')}"
    raise RefusedError(
        "Inside Claude Code evidence is overridden only where the user has typed it, with the "
        "experiment and the reason.",
        hint=f"The user may type: /meta_experiment {command} (or run meta-experiment {command} "
        "in a terminal of their own).",
    )


def _names_before(words: str) -> list[str]:
    """Return the words in front of the flag, behind which the reason stands."""
    return [word.strip("'\"") for word in words.partition(FLAG)[0].split()]


def _letters(text: str) -> str:
    """Return what a text says, whatever its quotes, blanks and capitals."""
    return "".join(sign for sign in text if sign.isalnum()).casefold()
