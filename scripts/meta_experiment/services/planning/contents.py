"""Contents of an experiment to be: the exact bytes of every file in every arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meta_experiment.errors import RefusedError, UsageError, as_word, cite
from meta_experiment.files.confine import Content, plain_path
from meta_experiment.model import fields
from meta_experiment.prompts.identity import require_text
from meta_experiment.prompts.placebo import placebo_of
from meta_experiment.services.planning.request import CONTROL, Request
from meta_experiment.services.planning.skill_folder import Arms, folder_contents
from meta_experiment.services.serving.unserved import stand_in_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Comparator

_PROSE = (".md", ".mdx", ".markdown", ".txt")

Contents = Mapping[str, Mapping[str, Content | None]]


def contents_of(workspace: Workspace, request: Request) -> dict[str, Arms]:
    """Read every file in every arm; where an arm has none, it has the control's.

    Prompt files come first, then what else is in the folders of skills that are meant whole.
    The texts of comparators are made, unless the request has some.

    Raises:
        UsageError: two arms are alike that should not be, or a placebo makes no sense.
        RefusedError, NotFoundError, UnsafePathError: a file is no prompt, or cannot be read.
    """
    variants = request.document["variants"]
    names, made = [_name(item) for item in variants], _comparators(variants)
    contents: dict[str, Arms] = {}
    for path in request.document["files"]:
        contents[path] = dict(_texts(workspace, request, path, names, made))
    for path in list(contents):
        whole = [it for it in request.variant_files if it.whole and it.path == path]
        if whole:
            sources = {item.variant: item.source.parent for item in whole}
            contents |= folder_contents(workspace, path, sources, names)
    for name in names[1:]:
        if all(arms[name] == arms[CONTROL] for arms in contents.values()):
            _refuse_alike(name, made.get(name))
    return contents


def _texts(
    workspace: Workspace,
    request: Request,
    path: str,
    names: Sequence[str],
    made: Mapping[str, Comparator],
) -> dict[str, Content]:
    """Return a prompt file in every arm."""
    require_text(plain_path(path))
    control = workspace.prompt(path)
    arms = dict.fromkeys((CONTROL, *names[1:]), control)
    for item in request.variant_files:
        if item.path == path:
            source = workspace.source(item.source)
            # A variant is a new text of the same file, so it keeps that file's mode.
            arms[item.variant] = Content(source.data, control.mode)
    treatment = next((name for name in names[1:] if name not in made), CONTROL)
    for name, kind in made.items():
        if kind is Comparator.PLACEBO and arms[name] is control:
            arms[name] = _placebo(path, control, arms[treatment])
    for content in arms.values():
        _refuse_stand_in(path, content.data)
    return arms


def _name(variant: str | Mapping[str, Any]) -> str:
    return variant if isinstance(variant, str) else str(variant["name"])


def _comparators(variants: Sequence[Any]) -> dict[str, Comparator]:
    """Return the arms that are there to be compared alone, by name."""
    described = [item for item in variants if isinstance(item, Mapping)]
    kinds = [
        fields.optional_word(item, "comparator", "plan.variants", Comparator)
        for item in described
    ]
    return {
        str(item["name"]): kind
        for item, kind in zip(described, kinds, strict=True)
        if kind is not None
    }


def _placebo(path: str, control: Content, treatment: Content) -> Content:
    if treatment.data == control.data:
        return control
    if Path(path).suffix not in _PROSE:
        raise UsageError(
            f"{as_word(path)} is no prose, and words that say nothing may break its form.",
            hint=f"Name a placebo of your own: --file placebo:{path}=FILE --placebo",
        )
    return Content(placebo_of(control.data, treatment.data), control.mode)


def _refuse_alike(name: str, kind: Comparator | None) -> None:
    """Refuse an arm that is the control in all but its name, unless that is what it is for."""
    if kind is Comparator.PLACEBO:
        raise UsageError(
            "The treatment is no longer than the control in any file, so that no length is to "
            "be explained by a placebo.",
            hint="Leave the placebo out.",
        )
    if kind is None:
        raise UsageError(
            f"The variant {cite(name)} has the same bytes as the control in every file.",
            hint="Change its text first; two equal arms can only show noise (--aa).",
        )


def _refuse_stand_in(path: str, data: bytes) -> None:
    """Refuse what stands in a prompt file's place while an experiment on it is served."""
    if stand_in_of(data):
        raise RefusedError(
            f"{as_word(path)} holds the line that serves another experiment's variants, not "
            "its text.",
            hint="Bring the file back first: meta-experiment recover",
        )
