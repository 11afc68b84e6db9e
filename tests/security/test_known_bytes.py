"""A commit that knows the bytes of a file, or of what we serve, changes nothing by it."""

import hashlib
import json
import os
import shutil

import pytest
from tests.cli.conftest import COMMAND
from tests.everyday import some

from meta_experiment.cli.main import main
from meta_experiment.protocol import places

EVIL = b"import os; os.system('touch ran')\n"
KNOWN = b"# six: a well-known file of a package, the same on every machine\n"
SKILL = ".claude/skills/pdf/SKILL.md"
AGENT = ".claude/agents/code.md"
KEPT = (".venv/lib/six.py", SKILL, AGENT, ".claude/agents/code-reviewer.md", COMMAND)
VERBS = (
    ["status"], ["doctor"], ["verify"], ["recover"], ["repair"], ["panic"],
    ["auto", "--background", "--yes"], ["stop", "review"],
    ["create", "--file", "CLAUDE.md=v2.md", "--start"],
)  # fmt: skip


@pytest.fixture
def victim(project):
    """A project with an experiment of its own, and files whose bytes a stranger knows."""
    for path, text in {
        ".venv/lib/six.py": KNOWN, SKILL: b"---\nname: pdf\n---\nRead it.\n",
        AGENT: b"---\nname: code\ndescription: Codes.\n---\nCode.\n",
        ".claude/agents/code-reviewer.md": b"---\nname: code-reviewer\n---\nMine.\n",
        "CLAUDE.md": b"Be kind.\n",
    }.items():  # fmt: skip
        project.path(path).parent.mkdir(parents=True, exist_ok=True)
        project.path(path).write_bytes(text)
    project.path(".gitignore").write_text(".venv/\n")
    project.git("add", ".")
    project.git("commit", "--quiet", "-m", "more")
    project("create", "--file", f"{COMMAND}=v2.md", "--start")
    return project


def brought_along(project, path, variant="reviewer"):
    """Commit a draft on a path with all that this tool would have placed for it here."""
    registry = project.path(".claude/meta/experiments.json")
    document = json.loads(registry.read_text())
    entry = json.loads(json.dumps(document["experiments"][0]).replace(COMMAND, path))
    entry = json.loads(json.dumps(entry).replace('"treatment"', f'"{variant}"'))
    entry.update(id="exp-2026-11-29-evil", status="draft", started=None)
    document["experiments"].append(entry)
    registry.write_text(json.dumps(document))
    folder = project.path(".claude/meta/local/live/exp-2026-11-29-evil")
    folder.mkdir(parents=True)
    for name in ("shim", f"{variant}.md"):
        beside = path.replace(".md", f"-{variant}.md")
        known = project.path(beside if name != "shim" and "agents" in path else path)
        (folder / name).write_bytes(known.read_bytes())
    (folder / "original").write_bytes(EVIL)
    project.path(".claude/meta/local/live/state").write_text("anything\n")
    project.git("add", "--force", str(folder), ".claude/meta/local/live/state")
    project.git("add", ".")
    project.git("commit", "--quiet", "-m", "a draft")


def files(root):
    """All files but those of git and of this tool."""
    found = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {
        path.relative_to(root).as_posix(): data
        for path, data in found.items()
        if not {".git", "meta"} & set(path.relative_to(root).parts)
    }


@pytest.mark.parametrize("verb", some(VERBS, 4), ids=lambda verb: verb[0])
@pytest.mark.parametrize("path", some([".venv/lib/six.py", SKILL, AGENT], 1))
def test_a_draft_rewrites_no_file_whose_bytes_it_knows(victim, path, verb):
    """Nor is one removed: neither by a look, nor by what a hook runs after a pull."""
    before = files(victim.root)
    brought_along(victim, path)
    main([verb[0], "--root", str(victim.root), *verb[1:]])
    after = files(victim.root)
    if verb[0] not in ("panic", "stop"):
        assert after == before
    assert after.items() >= {place: before[place] for place in KEPT}.items()
    assert victim.git("status", "--short", "--", ".", ":!.claude/meta") == ""
    assert victim.git("status", "--short", "--", ".claude/meta/local/live/exp-*") == ""


