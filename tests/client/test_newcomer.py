"""The way of somebody new, from a clone to an open report; its seconds are measured apart."""

import shutil

import pytest
from benchmarks.newcomer import walk
from tests.client.conftest import INSTALLED

pytestmark = [pytest.mark.client, pytest.mark.long]


def test_a_newcomer_gets_from_a_clone_to_an_open_report(tmp_path):
    """With a bare Python and an empty home, by what the README gives to copy."""
    chromium = shutil.which("chromium")
    if INSTALLED is None or chromium is None:
        pytest.skip("no client or no chromium is installed")
    steps = walk(tmp_path, INSTALLED, chromium)
    assert steps[0].name == "clone"
    assert steps[-1].name == "open report"
