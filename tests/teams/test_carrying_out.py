"""What was decided reaches the branch of the team: as a commit, or as a pull request, once."""

from dataclasses import replace

import pytest
from tests.outbound.fake_github import TOKEN, fake_github
from tests.support.git import git
from tests.teams.deciders import PATH, deciders

from meta_experiment.errors import DependencyError
from meta_experiment.files.machine import Machine
from meta_experiment.git import Git
from meta_experiment.services.acting import team_auto
from meta_experiment.services.acting.carrying_out import carry_out
from meta_experiment.services.acting.team_settling import SettledDecision, TeamSeat
from meta_experiment.services.teams.said_decisions import DecidedOutcome
from meta_experiment.services.teams.team_decisions import TeamRecord
from meta_experiment.types import CarryOut, TeamTerms


@pytest.fixture
def hub():
    with fake_github() as server:
        yield server


@pytest.fixture
def bare(tmp_path):
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "bare.git")
    return tmp_path / "bare.git"


def due(tmp_path, bare):
    """Return a machine in a clone, and what is due there."""
    name, (ann,) = deciders(tmp_path, "ann")
    ann.measure(name, 0, 24)
    git(ann.root, "init", "-q", "-b", "main")
    git(ann.root, "add", PATH)
    git(ann.root, "commit", "-qm", "prompts")
    git(ann.root, "remote", "add", "origin", str(bare))
    git(ann.root, "push", "-q", "origin", "main")
    with ann.member() as (workspace, member):
        experiment = workspace.store.experiment(name)
        outcome = team_auto.due_outcome(TeamSeat(workspace, member, experiment), by_auto=True)
    return ann, experiment, outcome


def carried(mate, experiment, outcome, **environment):
    with mate.at_work() as workspace:
        machine = Machine(mate.home, {**mate.environment, **environment})
        there = replace(workspace, git=Git.find(mate.root), machine=machine)
        return carry_out(there, experiment, outcome)


def test_a_commit_says_what_was_decided_and_is_made_once(tmp_path, bare):
    ann, experiment, outcome = due(tmp_path, bare)
    done = carried(ann, experiment, outcome)
    assert carried(ann, experiment, outcome) == done
    assert git(bare, "show", f"main:{PATH}") == "Review it, treatment.\n"
    said = git(bare, "log", "-1", "--format=%B", "main")
    assert said.startswith(f"experiment: promote {experiment.experiment_id} (shared)")
    assert f"Experiment-Change: {outcome.change_id}" in said
    assert git(bare, "rev-list", "--count", "main").strip() == "2"
    assert (ann.root / PATH).read_text() == "Review it.\n"


def test_a_pull_request_is_opened_once_from_a_branch_of_its_own(tmp_path, bare, hub):
    ann, experiment, outcome = due(tmp_path, bare)
    team = TeamTerms("main", CarryOut.PULL_REQUEST)
    asked = replace(experiment, plan=replace(experiment.plan, team=team))
    there = {
        "GITHUB_API_URL": hub.base,
        "GH_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "acme/prompts",
    }
    done = carried(ann, asked, outcome, **there)
    assert carried(ann, asked, outcome, **there) == done
    (pull,) = hub.pulls
    branch = f"meta-experiment/{experiment.experiment_id}"
    assert (pull["head"]["ref"], pull["base"]["ref"]) == (branch, "main")
    assert done.url == pull["html_url"]
    assert "Decision: PROMOTE (treatment_better)" in pull["body"]
    assert git(bare, "show", f"{branch}:{PATH}") == "Review it, treatment.\n"
    assert git(bare, "show", f"main:{PATH}") == "Review it.\n"


def test_without_a_known_host_the_branch_waits_for_people(tmp_path, bare):
    ann, experiment, outcome = due(tmp_path, bare)
    team = TeamTerms("main", CarryOut.PULL_REQUEST)
    asked = replace(experiment, plan=replace(experiment.plan, team=team))
    done = carried(ann, asked, outcome)
    assert done.url == ""
    assert git(bare, "rev-parse", done.branch).strip() == done.commit


