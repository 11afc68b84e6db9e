"""Let trials count that another checkout, or this one before, has written.

Usage: admit.py ID [WRITER]... [--remove]
Exit codes: 0 done; 1 refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "admit")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
