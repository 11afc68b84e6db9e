"""Document that somebody wrote, in YAML or JSON: read without believing what it looks like."""

from __future__ import annotations

import json
import os
import re
import select
import stat
from functools import partial
from pathlib import Path
from typing import Any

from meta_experiment.errors import NotFoundError, UsageError
from meta_experiment.model import fields

_LARGEST = 256 * 1024  # bytes
_MOST_VALUES = 5_000
_LONGEST_NUMBER = 100  # digits
_WHOLE = re.compile(r"[-+]?[0-9][0-9a-fA-FxXo_:]*")
_DEEPEST = 20
_PATIENCE = 10.0  # seconds that a pipe is waited for into which nothing was written yet


def read_document(path: Path, what: str = "plan") -> object:
    """Read a file as what it is to be.

    Raises:
        NotFoundError: there is none. UsageError: it is no such document, or far too large.
    """
    try:
        data = _head(path, _LARGEST + 1)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(f"There is no {what} file {path}.") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder; expected a {what} in YAML or JSON.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8: {error.reason}.") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{path} is larger than 256 kB; that is no {what}.")
    try:
        if path.suffix == ".json":
            return json.loads(
                text, object_pairs_hook=fields.unique, parse_int=partial(_whole, what)
            )
        return _yaml(text, what)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} is not a valid {what}: {reason}.") from error


def _head(path: Path, most: int) -> bytes:
    """Read so many bytes, at most; a pipe is read, but not waited for where nobody writes."""
    with open(path, "rb", opener=_without_waiting) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            select.select([stream], [], [], _PATIENCE)
            os.set_blocking(stream.fileno(), True)
        return stream.read(most)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _yaml(text: str, what: str) -> object:
    """Load YAML that is as large as it looks: no aliases, not too deep, not too many values."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = values = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise UsageError(f"The {what} holds a YAML alias (*name); write the value out.")
            if isinstance(event, yaml.ScalarEvent) and not event.style:
                _refuse_long(event.value, what)
            values += isinstance(event, yaml.NodeEvent)
            if values > _MOST_VALUES:
                raise UsageError(f"The {what} holds more than {_MOST_VALUES:,} values.")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise UsageError(f"The {what} is nested deeper than {_DEEPEST} levels.")
        _refuse_twice([yaml.compose(text, Loader=loader)])
        return yaml.load(text, Loader=loader)  # noqa: S506 - both are safe
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _whole(what: str, text: str) -> int:
    _refuse_long(text, what)
    return int(text)


def _refuse_long(text: str, what: str) -> None:
    """Refuse a number so long that Python would not write it into any message."""
    if len(text) > _LONGEST_NUMBER and _WHOLE.fullmatch(text):
        raise UsageError(f"The {what} holds a number of more than {_LONGEST_NUMBER} digits.")


def _refuse_twice(nodes: list[Any]) -> None:
    """Refuse a name that is given twice, of which YAML would silently take the last."""
    while nodes:
        value = getattr(nodes.pop(), "value", None)
        if not isinstance(value, list):
            continue
        pairs = [item for item in value if isinstance(item, tuple)]
        fields.unique([(str(name.value), None) for name, _ in pairs])
        nodes += [node for pair in pairs for node in pair] or value
