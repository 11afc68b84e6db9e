"""Paths named by a plan never lead outside their root."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.errors import (
    MetaExperimentError,
    NotFoundError,
    StorageError,
    UnsafePathError,
)
from meta_experiment.files import confine
from meta_experiment.files.confine import confined, read_confined, safe_component

BAD = [
    "",
    "/etc/passwd",
    "//etc/passwd",
    "..",
    "../outside.md",
    "a/../../outside.md",
    "a/..",
    "./a.md",
    "a/./b.md",
    "a//b.md",
    "a/",
    "a\\b.md",
    "..\\outside.md",
    "C:/windows",
    "c:a.md",
    "a\0.md",
    "a\nb.md",
    "a\x7f.md",
    "\ud800.md",
    "x" * 300,
    ".git/hooks/pre-commit",
    "sub/.GIT/config",
    ".claude/meta/experiments.json",
    ".Claude/Meta/experiments.json",
    "apps/web/.claude/meta/local/live/e/control.md",
]


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "dir" / "a.md").write_bytes(b"text\r\n")
    (tmp_path / "outside.md").write_text("secret")
    return root


@pytest.mark.parametrize("relative", BAD)
def test_bad_text_is_refused(root, relative):
    """What is no plain path below the root is refused by both doors."""
    with pytest.raises(UnsafePathError):
        confined(root, relative)
    with pytest.raises(UnsafePathError):
        read_confined(root, relative)


@given(st.text(alphabet=st.sampled_from("ab./\\:\0~ \n"), max_size=12))
def test_no_text_leads_outside(tmp_path_factory, relative):
    """Whatever the text, the place is below the root or the path is refused."""
    root = tmp_path_factory.getbasetemp()
    try:
        path = confined(root, relative)
    except MetaExperimentError:
        return
    assert Path(os.path.normpath(path)).is_relative_to(root)
    assert path == root / relative


def test_plain_paths_are_given_back(root):
    """A regular file, and a file that does not exist yet, have their place."""
    assert confined(root, "dir/a.md") == root / "dir" / "a.md"
    assert confined(root, "new/deep/b c ü.md") == root / "new" / "deep" / "b c ü.md"
    assert confined(root, "-rf") == root / "-rf"


def test_links_are_refused(root, tmp_path):
    """No component may be a symbolic link, wherever it leads."""
    (root / "link.md").symlink_to(tmp_path / "outside.md")
    (root / "inside.md").symlink_to(root / "dir" / "a.md")
    (root / "linked").symlink_to(root / "dir")
    (root / "dangling").symlink_to(root / "nothing")
    for relative in ("link.md", "inside.md", "linked/a.md", "dangling"):
        with pytest.raises(UnsafePathError):
            confined(root, relative)
        with pytest.raises(UnsafePathError):
            read_confined(root, relative)


def test_state_behind_a_linked_folder_is_no_prompt(root):
    """Where `.claude` is a link, its target is the place of this tool's state all the same."""
    (root / "config/meta/local").mkdir(parents=True)
    (root / "config/meta/local/x.md").write_bytes(b"ours")
    (root / "config/review.md").write_bytes(b"a prompt")
    (root / ".claude").symlink_to("config")
    assert read_confined(root, "config/review.md").data == b"a prompt"
    for relative in ("config/meta/local/x.md", "Config/Meta/local/x.md"):
        for door in (confined, read_confined):
            with pytest.raises(UnsafePathError, match="this tool"):
                door(root, relative)
        with pytest.raises(UnsafePathError), confine.holding_folder(root, relative):
            pass


@pytest.mark.parametrize(
    ("link", "target", "real"),
    [
        ("linked", "dir", "dir/a.md"),
        ("dir/b.md", "a.md", "dir/a.md"),
        ("linked", "..", None),
        ("linked", "../outside.md", None),
        ("linked", "linked", None),
        ("linked", "/", None),
    ],
)
def test_links_are_followed_to_where_a_file_really_lies(root, link, target, real):
    """Inside the root; a path that leads out of it is refused."""
    (root / link).symlink_to(target)
    relative = link if link.endswith(".md") or target == "../outside.md" else f"{link}/a.md"
    if real is not None:
        assert confine.real_path(root, relative) == real
    elif target == "linked":  # a loop leads nowhere
        with pytest.raises(MetaExperimentError):
            read_confined(root, confine.real_path(root, relative))
    else:
        with pytest.raises(UnsafePathError, match="outside"):
            confine.real_path(root, relative)


