"""Tell a collector or a file of assignments, exposures, trials and decisions.

Usage: telemetry.py export [ID]...
Exit codes: 0 done; 1 refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "telemetry")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
