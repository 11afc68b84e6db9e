"""The plugin's files as git has them, and what lies in a folder, to hold them side by side."""

import os
import subprocess
import tomllib

from tests.plugin.desk import ROOT

LIST = ".claude-plugin/copy.sha256"


def tree(folder):
    """Return the bytes of every file, and whether it can be run."""
    return {
        str(file.relative_to(folder)): (file.read_bytes(), os.access(file, os.X_OK))
        for file in folder.rglob("*")
        if file.is_file()
    }


def copied(folder):
    """Return the same of a written plugin, but for its list of what was written."""
    return {place: item for place, item in tree(folder).items() if place != LIST}


def of_the_plugin():
    """Return the same of what makes the plugin in this checkout, compiled code left out."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    names = wheel["hooks"]["custom"]["pack"]
    words = [
        "git",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
        "--",
        *names,
    ]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, check=True).stdout
    places = filter(None, said.decode().split("\0"))
    return {it: ((ROOT / it).read_bytes(), os.access(ROOT / it, os.X_OK)) for it in places}
