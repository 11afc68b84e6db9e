"""Make anew what is derived, and say what cannot be.

Usage: repair.py
Exit codes: 0 done; 1 something is left, refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "repair")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
