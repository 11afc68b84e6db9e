"""A store in memory: the ports in their shortest form, for tests that need no disk.

The program itself has no use for what is gone with its process, so it stands here.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from threading import RLock

from meta_experiment.errors import CorruptStoreError, NotFoundError, UsageError, cite
from meta_experiment.files.confine import plain_path
from meta_experiment.model.registry import as_stored
from meta_experiment.model.secrets import redacted_value
from meta_experiment.store.fold.events import encode_event
from meta_experiment.store.fold.fold import Fold
from meta_experiment.store.fold.identifiers import new_trial_id
from meta_experiment.store.fold.observed import outcome_events
from meta_experiment.store.fold.trial_columns import Trials, closed_values, units_used
from meta_experiment.store.history import History, HistoryEntry
from meta_experiment.store.inline_trials import with_inline_trials, with_inline_units
from meta_experiment.store.trial_log import AssignedTrial, TrialLog
from meta_experiment.types import Status


def open_store(layout, files, checkout):
    del layout, files
    return MemoryStore(checkout)


class MemoryStore:
    """Every method holds the lock: threads are what processes are to files."""

    def __init__(self, checkout):
        self._checkout = checkout
        self._lock = RLock()
        self._registry, self._archive, self._revision = {}, {}, 0
        self._folds, self._events = defaultdict(Fold), defaultdict(int)
        self._arms = defaultdict(dict)  # by experiment: unit -> (position, variant)
        self._texts, self._histories = {}, defaultdict(list)

    def experiments(self):
        return list(self._registry.values())

    def experiment(self, experiment_id):
        known = self._archive | self._registry
        if experiment_id not in known:
            raise NotFoundError(f"There is no experiment {cite(experiment_id)}.")
        return known[experiment_id]

    def archived_ids(self):
        return frozenset(self._archive)

    def archived(self, experiment_id):
        return self._archive[experiment_id]

    def archived_last(self, text=None):
        for name in sorted(self._archive.keys() - self._registry.keys(), reverse=True):
            if text is None or text in repr(self._archive[name]):
                yield self._archive[name]

    def add(self, make):
        with self._lock:
            made = make(self.experiments())
            return self._registry.get(made.experiment_id) or self._put(as_stored(made))

    def change(self, experiment_id, change):
        with self._lock:
            before = self.experiment(experiment_id)
            after = change(before)
            return before, before if after == before else self._put(as_stored(after))

    def change_all(self, change):
        with self._lock:
            after = [as_stored(change(item)) for item in self.experiments()]
            pairs = list(zip(self.experiments(), after, strict=True))
            for before, item in pairs:
                if item != before:
                    self._put(item)
            return [(old, old if new == old else new) for old, new in pairs]

    def _put(self, experiment):
        name = experiment.experiment_id
        if experiment.status is Status.ARCHIVED:
            self._archive[name] = experiment
            self._registry.pop(name, None)
        else:
            self._registry[name] = experiment
        self._revision += 1
        return experiment

    def revision(self):
        return self._revision

    def assign(self, experiment_id, unit, draw, at, *, draw_apart=None, drawn_by=None):
        del draw_apart
        with self._lock:
            if not unit:
                raise UsageError("The unit has 0 bytes.")
            arms = self._arms[experiment_id]
            repeated, position = unit in arms, len(arms)
            if not repeated:
                arms[unit] = position, draw(position)
            position, variant = arms[unit]
            drawn = AssignedTrial(unit, variant, new_trial_id(), position, repeated)
            by = drawn_by(position) if drawn_by and not repeated else ""
            trial = drawn.trial_id, variant, unit, at
            self._folds[experiment_id].assign(position, trial, by)
            self._events[experiment_id] += 1
            return drawn

    def append(self, experiment_id, events):
        self._append({experiment_id: events})

    def check_events(self, events):
        for event in events:
            encode_event(event)

    def record(self, observations, at):
        with self._lock:
            recorded, events = outcome_events(observations, at, dict(self._folds))
            self._append(events)
            return recorded

    def _append(self, events):
        """Encode all before any is taken in: a line that could not be read back refuses all."""
        with self._lock:
            lines = {name: list(map(encode_event, some)) for name, some in events.items()}
            for name, some in lines.items():
                self._folds[name].take("memory", self._events[name], map(json.loads, some))
                self._events[name] += len(some)

    def follow(self, _):
        return self.trials

    def closed_values(self, experiment, metric):
        fold = self._folds.get(experiment.experiment_id) or Fold()
        return closed_values(fold.columns, metric)

    def trials(self, experiment):
        name = experiment.experiment_id
        fold = self._folds.get(name) or Fold()
        log = TrialLog(
            trials=tuple(Trials(fold.columns)),
            set_aside=tuple(fold.set_aside),
            set_aside_count=fold.set_aside_count,
            conflicts=tuple(fold.conflicts),
            conflict_count=fold.conflict_count,
            apart=(),
            sources={"memory": self._events.get(name, 0)},
            bytes_read=0,
        )
        return with_inline_trials(log, experiment, lambda: False)

    def used(self, experiment):
        fold = self._folds.get(experiment.experiment_id) or Fold()
        return with_inline_units(units_used(fold.columns), experiment)

    def conflicts(self, experiment, trial_ids):
        said = self.trials(experiment).conflicts
        return [item for item in said if item.trial_id in trial_ids]

    def logged(self):
        return {name for name, count in self._events.items() if count}

    def log_revision(self, experiment_id):
        return self._events.get(experiment_id, 0)

    def save_variants(self, experiment_id, contents):
        for path, arms in contents.items():
            for name, content in arms.items():
                self._texts[experiment_id, plain_path(path), name] = content

    def variant(self, experiment, name):
        found = {}
        for path, arms in experiment.versions.items():
            content = self._texts.get((experiment.experiment_id, path, name))
            if arms[name] is None:
                found[path] = None
                continue
            if content is None:
                raise NotFoundError(f"The text of {cite(path)} in {cite(name)} is gone.")
            if content.sha256 != arms[name].sha256:
                raise CorruptStoreError(f"The text of {cite(path)} is another one.")
            found[path] = content
        return found

    def note(self, experiment_id, entry, *, own=False):
        del own
        try:
            document = json.loads(json.dumps(redacted_value(asdict(entry)), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise UsageError(f"The history entry cannot be stored: {error}.") from error
        self._histories[experiment_id].append(HistoryEntry(**document))

    def history(self, experiment_id):
        return History(tuple(self._histories.get(experiment_id, ())), ())
