"""What a prompt waits for to be loaded: the standard library alone, and little of it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import meta_experiment

HOUSE = Path(meta_experiment.__file__).parent
ROOMS = ("live", "protocol", "transcripts")


@pytest.mark.parametrize("module", ["serving", "hooks", "closing"])
def test_nothing_but_the_standard_library_is_needed(module):
    """Runs without site packages; and what a prompt waits for loads no slow module."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        f"import meta_experiment.live.{module}\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(HOUSE.parent)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert f"meta_experiment.live.{module}" in loaded
    slow = {"json", "re", "hashlib", "pathlib", "typing", "dataclasses", "enum", "contextlib"}
    assert not loaded & slow
    ours = {name for name in loaded if name.startswith("meta_experiment.")}
    assert {name.split(".")[1] for name in ours} <= set(ROOMS)


def test_no_module_of_the_package_imports_another_of_the_house():
    """But for the draw itself, which is the same wherever it happens and imports nothing."""
    draw = {
        f"meta_experiment.assign.{name}" for name in ("arms", "blocks", "layers", "uniform")
    }
    rooms = tuple(f"meta_experiment.{room}" for room in ROOMS)
    for path in (path for room in ROOMS for path in (HOUSE / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                house = name.startswith("meta_experiment") and name not in draw
                assert not house or name.startswith(rooms), (path.name, name)
