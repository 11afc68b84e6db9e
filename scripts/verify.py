"""Hold registry, logs, summaries, variants and backups against each other by checksums.

Usage: verify.py
Exit codes: 0 sound; 1 something is wrong, refused or failed; 2 usage; 130 interrupted.
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "verify")
entry = Path(__file__).resolve().with_name("meta-experiment.py")
runpy.run_path(str(entry), run_name="__main__")
