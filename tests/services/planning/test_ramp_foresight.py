"""What is foreseen of a ramp: when its last step comes, and whether the plan lasts so long."""

import pytest
from tests.decide.making import DAY, plan

from meta_experiment.services.planning.forecast import judged
from meta_experiment.services.planning.past import Past
from meta_experiment.types import Assignment, Ramp

NO_PAST = Past((), None, ())


@pytest.mark.parametrize(
    ("ramp", "changes", "rate", "said"),
    [
        (Ramp((0.001, 0.5), 30.0), {}, None, "ends before that, after 14 days"),
        (Ramp((0.001, 0.5), 1.0), {}, 100, "ends before that, after 14 days"),
        (Ramp((0.001, 0.5), 1.0, 40), {}, None, "takes 2,858 units a day or more"),
        (Ramp((0.001, 0.5), 1.0, 40), {"traffic": 0.5}, None, "takes 5,715 units a day"),
        (Ramp((0.1, 0.5), 4.0), {"start_date": 0.0, "end_date": 3 * DAY}, None, "after 3 days"),
    ],
)
def test_a_ramp_that_the_plan_does_not_last_for_is_told(ramp, changes, rate, said):
    base = plan(assignment=Assignment.RAMP, ramp=ramp, **changes)
    (told,) = (it for it in judged(base, NO_PAST, rate).warnings if "last step" in it)
    assert said in told


def test_one_that_gets_there_in_time_has_no_such_warning():
    base = plan(assignment=Assignment.RAMP, ramp=Ramp((0.1, 0.5), 1.0))
    (told,) = (it for it in judged(base, NO_PAST, 100).warnings if "last step" in it)
    assert "ends before" not in told
    assert "units a day or more" not in told
