"""Trials that an earlier import recorded, and of which later is known that they never count."""

import os
import shutil
import signal

import pytest
from tests.services.workflows.test_run_import import (
    DAY,
    TONE,
    call,  # noqa: F401 - a fixture
    commit,
    imported,
    make_runs,
    only,
)
from tests.support.workflow_runs import START

from meta_experiment.files import interruption
from meta_experiment.files.roots import Layout
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.trial import EARLIER, GATED

STARTS = TONE | {"start_date": "2026-05-03"}
LATER = TONE | {"start_date": "2026-06-03"}
OF_THREE = TONE | {"variants": ["dry", "warm", "cool"]}


@pytest.fixture
def recorded(call):  # noqa: F811
    """Return the answer of an import of 16 runs, two a day, when nothing told of dates."""
    make_runs(call, ["dry", "warm"], 16, {})
    return only(imported(call))


def left_out(call, done):  # noqa: F811
    """Return the excluded trials of an experiment by their runs, each with its reason."""
    trials = call("trials", done["experiment_id"], "--limit", 100)["trials"]
    return {item["unit"]: item["excluded"] for item in trials if item["excluded"]}


def completed(call, done):  # noqa: F811
    samples = call("analyze", done["experiment_id"])["samples"]
    return {name: one["completed"] for name, one in samples.items()}


def test_what_lay_outside_the_dates_is_left_out_once_that_is_known(call, recorded):  # noqa: F811
    assert recorded["added"] == 16
    commit(call.declare(tone=STARTS).parents[2], START)
    foreseen = only(imported(call, "--dry-run"))
    assert left_out(call, recorded) == {}
    done = only(imported(call))
    assert (done["experiment_id"], done["added"]) == (recorded["experiment_id"], 0)
    assert left_out(call, done) == dict.fromkeys(("1", "2", "3"), GATED)
    assert completed(call, done) == {"dry": 7, "warm": 6}
    told = f"3 of the runs on record are left out from now on: 3 {GATED}."
    assert told in done["notes"]
    assert told in foreseen["notes"]
    again = only(imported(call))
    assert not [note for note in again["notes"] if "from now on" in note]
    assert left_out(call, again) == left_out(call, done)


def test_dates_of_a_later_version_alone_take_nothing_out(call, recorded):  # noqa: F811
    """A clone that has the last commit alone does not know what its workflow said before."""
    commit(call.declare(tone=LATER).parents[2], START + 50 * DAY)
    done = only(imported(call))
    assert left_out(call, recorded) == {}
    assert done["excluded"] == {GATED: 16}
    assert done["refusal"].startswith(
        f"There is nothing yet of dry, warm: 16 runs were {GATED}"
    )
    assert any(
        note.startswith("16 of the runs on record lie outside") for note in done["notes"]
    )
    assert any("16 runs of tone came before the oldest" in note for note in done["notes"])


def test_where_no_run_counts_any_more_all_are_left_out(call, recorded):  # noqa: F811
    commit(call.declare(tone=LATER).parents[2], START - DAY)
    done = only(imported(call))
    assert (done["refusal"] is None, done["excluded"]) == (False, {GATED: 16})
    assert set(left_out(call, recorded).values()) == {GATED}
    assert completed(call, recorded) == {"dry": 0, "warm": 0}


def test_runs_of_a_generation_before_are_left_out_though_their_files_are_gone(call, recorded):  # noqa: F811
    """Until the sixth day there were three variants."""
    commit(call.declare(tone=OF_THREE).parents[2], START - DAY)
    commit(call.declare(tone=TONE).parents[2], START + 5.1 * DAY)
    for number in range(1, 9):
        shutil.rmtree(call.root / "runs" / str(number))
    done = only(imported(call))
    assert left_out(call, recorded) == {str(number): EARLIER for number in range(1, 11)}
    assert done["variants"]["dry"]["measured"] == 3
    assert f"10 of the runs on record are left out from now on: 10 {EARLIER}." in done["notes"]


