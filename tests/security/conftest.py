"""The command line in a project of its own, and what a stranger may have put there."""

from tests.cli.conftest import project

__all__ = ["project"]
