"""What every exchange promises, held against each that there is: see `test_exchange`."""

from __future__ import annotations

import hashlib

import pytest

from meta_experiment.errors import ConflictError, LockedError, NotFoundError
from meta_experiment.files.confine import Content
from meta_experiment.store.exchange import (
    Batch,
    LeasedRange,
    MachineAdmission,
    MachineKey,
    PublishedExperiment,
    TeamDecision,
    TeamNote,
)

LINES = b'{"event": "recorded"}\n{"event": "exposed"}\n'
DAMAGED = b'{"torn\n\n\xff\x00\\N\ttab\r\n\\.\n'
TEXTS = {
    "a.md": {"control": Content(b"\x00\xff\r\n", 0o640), "treatment": Content(b"", 0o755)},
    "über b.md": {"control": None, "treatment": Content(b"x\n", 0o644)},
}


def key(name):
    public = hashlib.sha256(name.encode()).digest()
    return MachineKey(hashlib.sha256(public).hexdigest()[:16], public, name)


def experiment(experiment_id="exp-1", plan="1" * 64, document=b'{"a" :1}'):
    return PublishedExperiment(experiment_id, plan, document, key("a").machine, b"s" * 64)


def batch(first=0, lines=LINES, machine="a", log="a.jsonl", experiment_id="exp-1"):
    signature = hashlib.sha512(lines).digest()
    return Batch(experiment_id, key(machine).machine, log, first, lines, signature)


def decision(lease, generation=0, document=b'{"decision": "PROMOTE"}'):
    return TeamDecision(
        lease.experiment_id, generation, lease.machine, lease.fence, document, b"s" * 64
    )


