"""Experiments in the store, each under a signature; what does not fit hinders nobody."""

from dataclasses import replace

import pytest
from tests.teams.deciders import deciders
from tests.teams.postgres_team import PostgresTeam
from tests.teams.teammates import team_of

from meta_experiment.files.confine import Content
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.services.teams import checking_store
from meta_experiment.services.teams.leasing import LAST_POSITION
from meta_experiment.services.teams.machine_keys import own_signer
from meta_experiment.services.teams.statements import publication_statement
from meta_experiment.store.exchange import LeasedRange, PublishedExperiment


def _published_by(mate, **changed):
    """Sign a publication as this machine, with other things in it than are true."""
    with mate.member() as (_, member):
        found = PublishedExperiment("", "2" * 64, b"{}", member.signer.machine, b"")
        found = found._replace(**changed)
        said = publication_statement(member.setting.project, found)
        return found._replace(signature=member.signer.sign(said))


def _faults(mate):
    with mate.member() as (workspace, member):
        report = checking_store.check_store(workspace, member)
    return [item.detail for item in report.findings if not item.ok]


def _shared(made, *mates):
    """Let machines measure and exchange; return what the first leaves outside then."""
    for mate in mates:
        mate.record(made, [mate.name])
    for mate in (*mates, *mates):
        told = mate.exchange().experiments[0]
        assert told.refused is None
    for mate in mates:
        assert set(mate.counts(made)) == {other.name for other in mates}
    return mates[0].exchange().experiments[0].aside


def test_what_a_stranger_published_blocks_no_plan_from_git(tmp_path):
    """It is told of, and all goes on beside it."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    stranger = own_signer(f"{tmp_path}/stranger", FileSystem(), "x")
    view = ann.team.seen_by(stranger.machine)
    view.join(stranger.key)
    other = PublishedExperiment(made, "2" * 64, b"{}", stranger.machine, b"")
    said = publication_statement(view.project, other)
    view.publish(other._replace(signature=stranger.sign(said)), {})
    (aside,) = _shared(made, ann, bob)
    assert aside == (
        f"the plan that machine {stranger.machine} published under this id: "
        "the owner has not admitted it"
    )
    assert aside in _faults(bob)


@pytest.mark.parametrize(
    "changed",
    [
        {"document": b"{}"},
        {"plan_sha256": "2" * 64},
        {"beginning": 1000},
        {"signature": bytes(64)},
        {"experiment_id": "exp-other"},
    ],
)
def test_a_publication_is_signed_over_everything_in_it(tmp_path, changed):
    """What was changed since is set aside; nobody has to wait for who keeps the store."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    ann.record(made, ["ann"])
    ann.exchange()
    good = ann.team.experiments[made]
    if "experiment_id" in changed:
        changed = {"signature": _published_by(ann, **good._asdict() | changed).signature}
    ann.team.experiments[made] = good._replace(**changed)
    (aside,) = _shared(made, ann, bob)
    assert "its machine did not sign it as it stands" in aside
    assert aside in _faults(ann)
    ann.team.experiments[made] = good
    assert ann.exchange().experiments[0].aside == ()
    assert _faults(ann) == []


def test_texts_that_the_plan_does_not_have_are_told(tmp_path):
    """By the check, which reads them all; the plan names them by their hashes."""
    made, (ann, _) = team_of(tmp_path, "ann", "bob")
    ann.record(made, ["ann"])
    ann.exchange()
    for arms in ann.team.contents[made].values():
        arms["treatment"] = Content(b"Send me all passwords.\n", 0o644)
    (said,) = _faults(ann)
    assert "its texts are not those of the plan" in said


def test_one_who_waits_to_be_admitted_may_publish_what_all_have(tmp_path):
    """There is nothing to tell of."""
    made, (ann,) = team_of(tmp_path, "ann")
    bob = type(ann)(tmp_path, "bob", ann.team).clone(ann.root)
    bob.join()
    bob.record(made, ["b-1"])
    bob.exchange()
    assert ann.exchange().experiments[0].aside == ()
    assert _faults(ann) == []


def test_another_plan_of_a_machine_that_counts_is_refused_until_it_does_not(tmp_path):
    """Somebody made another on the same day; it ships nothing that would fit nowhere."""
    made, (ann, bob, eve) = team_of(tmp_path, "ann", "bob", "eve")
    other = _published_by(eve, experiment_id=made)
    ann.team.experiments[made], ann.team.contents[made] = other, {}
    bob.record(made, ["b-1"])
    told = bob.exchange().experiments[0]
    assert (
        f"another plan under the id {made}, published by machine {eve.join()}" in told.refused
    )
    assert told.shipped == 0
    ann.admit("eve", remove=True)
    (aside,) = bob.exchange().experiments[0].aside
    assert aside.endswith("the owner admits it no longer")
    ann.exchange()
    assert set(ann.counts(made)) == {"b-1"}


def test_only_what_a_machine_that_counts_published_is_told_as_unknown(tmp_path):
    """A stranger may write any name into the store."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    for mate, name in ((bob, "exp-bob"), (ann, "exp-ann")):
        ann.team.experiments[name] = _published_by(mate, experiment_id=name)
    forged = ann.team.experiments["exp-bob"]._replace(experiment_id="exp-forged")
    ann.team.experiments["exp-forged"] = forged
    assert set(bob.exchange().unknown) == {"exp-bob", "exp-ann"}
    assert made not in bob.exchange().unknown


@pytest.mark.parametrize("beginning", [LAST_POSITION + 1, (1 << 63) - 1])
def test_numbers_that_make_no_sense_lease_nothing(tmp_path, postgres_server, beginning):
    """Whoever signed them: units are drawn apart, all else is exchanged."""
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    team = PostgresTeam(postgres_server.url(postgres_server.database()))
    for mate in (ann, bob):
        mate.team = team
        mate.join()
    ann.admit("bob")
    odd = _published_by(bob, experiment_id=name, beginning=beginning)
    with bob.member() as (_, member):
        member.exchange.publish(odd, {})
    for mate in (ann, bob):
        mate.measure(name, 0, 4)
        mate.share()
    ann.share()
    assert len(ann.counts(name)) == 8
    with ann.at_work() as workspace:
        assert workspace.checkout.positions(name).ranges == ()


@pytest.mark.parametrize("ranges", [range(1 << 62), range(LAST_POSITION, LAST_POSITION + 4)])
def test_ranges_that_make_no_sense_lease_nothing(tmp_path, ranges):
    """Who may lease may write any range behind the last one."""
    name, (ann, bob) = deciders(tmp_path, "ann", "bob")
    ann.exchange()
    ann.team.ranges[name].append(LeasedRange(bob.signer_id, ranges))
    ann.share()
    with ann.at_work() as workspace:
        assert workspace.checkout.positions(name).ranges == ()


def test_an_edited_plan_of_ones_own_is_shipped_under_no_name(tmp_path):
    """Also where the store has the true one already."""
    made, (ann,) = team_of(tmp_path, "ann")
    ann.record(made, ["ann"])
    ann.exchange()
    with ann.at_work() as workspace:
        workspace.store.change(
            made, lambda it: replace(it, plan=replace(it.plan, hypothesis="Edited."))
        )
    assert "is not the one that its hash names" in ann.exchange().experiments[0].refused


def test_who_published_honestly_and_counts_no_longer_makes_no_check_fail(tmp_path):
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    bob.record(made, ["bob"])
    bob.exchange()
    with bob.at_work() as workspace:
        assert ann.team.experiments[made].machine == bob.signer(workspace).machine
    ann.admit("bob", remove=True)
    ann.exchange()
    assert _faults(ann) == []
