"""What every store promises, held against each backend: see `test_backends`."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace

import pytest
from tests.store.making import experiment, recorded

from meta_experiment.errors import (
    CorruptStoreError,
    InvalidStateError,
    MetaExperimentError,
    NotFoundError,
    UnsafePathError,
    UsageError,
)
from meta_experiment.files.confine import Content
from meta_experiment.store.history import HistoryEntry
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import FileVersion, Status, Trial, TrialStatus

TEXT = Content(b"\xef\xbb\xbf---\r\nname: x\r\n---\r\n\xffno newline", 0o640)
PATH = ".claude/commands/deep/über cmd.md"


@dataclass(frozen=True)
class Seen:
    """An outcome as somebody reports it."""

    experiment_id: str = "exp-1"
    trial_id: str | None = None
    variant: str = "control"
    metrics: dict = field(default_factory=lambda: {"duration_seconds": 1.5})
    status: TrialStatus = TrialStatus.OK
    unit: str | None = None
    fingerprint: dict = field(default_factory=dict)
    covariates: dict = field(default_factory=dict)


def running(item):
    return replace(item, status=Status.RUNNING, started=1.7e9)


def archived(item):
    return replace(item, status=Status.ARCHIVED, ended=1.7e9)


def ids(experiments):
    return [item.experiment_id for item in experiments]


class RegistryContract:
    def test_a_new_store_holds_nothing(self, store):
        assert store.experiments() == []
        assert store.archived_ids() == frozenset()
        assert list(store.archived_last()) == []
        assert store.logged() == set()

    def test_experiments_come_back_as_they_were_added_in_the_order_of_their_coming(self, store):
        made = [store.add(lambda _, name=name: experiment(name)) for name in ("b", "a", "c")]
        assert store.experiments() == made == [experiment(name) for name in ("b", "a", "c")]

    def test_who_adds_sees_all_others_and_may_give_one_of_them_back(self, store):
        """As an import does that another process made as well."""
        first = store.add(lambda known: experiment(f"exp-{len(known)}"))
        before = store.revision()
        assert store.add(lambda known: known[0]) == first
        assert store.experiments() == [first]
        assert store.revision() == before

    def test_what_is_given_back_is_what_is_stored(self, store):
        """The clock tells more than is kept, and secrets are not kept at all."""
        fine = replace(experiment(), created=1.7e9 + 0.1234567)
        made = store.add(lambda _: fine)
        assert made.created == 1.7e9 + 0.123
        assert store.experiments() == [made]
        begun = replace(made, started=1.7e9 + 0.9999, status=Status.RUNNING)
        _, after = store.change("exp-1", lambda _: begun)
        assert (after, after.started) == (store.experiment("exp-1"), 1.7e9 + 0.999)

    def test_a_change_tells_what_was_and_what_is_and_leaves_the_others(self, store):
        for name in ("a", "b", "c"):
            store.add(lambda _, name=name: experiment(name))
        before, after = store.change("b", running)
        assert (before, after) == (experiment("b"), running(experiment("b")))
        assert store.experiments() == [experiment("a"), after, experiment("c")]
        assert store.experiment("b") == after

    def test_a_change_to_the_same_is_none(self, store):
        store.add(lambda _: experiment())
        revision = store.revision()
        before, after = store.change("exp-1", replace)
        assert before == after
        assert store.revision() == revision

    def test_who_refuses_changes_nothing(self, store):
        store.add(lambda _: experiment())

        def refuses(_):
            raise InvalidStateError("no")

        for act in (
            lambda: store.add(refuses),
            lambda: store.change("exp-1", refuses),
            lambda: store.change_all(refuses),
        ):
            with pytest.raises(InvalidStateError, match="no"):
                act()
        assert store.experiments() == [experiment()]

    def test_what_could_not_be_read_back_is_not_stored(self, store):
        store.add(lambda _: experiment())
        nameless = replace(experiment().plan, name="")
        with pytest.raises(UsageError, match="cannot be stored"):
            store.change("exp-1", lambda item: replace(item, plan=nameless))
        with pytest.raises(UsageError, match="cannot be stored"):
            store.add(lambda _: replace(experiment("exp-2"), plan=nameless))
        assert store.experiments() == [experiment()]

    def test_an_unknown_id_is_none_and_stands_for_no_other(self, store):
        """Not even where it begins just one: a person may mean that, a program does not."""
        store.add(lambda _: experiment("exp-2026-01-31-review-2"))
        for name in ("exp-2026-01-31-review", "review-2", ""):
            with pytest.raises(NotFoundError):
                store.experiment(name)
            with pytest.raises(NotFoundError):
                store.change(name, running)

    def test_all_can_be_changed_at_once(self, store):
        """What is left as it is is told as well, and what was put away is left alone."""
        for name in ("a", "b", "c"):
            store.add(lambda _, name=name: experiment(name))
        store.change("c", archived)
        pairs = store.change_all(lambda it: running(it) if it.experiment_id == "a" else it)
        assert [(old.status.value, new.status.value) for old, new in pairs] == [
            ("draft", "running"),
            ("draft", "draft"),
        ]
        assert [new for _, new in pairs] == store.experiments()
        assert store.archived("c").status is Status.ARCHIVED

    def test_what_is_put_away_leaves_the_list_and_can_be_had(self, store):
        for name in ("a", "b"):
            store.add(lambda _, name=name: experiment(name))
        _, away = store.change("a", archived)
        assert ids(store.experiments()) == ["b"]
        assert store.archived_ids() == {"a"}
        assert store.archived("a") == store.experiment("a") == away

    def test_what_is_put_away_is_taken_out_again_by_a_change(self, store):
        store.add(lambda _: experiment())
        _, away = store.change("exp-1", archived)
        assert store.change("exp-1", lambda item: item) == (away, away)
        assert store.experiments() == []
        before, after = store.change("exp-1", running)
        assert before == away
        assert store.experiments() == [after] == [store.experiment("exp-1")]

    def test_one_looks_back_on_what_was_put_away_last(self, store):
        for name in ("exp-1", "exp-3", "exp-2", "exp-4"):
            store.add(lambda _, name=name: experiment(name, name=f"Of {name}"))
            if name != "exp-4":
                store.change(name, archived)
        assert ids(store.archived_last()) == ["exp-3", "exp-2", "exp-1"]
        assert ids(store.archived_last("Of exp-2")) == ["exp-2"]

    def test_the_revision_tells_every_change_and_nothing_else(self, store):
        seen = [store.revision()]
        for act in (
            lambda: store.add(lambda _: experiment()),
            lambda: store.change("exp-1", running),
            lambda: store.change_all(lambda it: replace(it, status=Status.PAUSED)),
            lambda: store.change("exp-1", archived),
            lambda: store.change("exp-1", running),
        ):
            act()
            store.experiments()
            store.append("exp-1", [recorded()])
            assert store.revision() not in seen
            assert store.revision() == store.revision()
            assert json.loads(json.dumps(store.revision())) == store.revision()
            seen.append(store.revision())

    def test_of_changes_at_once_none_is_lost(self, store):
        store.add(lambda _: experiment())

        def more(item):
            return replace(item, plan=replace(item.plan, tags=(*item.plan.tags, "x")))

        threads = [
            threading.Thread(target=lambda: [store.change("exp-1", more) for _ in range(3)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.experiment("exp-1").plan.tags) == 12


class TrialLogsContract:
    def test_what_is_recorded_is_read(self, store):
        """Outcomes get an id when they have none, and all of them can be read back."""
        mine = Seen("exp-2", "mine", fingerprint={"model": "m"}, covariates={"size": 3.0})
        given = [Seen(), mine, Seen(unit="u")]
        made, known = store.record(given, 1e9)
        assert not known
        assert made[1] == "mine"
        first = store.trials(experiment("exp-1")).trials
        assert {it.trial_id for it in first} == {made[0], made[2]}
        assert {it.unit for it in first} == {made[0], "u"}
        (mine,) = store.trials(experiment("exp-2")).trials
        assert (mine.variant, mine.metrics) == ("control", {"duration_seconds": 1.5})
        assert mine.covariates == {"size": 3.0}
        assert (mine.status, mine.closed_at, mine.fingerprint) == (
            TrialStatus.OK, 1e9, {"model": "m"},
        )  # fmt: skip
        assert store.logged() == {"exp-1", "exp-2"}

    def test_of_outcomes_one_of_which_is_none_no_one_is_recorded(self, store):
        with pytest.raises(UsageError):
            store.record([Seen(), Seen("exp-2", metrics={"m": float("nan")})], 1e9)
        with pytest.raises(UsageError):
            store.append("exp-1", [recorded(), recorded(trial_id="")])
        assert len(store.trials(experiment()).trials) == 0

    def test_events_are_refused_beforehand_as_they_would_be_when_they_are_added(self, store):
        """Good ones before them change nothing, and none of them is kept."""
        store.check_events([recorded(), recorded("other")])
        for wrong in (
            recorded(trial_id=""),
            recorded(metrics={"m": float("nan")}),
            recorded(metrics={"m" * 5000: 1.0}),
            recorded(unit="\ud800"),
        ):
            for refuse in (store.check_events, lambda some: store.append("exp-1", some)):
                with pytest.raises(UsageError):
                    refuse([recorded(), wrong])
        assert len(store.trials(experiment()).trials) == 0
        assert store.logged() == set()

    @pytest.mark.parametrize("later", [2e9, 5.0])
    def test_what_was_said_first_stands_whatever_the_clock_says(self, store, later):
        store.add(lambda _: experiment())
        store.record([Seen(trial_id="mine", metrics={"m": 1.0})], 1e9)
        again = Seen(trial_id="mine", variant="treatment", metrics={"m": 2.0, "n": 3.0})
        store.record([again, Seen(trial_id="other")], later)
        log = store.trials(experiment())
        mine = next(it for it in log.trials if it.trial_id == "mine")
        assert (mine.metrics, mine.variant) == ({"m": 1.0, "n": 3.0}, "control")
        said = store.conflicts(experiment(), ["mine"])
        assert sorted(it.what for it in said) == ["m", "variant"]
        assert {it.trial_id for it in said} == {"mine"}
        assert log.conflict_count == 2
        assert store.conflicts(experiment(), ["other", "min"]) == []

    @pytest.mark.parametrize("beside", [0, 20])
    def test_who_records_is_told_what_had_an_outcome_before(self, store, beside):
        """Not what was only drawn, nor rated, nor what is told twice at once."""
        for name in ("exp-1", "exp-2"):
            store.add(lambda _, name=name: experiment(name))
        drawn = store.assign("exp-1", "a", lambda _: "control", 1e9).trial_id
        store.append("exp-1", [recorded("rated", status=None)])
        store.record([Seen(trial_id="mine")], 1e9)
        given = [Seen(of, one) for of, one in (
            ("exp-1", drawn), ("exp-1", "rated"), ("exp-1", "mine"), ("exp-1", "mine"),
            ("exp-1", "new"), ("exp-1", "new"), ("exp-2", "mine"), ("exp-1", None),
        )]  # fmt: skip
        given += [Seen(trial_id=f"beside {number}") for number in range(beside)]
        assert store.record(given, 1e9).known == {("exp-1", "mine")}

    def test_units_get_their_places_in_turn_and_keep_their_variant(self, store):
        drawn = [
            store.assign("exp-1", unit, lambda place: f"arm {place % 2}", 1e9 + number)
            for number, unit in enumerate(("a", "b", "a", "c"))
        ]
        assert [it.position for it in drawn] == [0, 1, 0, 2]
        assert [it.variant for it in drawn] == ["arm 0", "arm 1", "arm 0", "arm 0"]
        assert [it.repeated for it in drawn] == [False, False, True, False]
        assert len({it.trial_id for it in drawn}) == 4
        trials = store.trials(experiment()).trials
        assert [(it.unit, it.order, it.variant) for it in trials] == [
            ("a", 0, "arm 0"), ("a", 0, "arm 0"), ("b", 1, "arm 1"), ("c", 2, "arm 0"),
        ]  # fmt: skip
        assert all(it.status is None for it in trials)

    def test_an_outcome_closes_the_trial_that_was_assigned(self, store):
        drawn = store.assign("exp-1", "ünit\t1", lambda _: "treatment", 1e9)
        store.record([Seen(trial_id=drawn.trial_id, variant="treatment")], 1e9 + 5)
        (trial,) = store.trials(experiment()).trials
        assert (trial.unit, trial.assigned_at, trial.closed_at) == ("ünit\t1", 1e9, 1e9 + 5)

    def test_a_unit_without_a_name_is_none(self, store):
        with pytest.raises(UsageError):
            store.assign("exp-1", "", lambda _: "control", 1e9)

    def test_units_are_counted_drawn_or_not(self, store):
        store.assign("exp-1", "a", lambda _: "control", 1e9)
        store.record([Seen(unit="a"), Seen(unit="b", variant="treatment")], 1e9)
        used = store.used(experiment())
        assert (dict(used.units), used.positions) == ({"control": 1, "treatment": 1}, 1)

    def test_trials_of_the_registry_count_where_there_is_nothing_to_promote(self, store):
        """They come before the others; else they stand apart until they are admitted."""
        store.record([Seen(unit="later")], 1e9)
        inline = (Trial("old", "treatment", "old unit", 0),)
        whole = replace(experiment(), inline_trials=inline)
        assert [it.unit for it in store.trials(whole).trials] == ["later"]
        assert [it.lines for it in store.trials(whole).apart] == [1]
        log = store.trials(replace(whole, versions={}))
        assert [(it.unit, it.order) for it in log.trials] == [("old unit", 0), ("later", 1)]
        assert store.used(whole).units == {"control": 1, "treatment": 1}

    def test_who_follows_an_experiment_reads_what_others_do(self, store):
        inline = (Trial("old", "treatment", "old unit", 0),)
        whole = replace(experiment(), inline_trials=inline, versions={})
        follow, given = store.follow("exp-1"), []
        for number in range(3):
            store.record([Seen(trial_id=f"t{number}"), Seen(unit="same")], 1e9 + number)
            given.append(list(follow(whole).trials))
            assert given[-1] == list(store.trials(whole).trials)
        assert [len(trials) for trials in given] == [3, 5, 7]

    def test_an_excluded_trial_says_why(self, store):
        drawn = store.assign("exp-1", "a", lambda _: "control", 1e9)
        event = TrialEvent(
            EventKind.EXCLUDED, 1e9 + 1, drawn.trial_id, "control", reason="left"
        )
        store.append("exp-1", [event])
        (trial,) = store.trials(experiment()).trials
        assert trial.excluded == "left"

    def test_new_trials_are_told_of_their_experiment_alone(self, store):
        seen = [store.log_revision("exp-1")]
        other = store.log_revision("exp-2")
        for act in (
            lambda: store.assign("exp-1", "a", lambda _: "control", 1e9),
            lambda: store.record([Seen()], 1e9),
            lambda: store.append("exp-1", [recorded("t9")]),
        ):
            act()
            store.trials(experiment())
            assert store.log_revision("exp-1") not in seen
            assert json.loads(json.dumps(store.log_revision("exp-1"))) == store.log_revision(
                "exp-1"
            )
            seen.append(store.log_revision("exp-1"))
        assert store.log_revision("exp-2") == other

    def test_of_units_drawn_at_once_each_has_a_place_of_its_own(self, store):
        def draw(name):
            for number in range(5):
                store.assign("exp-1", f"{name}{number}", lambda _: "control", 1e9)

        threads = [threading.Thread(target=draw, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        trials = store.trials(experiment()).trials
        assert sorted(it.order for it in trials) == list(range(20))


class VariantsContract:
    def made(self, store):
        arms = {"control": TEXT, "treatment": Content(b"", 0o755)}
        store.save_variants("exp-1", {PATH: arms})
        versions = {PATH: {name: item.version for name, item in arms.items()}}
        return replace(experiment(), versions=versions), arms

    def test_texts_come_back_to_the_byte(self, store):
        made, arms = self.made(store)
        for name, content in arms.items():
            assert store.variant(made, name) == {PATH: content}

    def test_an_arm_may_lack_a_file(self, store):
        """It lacks it also where something lies in its place."""
        store.save_variants("exp-1", {PATH: {"control": TEXT, "treatment": None}})
        store.save_variants("exp-1", {"b.md": {"control": TEXT, "treatment": TEXT}})
        versions = {
            PATH: {"control": TEXT.version, "treatment": None},
            "b.md": {"control": None, "treatment": TEXT.version},
        }
        made = store.add(lambda _: replace(experiment(), versions=versions))
        assert made.versions == versions
        assert store.variant(made, "control") == {PATH: TEXT, "b.md": None}
        assert store.variant(made, "treatment") == {PATH: None, "b.md": TEXT}

    def test_a_text_that_is_gone_or_another_is_never_given(self, store):
        made, _ = self.made(store)
        with pytest.raises(NotFoundError):
            store.variant(replace(made, experiment_id="exp-2"), "control")
        other = {PATH: {"control": FileVersion("0" * 64, 0o640)}}
        with pytest.raises(CorruptStoreError):
            store.variant(replace(made, versions=other), "control")

    def test_no_path_leads_out_of_the_root(self, store):
        for path in ("../../x.md", "/x.md", "a/../../x.md"):
            with pytest.raises(UnsafePathError):
                store.save_variants("exp-1", {path: {"control": TEXT}})


class HistoriesContract:
    def test_entries_come_back_in_their_order(self, store):
        assert store.history("exp-1").entries == ()
        entries = [
            HistoryEntry(1.5, "create", None, "draft", "new"),
            HistoryEntry(2.0, "start", "draft", "running", detail={"by": "ünï"}),
        ]
        for entry in entries:
            store.note("exp-1", entry)
        assert list(store.history("exp-1").entries) == entries
        assert store.history("exp-1").set_aside == ()
        assert store.history("exp-2").entries == ()

    def test_secrets_are_not_kept(self, store):
        key = "sk-ant-api03-" + "a" * 40
        store.note("exp-1", HistoryEntry(1.0, "note", None, None, f"with {key}"))
        (entry,) = store.history("exp-1").entries
        assert key not in entry.reason

    def test_an_entry_that_could_not_be_read_back_is_not_kept(self, store):
        for entry in (
            HistoryEntry(1.0, "x", None, None, detail={"a": {1}}),
            HistoryEntry(float("nan"), "x", None, None),
        ):
            with pytest.raises(MetaExperimentError):
                store.note("exp-1", entry)
        assert store.history("exp-1").entries == ()


class StoreContract(RegistryContract, TrialLogsContract, VariantsContract, HistoriesContract):
    """All of it; a test class that inherits it brings a fixture `store`, new for each test."""
