"""What users get wrong: a clear error, the right exit code, and nothing changed or lost."""

import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.cli.conftest import COMMAND, CONTROL

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def digest(root):
    """Hash every file below a folder but git's own, the locks and what is derived."""
    found = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        if path.is_file() and not relative.startswith((".git/", ".claude/meta/locks/")):
            found[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def create(*flags):
    return (
        "create",
        "--file",
        f"{COMMAND}=v2.md",
        "--primary-metric",
        "duration_seconds",
        *flags,
    )


@pytest.mark.parametrize(
    ("call", "code", "kind", "words"),
    [
        (("create", "--file", "no.md=v2.md"), 1, "not_found", "no.md"),
        (("create", "--file", f"{COMMAND}=no.md"), 1, "not_found", "no.md"),
        (("create", "--file", COMMAND), 2, "usage", "PATH=VARIANT_PATH"),
        (("create", "--file", f"{COMMAND}={COMMAND}"), 2, "usage", "same bytes"),
        (("create", "--file", "../outside.md=v2.md"), 1, "unsafe_path", "outside"),
        (("create", "--file", ".claude/settings.json=v2.md"), 1, "unsafe_path", "settings"),
        (("create", "--file", ".bashrc=v2.md"), 1, "refused", "run it"),
        (("create", "--file", ".claude.json=v2.md"), 1, "unsafe_path", "settings"),
        (("create", "--file", "/etc/passwd=v2.md"), 1, "unsafe_path", "outside"),
        (("create", "--file", f"control:{COMMAND}=v2.md"), 2, "usage", "as it stands"),
        (("create",), 2, "usage", "--file"),
        (create("--sample-size", "-5"), 2, "usage", "from 2"),
        (create("--sample-size", "ten"), 2, "usage", "integer"),
        (create("--alpha", "nan"), 2, "usage", "finite"),
        (create("--alpha", "2"), 2, "usage", "0.5"),
        (create("--alpha", "0.5"), 2, "usage", "coin"),
        (create("--guardrail", "nonsense"), 2, "usage", "direction"),
        (create("--guardrail", "output_tokens:x"), 2, "usage", "MARGIN"),
        (create("--direction", "up"), 2, "usage", "lower"),
        (create("--plan", "p.yaml"), 2, "usage", "--plan"),
        (("create", "--plan", "missing.yaml"), 1, "not_found", "missing.yaml"),
        (("create", "--plan", "."), 2, "usage", "folder"),
        (("create", "--file", f"{COMMAND}=v2.md", "--primary-metric", "durationn"),
         2, "usage", "durationn"),
        (("status", "nothing"), 1, "not_found", "nothing"),
        (("analyze", "nothing"), 1, "not_found", "nothing"),
        (("promote", "nothing", "--yes"), 1, "not_found", "nothing"),
        (("stauts",), 2, "usage", "status"),
        (("analyze",), 2, "usage", "ID"),
        (("status", "--frob"), 2, "usage", "frob"),
        (("record",), 2, "usage", "--variant"),
        (create("--improvement-threshold", "100"), 2, "usage", "nothing lowers"),
        (create("--name", "caf\udce9"), 2, "usage", "UTF-8"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_and_changes_nothing(project, call, code, kind, words):
    """Exit 1 or 2 as the contract says, the error as JSON, and every file as it was."""
    before = digest(project.root)
    error = project(*call, "--json", code=code).error
    assert error["kind"] == kind
    assert words in f"{error['message']} {error['hint']}"
    assert digest(project.root) == before


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("a: [", 2, "not a valid plan"),
        ("- a\n- b", 2, "mapping"),
        ("nmae: x", 2, "Did you mean 'name'?"),
        ("a: &x [1, 2]\nb: *x", 2, "alias"),
        ("a: " + "[" * 100 + "]" * 100, 2, "deeper"),
        ("files: {../../x.md: v2.md}", 1, "leave its root"),
        ("files: {/etc/passwd: v2.md}", 1, "leave its root"),
        ("files: {'" + COMMAND + "': ../v2.md}", 1, "leave its root"),
        ("files: {'" + COMMAND + "': {treatment: 3}}", 2, "text"),
        ("variants: [control, b]\nfiles: {'" + COMMAND + "': v2.md}", 2, "does not declare"),
        ("variants: [treatment, control]\nfiles: {'" + COMMAND + "': v2.md}", 2, "first one"),
        ("!!python/object/apply:os.system ['touch hacked']", 2, "not a valid plan"),
        ("x" * 300_000, 2, "larger than 256 kB"),
        ("- a\n" * 60_000, 2, "more than 5,000 values"),
        ("[" + "{}," * 60_000 + "]", 2, "more than 5,000 values"),
        ("name: a\nname: b", 2, "'name' is given twice"),
        ("metrics: {guardrails: [{name: a, name: b}]}", 2, "'name' is given twice"),
    ],
)
def test_a_plan_file_that_is_wrong_is_refused(project, text, code, words):
    """Bad YAML, unknown fields, aliases, depth, escapes and code: refused, nothing written."""
    project.path("plan.yaml").write_text(text)
    before = digest(project.root)
    error = project("create", "--plan", "plan.yaml", "--json", code=code).error
    assert words in f"{error['message']} {error['hint']}"
    assert digest(project.root) == before


def test_a_plan_in_json_names_each_thing_once(project):
    """Of two values for one name readers would take different ones."""
    project.path("plan.json").write_text('{"name": "a", "metrics": {}, "metrics": {}}')
    error = project("create", "--plan", "plan.json", "--json", code=2).error
    assert "'metrics' is given twice" in error["message"]


def test_a_registry_that_says_a_thing_twice_is_told_by_check(project):
    """What a reviewer saw first is not what counts."""
    project.create()
    registry = project.root / ".claude/meta/experiments.json"
    text = registry.read_text()
    registry.write_text(text.replace('"hypothesis":', '"hypothesis": "h", "hypothesis":', 1))
    found = project("check", "--json", code=1).json["findings"]
    assert any("'hypothesis' is given twice" in item["detail"] for item in found)


def test_a_plan_may_come_through_a_pipe(project):
    """As a shell's `<(…)` gives it."""
    os.mkfifo(project.path("pipe"))
    text = f"files: {{'{COMMAND}': v2.md}}\nmetrics: {{primary: duration_seconds}}\n"
    writer = threading.Thread(target=project.path("pipe").write_text, args=(text,))
    writer.start()
    project("create", "--plan", "pipe", "--json")
    writer.join()


def test_a_pipe_that_nobody_writes_into_keeps_nobody_waiting(project, monkeypatch):
    """It is an empty plan, after a while."""
    monkeypatch.setattr("meta_experiment.services.planning.written_document._PATIENCE", 0.05)
    os.mkfifo(project.path("pipe"))
    error = project("create", "--plan", "pipe", "--json", code=2).error
    assert "mapping" in error["message"]


def test_a_second_experiment_on_a_file_is_refused_while_the_first_lives(project):
    """Two experiments on one file would mix; the first is named, and may end."""
    first = project.create()
    error = project(*create("--json"), code=1).error
    assert error["kind"] == "conflict"
    assert first in error["message"]
    assert f"stop {first}" in error["hint"]
    project("stop", first)
    project(*create())


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ('{"variant": "control", "metrics": {"duration_seconds": NaN}}', 2, "no measurement"),
        ('{"variant": "control", "metrics": {"duration_seconds": 1e999}}', 2, "no measurement"),
        ('{"variant": "control", "metrics": {"duration_seconds": "5"}}', 2, "number"),
        ('{"variant": "control", "metrics": {"duration_seconds": true}}', 2, "number"),
        ('{"variant": "control", "metrics": {"duration_seconds": -5}}', 2, "negative"),
        ('{"variant": "control", "metrics": {"duraton_seconds": 5}}', 2, "duration_seconds"),
        ('{"variant": "control", "metrics": {"success": 0.5}}', 2, "0 or 1"),
        ('{"variant": "control", "metrics": {}}', 2, "no metric"),
        ('{"variant": "contrl", "metrics": {"duration_seconds": 5}}', 1, "control"),
        ('{"variant": "control", "metrics": {"duration_seconds": 5}, "x": 1}', 2, "field 'x'"),
        ('{"variant": "control", "status": "fine", "metrics": {}}', 2, "none of"),
        ('{"variant": "control"', 2, "not valid JSON"),
        ("[1]", 2, "mapping"),
        ("[" * 5_000, 2, "not valid JSON"),
    ],
)
def test_one_wrong_line_records_nothing_of_the_whole_batch(project, line, code, words):
    """All lines or none: the good ones before it are not written either."""
    name = project.create()
    good = {"variant": "control", "metrics": {"duration_seconds": 5}}
    error = project.stdin(
        "record", name, "--stdin", "--json", lines=[good, f"{line}\n"], code=code
    ).error
    assert words in f"{error['message']} {error['hint']}"
    assert project("trials", name, "--json").json["total"] == 0


