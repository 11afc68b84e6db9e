"""What is drawn in a test comes again; a process of its own draws its own."""

import os
import secrets
import uuid

from tests.support import chance


def draws():
    return os.urandom(4), secrets.token_hex(4), secrets.randbelow(2**31), uuid.uuid4()


def test_the_same_name_draws_the_same(monkeypatch):
    chance.seed(monkeypatch, "one")
    first = draws()
    chance.seed(monkeypatch, "one")
    assert draws() == first
    assert draws() != first
    chance.seed(monkeypatch, "another")
    assert draws() != first


def test_a_forked_process_draws_its_own(monkeypatch):
    """As it would draw the names of its parent again: what is done in it is done here."""
    chance.seed(monkeypatch, "one")
    first = draws()
    chance.seed(monkeypatch, "one")
    chance.go_own_way()
    assert draws() != first
