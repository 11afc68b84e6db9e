"""The program, for `python -m meta_experiment`."""

import sys

from meta_experiment.cli.main import run

sys.exit(run())
