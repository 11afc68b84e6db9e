"""Whether the client knows the plugin, and what to type where it does not."""

import json
import tomllib
from pathlib import Path

import pytest
from tests.cli.conftest import project

from meta_experiment.files import pack
from meta_experiment.protocol import places
from meta_experiment.services.serving import plugin

__all__ = ["project"]
ROOT = Path(__file__).resolve().parents[3]


def test_the_plugin_lies_around_the_library_or_beside_it(tmp_path, monkeypatch):
    assert pack.plugin_folder() == ROOT
    assert pack.own_program()[-1] == str(ROOT / "scripts" / "meta-experiment.py")
    library = tmp_path / "site-packages" / "meta_experiment"
    monkeypatch.setattr(pack, "LIBRARY", library)
    assert pack.plugin_folder() == tmp_path / "site-packages" / "meta_experiment_pack"
    assert pack.own_program()[-3:] == ("-P", "-m", "meta_experiment")


def test_without_an_interpreter_of_its_own_the_launcher_starts_the_program(monkeypatch):
    """As where another program runs this one within itself."""
    monkeypatch.setattr("sys.executable", "")
    shell, launcher = pack.own_program()
    assert Path(shell).exists()
    assert Path(launcher) == ROOT / "bin" / "meta-experiment"
    assert Path(launcher).exists()


def test_the_wheel_holds_what_the_checkout_has():
    """All that stands at the top of the repository, but for what is work on it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    held = wheel["hooks"]["custom"]["pack"]
    assert held == sorted(set(held))
    work = {"AGENTS.md", "CHANGELOG.md", "SECURITY.md", "benchmarks", "docs", "evals", "tests"}
    work |= {"action.yml", "requirements-dev.lock", "dist", "build", "node_modules"}
    work |= {"hatch_build.py", "requirements-engines.lock", "requirements-tools.lock"}
    work |= {"share", "__pycache__"}
    top = {item.name for item in ROOT.iterdir() if item.name[0] != "."} - work
    assert set(held) == top | {".claude-plugin"}


@pytest.mark.parametrize(
    ("folder", "added"),
    [
        ("src/meta-experiment", True),
        (".claude/plugins/cache/meta-experiment/meta-experiment/0.1.0", False),
        (".claude/plugins/marketplaces/meta-experiment", False),
    ],
)
def test_a_marketplace_that_the_client_has_is_not_added_again(
    tmp_path, monkeypatch, folder, added
):
    monkeypatch.setattr(
        "meta_experiment.services.serving.plugin.plugin_folder", lambda: tmp_path / folder
    )
    add = f"/plugin marketplace add {tmp_path / folder}, then " if added else ""
    assert f"In Claude Code: {add}/plugin install meta-experiment@" in plugin.how_to_load()


def test_who_has_the_package_alone_writes_the_plugin_first(monkeypatch):
    monkeypatch.setattr("meta_experiment.services.serving.plugin.is_around", lambda: False)
    assert plugin.how_to_load().startswith("meta-experiment plugin --to DIR")


@pytest.mark.long
def test_start_says_what_is_missing_where_nothing_shows_the_plugin(project, monkeypatch):
    """Otherwise a prompt under experiment is used for days, and nothing is counted."""
    made = project.create(start=False)
    assert "It needs the plugin. In Claude Code: /plugin" in project("start", made).out
    project("pause", made)
    settings = Path.home() / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"enabledPlugins": {"meta-experiment@mine": True}}))
    assert "needs the plugin" not in project("resume", made).out
    project("pause", made)
    settings.write_text(json.dumps({"enabledPlugins": {"meta-experiment@mine": False}}))
    assert "needs the plugin" in project("resume", made).out
    project("pause", made)
    settings.unlink()
    Path(places.heartbeat(str(project.root))).touch()
    assert "needs the plugin" not in project("resume", made).out
    project("pause", made)
    monkeypatch.setenv("CLAUDECODE", "1")
    assert "needs the plugin" in project("resume", made).out
