"""The pages that people read, and the commands that stand in their blocks."""

import re
import shlex
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)


def typed(text):
    """Yield what is typed in the blocks of a page, each command as its words.

    What is shown shortened (…) is no command that somebody could copy; where an answer goes
    (`> FILE`) is up to the shell.
    """
    for block in _BLOCK.findall(text):
        if "…" not in block.replace("# or let `auto` do it: create … --auto", ""):
            for line in _COMMAND.findall(block):
                words = shlex.split(line.replace("\\\n", ""), comments=True)
                yield list(takewhile(lambda word: word != ">", words))


def python_blocks(page):
    """Return the blocks of a page that are run by Python, in their order."""
    return _PYTHON.findall(page.read_text("utf-8"))