def test_a_line_without_end_is_refused_before_it_is_read_whole(project, monkeypatch):
    """No more of it comes into memory than shows that it is too long."""

    class Endless(io.RawIOBase):
        given = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            assert self.given < 4_000_000
            self.given += len(buffer)
            buffer[:] = b" " * len(buffer)
            return len(buffer)

    name = project.create()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    error = project("record", name, "--stdin", "--json", code=2).error
    assert "Line 1 is longer than 1 MB" in error["message"]


def shell(project, command):
    return subprocess.run(
        ["sh", "-c", command.replace("ME", f"{sys.executable} -m meta_experiment.cli.main")],
        cwd=project.root,
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("ME record --stdin <&-", 2, "closed"),
        ("ME status >/dev/full", 1, "No space left"),
        ("ME status --json >/dev/full", 1, "No space left"),
        ("ME status nothing --json >/dev/full", 1, "nothing"),
        ("ME status nothing --json >&-", 1, "nothing"),
        ("ME --help >/dev/full", 1, "No space left"),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
def test_an_input_or_output_that_is_closed_or_full_is_an_error_like_any_other(
    project, command, code, words
):
    """Where the output takes nothing, the error is said beside it."""
    done = shell(project, command)
    assert done.returncode == code
    assert done.stderr.startswith("Error: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize(("call", "lines"), [("status --json", 0), ("status x --json", 2)])
def test_a_pipe_that_nobody_reads_is_a_failure_and_no_crash(project, call, lines):
    """A result is then lost in silence, as with other tools; an error is said beside it."""
    done = shell(project, f"(sleep 0.5; ME {call}; echo $? >code) | true")
    assert project.path("code").read_text() == "1\n"
    assert len(done.stderr.splitlines()) == lines, done.stderr


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b'"schema_version": 1', b'"schema_version": 99'),
        lambda data: data.replace(b'"running"', b'"flying"'),
        lambda data: b"\x00\xff" + data,
    ],
)
def test_a_damaged_registry_is_reported_and_never_overwritten(project, damage):
    """Empty, cut short, of the future, wrong words, binary: every verb leaves it alone."""
    name = project.create()
    path = project.path(".claude/meta/experiments.json")
    path.write_bytes(damage(path.read_bytes()))
    damaged = path.read_bytes()
    recorded = ("record", name, "--variant", "control", "--metric", "duration_seconds=1")
    for call in (("status",), ("start", name), ("auto",), create(), recorded):
        error = project(*call, "--json", code=1).error
        assert error["kind"] == "corrupt_store"
        assert error["hint"]
        assert path.read_bytes() == damaged


