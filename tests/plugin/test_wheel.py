"""Installed as a Python package, the program is whole: nothing of it lies outside the wheel."""

import json
import shutil
import subprocess
import sys
import tarfile
import venv
from importlib.metadata import distribution

import pytest
from tests.client.conftest import INSTALLED
from tests.client.endpoint import Answer, Endpoint
from tests.client.harness import Client
from tests.plugin.desk import ROOT
from tests.plugin.test_manifests import pins
from tests.security.planted import Planted

pytestmark = pytest.mark.long

COMMAND = ".claude/commands/review.md"


def run(*words, cwd=None, code=0, stdin="", **settings):
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env={"PATH": "/usr/bin:/bin", **settings},
        input=stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A new environment with a wheel that was built from the source distribution."""
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "hatchling", "build", "-d", folder, "-t")
    run(*build, "sdist", cwd=ROOT, HOME=str(folder))
    (source,) = folder.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(folder / "source", filter="data")
    (top,) = (folder / "source").iterdir()
    run(*build, "wheel", cwd=top, HOME=str(folder))
    shutil.rmtree(folder / "source")
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    (wheel,) = folder.glob("*.whl")
    pip = (environment / "bin" / "python", "-m", "pip", "install", "--quiet")
    run(*pip, "--no-index", "--no-deps", wheel, HOME=str(folder))
    (site,) = environment.glob("lib/*/site-packages")
    for name in pins("requirements.lock"):
        for file in distribution(name).files or ():
            if ".." not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file.locate(), site / file)
    return environment


class Newcomer:
    """A home and a project, in which the installed program is called."""

    def __init__(self, program, folder):
        self.program, self.home, self.root = program, folder / "home", folder / "project"
        self.settings = {"HOME": str(self.home), "GIT_CONFIG_GLOBAL": "/dev/null"}
        self.home.mkdir()
        self.write(COMMAND, "---\ndescription: Review\n---\nOne by one.\n")
        self.write("v2.md", "---\ndescription: Review\n---\nAll at once.\n")
        for words in ("init -q", "config user.name N", "config user.email n@example.com"):
            run("git", *words.split(), cwd=self.root, **self.settings)
        run("git", "add", "-A", cwd=self.root, **self.settings)
        run("git", "commit", "-qm", "new", cwd=self.root, **self.settings)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def __call__(self, *words, **more):
        return run(self.program, *words, cwd=self.root, **more, **self.settings)

    def json(self, *words):
        return json.loads(self(*words, "--json"))


@pytest.fixture
def newcomer(installed, tmp_path):
    return Newcomer(installed / "bin" / "meta-experiment", tmp_path)


def trial(number):
    """Return the line of a trial; the treatment takes about half of the time."""
    arm, seconds = (("control", 60), ("treatment", 30))[number % 2]
    metrics = {"duration_seconds": seconds * (1 + number % 7 / 10)}
    line = {"experiment": "review", "variant": arm, "unit": f"u{number}", "metrics": metrics}
    return json.dumps(line) + "\n"


def pack_of(installed):
    (site,) = installed.glob("lib/*/site-packages")
    return site / "meta_experiment_pack"


def test_a_whole_life_from_the_plan_to_the_way_back(newcomer):
    given = ("--file", f"{COMMAND}=v2.md", "--primary-metric", "duration_seconds")
    newcomer("plan", *given, "--seed", "7")
    newcomer("create", *given, "--seed", "7", "--auto", "--unit", "invocation")
    assert newcomer.json("check")["healthy"]
    newcomer("start", "review")
    newcomer("pause", "review")
    newcomer("resume", "review")
    assert "serve-variant" in newcomer("doctor")
    drawn = newcomer.json("assign", "review")
    newcomer(
        "record", "review", "--variant", drawn["variant"], "--trial-id", drawn["trial_id"],
        "--metric", "duration_seconds=40",
    )  # fmt: skip
    newcomer("record", "--stdin", stdin="".join(map(trial, range(80))))
    assert newcomer.json("analyze", "review")["decision"] == "PROMOTE"
    newcomer("promote", "review", "--yes")
    assert "All at once." in (newcomer.root / COMMAND).read_text("utf-8")
    newcomer("rollback", "review", "--reason", "end", "--yes")
    assert "One by one." in (newcomer.root / COMMAND).read_text("utf-8")
    assert newcomer.json("verify")["healthy"]
    assert newcomer.json("check")["healthy"]
    newcomer("archive", "review")


def test_the_demo_runs_and_nothing_of_the_folder(newcomer, tmp_path):
    planted = Planted(newcomer.root, tmp_path / "ran")
    newcomer.settings["PATH"] = ".::/usr/bin:/bin"
    newcomer("check")
    assert "original bytes again" in newcomer("demo")
    assert planted.ran() == []


def test_what_serves_is_told_to_whom_has_the_package_alone(newcomer, installed):
    """Hooks and `serve-variant` reach the client by a plugin only, which lies in the wheel."""
    newcomer("create", "--file", f"{COMMAND}=v2.md", "--primary-metric", "duration_seconds")
    told = f"/plugin marketplace add {pack_of(installed)}, then /plugin install "
    assert told in newcomer("start", "review")
    finding = next(it for it in newcomer.json("doctor")["findings"] if it["name"] == "plugin")
    assert told in finding["hint"]


@pytest.mark.client
def test_the_client_installs_the_plugin_out_of_the_wheel_and_serves(
    newcomer, installed, tmp_path
):
    """What `start` says to do is done, and a prompt is then served and counted."""
    if INSTALLED is None:
        pytest.skip("no client is installed; .ci/run installs one")
    client = Client(INSTALLED, tmp_path, plugins=())
    pack = pack_of(installed)
    done = client.run_program("plugin", "validate", "--strict", str(pack / "plugin.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        ("marketplace", "add", str(pack)),
        ("install", "meta-experiment@meta-experiment"),
    ):
        done = client.run_program("plugin", *words)
        assert done.returncode == 0, done.stdout + done.stderr
    newcomer(
        "create", "--file", f"{COMMAND}=v2.md", "--primary-metric", "output_tokens",
        "--unit", "invocation", "--start",
    )  # fmt: skip
    assert "It needs the plugin" not in newcomer("resume", "review", code=1)
    texts = set()
    with Endpoint([Answer("Done.", lasting=True)]) as endpoint:
        for _ in range(4):
            seen = client.ask(endpoint, "/review").seen()
            texts |= {text for text in ("One by one.", "All at once.") if text in seen}
    assert texts == {"One by one.", "All at once."}
    assert newcomer.json("trials", "review")["total"] == 4
