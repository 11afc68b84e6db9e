"""A pull request may bring any experiments.json, plan, journal or log: none gains anything."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import COMMAND, CONTROL

from meta_experiment.files.roots import Layout

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
ESCAPES = [
    "../outside.md",
    "/outside.md",
    "a/../../outside.md",
    ".git/hooks/pre-commit",
    ".GIT/config",
    ".claude/settings.local.json",
    ".claude/meta/local/id",
    "a\\..\\outside.md",
    "link/outside.md",
]


def registry(project):
    return project.root / ".claude/meta/experiments.json"


def changed(project, change):
    document = json.loads(registry(project).read_bytes())
    change(document["experiments"][0])
    registry(project).write_text(json.dumps(document))


@pytest.mark.parametrize("path", ESCAPES)
def test_a_registry_cannot_name_files_outside_or_settings(project, tmp_path, path):
    """Renaming the file under experiment to something else leads to a refusal."""
    made = project.create()
    (project.root / "link").symlink_to(tmp_path)
    (tmp_path / "outside.md").write_bytes(CONTROL)

    def rename(entry):
        entry["plan"]["files"] = [path]
        entry["files"] = {path: entry["files"][COMMAND]}

    changed(project, rename)
    for call in (
        ("promote", made, "--override", "x", "--yes"),
        ("promote", made, "--override", "x", "--yes", "--merge"),
    ):
        answer = project(*call, "--json", code=1)
        assert answer.error["kind"] in ("unsafe_path", "not_found")
    project("repair", "--json", code=1)
    assert (tmp_path / "outside.md").read_bytes() == CONTROL
    assert not (project.root / ".claude/settings.local.json").exists()


@pytest.mark.parametrize("name", ["../../outside", "a/b", "..", ".hidden", "a\0b", "x" * 300])
def test_an_id_cannot_lead_out_of_its_folder(project, name):
    """An id becomes the name of files and folders: an entry with another is passed over."""
    project.create()
    changed(project, lambda entry: entry.update(id=name))
    around = project.root.parent
    before = {*around.rglob("*"), Layout(project.root).board}
    shown = project("status", "--json").json
    assert shown["experiments"] == []
    assert "experiments[0]" in shown["notes"][0]
    assert set(around.rglob("*")) - before == set()


@pytest.mark.parametrize(
    "mode", ["4755", "2644", "1777", "0899", "²", "0o644", "-644", "99999"]
)
def test_a_mode_is_nine_bits(project, mode):
    """Set-user-id cannot be smuggled in, and nonsense is an error like any other."""
    project.create()
    changed(project, lambda entry: entry["files"][COMMAND]["treatment"].update(mode=mode))
    error = project("status", "--json", code=1).error
    assert error["kind"] == "corrupt_store"
    assert "mode" in error["message"]


@pytest.mark.parametrize(
    "text",
    [
        "name: !!python/object/apply:os.system ['touch owned']\n",
        "name: !!python/name:os.system\n",
        "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
        "a: " + "[" * 5000 + "]" * 5000,
        "a: " + "{a: " * 5000,
        "- " * 5000 + "x",
        "name: " + "9" * 6000 + "\n",
        "stopping: {sample_size: 1"
        + "0" * 400
        + "}\nfiles: {.claude/commands/review.md: v2.md}",
        "targets: {improvement_threshold: 1e999}\nfiles: {.claude/commands/review.md: v2.md}",
        "hypothesis: [1, 2]\nfiles: {.claude/commands/review.md: v2.md}",
        "? [1]\n: 2\n",
        "name: \x00\n",
        "\ufeff" * 3,
        "%YAML 9.9\n---\na: 1",
    ],
    ids=range(14),
)
def test_a_hostile_plan_runs_nothing_and_is_refused(project, text):
    """Tags, aliases, depth and sizes: a clear error, and nothing is created."""
    (project.root / "plan.yaml").write_bytes(text.encode())
    assert project("create", "--plan", "plan.yaml", "--json", code=2).error["kind"] == "usage"
    assert not (project.root / "owned").exists()
    assert not registry(project).exists()
    assert not hasattr(yaml.safe_load, "called")


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"schema_version": 1, "experiments": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"schema_version": 1' + b"0" * 5000 + b', "experiments": []}',
        b'{"schema_version": 1' + b"0" * 3000 + b', "experiments": []}',
        b'{"schema_version": true, "experiments": []}',
        b'{"experiments": [{"id": "a", "name": "\\ud800", "created": "2026-01-31"}]}',
    ],
    ids=["deep", "deep inside", "huge", "large", "true", "half a pair"],
)
def test_a_registry_of_strange_sizes_is_damaged_not_a_crash(project, data):
    """Depth and digits have limits."""
    registry(project).parent.mkdir(parents=True)
    registry(project).write_bytes(data)
    assert project("status", "--json", code=1).error["kind"] == "corrupt_store"


LIMIT = 1_500_000_000  # bytes of address space


def bounded(project, *arguments):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))

    return subprocess.run(
        [sys.executable, "-m", "meta_experiment.cli.main", *arguments, "--json"],
        cwd=project.root,
        env=os.environ | {"PYTHONPATH": str(SCRIPTS), "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def sparse(path, size=2_000_000_000):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        stream.truncate(size)


@pytest.mark.long
def test_a_line_of_two_gigabytes_costs_neither_memory_nor_the_other_trials(project):
    """It is set aside with its reason; what else the log holds counts."""
    made = project.create()
    project.observe(made, 2)
    log = project.root / ".claude/meta/trials" / made / "evil.jsonl"
    sparse(log)
    with log.open("ab") as stream:
        stream.write(b"\n")
    done = bounded(project, "trials", made)
    assert done.returncode == 0, done.stderr[-300:]
    assert "do not count" in done.stdout
    project("admit", made, "evil")
    done = bounded(project, "trials", made)
    assert done.returncode == 0, done.stderr[-300:]
    assert "longer than" in done.stdout
    assert json.loads(done.stdout)["total"] == 4


def test_a_registry_of_two_gigabytes_is_refused(project):
    """It is not read at all."""
    sparse(registry(project))
    done = bounded(project, "analyze", "x")
    assert done.returncode == 1, done.stderr[-300:]
    assert json.loads(done.stdout)["error"]["kind"] == "corrupt_store"
