"""Run the evaluation suite of the pack with a real model: `python evals/run.py`.

It starts `claude plugin eval` twice. Triggers: does a sentence open the skill that it should?
Without a control arm, as there is nothing to open without the pack, and no shell. Behaviour:
what is done in a project at a certain stage, beside a control arm without the pack. Its shell
is confined by the client, which on Linux takes bubblewrap and socat; where they are missing,
these cases are named as not run.

The client's confined shell sees neither the plugin nor the user's home, but for the folders on
the PATH. So what is under test is laid into a folder of its own there, with its Python.
Standard library only; Python 3.11 or newer. It costs what the model costs: see --max-cost-usd.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from report import Document, broken, report

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = '#!/bin/sh\nMETA_EXPERIMENT_PYTHON={python} exec {pack}/bin/meta-experiment "$@"\n'
LONGEST_PLACE = 45  # characters, of the 107 that the name of a socket may have
SHELL = "Bash(meta-experiment:*)"
PARTS: Mapping[str, Sequence[str]] = {
    "trigger": ("--ablation", "none"),
    "behaviour": ("--ablation", "with-without", "--scaffold", "--allow-tools", SHELL),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for and print what came of it; 1 where something did not run."""
    asked, more = _parser().parse_known_args(words)
    client = shutil.which(asked.client)
    if client is None:
        print(f"There is no {asked.client} on the PATH; name one by --client.", file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted, missing = [asked.part] if asked.part else list(PARTS), _missing_tools()
    if missing and "behaviour" in wanted:
        wanted.remove("behaviour")
        print(
            f"Behaviour is not run: the client's shell needs {' and '.join(missing)}.",
            "Install them (apt-get install bubblewrap socat) for those cases.",
            file=sys.stderr,
        )
    with _surroundings(asked.place) as environment:
        results = [
            _evaluate(client, part, asked, more, environment, asked.out / f"{part}.json")
            for part in wanted
        ]
    ran = [result for result in results if result is not None]
    print(report(ran))
    print(f"\nWhole results: {asked.out}")
    for line in broken(ran):
        print(f"Broke off: {line}", file=sys.stderr)
    whole = len(ran) == len(PARTS if asked.part is None else [asked.part])
    return 0 if whole and not broken(ran) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evals/run.py",
        description="Run the suite with a real model; see evals/README.md.",
        epilog="Whatever else is given goes to `claude plugin eval` as it is: --model, --case, "
        "--max-cost-usd, -j.",
    )
    parser.add_argument("--part", choices=tuple(PARTS), help="one part of the suite alone")
    parser.add_argument("--runs", type=int, default=3, help="of each case (3)")
    parser.add_argument("--client", default="claude", help="the client's program (claude)")
    out = ROOT / "evals" / "results"
    parser.add_argument(
        "--out", type=Path, default=out, help="where results go (evals/results)"
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument(
        "--place",
        type=Path,
        default=cache,
        help=f"where cases are played, outside /tmp and with a short name ({cache})",
    )
    return parser


def _missing_tools() -> list[str]:
    needed = {"bwrap": "bubblewrap", "socat": "socat"} if sys.platform == "linux" else {}
    return [package for program, package in needed.items() if not shutil.which(program)]


@contextmanager
def _surroundings(place: Path) -> Iterator[dict[str, str]]:
    """Lay the program where a confined shell sees it, and return the environment for that."""
    python = _interpreter()
    code = "import sys; print(sys.prefix); print(sys.base_prefix)"
    prefixes = _said([python, "-c", code]).splitlines()
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="me-", dir=place) as folder:
        shown, scratch = Path(folder, "shown"), Path(folder, "t")
        if len(str(scratch)) > LONGEST_PLACE:
            sys.exit(
                f"{scratch}: the client's sockets find no room below a name so long; give a "
                "shorter --place."
            )
        scratch.mkdir()
        for name in _pack():
            _copy(ROOT / name, shown / "pack" / name)
        launcher = shown / "meta-experiment"
        launcher.write_text(LAUNCHER.format(python=python, pack=shown / "pack"), "utf-8")
        launcher.chmod(0o755)
        path = os.pathsep.join([str(shown), *prefixes, os.environ.get("PATH", os.defpath)])
        yield {**os.environ, "PATH": path, "TMPDIR": str(scratch)}


def _pack() -> Iterable[str]:
    """Return the files and folders that make the plugin, as they go into a package."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    names: Iterable[str] = wheel["hooks"]["custom"]["pack"]
    return names


def _interpreter() -> str:
    """Return the Python that has what the program needs, built where there is none."""
    named = os.environ.get("META_EXPERIMENT_PYTHON")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    builder, lock = ROOT / "scripts" / "_environment.py", ROOT / "requirements.lock"
    command = [sys.executable, "-E", str(builder), str(lock), str(data / "meta-experiment")]
    return named or _said([*command, "--or-current"]).strip()


def _said(command: Sequence[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def _evaluate(
    client: str,
    part: str,
    asked: argparse.Namespace,
    more: Sequence[str],
    environment: Mapping[str, str],
    result: Path,
) -> Document | None:
    """Have the client run one part; None where it left no result."""
    result.unlink(missing_ok=True)
    command = [
        client, "plugin", "eval", str(ROOT), "--trust-plugin", "--no-publish",
        "--tag", part, *PARTS[part], "--runs", str(asked.runs), "--threshold", "0",
        "--output-dir", str(asked.out / part), *more, "--json", str(result.resolve()),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    if not result.exists():
        print(f"The client ended with {done.returncode} on {part}.", file=sys.stderr)
        return None
    document: Document = json.loads(result.read_text("utf-8"))
    return document


if __name__ == "__main__":
    sys.exit(main())
