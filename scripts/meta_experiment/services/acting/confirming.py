"""A person's leave for what no model may do by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from meta_experiment.errors import MetaExperimentError, RefusedError, cite
from meta_experiment.protocol.typed import FLAG, take_typed
from meta_experiment.services.find import find
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment

_SESSION = "CLAUDE_CODE_SESSION_ID"
_VERB = "promote"
# What the client puts into the environment of every command that its model runs.
_SIGNS = ("CLAUDECODE", _SESSION, "CLAUDE_CODE_CHILD_SESSION")


def is_inside_client(environment: Mapping[str, str]) -> bool:
    """Tell whether this process was started by the client, by what it says to its children."""
    return any(environment.get(name) for name in _SIGNS)


def require_override_typed(
    workspace: Workspace, asked: str, reason: str, environment: Mapping[str, str]
) -> None:
    """Refuse to override evidence inside the client, unless a person typed just that.

    What was typed behind `/meta_experiment` in this session must name the experiment first, and
    then the whole reason behind the flag; it counts once.

    Raises:
        RefusedError: nobody typed it.
    """
    if not is_inside_client(environment):
        return
    experiments = workspace.store.experiments()
    meant = find(experiments, asked).experiment_id
    words = take_typed(environment.get(_SESSION, ""), workspace.clock(), environment)
    before, _, behind = words.partition(FLAG)
    if _named(experiments, before) == meant and _letters(reason) in _reasons(behind):
        return
    command = f"promote {meant} --override {cite(reason or 'reason')}"
    raise RefusedError(
        "Inside Claude Code evidence is overridden only where the user has typed it, with the "
        "experiment and the reason.",
        hint=f"The user may type: /meta_experiment {command} (or run meta-experiment {command} "
        "in a terminal of their own).",
    )


def _named(experiments: Sequence[Experiment], words: str) -> str:
    """Return the experiment that the first fitting word behind the verb means; "" for none."""
    typed = [word.strip("'\"") for word in words.split()]
    for word in typed[typed.index(_VERB) + 1 :] if _VERB in typed else typed:
        with suppress(MetaExperimentError):
            return find(experiments, word).experiment_id
    return ""


def _reasons(words: str) -> set[str]:
    """Return what the reason in front may be: all of it, up to its quote or the next option."""
    text = words.lstrip(" =")
    mark = "" if text[:1].isalnum() else text[:1]
    ends = [at for at in range(1, len(text)) if text[at:].startswith(" --")]
    if mark:
        ends += [at for at in range(1, len(text)) if f"{text} "[at : at + 2] == f"{mark} "]
    return {_letters(text[:end]) for end in (*ends, len(text))} - {""}


def _letters(text: str) -> str:
    """Return what a text says, whatever its quotes, blanks and capitals."""
    return "".join(sign for sign in text if sign.isalnum()).casefold()