def test_another_control_keeps_its_trials(call, recorded):  # noqa: F811
    """They decided it, and are none of the next generation."""
    commit(call.root, START - DAY)
    commit(call.declare(tone=TONE | {"variants": ["warm", "dry"]}).parents[2], START + 50 * DAY)
    assert only(imported(call))["excluded"] == {EARLIER: 16}
    assert left_out(call, recorded) == {}
    assert completed(call, recorded) == {"dry": 8, "warm": 8}


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize(
    "edited", [TONE | {"weight": [70, 30]}, OF_THREE], ids=["weights", "a variant more"]
)
def test_an_edit_takes_nothing_out_of_the_plan_before_it(call, edited, is_committed):  # noqa: F811
    """Its runs came of the draw that was declared, whether or not new ones have come since."""
    commit(call.root, START - DAY)
    make_runs(call, ["dry", "warm"], 16, {})
    first = only(imported(call))
    path = call.declare(tone=edited)
    if is_committed:
        commit(path.parents[2], START + 50 * DAY)
    done = only(imported(call))
    assert done["excluded"] == {EARLIER: 16}
    assert not [note for note in done["notes"] if "from now on" in note]
    assert left_out(call, first) == {}
    make_runs(call, ["dry"], 2, {}, first=120)
    assert only(imported(call))["created"] is is_committed
    assert left_out(call, first) == {}
    for number in (120, 121):
        shutil.rmtree(call.root / "runs" / str(number))
    call.declare()
    if is_committed:
        commit(call.root, START + 70 * DAY)
    back = only(imported(call))
    assert (back["experiment_id"], back["added"]) == (first["experiment_id"], 0)
    assert completed(call, back) == {"dry": 8, "warm": 8}


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_variant_that_no_run_gets_changes_no_draw(call, is_committed):  # noqa: F811
    commit(call.root, START - DAY)
    make_runs(call, ["dry", "warm"], 16, {})
    first = only(imported(call))
    path = call.declare(tone=OF_THREE | {"weight": [1, 1, 0]})
    if is_committed:
        commit(path.parents[2], START + 50 * DAY)
    done = only(imported(call))
    assert (done["experiment_id"], done["excluded"]) == (first["experiment_id"], {})
    assert completed(call, first) == {"dry": 8, "warm": 8}


@pytest.mark.parametrize("has_new_runs", [True, False])
def test_weights_beside_a_ramp_draw_nothing(call, has_new_runs):  # noqa: F811
    ramp = TONE | {"continual": {"seed": "tone", "ramp": [10, 50]}}
    commit(call.declare(tone=ramp).parents[2], START - DAY)
    make_runs(call, ["dry", "warm"], 16, {})
    first = only(imported(call))
    commit(call.declare(tone=ramp | {"weight": [70, 30]}).parents[2], START + 50 * DAY)
    if has_new_runs:
        make_runs(call, ["dry", "warm"], 2, {}, first=120)
    done = only(imported(call))
    assert (done["experiment_id"], done["excluded"]) == (first["experiment_id"], {})
    assert left_out(call, first) == {}


def test_what_is_not_committed_takes_nothing_out(call, recorded):  # noqa: F811
    """Trials of a plan by these very arms, which the user had compare with another control."""
    path = call.declare(tone=TONE | {"variants": ["warm", "dry"]})
    commit(path.parents[2], START - DAY)
    call.declare()
    done = only(imported(call))
    assert done["excluded"] == {EARLIER: 16}
    assert left_out(call, recorded) == {}
    commit(call.root, START + 50 * DAY)
    imported(call)
    assert left_out(call, recorded) == {str(number): EARLIER for number in range(1, 17)}


def test_a_control_that_is_none_is_refused_before_any_run_counts(call, recorded):  # noqa: F811
    commit(call.root, START - DAY)
    commit(call.declare(tone=OF_THREE).parents[2], START + 50 * DAY)
    said = imported(call, "--control", "wrm", code=2)
    assert "warm" in said["error"]["hint"]
    assert left_out(call, recorded) == {}


@pytest.fixture
def _listening(monkeypatch):
    """Signals are heard here as they are in a process of the program."""
    monkeypatch.setattr(interruption, "_state", interruption._State())
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    monkeypatch.setattr(interruption, "_SIGNALS", ("SIGTERM",))
    interruption.listen()
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_listening")
def test_a_signal_among_what_is_taken_out_waits_until_history_says_it(
    call,  # noqa: F811
    recorded,
    monkeypatch,
):
    commit(call.declare(tone=LATER).parents[2], START - DAY)
    note = Workspace.note

    def interrupted_note(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        note(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Workspace, "note", interrupted_note)
        said = imported(call, code=143)
    assert "The trials were imported first." in said["error"]["message"]
    assert len(left_out(call, recorded)) == 16
    workspace = Workspace.open(Layout(call.root), lambda: call.now[0])
    (*_, entry) = workspace.store.history(recorded["experiment_id"]).entries
    assert entry.reason.endswith("; left out 16 that were on record")


def test_a_variant_that_no_run_gets_is_not_waited_for(call):  # noqa: F811
    """The generation begins behind the last run of a variant that is gone."""
    make_runs(call, ["dry", "warm", "old"], 6, {})
    make_runs(call, ["dry", "warm"], 16, {}, first=7)
    first = only(imported(call))
    counted = completed(call, first)
    path = call.declare(tone=OF_THREE | {"weight": [1, 1, 0]})
    commit(path.parents[2], START + 50 * DAY)
    done = only(imported(call))
    assert done["experiment_id"] == first["experiment_id"]
    assert completed(call, first) == counted
