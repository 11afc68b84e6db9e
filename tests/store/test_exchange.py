"""Every exchange keeps the same promises."""

from __future__ import annotations

import time

import pytest
from tests.store.exchange_contract import ExchangeContract, key
from tests.store.memory_exchange import MemoryTeam

from meta_experiment.store.postgres.exchange import open_exchange


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


class TestInPostgres(ExchangeContract):
    """Each test has a project of its own, in one database."""

    @pytest.fixture
    def see(self, postgres_store, request):
        opened = []

        def view(name):
            url, project = postgres_store, request.node.nodeid[-200:]
            opened.append(open_exchange(url, project, key(name).machine))
            return opened[-1]

        yield view
        for exchange in opened:
            exchange.close()

    @pytest.fixture
    def later(self):
        return lambda _: time.sleep(0.02)
