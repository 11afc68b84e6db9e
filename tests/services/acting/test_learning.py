"""What an experiment taught is written down once it has ended, and told to the next."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.cli.conftest import COMMAND, bare_project
from tests.model.test_learnings import ENTRY

from meta_experiment.decide.telling.upshots import upshot
from meta_experiment.files.roots import Layout
from meta_experiment.services.acting.learnings import change_learnings, learnings_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Decision, Interval, ReasonCode, Status
from meta_experiment.types.results.learning import Happening
from meta_experiment.types.vocabulary import Upshot

__all__ = ["bare_project"]
FILE = ".claude/meta/learnings.md"
HYPOTHESIS = "Parallel agents review at least 80% faster, because none waits"
NEXT = "Two agents review 10% faster, because the third was idle"
WHY = "The third agent had nothing to do"
FLAGS = ("--file", f"{COMMAND}=v2.md", "--primary-metric", "duration_seconds")


@pytest.fixture
def ended(bare_project):
    """An experiment that was refuted and taken back."""
    made = bare_project.create("--hypothesis", HYPOTHESIS)
    bare_project.observe(made, 14, speed=1.8)
    bare_project("rollback", made, "--reason", "as it says", "--yes")
    return bare_project, made


def row(project, name):
    return project("status", name, "--json").json["experiments"][0]


def learn(project, name, *flags):
    said = project("learn", name, *flags, "--json").json
    (entry,) = said["entries"]
    assert said["written"] == name
    return entry


def test_a_failure_is_learnt_from_and_the_next_hypothesis_hears_of_it(ended):
    """From the board's word to the next experiment's notes."""
    project, made = ended
    assert row(project, made)["stage"] == "ended"
    assert (
        f"meta-experiment learn {made} --why TEXT --next TEXT"
        in row(project, made)["next_action"]
    )
    entry = learn(project, made, "--why", WHY, "--next", NEXT)
    happened = entry["happened"]
    assert (entry["judged"], entry["predicted"], happened["decision"]) == (
        "refuted", 0.8, "REJECT",
    )  # fmt: skip
    assert happened["effect"] < -0.5
    assert happened["units"] == {"control": 14, "treatment": 14}
    assert (entry["why"], entry["next"], entry["edited"]) == (WHY, NEXT, False)
    assert entry["changed"]["lines_added"] > 0
    assert row(project, made)["stage"] == "learned"
    board = project("status", "--json").json
    assert board["open_ends"] == [{"id": made, "files": [COMMAND], "next": NEXT}]
    assert (board["foremost"]["about"], board["foremost"]["skill"]) == (
        made, "hypothesis-design",
    )  # fmt: skip
    told = project("plan", *FLAGS, "--hypothesis", HYPOTHESIS, "--json").json
    assert [item["experiment_id"] for item in told["learnings"]] == [made]
    assert any("This was tried" in text and made in text for text in told["warnings"])
    assert any("left open" in text and NEXT in text for text in told["warnings"])
    notes = project("create", *FLAGS, "--hypothesis", NEXT, "--json").json["notes"]
    assert any(f"{made} refuted '{HYPOTHESIS}'" in text for text in notes)
    listed = project("learn", "--list", "--json").json["entries"]
    assert listed[0]["taken_up_by"].startswith("exp-")
    assert project("status", "--json").json["open_ends"] == []


def test_a_second_time_amends_on_the_record(ended):
    project, made = ended
    learn(project, made, "--why", WHY, "--next", NEXT)
    text = project.path(FILE).read_bytes()
    same = learn(project, made, "--why", WHY)
    assert same["before"] == []
    assert project.path(FILE).read_bytes() == text
    other = learn(project, made, "--why", "Another reason", "--judged", "partly", "--drop")
    assert (other["why"], other["next"], other["judged"], other["dropped"]) == (
        "Another reason", NEXT, "partly", True,
    )  # fmt: skip
    assert [(it["why"], it["judged"]) for it in other["before"]] == [(WHY, "refuted")]
    assert project("status", "--json").json["open_ends"] == []
    assert project.path(FILE).read_text().count("## exp-") == 1
    history = project.path(f".claude/meta/history/{made}.jsonl").read_text()
    assert history.count('"learn"') == 3


def test_words_are_asked_for_and_ends_are_waited_for(bare_project):
    made = bare_project.create()
    early = bare_project("learn", made, "--why", "a", "--next", "b", "--json", code=1)
    assert early.json["error"]["kind"] == "invalid_state"
    bare_project("stop", made, "--yes")
    lacks = bare_project("learn", made, "--why", " ", "--json", code=2).json["error"]
    assert "--why TEXT" in lacks["message"]
    assert "--next TEXT" in lacks["message"]
    for wrong in (["learn"], ["learn", "--list", "--why", "x"], ["learn", made, "--list"]):
        assert bare_project(*wrong, code=2)
    assert not bare_project.path(FILE).exists()
    noted = bare_project("archive", made, "--json").json["notes"]
    assert any("Nothing was written down" in text for text in noted)
    entry = learn(bare_project, made, "--why", "stopped", "--next", "a longer run")
    assert entry["happened"]["status"] == "archived"
    assert row(bare_project, made)["stage"] == "learned"


def test_an_override_is_kept_with_its_words(bare_project):
    made = bare_project.create()
    bare_project.observe(made, 3)
    bare_project("promote", made, "--override", "I like it", "--yes")
    entry = learn(bare_project, made, "--why", "taste", "--next", "measure it")
    assert entry["happened"]["override"] == "I like it"
    assert (entry["happened"]["status"], entry["judged"]) == ("promoted", "open")
    bare_project("rollback", made, "--reason", "no", "--yes")
    assert row(bare_project, made)["stage"] == "ended"
    later = learn(bare_project, made, "--next", "leave it")
    assert later["happened"]["status"] == "rolled_back"
    assert row(bare_project, made)["stage"] == "learned"


def test_figures_edited_by_hand_are_found_and_written_anew(ended):
    project, made = ended
    learn(project, made, "--why", WHY, "--next", NEXT)
    path = project.path(FILE)
    path.chmod(0o640)
    good = path.read_bytes()
    assert project("check", "--json").json["healthy"] is not None
    path.write_bytes(good.replace(b'"decision": "REJECT"', b'"decision": "PROMOTE"'))
    shown = project("learn", "--list")
    assert "PROMOTE" not in shown.out
    assert "was edited" in shown.err
    assert "was edited" in project("status").err
    bad = [it for it in project("check", "--json", code=1).json["findings"] if not it["ok"]]
    assert any(it["name"] == "learnings" for it in bad)
    assert learn(project, made)["edited"] is False
    assert path.read_bytes() == good
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_verify_holds_figures_against_the_trials(ended):
    project, made = ended
    learn(project, made, "--why", WHY, "--next", NEXT)
    names = [it for it in project("verify", "--json").json["findings"]
             if it["name"] == "learnings"]  # fmt: skip
    assert [it["ok"] for it in names] == [True]
    project.observe(made, 1)
    found = project("verify", "--json", code=1).json["findings"]
    assert any("are not those that its trials give now" in it["detail"] for it in found)


def test_a_merge_a_link_and_what_is_no_text_are_told_in_clear_words(ended):
    project, made = ended
    path, words = project.path(FILE), ("--why", "a", "--next", "b")
    path.write_text("<<<<<<< HEAD\n")
    said = project("learn", made, *words, "--json", code=1).json["error"]
    assert said["kind"] == "conflict"
    assert path.read_text() == "<<<<<<< HEAD\n"
    assert "unfinished merge" in project("status").err
    path.write_bytes(b"\xff")
    said = project("learn", made, *words, "--json", code=1).json["error"]
    assert said["kind"] == "corrupt_store"
    assert "not text" in project("status").err
    assert "cannot be read" in project("create", *FLAGS).err
    path.unlink()
    path.symlink_to(project.path("v2.md"))
    said = project("learn", made, *words, "--json", code=1).json["error"]
    assert said["kind"] == "unsafe_path"


def test_entries_written_at_once_are_all_kept(tmp_path):
    """Each is made of what stands there under the lock."""
    workspace = Workspace.open(Layout(tmp_path), lambda: 0.0)
    workspace.layout.meta.mkdir(parents=True)

    def write(number):
        change_learnings(workspace, lambda _: replace(ENTRY, experiment_id=f"exp-{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    found = learnings_in(workspace.layout)
    assert {it.experiment_id for it in found.entries} == {f"exp-{n}" for n in range(24)}
    assert found.problems == []


HAPPENED = Happening(
    status=Status.PROMOTED, decision=None, reason_code=None, reason="", override=None,
    treatment="t", effect=0.2, interval=Interval(0.9, 0.1, 0.3), units={}, days=None,
    guardrails={}, excluded=0, models={}, clients={}, analysis="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("decision", "code", "predicted", "judged"),
    [
        (Decision.PROMOTE, ReasonCode.TREATMENT_BETTER, None, Upshot.CONFIRMED),
        (Decision.PROMOTE, ReasonCode.TREATMENT_BETTER, 0.29, Upshot.CONFIRMED),
        (Decision.PROMOTE, ReasonCode.TREATMENT_BETTER, 0.31, Upshot.PARTLY),
        (Decision.REJECT, ReasonCode.SAFETY_HARM, 0.1, Upshot.REFUTED),
        (Decision.INCONCLUSIVE, ReasonCode.EFFECT_BELOW_THRESHOLD, None, Upshot.REFUTED),
        (Decision.INCONCLUSIVE, ReasonCode.HORIZON_REACHED, None, Upshot.OPEN),
        (Decision.EXTEND, ReasonCode.NO_DATA, None, Upshot.OPEN),
        (None, None, None, Upshot.OPEN),
    ],
)
def test_the_evidence_judges_the_hypothesis(decision, code, predicted, judged):
    happened = replace(HAPPENED, decision=decision, reason_code=code)
    assert upshot(happened, predicted) is judged
    back = replace(happened, status=Status.ROLLED_BACK)
    refuted = judged is Upshot.REFUTED
    assert upshot(back, predicted) is (Upshot.REFUTED if refuted else Upshot.OPEN)
