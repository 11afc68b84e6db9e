"""Two commands on one experiment at once: the second is refused, and changes nothing."""

from dataclasses import replace

import pytest
from tests.everyday import some
from tests.faults import Crash
from tests.support.git import git
from tests.support.serving import SKILL, changed, control, drafted, opened, treatment

from meta_experiment.deploy.flight import Flight
from meta_experiment.errors import ConflictError
from meta_experiment.services.acting import (
    autopilot,
    execution,
    lifecycle,
    promotion,
    registry_commit,
)
from meta_experiment.services.health import recovery
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.planning import amending
from meta_experiment.services.recording import recording
from meta_experiment.types import Status

ACTS = {
    "promote": lambda space, made: promotion.promote(
        space, made, promotion.ActionOptions(override="x"), dry_run=False
    ),
    "rollback": lambda space, made: promotion.rollback(
        space, made, promotion.ActionOptions(), dry_run=False
    ),
    "stop": lambda space, made: promotion.stop(space, made, "x", dry_run=False),
    "pause": lifecycle.pause,
    "resume": lifecycle.resume,
    "archive": lifecycle.archive,
    "amend": lambda space, made: amending.amend(space, made, [("auto", "true")], "why"),
    "panic": lambda space, _: recovery.panic(space),
}
PAIRS = [
    *(
        ((), first, second)
        for first in ("promote", "rollback", "stop")
        for second in ("promote", "rollback", "stop", "pause", "panic", "amend")
    ),
    *((("promote",), "rollback", second) for second in ("rollback", "archive")),
    *((("stop",), "promote", second) for second in ("promote", "resume", "archive")),
]
NOT_UNDER_WAY = ("promote", "rollback", "stop", "resume")  # they wait, or see the change


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def running(root, *before):
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    for name in before:
        ACTS[name](opened(root), made)
    return made


def told(root):
    store = opened(root).store
    (experiment,) = (*store.experiments(), *store.archived_last())
    return experiment


def require_agreement(root):
    """Registry, file, branch and what git sees say the same; nothing is in flight."""
    experiment = told(root)
    found = (root / SKILL).read_bytes()
    if experiment.status is Status.RUNNING:
        assert b"serve-variant" in found
    else:
        promoted = [item.files for item in experiment.outcomes if item.action == "promote"]
        taken_back = [item.files for item in experiment.outcomes if item.action == "rollback"]
        stands = promoted and not any(taken_back)
        assert found == (treatment(SKILL) if stands else control(SKILL))
    commits = git(root, "log", "--reverse", "--format=%H").split()
    assert commits[1:] == [item.commit for item in experiment.outcomes if item.commit]
    assert changed(root) == ""
    assert not opened(root).deployer.pending()
    assert finish_unless_busy(opened(root)) == []


def once(function, before):
    """Have something done before the first call of a function."""
    waiting = [before]

    def called(*arguments, **options):
        while waiting:
            waiting.pop()()
        return function(*arguments, **options)

    return called


def refused_amid(repository, monkeypatch, made, step, first, second):
    """Do the second before that step of the first, which is refused; the second stands."""
    after = []

    def other():
        ACTS[second](opened(repository), made)
        after.append(told(repository))

    monkeypatch.setattr(execution, step, once(getattr(execution, step), other))
    with pytest.raises(ConflictError, match=made):
        ACTS[first](opened(repository), made)
    assert [told(repository)] == after
    require_agreement(repository)


@pytest.mark.long
@pytest.mark.parametrize(("before", "first", "second"), PAIRS)
def test_who_judged_before_the_other_acted_is_refused(
    repository, monkeypatch, before, first, second
):
    """It has worked out everything, and then waited for the other."""
    made = running(repository, *before)
    refused_amid(repository, monkeypatch, made, "new_change_id", first, second)


@pytest.mark.long
@pytest.mark.parametrize(
    ("before", "first", "second"),
    some([pair for pair in PAIRS if pair[2] not in NOT_UNDER_WAY], 2),
)
def test_what_is_done_to_it_while_files_change_puts_them_back(
    repository, monkeypatch, before, first, second
):
    """Files and commit stand already when the registry turns out to say something new."""
    made = running(repository, *before)
    refused_amid(repository, monkeypatch, made, "serving_lock", first, second)


@pytest.mark.long
def test_what_was_cut_off_is_finished_where_it_is_seen_though_it_was_put_away_since(
    repository, monkeypatch
):
    """As by a pull: the files are rolled back, and the registry says so, not the archive."""
    made = running(repository, "promote")

    def dies(*_):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(registry_commit.RegistryCommit, "record", dies)
        with pytest.raises(Crash):
            ACTS["rollback"](opened(repository), made)
    opened(repository).store.change(made, lambda it: replace(it, status=Status.ARCHIVED))
    assert opened(repository).store.experiments() == []
    assert len(finish_unless_busy(opened(repository))) == 1
    (experiment,) = opened(repository).store.experiments()
    assert (experiment.status, len(experiment.outcomes)) == (Status.ROLLED_BACK, 2)
    assert finish_unless_busy(opened(repository)) == []


@pytest.mark.long
@pytest.mark.parametrize("status", [Status.PAUSED, Status.PROMOTED])
def test_a_death_after_a_pause_in_the_middle_leaves_no_stand_in(
    repository, monkeypatch, status
):
    """Before the commit the promotion is undone; after it, it is finished."""
    made = running(repository)

    def dies():
        lifecycle.pause(opened(repository), made)
        raise Crash

    place, name = (Flight, "commit") if status is Status.PAUSED else (execution, "serving_lock")
    monkeypatch.setattr(place, name, once(getattr(place, name), dies))
    with pytest.raises(Crash):
        ACTS["promote"](opened(repository), made)
    assert len(finish_unless_busy(opened(repository))) == 1
    assert told(repository).status is status
    require_agreement(repository)


@pytest.mark.parametrize("second", ["panic", "amend"])
def test_auto_does_not_act_on_what_was_changed_since_its_look(repository, monkeypatch, second):
    """Paused, or its leave taken away: it may not be promoted any more."""
    made = running(repository)
    amending.amend(opened(repository), made, [("auto", "true")], "leave")
    seconds = {"control": 100.0, "treatment": 50.0}
    trials = [
        {"experiment": made, "variant": arm, "metrics": {"active_seconds": mean + number % 7}}
        for number in range(60)
        for arm, mean in seconds.items()
    ]
    recording.record(opened(repository), trials)

    def other():
        if second == "panic":
            recovery.panic(opened(repository))
        else:
            amending.amend(opened(repository), made, [("auto", "false")], "no leave")

    monkeypatch.setattr(autopilot, "_act", once(autopilot._act, other))
    (step,) = autopilot.auto(opened(repository), commit=True, dry_run=False)
    assert step.error == "conflict"
    assert told(repository).outcomes == ()
    require_agreement(repository)