def test_without_a_token_the_branch_is_pushed_and_the_next_who_has_one_asks(
    tmp_path, bare, hub
):
    ann, experiment, outcome = due(tmp_path, bare)
    team = TeamTerms("main", CarryOut.PULL_REQUEST)
    asked = replace(experiment, plan=replace(experiment.plan, team=team))
    there = {"GITHUB_API_URL": hub.base, "GITHUB_REPOSITORY": "acme/prompts"}
    branch = f"meta-experiment/{experiment.experiment_id}"
    with pytest.raises(
        DependencyError, match=f"The branch {branch} is pushed, and has no pull"
    ):
        carried(ann, asked, outcome, **there)
    assert git(bare, "show", f"{branch}:{PATH}") == "Review it, treatment.\n"
    done = carried(ann, asked, outcome, **there, GH_TOKEN=TOKEN)
    assert done.url == hub.pulls[0]["html_url"]


@pytest.mark.long
def test_what_people_merged_is_found_and_nobody_is_asked_again(tmp_path, bare, hub):
    """Squashed, its branch deleted, and taken back later."""
    ann, experiment, outcome = due(tmp_path, bare)
    team = TeamTerms("main", CarryOut.PULL_REQUEST)
    asked = replace(experiment, plan=replace(experiment.plan, team=team))
    there = {
        "GITHUB_API_URL": hub.base,
        "GH_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "acme/prompts",
    }
    done = carried(ann, asked, outcome, **there)
    git(ann.root, "fetch", "-q")
    git(ann.root, "merge", "-q", "--squash", f"origin/{done.branch}")
    git(ann.root, "commit", "-qm", f"Shorter (#1)\n\n{hub.pulls[0]['body']}")
    git(ann.root, "push", "-q", "origin", "main")
    git(bare, "branch", "-D", done.branch)
    hub.pulls.clear()
    merged = carried(ann, asked, outcome, **there)
    assert (merged.commit, merged.branch) == (git(bare, "rev-parse", "main").strip(), "main")
    assert not merged.taken_back
    git(ann.root, "revert", "--no-edit", "HEAD")
    git(ann.root, "push", "-q", "origin", "main")
    assert carried(ann, asked, outcome, **there) == replace(merged, taken_back=True)
    assert hub.pulls == []
    assert git(bare, "branch", "--list", "meta-experiment/*") == ""


def _told(mate, experiment, outcome, done):
    with mate.member() as (workspace, member):
        there = replace(workspace, git=Git.find(mate.root))
        seat = TeamSeat(there, member, experiment)
        decided = DecidedOutcome(member.signer.machine, outcome, {}, None, b"")
        record = TeamRecord(decided, done, None, 1)
        return team_auto.told_step(seat, SettledDecision(record), False).sentence


def test_what_was_closed_without_being_merged_is_told_apart(tmp_path, bare):
    """By git alone: the branch waits, is merged (by a squash), or is gone without that."""
    ann, experiment, outcome = due(tmp_path, bare)
    team = TeamTerms("main", CarryOut.PULL_REQUEST)
    asked = replace(experiment, plan=replace(experiment.plan, team=team))
    done = carried(ann, asked, outcome)
    assert "once it is merged" in _told(ann, asked, outcome, done)
    git(ann.root, "fetch", "-q")
    tip = git(bare, "rev-parse", done.branch).strip()
    git(bare, "branch", "-D", done.branch)
    said = _told(ann, asked, outcome, done)
    assert f"{done.branch}, is gone" in said
    assert "closed without being merged" in said
    git(ann.root, "merge", "-q", "--squash", tip)
    git(ann.root, "commit", "-qm", "Shorter (#1)")
    git(ann.root, "push", "-q", "origin", "main")
    assert "It is merged: take the text from main now" in _told(ann, asked, outcome, done)
    git(ann.root, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    assert "closed without merging brings nothing" in _told(ann, asked, outcome, done)
