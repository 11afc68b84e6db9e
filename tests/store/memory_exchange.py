"""A team's store in memory: the port in its shortest form, for tests that need no server.

Machines of a team are views of one `MemoryTeam`, as of one database: `team.seen_by(machine)`.
Its clock is turned by hand.
"""

from __future__ import annotations

from collections import defaultdict
from threading import RLock

from meta_experiment.errors import ConflictError, LockedError, NotFoundError, cite
from meta_experiment.store.exchange import (
    Batch,
    Lease,
    LeasedRange,
    RowKind,
    TeamMachine,
    WrittenRow,
    next_generation,
)

_NOBODY = Lease("", "", 0, 0.0)


class MemoryTeam:
    """What all machines share; `now` is the store's clock, in seconds."""

    def __init__(self, project="project"):
        self.project, self.now, self.lock = project, 0.0, RLock()
        self.owner, self.keys, self.admissions = None, {}, {}
        self.joined, self.shipped = {}, {}
        self.experiments, self.contents, self.notes = {}, {}, defaultdict(list)
        self.batches = defaultdict(list)  # by experiment, machine and log
        self.ranges = defaultdict(list)
        self.leases, self.decisions = {}, defaultdict(list)

    def seen_by(self, machine):
        return MemoryExchange(self, machine)


