"""Every exchange keeps the same promises."""

from __future__ import annotations

import pytest
from tests.store.exchange_contract import ExchangeContract, key
from tests.store.memory_exchange import MemoryTeam


class TestInMemory(ExchangeContract):
    @pytest.fixture
    def team(self):
        return MemoryTeam()

    @pytest.fixture
    def see(self, team):
        return lambda name: team.seen_by(key(name).machine)

    @pytest.fixture
    def later(self, team):
        """Turn the store's clock on."""

        def turn(seconds):
            team.now += seconds

        return turn
