"""How this program was installed, where from, and so what brings it further packages."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a glance does without it
    from importlib.metadata import Distribution

NAME = "meta-experiment"
_SOURCE = Path(__file__).resolve().parents[3]  # of a clone, and of the plugin


def install_hint(extra: str = "", *packages: str) -> str:
    """Return the line that brings an extra's packages, and others, to this very program."""
    place = Path(sys.prefix)
    if (place / "uv-receipt.toml").is_file():
        words = _by_uv(place / "uv-receipt.toml", extra, packages)
    elif (place / "pipx_metadata.json").is_file():
        words = ["pipx", "inject", place.name, *_packages_of(extra), *packages]
    else:
        words = [*_pip(place), *([requirement(extra)] if extra else []), *packages]
    return shlex.join(words)


def _by_uv(receipt: Path, extra: str, packages: tuple[str, ...]) -> list[str]:
    """Return what installs a tool of uv anew, with all that it had, as uv forgets the rest."""
    import tomllib

    told = tomllib.loads(receipt.read_text("utf-8")).get("tool", {}).get("requirements", [])
    own: dict[str, Any] = next((item for item in told if item.get("name") == NAME), {})
    extras = dict.fromkeys([*own.get("extras", []), *([extra] if extra else [])])
    others = [_named(item) for item in told if item.get("name") != NAME]
    with_them = [word for name in (*others, *packages) for word in ("--with", name)]
    return ["uv", "tool", "install", *with_them, requirement(",".join(extras))]


def _named(told: dict[str, Any]) -> str:
    extras = ",".join(told.get("extras", []))
    marked = f"{told['name']}[{extras}]" if extras else told["name"]
    return f"{marked}{told.get('specifier', '')}"


def _packages_of(extra: str) -> Iterator[str]:
    """Yield the packages that an extra stands for, as pipx keeps each by its name."""
    found = _found()
    for line in (found and found.requires) or ():
        package, _, marker = line.partition(";")
        if extra and re.search(rf"extra == ['\"]{re.escape(extra)}['\"]", marker):
            yield package.strip()


def _pip(place: Path) -> list[str]:
    """Return how pip is called for the environment that this program runs in."""
    if shutil.which("pip") and Path(shutil.which("pip") or "").parent == place / "bin":
        return ["pip", "install"]
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    if shutil.which("uv"):
        return ["uv", "pip", "install", "--python", sys.executable]
    return ["python3", "-m", "pip", "--python", sys.executable, "install"]


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