class MemoryExchange:
    """One machine's view of a team."""

    def __init__(self, team, machine):
        self._team, self.project, self.machine = team, team.project, machine

    def close(self):
        pass

    def unread(self, _experiment_id):
        return []

    def unread_machines(self):
        return []

    def lock_holders(self, _logs):
        return []

    def owner(self):
        return self._team.owner

    def join(self, key):
        team = self._team
        with team.lock:
            known = team.keys.get(key.machine)
            if known and known.public_key != key.public_key:
                raise ConflictError(f"Another key has the id {cite(key.machine)}.")
            team.keys[key.machine] = key
            team.joined.setdefault(key.machine, team.now)
            team.owner = team.owner or key
            return team.owner

    def machines(self):
        team = self._team
        return [
            TeamMachine(
                key,
                tuple(word for (name, _), word in sorted(team.admissions.items())
                      if name == key.machine),
                team.joined[key.machine],
                team.shipped.get(key.machine),
            )
            for key in team.keys.values()
        ]  # fmt: skip

    def admit(self, admission):
        team = self._team
        with team.lock:
            if admission.machine not in team.keys:
                raise NotFoundError(f"No machine {cite(admission.machine)} joined.")
            place = admission.machine, admission.number
            if team.admissions.setdefault(place, admission) != admission:
                raise ConflictError(f"Another word on it has the number {admission.number}.")

    def publish(self, experiment, contents):
        team, name = self._team, experiment.experiment_id
        with team.lock:
            copied = {path: dict(arms) for path, arms in contents.items()}
            if team.experiments.setdefault(name, experiment) != experiment:
                raise ConflictError(f"{cite(name)} has another plan.")
            if team.contents.setdefault(name, copied) != copied:
                raise ConflictError(f"{cite(name)} has other texts.")

    def published(self, experiment_id=None):
        every = self._team.experiments.values()
        return [item for item in every if experiment_id in (None, item.experiment_id)]

    def contents(self, experiment_id):
        self._require(experiment_id)
        return {path: dict(arms) for path, arms in self._team.contents[experiment_id].items()}

    def note(self, note):
        with self._team.lock:
            self._require(note.experiment_id)
            notes = self._team.notes[note.experiment_id]
            for known in notes:
                if known._replace(number=note.number) == note:
                    return known.number
            notes.append(note._replace(number=len(notes) + 1))
            return len(notes)

    def notes(self, experiment_id, after=0):
        return self._team.notes[experiment_id][after:]

    def sizes(self, experiment_id=None):
        return {
            (name, log): batches[-1].end
            for (name, machine, log), batches in self._team.batches.items()
            if machine == self.machine and batches and experiment_id in (None, name)
        }

    def size(self, experiment_id, log):
        return self.sizes().get((experiment_id, log), 0)

    def ship(self, batches):
        team, new, ends = self._team, [], {}
        with team.lock:
            for batch in batches:
                self._require(batch.experiment_id)
                place = batch.experiment_id, batch.machine, batch.log
                known = team.batches[place]
                end = ends.get(place, known[-1].end if known else 0)
                if batch.first == end:
                    new.append(batch)
                    ends[place] = batch.end
                elif batch not in known and batch not in new:
                    raise ConflictError(
                        f"The store has {cite(batch.log)} up to {end}, not {batch.first}."
                    )
            for batch in new:
                team.batches[batch.experiment_id, batch.machine, batch.log].append(
                    Batch(*batch)
                )
                team.shipped[batch.machine] = team.now
        return sum(len(batch.lines) for batch in new)

    def batches_after(self, experiment_id, machines, cursors):
        for (name, machine, log), batches in sorted(self._team.batches.items()):
            if name == experiment_id and machine in machines:
                known = cursors.get((machine, log), 0)
                yield from [batch for batch in batches if batch.end > known]

    def lease_positions(self, experiment_id, count, known):
        team = self._team
        with team.lock:
            self._require(experiment_id)
            ranges = team.ranges[experiment_id]
            mine = [item.positions for item in ranges if item.machine == self.machine]
            if len(mine) > known:
                return mine[known]
            first = (
                ranges[-1].positions.stop
                if ranges
                else team.experiments[experiment_id].beginning
            )
            ranges.append(LeasedRange(self.machine, range(first, first + count)))
            return ranges[-1].positions

    def leased(self, experiment_id):
        return list(self._team.ranges[experiment_id])

    def leased_end(self, experiment_id):
        ranges = self._team.ranges[experiment_id]
        known = self._team.experiments.get(experiment_id)
        begins = known.beginning if known else 0
        return ranges[-1].positions.stop if ranges else begins

    def pass_positions(self, experiment_id, end):
        with self._team.lock:
            self._require(experiment_id)
            passed = range(self.leased_end(experiment_id), end)
            if passed:
                self._team.ranges[experiment_id].append(LeasedRange(self.machine, passed))

    def lease(self, experiment_id):
        held = self._team.leases.get(experiment_id, _NOBODY)
        left = held.seconds - self._team.now
        return held._replace(seconds=left) if left > 0 else None

    def lease_decision(self, experiment_id, seconds, over=None):
        team = self._team
        with team.lock:
            self._require(experiment_id)
            last, held = team.leases.get(experiment_id, _NOBODY), self.lease(experiment_id)
            fence = last.fence
            if held is None or held.machine != self.machine or held.fence == over:
                if held is not None and held.fence != over:
                    return None
                fence += 1
            lease = Lease(experiment_id, self.machine, fence, seconds)
            team.leases[experiment_id] = lease._replace(seconds=team.now + seconds)
            return lease

    def renew(self, lease, seconds):
        with self._team.lock:
            self._hold(lease)
            until = self._team.now + seconds
            self._team.leases[lease.experiment_id] = lease._replace(seconds=until)
            return lease._replace(seconds=seconds)

    def release(self, lease):
        with self._team.lock:
            held = self._team.leases[lease.experiment_id]
            if (held.machine, held.fence) == (lease.machine, lease.fence):
                over = held._replace(seconds=self._team.now)
                self._team.leases[lease.experiment_id] = over

    def decide(self, lease, decision):
        with self._team.lock:
            known = self._team.decisions[lease.experiment_id]
            if decision in known:
                return
            self._hold(lease)
            if decision.generation != next_generation(known):
                raise ConflictError(f"{len(known)} decisions are known.")
            known.append(decision)

    def decisions(self, experiment_id):
        return list(self._team.decisions[experiment_id])

    def written(self, experiment_id):
        team = self._team
        rows = [
            (RowKind.POSITIONS, it.positions.start, it.machine)
            for it in team.ranges[experiment_id]
        ]
        if held := team.leases.get(experiment_id):
            rows.append((RowKind.LEASE, held.fence, held.machine))
        rows += [
            (RowKind.DECISION, it.generation, it.machine)
            for it in team.decisions[experiment_id]
        ]
        return [WrittenRow(*row, "somebody") for row in rows]

    def _require(self, experiment_id):
        if experiment_id not in self._team.experiments:
            raise NotFoundError(f"{cite(experiment_id)} is not published.")

    def _hold(self, lease):
        held = self._team.leases.get(lease.experiment_id, _NOBODY)
        if (held.machine, held.fence) != (lease.machine, lease.fence):
            raise LockedError(f"Another machine may decide {cite(lease.experiment_id)}.")
