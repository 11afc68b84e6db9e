"""Positions of one sequence, leased by every machine ahead: none twice, arms balanced."""

import shutil

import pytest
from tests.teams.deciders import deciders

from meta_experiment.assign.permuted_blocks import block_arm, whole_round
from meta_experiment.protocol import index
from meta_experiment.services.teams.leasing import AHEAD, lease_ahead


def held(mate, name):
    with mate.at_work() as workspace:
        return [it.positions for it in workspace.checkout.positions(name).ranges]


def entry(mate, name):
    with mate.at_work():
        return index.find_entry(str(mate.root), name)


def lease(mate, name):
    with mate.member() as (workspace, member):
        return lease_ahead(workspace, member.exchange, workspace.store.experiment(name))


def test_every_machine_has_positions_of_its_own_and_serves_by_them(tmp_path):
    name, mates = deciders(tmp_path, "ann", "bob", "cy")
    for mate in mates:
        mate.share()
        mate.share()  # nothing is used yet, and nothing more is leased
    ranges = [held(mate, name) for mate in mates]
    assert [len(it) for it in ranges] == [1, 1, 1]
    given = [at for (one,) in ranges for at in one]
    assert sorted(given) == list(range(3 * AHEAD))
    first, second = (entry(mate, name) for mate in mates[:2])
    assert first.seed == second.seed
    for mate, (one,) in zip(mates, ranges, strict=True):
        found = entry(mate, name)
        arms = [block_arm(2, found.seed, at) for at in one]
        assert [index.sequence_arm(found.sequence, it) for it in range(AHEAD)] == arms


@pytest.mark.long
def test_a_machine_leases_anew_before_it_runs_out(tmp_path):
    name, (ann,) = deciders(tmp_path, "ann")
    ann.share()
    for number in range(AHEAD // 2 + 1):
        ann.assign(name, f"u{number}")
    ann.share()
    assert [len(it) for it in held(ann, name)] == [AHEAD, AHEAD]
    assert len(entry(ann, name).sequence) == 2 * AHEAD


def test_what_was_leased_and_not_written_down_is_lost_and_nobody_gets_it(tmp_path):
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    ann.exchange()
    with ann.member() as (_, member):
        lost = member.exchange.lease_positions(name, 20, 0)
    lease(ann, name)
    lease(bob, name)
    given = [set(lost), *(set(it) for mate in (ann, bob) for it in held(mate, name))]
    assert len(set.union(*given)) == sum(map(len, given)) == 20 + 2 * AHEAD


def test_two_checkouts_of_one_machine_share_no_position(tmp_path):
    name, (ann,) = deciders(tmp_path, "ann")
    ann.share()
    first, other = ann.root, ann.root.with_name("other")
    shutil.copytree(first, other)
    shutil.rmtree(other / ".claude/meta/local")
    ann.root = other
    ann.join()
    ann.start(name)
    ann.share()
    second = held(ann, name)
    ann.root = first
    assert not set(held(ann, name)[0]) & set(second[0])


def test_blocks_are_whole_wherever_the_store_begins(tmp_path):
    name, (ann,) = deciders(tmp_path, "ann")
    ann.exchange()
    published = ann.team.experiments
    published[name] = published[name]._replace(beginning=7)
    ann.share()
    (one,) = held(ann, name)
    assert (one.start % whole_round(2), len(one) % whole_round(2)) == (0, 0)
