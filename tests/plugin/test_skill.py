import re
from pathlib import Path

import pytest
import yaml

from meta_experiment.model.metrics import describe
from meta_experiment.types import Decision, ReasonCode

ROOT = Path(__file__).resolve().parents[2]
SKILLS = sorted((ROOT / "skills").iterdir())
LEGAL = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
REFERENCES = ROOT / "skills" / "experiment-workspace" / "references"


def parts(skill):
    _, front, body = (skill / "SKILL.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(front), body


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_the_front_matter_obeys_the_specification(skill):
    """Name, description and fields are what the Agent Skills specification allows."""
    front, _ = parts(skill)
    assert front.keys() <= LEGAL
    assert front["name"] == skill.name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", front["name"])
    assert len(front["name"]) <= 64
    assert 0 < len(front["description"]) <= 1024
    assert "Use it when" in front["description"]


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_the_model_may_open_the_skill_without_asking(skill):
    """Rules of its own would end the free use of a skill, so it has none."""
    assert "allowed-tools" not in parts(skill)[0]


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_the_router_is_short_and_leads_to_every_reference(skill):
    """The body stays a page, its links exist, and no reference lies unlinked."""
    _, body = parts(skill)
    assert len(body.splitlines()) < 60
    linked = set(re.findall(r"\]\(([^)#]+)\)", body))
    assert linked == {f"references/{file.name}" for file in (skill / "references").iterdir()}


@pytest.mark.parametrize("file", sorted(REFERENCES.glob("*.md")), ids=lambda file: file.name)
def test_links_between_references_lead_somewhere(file):
    """A reference links only to files that are there."""
    for target in re.findall(r"\]\(([^)#]+)\)", file.read_text("utf-8")):
        assert (file.parent / target).is_file()


def rows(file, columns):
    found = {}
    for line in (REFERENCES / file).read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == columns:
            for name in re.findall(r"`([^`]+)`", cells[0]):
                assert name not in found, name
                found[name] = cells[1:]
    return found


def test_every_reason_code_is_explained_once():
    """Each code has one row that says what it means and what to do, and no other code has."""
    explained = rows("reason-codes.md", 3)
    assert set(explained) == {code.value for code in ReasonCode}
    for code, (meaning, step) in explained.items():
        assert meaning.endswith("."), code
        assert step.endswith("."), code


def test_every_decision_is_explained():
    """The reference on reading results says what each decision means."""
    text = (REFERENCES / "reading.md").read_text("utf-8")
    for decision in Decision:
        assert re.search(rf"^\| {decision.value} \|", text, re.MULTILINE)


def test_the_metrics_in_the_reference_are_the_known_ones():
    """Direction and scale in the table are those the program takes for that name."""
    table = rows("designing.md", 4)
    assert len(table) >= 8
    for name, (_, direction, scale) in table.items():
        metric = describe(name)
        assert (metric.direction.value, metric.scale.value) == (direction, scale), name
