"""What machines of a team sign: statements that can be taken for nothing else.

Each begins with what it is, and its parts are told apart by their lengths, so that what was
signed for one project, experiment, plan, machine, log or place in it is believed nowhere else.
"""

from __future__ import annotations

import hashlib

from meta_experiment.store.exchange import Batch, MachineAdmission, PublishedExperiment

ID_DIGITS = 16  # of a machine


def machine_id(public_key: bytes) -> str:
    """Return the id of the machine with a public key."""
    return hashlib.sha256(public_key).hexdigest()[:ID_DIGITS]


def fingerprint(public_key: bytes) -> str:
    """Return a public key as people compare it: all of its SHA-256, in groups."""
    digits = hashlib.sha256(public_key).hexdigest()
    return " ".join(digits[start : start + 8] for start in range(0, len(digits), 8))


def statement(kind: str, *parts: str | bytes | int) -> bytes:
    """Return the bytes that are signed for a statement of a kind."""
    said = [f"meta-experiment {kind} 1\n".encode()]
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape")
        said.append(b"%d:%b," % (len(data), data))
    return b"".join(said)


def batch_statement(project: str, plan_sha256: str, batch: Batch) -> bytes:
    """Say that a machine wrote these lines at this place of its log, under this plan."""
    digest = hashlib.sha256(batch.lines).digest()
    place = batch.experiment_id, plan_sha256, batch.machine, batch.log, batch.first
    return statement("batch", project, *place, digest)


def admission_statement(project: str, admission: MachineAdmission) -> bytes:
    """Say that a machine counts in a project, or counts no longer."""
    counts = "counts" if admission.counts else "counts no longer"
    key = admission.machine, admission.public_key
    return statement("admission", project, *key, admission.number, counts)


def publication_statement(project: str, published: PublishedExperiment) -> bytes:
    """Say that a machine published this experiment, from this position on.

    The texts of the arms are in the hash of the plan.
    """
    digest = hashlib.sha256(published.document).digest()
    what = published.experiment_id, published.plan_sha256, published.machine
    return statement("experiment", project, *what, digest, published.beginning)
