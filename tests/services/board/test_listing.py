"""The newest trials of an experiment, in the order in which things happened."""

from tests.services.recording.test_rating import NOW, Here

from meta_experiment.files.roots import Layout
from meta_experiment.services.board.listing import find_trials, newest
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import TrialStatus


def test_what_was_left_out_stands_where_it_happened(tmp_path, capfd):
    """It never closes, and is not among the newest for ever."""
    here = Here(tmp_path, capfd)
    made = here.run("review").experiment_id

    def event(kind, key, at, **more):
        return TrialEvent(
            kind=kind, at=NOW + at, trial_id=key, variant="control", unit=key, **more
        )

    done = {"metrics": {"duration_seconds": 1.0}, "status": TrialStatus.OK}
    here.store.append(
        made,
        [
            event(EventKind.ASSIGNED, "out", 0),
            event(EventKind.EXCLUDED, "out", 1, reason="no_answer"),
            event(EventKind.ASSIGNED, "open", 2),
            event(EventKind.RECORDED, "closed", 9, **done),
        ],
    )
    space = Workspace.open(Layout(tmp_path), lambda: NOW)
    found = newest(find_trials(space, made, None), 20)
    assert [item.trial_id for item in found.trials] == ["out", "closed", "open"]
