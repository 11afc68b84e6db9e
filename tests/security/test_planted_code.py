"""No code runs because it lies in the folder one works in, or where everybody may write."""

import os
import subprocess
import sys
import time

import pytest
from tests.everyday import some
from tests.live.stage import Stage
from tests.plugin.desk import ROOT, STAMP, UV, program, wrapper
from tests.security.planted import Planted
from tests.support.git import git
from tests.support.serving import SKILL, drafted, opened

from meta_experiment.files.programs import find_program
from meta_experiment.git.command import Git
from meta_experiment.live import session_start
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.serving import rehearsal

ODD_PATHS = (".:{}", ":{}", "bin:{}", "{}::", ".:{}:")


@pytest.fixture
def planted(desk, tmp_path):
    """The folder that one works in, full of a stranger's code."""
    return Planted(desk.away, tmp_path / "ran")


@pytest.fixture
def shared(tmp_path):
    """A temporary folder in which another user of the machine left code."""
    return Planted(tmp_path / "shared", tmp_path / "ran")


def test_what_is_planted_would_run(planted):
    """The plants work: a Python that is not isolated runs them, and so does a shell."""
    for words in ([sys.executable, "-E", "-c", "import click"], ["/bin/sh", "-c", "git log"]):
        odd = {"PATH": ":/usr/bin"}
        subprocess.run(words, cwd=planted.folder, env=odd, capture_output=True, check=False)
    assert planted.ran() == ["module click", "program git"]


@pytest.mark.long
@pytest.mark.parametrize("built", [None, "wrapper", "broken"])
def test_looking_for_an_environment_runs_nothing_of_the_folder(desk, planted, bare, built):
    """Neither where none is built yet, nor where another launch built one meanwhile."""
    desk.tool("python3", wrapper(sys.executable))
    if built is not None:
        python = sys.executable if built == "wrapper" else bare
        program(desk.data / f"venv-{STAMP}" / "bin" / "python", wrapper(python))
    done = desk.run("status", META_EXPERIMENT_RELAUNCHED="1")
    assert "No experiments yet." in done.stdout, done.stderr
    assert planted.ran() == []


@pytest.mark.long
def test_a_second_launch_that_waits_for_the_first_runs_nothing_of_the_folder(
    desk, planted, bare
):
    """What the first has built is tried out by the second, which stands in that folder."""
    desk.tool("python3", wrapper(bare))
    desk.tool("uv", UV)
    desk.system("mkdir", "chmod", "sleep")
    both = [desk.start("status", UV_SECONDS="0.5") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=300)
        assert "No experiments yet." in out, err
    assert planted.ran() == []


def test_building_an_environment_runs_nothing_of_the_shared_folder(desk, planted, bare, shared):
    """`python -m venv` would take a `venv.py` of the folder that it stands in."""
    script = ROOT / "scripts" / "_environment.py"
    subprocess.run(
        [bare, "-E", script, ROOT / "requirements.lock", desk.data, "--seconds", "0.7"],
        cwd=planted.folder,
        env={"HOME": str(desk.home), "PATH": str(desk.tools), "TMPDIR": str(shared.folder)},
        capture_output=True,
        check=False,
    )
    assert planted.ran() == []


@pytest.mark.long
def test_a_whole_build_with_pip_runs_nothing_of_the_shared_folder(desk, planted, bare, shared):
    """The same to its end: `-m venv`, what that runs itself, and `-m pip`."""
    desk.tool("python3", wrapper(bare))
    settings = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    done = desk.run("status", TMPDIR=str(shared.folder), **settings)
    assert "pip …' failed" in done.stderr or "'pip" in done.stderr, done.stderr
    assert planted.ran() == []


@pytest.mark.long
def test_uv_stands_in_no_folder_of_somebody_elses(desk, planted, bare, shared):
    """It would take settings, and an environment with its Python, from where it stands."""
    told = f'#!/bin/sh\npwd -P >>"{desk.home}/stood"\n'
    desk.tool("uv", told + UV.partition("\n")[2])
    desk.tool("python3", wrapper(bare))
    desk.system("mkdir", "chmod", "sleep")
    desk.run("status", TMPDIR=str(shared.folder))
    (desk.tools / "python3").unlink()  # then uv has to bring one
    desk.run("status", META_EXPERIMENT_RELAUNCHED="1", TMPDIR=str(shared.folder))
    stood = (desk.home / "stood").read_text("utf-8").splitlines()
    assert len(stood) == 3
    assert all(folder == "/" or folder.startswith(str(desk.data)) for folder in stood), stood
    assert planted.ran() == []


@pytest.mark.long
def test_the_folder_of_environments_is_private(desk):
    desk.tool("python3", wrapper(sys.executable))
    desk.run("status")
    assert desk.data.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("script", ["status.py", "meta-experiment.py"])
