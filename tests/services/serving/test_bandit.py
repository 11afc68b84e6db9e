"""A bandit from its plan to its verification: shares move, and every draw can be told again."""

import itertools
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.faults import FATAL, Crash, FaultyFileSystem
from tests.support.moving_shares import MovingShares

from meta_experiment.decide.best_chances import closed_first
from meta_experiment.errors import UsageError
from meta_experiment.files.lock import FileLock
from meta_experiment.live.exposure import adopt, expose
from meta_experiment.protocol.log_head import mark
from meta_experiment.protocol.sessions import PromptRef, Session
from meta_experiment.services.acting import autopilot, ending_arms
from meta_experiment.services.acting.analysing import analyze
from meta_experiment.services.health.verifying import verify
from meta_experiment.services.planning import amending
from meta_experiment.services.recording import assigning, renewing
from meta_experiment.services.recording.recording import record
from meta_experiment.services.serving.weights_in_force import renew_weights
from meta_experiment.services.workspace import Workspace

AT = 1_760_000_000.0
ARMS = ("control", "b", "c")


class Bandit(MovingShares):
    """Its units are served or assigned; success rates by arm."""

    def __init__(self, root, folder, *, manual=False, **assignment):
        ticks = itertools.count()
        wanted = {
            "metrics": {"primary": "success"},
            "assignment": {"method": "bandit", "aim": "few_bad_uses"} | assignment,
        }
        texts = {name: f"Review as {name}.\n" for name in ARMS[1:]}
        super().__init__(root, folder, lambda: AT + next(ticks), texts, wanted, manual=manual)

    def serve(self, *successes, count=1):
        """Serve a prompt so many times; an arm succeeds if it is among those named."""
        entry, seen = self.entry, []
        for number in itertools.islice(self.uses, count):
            session = Session(str(self.root), f"s{number}")
            seen.append(expose(session, entry, PromptRef(f"p{number}", ""), AT + number))
        arms = [item.variant for item in seen]
        ended = [(item.trial.trial_id, item.variant) for item in seen if item.trial is not None]
        self.close(*((trial_id, name, name in successes) for trial_id, name in ended))
        return arms

    def assign(self, *successes, count=1):
        arms = []
        for _ in range(count):
            made = assigning.assign(self.space, self.id, f"u{next(self.uses)}")
            arms.append(made.variant)
            self.close((made.trial_id, made.variant, made.variant in successes))
        return arms

    def close(self, *trials):
        outcomes = [
            {
                "experiment": self.id,
                "variant": variant,
                "trial_id": trial_id,
                "metrics": {"success": float(success)},
            }
            for trial_id, variant, success in trials
        ]
        record(self.space, outcomes)

    def look(self):
        return self.seen_at(AT + 9e3)

    @property
    def sequence(self):
        folder = self.space.layout.trials(self.id)
        return folder / f"assignments.{mark(self.space.checkout.seal())}.tsv"


