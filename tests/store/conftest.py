"""A root of its own for every test."""

import pytest

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout


@pytest.fixture
def layout(tmp_path):
    root = tmp_path / f"root{tmp_path.name}"  # no two have the same name
    root.mkdir()
    return Layout(root)


@pytest.fixture
def disk():
    return FileSystem()


@pytest.fixture(scope="session")
def postgres_store(postgres_server):
    """Give the URL of a database that this process has to itself, a store already."""
    from meta_experiment.store.postgres.connections import Connections

    connections = Connections(postgres_server.url(postgres_server.database()))
    with connections.transaction():
        pass
    connections.close()
    return connections.address.conninfo
