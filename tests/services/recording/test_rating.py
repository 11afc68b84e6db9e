"""Quality added to trials that were served."""

import os
import sys

import pytest
from tests.decide.making import plan
from tests.sealing import own_key, own_seal

from meta_experiment.cli.main import main
from meta_experiment.files.roots import Layout
from meta_experiment.live.client_process import note_client
from meta_experiment.model.registry import encode_registry
from meta_experiment.protocol import index, places
from meta_experiment.protocol.sessions import CLOSED, OpenTrial, Session
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import (
    Experiment,
    FileVersion,
    Status,
    TrialStatus,
    Unit,
)

NOW = 1_800_000_000.0


class Here:
    """A root with running experiments, and sessions with trials in them."""

    def __init__(self, root, capfd):
        self.root, self._capfd = root, capfd
        self.store = Workspace.open(Layout(root), lambda: NOW).store
        self._experiments = []

    def run(self, name):
        """Register a running experiment and compile it into the index."""
        made = plan(files=(f".claude/commands/{name}.md",), unit=Unit.SESSION)
        versions = {
            made.files[0]: {item.name: FileVersion("0" * 64, 0o644) for item in made.variants}
        }
        experiment = Experiment(
            f"exp-2026-01-31-{name}", made, "0" * 64, Status.RUNNING, NOW, versions, started=NOW
        )
        self._experiments.append(experiment)
        self.write()
        entry = index.Entry(
            id=experiment.experiment_id, state="running", kind="command", name=name,
            path=made.files[0], form="shadow", unit="session", method="block", traffic=1.0,
            arms=["control", "b"], weights=[1.0, 1.0], seed="00",
        )  # fmt: skip
        with (self.root / ".claude" / "meta" / "active.idx").open("a") as stream:
            stream.write(index.sealed_lines([entry], own_seal(self.root)))
        return experiment

    def write(self):
        meta = self.root / ".claude" / "meta"
        meta.mkdir(parents=True, exist_ok=True)
        (meta / "experiments.json").write_bytes(encode_registry(self._experiments))

    def serve(self, experiment, session, trial_id, at=NOW, prompt="p1"):
        Session(str(self.root), session).write_trial(
            OpenTrial(
                experiment_id=experiment.experiment_id,
                trial_id=trial_id,
                variant="b",
                unit=session,
                prompt_id=prompt,
                transcript_path="",
                epoch_ms=int(at * 1000),
                sha="",
                plugin="",
            ),
        )

    def close(self, experiment, session, trial_id, at=NOW):
        event = TrialEvent(
            EventKind.RECORDED, at, trial_id, "b", session, TrialStatus.ERROR, {"turns": 3.0}
        )
        self.store.append(experiment.experiment_id, [event])
        for trial in Session(str(self.root), session).open_trials():
            Session(str(self.root), session).remove_trial(trial)

    def forget(self, session, trial_id):
        """Close the session's trial as a hook does: word of it stays."""
        folder = Session(str(self.root), session)
        for trial in folder.open_trials():
            folder.append(CLOSED, trial.experiment_id, trial_id, "1")
            folder.remove_trial(trial)

    def rate(self, *arguments, code=0):
        self._capfd.readouterr()
        given = main(["rate", "--root", str(self.root), "--json", *arguments])
        said = self._capfd.readouterr()
        assert given == code, said.out + said.err
        import json

        return json.loads(said.out)

    def trial(self, experiment, trial_id):
        log = self.store.trials(experiment)
        return next(item for item in log.trials if item.trial_id == trial_id)


@pytest.fixture
def here(tmp_path, capfd):
    return Here(tmp_path.resolve(), capfd)


def test_a_rating_is_added_to_the_open_trial_and_leaves_it_open(here, monkeypatch):
    """How the trial went is for its closing to say; the rating stays when it closes."""
    review = here.run("review")
    here.serve(review, "s1", "t1")
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s1")
    said = here.rate("4")
    assert (said["trial_id"], said["metrics"]) == ("t1", {"rating": 4.0})
    assert here.trial(review, "t1").status is None
    here.close(review, "s1", "t1", at=NOW + 60)
    closed = here.trial(review, "t1")
    assert closed.status is TrialStatus.ERROR
    assert closed.metrics == {"rating": 4.0, "turns": 3.0}
    assert here.store.trials(review).conflict_count == 0


