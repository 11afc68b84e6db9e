"""Pick the variants of a run without loading more than that takes; started by `bin/` alone.

What is not plain, or goes wrong before anything is written, goes the way of every other verb.
Usage: _pick.py workflows pick WORKFLOW [OPTIONS]
"""

import os
import sys

from meta_experiment.workflows.picking.program import main


def picked() -> "int | None":
    """Pick; the packages of the environment are looked up where a workflow is not compiled."""
    try:
        return main(sys.argv[3:])
    except ModuleNotFoundError:
        import site

        site.main()
        return main(sys.argv[3:])


if __name__ == "__main__":
    ended = picked()
    if ended is None:
        entry = os.path.join(os.path.dirname(os.path.abspath(__file__)), "meta-experiment.py")  # noqa: PTH100, PTH118, PTH120
        os.execv(sys.executable, [sys.executable, "-E", "-X", "utf8", entry, *sys.argv[1:]])  # noqa: S606
    sys.stdout.flush()
    os._exit(ended)
