"""Request of a user, turned into a plan document and the bytes of every arm.

Two forms reach this: flags, and a plan file. Both end as one document and one table of
variant files, so that everything after this point knows one form only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import Any

from meta_experiment.errors import NotFoundError, UnsafePathError, UsageError
from meta_experiment.files import confine
from meta_experiment.files.roots import twin
from meta_experiment.model import fields
from meta_experiment.model.plan_shape import require_shape
from meta_experiment.prompts.identity import SKILL
from meta_experiment.records import dataclass
from meta_experiment.services.planning.written_document import read_document

_NAMED = re.compile(r"^([A-Za-z][A-Za-z0-9_.-]*):(.+)$")
CONTROL, TREATMENT = "control", "treatment"


@dataclass(frozen=True, slots=True)
class VariantFile:
    """The content one treatment has for one file; `source` is absolute.

    `whole` says that the folders which hold both, those of a skill, are meant with all files.
    """

    variant: str
    path: str
    source: Path
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A plan document that still lacks what can be inferred, and where its variants lie."""

    document: dict[str, Any]
    variant_files: tuple[VariantFile, ...]
    notes: tuple[str, ...] = field(default=())


def find_path(typed: str, directory: Path, bases: Sequence[Path]) -> Path:
    """Return where a typed path leads: in the directory, else in the first base with it."""
    typed = str(Path(typed).expanduser())
    here = _absolute(directory, typed)
    return here if _exists(here) else _found(typed, bases)


def prompts_of_flags(
    file_flags: Sequence[str], directory: Path, bases: Sequence[Path]
) -> list[Path]:
    """Return the prompt files that flags name, absolute; see `from_flags`."""
    flags = (_split(flag, directory, bases) for flag in file_flags)
    return [_text_in(find_path(path, directory, bases)) for _, path, _ in flags]


def from_flags(
    document: dict[str, Any],
    file_flags: Sequence[str],
    root: Path,
    directory: Path,
    bases: Sequence[Path] = (),
    comparators: Sequence[str] = (),
) -> Request:
    """Read `PATH=VARIANT_PATH` and `NAME:PATH=VARIANT_PATH`.

    Args:
        document: what other flags say of the plan.
        file_flags: as typed.
        root: below which the prompt files lie.
        directory: where they were typed: paths are first looked for there.
        bases: where they are looked for next; the root when there are none.
        comparators: which arms there are to be beside the treatments, each by that name.
    """
    bases = bases or (root,)
    split = [_split(flag, directory, bases) for flag in file_flags]
    variant_files = [
        _variant_file(
            name, find_path(path, directory, bases), find_path(source, directory, bases), root
        )
        for name, path, source in split
    ]
    if comparators:
        own = dict.fromkeys(item.variant for item in variant_files)
        treatments = [name for name in own if name not in comparators]
        made = [{"name": name, "comparator": name} for name in comparators]
        document = {**document, "variants": [CONTROL, *treatments, *made]}
    return Request(_with_files(document, variant_files), tuple(variant_files))


def read_plan(path: Path, *, whole: bool = True) -> dict[str, Any]:
    """Read a plan in YAML or JSON, as far as its paths can be judged by their text.

    One that is not `whole` may lack anything, its files too.

    Raises:
        NotFoundError, UsageError: there is none. UnsafePathError: one may leave its root.
    """
    plan = dict(require_shape(read_document(path), whole=whole))
    for _, target, relative in _files_in(plan):
        for item in (target, relative):
            _refuse_outside(item)
    return plan


def prompts_of_plan(plan: Mapping[str, Any], bases: Sequence[Path]) -> list[Path]:
    """Return the prompt files that a plan names, absolute; see `from_plan`."""
    return [_text_in(_found(target, bases)) for _, target, _ in _files_in(plan)]


def from_plan(plan: Mapping[str, Any], root: Path, bases: Sequence[Path] = ()) -> Request:
    """Complete a plan that was read; its files are looked for in the bases, else the root.

    All of them lie below the root.
    """
    bases = bases or (root,)
    variant_files = [
        _variant_file(variant, _found(target, bases), _below(_found(source, bases), root), root)
        for variant, target, source in _files_in(plan)
    ]
    if not variant_files:
        return Request({**plan, "files": []}, ())
    return Request(_with_files(dict(plan), variant_files), tuple(variant_files))