class ExchangeContract:
    """A test class that inherits it brings a fixture `see`: a machine's view by its name."""

    @pytest.fixture
    def a(self, see):
        mine = see("a")
        mine.join(key("a"))
        mine.publish(experiment(), TEXTS)
        return mine

    @pytest.fixture
    def b(self, see, a):
        del a  # it came first
        other = see("b")
        other.join(key("b"))
        return other

    def test_a_new_project_holds_nothing(self, see):
        new = see("a")
        assert new.machine == key("a").machine
        assert new.owner() is None
        assert list(new.machines()) == list(new.published()) == []
        assert new.sizes() == {}

    def test_who_comes_first_is_the_owner(self, see):
        one, two = see("a"), see("b")
        assert one.join(key("a")) == two.join(key("b")) == one.owner() == key("a")
        one.join(key("a")._replace(name="new name"))
        assert [it.key for it in two.machines()] == [
            key("a")._replace(name="new name"), key("b"),
        ]  # fmt: skip
        assert [(it.admissions, it.shipped) for it in two.machines()] == [((), None)] * 2

    def test_a_machine_has_one_key(self, a):
        with pytest.raises(ConflictError):
            a.join(key("a")._replace(public_key=b"k" * 32))

    def test_what_the_owner_says_of_a_machine_is_kept_word_by_word(self, a, b):
        first = MachineAdmission(*key("b")[:2], 1, counts=True, signature=b"s" * 64)
        last = first._replace(number=2, counts=False)
        for word in (first, last, last):
            a.admit(word)
        assert [it.admissions for it in b.machines()] == [(), (first, last)]
        with pytest.raises(ConflictError):
            a.admit(first._replace(counts=False))
        with pytest.raises(NotFoundError):
            a.admit(first._replace(machine="0" * 16))

    def test_what_is_published_comes_back_to_the_byte(self, a, b):
        assert list(b.published()) == [experiment()]
        assert b.contents("exp-1") == TEXTS
        b.publish(experiment(), TEXTS)
        b.publish(experiment("exp-0")._replace(beginning=7), {})
        assert [it.experiment_id for it in a.published()] == ["exp-1", "exp-0"]
        assert [it.beginning for it in a.published()] == [0, 7]
        assert [it.experiment_id for it in a.published("exp-0")] == ["exp-0"]
        assert list(a.published("exp-9")) == []
        with pytest.raises(NotFoundError):
            a.contents("exp-2")

    @pytest.mark.usefixtures("a")
    def test_another_plan_or_text_under_the_same_id_is_refused(self, b):
        changed = {"a.md": {"control": TEXTS["a.md"]["control"], "treatment": None}}
        for wrong, texts in (
            (experiment(plan="2" * 64), TEXTS),
            (experiment(document=b'{"a": 1}'), TEXTS),
            (experiment()._replace(beginning=1), TEXTS),
            (experiment(), changed),
        ):
            with pytest.raises(ConflictError):
                b.publish(wrong, texts)
        assert list(b.published()) == [experiment()]
        assert b.contents("exp-1") == TEXTS

    def test_what_is_told_is_numbered_and_kept_once(self, a, b):
        note = TeamNote("exp-1", 0, a.machine, b"{}", b"s" * 64)
        other = note._replace(machine=b.machine)
        assert [a.note(note), b.note(other), a.note(note)] == [1, 2, 1]
        assert list(a.notes("exp-1")) == [
            note._replace(number=1), other._replace(number=2),
        ]  # fmt: skip
        assert [it.number for it in b.notes("exp-1", 1)] == [2]
        with pytest.raises(NotFoundError):
            a.note(note._replace(experiment_id="exp-2"))

    def test_lines_come_to_the_others_as_they_were_shipped(self, a, b):
        batches = [batch(), batch(len(LINES), DAMAGED), batch(0, DAMAGED, log="b.tsv")]
        assert a.ship(batches) == sum(len(it.lines) for it in batches)
        both = [a.machine, b.machine]
        assert list(b.batches_after("exp-1", both, {})) == batches
        assert list(a.batches_after("exp-1", both, {})) == batches
        assert list(b.batches_after("exp-1", [b.machine], {})) == []
        behind = {(a.machine, "a.jsonl"): len(LINES)}
        assert list(b.batches_after("exp-1", both, behind)) == batches[1:]
        within = {(a.machine, "a.jsonl"): batches[1].end - 1}
        assert list(b.batches_after("exp-1", both, within)) == batches[1:]
        assert a.sizes() == {
            ("exp-1", "a.jsonl"): batches[1].end, ("exp-1", "b.tsv"): len(DAMAGED),
        }  # fmt: skip
        assert (a.size("exp-1", "b.tsv"), a.size("exp-1", "c.tsv")) == (len(DAMAGED), 0)
        assert b.sizes() == {}
        for name in ("exp-1", "exp-2", "exp-9"):
            one = {place: size for place, size in a.sizes().items() if place[0] == name}
            assert a.sizes(name) == one
        (first, second) = b.machines()
        assert first.shipped is not None
        assert second.shipped is None

    def test_a_batch_is_taken_once(self, a, b):
        assert a.ship([batch()]) == len(LINES)
        assert a.ship([batch()]) == 0
        assert a.ship([batch(), batch(len(LINES))]) == len(LINES)
        assert [it.first for it in b.batches_after("exp-1", [a.machine], {})] == [0, len(LINES)]

    @pytest.mark.parametrize(
        "wrong",
        [
            batch(len(LINES) + 1),
            batch(0, LINES + LINES),
            batch(0, b"x" * (len(LINES) - 1) + b"\n"),
            batch(1, LINES[1:]),
        ],
        ids=["a gap", "an overlap", "other lines", "a part"],
    )
    def test_what_does_not_follow_is_refused_with_all_beside_it(self, a, b, wrong):
        a.ship([batch()])
        with pytest.raises(ConflictError):
            a.ship([batch(log="b.jsonl"), wrong])
        assert a.sizes() == {("exp-1", "a.jsonl"): len(LINES)}
        assert list(b.batches_after("exp-1", [a.machine], {})) == [batch()]

    def test_lines_of_what_is_not_published_are_refused(self, a):
        with pytest.raises(NotFoundError):
            a.ship([batch(experiment_id="exp-2")])

    def test_positions_are_leased_once(self, a, b):
        a.publish(experiment("exp-2")._replace(beginning=6), {})
        assert a.published("exp-2")[0].beginning == 6
        assert a.lease_positions("exp-1", 4, 0) == range(4)
        assert b.lease_positions("exp-1", 8, 0) == range(4, 12)
        assert a.lease_positions("exp-1", 4, 1) == range(12, 16)
        assert a.lease_positions("exp-2", 2, 0) == range(6, 8)
        assert list(b.leased("exp-1")) == [
            LeasedRange(a.machine, range(4)),
            LeasedRange(b.machine, range(4, 12)),
            LeasedRange(a.machine, range(12, 16)),
        ]
        with pytest.raises(NotFoundError):
            a.lease_positions("exp-3", 4, 0)

    def test_positions_whose_acknowledgement_was_lost_are_given_again(self, a):
        assert [a.lease_positions("exp-1", 4, 0) for _ in range(2)] == [range(4)] * 2

    def test_positions_that_somebody_has_already_are_leased_to_nobody(self, a, b):
        """A store that was restored to an earlier moment is told so."""
        a.publish(experiment("exp-2")._replace(beginning=6), {})
        assert (a.leased_end("exp-1"), b.leased_end("exp-2")) == (0, 6)
        for end in (12, 8, 12):
            a.pass_positions("exp-1", end)
        assert b.leased_end("exp-1") == 12
        assert b.lease_positions("exp-1", 4, 0) == range(12, 16)
        a.pass_positions("exp-1", 16)
        assert (a.leased_end("exp-1"), a.leased_end("exp-2")) == (16, 6)
        with pytest.raises(NotFoundError):
            a.pass_positions("exp-3", 4)

    def test_whose_right_does_not_hold_is_passed_over(self, a, b):
        assert b.lease("exp-1") is None
        lease = a.lease_decision("exp-1", 60)
        signed = a.renew(lease._replace(signature=b"s" * 64), 60)
        seen = b.lease("exp-1")
        assert 0 < seen.seconds <= 60
        assert seen._replace(seconds=60) == signed
        assert b.lease_decision("exp-1", 60, over=lease.fence + 1) is None
        taken = b.lease_decision("exp-1", 60, over=lease.fence)
        assert (taken.machine, taken.signature) == (b.machine, b"")
        assert taken.fence != lease.fence
        with pytest.raises(LockedError):
            a.decide(lease, decision(lease))
        b.release(taken)
        assert a.lease("exp-1") is None

    def test_it_is_known_who_wrote_what_is_there(self, a):
        lease = a.lease_decision("exp-1", 60)
        a.lease_positions("exp-1", 4, 0)
        a.decide(lease, decision(lease))
        rows = sorted(a.written("exp-1"), key=lambda it: it.kind.value)
        assert [(it.kind.value, it.place, it.machine) for it in rows] == [
            ("decision", 0, a.machine),
            ("lease", lease.fence, a.machine),
            ("positions", 0, a.machine),
        ]
        assert all(it.by for it in rows)
        assert list(a.written("exp-2")) == []

    def test_one_machine_alone_may_decide(self, a, b):
        lease = a.lease_decision("exp-1", 60)
        assert (lease.machine, lease.seconds) == (a.machine, 60)
        assert b.lease_decision("exp-1", 60) is None
        assert a.lease_decision("exp-1", 30).fence == lease.fence
        assert a.renew(lease, 90) == lease._replace(seconds=90)
        a.release(lease)
        taken = b.lease_decision("exp-1", 60)
        assert taken.fence > lease.fence
        a.release(lease)
        assert a.lease_decision("exp-1", 60) is None
        with pytest.raises(NotFoundError):
            a.lease_decision("exp-2", 60)

    def test_who_was_held_up_too_long_decides_nothing(self, a, b, later):
        lease = a.lease_decision("exp-1", 0.01)
        later(1)
        taken = b.lease_decision("exp-1", 60)
        for act in (lambda: a.renew(lease, 1), lambda: a.decide(lease, decision(lease))):
            with pytest.raises(LockedError):
                act()
        b.decide(taken, decision(taken))
        assert list(a.decisions("exp-1")) == [decision(taken)]

    def test_each_generation_has_one_decision(self, a):
        lease = a.lease_decision("exp-1", 60)
        for _ in range(2):
            a.decide(lease, decision(lease))
        for wrong in (decision(lease, document=b"{}"), decision(lease, 2)):
            with pytest.raises(ConflictError):
                a.decide(lease, wrong)
        a.decide(lease, decision(lease, 1))
        assert [it.generation for it in a.decisions("exp-1")] == [0, 1]
        assert list(a.decisions("exp-2")) == []
