"""The port of a team's store: where machines exchange what each of them wrote locally.

An exchange is of one project, as one machine sees it. It keeps bytes and signatures and checks
none of them: who can write to it could write anything, so that whoever takes something out
checks signatures, offsets and hashes and sets aside what does not fit. It promises order and
uniqueness, by its own order and its own clock; it never compares a time of a machine.

What was asked for and not acknowledged may have been done. Every method may be called again
with the same arguments and then tells what stands.

Nothing is read whose size was not looked at before. A value that is larger than this program
writes comes without its bytes, and `left_out` says why; what is too much as a whole is refused.

Every method raises, beside what it names:
    NetworkError: nobody answered, or the connection was lost.
    RemoteError: the store refused (credentials, privileges, a replica that cannot be written).
    NewerVersionError: the store is of a later version, and says this program is too old.
    CorruptStoreError: what is there is more than any program of ours writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from meta_experiment.errors import as_word
from meta_experiment.files.confine import Content

BYTES_AT_MOST = 4 << 20  # of a batch or document that a program writes, and reads again

Cursors = Mapping[tuple[str, str], int]  # by machine and log: how much of it one has, in bytes
Contents = Mapping[str, Mapping[str, Content | None]]  # by path, then by variant


class MachineKey(NamedTuple):
    """A machine by the key under which it signs.

    `machine` is the first 16 hex digits of the SHA-256 of its public key (Ed25519, 32 bytes);
    `name` is for people.
    """

    machine: str
    public_key: bytes
    name: str


class MachineAdmission(NamedTuple):
    """The word of the project's owner that a machine counts, or counts no longer.

    Of several for one machine that with the highest `number` (1, 2, …) holds; it is signed too.
    """

    machine: str
    public_key: bytes
    number: int
    counts: bool
    signature: bytes


class TeamMachine(NamedTuple):
    """A machine that joined, and what the owner said of it, the last word last.

    `joined` and `shipped` (None: nothing yet) are times of the store, for people.
    """

    key: MachineKey
    admissions: tuple[MachineAdmission, ...]
    joined: float
    shipped: float | None


class PublishedExperiment(NamedTuple):
    """An experiment as a machine published it, under its signature.

    `document` is JSON text and comes back to the byte. Ranges of positions are leased from
    `beginning` on: those below are given out already.
    """

    experiment_id: str
    plan_sha256: str
    document: bytes
    machine: str
    signature: bytes
    beginning: int = 0


class Batch(NamedTuple):
    """Whole lines that one machine added to one of its logs, in order, under its signature.

    `first` is the offset in bytes at which `lines` begin in that log; its head does not count.
    """

    experiment_id: str
    machine: str
    log: str
    first: int
    lines: bytes
    signature: bytes
    left_out: str = ""

    @property
    def end(self) -> int:
        """The offset behind its last line."""
        return self.first + len(self.lines)


class LeasedRange(NamedTuple):
    """Positions of an experiment's one sequence that one machine alone may give out."""

    machine: str
    positions: range


class Lease(NamedTuple):
    """The right to decide an experiment, for so many seconds of the store's clock.

    `fence` is another with every holder, so that one who was held up too long is known by it.
    Its signature is that of the machine, over the fence; without one nobody holds it.
    """

    experiment_id: str
    machine: str
    fence: int
    seconds: float
    signature: bytes = b""


class TeamDecision(NamedTuple):
    """What was decided of an experiment, once in each generation (0, 1, …).

    `document` is JSON text. Its signature is that of the machine that held the lease. Fence and
    generation are its place in this store: one that forgot it may get it again in another.
    """

    experiment_id: str
    generation: int
    machine: str
    fence: int
    document: bytes
    signature: bytes
    left_out: str = ""


class TeamNote(NamedTuple):
    """Something that a machine says of an experiment to all others: carried out, paused, ….

    The store numbers them (1, 2, …) in each experiment; 0 is one that it does not have yet.
    """

    experiment_id: str
    number: int
    machine: str
    document: bytes
    signature: bytes
    left_out: str = ""


class WrittenRow(NamedTuple):
    """A row of what one machine alone may do, and which user of the database wrote it.

    `kind` is what it is of, `place` its first position, fence or generation. `by` is empty
    where the row is of a time before that was kept.
    """

    kind: RowKind
    place: int
    machine: str
    by: str


