"""The suite for a real model: what is checked of its cases, and how its results are told."""

import copy
import json
import subprocess
import sys

import pytest
from evals.report import broken, report
from tests.client.scripted_evals import SCRIPTS
from tests.plugin import eval_checks
from tests.plugin.desk import ROOT
from tests.plugin.test_skill_words import ASKED

CASES = eval_checks.cases()
KNOWN = ROOT.parent / "shared" / "golden" / "skill-triggers.json"


def _set(path, *keys, to):
    def plant(cases):
        place = cases[path]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return plant


ASKING, NEAR = "triggers/learning-capture/asked-1", "triggers/learning-capture/near-1"
DUE = "stages/due-entry"
PLANTED = [
    # check, fault, what is said
    ("complete", lambda cases: cases.pop(NEAR), f"{NEAR}: missing"),
    ("complete", lambda cases: cases.pop(DUE), f"{DUE}: missing"),
    ("complete", lambda cases: cases.update({"stages/late-entry": cases[DUE]}), "of no skill"),
    ("well_formed", _set(DUE, "execution", "max_turn", to=3), "max_turn is not read"),
    ("well_formed", _set(DUE, "graders", 0, "maximum", to=0), "maximum is not read"),
    ("well_formed", _set(DUE, "name", to="overdue"), "called overdue"),
    ("well_formed", _set(DUE, "tags", to=["trigger"]), "tagged"),
    ("told_apart", _set(NEAR, "execution", "prompt", to=CASES[ASKING]["execution"]["prompt"]),
     "of 2 cases"),
    ("sound_graders", lambda cases: cases[NEAR]["graders"][0].pop("min"), "can never pass"),
    ("sound_graders", lambda cases: cases[DUE]["graders"].pop(0), "skill was loaded"),
    ("sound_graders", _set(DUE, "graders", 2, "pattern", to="reason_code"), "what is read"),
    ("skilled", _set(DUE, "graders", 0, "input_match", to="meta-experiment:luck"), "no skill"),
    ("skilled", _set(ASKING, "graders", 0, "input_match", to="meta-experiment:x"), "asks for"),
]  # fmt: skip


@pytest.mark.parametrize("check", sorted({check for check, *_ in PLANTED}))
def test_the_cases_hold(check):
    assert list(getattr(eval_checks, check)(CASES)) == []


@pytest.mark.parametrize(("check", "plant", "said"), PLANTED)
def test_a_planted_fault_is_found(check, plant, said):
    cases = copy.deepcopy(CASES)
    plant(cases)
    found = list(getattr(eval_checks, check)(cases))
    assert any(said in fault for fault in found), found


def test_the_sentences_are_its_own():
    """What descriptions were written beside is no test of them."""
    prompts = {case["execution"]["prompt"].lower() for case in CASES.values()}
    assert not prompts & {said.lower() for all_ in ASKED.values() for said in all_}
    if KNOWN.exists():
        skills = json.loads(KNOWN.read_text("utf-8")).values()
        assert not prompts & {s.lower() for it in skills for said in it.values() for s in said}


def test_every_case_of_behaviour_has_its_script():
    assert {CASES[path]["name"] for path in CASES if "triggers" not in path} == SCRIPTS.keys()


def run(error=None, **passed):
    graders = [{"name": name.replace("_", " "), "passed": it} for name, it in passed.items()]
    return {"error": error, "graders": graders}


def case(name, *runs, **shares):
    return {"name": name, "arms": {"with": list(runs)}, "aggregates": shares}


def test_the_report_counts_what_happened_and_nothing_of_what_broke_off():
    document = {
        "cases": [
            case(
                "evidence-analysis-asked-1",
                run(fired=True, no_sibling=True),
                run(fired=True, no_sibling=False),
                run(fired=False, no_sibling=True),
                run(fired=False, no_sibling=False),
                run("exit 1", fired=False, no_sibling=True),
            ),
            case("evidence-analysis-near-1", run(silent=True), run(silent=False)),
            case(
                "due-entry",
                run(loaded=True, told=False),
                run(loaded=False, told=True),
                run("exit 1", loaded=False),
                score=0.5,
                scoreWithout=0.25,
            ),
        ]
    }
    head, skill, _, _, stage = (" ".join(it.split()) for it in report([document]).splitlines())
    assert head == "Skill asked fired missed wrong sibling near false fire no answer"
    assert skill == "evidence-analysis 4 2 1 1 2 1 1"
    assert stage == "due-entry 0.50 0.25 1 of 3 1 loaded, told"
    assert broken([document]) == ["evidence-analysis-asked-1: exit 1", "due-entry: exit 1"]


def test_without_a_confined_shell_behaviour_is_named_as_not_run(tmp_path):
    """No client is started for what it would refuse."""
    client = tmp_path / "client"
    client.write_text("#!/bin/sh\ntouch started\n")
    client.chmod(0o755)
    done = subprocess.run(
        [sys.executable, ROOT / "evals" / "run.py", "--part", "behaviour", "--client", client],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": str(tmp_path / "nowhere"), "HOME": str(tmp_path),
             "META_EXPERIMENT_PYTHON": sys.executable},
    )  # fmt: skip
    assert done.returncode == 1
    assert "needs bubblewrap and socat" in done.stderr
    assert not (tmp_path / "started").exists()
