"""A desk for each test, and a Python without packages."""

import venv

import pytest
from tests.plugin.desk import Desk


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A Python of the right age without any package."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    return folder / "bin" / "python"
