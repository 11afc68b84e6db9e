"""Keep a share on the old version after a promotion, and watch whether it holds.

Usage: holdout.py ID [--share PCT] [--days N] [--auto] [--dry-run]
Exit codes: 0 done; 1 refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "holdout")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
