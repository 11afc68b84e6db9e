"""What flags and amendments can set has a place in the plan, and the flags are among it."""

from tests.model.test_plan_shape import SHAPES

from meta_experiment.cli import plan_options
from meta_experiment.cli.verbs.create import command
from meta_experiment.model.plan_settings import PLAN_SETTINGS

# they name files and the primary metric, which are put together of several
_ELSEWHERE = {
    "placebo",
    "aa",
    "plan_file",
    "files",
    "primary_metric",
    "direction",
    "scale",
    "kind",
}
_IN_WHOLE = {"team"}  # what stands in it is looked at as a whole: model.team_document
_OF_EVERY_VERB = {"root", "user", "as_json", "help", "start", "manual", None}


def test_every_setting_has_its_place_in_a_plan():
    for setting in PLAN_SETTINGS.values():
        section = setting.place[0]
        assert ".".join((section,) if section in _IN_WHOLE else setting.place) in SHAPES


def test_every_flag_of_a_plan_is_a_setting():
    flags = {item.name for item in command.params if item.expose_value} - _OF_EVERY_VERB
    named = {plan_options._SETTINGS.get(flag, flag) for flag in flags - _ELSEWHERE}
    assert named <= set(PLAN_SETTINGS)
    assert set(PLAN_SETTINGS) - named == {"tags", "primary_metric"}


def test_a_setting_is_put_where_it_belongs():
    document = {"stopping": {"alpha": 0.05}}
    assert PLAN_SETTINGS["alpha"].put(document, 0.01) == 0.05
    assert PLAN_SETTINGS["traffic"].put(document, 50) is None
    assert document == {"stopping": {"alpha": 0.01}, "assignment": {"traffic": 50}}
