"""git in a folder, for tests that want to see it fail loudly."""

import subprocess
from pathlib import Path

_HERE = Path(__file__).parent
# what git goes by in a test: no configuration of the machine, and a name of its own; a new
# repository gets no examples of hooks, which would be most of its files
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": str(_HERE / "gitconfig"),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TEMPLATE_DIR": str(_HERE / "git-template"),
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.com",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.com",
}


def git(root: Path, *words: str) -> str:
    """Run git in a folder and return what it prints; a failure shows what it said."""
    done = subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}{done.stdout}"
    return done.stdout
