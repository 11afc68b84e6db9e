"""Installed as a Python package, the program is whole: nothing of it lies outside the wheel."""

import json
import re
import shlex
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
from tests.plugin.trees import copied, of_the_plugin
from tests.security.planted import Planted

from meta_experiment import __version__

pytestmark = pytest.mark.long

NAME = "meta-experiment@meta-experiment"
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
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # since 3.11.4
        archive.extractall(folder / "source")  # noqa: S202 - we made it
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

    def json(self, *words, **more):
        return json.loads(self(*words, "--json", **more))


@pytest.fixture
def newcomer(installed, tmp_path):
    return Newcomer(installed / "bin" / "meta-experiment", tmp_path)


def trial(number):
    """Return the line of a trial; the treatment takes about half of the time."""
    arm, seconds = (("control", 60), ("treatment", 30))[number % 2]
    metrics = {"duration_seconds": seconds * (1 + number % 7 / 10)}
    line = {"experiment": "review", "variant": arm, "unit": f"u{number}", "metrics": metrics}
    return json.dumps(line) + "\n"


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


def test_the_package_alone_is_no_fault_and_what_serves_is_told(newcomer):
    """Hooks and `serve-variant` reach the client by a plugin only, which the package writes."""
    assert newcomer.json("doctor")["healthy"]
    newcomer("create", "--file", f"{COMMAND}=v2.md", "--primary-metric", "duration_seconds")
    told = "meta-experiment plugin --to DIR"
    assert told in newcomer("start", "review")
    finding = next(it for it in newcomer.json("doctor")["findings"] if it["name"] == "plugin")
    assert told in finding["hint"]


@pytest.mark.client
def test_the_client_takes_the_plugin_that_the_package_wrote_serves_upgrades_and_lets_go(
    newcomer, tmp_path
):
    """In a new home, by the commands that `plugin` prints; what was recorded stays."""
    if INSTALLED is None:
        pytest.skip("no client is installed; .ci/run installs one")
    client = Client(INSTALLED, tmp_path, plugins=())

    def ask(*words):
        done = client.run_program("plugin", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pack = tmp_path / "my plugin"
    said = newcomer("plugin", "--to", pack)
    assert copied(pack) == of_the_plugin()
    lines = [shlex.split(line) for line in said.splitlines() if line.startswith("  claude")]
    assert [line[:3] for line in lines] == [
        ["claude", "plugin", "marketplace"],
        ["claude", "plugin", "install"],
        ["claude", "plugin", "update"],
    ]
    ask("validate", "--strict", str(pack / "plugin.json"))
    if "--profile" in ask("validate", "--help"):
        ask("validate", "--strict", "--profile", "directory", str(pack))
    for _, _, *words in lines:
        ask(*words)
    (said,) = re.findall(r"Always-on: +~(\d+) tok", ask("details", NAME))
    (told,) = re.findall(r"adds about (\d+) tokens", (ROOT / "README.md").read_text("utf-8"))
    assert int(said) <= int(told)
    assert f"both {__version__}" in newcomer("doctor", "--json")
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
    for file in (pack / "plugin.json", *(pack / ".claude-plugin").glob("*.json")):
        file.write_text(file.read_text("utf-8").replace(f'"{__version__}"', '"0.0.1"'), "utf-8")
    ask("update", NAME)
    told = newcomer.json("doctor", code=1)["findings"]
    assert any("the plugin is older" in item["detail"] for item in told)
    shutil.rmtree(pack)  # a copy that was changed is not replaced
    newcomer("plugin", "--to", pack)
    ask("update", NAME)
    assert newcomer.json("doctor")["healthy"]
    ask("uninstall", NAME)
    ask("marketplace", "remove", "meta-experiment")
    assert newcomer.json("trials", "review")["total"] == 4
    assert newcomer.json("verify")["healthy"]