def test_the_newest_open_trial_of_the_session_is_meant(here, monkeypatch):
    review, plan_it = here.run("review"), here.run("plan")
    here.serve(review, "s1", "older", at=NOW)
    here.serve(plan_it, "s1", "newer", at=NOW + 1)
    here.serve(plan_it, "s2", "elsewhere", at=NOW + 2)
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s1")
    assert here.rate("4")["trial_id"] == "newer"
    assert here.rate("4", "--experiment", "review")["trial_id"] == "older"
    assert here.rate("4", "--session", "s2")["trial_id"] == "elsewhere"
    assert here.rate("2", "--trial-id", "older")["trial_id"] == "older"


def test_a_trial_that_has_closed_can_still_be_rated(here):
    review = here.run("review")
    here.close(review, "s1", "first", at=NOW)
    here.close(review, "s1", "last", at=NOW + 9)
    here.close(review, "s2", "other", at=NOW + 20)
    assert here.rate("5", "--session", "s1")["trial_id"] == "last"
    assert here.rate("1", "--trial-id", "first")["trial_id"] == "first"
    assert here.trial(review, "last").metrics["rating"] == 5


def test_the_session_knows_its_closed_trials_whatever_their_unit(here):
    """Where users are randomised, the unit of a trial says nothing of the session."""
    review = here.run("review")
    here.serve(review, "s1", "open", at=NOW)
    here.close(review, "a user", "mine", at=NOW)
    here.close(review, "a user", "not mine", at=NOW + 9)
    session = Session(str(here.root), "s1")
    session.remove_trial(session.open_trials()[0])
    session.append(CLOSED, review.experiment_id, "mine", "1")
    assert here.rate("5", "--session", "s1")["trial_id"] == "mine"


@pytest.mark.parametrize("closed", [True, False])
def test_after_a_clear_the_trial_of_the_session_before_is_meant(here, monkeypatch, closed):
    """The newest that the same process of the client had, not that of another terminal."""
    review = here.run("review")
    for session, trial, at, process in (
        ("s1", "older", NOW, os.getpid()),
        ("s2", "mine", NOW + 1, os.getpid()),
        ("s3", "elsewhere", NOW + 2, os.getppid()),
    ):
        here.serve(review, session, trial, at=at)
        note_client(Session(str(here.root), session), {"CLAUDE_PID": str(process)})
        if closed:
            here.close(review, "a user", trial, at=at)
            here.forget(session, trial)
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "s4")
    assert here.rate("4", code=1)["error"]["kind"] == "not_found"
    monkeypatch.setenv("CLAUDE_PID", str(os.getpid()))
    assert here.rate("4")["trial_id"] == "mine"
    assert here.rate("4", "--session", "s4", code=1)["error"]["kind"] == "not_found"


def test_the_first_rating_stands_and_the_second_is_reported(here, capfd):
    """Once, by the verb itself: what is not kept is not stored and troubles nobody later."""
    review = here.run("review")
    here.serve(review, "s1", "t1")
    assert here.rate("4", "--session", "s1")["conflicts"] == []
    again = here.rate("2", "--metric", "issues_caught=3", "--session", "s1")
    assert again["conflicts"] == ["trial t1: rating is 4 already, which stands; not kept: 2"]
    assert again["metrics"] == {"rating": 4.0, "issues_caught": 3.0}
    assert here.rate("4", "--session", "s1")["conflicts"] == []
    assert here.trial(review, "t1").metrics == {"rating": 4.0, "issues_caught": 3.0}
    assert here.store.trials(review).conflict_count == 0
    assert main(["rate", "1", "--session", "s1", "--root", str(here.root)]) == 0
    said = capfd.readouterr()
    assert "rating 4" in said.out
    assert "not kept: 1" in said.err


