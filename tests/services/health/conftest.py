"""A project that is costly to make: the first test of a module keeps it for the others."""

import os
import shutil

import pytest
from tests.sealing import own_key


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the first test leaves its project for the others, which then need not make it."""
    return tmp_path_factory.mktemp("kept") / "project"


@pytest.fixture
def as_kept(kept):
    """Return a function that makes a project what was kept; it tells whether anything was."""

    def restore(project):
        own_key()  # the same in the home of every test
        if not kept.exists():
            return False
        shutil.rmtree(project.root)
        shutil.copytree(kept, project.root)
        os.chdir(project.root)
        return True

    return restore
