"""What was made of a plan is found again, whatever became of it since."""

import pytest

from meta_experiment.files.roots import Layout
from meta_experiment.services.acting.lifecycle import archive, start
from meta_experiment.services.acting.promotion import stop
from meta_experiment.services.planning import creating
from meta_experiment.services.planning.amending import amend
from meta_experiment.services.planning.made_before import made_before
from meta_experiment.services.planning.request import from_plan
from meta_experiment.services.workspace import Workspace

PROMPT = ".claude/commands/review.md"


@pytest.fixture
def space(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / PROMPT).parent.mkdir(parents=True)
    (tmp_path / PROMPT).write_text("Review it.\n")
    (tmp_path / "new.md").write_text("Review it at once.\n")
    return Workspace.open(Layout(tmp_path), lambda: 1_760_000_000.0)


def asked(space, **changes):
    plan = {"files": {PROMPT: "new.md"}, "unit": "case", "metrics": {"primary": "cost_usd"}}
    return from_plan({**plan, **changes}, space.root)


def found(space, **changes):
    experiment = made_before(space, asked(space, **changes))
    return experiment and experiment.experiment_id


def test_the_same_plan_is_found_and_another_is_none(space):
    assert found(space) is None
    made = creating.create(space, asked(space)).experiment.experiment_id
    assert found(space) == made
    assert found(space, metrics={"primary": "active_seconds"}) is None
    assert found(space, name="other") is None
    (space.root / "new.md").write_text("Review it later.\n")
    assert found(space) is None


def test_what_was_amended_and_what_became_of_the_control_do_not_matter(space):
    made = creating.create(space, asked(space)).experiment.experiment_id
    for size in (7, 6):
        amend(space, made, [("sample_size", str(size))], "six cases are all there are")
    (space.root / PROMPT).write_text("Review it at once.\n")
    assert found(space) == made


def test_of_several_the_one_that_goes_on_counts_and_none_that_was_put_away(space):
    first = creating.create(space, asked(space)).experiment.experiment_id
    start(space, first, manual=True)
    stop(space, first, "enough", dry_run=False)
    assert found(space) == first
    second = creating.create(space, asked(space)).experiment.experiment_id
    assert found(space) == second
    for name in (first, second):
        archive(space, name)
    assert found(space) is None


def test_a_draft_that_is_only_looked_at_is_not_kept(space):
    draft = creating.drafted(space, asked(space))
    assert [item.name for item in draft.plan.variants] == ["control", "treatment"]
    assert space.store.experiments() == []
    assert not (space.root / ".claude/meta").exists()
