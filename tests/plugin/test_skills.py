"""The skills: what is checked of their texts, each check beside a fault that it finds."""

import re

import pytest
from tests.plugin import skill_checks
from tests.plugin.desk import ROOT
from tests.plugin.test_command_file import LOOKING

PACK = skill_checks.pack()
GUIDE, WORKSPACE = "experiment-guide/SKILL.md", "experiment-workspace/SKILL.md"
ANALYSIS, LEARNING = "evidence-analysis/SKILL.md", "learning-capture/SKILL.md"
BANDITS = "exposure-control/references/bandits.md"
CODES, METRICS = skill_checks.CODES, skill_checks.METRICS

PLANTED = [
    # check, path, what stands there, what is put there, what is said
    ("described", GUIDE, 'description: "', 'description: "' + 40 * "Aa ", "of 2"),
    ("described", GUIDE, "license: MIT", "hooks: none", "fields {'hooks'}"),
    ("described", GUIDE, "name: experiment-guide", "name: guide", "called guide"),
    ("specified", GUIDE, "license: MIT", "hooks: none", "hooks"),
    ("specified", GUIDE, "name: experiment-guide", "name: Guide", "must be lowercase"),
    ("specified", GUIDE, 'description: "', 'description: "' + 300 * "Aaa ", "1024"),
    ("sized", WORKSPACE, "\n## Always", "\n" + 200 * "word " + "\n## Always", "words"),
    ("sized", BANDITS, "\n\n", 90 * "\n", "lines"),
    ("linked", WORKSPACE, "(references/offline.md)", "(references/runs.md)", "not reached"),
    ("linked", WORKSPACE, "(references/offline.md)", "(references/runs.md)", "leads to"),
    ("linked", BANDITS, "Take it where", "[Take it](serving.md) where", "leads on"),
    ("spoken", ANALYSIS, "`explain ID`", "`clarify ID`", "no verb in clarify ID"),
    ("spoken", WORKSPACE, "meta-experiment create", "meta-experiment make", "no verb in make"),
    ("spoken", ANALYSIS, "`rollback ID --reason", "`rollback ID --because", "no --because"),
    ("spoken", BANDITS, "(`--floor`)", "(`--least-share`)", "nothing has --least-share"),
    ("numberless", ANALYSIS, "Not decided is", "22% faster. Not decided is", "22%"),
    ("numberless", BANDITS, "Proof comes later", "Proof comes 40 uses later", "40"),
    ("numberless", ANALYSIS, "Not decided is", "0.03 is not decided", "0.03"),
    ("staged", LEARNING, None, None, "learning-capture: no such skill"),
    ("staged", GUIDE, "| due | evidence-analysis |", "| due | exposure-control |", "evidence"),
    ("staged", GUIDE, "| learned | hypo", "| learned | hyper", "learned is not for"),
    ("staged", GUIDE, "| holdout |", "| afterwards |", "holdout is not for"),
    ("handed_over", ANALYSIS, "to learning-capture once", "to whoever asks once", "to nobody"),
    ("handed_over", ANALYSIS, "## Hand over", "## Then", "0 hand-overs"),
    ("shared", GUIDE, "Compute none", "Compute few", "experiment-guide: in words"),
    ("shared", GUIDE, "Bash(meta-experiment doctor:*)", "Bash", "experiment-guide: in words"),
    ("shared", LEARNING, "\n!`meta", "\n`meta", "learning-capture: no board"),
    ("worded", CODES, "| `futile` |", "| `hopeless` |", "futile: 0 rows"),
    ("worded", CODES, "| `futile` |", "| `hopeless` |", "hopeless: no such code"),
    ("worded", CODES, "| nothing measured yet |", "|  |", "no_data: not said in full"),
    ("decided", ANALYSIS, "| INCONCLUSIVE |", "| UNDECIDED |", "INCONCLUSIVE"),
    ("measured", METRICS, "task | lower | raw |", "task | higher | raw |", "higher"),
]  # fmt: skip


@pytest.mark.parametrize("check", sorted({check for check, *_ in PLANTED}))
def test_the_skills_hold(check):
    assert list(getattr(skill_checks, check)(PACK)) == []


@pytest.mark.parametrize(("check", "path", "there", "put", "said"), PLANTED)
def test_a_planted_fault_is_found(check, path, there, put, said):
    texts = dict(PACK)
    text = texts.pop(path)
    if there is not None:
        assert there in text
        texts[path] = text.replace(there, put, 1)
    found = list(getattr(skill_checks, check)(texts))
    assert any(said in fault for fault in found), found


def test_the_skills_run_unasked_what_only_looks():
    """Whatever changes something asks, also what the command may do unasked."""
    allowed = {f"Bash(meta-experiment {verb}:*)" for verb in (*LOOKING, "learn --list")}
    for text in skill_checks.skills(PACK).values():
        front, _ = skill_checks.parts(text)
        assert set(front["allowed-tools"].split(", ")) == allowed


def test_what_every_session_pays_is_what_the_readme_says():
    """The client counts 3.65 letters of names and descriptions as a token, about."""
    texts = [*skill_checks.skills(PACK).values()]
    texts.append((ROOT / "commands" / "meta_experiment.md").read_text("utf-8"))
    heads = [skill_checks.parts(text)[0] for text in texts]
    letters = sum(len(head["name"]) + len(head["description"]) for head in heads)
    readme = (ROOT / "README.md").read_text("utf-8")
    (told,) = re.findall(r"adds about (\d+) tokens", readme)
    assert letters <= 3.65 * int(told)
