"""Code that a stranger left in a folder; whatever of it runs leaves its name in a file."""

from pathlib import Path

# What the interpreters that are started here import, or would if it were there.
MODULES = """
    _environment argparse click encodings ensurepip fcntl functools hashlib importlib json
    jsonschema meta_experiment numpy os pathlib pip re runpy scipy shutil sitecustomize status
    subprocess tempfile tomllib types typing usercustomize venv yaml zipimport
"""
PROGRAMS = (
    "awk", "cat", "env", "git", "grep", "od", "python", "python3", "readlink", "sh", "sleep",
    "tr", "uv",
)  # fmt: skip


class Planted:
    """A folder full of modules and programs that shadow others."""

    def __init__(self, folder: Path, log: Path):
        self.folder, self.log = folder, log
        for name in MODULES.split():
            self._write(f"{name}.py", f"open({str(log)!r}, 'a').write('module {name}\\n')\n")
        for name in PROGRAMS:
            told = f"#!/bin/sh\necho 'program {name}' >>'{log}'\nexit 1\n"
            for path in (name, f"bin/{name}", f".venv/bin/{name}"):
                self._write(path, told)
        self._write(
            ".venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n"
        )

    def ran(self) -> list[str]:
        """Return what ran."""
        return self.log.read_text("utf-8").splitlines() if self.log.exists() else []

    def _write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(0o755)
