"""An id, a name or a file of a stranger is never shell text: in no line, and in no hint."""

import json
import subprocess

import pytest
from tests.cli.conftest import COMMAND

from meta_experiment.cli.main import main
from meta_experiment.protocol import index

EVIL = "exp-2026-11-29-review x;touch PWN #"
VERBS = (
    ["status"], ["check"], ["doctor"], ["verify"], ["recover"], ["repair"], ["panic"],
    ["auto", "--yes"], ["explain", "review"], ["stop", "review"],
)  # fmt: skip


@pytest.fixture
def entry(project):
    """A running experiment, and a stranger's entry before it in the registry."""
    made = project.create(start=False)
    project("start", made)
    registry = project.path(".claude/meta/experiments.json")
    document = json.loads(registry.read_text())
    strange = json.loads(json.dumps(document["experiments"][0]).replace(made, EVIL))
    strange["status"] = "running"
    document["experiments"].insert(0, strange)
    registry.write_text(json.dumps(document))
    return strange


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_an_entry_with_such_an_id_takes_no_other_down(project, capsys, entry, verb):
    """It is named by its place, never run, served or repeated, and nobody loses it."""
    code = main([verb[0], "--root", str(project.root), *verb[1:]])
    said = capsys.readouterr()
    assert code == (1 if verb[0] in ("check", "doctor", "verify", "repair") else 0), said
    assert "PWN" not in said.out + said.err
    if verb[0] in ("status", "check", "doctor", "verify", "repair"):
        assert "experiments[0]" in said.out + said.err
    registry = json.loads(project.path(".claude/meta/experiments.json").read_text())
    assert entry in registry["experiments"]
    assert [item.id for item in index.entries(str(project.root))] != []
    assert "PWN" not in project.path(".claude/meta/active.idx").read_text()


@pytest.mark.parametrize("name", ["treatment\n", "x;touch PWN", "-v"])
@pytest.mark.parametrize("what", ["variant", "metric"])
def test_a_variant_or_a_metric_has_a_plain_name(project, what, name):
    """Names stand in lines that a model is asked to run."""
    plan = {"files": {COMMAND: {name if what == "variant" else "treatment": "v2.md"}}}
    if what == "metric":
        plan["metrics"] = {"primary": {"name": name, "direction": "lower"}}
    project.path("plan.json").write_text(json.dumps(plan))
    refusal = project("create", "--plan", "plan.json", "--json", code=2).error
    assert f"no {what} name" in refusal["message"]


def test_a_file_is_named_in_a_hint_as_a_shell_is_to_read_it(project):
    """Whoever runs the hint runs that, and nothing in the name of the file."""
    project.create()
    file = project.path(".claude/meta/variants/a; touch PWN;")
    file.write_text("x")
    file.chmod(0o666)
    findings = project("verify", "--json", code=1).json["findings"]
    (hint,) = [item["hint"] for item in findings if "by everybody" in item["detail"]]
    subprocess.run(["sh", "-c", hint], cwd=project.root, check=True)
    assert file.stat().st_mode & 0o777 == 0o664
    assert not list(project.root.rglob("PWN"))
