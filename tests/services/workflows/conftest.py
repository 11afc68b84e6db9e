"""A repository of workflows for each test that asks for one."""

import pytest
from tests.support.git import git


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return the root of a repository with no workflow yet, in which the test then is."""
    root = tmp_path / "root"
    (root / ".github" / "workflows").mkdir(parents=True)
    git(root, "init", "-q")
    monkeypatch.chdir(root)
    return root
