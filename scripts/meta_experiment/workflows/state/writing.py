"""Writing a run into a state file that other processes write to at the same time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from meta_experiment.errors import StorageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.workflows.ledger_text import BASELINE, FILE_MODE, KEPT, ledger_line
from meta_experiment.workflows.state.ledger import LedgerRun, RunLedger
from meta_experiment.workflows.state.parsing import LEGACY_FILE, read_state, whole_document
from meta_experiment.workflows.state.union import cut_off, merged


def record_run(
    files: FileSystem,
    path: Path,
    run: LedgerRun,
    *,
    gated: Collection[str] = (),
    keep: int = KEPT,
) -> RunLedger:
    """Add a run to a state file and return what the file then holds.

    The form follows the file's name. A run that is in it already is not added again. Whatever
    the file holds besides is kept, a line that nobody can read as well: as long as there is
    one, nothing is cut off.

    Args:
        files: the disk.
        path: `state.jsonl` or `state.json`; made when missing.
        run: one attempt of a run.
        gated: the experiments that draw nothing on that day, which the older form does not
            count; the newer one tells it by `run.drawn`.
        keep: how many runs are listed.

    Raises:
        CorruptStoreError: nothing in the file can be read. LockedError: somebody else writes
            for too long. StorageError: it cannot be read or written.
    """
    with _alone(path):
        try:
            data = files.read(path)
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
        before = read_state(data, path.name)
        after = merged([before, RunLedger(runs=(run,))])
        if after.runs == before.runs:
            return before
        whole = whole_document(data) if data else {}
        if path.name == LEGACY_FILE and whole is not None:
            data = _legacy_text(whole, run, gated, keep)
        elif not after.bad and (len(after.runs) > keep or (whole and data.count(b"\n") > 1)):
            data = ledger_text(after, keep, before)
        else:
            rest = b"" if data.endswith(b"\n") or not data else b"\n"
            data += rest + ledger_line(run_document(run))
        try:
            write_atomically(files, path, data, FILE_MODE)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}.") from error
        return read_state(data, path.name)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of a state file, and leave none where others commit all that there is."""
    lock = path.with_name(f".{path.name}.lock")
    with FileLock(lock, verb="workflow"):
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()


def ledger_text(ledger: RunLedger, keep: int = KEPT, before: RunLedger | None = None) -> bytes:
    """Write a ledger a run a line; what is cut off is counted on the first that is kept.

    `before` is the ledger that was written last, none of whose counts is of a run added since.
    """
    kept = ledger.runs[-keep:]
    gone = ledger.runs[: len(ledger.runs) - len(kept)]
    documents = [run_document(run) for run in kept]
    beyond = {name: _beyond(before or ledger, name, gone) for name in ledger.experiments}
    beyond = {name: counts for name, counts in beyond.items() if counts}
    if beyond and documents:
        documents[0][BASELINE] = beyond
    elif beyond:
        documents = [{"counts": beyond, "runs": []}]
    return b"".join(map(ledger_line, documents))


def run_document(run: LedgerRun) -> dict[str, Any]:
    """Return what stands of a run in a ledger."""
    told = {"timestamp": run.timestamp, "harness_version": run.harness}
    return {
        "run_id": run.run_id,
        **{name: value for name, value in told.items() if value is not None},
        "assignments": dict(run.assignments),
        **run.more,
    }


def _beyond(ledger: RunLedger, name: str, gone: Iterable[LedgerRun]) -> dict[str, int]:
    counts = Counter(run.assignments[name] for run in gone if name in run.assignments)
    return dict(sorted((counts + Counter(cut_off(ledger, name))).items()))


def _legacy_text(
    whole: Mapping[str, Any], run: LedgerRun, gated: Collection[str], keep: int
) -> bytes:
    """Count a run and list it, with all that the document holds besides."""
    document = dict(whole)
    counts = {name: dict(of) for name, of in (document.get("counts") or {}).items()}
    for name, variant in run.assignments.items():
        if name not in gated:
            known = counts.setdefault(name, {})
            known[variant] = known.get(variant, 0) + 1
    listed = {"run_id": run.run_id, "timestamp": run.timestamp}
    runs = [*(document.get("runs") or []), listed | {"assignments": dict(run.assignments)}]
    document |= {"counts": counts, "runs": runs[-keep:]}
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
