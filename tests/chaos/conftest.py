"""Faults by the hundred: what costs time and writes nothing is left out."""

import pytest
from tests.chaos.verbs import no_outlook

from meta_experiment.services.planning import creating


@pytest.fixture(autouse=True)
def _no_outlook(monkeypatch):
    monkeypatch.setattr(creating, "forecast", no_outlook)