def test_a_skill_of_a_commit_is_not_taken_for_one_of_ours(victim):
    """Not even with the line that serves, beside a command: nobody here placed it."""
    line = "!`serve-variant exp-2026-11-29-gone@0123456789ab ${CLAUDE_SESSION_ID}`\n"
    theirs = {".claude/skills/ship/SKILL.md": line, ".claude/commands/ship.md": "Ship it.\n"}
    for path, text in theirs.items():
        victim.path(path).parent.mkdir(parents=True, exist_ok=True)
        victim.path(path).write_text(text)
    victim.git("add", ".claude/skills", ".claude/commands")
    victim.git("commit", "--quiet", "-m", "ship")
    victim("recover")
    assert {path: victim.path(path).read_text() for path in theirs} == theirs
    (finding,) = (
        item for item in victim("doctor", "--json", code=1).json["findings"]
        if item["name"] == "ship"
    )  # fmt: skip
    assert "not placed in this checkout" in finding["detail"]
    assert finding["hint"] == "rm .claude/skills/ship/SKILL.md"


def pulled(project, experiment_id, names=("shim", "original", "control.md", "treatment.md")):
    """Let a pull replace texts that serving reads, which git ignores here."""
    folder = project.path(f".claude/meta/local/live/{experiment_id}")
    for name in names:
        (folder / name).write_bytes(EVIL)
    project.git("add", "--force", str(folder))
    project.git("commit", "--quiet", "-m", "texts")


def on_a_skill(project):
    """Start an experiment on a skill, and return its id and bytes."""
    before = project.path(SKILL).read_bytes()
    project.path("v3.md").write_bytes(before + b"At once.\n")
    given = ("create", "--file", f"{SKILL}=v3.md", "--start", "--json")
    return project(*given).json["experiment_id"], before


@pytest.mark.parametrize("names", [["original"], ["shim", "original"]])
@pytest.mark.parametrize("verb", some(["stop", "panic", "rollback"], 1))
def test_a_prompt_comes_back_as_it_was_whatever_a_pull_brought(victim, verb, names):
    """Also where it changed the plan's control, and brought another stand-in along."""
    made, before = on_a_skill(victim)
    registry = victim.path(".claude/meta/experiments.json")
    control = victim.path(f".claude/meta/variants/{made}/control/{SKILL}")
    control.write_bytes(EVIL)
    digests = [hashlib.sha256(data).hexdigest() for data in (before, EVIL)]
    registry.write_text(registry.read_text().replace(*digests))
    pulled(victim, made, names)
    victim(verb, *{"panic": [], "stop": [made], "rollback": [made, "--yes"]}[verb])
    assert victim.path(SKILL).read_bytes() == before
    assert victim.git("status", "--short", "--", SKILL) == ""


@pytest.mark.long
def test_texts_that_a_pull_replaced_are_told_and_made_anew(victim):
    """Until then the control alone is served, and nothing is counted."""
    made, _ = on_a_skill(victim)
    pulled(victim, made)
    (note,) = victim("status", "--json").json["notes"]
    assert f"{made}: a text of it was replaced" in note
    assert "meta-experiment repair" in note
    (finding,) = (
        item for item in victim("doctor", "--json", code=1).json["findings"]
        if item["name"] == made
    )  # fmt: skip
    assert "is not as it should be" in finding["detail"]
    victim("repair", code=1)  # git tracks what is private, which it can only name
    assert victim("status", "--json").json["notes"] == []


@pytest.mark.parametrize("text", ["Do as we say.\n", None])
def test_a_stand_in_that_a_pull_replaced_is_told(victim, text):
    """The client runs what lies there, as it would without an experiment."""
    placed = victim.path(".claude/skills/review/SKILL.md")
    if text is None:
        placed.unlink()
    else:
        placed.write_text(text)
        victim.git("add", "--force", str(placed))
        victim.git("commit", "--quiet", "-m", "a skill")
    (note,) = victim("status", "--json").json["notes"]
    assert ".claude/skills/review/SKILL.md does not hold any more what serves" in note
    victim("repair")
    if text is None:
        assert victim("status", "--json").json["notes"] == []
    else:
        assert placed.read_text() == text


@pytest.mark.parametrize("path", [".venv/lib/six.py", SKILL, AGENT])
def test_an_archive_without_a_repository_rewrites_no_file_either(victim, path):
    """Its own folder of our state says what it likes: nothing there holds our stand-in."""
    before = files(victim.root)
    brought_along(victim, path)
    shutil.rmtree(victim.root / ".git")
    shutil.rmtree(places.data_folder(os.environ))  # unpacked by somebody else
    for verb in ("status", "repair"):
        main([verb, "--root", str(victim.root)])
    ours = ".claude/skills/review/"  # by its line; what stood behind it comes back
    after = {place: data for place, data in files(victim.root).items() if ours not in place}
    assert after == {place: data for place, data in before.items() if ours not in place}
