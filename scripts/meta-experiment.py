"""Run one verb of meta-experiment with the interpreter at hand, or hand over to a better one.

Usage: meta-experiment.py VERB [OPTIONS]   (`bin/meta-experiment` finds the interpreter itself)
Exit codes: 0 done; 1 refused or failed; 2 usage; 130 interrupted; with --gate also 3 and 4.
"""

# An older Python must be able to read this file, to say that it is too old.
from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the verb listens: nothing is begun

import gc
import os
import sys
from importlib.util import (
    find_spec,
    module_from_spec,
    spec_from_file_location,
)
from pathlib import Path

NEEDED = ("click", "jsonschema", "rich", "yaml")
OLDEST = (3, 11)
_MANY = 200_000  # objects made between two looks for cycles: most commands end before the first
RELAUNCHED = "META_EXPERIMENT_RELAUNCHED"


def shortcoming() -> str | None:
    """Say what this interpreter lacks, or None when it can run the library."""
    if os.name == "nt":
        return "this is Windows itself"
    if sys.version_info < OLDEST:
        return f"it is Python {sys.version_info[0]}.{sys.version_info[1]}"
    missing = [name for name in NEEDED if find_spec(name) is None]
    return f"it lacks {', '.join(missing)}" if missing else None


def relaunch(root: Path, lacking: str) -> int:
    """Start again through the launcher; a second time means that it cannot help either."""
    if os.environ.get("_META_EXPERIMENT_COMPLETE"):
        return 0  # a shell that completes words is told of nothing
    if RELAUNCHED not in os.environ and os.name != "nt":
        os.environ[RELAUNCHED] = "1"
        launcher = str(root / "bin" / "meta-experiment")
        os.execv("/bin/sh", ["/bin/sh", launcher, *sys.argv[1:]])  # noqa: S606
    message = f"{sys.executable} cannot run meta-experiment: {lacking}."
    hint = "Unset META_EXPERIMENT_PYTHON, or let it name a Python 3.11 that has the packages."
    if os.name == "nt":
        hint = "On Windows it runs within WSL: docs/install.md"
    print(f"Error: {message}\nNext:  {hint}", file=sys.stderr)
    if "--json" in sys.argv:
        import json

        print(json.dumps({"error": {"kind": "dependency", "message": message, "hint": hint}}))
    return 1


def load_package(scripts: Path) -> None:
    """Make `meta_experiment` importable, but not its neighbours such as `record.py`."""
    folder = scripts / "meta_experiment"
    spec = spec_from_file_location(
        "meta_experiment", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(str(folder))
    package = module_from_spec(spec)
    sys.modules[spec.name] = package
    spec.loader.exec_module(package)


def run() -> int:
    """Run the verb in the arguments and return its exit code."""
    gc.set_threshold(_MANY)
    scripts = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != scripts]
    lacking = shortcoming()
    if lacking:
        return relaunch(scripts.parent, lacking)
    os.environ.pop(RELAUNCHED, None)
    load_package(scripts)
    from meta_experiment.cli.main import run as run_verb

    return run_verb()


if __name__ == "__main__":
    ended = run()
    gc.freeze()  # else the exit looks for cycles in all that was loaded: a tenth of a command
    sys.exit(ended)
