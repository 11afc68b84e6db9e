"""Folders in the form of the client's `plugin eval`: `case.yaml`, or `prompt.md`, `graders/`.

One such folder, or a folder of them. Where both files stand in one they are one case; what both
say must be the same. What would change the task or its world (a scaffold, a system prompt, an
environment) is refused, as no run would be given it. What every run gets alike from
elsewhere is passed over: plugins, runs, model, turns and tools, the grader's arm (each variant
is one that has the prompt).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from meta_experiment.errors import UsageError, as_word, cite
from meta_experiment.model import fields
from meta_experiment.protocol.frontmatter import find_block, head_length
from meta_experiment.runs.cases import case_text
from meta_experiment.runs.cases.eval_graders import criterion
from meta_experiment.runs.cases.form import Form, Found, Placed

_CASE, _PROMPT, _GRADERS = "case.yaml", "prompt.md", "graders"
_EXECUTION = {"prompt", "timeout_seconds"}
_ELSEWHERE = {"max_turns", "model", "allowed_tools", "disallowed_tools"}
_CHANGING = {"append_system_prompt", "env", "artifact_publish", "growthbook_overrides"}
_TOP = {"name", "tags", "description", "schema_version", "plugins", "runs", "expected_outcome"}
_HISTORY = "history_file"
_REFUSED_CONTEXT = ("scaffold_script", "add_dirs")


def _recognises(found: Found) -> bool:
    return found.documents is None and bool(_folders(found.path))


def _folders(path: Path) -> list[Path]:
    """Return the folders of cases: this one, or those directly in it."""
    if _is_case(path):
        return [path]
    inner = sorted(item for item in path.iterdir() if item.is_dir() and item.name[0] != ".")
    return [item for item in inner if _is_case(item) or (item / _GRADERS).is_dir()]


def _is_case(path: Path) -> bool:
    return any(_is_there(path / name) for name in (_CASE, _PROMPT))


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()  # a link is refused where it is read


def _documents(found: Found) -> Iterator[Placed]:
    for folder in _folders(found.path):
        # of the one that the user named, the name may be that of a link to it
        alone = folder == found.path
        path = folder.resolve() if alone else folder
        plain = _plain(path.parent, path.name)
        if not alone and isinstance(plain.get("history"), str):
            plain["history"] = f"{path.name}/{plain['history']}"
        yield as_word(path.name), plain


def _plain(root: Path, folder: str) -> dict[str, object]:
    said, graders = _merged(root, folder), []
    where = as_word(folder)
    for number, item in enumerate(fields.sequence(said.pop("graders", None), where)):
        graders.append(criterion(item, f"{where}/{_CASE}.graders[{number}]"))
    graders.extend(_grader_files(root, folder))
    if not said.get("prompt"):
        raise UsageError(f"{where}: has no prompt; expected one in {_PROMPT} or {_CASE}.")
    plain = {
        "id": said.get("name", folder),
        "prompt": said["prompt"],
        "criteria": graders,
        "timeout_seconds": said.get("timeout_seconds"),
        "tags": said.get("tags"),
        "history": said.get(_HISTORY),
    }
    return {key: value for key, value in plain.items() if value not in (None, [])}


def _merged(root: Path, folder: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for read in (_case_file, _prompt_file):
        for key, value in read(root, folder).items():
            if said.setdefault(key, value) != value:
                raise UsageError(
                    f"{as_word(folder)}: {_CASE} and {_PROMPT} say different things of "
                    f"{as_word(key)}; expected it once."
                )
    return said


def _case_file(root: Path, folder: str) -> dict[str, Any]:
    if not _is_there(root / folder / _CASE):
        return {}
    where = f"{folder}/{_CASE}"
    known = case_text.read_yaml(root, where, where)
    fields.known_keys(known, (*_TOP, "context", "execution", "graders"), as_word(where))
    execution = fields.mapping(known.get("execution") or {}, f"{where}.execution")
    fields.known_keys(execution, _EXECUTION | _ELSEWHERE | _CHANGING, f"{where}.execution")
    context = fields.mapping(known.get("context") or {}, f"{where}.context")
    fields.known_keys(context, (_HISTORY, *_REFUSED_CONTEXT), f"{where}.context")
    _refuse_changes({**context, **execution}, as_word(where))
    top = {key: value for key, value in known.items() if key not in ("context", "execution")}
    return _stated({**top, **execution, _HISTORY: context.get(_HISTORY)})


def _prompt_file(root: Path, folder: str) -> dict[str, Any]:
    if not _is_there(root / folder / _PROMPT):
        return {}
    where = f"{folder}/{_PROMPT}"
    head, body = _parted(case_text.read_text(root, where, where), where)
    fields.known_keys(head, _TOP | _EXECUTION | _ELSEWHERE | _CHANGING, as_word(where))
    _refuse_changes(head, as_word(where))
    if body.strip() and head.get("prompt"):
        raise UsageError(f"{as_word(where)}: has a prompt in its head and another below it.")
    return _stated({**head, **({"prompt": body.strip()} if body.strip() else {})})


def _grader_files(root: Path, folder: str) -> Iterator[dict[str, object]]:
    graders = root / folder / _GRADERS
    if not graders.is_dir():
        return
    for path in sorted(graders.glob("*.md")):
        where = f"{folder}/{_GRADERS}/{path.name}"
        head, body = _parted(case_text.read_text(root, where, where), where)
        yield criterion({"name": path.stem, **head}, as_word(where), body.strip())


def _parted(text: str, where: str) -> tuple[Mapping[str, Any], str]:
    """Return the fields of a head and the text below it."""
    block = find_block(text)
    if block is None:
        return {}, text
    head = case_text.yaml_fields(text[slice(*block)], where, text.count("\n", 0, block[0]))
    return head, text[head_length(text) :]


def _refuse_changes(known: Mapping[str, Any], where: str) -> None:
    for key in (*_REFUSED_CONTEXT, *sorted(_CHANGING)):
        if known.get(key):
            raise UsageError(
                f"{where}: {cite(key)} changes what a run is given, which a run here is not; "
                "expected a case without it."
            )


def _stated(known: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {"name", "tags", "graders", _HISTORY, *_EXECUTION}
    found = {key: value for key, value in known.items() if key in wanted and value is not None}
    if isinstance(found.get("prompt"), str):
        found["prompt"] = found["prompt"].strip()
    return found


FORM = Form(_recognises, _documents)
