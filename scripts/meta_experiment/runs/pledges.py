"""Pledges: what shares of runs may have taken of their caps, where nobody heard how they ended.

A share that begins pledges what is left of its cap, and settles that when it has ended. Of a
machine that vanished the pledge stays open: all of it counts as spent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from meta_experiment.errors import CorruptStoreError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.model.result_document import to_document
from meta_experiment.records import dataclass
from meta_experiment.types.runs import Bill, Pledge, Spent

_FILE = "pledges.json"


@dataclass(frozen=True, slots=True)
class PledgeBook:
    """All pledges by name: the open ones, those that are settled, and those made here."""

    pledges: Mapping[str, Pledge]
    settled: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    def bills(self) -> Iterator[Bill]:
        """Yield what open pledges of others count as: as much as they may be."""
        for name, pledge in self.pledges.items():
            if name not in self.own:
                yield Bill(Spent(pledge.usd, pledge.tokens))

    def with_new(self, pledge: Pledge) -> PledgeBook:
        """Return the book with a pledge that is made here."""
        name = os.urandom(8).hex()
        return replace(self, pledges={**self.pledges, name: pledge}, own=(*self.own, name))

    def settle(self) -> PledgeBook:
        """Return the book with all that was pledged here settled."""
        return PledgeBook(self.pledges, (*self.settled, *self.own)).tidied()

    def joined(self, pledges: Mapping[str, Pledge], settled: tuple[str, ...]) -> PledgeBook:
        """Return the book with what another one says, whichever was first."""
        both = tuple(sorted({*self.settled, *settled}))
        return PledgeBook({**pledges, **self.pledges}, both, self.own).tidied()

    def tidied(self) -> PledgeBook:
        """Return the book with nothing open that is settled."""
        left = {name: item for name, item in self.pledges.items() if name not in self.settled}
        return replace(self, pledges=left)


def read_pledges(folder: Path) -> PledgeBook:
    """Return the pledges of the runs in a folder.

    Raises:
        CorruptStoreError: they cannot be read.
    """
    path = folder / _FILE
    with suppress(FileNotFoundError):
        try:
            found = json.loads(path.read_bytes())
            known = {name: pledge_of(item) for name, item in found["pledges"].items()}
            return PledgeBook(known, tuple(found["settled"]), tuple(found["own"]))
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptStoreError(f"{path} says not what was pledged: {error}.") from error
    return PledgeBook({})


def write_pledges(files: FileSystem, folder: Path, book: PledgeBook) -> None:
    """Write the pledges of the runs in a folder; durable on return."""
    write_atomically(files, folder / _FILE, json.dumps(to_document(book)).encode())


def pledge_of(found: Mapping[str, Any]) -> Pledge:
    """Return a pledge from its document. Raises KeyError, TypeError, ValueError."""
    values = {
        name: None if found[name] is None else float(found[name]) for name in ("usd", "tokens")
    }
    return Pledge(**values)
