"""Make cases out of past uses, say what a set of cases is, hold some out.

Usage: cases.py mine NAME|FILE | check PATH | split PATH
Exit codes: 0 done; 1 refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "cases")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