def _variant_file(variant: str, prompt: Path, source: Path, root: Path) -> VariantFile:
    """Tell files from folders, which are compared with all they hold.

    Raises:
        UsageError: one is a folder and one a file. NotFoundError: a folder has no SKILL.md.
    """
    whole = _is_folder(prompt)
    if whole != _is_folder(source) and _exists(source) and _exists(prompt):
        which = ("a folder", "a file") if whole else ("a file", "a folder")
        raise UsageError(
            f"{prompt} is {which[0]} and {source} {which[1]}; expected two files, or the "
            "folders of a skill and of its variant."
        )
    if not whole:
        return VariantFile(variant, _inside(prompt, root), source)
    for folder in (prompt, source):
        if not _exists(_text_in(folder)):
            raise NotFoundError(
                f"There is no {SKILL} in {folder}; of folders, those of skills alone can be "
                "compared.",
                hint="Name single files: --file PATH=VARIANT_PATH, as often as needed.",
            )
        if _text_in(folder).is_symlink():
            raise UnsafePathError(
                f"{_text_in(folder)} is a symbolic link; expected the {SKILL} of this folder.",
                hint="Name the folder that holds the file itself.",
            )
    return VariantFile(variant, _inside(_text_in(prompt), root), _text_in(source), whole=True)


def _text_in(path: Path) -> Path:
    """Return the prompt file that a path means: of a folder, the skill's text."""
    return path / SKILL if _is_folder(path) else path


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _split(flag: str, directory: Path, bases: Sequence[Path]) -> tuple[str, str, str]:
    """Return the variant, the prompt file and the file of its new content."""
    left, separator, source = flag.partition("=")
    if not separator or not left or not source:
        raise UsageError(
            f"--file '{flag}': expected PATH=VARIANT_PATH, the prompt file and the file "
            "that holds its new content.",
            hint="For example: --file .claude/commands/review.md=review-v2.md",
        )
    named = _NAMED.match(left)
    if named and not any(_exists(base / left) for base in (directory, *bases)):
        return named[1], named[2], source
    return TREATMENT, left, source


def _files_in(plan: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield variant, prompt file and the file of its new content, as a plan names them."""
    for target, arms in fields.mapping(plan.get("files") or {}, "plan.files").items():
        sources = {TREATMENT: arms} if isinstance(arms, str) else arms
        where = f"plan.files.{target}"
        for variant, source in fields.mapping(sources, where).items():
            yield variant, target, fields.text({"source": source}, "source", where)


def _with_files(document: dict[str, Any], items: Sequence[VariantFile]) -> dict[str, Any]:
    """Complete a document by the files and variants that the table names."""
    treatments = list(dict.fromkeys(item.variant for item in items))
    if CONTROL in treatments:
        raise UsageError(
            "'control' is the file as it stands and takes no content of its own.",
            hint="Give the treatment another name, for example v2:PATH=VARIANT_PATH.",
        )
    whole = dict(document)
    whole["files"] = list(dict.fromkeys(item.path for item in items))
    whole.setdefault("variants", [CONTROL, *treatments])
    names = _declared(fields.sequence(whole["variants"], "plan.variants"))
    if names[:1] != [CONTROL]:
        raise UsageError(
            "plan.variants: the first one is the file as it stands and is named 'control'.",
            hint="Write variants: [control, treatment]",
        )
    declared = set(names)
    for name in treatments:
        if name not in declared:
            known = sorted(declared)
            raise UsageError(
                f"plan.files names the variant '{name}', which plan.variants does not declare.",
                hint=fields.suggestion(name, known) or f"Declared: {', '.join(known)}.",
            )
    for name in sorted(declared - {CONTROL, *treatments, *_made(whole["variants"])}):
        raise UsageError(f"The variant '{name}' has no file that differs from the control.")
    return whole


def _made(variants: Sequence[object]) -> list[str]:
    """Return the variants whose texts are made, where no file has them."""
    described = (item for item in variants if isinstance(item, Mapping))
    return [str(item.get("name")) for item in described if item.get("comparator")]


def _declared(variants: Sequence[object]) -> list[str]:
    names = [item.get("name") if isinstance(item, Mapping) else item for item in variants]
    return [name for name in names if isinstance(name, str)]


def _inside(found: Path, root: Path) -> str:
    """Return the path relative to the root of a prompt file, where it really lies."""
    return confine.real_path(root, _below(found, root).relative_to(root).as_posix())


def _below(found: Path, root: Path) -> Path:
    """Return a path below a root; what lies in a linked working tree is meant in the main."""
    if not found.is_relative_to(root):
        other = twin(found)
        if other is not None and other.is_relative_to(root):
            return other
        raise UnsafePathError(
            f"{found} lies outside {root}; an experiment touches only files under its root.",
            hint="Name another root with --root DIR, or --user for personal files.",
        )
    return found


def _found(path: str, bases: Sequence[Path]) -> Path:
    """Return a path in the first base that has it, else in the first of all."""
    candidates = [_absolute(base, path) for base in bases]
    return next((item for item in candidates if _exists(item)), candidates[0])


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False  # too long for a name, say


def _absolute(base: Path, path: str) -> Path:
    return Path(os.path.normpath(base / path))


def _refuse_outside(path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        raise UnsafePathError(
            f"The plan names '{path}', which may leave its root; expected a path below it."
        )
