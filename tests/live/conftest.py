"""A stage for each test."""

import pytest
from tests.live.stage import Stage


@pytest.fixture
def stage(tmp_path):
    """Return a home and a project in which nothing runs yet."""
    return Stage(tmp_path)