def test_a_script_runs_nothing_of_the_folder(desk, planted, script):
    words = [sys.executable, ROOT / "scripts" / script, *(["status"] if "-" in script else [])]
    done = subprocess.run(
        words, cwd=planted.folder, env={"HOME": str(desk.home), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "No experiments yet." in done.stdout, done.stderr
    assert planted.ran() == []


@pytest.mark.long
@pytest.mark.parametrize("path", some(ODD_PATHS, 2))
def test_a_relative_entry_of_path_leads_the_launcher_nowhere(desk, planted, bare, path):
    """`.`, an empty entry and the like mean the folder one is in, and a stranger's programs."""
    desk.tool("python3", wrapper(bare))
    desk.tool("uv", UV)
    desk.system("mkdir", "chmod", "sleep")
    link = desk.tools / "linked"
    link.symlink_to(ROOT / "bin" / "meta-experiment")
    for launcher in (link, ROOT / "bin" / "meta-experiment"):
        process = desk.start("status", launcher=launcher, PATH=path.format(desk.tools))
        out, err = process.communicate(timeout=300)
        assert "No experiments yet." in out, err
    assert planted.ran() == []


@pytest.mark.parametrize(
    "path", some(["/usr/bin:/bin", *(it.format("/usr/bin") for it in ODD_PATHS)], 2)
)
def test_serving_and_hooks_run_nothing_of_the_folder(tmp_path, path):
    stage = Stage(tmp_path / "stage")
    entry = stage.run()
    planted = Planted(stage.root, tmp_path / "ran")
    stage.environment["PATH"] = path.format("/usr/bin")
    del stage.environment["META_EXPERIMENT_PYTHON"]
    link = tmp_path / "linked"
    link.symlink_to(ROOT / "bin" / "serve-variant")
    for words in (
        [ROOT / "hooks" / "observe", "prompt"],
        [link, f"{entry.id}@{'0' * 12}", "s"],
    ):
        told = b'{"session_id":"s","prompt_id":"p","command_name":"other"}'
        environment = {**stage.environment, "CLAUDE_PROJECT_DIR": str(stage.root)}
        subprocess.run(
            words, cwd=stage.root, env=environment, input=told, capture_output=True, check=False
        )
    assert stage.serve().returncode == 0
    assert planted.ran() == []


def test_the_run_beside_a_session_runs_nothing_of_the_project(tmp_path, monkeypatch, desk):
    """`auto` is started by a hook where the user works, with no environment built yet."""
    planted = Planted(tmp_path / "project", tmp_path / "ran")
    (planted.folder / ".claude" / "meta" / "local").mkdir(parents=True)
    desk.tool("python3", wrapper(sys.executable))
    monkeypatch.setenv("HOME", str(desk.home))
    monkeypatch.setenv("PATH", f".:{desk.tools}")
    monkeypatch.chdir(planted.folder)
    log = tmp_path / "auto.log"
    session_start.run_apart(str(planted.folder), ["auto", "--background", "--yes"], str(log))
    patience = time.monotonic() + 120
    while not (log.exists() and "experiment" in log.read_text("utf-8")):
        assert time.monotonic() < patience, desk.kept()
        time.sleep(0.05)
    assert planted.ran() == []


@pytest.mark.parametrize("path", ODD_PATHS)
def test_the_filter_of_git_runs_nothing_of_the_folder(tmp_path, path, monkeypatch):
    """git starts it at the top of the working tree, whatever PATH the user has."""
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet")
    made = drafted(root, SKILL)
    planted = Planted(root, tmp_path / "ran")
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "x")
    monkeypatch.setenv("PATH", path.format("/usr/bin"))
    lifecycle.start(opened(root), made)
    (root / SKILL).touch()
    words = ["/usr/bin/git", "-C", str(root), "status", "--short", SKILL]
    assert subprocess.run(words, capture_output=True, check=True).stdout == b""
    (root / SKILL).unlink()
    subprocess.run([*words[:3], "checkout", "--quiet", SKILL], check=True)
    assert b"serve-variant" in (root / SKILL).read_bytes()
    assert planted.ran() == []


@pytest.mark.parametrize("path", ODD_PATHS)
def test_git_and_python_are_found_in_absolute_folders_alone(planted, path, monkeypatch):
    monkeypatch.chdir(planted.folder)
    monkeypatch.setenv("PATH", path.format("/usr/bin"))
    git = Git.find(planted.folder)
    assert git is not None
    assert git.program == "/usr/bin/git"
    chosen = rehearsal.chosen_python(os.environ)
    assert chosen is None or chosen[0].startswith("/usr/bin/")
    monkeypatch.setenv("PATH", ".:")
    assert find_program("git") is None
