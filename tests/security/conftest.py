"""The command line in a project of its own, and what a stranger may have put there."""

from tests.cli.conftest import project
from tests.plugin.conftest import bare, desk

__all__ = ["bare", "desk", "project"]