class LockHolder(NamedTuple):
    """Who holds in the store what others wait for, as far as it lets this user see that.

    `user` is that of the database, `since` when its transaction, else its connection, began by
    the clock of the store, empty where this user may not see it. A `pid` of 0 is a transaction
    that was prepared and left.
    """

    user: str
    pid: int
    since: str = ""

    @property
    def sentence(self) -> str:
        """Name it."""
        if not self.pid:
            return "a prepared transaction (select * from pg_prepared_xacts)"
        if not self.user:
            return f"a process of the server (pid {self.pid})"
        since = f"since {self.since}" if self.since else "since when this user may not see"
        return f"the database's user {as_word(self.user)} (pid {self.pid}), {since}"


def ending_hint(holders: Sequence[LockHolder]) -> str:
    """Say how whoever runs the server ends what others hold."""
    ends = "; ".join(f"select pg_terminate_backend({it.pid})" for it in holders if it.pid)
    unseen = [str(it.pid) for it in holders if it.pid and it.user and not it.since]
    looks = (
        "sees since when (select backend_start, xact_start from pg_stat_activity where pid in "  # noqa: S608
        f"({', '.join(unseen)})), and ends it"
    )
    if ends:
        return (
            "Ask who that is; trials wait here meanwhile. Whoever runs the server "
            f"{looks if unseen else 'ends it'}: {ends}"
        )
    return (
        "Trials wait here meanwhile. Whoever runs the server sees who it is: select * from "
        "pg_locks join pg_stat_activity using (pid) where granted"
    )


class UnreadRows(NamedTuple):
    """Rows of one user of the database that nobody reads, as they are too many beside others'.

    `what` names them for people, `size` is in bytes. `by` is empty where nobody is known.
    """

    what: str
    by: str
    rows: int
    size: int


class RowKind(Enum):
    """What one machine alone may do, as rows of the store say it."""

    POSITIONS = "positions"
    LEASE = "lease"
    DECISION = "decision"


def next_generation(decisions: Sequence[TeamDecision]) -> int:
    """Return the place of the next decision behind all that are there, whoever put them."""
    return max((item.generation for item in decisions), default=-1) + 1


class Members(Protocol):
    """Who belongs to a project."""

    @property
    def project(self) -> str:
        """The name of the project."""

    @property
    def machine(self) -> str:
        """The id of the machine that speaks."""

    def owner(self) -> MachineKey | None:
        """Return the owner of the project, None as long as nobody made it."""

    def join(self, key: MachineKey) -> MachineKey:
        """Publish this machine's key and name, make the project if need be; return its owner.

        Who makes the project is its owner. Joined again, a machine may have another name.

        Raises:
            ConflictError: another key has this id.
        """

    def machines(self) -> Sequence[TeamMachine]:
        """Return all machines that joined, in that order.

        Where these are too many, those that one user joined last are left out; this machine
        and those on which there is a word of the owner are not.
        """

    def unread_machines(self) -> Sequence[UnreadRows]:
        """Return what is left out of the machines, by who joined them."""

    def admit(self, admission: MachineAdmission) -> None:
        """Keep the owner's word on a machine.

        Raises:
            ConflictError: another word has this number. NotFoundError: no machine has this id.
        """


class Publications(Protocol):
    """The experiments of a project, their texts, and what was said of them."""

    def publish(self, experiment: PublishedExperiment, contents: Contents) -> None:
        """Publish an experiment with the bytes of its arms, all or nothing.

        Raises:
            ConflictError: this id has another plan, document or text.
        """

    def published(self, experiment_id: str | None = None) -> Sequence[PublishedExperiment]:
        """Return all experiments, in the order of their coming, or that of an id alone.

        Where plans are too much together, those of who wrote most come without them.
        """

    def contents(self, experiment_id: str) -> dict[str, dict[str, Content | None]]:
        """Return the bytes of every arm, by path, then by variant; None is no file.

        Raises:
            NotFoundError: there is no such experiment.
        """

    def note(self, note: TeamNote) -> int:
        """Tell the others something of an experiment; return its number.

        The same note of the same machine is kept once.

        Raises:
            NotFoundError: there is no such experiment.
        """

    def notes(self, experiment_id: str, after: int = 0) -> Sequence[TeamNote]:
        """Return what was told of an experiment behind this number, in the store's order.

        Where that is too much, that of who wrote most is left out, the largest first.
        """

    def unread(self, experiment_id: str) -> Sequence[UnreadRows]:
        """Return what is left out of an experiment's notes, by who wrote it."""


