"""Where this program was installed from, as pip is told it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a glance does without it
    from importlib.metadata import Distribution

NAME = "meta-experiment"
_SOURCE = Path(__file__).resolve().parents[3]  # of a clone, and of the plugin


def install_hint(extra: str) -> str:
    """Return the line that installs what an extra needs beside this very program."""
    return f"pip install '{requirement(extra)}'"


def requirement(extra: str = "") -> str:
    """Return what pip installs this program from, with an extra: here, on this machine."""
    marked = f"[{extra}]" if extra else ""
    if (_SOURCE / "pyproject.toml").is_file():
        return f"{_SOURCE}{marked}"
    found = _found()
    address = _address(found)
    if address:
        return f"{NAME}{marked} @ {address}"
    return f"{NAME}{marked}=={found.version}" if found else f"{NAME}{marked}"


def public_requirement() -> str:
    """Return the same for any machine: a release of an index, or a commit of a repository.

    Empty where it was installed from a folder or a file of this machine: an index may have
    something else under this name.
    """
    found = _found()
    if found is None or (_SOURCE / "pyproject.toml").is_file():
        return ""
    address = _address(found)
    if not address:
        return f"{NAME}=={found.version}"
    return f"{NAME} @ {address}" if address.startswith("git+https://") else ""


def _found() -> Distribution | None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution(NAME)
    except PackageNotFoundError:
        return None


def _address(found: Distribution | None) -> str:
    """Return the direct URL of an installation (PEP 610); empty for one from an index."""
    told = json.loads((found and found.read_text("direct_url.json")) or "{}")
    url, commit = told.get("url", ""), told.get("vcs_info", {}).get("commit_id", "")
    return f"git+{url}@{commit}" if commit else url
