"""Export of what is on record, from where the last one to the same destination ended.

The place is kept outside of the project, batch by batch: what a crash cuts off is sent again,
under the same identity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import NetworkError, StorageError
from meta_experiment.files.durable import append_lines, ensure_directory
from meta_experiment.files.lock import FileLock
from meta_experiment.outbound.telemetry.event_lines import event_line
from meta_experiment.outbound.telemetry.otlp import require_otlp, send_otlp
from meta_experiment.services.find import find_in
from meta_experiment.services.kept_outside import TELEMETRY, require_kept_outside
from meta_experiment.services.telemetry.recorded_events import recorded_events
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment
from meta_experiment.types.results.telemetry_export import TelemetryExport
from meta_experiment.types.telemetry import OTLP, TelemetryEvent

_BATCH = 500  # events
_Sender = Callable[[Sequence[TelemetryEvent]], None]


def export_otlp(
    workspace: Workspace, selectors: Sequence[str], *, within: float
) -> TelemetryExport:
    """Send what is new over OTLP; `within` are seconds for each batch.

    Raises:
        DependencyError: the SDK is missing, or there is no home to keep the place in.
        LockedError: another process exports just now.
    """
    environment = workspace.machine.environment
    require_otlp(environment)
    endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")

    def send(events: Sequence[TelemetryEvent]) -> None:
        send_otlp(events, within=within)

    return _exported(workspace, selectors, OTLP, f"{OTLP} {endpoint}", send)


def export_file(workspace: Workspace, selectors: Sequence[str], path: Path) -> TelemetryExport:
    """Append what is new to a file of JSON lines; one that is gone is begun anew.

    Raises:
        StorageError: it cannot be written. DependencyError, LockedError: as `export_otlp`.
    """
    path = path.absolute()
    anew = not path.exists()

    def send(events: Sequence[TelemetryEvent]) -> None:
        data = "".join(f"{event_line(event)}\n" for event in events).encode()
        try:
            append_lines(workspace.files, path, data)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}.") from error

    return _exported(workspace, selectors, str(path), f"file {path}", send, anew=anew)


def all_lines(workspace: Workspace, selectors: Sequence[str], most: int) -> tuple[str, ...]:
    """Return every event on record as a line of JSON, the first so many."""
    chosen = _chosen(workspace, selectors)
    events = (event for experiment in chosen for event in _events(workspace, experiment))
    return tuple(event_line(event) for event in islice(events, most))


def _exported(
    workspace: Workspace,
    selectors: Sequence[str],
    destination: str,
    key: str,
    send: _Sender,
    *,
    anew: bool = False,
) -> TelemetryExport:
    folder = require_kept_outside(workspace, TELEMETRY) / sha256(key.encode()).hexdigest()[:16]
    sent: Counter[str] = Counter()
    waiting, reason = 0, None
    with FileLock(workspace.layout.lock("telemetry"), verb="telemetry export"):
        for experiment in _chosen(workspace, selectors):
            place = folder / f"{experiment.experiment_id}.sent"
            known = set() if anew else _known(place)
            new = [it for it in _events(workspace, experiment) if it.identity not in known]
            if anew and place.exists():
                workspace.files.remove(place)
            while new and reason is None:
                batch, new = new[:_BATCH], new[_BATCH:]
                try:
                    send(batch)
                except NetworkError as error:
                    new, reason = batch + new, error.message
                    break
                _keep(workspace, place, batch)
                sent.update(event.kind.value for event in batch)
            waiting += len(new)
    return TelemetryExport(destination, dict(sorted(sent.items())), waiting, reason)


def _chosen(workspace: Workspace, selectors: Sequence[str]) -> list[Experiment]:
    if selectors:
        return [find_in(workspace.store, item) for item in selectors]
    return workspace.store.experiments()


def _events(workspace: Workspace, experiment: Experiment) -> list[TelemetryEvent]:
    if experiment.started is None:
        return []
    return recorded_events(experiment, workspace.store.trials(experiment).trials)


def _known(place: Path) -> set[str]:
    try:
        return set(place.read_text("ascii").split())
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{place} cannot be read: {error}.") from error


def _keep(workspace: Workspace, place: Path, batch: Sequence[TelemetryEvent]) -> None:
    data = "".join(f"{event.identity}\n" for event in batch).encode()
    try:
        ensure_directory(workspace.files, place.parent)
        append_lines(workspace.files, place, data)
    except OSError as error:
        raise StorageError(f"{place} cannot be written: {error.strerror}.") from error
