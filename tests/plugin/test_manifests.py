import hashlib
import json
import re
import struct
import tomllib
from pathlib import Path

import meta_experiment

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / ".claude-plugin" / "plugin.json"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = SETTINGS["project"]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)( ; [^\\]+)? \\$", re.MULTILINE)


def pins(lock):
    text = (ROOT / lock).read_text("utf-8")
    return {name: version for name, version, _ in PIN.findall(text)}


def numbers(version):
    return tuple(int(part) for part in re.findall(r"\d+", version))


def test_both_manifests_are_the_same_bytes():
    """Who looks at the top and who looks in the folder of the client see one manifest."""
    top = ROOT / "plugin.json"
    assert not top.is_symlink()
    assert not MANIFEST.is_symlink()
    assert top.read_bytes() == MANIFEST.read_bytes()


def test_the_version_is_the_same_everywhere():
    """Manifest, marketplace, package and project carry one version."""
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    market = json.loads((MANIFEST.parent / "marketplace.json").read_text("utf-8"))
    (entry,) = market["plugins"]
    versions = {
        manifest["version"],
        entry["version"],
        PROJECT["version"],
        meta_experiment.__version__,
    }
    assert len(versions) == 1


def test_the_marketplace_offers_this_folder_under_the_plugins_name():
    """The one plugin of the marketplace is the one whose manifest lies beside it."""
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    market = json.loads((MANIFEST.parent / "marketplace.json").read_text("utf-8"))
    (entry,) = market["plugins"]
    assert entry["name"] == manifest["name"] == PROJECT["name"] == "meta-experiment"
    assert entry["source"] == "./"
    assert entry["description"] == manifest["description"]
    assert manifest["license"] == PROJECT["license"]


def test_the_icon_is_one_that_the_directory_takes():
    """A square PNG of 512 to 2048 pixels a side, below 2 MB; it is shown by no other name."""
    picture = (MANIFEST.parent / "icon.png").read_bytes()
    width, height = struct.unpack(">II", picture[16:24])
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert 512 <= width == height <= 2048
    assert len(picture) < 2_000_000


def test_the_stamp_belongs_to_the_lock():
    """The stamp is the hash of the lock, so that an outdated environment is not used."""
    lock = (ROOT / "requirements.lock").read_bytes()
    stamp = (ROOT / "requirements.stamp").read_text("utf-8")
    assert stamp == hashlib.sha256(lock).hexdigest()[:12] + "\n"


def test_the_locks_pin_what_the_project_asks_for():
    """Every dependency of the project is pinned, at or above the least version it names."""
    wanted = {
        item.split(">=")[0].lower(): item.split(">=")[1] for item in PROJECT["dependencies"]
    }
    for lock in ("requirements.lock", "requirements-dev.lock"):
        pinned = pins(lock)
        for name, least in wanted.items():
            assert numbers(pinned[name]) >= numbers(least), (lock, name)


def test_the_tests_run_with_what_users_run():
    """The lock for tests holds the same versions as the lock for users, and more."""
    users, tests = pins("requirements.lock"), pins("requirements-dev.lock")
    assert users.items() <= tests.items()
    dev = SETTINGS["dependency-groups"]["dev"]
    asked = {item.split(">=")[0].split("[")[0].lower() for item in dev}
    assert asked <= tests.keys()


def test_every_pinned_package_has_hashes():
    """Nothing is installed whose bytes were not known when the lock was made."""
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text("utf-8")
        entries = [entry for entry in re.split(r"\n(?=[A-Za-z0-9])", text) if "==" in entry]
        assert len(entries) == len(pins(lock)) > 5
        assert all("--hash=sha256:" in entry for entry in entries)
