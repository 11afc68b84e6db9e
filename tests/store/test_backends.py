"""Every store keeps the same promises, and use cases cannot tell one from another.

A further backend is one module and one line: that of the table.
"""

from __future__ import annotations

import pytest
from tests import logs
from tests.store.contract import StoreContract

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.acting.analysing import analyze, explain
from meta_experiment.services.board.board import board
from meta_experiment.services.planning import amending, creating, request
from meta_experiment.services.recording import assigning, recording
from meta_experiment.services.workspace import Workspace
from meta_experiment.store import backends
from meta_experiment.types import Decision, Status

BACKENDS = {**backends.BACKENDS, "memory": "tests.store.memory:open_store"}


@pytest.fixture(params=BACKENDS)
def backend(request, monkeypatch):
    """Name a backend; in one database each root, and so each test, is another project."""
    monkeypatch.setattr(backends, "BACKENDS", BACKENDS)
    if request.param == "postgres":
        monkeypatch.setenv("META_EXPERIMENT_STORE", request.getfixturevalue("postgres_store"))
    return request.param


class TestBackends(StoreContract):
    @pytest.fixture
    def store(self, backend, layout):
        files = FileSystem()
        store = backends.open_store(backend, layout, files, logs.checkout(layout, files))
        yield store
        getattr(store, "close", int)()


def listed(space):
    return board(space.layout, space.clock, lambda: space, None, archived=False)


def test_an_experiment_lives_its_whole_life_in_any_store(backend, tmp_path):
    """Planned, started by hand, measured, analysed, promoted, rolled back, put away."""
    (tmp_path / "review.md").write_bytes(b"Look slowly.\n")
    (tmp_path / "new.md").write_bytes(b"Look at once.\n")
    times = iter(range(1_760_000_000, 1_770_000_000))
    space = Workspace.open(Layout(tmp_path), lambda: float(next(times)), backend=backend)
    plan = {"name": "review", "seed": 7, "metrics": {"primary": "duration_seconds"}}
    wanted = request.from_flags(plan, ["review.md=new.md"], tmp_path, tmp_path)
    made = creating.create(space, wanted, manual=True).experiment.experiment_id
    assert space.store.experiment(made).status is Status.DRAFT
    amending.amend(space, made, [("auto", "true")], "why not")
    assert lifecycle.start(space, made, manual=True).before is Status.DRAFT
    for number in range(60):
        drawn = assigning.assign(space, made, f"unit {number}")
        seconds = (10.0 if drawn.variant == "control" else 4.0) + number % 3 / 10
        recording.record(
            space,
            [
                {
                    "experiment": made,
                    "variant": drawn.variant,
                    "trial_id": drawn.trial_id,
                    "metrics": {"duration_seconds": seconds},
                }
            ],
        )
    lifecycle.pause(space, made)
    lifecycle.resume(space, made)
    (shown,) = listed(space)["experiments"]
    assert (shown["id"], shown["status"], shown["decision"]) == (made, "running", "PROMOTE")
    assert explain(space, made).decision is Decision.PROMOTE
    examined = analyze(space, made)
    assert examined.analysis.decision is Decision.PROMOTE
    assert examined.problems == ()
    options = promotion.ActionOptions(commit=False)
    assert promotion.promote(space, made, options, dry_run=False).status is Status.PROMOTED
    assert (tmp_path / "review.md").read_bytes() == b"Look at once.\n"
    promotion.rollback(space, made, options, dry_run=False)
    assert (tmp_path / "review.md").read_bytes() == b"Look slowly.\n"
    lifecycle.archive(space, made)
    assert space.store.experiments() == []
    assert listed(space)["summary"]["archived"] == 1
    assert space.store.archived(made).status is Status.ARCHIVED
    assert [entry.verb for entry in space.store.history(made).entries] == [
        "create", "amend", "start", "pause", "resume", "promote", "rollback", "archive",
    ]  # fmt: skip
    assert space.layout.registry.exists() is (backend == "files")
    assert space.layout.all_trials.exists() is (backend == "files")


def test_what_is_stopped_in_any_store_can_be_resumed(backend, tmp_path):
    (tmp_path / "review.md").write_bytes(b"Look slowly.\n")
    (tmp_path / "new.md").write_bytes(b"Look at once.\n")
    space = Workspace.open(Layout(tmp_path), lambda: 1_760_000_000.25, backend=backend)
    wanted = request.from_flags({}, ["review.md=new.md"], tmp_path, tmp_path)
    made = creating.create(space, wanted, manual=True).experiment.experiment_id
    lifecycle.start(space, made, manual=True)
    assert promotion.stop(space, made, "enough", dry_run=False).status is Status.EXPIRED
    assert lifecycle.resume(space, made).status is Status.RUNNING
