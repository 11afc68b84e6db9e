"""A client for each test, where one is installed."""

import os
import tempfile
from pathlib import Path

import pytest
from tests.client.harness import Client
from tests.client.installed import find_client

# Looked for before the tests get an environment of their own.
INSTALLED = find_client(os.environ)


@pytest.fixture
def client(tmp_path):
    """Return the real client with an empty home and project."""
    return _client(tmp_path)


@pytest.fixture
def client_on_disk():
    """Return one whose folder no sandbox hides, as it does what lies below `/dev`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield _client(Path(folder))


def _client(folder):
    if INSTALLED is None:
        pytest.skip("no client is installed; .ci/run installs one")
    return Client(INSTALLED, folder)