def test_what_is_no_regular_file_is_refused(root):
    """Directories, fifos, sockets and devices are no prompt files; reading one never hangs."""
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as opened:
        here = Path.cwd()
        os.chdir(root)  # the path of a socket is limited to a hundred bytes
        try:
            opened.bind("socket")
        finally:
            os.chdir(here)
        for relative in ("dir", "fifo", "socket", "dir/a.md/b.md"):
            with pytest.raises(UnsafePathError):
                confined(root, relative)
            with pytest.raises(UnsafePathError):
                read_confined(root, relative)


@pytest.mark.parametrize("name", ["a b.md", "x;touch PWN;.md", "$(touch PWN).md", "-rf.md"])
def test_the_way_out_of_a_hard_link_runs_nothing_of_its_name(root, name):
    """What the hint says can be typed as it stands: then the file has one name."""
    (root / name).write_bytes(b"text\n")
    os.link(root / name, root / "other")
    with pytest.raises(UnsafePathError) as caught:
        confined(root, name)
    _, _, command = caught.value.hint.partition(": ")
    subprocess.run(["/bin/sh", "-c", command], cwd=root, check=True)
    assert confined(root, name).read_bytes() == b"text\n"
    assert not (root / "PWN").exists()


def test_hard_links_are_refused_for_replacing_only(root):
    """A file with a second name is not replaced, but may be read."""
    os.link(root / "dir" / "a.md", root / "second.md")
    with pytest.raises(UnsafePathError, match="2 hard links"):
        confined(root, "second.md")
    assert read_confined(root, "second.md").data == b"text\r\n"


def test_reading_gives_exact_bytes_and_mode(root):
    """Bytes come unchanged, with the permission bits of the same file."""
    path = root / "dir" / "a.md"
    path.write_bytes(b"\xef\xbb\xbfa\r\n\xff")
    path.chmod(0o640)
    content = read_confined(root, "dir/a.md")
    assert content == (b"\xef\xbb\xbfa\r\n\xff", 0o640)


def test_reading_a_missing_file(root):
    """A missing file or directory is told as such."""
    for relative in ("none.md", "none/a.md"):
        with pytest.raises(NotFoundError):
            read_confined(root, relative)


def test_reading_stops_at_the_limit(root):
    """A file above the limit is refused, one at the limit is read."""
    assert read_confined(root, "dir/a.md", limit=6).data == b"text\r\n"
    with pytest.raises(StorageError):
        read_confined(root, "dir/a.md", limit=5)


def test_directory_exchanged_for_a_link_after_the_check(root, tmp_path, monkeypatch):
    """A link put in place between check and use leads nowhere."""
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "a.md").write_text("secret")
    real = os.open

    def exchanging(path, flags, mode=0o777, *, dir_fd=None):
        if path == "dir":
            (root / "dir").rename(root / "moved")
            (root / "dir").symlink_to(outside)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(confine.os, "open", exchanging)
    monkeypatch.setattr(confine.os, "supports_dir_fd", {exchanging})
    with pytest.raises(UnsafePathError):
        read_confined(root, "dir/a.md")


def test_without_relative_opening_the_check_is_repeated(root, monkeypatch):
    """Where directories cannot be opened, links are refused all the same."""
    monkeypatch.setattr(confine.os, "supports_dir_fd", set())
    assert read_confined(root, "dir/a.md").data == b"text\r\n"
    (root / "link.md").symlink_to(root / "dir" / "a.md")
    with pytest.raises(UnsafePathError):
        read_confined(root, "link.md")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", ".hidden", "a\0", "x" * 256])
def test_names_that_are_no_component(name):
    """An id or a variant that could leave its folder is refused."""
    with pytest.raises(UnsafePathError):
        safe_component(name)


def test_names_that_are_a_component():
    """Ordinary ids and variants pass unchanged."""
    for name in ("exp-2025-10-20-001", "control", "parallel agents", "über"):
        assert safe_component(name) == name