class LogExchange(Protocol):
    """The lines of all machines, each batch once."""

    def sizes(self, experiment_id: str | None = None) -> dict[tuple[str, str], int]:
        """Return how far the store has this machine's logs, by experiment and log.

        Of one experiment, where it is named. What it has nothing of is not named.
        """

    def size(self, experiment_id: str, log: str) -> int:
        """Return how far the store has one of this machine's logs; 0 of an unknown one."""

    def ship(self, batches: Iterable[Batch]) -> int:
        """Store batches of this machine, all or none; return how many bytes are new.

        One is new when it begins where the store's copy of its log ends. One that the store
        has already, to the byte, is passed over: an acknowledgement was lost.

        Raises:
            ConflictError: one leaves a gap, overlaps, or is not what the store has there.
            NotFoundError: an experiment is not published.
        """

    def batches_after(
        self, experiment_id: str, machines: Collection[str], cursors: Cursors
    ) -> Iterator[Batch]:
        """Yield the batches of these machines that end behind the cursors.

        Each log in order; one without a cursor from its beginning. A cursor that lies within a
        batch, as a crash may leave it, has that batch come again. This machine's own batches
        come as well, where it is named: another checkout on it wrote logs too.
        """


class Leases(Protocol):
    """What one machine alone may do, for a time or for good."""

    def lease_positions(self, experiment_id: str, count: int, known: int) -> range:
        """Lease the next so many positions, for good; `known` is how many ranges one has.

        When the store knows of more ranges of this machine than that, the first of those is
        returned instead: an acknowledgement was lost.

        Raises:
            NotFoundError: the experiment is not published.
        """

    def leased(self, experiment_id: str) -> Sequence[LeasedRange]:
        """Return all ranges of an experiment that are leased, in order of position."""

    def leased_end(self, experiment_id: str) -> int:
        """Return the position from which on none is leased."""

    def pass_positions(self, experiment_id: str, end: int) -> None:
        """Lease none of the positions before an end any more: somebody has them already.

        A store that was restored to an earlier moment is told so by who knows of them.

        Raises:
            NotFoundError: the experiment is not published.
        """

    def lease(self, experiment_id: str) -> Lease | None:
        """Return who has the right to decide, and for how long; None where nobody has it."""

    def lease_decision(
        self, experiment_id: str, seconds: float, over: int | None = None
    ) -> Lease | None:
        """Take the right to decide, or prolong it; None while another machine has it.

        One that has it under the fence `over` does not hold it: whoever takes it saw why. It
        is without a signature until it is renewed with one.

        Raises:
            NotFoundError: the experiment is not published.
        """

    def renew(self, lease: Lease, seconds: float) -> Lease:
        """Prolong a lease from now on, under its signature.

        Raises:
            LockedError: another machine has had it since.
        """

    def release(self, lease: Lease) -> None:
        """Give a lease back; one that was lost is left alone."""

    def decide(self, lease: Lease, decision: TeamDecision) -> None:
        """Record a decision; the one recorded already may be recorded again.

        Raises:
            LockedError: another machine has had the lease since.
            ConflictError: this generation has another decision, or one before it has none.
        """

    def decisions(self, experiment_id: str) -> Sequence[TeamDecision]:
        """Return what was decided of an experiment, by generation."""

    def written(self, experiment_id: str) -> Sequence[WrittenRow]:
        """Return who wrote what is there of an experiment, as the store itself knows it."""


class Exchange(Members, Publications, LogExchange, Leases, Protocol):
    """Everything that the machines of a project have of one another."""

    def lock_holders(self, logs: Mapping[str, Collection[str]]) -> Sequence[LockHolder]:
        """Return who holds, and goes on holding, what this machine would wait for.

        That is of all experiments that are named, with this machine's logs of each.
        """

    def close(self) -> None:
        """Let go of all connections."""
