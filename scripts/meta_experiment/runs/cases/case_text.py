"""Texts of files that nobody vouches for: bounded, reached through no link, in UTF-8."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meta_experiment.errors import NotFoundError, StorageError, UsageError, as_word
from meta_experiment.files.confine import read_confined
from meta_experiment.prompts.client_yaml import NotYamlError, UnclearError, YamlBlock, parse

_LARGEST = 16 << 20  # bytes of a file of many cases
_LARGEST_YAML = 256 << 10  # bytes; parsing it takes seconds a megabyte


def named_file(path: Path) -> tuple[str, str]:
    """Return the text of a file that the user named, and what messages call it.

    Raises:
        UsageError: it is no text in UTF-8, or too large to hold cases. UnsafePathError: it is
            no regular file. NotFoundError: there is none.
    """
    real = path.resolve()
    return read_text(real.parent, real.name, path.name), as_word(path.name)


def read_text(folder: Path, relative: str, shown: str, most: int = _LARGEST) -> str:
    """Return the text of a file below a folder, each line ended by one mark.

    Raises:
        UsageError: it cannot be read, is larger than so many bytes, or no text in UTF-8.
        UnsafePathError: it is a link or lies behind one. NotFoundError: there is none.
    """
    shown = as_word(shown)
    try:
        data = read_confined(folder, relative, most).data
    except NotFoundError:
        raise NotFoundError(
            f"There is no file {shown}; expected one that holds cases."
        ) from None
    except StorageError as error:
        raise UsageError(f"{shown} holds no cases: {error.message}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{shown}, line {line}: not text in UTF-8.") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UsageError(f"{shown}, line {line}: holds a zero byte; expected text.")
    return text.replace("\r\n", "\n")


def read_yaml(folder: Path, relative: str, shown: str) -> Mapping[str, Any]:
    """Return the mapping that a file of YAML holds.

    Raises:
        UsageError: as `read_text`, or it is not YAML, gives a name twice, or has aliases,
            tags or a nesting that files of cases do without.
    """
    return yaml_fields(read_text(folder, relative, shown, _LARGEST_YAML), shown)


def yaml_fields(text: str, shown: str, before: int = 0) -> Mapping[str, Any]:
    """Return the mapping that a block of YAML holds, so many lines down its file."""
    try:
        block = parse(text)
    except UnclearError as error:
        raise UsageError(f"{as_word(shown)} {error}; expected plain YAML.") from error
    except NotYamlError as error:
        line = f", line {before + error.line}" if error.line else ""
        raise UsageError(f"{as_word(shown)}{line}: not YAML: {error}.") from error
    return _whole(block, as_word(shown))


def _whole(block: YamlBlock, shown: str) -> Mapping[str, Any]:
    if block.fault:
        raise UsageError(f"{shown} {block.fault}.")
    for name, places in block.lines.items():
        if len(places) > 1:
            raise UsageError(f"{shown}: {as_word(name)} is given twice.")
    return block.fields
