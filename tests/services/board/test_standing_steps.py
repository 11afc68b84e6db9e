"""`auto` weighs again only what changed since the board was made, and what it acts on."""

import pytest
from tests.cli.conftest import project
from tests.cli.test_project_impact import calendar, experiment

from meta_experiment.services.acting import autopilot

__all__ = ["calendar", "project"]


@pytest.fixture
def weighed(monkeypatch):
    """The ids of the experiments that `auto` weighed itself."""
    found, study = [], autopilot.study

    def spy(workspace, item, **more):
        found.append(item.experiment_id)
        return study(workspace, item, **more)

    monkeypatch.setattr(autopilot, "study", spy)
    return found


def steps(project, *flags):
    return project("auto", *flags, "--json").json["experiments"]


@pytest.mark.usefixtures("calendar")
def test_what_is_undecided_is_not_weighed_again_until_it_changes(project, weighed):
    made = experiment(project, "slow", 1.0, 12, "--auto")
    (first,) = steps(project)
    assert (first["decision"], weighed) == ("EXTEND", [])
    project.observe(made, 3, speed=0.1)
    (second,) = steps(project)
    assert second["sentence"] != first["sentence"]
    assert weighed == []
    assert steps(project) == [second]


@pytest.mark.usefixtures("calendar")
def test_what_it_acts_on_is_weighed_again_at_that_moment(project, weighed):
    made = experiment(project, "fast", 0.7, 30, "--auto")
    project("status")
    (step,) = steps(project)
    assert (step["action"], weighed) == ("promote", [made])


@pytest.mark.usefixtures("calendar")
def test_what_is_left_to_the_user_is_told_as_ever(project, weighed):
    made = experiment(project, "fast", 0.7, 30)
    (step,) = steps(project)
    assert (step["decision"], step["action"], weighed) == ("PROMOTE", None, [])
    assert step["sentence"].endswith(
        f"Its plan leaves this to you: meta-experiment promote {made}"
    )


def test_time_alone_ends_an_experiment(project, calendar, weighed):
    made = experiment(project, "slow", 1.0, 12, "--auto")
    assert steps(project)[0]["action"] is None
    calendar.wait(20)
    assert (steps(project)[0]["action"], weighed) == ("expire", [made])
