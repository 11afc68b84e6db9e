"""The key by which this machine signs what it ships; it never leaves the machine's folder."""

from __future__ import annotations

from pathlib import Path

from meta_experiment.errors import StorageError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.records import dataclass
from meta_experiment.services.teams.signatures import SigningKey
from meta_experiment.services.teams.statements import machine_id
from meta_experiment.store.exchange import MachineKey
from meta_experiment.store.local.sealing import drawn_secret

KEY_FILE = "signing-key"


@dataclass(frozen=True, slots=True)
class Signer:
    """This machine, as it signs: its public key and name, and the private key to it."""

    key: MachineKey
    signing: SigningKey

    @property
    def machine(self) -> str:
        """The id of this machine."""
        return self.key.machine

    def sign(self, statement: bytes) -> bytes:
        """Return this machine's signature of a statement."""
        return self.signing.sign(statement)


def own_signer(data: str, files: FileSystem, name: str) -> Signer:
    """Return this machine's key, drawn at first use; `data` is its own folder.

    Raises:
        DependencyError: the package that signs is not installed.
        LockedError: another process draws it for too long. StorageError: the disk refused, or
            there is no home to keep it in, or what is there is no key.
    """
    if not data:
        raise StorageError(
            "There is no home folder, so that this machine has no key to sign with.",
            hint="Set HOME.",
        )
    path = Path(data, KEY_FILE)
    digits = drawn_secret(files, path, "draw the key that signs")
    try:
        signing = SigningKey(bytes.fromhex(digits.decode("ascii")))
    except ValueError as error:
        raise StorageError(
            f"{path} holds no key: expected 64 hex digits.",
            hint="Put back what it held. Without that this machine is a new one to the team: "
            "remove the file, then `meta-experiment store use` and ask the owner to admit it.",
        ) from error
    public = signing.public_key
    return Signer(MachineKey(machine_id(public), public, name), signing)
