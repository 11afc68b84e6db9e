"""The noise floor: of eval cases or of live use, never of both."""

import pytest

from meta_experiment.errors import DegenerateDataError
from meta_experiment.files.roots import Layout
from meta_experiment.render.noise import noise as page
from meta_experiment.render.style import Style
from meta_experiment.render.writers import write
from meta_experiment.services.acting.lifecycle import start
from meta_experiment.services.acting.promotion import stop
from meta_experiment.services.planning import creating, request
from meta_experiment.services.planning.noise import noise
from meta_experiment.services.recording.recording import record
from meta_experiment.services.workspace import Workspace

PROMPT = ".claude/commands/review.md"


@pytest.fixture
def space(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / PROMPT).parent.mkdir(parents=True)
    (tmp_path / PROMPT).write_text("Review it.\n")
    (tmp_path / "new.md").write_text("Review it at once.\n")
    return Workspace.open(Layout(tmp_path), lambda: 1_760_000_000.0)


def measured(space, name, unit, values):
    """Return an experiment that has ended, of so many values of its control."""
    wanted = {"name": name, "unit": unit, "metrics": {"primary": "active_seconds"}}
    flags = request.from_flags(
        wanted, [f"{PROMPT}={space.root / 'new.md'}"], space.root, space.root
    )
    made = creating.create(space, flags, manual=True).experiment.experiment_id
    start(space, made, manual=True)
    record(
        space,
        [
            {
                "experiment": made,
                "variant": "control",
                "metrics": {"active_seconds": value},
                "unit": f"u{number}",
            }
            for number, value in enumerate(values)
        ],
    )
    stop(space, made, "enough", dry_run=False)
    return made


def test_runs_on_cases_and_live_uses_are_not_mixed(space):
    on_cases = measured(space, "cases", "case", [5.0, 5.1, 5.2, 5.3, 5.4, 5.5])
    assert noise(space, None, None, 20, 0).of_cases
    live = measured(space, "live", "session", [50.0, 90.0, 20.0, 300.0, 40.0])
    seen = {
        item: noise(space, item, "active_seconds", 20, 0) for item in (None, on_cases, live)
    }
    assert {key: (item.values, item.of_cases) for key, item in seen.items()} == {
        None: (5, False),
        on_cases: (6, True),
        live: (5, False),
    }
    assert seen[on_cases].floors[0].large < 0.05 < seen[live].floors[0].large
    assert "6 past values of eval cases" in write("text", page(seen[on_cases]), Style())


def test_too_few_of_either_are_none(space):
    measured(space, "cases", "case", [5.0, 5.1, 5.2])
    measured(space, "live", "session", [50.0, 90.0, 20.0])
    with pytest.raises(DegenerateDataError, match="3 past values"):
        noise(space, None, "active_seconds", 20, 0)
