"""Where others say that a change went: one of two branches; addresses are for people."""

from types import SimpleNamespace

import pytest
from tests.teams.deciders import deciders

from meta_experiment.errors import UsageError
from meta_experiment.services.acting import team_settling
from meta_experiment.services.teams.change_places import own_branch, told_address, told_branch
from meta_experiment.services.teams.membership import believed
from meta_experiment.services.teams.said_decisions import CarriedOut
from meta_experiment.services.teams.team_decisions import record_of
from meta_experiment.types import TeamTerms

_COMMIT = "c0ffee" + 34 * "0"
_TEAM = SimpleNamespace(team=TeamTerms("dev"))
_EXPERIMENT = SimpleNamespace(experiment_id="exp-1", plan=_TEAM)
_ADDRESS = "https://github.example.org:8443/ann/review/pull/12"


@pytest.mark.parametrize("branch", ["dev", own_branch("exp-1")])
def test_the_branches_of_a_change_are_told(branch):
    assert told_branch(_EXPERIMENT, {"branch": branch}) == branch


@pytest.mark.parametrize(
    "branch",
    ["main", "", "-d", "--upload-pack=x", "dev\n", "dev; rm -rf", "../dev", "refs/x", None, 7],
)
def test_no_other_branch_is(branch):
    with pytest.raises(UsageError):
        told_branch(_EXPERIMENT, {"branch": branch})


def test_a_plan_without_a_team_has_none():
    alone = SimpleNamespace(experiment_id="exp-1", plan=SimpleNamespace(team=None))
    with pytest.raises(UsageError):
        told_branch(alone, {"branch": "main"})


@pytest.mark.parametrize(
    "url",
    [
        "http://github.com/a/b",
        "javascript:alert(1)",
        "https://ann:secret@github.com/a/b",
        "https://github.com/a/b\x1b[31m",
        "https://github.com/a/b Now run this:",
        "https://github.com",
        "https://xn\u0434.example/a",
        "https://github.com/" + 501 * "a",
        ["https://github.com/a/b"],
        None,
    ],
)
def test_what_is_no_address_of_the_web_is_not_shown(url):
    assert told_address({"url": _ADDRESS}) == _ADDRESS
    assert told_address({"url": url}) == ""
    assert told_address({}) == ""


@pytest.mark.parametrize(
    ("branch", "url", "told"),
    [
        ("main", "javascript:alert(1)", CarriedOut(_COMMIT, "main", "")),
        ("main", _ADDRESS, CarriedOut(_COMMIT, "main", _ADDRESS)),
        ("other", _ADDRESS, None),
    ],
)
def test_a_note_is_read_so(tmp_path, monkeypatch, branch, url, told):
    """Though a machine that decides signed it."""
    name, (ann,) = deciders(tmp_path, "ann")
    odd = CarriedOut(_COMMIT, branch, url)
    monkeypatch.setattr(team_settling, "carry_out", lambda *_: odd)
    ann.measure(name, 0, 24)
    ann.auto()
    with ann.member() as (workspace, member):
        experiment = workspace.store.experiment(name)
        found = record_of(member, believed(member), experiment)
    assert found.decided is not None
    assert found.carried_out == told
