"""A bar for long work of tests that is started by hand, on a terminal alone."""

from __future__ import annotations

import os
import sys

from meta_experiment.cli.frame import Screen
from meta_experiment.cli.moving import PatientBar
from meta_experiment.render.style import Style
from meta_experiment.render.writers import TEXT


def bar() -> PatientBar:
    """Return a bar that draws what `headway` is told of."""
    style = Style.for_stream(sys.stderr, os.environ)
    return PatientBar(Screen(as_json=False, form=TEXT, style=style, interactive=False))
