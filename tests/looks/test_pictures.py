"""The pictures of the documentation are there, all of them, and of the pages as they are."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.looks import pictures

ROOT = Path(__file__).resolve().parents[2]
MADE = """
import json, sys
from tests.looks import pictures
made = pictures.sources(sys.argv[1]).items()
print(json.dumps({kind: pictures.digest(text) for kind, text in made}))
"""

BESIDE = {"digests.json", "report-light.png", "report-dark.png"}


def test_every_picture_is_there_and_shown():
    """Whole, of a size that a page can carry, and with words for who does not see it."""
    there = {path.name: path.stat().st_size for path in pictures.FOLDER.iterdir()}
    expected = {file for name in pictures.SHOWN for file in pictures.files(name)}
    paper = {name for name in there if "-A4-" in name}
    assert set(there) == expected | paper | BESIDE
    assert {name.split("-A4-")[0] for name in paper} == set(pictures.SHOWN)
    assert pictures.PAGE.read_text("utf-8") == pictures.shown()
    assert set(re.findall(r"\(pictures/(.+?)\)", pictures.shown())) == expected | paper
    assert "![]" not in pictures.shown()
    sizes = [size for name, size in there.items() if name.endswith((".webp", ".png"))]
    assert 5_000 < min(sizes) < max(sizes) < 400_000
    assert sum(there.values()) < 6_000_000


@pytest.mark.long
@pytest.mark.parametrize("name", pictures.SHOWN)
def test_a_picture_shows_what_is_made_today(name):
    """Where this fails, a page or its words have changed: python -m tests.looks.pictures.

    They are made by a process of its own, as the command does, in which no other test was.
    """
    done = subprocess.run(
        [sys.executable, "-c", MADE, name],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert pictures.recorded()[name] == json.loads(done.stdout)
