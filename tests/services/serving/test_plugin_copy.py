"""The plugin written into a folder: whole, its own bytes, and nobody else's folder."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.everyday import some
from tests.plugin.trees import LIST, copied, of_the_plugin, tree

from meta_experiment.cli.main import main
from meta_experiment.files.pack import LIBRARY
from meta_experiment.services.serving import plugin_copy

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.long
def test_the_copy_has_the_bytes_of_the_repository_and_runs(tmp_path, capsys):
    target = tmp_path / "my plugin"
    assert main(["plugin", "--to", str(target), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert copied(target) == of_the_plugin()
    assert said["files"] == len(of_the_plugin())
    assert (said["folder"], said["replaced"]) == (str(target), False)
    done = subprocess.run(
        [target / "bin" / "meta-experiment", "--version"],
        env={"PATH": "/usr/bin:/bin", "META_EXPERIMENT_PYTHON": sys.executable},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said["version"] in done.stdout, done.stderr


@pytest.mark.long
def test_an_earlier_copy_is_replaced_and_nothing_of_it_left(tmp_path, capsys):
    target = tmp_path / "plugin"
    assert main(["plugin", "--to", str(target)]) == 0
    (target / "skills" / "gone.md").write_text("of an older version")
    digest = hashlib.sha256(b"of an older version").hexdigest()
    with (target / LIST).open("a") as listed:
        listed.write(f"{digest}  skills/gone.md\n")
    (target / "LICENSE").unlink()
    (target / "scripts" / "__pycache__").mkdir()
    (target / "scripts" / "__pycache__" / "x.pyc").touch()
    capsys.readouterr()
    assert main(["plugin", "--to", str(target)]) == 0
    said = capsys.readouterr().out
    assert "in the place of an earlier copy" in said
    assert f"claude plugin marketplace add {target}" in said
    assert copied(target) == of_the_plugin()
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("held", ["notes.txt", ".git/config", "tests/run", "commands/mine.md"])
def test_a_folder_with_anything_else_is_left_alone(tmp_path, held, capsys):
    target = tmp_path / "work"
    (target / held).parent.mkdir(parents=True)
    (target / held).write_text("mine")
    (target / "LICENSE").write_text("mine too")
    before = tree(target)
    assert main(["plugin", "--to", str(target)]) == 1
    assert "which no copy of the plugin wrote" in capsys.readouterr().err
    assert tree(target) == before
    assert list(tmp_path.iterdir()) == [target]


def edited(target):
    (target / "commands" / "meta_experiment.md").write_text("mine")


def added(target):
    (target / "skills" / "mine.md").write_text("mine")


def linked(target):
    (target / "skills" / "there").symlink_to(target.parent)


def without_a_list(target):
    (target / LIST).unlink()


@pytest.mark.long
@pytest.mark.parametrize("change", some([edited, added, linked, without_a_list], 2))
def test_what_was_changed_in_a_copy_is_left_alone(tmp_path, change, capsys):
    target = tmp_path / "plugin"
    assert main(["plugin", "--to", str(target)]) == 0
    change(target)
    before = tree(target)
    assert main(["plugin", "--to", str(target)]) == 1
    assert "which no copy of the plugin wrote" in capsys.readouterr().err
    assert tree(target) == before


@pytest.mark.long
def test_a_file_a_link_and_the_plugin_itself_are_refused(tmp_path, monkeypatch, capsys):
    file = tmp_path / "file"
    file.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for target in (file, link):
        assert main(["plugin", "--to", str(target)]) == 1
        assert "is no folder" in capsys.readouterr().err
    assert file.read_text() == "mine"
    assert link.is_symlink()
    own = tmp_path / "own"
    assert main(["plugin", "--to", str(own)]) == 0
    monkeypatch.setattr(plugin_copy, "plugin_folder", lambda: own)
    before = tree(own)
    assert main(["plugin", "--to", str(own)]) == 1
    assert "the plugin that runs at this moment" in capsys.readouterr().err
    assert tree(own) == before


@pytest.mark.long
@pytest.mark.parametrize("failing", [0, 40])
def test_a_failure_on_the_way_leaves_what_was_there(tmp_path, monkeypatch, failing):
    """A full disk in the middle, where an earlier copy is and where none is."""
    earlier, new = tmp_path / "earlier", tmp_path / "new"
    assert main(["plugin", "--to", str(earlier)]) == 0
    before, copied, done = tree(earlier), shutil.copyfile, []

    def copy(source, target):
        done.append(target)
        if len(done) > failing:
            raise OSError(28, "No space left on device", str(target))
        return copied(source, target)

    monkeypatch.setattr(plugin_copy.shutil, "copyfile", copy)
    for target in (earlier, new):
        assert main(["plugin", "--to", str(target)]) == 1
        done.clear()
    assert tree(earlier) == before
    assert list(tmp_path.iterdir()) == [earlier]


def test_the_library_is_the_one_that_runs():
    assert (ROOT / "scripts" / "meta_experiment") == LIBRARY
