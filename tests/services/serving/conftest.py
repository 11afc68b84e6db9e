"""A git repository for each test."""

import pytest
from tests.support.git import git


@pytest.fixture
def root(tmp_path):
    """A git repository; its `info` files are those of a user with habits of their own."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / ".git/info/exclude").write_bytes(b"*.log\nscratch")
    return folder
