"""Who installs it by uv, pipx or pip has the whole program, without a network."""

import json
import os
import subprocess
import sys
import venv

import pytest
from tests.plugin.desk import ROOT
from tests.plugin.test_manifests import pins
from tests.plugin.trees import copied, of_the_plugin
from tests.plugin.wheels import wheel_of
from tests.support.tools import tools_python

pytestmark = pytest.mark.long

BUILD = (
    "editables", "hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers",
)  # fmt: skip
# how each is called, and with what: `uv tool install .` and the like, from a file or a folder
WAYS = {
    "uv": ("uv", "tool", "install", "--python", sys.executable),
    "pipx": ("python", "-m", "pipx", "install", "--python", sys.executable),
    "pip": ("python", "-m", "pip", "install"),
}


class Machine:
    """A new home, in which packages come from one folder of wheels alone."""

    def __init__(self, home, wheels):
        self.home = home
        self.settings = {
            "HOME": str(home), "PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null",
            "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull,
            "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(wheels), "UV_OFFLINE": "1",
            "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(home / "cache"),
        }  # fmt: skip

    def __call__(self, *words, cwd=None):
        done = subprocess.run(
            list(map(str, words)), cwd=cwd or self.home, env=self.settings, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def install(self, way, what):
        """Install in a way, and return the program."""
        programs, program = tools_python().parent, self.home / ".local/bin/meta-experiment"
        if way == "pip":
            venv.create(self.home / "own", with_pip=True)
            programs = self.home / "own" / "bin"
            program = programs / "meta-experiment"
        name, *words = WAYS[way]
        self(programs / name, *words, *what, cwd=ROOT)
        return program


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    (site,) = tools_python().parents[1].glob("lib/*/site-packages")
    for name in (*pins("requirements.lock"), *BUILD):
        wheel_of(name, site, folder)
    return folder


@pytest.fixture(scope="module")
def built(wheels, tmp_path_factory):
    """The package as a source distribution and as the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("built")
    machine = Machine(folder, wheels)
    machine(
        tools_python().with_name("uv"),
        "build",
        "--quiet",
        "--python",
        sys.executable,
        "-o",
        folder,
        ROOT,
    )
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return {"sdist": (sdist,), "wheel": (wheel,), "editable": ("--editable", ".")}


# each way once, and each form: a wheel, the source, and the folder that one works in
@pytest.mark.parametrize(
    ("way", "form"), [("uv", "wheel"), ("pipx", "sdist"), ("pip", "editable")]
)
def test_the_program_is_whole_however_it_was_installed(wheels, built, tmp_path, way, form):
    machine = Machine(tmp_path, wheels)
    program = machine.install(way, built[form])
    found = json.loads(machine(program, "check", "--json"))
    assert found["healthy"], found
    assert json.loads(machine(program, "doctor", "--json"))["healthy"]
    machine(program, "plugin", "--to", "plugin")
    assert copied(tmp_path / "plugin") == of_the_plugin()
