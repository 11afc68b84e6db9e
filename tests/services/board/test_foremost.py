"""Of all that waits one thing is foremost."""

import json
import time

from tests.cli.conftest import bare_project

from meta_experiment.decide.telling.hypotheses import EXAMPLE
from meta_experiment.services.board import board
from meta_experiment.store.local.board import Board, BoardEntry

__all__ = ["bare_project"]
DAY = 86_400.0


def row(number, stage, missing=(), status="running"):
    return {
        "id": f"e{number}", "created": f"2026-01-{number:02d}", "status": status,
        "stage": stage, "missing": list(missing), "skill": "s", "next_action": "n",
        "started": None, "progress": {},
    }  # fmt: skip


def test_what_is_due_comes_first_and_what_was_put_away_never():
    waiting = [
        row(1, "learned", status="promoted"), row(2, "running"), row(3, "hypothesis"),
        row(4, "measurement"), row(5, "draft"), row(6, "running", ["trials"]),
        row(8, "ended", status="expired"), row(7, "ended", status="expired"),
        row(9, "due"),
    ]  # fmt: skip
    put_away = [row(10, "ended", status="archived")]
    found = []
    while waiting:
        entries = {it["id"]: BoardEntry(it, "", None) for it in waiting + put_away}
        found.append(board._foremost(Board(entries=entries), 0.0)["about"])
        waiting = [it for it in waiting if it["id"] != found[-1]]
    assert found == ["e9", "e7", "e8", "e6", "e5", "e4", "e3", "e2", "e1"]
    nothing = board._foremost(Board(entries={"x": BoardEntry(put_away[0], "", None)}), 0.0)
    assert (nothing["about"], nothing["skill"]) == (None, "experiment-guide")


def test_without_trials_for_days_somebody_should_look_why(bare_project, monkeypatch):
    """By the clock alone, and gone again with the next trial."""
    made = bare_project.create("--hypothesis", EXAMPLE)
    first = bare_project("status", "--json").json["experiments"][0]
    assert (first["stage"], first["missing"]) == ("running", ["units"])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3.1 * DAY)
    silent = bare_project("status", "--json").json
    assert silent["experiments"][0]["missing"] == ["trials", "units"]
    assert silent["foremost"]["skill"] == "exposure-control"
    bare_project.observe(made, 1)
    assert bare_project("status", "--json").json["experiments"][0]["missing"] == ["units"]


def test_a_draft_is_where_its_hypothesis_is(bare_project):
    made = bare_project.create("--hypothesis", "Agents review faster", start=False)
    said = bare_project("status", made, "--json").json["experiments"][0]
    assert (said["stage"], said["missing"]) == ("hypothesis", ["reason"])
    assert f"meta-experiment amend {made} --set hypothesis=TEXT" in said["next_action"]
    bare_project("amend", made, "--set", f"hypothesis={EXAMPLE}", "--why", "said whole")
    said = bare_project("status", made, "--json").json["experiments"][0]
    assert (said["stage"], said["missing"]) == ("draft", ["start"])


def test_what_showed_nothing_has_nothing_to_be_learnt(bare_project):
    """One that was stopped as a draft, beside one that ran."""
    draft = bare_project.create(start=False)
    bare_project("stop", draft, "--yes")
    ran = bare_project.create()
    bare_project.observe(ran, 2)
    bare_project("stop", ran, "--yes")
    stages = {
        it["id"]: it["stage"] for it in bare_project("status", "--json").json["experiments"]
    }
    assert stages == {draft: "learned", ran: "ended"}
    shown = json.loads(bare_project("status", "--json").out)
    assert shown["foremost"]["skill"] == "learning-capture"
