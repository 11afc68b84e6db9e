"""An experiment on cases that runs, in a home and a project of its own."""

import pytest
from tests.support.made_up_runs import MadeUpRuns

from meta_experiment.files.roots import Layout
from meta_experiment.services.acting.lifecycle import start
from meta_experiment.services.planning import creating, request
from meta_experiment.services.workspace import Workspace

PROMPT = ".claude/commands/review.md"
AT = 1_760_000_000.0


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """Return what makes experiments on cases, as yet without a run; its words are a plan's."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    root = tmp_path / "project"
    (root / PROMPT).parent.mkdir(parents=True)
    (root / PROMPT).write_text("Review it.\n")
    (tmp_path / "new.md").write_text("Review it at once.\n")
    space = Workspace.open(Layout(root), lambda: AT)

    def make(name="review", **plan):
        wanted = {
            "name": name,
            "seed": 7,
            "unit": "case",
            "metrics": {"primary": "active_seconds"},
            "stopping": {"sample_size": 5},
            **plan,
        }
        flags = request.from_flags(wanted, [f"{PROMPT}={tmp_path / 'new.md'}"], root, root)
        made = creating.create(space, flags, manual=True).experiment.experiment_id
        start(space, made, manual=True)
        return MadeUpRuns(space, made)

    return make
