"""What is asked of a team's store is asked once: of a thousand machines each answer is long."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.store.memory_exchange import MemoryExchange
from tests.teams.teammates import team_of

from meta_experiment.services.acting import team_sharing
from meta_experiment.services.teams import checking_store


@pytest.fixture
def asked(monkeypatch):
    """Count how often all machines, and plans, are asked for."""
    times = Counter()
    for name in ("machines", "published"):
        answer = getattr(MemoryExchange, name)

        def counted(self, *words, name=name, answer=answer):
            times[name, *words] += 1
            return answer(self, *words)

        monkeypatch.setattr(MemoryExchange, name, counted)
    return times


def test_machines_and_plans_are_asked_for_once(tmp_path, asked):
    """By an exchange with all that follows from it, and by the check of the store."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    for mate in (ann, bob):
        mate.record(made, [f"{mate.name}-1"])
        mate.exchange()
    for act in (team_sharing.share, checking_store.check_store):
        asked.clear()
        with bob.member() as place:
            act(*place)
        assert asked["machines",] == 1
        assert asked["published",] == 1
        assert asked["published", made] <= 1
