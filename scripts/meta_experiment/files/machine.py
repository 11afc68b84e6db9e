"""This machine as one user has it: what use cases know of it is handed down to them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from meta_experiment.protocol import places
from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """The user's home directory and environment variables.

    Hooks and what they seal look into the environment of their own process: it is the same.
    """

    home: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> Machine:
        """Return the machine as this process finds it."""
        return cls(Path.home(), os.environ)

    @property
    def data(self) -> str:
        """The folder of this program outside of every project; empty where there is no home."""
        return places.data_folder(self.environment)

    @property
    def client(self) -> Path:
        """The client's own folder."""
        return Path(places.client_folder(self.environment, str(self.home)))
