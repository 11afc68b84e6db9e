"""What a checkout says of its place in a team, and of those who wait for the owner's word."""

from __future__ import annotations

import contextlib
import json

import pytest
from tests.support.git import git
from tests.teams.deciders import deciders
from tests.teams.teammates import team_of

from meta_experiment.cli.main import main
from meta_experiment.errors import MetaExperimentError
from meta_experiment.render.report_summary import summary
from meta_experiment.render.style import Style
from meta_experiment.render.team_store import exchange_page, view_page
from meta_experiment.render.text import write
from meta_experiment.services.health.doctor import examine
from meta_experiment.services.reporting.reporting import report
from meta_experiment.services.teams.checking_store import check_store
from meta_experiment.services.teams.exchange_note import sentences
from meta_experiment.services.teams.viewing import view


def noted(mate):
    with mate.at_work() as workspace:
        return " ".join(sentences(workspace.layout))


def status(mate, name, capfd, monkeypatch):
    for key, value in mate.environment.items():
        monkeypatch.setenv(key, value)
    stamp = mate.root / ".claude/meta/local/store.stamp"
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text("9999999999\n")  # nothing is exchanged beside
    assert main(["status", name, "--root", str(mate.root), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    return told["experiments"][0], " ".join(told["notes"])


@pytest.fixture
def trio(tmp_path):
    """Give an experiment, its owner, one that was removed and one that was never admitted."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    cat = type(ann)(tmp_path, "cat", ann.team).clone(ann.root)
    cat.join()
    for mate in (ann, bob, cat):
        mate.record(made, [f"{mate.name}-1"])
        mate.exchange()
    ann.admit("bob", remove=True)
    for mate in (ann, bob, cat):
        mate.exchange()
    return made, ann, bob, cat


def test_who_counts_nowhere_else_is_told_of_itself_and_by_name_of_others(trio):
    _, ann, bob, cat = trio
    assert "counts in this checkout only" not in noted(ann)
    for mate, why in ((bob, "admits it no longer"), (cat, "has not admitted it")):
        said = f"in this checkout only, except where a plan names it: the owner {why}"
        assert said in noted(mate)
        shipped = write(exchange_page(mate.exchange()), Style(width=400))
        assert f"({mate.name}) does not count: the owner {why}; it is this one" in shipped
        with mate.member() as (workspace, member):
            found = {item.name: item.detail for item in check_store(workspace, member).findings}
        assert found["machines"] == "1 of 3 count for all"
    assert "Trials wait" in noted(ann)
    assert "'cat'" in noted(ann)
    assert "'bob'" not in noted(ann)  # whom the owner removed does not wait


def test_a_view_without_an_answer_shows_what_is_known(trio):
    """The address that the setting has answers nobody."""
    made, _, bob, _ = trio
    bob.record(made, ["bob-2"])
    with bob.at_work() as workspace:
        found = view(workspace)
    assert found.unreachable
    assert found.waiting[0].bytes > 0
    assert [item.name for item in found.machines] == ["ann", "bob", "cat"]
    shown = write(view_page(found), Style(width=400))
    assert "at the last exchange" in shown
    assert [line.split()[2:4] for line in shown.splitlines() if " bob " in line] == [
        ["here", "only"]
    ]


def test_a_pulled_experiment_says_how_to_take_part(tmp_path, capfd, monkeypatch):
    made, (ann,) = team_of(tmp_path, "ann")
    row, _ = status(ann, made, capfd, monkeypatch)
    assert row["next_action"] == f"to take part in it here: meta-experiment start {made}"
    assert row["team"] == {"branch": "main", "carry_out": "pull_request", "machines": []}


def test_who_may_not_decide_is_not_sent_to_promote(tmp_path, capfd, monkeypatch):
    made, (ann, bob) = deciders(tmp_path, "ann", "bob")
    for mate in (ann, bob):
        mate.measure(made, 0, 60)
        mate.share()
    assert "auto" in status(bob, made, capfd, monkeypatch)[0]["next_action"]
    ann.admit("bob", remove=True)
    bob.share()
    row, notes = status(bob, made, capfd, monkeypatch)
    assert row["next_action"] == "none by this machine: the owner admits it no longer"
    assert "admits it no longer" in notes


def test_git_alone_tells_that_an_experiment_is_decided(tmp_path, capfd, monkeypatch):
    """By the commit that names it; one of an experiment whose name begins so is another's."""
    made, (ann,) = team_of(tmp_path, "ann")
    (ann.root / ".claude/meta/local/store").unlink()
    git(ann.root, "init", "-q")
    trailers = "Experiment: {}\nExperiment-Change: 0123abcd"
    for name in (f"{made}-2", made.replace("-", "x", 1)):
        git(ann.root, "commit", "-q", "--allow-empty", "-m", trailers.format(name))
    row, notes = status(ann, made, capfd, monkeypatch)
    assert "is decided" not in f"{row} {notes}"
    said = f"experiment: promote {made}\n\nBody.\n\n{trailers.format(made)}\n"
    git(ann.root, "commit", "-q", "--allow-empty", "-m", said)
    git(ann.root, "commit", "-q", "--allow-empty", "-m", "later")
    commit = git(ann.root, "rev-parse", "HEAD~").strip()[:12]
    row, notes = status(ann, made, capfd, monkeypatch)
    assert row["next_action"].startswith("none: it is decided")
    assert f"{made} reads as running here, and is decided: commit {commit}" in notes
    assert "no team's store is in use" not in notes


@pytest.mark.long
def test_a_team_without_a_store_is_told_so(tmp_path, capfd, monkeypatch):
    """By who looks, and by doctor: trials would reach nobody."""
    made, (ann,) = team_of(tmp_path, "ann")
    (ann.root / ".claude/meta/local/store").unlink()
    assert "no team's store is in use" in status(ann, made, capfd, monkeypatch)[1]
    with ann.at_work() as workspace:
        (found,) = [it for it in examine(workspace).findings if it.name == "team store"]
    assert not found.ok


def test_figures_that_moved_since_the_decision_are_explained(tmp_path, capfd, monkeypatch):
    """As when a machine is removed whose trials it was decided on."""
    made, (ann, bob) = deciders(tmp_path, "ann", "bob")
    for mate in (bob, ann):
        mate.measure(made, 0, 60)
        mate.share()
    with contextlib.suppress(MetaExperimentError):  # there is no git to carry it out in
        ann.act(made)
    with ann.at_work() as workspace:
        assert report(workspace, made).moved is None
    ann.admit("bob", remove=True)
    ann.share()
    with ann.at_work() as workspace:
        found = report(workspace, made)
    assert found.moved
    assert found.moved in write(summary(found), Style(width=400))
    row, _ = status(ann, made, capfd, monkeypatch)
    assert found.moved in row["apart"]
