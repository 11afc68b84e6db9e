"""Tell all that is known of an experiment, to show it or to keep it.

Usage: report.py ID [--html FILE]
Exit codes: 0 done; 1 refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "report")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