def test_recover_brings_the_newest_good_registry_back(project):
    """The damaged file is kept aside; the experiment is there again."""
    name = project.create()
    path = project.path(".claude/meta/experiments.json")
    path.write_bytes(b"{")
    assert "newest good one is back" in project("recover").out
    (row,) = project("status", "--json").json["experiments"]
    assert (row["id"], row["status"]) == (name, "running")
    path.unlink()
    assert "gone" in project("check", code=1).out
    project("recover")
    project("check")


def test_a_root_that_cannot_be_written_is_an_error_that_changes_nothing(project):
    """Where the folder cannot be made: exit 1, kind storage, every file as it was."""
    project.path(".claude/meta").write_bytes(b"in the way")
    before = digest(project.root)
    error = project(*create("--json"), code=1).error
    assert error["kind"] == "storage"
    assert digest(project.root) == before


def test_a_file_reached_through_a_link_out_of_the_root_is_refused(project):
    """A symbolic link on the way could lead anywhere; one that stays inside is followed."""
    outside = project.root.parent / "outside"
    outside.mkdir()
    (outside / "x.md").write_bytes(CONTROL)
    project.path("linked").symlink_to(outside)
    project.path("alias.md").symlink_to(project.path())
    error = project("create", "--file", "linked/x.md=v2.md", "--json", code=1).error
    assert error["kind"] == "unsafe_path"
    made = project("create", "--file", "alias.md=v2.md", "--json").json
    assert made["experiment"]["plan"]["files"] == [COMMAND]


