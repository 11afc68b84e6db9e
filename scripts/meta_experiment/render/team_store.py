"""The team's store: what is in use, what was exchanged, who counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from meta_experiment.model.instants import to_text
from meta_experiment.render import words
from meta_experiment.render.blocks import (
    Column,
    Facts,
    Heading,
    Page,
    Table,
    lines,
    remarks,
)
from meta_experiment.types.results.team_store import (
    ExchangedExperiment,
    StoreAdmission,
    StoreExchange,
    StoreMachine,
    StoreUse,
    StoreView,
)

_NAMED, _LISTED = 20, 1000  # machines in sentences, in a table
_DIGITS = 17  # of a fingerprint, as it is told in a sentence
_MACHINES = (
    Column("machine", 16),
    Column("name", 20, gap=2),
    Column("counts", 9, gap=2),
    Column("shipped last", 20, gap=2),
    Column("fingerprint", 17, gap=2),
)


def use_page(done: StoreUse) -> Page:
    """Say which store is in use, and what is to be done before trials count."""
    project = words.name(done.project)
    said = [f"In use: project {project} in {words.one_line(done.store)}."]
    if done.is_owner:
        said += [
            f"This machine, {done.machine}, owns the project. Its fingerprint, for the others:",
            f"  {done.fingerprint}",
            f"Others join by: meta-experiment store use {done.address} --project {project}",
            "Then, after comparing: meta-experiment store admit MACHINE",
            "Who has a role of the database of their own is let in before by the owner of its",
            f"schema: select meta_experiment.allow('ROLE', '{project}', 'member')",
        ]
    else:
        said += ["The owner's fingerprint, to be compared:", f"  {done.owner}"]
        said += [f"This machine is {done.machine}. Its own:", f"  {done.fingerprint}"]
    if not done.counts:
        said.append(
            "Its trials count for the others once the owner runs: "
            f"meta-experiment store admit {done.machine}"
        )
    if done.secret_dropped:
        said.append(
            "The password in the address was not kept. Later commands need it from PGPASSFILE, "
            "META_EXPERIMENT_STORE or --url-command."
        )
    return lines(*said)


def view_page(found: StoreView) -> Page:
    """Show the store, its machines, what waits and what was left outside."""
    rows = [
        ("store", words.one_line(found.store or "no address is to be found")),
        ("project", words.name(found.project)),
        ("owner", f"{found.owner}{' (this machine)' if found.is_owner else ''}"),
        ("machine", found.machine or "–"),
        ("exchanged", _moment(found.exchanged) if found.exchanged else "never"),
    ]
    if found.unreachable:
        rows.append(("no answer", words.one_line(found.unreachable)))
    elif found.failed:
        rows.append(("failed", words.one_line(found.failed)))
    rows += [("it had lost", words.one_line(said)) for said in found.lost]
    rows += [
        (words.name(item.experiment_id), f"{item.bytes:,} bytes wait to be shipped")
        for item in found.waiting
        if item.bytes
    ]
    page: Page = ((Facts(tuple(rows)),),)
    if found.machines:
        listed = tuple(
            (
                item.machine,
                words.name(item.name, 20),
                _counts(item),
                _moment(item.shipped) if item.shipped else "never",
                item.fingerprint[:_DIGITS],
            )
            for item in _listed(found.machines)
        )
        page = (*page, (Heading(_title(found), level=2), Table(_MACHINES, listed)))
    if len(found.machines) > _LISTED:
        more = len(found.machines) - _LISTED
        page = (*page, *lines(f"{more:,} more are not shown (all of them: --json)."))
    only = [it for it in found.machines if it.counts and it.why]
    page = (*page, *remarks(_here_only(item, found.machine) for item in only))
    left = [f"{name}: {said}" for name, reasons in found.aside.items() for said in reasons]
    return (*page, *remarks(map(words.one_line, left), "Left outside"))


def _listed(machines: Sequence[StoreMachine]) -> Sequence[StoreMachine]:
    """Return the machines to show; of too many those first that count, then who shipped."""
    if len(machines) <= _LISTED:
        return machines
    first = sorted(machines, key=lambda it: (not it.counts, it.shipped is None))
    return first[:_LISTED]


def _title(found: StoreView) -> str:
    return "Machines, at the last exchange" if found.unreachable else "Machines"


def _counts(item: StoreMachine) -> str:
    return "no" if not item.counts else "here only" if item.why else "yes"


def _here_only(item: StoreMachine, own: str) -> str:
    which = "This machine" if item.machine == own else f"Machine {words.name(item.name)}"
    return (
        f"{which} counts in this checkout only, except where a plan names it: {item.why}. The "
        f"owner runs: meta-experiment store admit {words.name(item.machine)}"
    )


def _moment(at: float) -> str:
    return f"{to_text(at)[:19]}Z"


def exchange_page(done: StoreExchange) -> Page:
    """Say what went and came, and what was left outside."""
    said = [_exchanged(item) for item in done.experiments]
    if not said:
        said = ["No plan here names a team. One does by: meta-experiment create --team BRANCH"]
    return (*lines(*said), *remarks(_remarks(done)))


def _exchanged(item: ExchangedExperiment) -> str:
    name = words.name(item.experiment_id)
    told = f"{name}: {words.counted(item.shipped, 'line')} shipped, {item.pulled:,} taken over"
    if item.removed:
        told += f", {item.removed:,} of machines that count no longer let go"
    return f"{told}."


def _remarks(done: StoreExchange) -> Iterator[str]:
    if done.lost:
        yield (
            "The store went back to an earlier moment. It lacked "
            f"{words.one_line(', '.join(done.lost))}; what is here of that was brought again."
        )
    for item in done.experiments:
        name = words.name(item.experiment_id)
        if item.refused:
            yield f"{name}: {words.one_line(item.refused)}"
        for reason in item.aside:
            yield f"{name}, left outside: {words.one_line(reason)}"
    for machine, why in islice(done.not_counted.items(), _NAMED):
        called = words.name(done.names.get(machine) or "unnamed", 40)
        yield (
            f"Machine {words.name(machine)} ({called}) does not count: {why}. If it is one of "
            f"yours, the owner runs: meta-experiment store admit {words.name(machine)}"
        )
    if len(done.not_counted) > _NAMED:
        yield (
            f"{len(done.not_counted) - _NAMED:,} more machines do not count. See them: "
            "meta-experiment store show --json"
        )
    if done.unknown:
        names = words.listed(map(words.name, done.unknown[:5]))
        many = words.counted(len(done.unknown), "experiment")
        yield (
            f"The team has {many} unknown to this checkout ({names}): git pull brings plans. "
            "One that a merge left out comes back by: meta-experiment recover"
        )


def admission_page(done: StoreAdmission) -> Page:
    """Say who counts now, with the fingerprint to compare."""
    where = "in this checkout" if done.here else f"in project {words.name(done.project)}"
    verb = "counts" if done.counts else "counts no longer"
    said = []
    for item in done.machines:
        said.append(
            f"{item.machine} ({words.name(item.name)}) {verb} {where}. Its fingerprint:"
        )
        said.append(f"  {item.fingerprint}")
    if done.counts:
        said.append("If that is not what the machine shows: the same with --remove.")
    said += done.notes
    return lines(*said)
