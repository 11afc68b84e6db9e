"""A ramp from its plan to its verification: steps move, and every draw can be told again."""

import itertools
import json
import time
from dataclasses import replace

import pytest
from tests.support.moving_shares import MovingShares

from meta_experiment.errors import InvalidStateError, UsageError
from meta_experiment.live.exposure import expose
from meta_experiment.model.result_document import to_document
from meta_experiment.protocol.log_head import mark
from meta_experiment.protocol.sessions import PromptRef, Session
from meta_experiment.render import over_time
from meta_experiment.services.acting import analysing, autopilot, lifecycle, promotion
from meta_experiment.services.planning import amending
from meta_experiment.services.recording import assigning
from meta_experiment.services.recording.recording import record
from meta_experiment.services.serving.weights_in_force import renew_weights

AT, DAY = 1_760_000_000.0, 86_400.0
NAMES = ("control", "treatment")


class Ramped(MovingShares):
    """Its units are served or assigned; durations by arm."""

    def __init__(self, root, folder, *, manual=False, start=True, **plan):
        self.now = AT
        wanted = {
            "metrics": {"primary": "duration_seconds"},
            "assignment": {"ramp": [20, 50], "step_days": 1, "step_units": 3},
        } | plan
        texts = {"treatment": "Review fast.\n"}
        super().__init__(
            root, folder, lambda: self.now, texts, wanted, manual=manual, start=start
        )

    def serve(self, count, slower=1.0):
        """Serve a prompt so many times, a minute apart; the treatment takes longer or less."""
        arms = []
        for number in itertools.islice(self.uses, count):
            self.now += 60
            session = Session(str(self.root), f"s{number}")
            seen = expose(session, self.entry, PromptRef(f"p{number}", ""), self.now)
            arms.append(seen.variant)
            self.close(seen.trial and seen.trial.trial_id, seen.variant, number, slower)
        return arms

    def close(self, trial_id, variant, number, slower):
        if trial_id is None:
            return
        value = (10.0 + number % 5) * (slower if variant == "treatment" else 1.0)
        outcome = {"experiment": self.id, "variant": variant, "trial_id": trial_id}
        record(self.space, [outcome | {"metrics": {"duration_seconds": value}}])

    def look(self):
        return self.seen_at(self.now)