BODIES = {
    "crlf": b"---\r\nname: x\r\n---\r\nbody\r\n",
    "bom": b"\xef\xbb\xbf---\nname: x\n---\nbody\n",
    "no frontmatter": b"just a text\n",
    "no final newline": b"---\nname: x\n---\nbody",
    "non-ascii": "---\nname: ü\n---\nKörper 🎉 日本語\n".encode(),
    "latin-1": b"caf\xe9 \xff\xfe\n",
    "1 MB": b"x" * 79 + b"\n" + b"word " * 200_000,
    "mixed newlines": b"a\r\nb\nc\rd\n\n\n",
}


CASES = [(name, 0o644) for name in BODIES] + [("crlf", 0o755), ("bom", 0o600)]


@pytest.mark.long
@pytest.mark.parametrize(("name", "mode"), CASES)
def test_every_kind_of_prompt_file_keeps_its_bytes_and_mode(project, name, mode):
    """Promotion gives exactly the variant's bytes, rollback exactly the original's."""
    body = BODIES[name]
    project.path().write_bytes(body)
    project.path().chmod(mode)
    project.path("v2.md").write_bytes(body + b"more")
    made = project.create()
    project("promote", made, "--override", "test", "--yes")
    assert project.path().read_bytes() == body + b"more"
    assert project.path().stat().st_mode & 0o7777 == mode
    project("rollback", made, "--yes")
    assert project.path().read_bytes() == body
    assert project.path().stat().st_mode & 0o7777 == mode


def test_no_stored_name_can_steer_a_terminal(project):
    """Escape sequences in names are printed as replacement characters."""
    name = project.create("--name", "evil\x1b[2J\x07name", "--hypothesis", "h\x1b]0;x\x07")
    for call in (("status",), ("status", name), ("analyze", name)):
        assert "\x1b" not in project(*call).out


def test_an_id_may_be_shortened_while_it_is_clear(project):
    """A prefix or the subject is enough; a wrong one names the nearest."""
    name = project.create()
    assert project("status", "review", "--json").json["experiments"][0]["id"] == name
    error = project("status", name[:-1] + "x", "--json", code=1).error
    assert name in error["hint"]


@pytest.mark.parametrize(
    "metrics",
    ["x", ["duration_seconds"], {"primary": {"name": "clarity", "direction": "up"}}],
)
def test_metrics_of_any_form_in_a_plan_file_end_in_a_message(project, metrics):
    """The hypothesis is inferred from the metric, before the plan is read as a whole."""
    plan = {"files": {COMMAND: "v2.md"}, "metrics": metrics}
    project.path("plan.json").write_text(json.dumps(plan), "utf-8")
    error = project("create", "--plan", project.path("plan.json"), "--json", code=2).error
    assert error["kind"] == "usage"
    assert "metrics" in error["message"]
