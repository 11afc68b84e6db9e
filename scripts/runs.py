"""Look at the runs of variants on cases, and complete their verdicts.

Usage: runs.py list | show ID | diff ID | rate ID | profile
Exit codes: 0 done; 1 refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "runs")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
