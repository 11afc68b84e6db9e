"""A few sequences of verbs; `python -m tests.fuzz.full` takes many and long ones."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.fuzz.machine import Verbs


def test_no_sequence_of_verbs_leads_away_from_the_model():
    """Files, statuses, trials, registry, journal and git agree after every step."""
    run_state_machine_as_test(
        Verbs,
        settings=settings(
            max_examples=6,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
