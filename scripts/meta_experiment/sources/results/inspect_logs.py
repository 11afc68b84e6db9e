"""Logs of Inspect: one task on one model, as JSON or as the archive `.eval`."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from meta_experiment.errors import RefusedError, StorageError, UsageError
from meta_experiment.model import strict_json
from meta_experiment.sources.results.benchmark import Origin, instant
from meta_experiment.sources.results.harness_runs import HarnessRuns, part, words
from meta_experiment.sources.results.imported import NOT_GRADED, ImportedTrials
from meta_experiment.types import TrialStatus

KIND = "inspect"
ARCHIVE = ".eval"
_LETTERS = {"C": (1.0, 1.0), "I": (0.0, 0.0), "N": (0.0, 0.0), "P": (0.5, None)}
_OUT_OF_TIME = ("time", "working")
_MOST_SAMPLES = 20_000
_USAGE = ("input_tokens", "output_tokens", "total_tokens")

Sample = Mapping[str, Any]


def recognised(document: Mapping[str, Any]) -> bool:
    """Say whether a document is such a log."""
    about = part(document, "eval")
    return {"task", "model"} <= about.keys() and "status" in document


def parse(origin: Origin, document: Mapping[str, Any]) -> ImportedTrials:
    """Read every sample; epochs of one are repeats of one case.

    Raises:
        RefusedError: no run counts, or the log holds no samples.
    """
    about = part(document, "eval")
    model = words(about.get("model")) or "model"
    found = HarnessRuns(KIND, origin, {"model": model})
    samples = document.get("samples")
    if not isinstance(samples, list) or not samples:
        raise RefusedError(
            f"{origin.name} holds no samples of its task.",
            hint="Log them: inspect eval --log-samples",
        )
    status = document.get("status")
    if status != "success":
        found.ledger.note(f"The evaluation did not end well ({status!r}); what ran was read.")
    scorers = _scorers(samples)
    if len(scorers) > 1:
        found.ledger.note(
            f"Of {len(scorers)} scorers the first, {scorers[0]}, was taken: "
            f"{', '.join(scorers[1:])} were left out."
        )
    for sample in samples:
        if isinstance(sample, Mapping):
            _add(found, model, sample, scorers[0] if scorers else None)
    return found.imported(words(about.get("task")), instant(words(about.get("created"))))


def from_archive(data: bytes, name: str, largest: int) -> dict[str, object]:
    """Return the log that an archive holds, as if it had been written as JSON.

    Raises:
        UsageError: it is no such archive. StorageError: it unpacks to over `largest` bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            left = [largest]
            header = _member(archive, "header.json", name, left)
            if not isinstance(header, dict):
                raise UsageError(f"{name} is an archive of something else than a log.")
            return {**header, "samples": list(_samples(archive, name, left))}
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError) as error:
        raise UsageError(
            f"{name} is no log of Inspect that can be unpacked: {error}.",
            hint="Write it as JSON: inspect log dump LOG > log.json",
        ) from error


def _samples(archive: zipfile.ZipFile, name: str, left: list[int]) -> Iterator[object]:
    """Yield what is known of each sample, without its conversation where that is told apart."""
    names = archive.namelist()
    if "summaries.json" in names:
        summaries = _member(archive, "summaries.json", name, left)
        yield from summaries if isinstance(summaries, list) else ()
        return
    paths = [path for path in names if path.startswith("samples/") and path.endswith(".json")]
    if len(paths) > _MOST_SAMPLES:
        raise StorageError(f"{name} holds more than {_MOST_SAMPLES:,} samples.")
    for path in sorted(paths):
        yield _member(archive, path, name, left)


def _member(archive: zipfile.ZipFile, path: str, name: str, left: list[int]) -> object:
    with archive.open(path) as stream:
        data = stream.read(left[0] + 1)
    left[0] -= len(data)
    if left[0] < 0:
        raise StorageError(f"{name} unpacks to more than can be read at once.")
    return strict_json.parse(data.decode("utf-8", "replace"), f"{name}/{path}")


def _scorers(samples: list[object]) -> list[str]:
    names = [name for item in samples for name in part(item, "scores")]
    return list(dict.fromkeys(names))


def _add(found: HarnessRuns, arm: str, sample: Sample, scorer: str | None) -> None:
    case, at = str(sample.get("id")), instant(words(sample.get("started_at")))
    limit = sample.get("limit")
    limit = part(sample, "limit").get("type") if isinstance(limit, Mapping) else limit
    if sample.get("error"):
        found.lost(arm, case, "ended by an error, which is no score", at=at)
        return
    if limit == "operator":
        found.lost(arm, case, "ended by a person", at=at)
        return
    record: dict[str, object] = {"duration_seconds": sample.get("total_time")}
    scored = part(part(sample, "scores"), scorer).get("value") if scorer else None
    record |= _graded(scored)
    if scored is not None and "score" not in record:
        found.ledger.exclude(NOT_GRADED)
    usage = [part(sample["model_usage"], name) for name in part(sample, "model_usage")]
    for name in _USAGE:
        known = [item[name] for item in usage if isinstance(item.get(name), int)]
        record[name] = sum(known) if known else None  # type: ignore[arg-type]
    status = TrialStatus.TIMEOUT if limit in _OUT_OF_TIME else TrialStatus.OK
    found.add(arm, case, record, status=status, at=at)


def _graded(value: object) -> dict[str, object]:
    """Read the value of a score: a letter, a truth or a number; of others nothing is known."""
    if isinstance(value, str) and value in _LETTERS:
        score, success = _LETTERS[value]
        return {"score": score, "success": success}
    if isinstance(value, bool):
        return {"score": float(value), "success": float(value)}
    if isinstance(value, int | float) and math.isfinite(value):
        whole = float(value) if value in (0, 1) else None
        return {"score": float(value), "success": whole}
    return {}
