"""How the environment is built: by real pip, from packages made for it, without a network."""

import hashlib
import shutil
import subprocess
import venv
import zipfile

import pytest
from tests.plugin.desk import ROOT

PACKAGES = {"click": "click", "jsonschema": "jsonschema", "pyyaml": "yaml"}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder of tiny packages, and the lock that pins them by their hashes."""
    folder = tmp_path_factory.mktemp("index")
    lines = []
    for name, module in PACKAGES.items():
        wheel = folder / f"{name}-99-py3-none-any.whl"
        about = f"{name}-99.dist-info"
        texts = {
            f"{module}.py": "",
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 99\n",
            f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{about}/RECORD": "",
        }
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in texts.items():
                archive.writestr(path, text)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name}==99 --hash=sha256:{digest}\n")
    lock = folder / "requirements.lock"
    lock.write_text("".join(lines), "utf-8")
    return lock


def build(python, index, folder, **settings):
    return subprocess.run(
        [python, "-E", ROOT / "scripts" / "_environment.py", index, folder / "data"],
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1"}
        | {"PIP_FIND_LINKS": str(index.parent), **settings},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def has_pip(environment):
    return any((environment.parent.parent / "lib").rglob("pip/__init__.py"))


@pytest.mark.long
@pytest.mark.parametrize("own_pip", [True, False])
def test_pip_installs_what_the_lock_pins_and_nothing_else(tmp_path, index, own_pip):
    """With the pip of the Python at hand, which need not be copied, or with one made for it."""
    venv.create(tmp_path / "base", with_pip=own_pip)
    done = build(tmp_path / "base" / "bin" / "python", index, tmp_path)
    assert done.returncode == 0, done.stderr
    python = tmp_path / "data" / done.stdout.strip()
    packages = python.parent.parent.glob("lib/*/site-packages/*.dist-info")
    found = dict(folder.name.removesuffix(".dist-info").split("-") for folder in packages)
    assert found.items() >= dict.fromkeys(PACKAGES, "99").items()
    assert found.keys() <= PACKAGES.keys() | {"pip", "setuptools"}
    assert has_pip(python) is not own_pip


@pytest.mark.long
def test_a_package_of_other_bytes_is_not_installed(tmp_path, index):
    """An index that the settings name may hold anything; the lock says what it must be."""
    forged = tmp_path / "forged"
    shutil.copytree(index.parent, forged)
    with zipfile.ZipFile(forged / "click-99-py3-none-any.whl", "a") as archive:
        archive.writestr("click_more.py", "")
    venv.create(tmp_path / "base", with_pip=True)
    python = tmp_path / "base" / "bin" / "python"
    done = build(python, index, tmp_path, PIP_FIND_LINKS=str(forged))
    assert done.returncode == 1
    assert "hash" in done.stderr.lower()
    assert sorted(file.name for file in (tmp_path / "data").iterdir()) == ["lock"]


@pytest.mark.long
def test_an_environment_that_lacks_a_package_is_no_environment(tmp_path, index):
    """What was built is tried out before anything runs in it."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("".join(index.read_text("utf-8").splitlines(keepends=True)[1:]), "utf-8")
    venv.create(tmp_path / "base", with_pip=True)
    settings = {"PIP_FIND_LINKS": str(index.parent)}
    done = build(tmp_path / "base" / "bin" / "python", lock, tmp_path, **settings)
    assert done.returncode == 1
    assert "lacks packages" in done.stderr
