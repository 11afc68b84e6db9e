"""git in a folder, for tests that want to see it fail loudly."""

import atexit
import functools
import os
import shutil
import struct
import subprocess
import tempfile
from hashlib import sha1
from pathlib import Path

_HERE = Path(__file__).parent
# what git goes by in a test: no configuration of the machine, and a name of its own; a new
# repository gets no examples of hooks, which would be most of its files
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": str(_HERE / "gitconfig"),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TEMPLATE_DIR": str(_HERE / "git-template"),
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.com",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.com",
}

_STAT = struct.Struct(">10I")  # of an entry of the index: both times, device, inode, mode, size
_ENTRY = 62  # bytes of an entry before its path


def git(root: Path, *words: str) -> str:
    """Run git in a folder and return what it prints; a failure shows what it said."""
    done = subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}{done.stdout}"
    return done.stdout


def committed(root: Path) -> None:
    """Make a folder a repository in which all that lies there is committed, as git does.

    Git makes it once of the same files; what is made later is a copy, whose index knows the
    files of this folder. Of three processes for each test none is left.
    """
    files = tuple(
        (path.relative_to(root).as_posix(), path.stat().st_mode & 0o777, path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file()
    )
    shutil.copytree(_made(files), root / ".git")
    know_files(root)


def know_files(root: Path) -> None:
    """Let the index of a copied repository know the files beside it as its own."""
    index = root / ".git/index"
    index.write_bytes(_of_folder(index.read_bytes(), root))


@functools.cache
def _made(files: tuple[tuple[str, int, bytes], ...]) -> Path:
    """Return the `.git` of a repository with these files."""
    folder = Path(tempfile.mkdtemp(prefix="meta-git-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, mode, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "start")
    return folder / ".git"


def _of_folder(index: bytes, root: Path) -> bytes:
    """Return an index (version 2) that knows the files of a folder as those it was made of."""
    assert index[:8] == b"DIRC\0\0\0\2"
    made, place = bytearray(index[:-20]), 12
    for _ in range(int.from_bytes(index[8:12], "big")):
        end = index.index(b"\0", place + _ENTRY)
        at = os.lstat(root / os.fsdecode(index[place + _ENTRY : end]))
        old = _STAT.unpack_from(made, place)
        seconds = (divmod(ns, 10**9) for ns in (at.st_ctime_ns, at.st_mtime_ns))
        times = [part for pair in seconds for part in pair]
        found = (*times, at.st_dev, at.st_ino, old[6], at.st_uid, at.st_gid, at.st_size)
        _STAT.pack_into(made, place, *(number & 0xFFFFFFFF for number in found))
        place = end + 8 - (end - place) % 8
    # other parts, as the tree, are of what is committed, and stay
    return bytes(made) + sha1(made, usedforsecurity=False).digest()