@pytest.fixture
def made(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return lambda **given: Ramped(root, tmp_path, **given)


@pytest.mark.long
def test_steps_follow_time_and_evidence_and_every_draw_says_its_shares(made):
    it = made()
    assert (it.entry.method, it.entry.weights) == ("ramp", [8000.0, 2000.0])
    first = it.serve(40, slower=0.8)
    assert 3 <= first.count("treatment") <= 16
    assert {draw.parts for draw in it.draws()} == {(8000, 2000)}
    early = it.look()["ramp"]
    assert (early["step"], early["waits"]) == (1, "the end of its 1 days")
    assert it.entry.weights == [8000.0, 2000.0]
    it.now += DAY
    row = it.look()["ramp"]
    assert (row["step"], row["share"], row["since"]) == (2, 0.5, None)
    assert it.entry.weights == [5000.0, 5000.0]
    assert 8 <= it.serve(40, slower=0.8).count("treatment") <= 32
    assert {draw.parts for draw in it.draws()[40:]} == {(5000, 5000)}
    later = it.look()["ramp"]
    assert (later["step"], later["next_share"], later["since"] is None) == (2, None, False)
    assert analysing.analyze(it.space, it.id).analysis.checks.srm.ok
    assert it.faults() == []


@pytest.mark.long
def test_harm_leads_back_by_itself(made):
    """Nothing is promoted or rejected without leave, and the share falls all the same."""
    it = made()
    it.serve(40, slower=0.8)
    it.now += DAY
    it.look()
    it.serve(60, slower=6.0)
    row = it.look()
    assert row["ramp"]["back"] is not None
    assert (row["ramp"]["step"], row["status"]) == (1, "running")
    assert it.entry.weights == [8000.0, 2000.0]
    assert it.serve(30, slower=6.0).count("treatment") <= 14
    autopilot.auto(it.space, commit=False, dry_run=False)
    assert it.entry.weights == [8000.0, 2000.0]
    assert it.faults() == []


@pytest.mark.long
def test_serving_and_assigning_draw_alike(made):
    it = made(manual=True)
    names = []
    for number in range(30):
        it.now += 60
        drawn = assigning.assign(it.space, it.id, f"u{number}")
        it.close(drawn.trial_id, drawn.variant, number, 0.8)
        names.append(drawn.variant)
    it.now += DAY
    drawn = assigning.assign(it.space, it.id, "later")
    assert it.draws()[-1].parts == (5000, 5000)
    assert names.count("treatment") < 15
    assert drawn.variant in NAMES
    assert it.faults() == []


def test_a_draw_that_is_changed_is_told(made):
    it = made()
    it.serve(12)
    path = it.space.layout.trials(it.id) / f"assignments.{mark(it.space.checkout.seal())}.tsv"
    text = path.read_text()
    path.write_text(text.replace("8000,2000@", "1,9999@"))
    assert any("does not follow" in item.detail for item in it.faults())


def test_what_a_look_cannot_read_leaves_the_step(made, monkeypatch):
    """Renewing dies in the middle: the next prompt is served by the old shares."""
    it = made()
    it.serve(40, slower=0.8)
    it.now += DAY

    def refuse(*_args, **_given):
        raise OSError("no space")

    with monkeypatch.context() as broken:
        broken.setattr("meta_experiment.services.serving.active_index.write_atomically", refuse)
        renew_weights(it.space)
    assert it.entry.weights == [8000.0, 2000.0]
    assert it.serve(1)[0] in NAMES
    renew_weights(it.space)
    assert it.entry.weights == [5000.0, 5000.0]


def test_a_start_date_holds_units_back_and_its_days_count_from_there(made):
    it = made(start_date="2025-10-12", assignment={}, stopping={"max_duration_days": 3})
    assert it.serve(3) == ["control"] * 3
    assert it.draws() == []
    assert it.look()["start_date"] == "2025-10-12T00:00:00.000Z"
    it.now = 1_760_227_200.0 + 2.9 * DAY
    assert "treatment" in it.serve(10)
    assert analysing.analyze(it.space, it.id).analysis.readiness.days_left == pytest.approx(
        0.1, abs=0.02
    )


def test_an_end_date_ends_it(made):
    it = made(end_date="2025-10-10", assignment={})
    assert "treatment" in it.serve(10)
    row = it.look()
    assert row["end_date"] == "2025-10-11T00:00:00.000Z"
    it.now = 1_760_140_800.0
    assert it.serve(10) == ["control"] * 10
    seen = analysing.analyze(it.space, it.id).analysis
    assert (seen.reason_code, "end date" in seen.reason) == ("horizon_reached", True)
    lifecycle.pause(it.space, it.id)
    with pytest.raises(InvalidStateError, match="is over: no unit would take part"):
        lifecycle.resume(it.space, it.id)
    with pytest.raises(UsageError, match="is over, now it is"):
        amending.amend(it.space, it.id, [("end_date", "2025-10-09")], "later")
    amending.amend(it.space, it.id, [("end_date", "2025-10-30")], "later")
    lifecycle.resume(it.space, it.id)
    assert "treatment" in it.serve(10)


def test_an_end_is_put_off_though_the_start_is_past(made):
    it = made(start_date="2025-10-10", end_date="2025-10-12", assignment={})
    it.now += 2 * DAY
    it.serve(3)
    done = amending.amend(it.space, it.id, [("end_date", "2025-10-30")], "later")
    change = done.made[0]
    assert change.before == "2025-10-13T00:00:00.000Z"
    assert change.after == "2025-10-31T00:00:00.000Z"
    with pytest.raises(UsageError, match=r"end_date: the end of 2025-10-10 in UTC is over"):
        amending.amend(it.space, it.id, [("end_date", "2025-10-10")], "sooner")


def test_before_the_start_every_answer_says_so(made):
    it = made(start_date="2025-10-12", assignment={}, manual=True, end_date="2025-10-15")
    drawn = assigning.assign(it.space, it.id, "u1")
    assert (drawn.variant, drawn.trial_id) == ("control", None)
    assert drawn.reason.startswith("No unit takes part before 2025-10-12T00:00:00.000Z")
    row = it.look()
    assert row["next_action"] == "none before its start, 2025-10-12T00:00:00.000Z"
    assert row["progress"]["days_left"] == pytest.approx(6.63, abs=0.01)
    it.now += 4 * DAY
    assert assigning.assign(it.space, it.id, "u2").reason is None
    it.now += 4 * DAY
    after = assigning.assign(it.space, it.id, "u3").reason
    assert after.startswith("No unit takes part after the end of 2025-10-15 in UTC")


def test_dates_say_local_time_once_and_the_last_day_by_its_name(monkeypatch):
    start, end = "2025-10-12T00:00:00.000Z", "2025-10-16T00:00:00.000Z"

    def said(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        return over_time.dates(start, end)

    utc = "from 2025-10-12 00:00 UTC until the end of 2025-10-15 UTC"
    try:
        assert said("UTC") == f"{utc} (local time is the same)"
        assert said("Europe/Berlin") == (
            f"{utc} (from 2025-10-12 02:00 until 2025-10-16 02:00 local)"
        )
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_ramp_that_has_ended_waits_for_nothing(made):
    it = made()
    it.serve(40, slower=0.8)
    it.now += DAY
    promotion.stop(it.space, it.id, "enough", dry_run=False)
    found = analysing.analyze(it.space, it.id).analysis.ramp
    assert (found.step, found.next_share, found.due) == (1, None, None)
    assert found.waits == "nothing: the experiment is expired"
    (told,) = over_time.ramp(to_document(found) | {"share": 0.001})
    assert told.startswith("step 1 of 2: 0.1% of units")


def test_today_begins_at_once_and_yesterday_is_over(made):
    with pytest.raises(UsageError, match=r"start_date: 2025-10-08.* is over"):
        made(start_date="2025-10-08", assignment={})
    it = made(start_date="2025-10-09", assignment={})
    assert "treatment" in it.serve(10)
    assert it.space.store.experiment(it.id).began == AT


def test_a_ramp_of_one_step_is_refused_by_amend_as_well(made):
    it = made()
    with pytest.raises(UsageError, match="for everybody at once"):
        amending.amend(it.space, it.id, [("ramp", "[100]")], "all")


def test_dates_that_are_over_are_refused_before_anything_is_written(made):
    for field in ("start_date", "end_date"):
        with pytest.raises(UsageError, match=f"plan.{field}: .* is over, now it is 2025-10-09"):
            made(**{field: "2025-10-01"})


def test_an_explanation_says_step_and_dates(made):
    it = made(end_date="2025-10-20")
    it.serve(10)
    found = analysing.explain(it.space, it.id)
    assert found.ramp.step == 1
    assert found.end_date == 1_761_004_800.0
    assert json.dumps(found.ramp.waits)


def test_one_that_was_amended_before_data_begins_at_its_new_steps(made):
    it = made()
    amending.amend(it.space, it.id, [("ramp", "[10, 90]")], "slower")
    it.look()
    experiment = it.space.store.experiment(it.id)
    assert experiment.plan.ramp.steps == (0.1, 0.9)
    assert replace(experiment.plan.ramp, steps=()).days == 1
