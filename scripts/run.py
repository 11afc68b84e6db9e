"""Run every variant on the same cases, and stop as soon as the answer is known.

Usage: run.py ID --cases PATH [--agent COMMAND] [--judge COMMAND] [--repeats N] [--preview]
Exit codes: 0 done; 1 refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "run")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