@pytest.fixture
def made(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return lambda **given: Bandit(root, tmp_path, **given)


def test_a_served_prompt_is_drawn_in_turns_and_then_by_what_has_closed(made):
    it = made()
    first = it.serve("c", count=15)
    assert sorted(first) == sorted(ARMS * 5)
    assert {it.entry.known, *(draw.known for draw in it.draws())} == {0}
    row = it.look()
    assert (it.entry.known, row["bandit"]["known"]) == (15, 15)
    assert it.entry.weights == [part * 10_000 for part in row["bandit"]["shares"].values()]
    assert it.entry.weights[2] > 8000
    assert min(it.entry.weights) >= 500
    later = it.serve("c", count=20)
    assert later.count("c") > 12
    assert {(draw.known, *draw.parts) for draw in it.draws()[15:]} == {(15, *it.entry.weights)}
    assert it.faults() == []


def test_serving_and_assigning_draw_alike(made):
    """The same position under the same shares is the same arm, whoever asks."""
    it = made()
    it.serve("c", count=10)
    assert len(it.assign("c", count=5)) == 5
    autopilot.auto(it.space, commit=False, dry_run=False)
    assert it.entry.known == 15
    entry, experiment = it.entry, it.space.store.experiment(it.id)
    parts = renewing.renewed(it.space, experiment)
    assert (list(parts.parts), parts.known) == (entry.weights, entry.known)
    by_hand = it.assign("c", count=1)
    last = (it.draws()[-1].parts, it.draws()[-1].known)
    assert last == (tuple(entry.weights), 15)
    assert by_hand[0] in ARMS
    assert it.faults() == []


@pytest.mark.long
def test_assigned_units_move_without_anything_served(made):
    it = made(manual=True)
    it.assign("b", count=24)
    draws = it.draws()
    assert [draw.known for draw in draws] == [0] * 15 + list(range(15, 24))
    assert draws[-1].parts[1] > 7000
    experiment = it.space.store.experiment(it.id)
    closed = closed_first(it.space.store.trials(experiment).trials)
    by_trials = renewing.weights_of(experiment.plan, closed, ())
    assert renewing.renewed(it.space, experiment) == renewing.Renewal(by_trials, 24)
    assert it.faults() == []


def test_shares_are_the_old_ones_or_the_new_wherever_renewing_dies(made):
    """A prompt that comes then is served and drawn as ever; the next look renews again."""
    it = made()
    it.serve("c", count=15)
    space = Workspace.open(it.space.layout, it.space.clock)
    before = it.entry.weights
    for fail_at, mode in itertools.product(range(1, 9), FATAL):
        files = FaultyFileSystem(fail_at, mode)
        with suppress(Crash):
            renew_weights(Workspace.open(it.space.layout, it.space.clock, files=files))
        assert (it.entry.weights, it.entry.known) == (before, 0) or it.entry.known == 15
        if not files.fired:
            break
    assert fail_at > 1
    renew_weights(space)
    assert it.entry.known == 15
    assert it.faults() == []


def test_an_arm_that_ended_gets_no_more_draws(made):
    it = made()
    it.serve("c", count=15)
    ending_arms.stop_arm(it.space, it.id, "b", "too slow", dry_run=False)
    assert (it.entry.ended, it.entry.weights[1]) == (["b"], 0)
    assert "b" not in it.serve("c", count=20)
    assert it.look()["bandit"]["chances"]["b"] is None
    assert it.faults() == []


def test_an_arm_is_not_added_under_way(made):
    it = made()
    with pytest.raises(UsageError) as refusal:
        amending.amend(it.space, it.id, [("variants", "control,b,c,d")], "one more")
    assert "The arms of an experiment do not change" in refusal.value.message
    assert f"stop {it.id} --variant NAME" in refusal.value.hint


def test_a_unit_that_was_drawn_apart_is_told_again_too(made):
    """Where the sequence is held by others, or nothing can be written below the root."""
    it = made()
    it.serve("c", count=15)
    it.look()
    kept = Session(str(it.root), "away", str(it.root.parent / "kept"))
    session = Session(str(it.root), "away")
    seen = expose(session, it.entry, PromptRef("p", ""), AT, kept)
    adopt(session, seen.trial)
    with FileLock(it.space.layout.lock(f"{it.id}.assign"), verb="assign"):
        other = Session(str(it.root), "other")
        expose(other, it.entry, PromptRef("q", ""), AT)
    draws = [draw for draw in it.draws() if draw.known]
    assert [draw.parts for draw in draws] == [tuple(map(int, it.entry.weights))] * 2
    assert it.faults() == []


def test_a_draw_that_is_missing_is_named(made):
    it = made()
    it.serve("c", count=18)
    lines = it.sequence.read_bytes().splitlines(keepends=True)
    it.sequence.write_bytes(b"".join(lines[:5] + lines[6:]))
    found = " ".join(item.detail for item in it.faults())
    assert "1 draws are missing from the sequence, number 5" in found


def test_a_draw_that_was_changed_is_named(made):
    it = made()
    it.serve("c", count=15)
    it.look()
    it.serve("c", count=5)
    text = it.sequence.read_text()
    row = text.splitlines()[-1]
    fields = row.split("\t")
    other = next(name for name in ARMS if name != fields[2])
    it.sequence.write_text(text.replace(row, "\t".join([*fields[:2], other, *fields[3:]])))
    assert any("does not follow from the seed" in item.detail for item in it.faults())


def test_shares_that_do_not_follow_from_the_log_any_more_are_told(made):
    """A trial that was given a value later is no fault, and nothing is hidden."""
    it = made()
    it.serve("c", count=15)
    it.look()
    it.serve("c", count=2)
    folder = it.space.layout.trials(it.id)
    (log,) = [path for path in folder.glob("*.jsonl") if b'"success":1' in path.read_bytes()]
    log.write_bytes(log.read_bytes().replace(b'"success":1', b'"success":0'))
    told = [item for item in verify(it.space).findings if "do not follow" in item.detail]
    assert told
    assert all(item.ok for item in told)


def test_a_plan_is_read_again_as_it_was_written(made):
    it = made(aim="find_best", floor=4, burn_in=3)
    plan = it.space.store.experiment(it.id).plan
    assert (plan.bandit.aim, plan.bandit.floor, plan.bandit.burn_in) == ("find_best", 0.04, 3)
    assert len(it.entry.sequence) == 9
    assert replace(plan, bandit=None) != plan


def test_an_analysis_says_what_the_bandit_spared_and_costs(made):
    it = made()
    it.serve("c", count=15)
    it.look()
    it.serve("c", count=25)
    found = analyze(it.space, it.id).analysis.bandit
    assert found.leads == "c"
    assert found.spared > 5
    assert 0 < found.information < 1.2
