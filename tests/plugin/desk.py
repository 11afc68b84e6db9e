"""A user's machine for tests of the launchers: a home, a PATH of chosen tools, nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "bin" / "meta-experiment"
STAMP = (ROOT / "requirements.stamp").read_text("utf-8").strip()

# Stands in for an interpreter: says how it was called.
ECHO = '#!/bin/sh\nprintf "%s|" "$0" "$@"\n'
# Stands in for uv: notes the call; an environment is a wrapper of the Python of the tests.
UV = f"""#!/bin/sh
echo "$@" >>"$HOME/uv.log"
for last; do :; done
case $1 in
    venv)
        mkdir -p "$last/bin"
        printf '#!/bin/sh\\nexec {sys.executable} "$@"\\n' >"$last/bin/python"
        chmod +x "$last/bin/python" ;;
    pip) sleep "${{UV_SECONDS:-0}}"; exit "${{UV_EXIT:-0}}" ;;
esac
"""
# Stands in for a Python of another age: answers for itself, and can run nothing else.
OLD = """#!/bin/sh
[ "$2" = -c ] || exit 1
exec {bare} -c 'import sys; sys.version_info = (3, 10); exec(sys.argv[1])' "$3"
"""


def program(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    file.chmod(0o755)
    return file


def wrapper(python):
    return f'#!/bin/sh\nexec {python} "$@"\n'


class Desk:
    """A user with a home, a PATH of chosen tools, and nothing else."""

    def __init__(self, folder):
        self.home = folder / "home"
        self.tools = folder / "tools"
        self.away = folder / "somewhere else"
        for directory in (self.home, self.tools, self.away):
            directory.mkdir()
        self.data = self.home / ".local" / "share" / "meta-experiment"

    def tool(self, name, text):
        return program(self.tools / name, text)

    def kept(self):
        return sorted(file.name for file in self.data.iterdir())

    def system(self, *names):
        for name in names:
            (self.tools / name).symlink_to(shutil.which(name))

    def start(self, *arguments, launcher=LAUNCHER, **settings):
        return subprocess.Popen(
            [str(launcher), *arguments],
            cwd=self.away,
            env={"HOME": str(self.home), "PATH": str(self.tools), **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments, **settings):
        process = self.start(*arguments, **settings)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)
