"""Cases that are held out: out of sight, always the same ones, and opened once."""

import json
import stat

import pytest
from tests.services.running.test_running import (
    agent,
    cases,
    create,
    opened,
    project,  # noqa: F401 - a fixture
    run,
)

from meta_experiment.cli.main import main
from meta_experiment.errors import ConflictError, NotFoundError, RefusedError, UsageError
from meta_experiment.runs.cases.forms import read_cases
from meta_experiment.services.acting import promotion
from meta_experiment.services.running import held_out, run_plan
from meta_experiment.types import Decision


def split(space, project, count=40, *, out="tuning", **more):  # noqa: F811
    """Split so many cases; return those for tuning and those held out."""
    target = project.parent / f"{out}.jsonl"
    asked = {"share": 0.4, "name": "cases", **more}
    done = held_out.split(space, cases(project, count), target, **asked)
    held = held_out.held_out(space, done.name)
    assert not held.is_relative_to(project)
    assert stat.S_IMODE(held.stat().st_mode) == 0o600
    parts = [{case.case_id for case in read_cases(path)} for path in (target, held)]
    assert [done.tuning, done.held_out] == [len(part) for part in parts]
    return parts


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(8, 0.3, 2), (8, 0.01, 1), (40, 0.4, 16), (5, 0.5, 2)],
)
def test_as_many_are_held_out_as_were_asked_for(project, count, share, expected):  # noqa: F811
    """One at least; which ones follows from the seed."""
    space = opened(project)
    tuning, held = split(space, project, count, share=share)
    assert tuning | held == {f"c{number}" for number in range(count)}
    assert not tuning & held
    assert len(held) == expected
    assert split(space, project, count, share=share, out="again", name="again")[1] == held
    drawn = [
        frozenset(split(space, project, count, share=share, out=x, name=x, seed=i)[1])
        for i, x in enumerate("abcdef")
    ]
    assert len(set(drawn)) > 1


def test_a_split_refuses_what_would_undo_another_or_is_none(project):  # noqa: F811
    space = opened(project)
    split(space, project)
    for more in ({"out": "again"}, {"name": "again"}):
        with pytest.raises(RefusedError, match="is there already"):
            split(space, project, **more)
    with pytest.raises(UsageError, match="Of 40 cases 40 would be held out"):
        split(space, project, out="x", name="x", share=0.999)
    with pytest.raises(UsageError, match="Of 1 cases 1 would be held out"):
        split(space, project, 1, out="x", name="x")
    with pytest.raises(UsageError, match="no plain name"):
        split(space, project, out="x", name="../x")
    with pytest.raises(NotFoundError, match=r"'x'; there are: cases\."):
        held_out.held_out(space, "x")


