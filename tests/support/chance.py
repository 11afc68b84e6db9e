"""What this process asks the system's chance for, drawn from a seed that a test can repeat."""

from __future__ import annotations

import os
import random

import pytest

_drawn = random.Random()  # noqa: S311 - no secret of anybody's


def seed(patch: pytest.MonkeyPatch, name: str) -> None:
    """Let identities, seeds and names of trials follow from a name until the patch is undone.

    Which unit gets which variant hangs on them: from the system's own chance, a test that
    holds for nearly all draws would fail now and then, and never twice.
    """
    _drawn.seed(name)
    patch.setattr(os, "urandom", _drawn.randbytes)
    patch.setattr(random, "_urandom", _drawn.randbytes)  # by which `secrets` draws


def go_own_way() -> None:
    """Leave what the parent goes on to draw: two processes never draw the same name."""
    _drawn.seed(f"{_drawn.random()} {os.getpid()}")


os.register_at_fork(after_in_child=go_own_way)
