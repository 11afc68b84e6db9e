import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.plugin.desk import ECHO, LAUNCHER, OLD, ROOT, STAMP, UV, program, wrapper

from meta_experiment import __version__

VERSION = f"meta-experiment, version {__version__}\n"


def test_the_named_interpreter_is_used(desk):
    """META_EXPERIMENT_PYTHON decides, and the program runs from any directory."""
    done = desk.run("--version", META_EXPERIMENT_PYTHON=sys.executable)
    assert (done.returncode, done.stdout, done.stderr) == (0, VERSION, "")


def test_the_named_interpreter_may_be_a_word_on_the_path(desk):
    """META_EXPERIMENT_PYTHON may name a program instead of a file."""
    desk.tool("my-python", wrapper(sys.executable))
    assert desk.run("--version", META_EXPERIMENT_PYTHON="my-python").stdout == VERSION


def test_arguments_arrive_unchanged(desk):
    """Spaces, quotes, stars and empty words reach the program as they were given."""
    python = desk.tool("echoing", ECHO)
    words = ["create", "--name", "a  b", "", "*", "it's", 'say "x"', "$(touch no)"]
    done = desk.run(*words, META_EXPERIMENT_PYTHON=str(python))
    script = f"{LAUNCHER.parent}/../scripts/meta-experiment.py"
    assert done.stdout.split("|")[1:-1] == ["-E", "-X", "utf8", script, *words]


def test_symlinks_lead_to_the_plugin(desk):
    """The launcher finds its folder through absolute, relative and chained links."""
    desk.system("readlink")
    absolute = desk.tools / "absolute"
    absolute.symlink_to(LAUNCHER)
    chained = desk.home / "chained"
    chained.symlink_to(Path("..") / "tools" / "absolute")
    folder = desk.home / "bin"
    folder.symlink_to(LAUNCHER.parent)
    for launcher in (absolute, chained, folder / "meta-experiment"):
        done = desk.run("--version", launcher=launcher, META_EXPERIMENT_PYTHON=sys.executable)
        assert done.stdout == VERSION, done.stderr


def test_a_plugin_folder_may_have_spaces(desk, tmp_path):
    """Neither a space nor a quote in the plugin's path matters."""
    copy = tmp_path / "it's a plugin"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "scripts", copy / "scripts", ignore=ignore)
    shutil.copytree(ROOT / "bin", copy / "bin")
    launcher = copy / "bin" / "meta-experiment"
    done = desk.run("--version", launcher=launcher, META_EXPERIMENT_PYTHON=sys.executable)
    assert done.stdout == VERSION, done.stderr


@pytest.mark.parametrize("variable", [None, "XDG_DATA_HOME"])
def test_the_stamped_environment_is_used_without_any_tool(desk, tmp_path, variable):
    """On the usual path the launcher needs no program but the interpreter it starts."""
    settings = {variable: str(tmp_path / "my data")} if variable else {}
    data = tmp_path / "my data" / "meta-experiment" if variable else desk.data
    python = program(data / f"venv-{STAMP}" / "bin" / "python", ECHO)
    done = desk.run("status", **settings)
    assert done.stdout.split("|")[0] == str(python)
    assert done.stderr == ""


def test_there_is_one_folder_of_the_machine(desk, tmp_path):
    """The client names its plugin's data folder to hooks alone, so that it is no place."""
    python = program(desk.data / f"venv-{STAMP}" / "bin" / "python", ECHO)
    done = desk.run("status", CLAUDE_PLUGIN_DATA=str(tmp_path / "plugin data"))
    assert done.stdout.split("|")[0] == str(python)


def test_a_relative_data_home_is_ignored(desk):
    """A relative XDG_DATA_HOME would mean another place in every directory."""
    python = program(desk.data / f"venv-{STAMP}" / "bin" / "python", ECHO)
    assert desk.run("status", XDG_DATA_HOME="data").stdout.startswith(str(python))


def test_a_python_that_has_the_packages_is_remembered(desk):
    """The search happens once; afterwards the interpreter itself is started, not its shim."""
    desk.tool("python3", wrapper(sys.executable))
    first = desk.run("--version")
    assert first.stdout == VERSION, first.stderr
    assert (desk.data / f"python-{STAMP}").read_text("utf-8") == f"{sys.executable}\n"
    (desk.tools / "python3").unlink()
    assert desk.run("--version").stdout == VERSION


@pytest.mark.long
def test_a_remembered_python_that_lost_its_packages_is_replaced(desk, bare):
    """A stale memory is noticed, and a Python that can do it is found instead."""
    desk.data.mkdir(parents=True)
    memory = desk.data / f"python-{STAMP}"
    memory.write_text(f"{bare}\n", "utf-8")
    desk.tool("python3", wrapper(sys.executable))
    done = desk.run("--version")
    assert done.stdout == VERSION, done.stderr
    assert memory.read_text("utf-8") == f"{sys.executable}\n"


@pytest.mark.long
def test_a_remembered_python_that_is_gone_is_replaced(desk):
    """A memory of a Python that was removed leads to a new search."""
    desk.data.mkdir(parents=True)
    (desk.data / f"python-{STAMP}").write_text(f"{desk.home}/gone\n", "utf-8")
    desk.tool("python3", wrapper(sys.executable))
    assert desk.run("--version").stdout == VERSION


def test_an_environment_is_built_where_there_is_none(desk, bare):
    """With a bare Python the environment is built from the lock, once, and said so."""
    desk.tool("python3", wrapper(bare))
    desk.tool("uv", UV)
    desk.system("mkdir", "chmod", "sleep")
    first = desk.run("--version")
    assert first.stdout == VERSION, first.stderr
    assert "building" in first.stderr
    log = (desk.home / "uv.log").read_text("utf-8")
    assert "--require-hashes" in log
    assert str(ROOT / "requirements.lock") in log
    again = desk.run("--version")
    assert (again.stdout, again.stderr) == (VERSION, "")
    assert (desk.home / "uv.log").read_text("utf-8") == log
    assert desk.kept() == ["lock", f"venv-{STAMP}"]


