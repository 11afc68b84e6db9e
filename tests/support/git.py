"""git in a folder, for tests that want to see it fail loudly."""

import subprocess
from pathlib import Path


def git(root: Path, *words: str) -> str:
    """Run git in a folder and return what it prints; a failure shows what it said."""
    done = subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}{done.stdout}"
    return done.stdout
