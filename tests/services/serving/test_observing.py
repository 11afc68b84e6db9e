"""What a look at the board tells beside it."""

from pathlib import Path

import pytest
from tests.live.stage import Stage

from meta_experiment.files.roots import Layout
from meta_experiment.protocol import places
from meta_experiment.services.serving.observing import notes


@pytest.fixture
def personal(tmp_path, monkeypatch):
    """A home in which one personal prompt is served."""
    stage = Stage(tmp_path, places.USER)
    monkeypatch.setenv("HOME", str(stage.home))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return stage


def test_a_project_tells_of_experiments_on_personal_prompts(personal, tmp_path):
    """They are served here too, and stand on another board; on their own there is no note."""
    project = Layout(tmp_path / "other")
    assert notes(project, 0.0, tmp_path) == []
    personal.run()
    (note,) = notes(project, 0.0, tmp_path)
    assert note == "1 experiment runs on personal prompts. See: meta-experiment status --user"
    personal.run("exp-2")
    assert notes(project, 0.0, tmp_path)[0].startswith("2 experiments run ")
    assert not any("personal" in said for said in notes(Layout(personal.root), 0.0, tmp_path))


def test_an_index_that_cannot_be_read_tells_nothing(personal, tmp_path):
    """The board is shown all the same."""
    personal.run()
    index = Path(places.active_index(str(personal.root)))
    index.unlink()
    index.symlink_to("/dev/zero")
    assert notes(Layout(tmp_path / "other"), 0.0, tmp_path) == []