@pytest.mark.long
@pytest.mark.parametrize("damage", ["dangling", "not a program", "bare"])
def test_a_broken_environment_is_built_anew(desk, bare, damage):
    """An environment whose Python is gone, useless or without packages is replaced."""
    broken = desk.data / f"venv-{STAMP}" / "bin" / "python"
    broken.parent.mkdir(parents=True)
    if damage == "dangling":
        broken.symlink_to(desk.home / "gone")
    elif damage == "bare":
        program(broken, wrapper(bare))
    else:
        broken.write_text("", "utf-8")
    desk.tool("python3", wrapper(bare))
    desk.tool("uv", UV)
    desk.system("mkdir", "chmod", "sleep")
    done = desk.run("--version")
    assert done.stdout == VERSION, done.stderr
    assert desk.kept() == ["lock", f"venv-{STAMP}"]


@pytest.mark.long
def test_two_at_once_share_one_build(desk, bare):
    """Of two that need the environment one builds, and the other waits and uses it."""
    desk.tool("python3", wrapper(bare))
    desk.tool("uv", UV)
    desk.system("mkdir", "chmod", "sleep")
    both = [desk.start("--version", UV_SECONDS="0.5") for _ in range(2)]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [out for out, _ in outputs] == [VERSION, VERSION], outputs
    log = (desk.home / "uv.log").read_text("utf-8")
    assert sum(line.startswith("pip") for line in log.splitlines()) == 1


@pytest.mark.long
def test_what_a_killed_build_leaves_is_swept(desk, bare):
    """After SIGKILL in the middle of a build the next call builds, and nothing is left over."""
    desk.tool("python3", wrapper(bare))
    desk.tool("uv", UV)
    desk.system("mkdir", "chmod", "sleep")
    killed = desk.start("--version", UV_SECONDS="30")
    until = time.monotonic() + 120
    while "pip" not in _text(desk.home / "uv.log"):
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert any(name.startswith("building-") for name in desk.kept())
    assert desk.run("--version").stdout == VERSION
    assert desk.kept() == ["lock", f"venv-{STAMP}"]


@pytest.mark.long
def test_a_build_without_network_says_so_and_leaves_nothing(desk, bare):
    """When packages cannot be fetched the exit code is 1 and the way out is named."""
    desk.tool("python3", wrapper(bare))
    done = desk.run("status", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Check the network" in done.stderr
    assert desk.kept() == ["lock"]


def test_a_build_that_takes_too_long_gives_up(desk, bare):
    """Who would be killed for waiting gets an answer in time, and nothing is left over."""
    desk.tool("uv", UV)
    desk.system("mkdir", "chmod", "sleep")
    lock = ROOT / "requirements.lock"
    done = subprocess.run(
        [bare, "-E", ROOT / "scripts" / "_environment.py", lock, desk.data, "--seconds", "0.5"],
        env={"HOME": str(desk.home), "PATH": str(desk.tools), "UV_SECONDS": "5"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "not ready within 0.5 s" in done.stderr
    assert desk.kept() == ["lock"]


@pytest.mark.long
def test_where_uv_fails_pip_is_tried(desk, bare):
    """uv may not know what pip is configured with, so its failure is not the end."""
    desk.tool("python3", wrapper(bare))
    desk.tool("uv", UV)
    desk.system("mkdir", "chmod", "sleep")
    settings = {"UV_EXIT": "1", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0"}
    done = desk.run("status", **settings)
    assert "Trying with pip" in done.stderr
    assert "pip …' failed" in done.stderr


@pytest.mark.parametrize("installed", [False, True])
def test_without_a_recent_python_the_user_is_told(desk, bare, installed):
    """No Python, or only one that is too old: exit 1, and what is expected."""
    if installed:
        desk.tool("python3", OLD.format(bare=bare))
    done = desk.run("status")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No Python 3.11 or newer" in done.stderr
    assert "META_EXPERIMENT_PYTHON" in done.stderr


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"PATH": ""}, "no Python environment"),
        ({"META_EXPERIMENT_PYTHON": "/nowhere/python"}, "META_EXPERIMENT_PYTHON"),
        ({"HOME": ""}, "HOME is not set"),
    ],
)
def test_failures_are_documents_for_programs(desk, settings, problem):
    """With --json a failure of the launcher is the error document of the contract."""
    desk.tool("python3", wrapper(sys.executable))
    done = desk.run("status", "--json", **settings)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error.keys() == {"kind", "message", "hint"}
    assert error["kind"] == "dependency"
    assert problem in error["message"]


def test_a_named_python_without_packages_is_refused(desk, bare):
    """An explicit choice is not overruled: its lack is named, and nothing is built."""
    done = desk.run("status", "--json", META_EXPERIMENT_PYTHON=str(bare))
    assert done.returncode == 1
    assert "lacks click, jsonschema, rich, yaml" in done.stderr
    assert json.loads(done.stdout)["error"]["kind"] == "dependency"
    assert not desk.data.exists()


def test_a_home_that_cannot_be_written_is_named(desk, bare):
    """Where no environment can be kept the reason is the folder, and the way out is named."""
    desk.tool("python3", wrapper(bare))
    done = desk.run("status", XDG_DATA_HOME="/dev/null")
    assert done.returncode == 1
    assert "/dev/null/meta-experiment: Not a directory" in done.stderr
    assert "XDG_DATA_HOME" in done.stderr


def _text(file):
    return file.read_text("utf-8") if file.exists() else ""
