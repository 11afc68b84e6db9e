"""Collect the sums of an experiment from files or a warehouse, computed there.

Usage: collect.py ID --mapping FILE [--engine URL]
       collect.py [ID] --draft
Exit codes: 0 done; 1 refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "collect")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
