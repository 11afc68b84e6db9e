"""Experiments in a layer, from their plans to what is served: never two in one session."""

from dataclasses import replace

import pytest
from tests.support.serving import HEAD

from meta_experiment.errors import ConflictError, UsageError
from meta_experiment.files.roots import Layout
from meta_experiment.live.exposure import counts, expose
from meta_experiment.protocol import index
from meta_experiment.protocol.sessions import PromptRef, Session
from meta_experiment.services.acting import analysing, lifecycle
from meta_experiment.services.planning import creating, request
from meta_experiment.services.recording import assigning
from meta_experiment.services.recording.recording import record
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Status

AT = 1_760_000_000.0
NAMES = ("alpha", "beta", "gamma")


class Project:
    """A project with commands, some of them under experiment."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        self.space = Workspace.open(Layout(root), lambda: AT)
        for name in NAMES:
            path = root / f".claude/commands/{name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(HEAD.format(name=name) + "Do it.\n")

    def start(self, name, layer, *, start=True, **plan):
        source = self.folder / f"{name}-new.md"
        source.write_text(HEAD.format(name=name) + "Do it fast.\n")
        wanted = {"metrics": {"primary": "duration_seconds"}, "seed": 1, "name": name} | plan
        wanted |= {} if layer is None else {"layer": layer}
        flag = f".claude/commands/{name}.md={source}"
        asked = request.from_flags(wanted, [flag], self.root, self.root)
        made = creating.create(self.space, asked)
        if start:
            lifecycle.start(self.space, made.experiment_id)
        return made.experiment_id

    def use(self, experiment_id, session, value=None):
        """Serve a prompt in a session, and record how long it took."""
        entry = index.find_entry(str(self.root), experiment_id)
        own = Session(str(self.root), session)
        seen = expose(own, entry, PromptRef(f"{session}-{experiment_id}", ""), AT)
        assert counts(own, entry, "p", AT) is (seen.trial is not None)
        if seen.trial is not None and value is not None:
            metrics = {"duration_seconds": value(seen.variant)}
            known = {"experiment": experiment_id, "variant": seen.variant}
            record(self.space, [known | {"trial_id": seen.trial.trial_id, "metrics": metrics}])
        return seen


@pytest.fixture
def project(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return Project(root, tmp_path)


def test_a_session_is_in_at_most_one_experiment_of_a_layer_and_the_others_serve_the_control(
    project,
):
    first = project.start("alpha", {"name": "prompts", "share": 60})
    second = project.start("beta", {"name": "prompts", "share": 40})
    slots = [project.space.store.experiment(it).plan.layer.slots for it in (first, second)]
    assert slots == [(0, 600), (600, 1000)]
    met = {first: 0, second: 0}
    for number in range(60):
        seen = {name: project.use(name, f"s{number}") for name in met}
        within = [name for name, one in seen.items() if one.trial is not None]
        assert len(within) == 1  # the layer is full
        (other,) = met.keys() - set(within)
        assert seen[other].variant == "control"
        met[within[0]] += 1
    assert 22 < met[first] < 50


def test_assigning_takes_the_same_units_as_serving(project):
    name = project.start("alpha", {"name": "prompts", "share": 30})
    for number in range(40):
        served = project.use(name, f"s{number}").trial is not None
        assigned = assigning.assign(project.space, name, f"s{number}").trial_id is not None
        assert served == assigned


def test_a_layer_has_no_more_than_all_and_says_who_holds_it(project):
    project.start("alpha", {"name": "prompts", "share": 70})
    with pytest.raises(ConflictError, match=r"no 40% in a row .*-alpha 70% hold all but 30%"):
        project.start("beta", {"name": "prompts", "share": 40})
    assert len(project.space.store.experiments()) == 1
    assert project.start("beta", {"name": "other", "share": 40})
    third = project.start("gamma", {"name": "prompts", "share": 30})
    assert project.space.store.experiment(third).plan.layer.slots == (700, 1000)


def test_slots_are_free_again_once_their_experiment_has_ended(project):
    held = project.start("alpha", {"name": "prompts", "share": 100}, start=False)
    with pytest.raises(ConflictError, match="no 50% in a row"):
        project.start("beta", "prompts")
    project.space.store.change(held, lambda it: replace(it, status=Status.ARCHIVED))
    second = project.start("beta", "prompts")
    assert project.space.store.experiment(second).plan.layer.slots == (0, 500)


def test_one_layer_has_one_kind_of_units(project):
    project.start("alpha", "prompts")
    with pytest.raises(ConflictError, match=r"is one of sessions .* and this plan is by user"):
        project.start("beta", "prompts", unit="user")
    with pytest.raises(UsageError, match="kept apart by sessions or users"):
        project.start("beta", "prompts", unit="invocation")


def test_slots_that_two_registries_gave_away_are_not_served_twice(project):
    """As after a merge of two branches, in each of which one was created."""
    project.start("alpha", "prompts")
    second = project.start("beta", "prompts", start=False)
    layer = replace(project.space.store.experiment(second).plan.layer, first=0)
    project.space.store.change(
        second, lambda it: replace(it, plan=replace(it.plan, layer=layer))
    )
    with pytest.raises(ConflictError, match="holds slots of the layer 'prompts'"):
        lifecycle.start(project.space, second)


@pytest.mark.long
def test_what_shares_units_across_layers_is_shown_and_decides_nothing(project):
    one, other = project.start("alpha", "one"), project.start("beta", None)
    pace = {"control": 20.0, "treatment": 10.0}
    for number in range(160):
        beside = project.use(
            other, f"s{number}", lambda _, number=number: 5.0 + number % 3
        ).variant
        slower = 3.0 if beside == "treatment" else 1.0

        def value(arm, slower=slower, number=number):
            return pace[arm] * (slower if arm == "treatment" else 1.0) * (1 + number % 7 / 20)

        project.use(one, f"s{number}", value)
    plain = analysing.analyze(project.space, one).analysis
    assert plain.interactions == ()
    assert any(other in note and "--interactions" in note for note in plain.notes)
    seen = analysing.analyze(project.space, one, interactions=True).analysis
    (found,) = seen.interactions
    assert (found.other, found.beside) == (other, "treatment")
    assert found.alone == pytest.approx(0.5, abs=0.1)
    assert found.together < 0
    assert found.interval.high < 0
    (back,) = analysing.analyze(project.space, other, interactions=True).analysis.interactions
    assert back.other == one
    quiet = replace(seen, interactions=())
    assert quiet.decision is seen.decision
    assert analysing.explain(project.space, one).decision is seen.decision


@pytest.mark.long
def test_experiments_of_one_layer_share_no_units_to_speak_of(project):
    one, other = project.start("alpha", "prompts"), project.start("beta", "prompts")
    for number in range(80):
        project.use(one, f"s{number}", lambda _, number=number: 5.0 + number % 3)
        project.use(other, f"s{number}", lambda _, number=number: 5.0 + number % 3)
    plain = analysing.analyze(project.space, one, interactions=True).analysis
    assert plain.interactions == ()


@pytest.mark.long
def test_one_that_joins_while_others_run_takes_no_unit_from_them_and_none_of_theirs(project):
    """The others go on with what they had, served and assigned, and nobody is in two."""
    first = project.start("alpha", {"name": "prompts", "share": 40})
    second = project.start("beta", {"name": "prompts", "share": 30})
    sessions = [f"s{number}" for number in range(120)]

    def within(*names):
        return {
            session: {
                name: project.use(name, session).variant
                for name in names
                if project.use(name, session).trial is not None
            }
            for session in sessions
        }

    before = within(first, second)
    assert {len(met) for met in before.values()} == {0, 1}
    joined = project.start("gamma", {"name": "prompts", "share": 30})
    assert project.space.store.experiment(joined).plan.layer.slots == (700, 1000)
    after = within(first, second, joined)
    for session, met in before.items():
        assert {name: arm for name, arm in after[session].items() if name != joined} == met
        assert len(after[session]) == 1  # the layer is full now
    free = [session for session, met in before.items() if not met]
    assert [session for session in sessions if joined in after[session]] == free
    assert len(free) > 20