def test_what_was_said_before_stays_with_its_case(project):  # noqa: F811
    """In a part for tuning as among those that are held out."""
    path = cases(project, 6)
    line = {"type": "user", "uuid": "u", "message": {"content": "Hello"}}
    (path.parent / "talk.jsonl").write_text(json.dumps(line))
    rows = [
        json.loads(row) | {"history": "talk.jsonl"}
        for row in path.read_text().split("\n")
        if row
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    space, out = opened(project), project.parent / "tuning.jsonl"
    held_out.split(space, path, out, share=0.5, name="cases")
    parts = [*read_cases(out), *read_cases(held_out.held_out(space, "cases"))]
    for case, before in zip(
        sorted(parts, key=lambda it: it.case_id), read_cases(path), strict=True
    ):
        assert case.sha256 == before.sha256
        assert case.history != before.history


def test_past_uses_are_not_split_to_where_git_would_commit_them(project):  # noqa: F811
    origin = {"session": "s", "time": "2026-11-21T14:16:58Z", "commit_by": "reflog"}
    path = cases(project, 40, origin=origin)
    asked = {"share": 0.4, "name": "cases"}
    with pytest.raises(RefusedError, match="git would commit"):
        held_out.split(opened(project), path, project / "tuning.jsonl", **asked)
    held_out.split(opened(project), path, project / "tuning.jsonl", tracked=True, **asked)


@pytest.mark.long
def test_held_out_cases_decide_and_who_opens_them_again_is_told(project):  # noqa: F811
    space = opened(project)
    _, held = split(space, project)
    path = held_out.held_out(space, "cases")
    first = create(space, project)
    done = run(space, first, project, cases=path, held_out="cases")
    assert done.decision is Decision.PROMOTE
    trials = space.store.trials(space.store.experiment(first)).trials
    assert {trial.unit for trial in trials} <= held
    assert not [note for note in done.notes if "held-out" in note]
    history = space.store.history(first).entries
    assert [item.reason for item in history].count("opened the held-out cases cases") == 1
    promotion.stop(space, first, "another try", dry_run=False)
    second = create(space, project, name="second")
    done = run(space, second, project, cases=path, held_out="cases")
    assert f"The held-out cases cases were opened before, by {first} at 20" in done.notes[0]


def test_going_on_is_no_second_opening(project):  # noqa: F811
    space = opened(project)
    name = create(space, project)
    experiment = space.store.experiment(name)
    split(space, project)
    for _ in range(2):
        assert held_out.opened(space, experiment, "cases") == []
    reasons = [item.reason for item in space.store.history(name).entries]
    assert reasons.count("opened the held-out cases cases") == 1


def test_a_line_of_who_opened_them_that_was_cut_off_names_nobody(project):  # noqa: F811
    space = opened(project)
    name = create(space, project)
    split(space, project)
    notes = held_out.held_out(space, "cases").with_suffix(".opened")
    notes.write_bytes(b"\nexp-9 2026-01-01T00:00:00Z\nexp-8")
    (told,) = held_out.opened(space, space.store.experiment(name), "cases")
    assert "by exp-9 at 2026-01-01" in told
    assert held_out.opened(space, space.store.experiment(name), "cases") == [told]


def test_held_out_cases_that_cannot_decide_stay_closed(project):  # noqa: F811
    space = opened(project)
    name = create(space, project)
    split(space, project, 12)
    path = held_out.held_out(space, "cases")
    wanted = run_plan.RunRequest(path, agent(project), held_out="cases")
    with pytest.raises(RefusedError, match="5 cases are held out, and this plan decides from"):
        run_plan.plan_runs(space, name, wanted)
    assert not path.with_suffix(".opened").exists()


def test_who_has_seen_held_out_cases_is_run_on_no_others(project):  # noqa: F811
    """Nor those of another name: the decision would be of what the text was tuned on."""
    space = opened(project)
    name = create(space, project)
    split(space, project)
    split(space, project, out="other", name="other", seed=1)
    held_out.opened(space, space.store.experiment(name), "cases")
    other = held_out.held_out(space, "other")
    for path, held in ((project.parent / "tuning.jsonl", ""), (other, "other")):
        wanted = run_plan.RunRequest(path, agent(project), held_out=held)
        with pytest.raises(ConflictError, match="on the held-out cases cases"):
            run_plan.plan_runs(space, name, wanted)
    path = held_out.held_out(space, "cases")
    wanted = run_plan.RunRequest(path, agent(project), held_out="cases")
    assert run_plan.plan_runs(space, name, wanted).runs == 32


@pytest.mark.long
def test_a_decision_is_of_held_out_cases_alone(project):  # noqa: F811
    """Those on which the text was tuned would promote what fits them."""
    space = opened(project)
    name = create(space, project)
    split(space, project)
    run(space, name, project, cases=project.parent / "tuning.jsonl")
    path = held_out.held_out(space, "cases")
    wanted = run_plan.RunRequest(path, agent(project), held_out="cases")
    with pytest.raises(ConflictError, match="other cases than these"):
        run_plan.plan_runs(space, name, wanted)


def test_the_verbs_split_and_open(project, capsys, monkeypatch):  # noqa: F811
    name = create(opened(project), project)
    monkeypatch.chdir(project)
    path = cases(project, 40)
    words = [
        "cases",
        "split",
        str(path),
        "--holdout",
        "30",
        "--out",
        "../tuning.jsonl",
        "--json",
    ]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["tuning"] + told["held_out"], told["seed"]) == ("cases", 40, 0)
    assert main(["run", name, "--holdout", "cases", "--preview", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == 2 * told["held_out"]
    for wrong in ([], ["--holdout", "cases", "--cases", str(path)]):
        assert main(["run", name, *wrong, "--preview"]) == 2
        assert "either --cases PATH or --holdout NAME" in capsys.readouterr().err
