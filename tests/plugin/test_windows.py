"""On Windows itself every way in says in two lines what to do instead, and nothing is tried."""

import importlib.util
import os
from types import SimpleNamespace

import pytest
from tests.plugin.desk import ROOT

from meta_experiment.cli import main

SAID = "meta-experiment runs on Linux and macOS, not on Windows itself."
NEXT = "On Windows it runs within WSL: docs/install.md"


@pytest.mark.parametrize("words", [[], ["status"], ["run", "x", "--cases", "y"]])
def test_the_program_says_so(words, monkeypatch, capsys):
    monkeypatch.setattr(main, "_SYSTEM", "nt")
    assert main.main(words) == 1
    assert capsys.readouterr().err == f"Error: {SAID}\nNext:  {NEXT}\n"


def test_a_script_that_lacks_its_packages_says_so_too(monkeypatch, capsys):
    """Instead of handing over to a shell that is not there."""
    spec = importlib.util.spec_from_file_location("entry", ROOT / "scripts/meta-experiment.py")
    entry = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(entry)
    monkeypatch.setattr(entry, "os", SimpleNamespace(name="nt", environ=os.environ))
    assert entry.relaunch(ROOT, entry.shortcoming()) == 1
    said = capsys.readouterr().err
    assert "this is Windows itself" in said
    assert NEXT in said


def test_the_launcher_of_windows_says_the_same_and_fails():
    lines = (ROOT / "bin/meta-experiment.cmd").read_text("ascii").splitlines()
    assert [f"echo Error: {SAID} 1>&2", f"echo Next:  {NEXT} 1>&2", "exit /b 1"] == lines[-3:]
