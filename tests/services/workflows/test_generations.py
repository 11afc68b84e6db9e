"""What runs of one generation are worth for the next: nothing, however they are told apart."""

import pytest
from tests.services.workflows.test_run_import import (
    DAY,
    TONE,
    call,  # noqa: F401 - a fixture
    imported,
    make_runs,
    only,
)
from tests.support.git import git
from tests.support.workflow_runs import START

from meta_experiment.types.trial import EARLIER
from meta_experiment.workflows.state.generations import CurrentGeneration, DrawTerms
from meta_experiment.workflows.state.ledger import LedgerRun

FASTER = {"dry": 10_000, "warm": 6_000}


def commit(cli, monkeypatch, at):
    """Commit the workflow as if it were so many seconds behind the first run."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{START + int(at)} +0000")
    git(cli.root, "add", ".github")
    git(cli.root, "commit", "-q", "-m", "A change of the workflow")


def declare(cli, *variants):
    cli.declare(tone=TONE | {"variants": list(variants)})


def darwin(cli, *more):
    return cli("workflows", "darwin", "daily-fact", "tone", *more)


def test_runs_before_a_variant_existed_are_no_evidence_against_it(call, monkeypatch):  # noqa: F811
    """Two arms alike, of which one ran before as well, when everything was slower."""
    declare(call, "dry", "warm")
    commit(call, monkeypatch, -DAY)
    make_runs(call, ["dry", "warm"], 60, {"dry": 10_000, "warm": 5_000})
    declare(call, "warm", "cool")
    commit(call, monkeypatch, 30.5 * DAY)
    make_runs(call, ["warm", "cool"], 30, {"warm": 9_000, "cool": 9_000}, first=62, seed=2)
    done = only(imported(call))
    assert done["added"] == 30
    assert {name: one["drawn"] for name, one in done["variants"].items()} == {
        "warm": 15, "cool": 15,
    }  # fmt: skip
    assert done["excluded"] == {"of a variant that is not declared": 30, EARLIER: 30}
    assert done["standing"]["decision"] == "EXTEND"
    assert any("30 runs of tone drawn when other variants" in note for note in done["notes"])


@pytest.mark.long
@pytest.mark.parametrize("history", ["committed after", "committed before", "none"])
def test_after_a_rewrite_the_same_runs_decide_nothing(call, monkeypatch, history):  # noqa: F811
    """They have chosen the winner, and would find again what it was chosen for."""
    declare(call, "dry", "warm")
    if history == "committed before":
        commit(call, monkeypatch, -DAY)
    make_runs(call, ["dry", "warm"], 60, FASTER)
    if history == "committed after":
        commit(call, monkeypatch, 100 * DAY)
    first = only(imported(call))
    assert first["standing"]["decision"] == "PROMOTE"
    assert darwin(call, "--apply")["archive"]
    if history != "none":
        commit(call, monkeypatch, 200 * DAY + 60)
    again = only(imported(call))
    assert again["refusal"].startswith("There is nothing yet of warm, dry: 60 runs")
    assert (again["experiment_id"], again["standing"]) == (None, None)
    assert again["excluded"] == {EARLIER: 60}
    assert darwin(call)["winner"] is None
    (audited,) = call("workflows", "audit")["experiments"]
    assert (audited["status"], audited["standing"]) == ("unmeasured", None)

    call.now[0] = START + 240 * DAY
    make_runs(call, ["warm", "dry"], 20, FASTER, first=404)
    fresh = only(imported(call))
    assert fresh["added"] == 20
    assert fresh["experiment_id"] not in (None, first["experiment_id"])
    assert {one["drawn"] for one in fresh["variants"].values()} == {10}


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [([90, 10], [10, 90], 20), ([50, 50], None, 60), ([50, 50], [1, 1], 60)],
)
def test_runs_that_were_drawn_by_other_weights_are_set_aside(
    call,  # noqa: F811
    monkeypatch,
    before,
    after,
    counted,
):
    """Everything drifts; the arm that comes late would have what the time has brought."""
    for number, weight in enumerate((before, after)):
        call.declare(tone=TONE | ({"weight": weight} if weight else {}))
        commit(call, monkeypatch, 20 * DAY * number - DAY / 4)
    turns = (["dry"] * 9 + ["warm"], ["warm"] * 9 + ["dry"])
    tokens = (10_000, 6_000)
    for number, (names, mean) in enumerate(zip(turns, tokens, strict=True)):
        means = dict.fromkeys(names, mean)
        make_runs(call, names, 40 - 20 * number, means, first=40 * number, seed=number)
    done = only(imported(call))
    assert done["added"] == counted
    assert done["excluded"] == ({EARLIER: 60 - counted} if counted < 60 else {})


def run(at, variant):
    return LedgerRun(str(at), {"e": variant}, None, at)


@pytest.mark.parametrize(
    ("dates", "runs", "own"),
    [
        ([], [], {None, 1.0, 9.0}),
        ([DrawTerms(0.0, None, None, ("a", "b"))], [], {None, 1.0, 9.0}),
        ([DrawTerms(5.0, None, None, ("a", "b"))], [], {None, 1.0, 9.0}),
        ([DrawTerms(0.0, None, None, ("b", "a")), DrawTerms(5.0, None, None, ("a", "b"))], [],
         {9.0}),
        ([DrawTerms(float("inf"), None, None, ("a", "b")), DrawTerms(0.0, None, None, ("a",))],
         [], set()),
        ([], [run(1.0, "a"), run(2.0, "c"), run(9.0, "a")], set()),
        ([], [run(1.0, "a"), run(2.0, "c"), run(8.0, "b"), run(9.0, "a")], {9.0}),
        ([DrawTerms(0.0, None, None, ("a", "b"))], [run(2.0, "of another workflow")],
         {None, 1.0, 9.0}),
    ],
)  # fmt: skip
def test_what_belongs_to_the_generation_of_a_and_b(dates, runs, own):
    found = CurrentGeneration(("a", "b"), dates, runs, "e")
    assert {at for at in (None, 1.0, 9.0) if found.holds(at)} == own
