"""A first look at every parser; `python -m tests.fuzz.full` looks for long."""

import pytest
from hypothesis import given, settings
from tests.fuzz.parsers import PARSERS, check

SLOW = {"summary", "board"}


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_reads_or_refuses_and_does_nothing_else(name):
    """No crash outside the exception tree, and what was read is what stood there."""

    @settings(max_examples=8 if name in SLOW else 30)
    @given(PARSERS[name][0])
    def looked_at(text):
        check(name, text)

    looked_at()