def test_the_trial_may_belong_to_another_root(here, tmp_path_factory, monkeypatch):
    """A personal command is served in every project; its trials lie in the home directory."""
    review = here.run("review")
    here.serve(review, "s1", "t1")
    data = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    own_key()
    line = places.format_root(places.Root("0" * 12, places.USER, str(here.root)))
    (data / "meta-experiment" / "roots.tsv").write_text(line)
    elsewhere = tmp_path_factory.mktemp("project")
    assert main(["rate", "3", "--root", str(elsewhere), "--session", "s1"]) == 0
    assert here.trial(review, "t1").metrics == {"rating": 3.0}


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["6"], "usage"),
        (["0"], "usage"),
        (["nan"], "usage"),
        (["--metric", "rating=77"], "usage"),
        (["good"], "usage"),
        (["4", "5"], "usage"),
        ([], "usage"),
        (["--metric", "rating"], "usage"),
        (["--metric", "issues_cought=3"], "usage"),
        (["--metric", "tests_passed=0.5"], "usage"),
        (["--session", "../s1", "4"], "usage"),
        (["--session", "unknown", "4"], "not_found"),
        (["--trial-id", "unknown", "4"], "not_found"),
        (["--run", "tests_passed"], "usage"),
        (["--run", "tests_passed", "--", "no-such-program"], "usage"),
    ],
)
def test_what_is_no_rating_is_refused_and_nothing_is_written(here, arguments, kind):
    review = here.run("review")
    here.serve(review, "s1", "t1")
    said = here.rate(*arguments, code=2 if kind == "usage" else 1)
    assert said["error"]["kind"] == kind
    assert len(here.store.trials(review).trials) == 0


def test_without_a_session_the_only_open_one_is_meant_and_two_are_refused(here):
    review = here.run("review")
    assert here.rate("4", code=1)["error"]["kind"] == "not_found"
    here.serve(review, "s1", "t1")
    assert here.rate("4")["trial_id"] == "t1"
    here.serve(review, "s2", "t2")
    refused = here.rate("4", code=1)["error"]
    assert refused["kind"] == "conflict"
    assert "--session s1" in refused["hint"]


@pytest.mark.parametrize(("code", "value"), [(0, 1.0), (3, 0.0)])
def test_a_command_says_whether_it_went_well(here, code, value, capfd):
    """Its output stays out of the JSON on stdout; no shell reads its words."""
    review = here.run("review")
    here.serve(review, "s1", "t1")
    program = f"import sys; print('$(touch canary)'); sys.exit({code})"
    given = ["rate", "--root", str(here.root), "--run", "tests_passed", "--json", "--"]
    assert main([*given, sys.executable, "-c", program]) == 0
    said = capfd.readouterr()
    assert "$(touch canary)" in said.err
    assert "canary" not in said.out
    assert here.trial(review, "t1").metrics == {"tests_passed": value}


def test_a_command_that_was_killed_is_no_result(here):
    review = here.run("review")
    here.serve(review, "s1", "t1")
    kill = "import os; os.kill(os.getpid(), 9)"
    said = here.rate("--run", "tests_passed", "--", sys.executable, "-c", kill, code=1)
    assert said["error"]["kind"] == "refused"
    assert len(here.store.trials(review).trials) == 0


def test_leave_to_rate_is_no_leave_to_run_programs(here, monkeypatch, tmp_path):
    """Inside the client calls of this program may be allowed without asking."""
    here.serve(here.run("review"), "s1", "t1")
    monkeypatch.setenv("CLAUDECODE", "1")
    canary = tmp_path / "canary"
    said = here.rate("--run", "success", "--", "touch", str(canary), code=1)
    assert said["error"]["kind"] == "refused"
    assert not canary.exists()


def test_the_sentence_does_not_give_the_variant_away(here, capfd):
    here.serve(here.run("review"), "s1", "t1")
    capfd.readouterr()
    assert main(["rate", "4", "--root", str(here.root)]) == 0
    assert " b" not in capfd.readouterr().out
