"""Every state of a question has one stage, and every stage a skill."""

from itertools import product

import pytest

from meta_experiment.decide.telling.stages import (
    OBJECTIONS,
    STAGES,
    step_of_experiment,
    step_of_plan,
)
from meta_experiment.types import Decision, ReasonCode, Status
from meta_experiment.types.vocabulary import Lack, Skill, Stage

STARTED = [item for item in Status if item is not Status.DRAFT]
TRUTHS = (False, True)


def test_the_table_has_every_stage_every_lack_once_and_every_skill():
    assert list(STAGES) == list(Stage)
    lacks = [lack for _, some in STAGES.values() for lack in some]
    assert sorted(lacks) == sorted(Lack)
    assert {skill for skill, _ in STAGES.values()} == set(Skill)


def expected(status, decision, reason, flags):
    """Say it once more, as the document does."""
    decided = decision not in (None, Decision.EXTEND)
    if not status.is_open or (decided and not flags["acting"]):
        if flags["holdout"]:
            return Stage.HOLDOUT
        return Stage.LEARNED if flags["learned"] else Stage.ENDED
    if decided or flags["harmful"] or reason in OBJECTIONS:
        return Stage.DUE
    return Stage.RUNNING


def test_every_combination_of_what_is_stored_has_its_stage():
    names = ("ready", "harmful", "silent", "acting", "learned", "holdout")
    seen = set()
    for status, decision, reason in product(
        STARTED, (None, *Decision), (None, *OBJECTIONS, ReasonCode.EVIDENCE_INSUFFICIENT)
    ):
        for values in product(TRUTHS, repeat=len(names)):
            flags = dict(zip(names, values, strict=True))
            step = step_of_experiment(status, decision, reason, **flags)
            assert step.stage is expected(status, decision, reason, flags)
            quiet = step.stage is Stage.RUNNING and Lack.TRIALS in step.missing
            skill = Skill.EXPOSURE_CONTROL if quiet else STAGES[step.stage][0]
            assert step.skill is skill
            assert quiet == (
                step.stage is Stage.RUNNING and flags["silent"] and status is not Status.PAUSED
            )
            assert set(step.missing) <= set(STAGES[step.stage][1])
            seen.add(step.stage)
    assert seen == {Stage.RUNNING, Stage.DUE, Stage.ENDED, Stage.HOLDOUT, Stage.LEARNED}


@pytest.mark.parametrize(
    ("lacks", "shared", "stage", "skill"),
    [
        ({Lack.START}, False, Stage.DRAFT, Skill.EXPERIMENT_WORKSPACE),
        ({Lack.CREATION}, True, Stage.DRAFT, Skill.EXPOSURE_CONTROL),
        ({Lack.FILES}, True, Stage.DRAFT, Skill.EXPERIMENT_WORKSPACE),
        ({Lack.REACH, Lack.NEW_TEXT}, True, Stage.MEASUREMENT, Skill.MEASUREMENT_DESIGN),
        ({Lack.PRIMARY_METRIC, Lack.REASON}, False, Stage.HYPOTHESIS, Skill.HYPOTHESIS_DESIGN),
        ({Lack.PLAN}, False, Stage.NOTHING, Skill.EXPERIMENT_GUIDE),
    ],
)
def test_a_plan_is_at_the_first_stage_that_it_lacks_something_of(lacks, shared, stage, skill):
    step = step_of_plan(lacks, shared=shared)
    assert (step.stage, step.skill, set(step.missing)) == (stage, skill, lacks)


def test_what_is_missing_stands_in_the_order_of_the_stages():
    step = step_of_plan([Lack.FILES, Lack.REASON, Lack.PRIMARY_METRIC, Lack.CHANGE])
    assert step.missing == (Lack.CHANGE, Lack.REASON, Lack.PRIMARY_METRIC, Lack.FILES)


def test_every_objection_is_a_code_of_data_quality():
    """They are the first group of codes, which no evidence can overrule."""
    codes = list(ReasonCode)
    assert set(codes[: codes.index(ReasonCode.NO_DATA)]) == OBJECTIONS
