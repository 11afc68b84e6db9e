"""Three-way merges of drifted files: both changes, or a refusal."""

from __future__ import annotations

import pytest

from meta_experiment.deploy import merge
from meta_experiment.errors import DependencyError, DriftError
from meta_experiment.files.confine import Content
from meta_experiment.git import Git

LINES = [f"line {number} – ü" for number in range(1, 10)]


def text(changes=(), *, end="\n", mark=b"", last=True):
    lines = LINES.copy()
    for number, line in changes:
        lines[number] = line
    return mark + (end.join(lines) + (end if last else "")).encode()


def merged(tmp_path, edited, control=None, treatment=None, modes=(0o644, 0o644, 0o644)):
    sides = (edited, control or text(), treatment or text([(8, "better")]))
    contents = [Content(data, mode) for data, mode in zip(sides, modes, strict=True)]
    names = ("edited", "control", "treatment")
    return merge("a/b.md", **dict(zip(names, contents, strict=True)), git=Git.find(tmp_path))


def test_both_changes_are_kept(tmp_path):
    """The edit and the treatment's change stand side by side afterwards."""
    found = merged(tmp_path, text([(0, "my edit")]))
    assert found.data == text([(0, "my edit"), (8, "better")])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("other", ["\n", "\r\n"])
def test_the_edited_files_form_is_kept(tmp_path, end, mark, last, other):
    """Line ends, byte order mark and final newline are those of the file on disk."""
    found = merged(
        tmp_path,
        text([(0, "my edit")], end=end, mark=mark, last=last),
        text(end=other),
        text([(8, "better")], end=other),
    )
    wanted = text([(0, "my edit"), (8, "better")], end=end, mark=mark, last=last)
    assert found.data == wanted


def test_mixed_line_ends_are_kept(tmp_path):
    """A file that mixes line ends keeps each of them."""
    control = text().replace(b"2 \xe2\x80\x93 \xc3\xbc\n", b"2\r\n")
    found = merged(
        tmp_path,
        control.replace(b"line 1", b"LINE 1"),
        control,
        control.replace(b"line 9", b"LINE 9"),
    )
    assert found.data == control.replace(b"line 1", b"LINE 1").replace(b"line 9", b"LINE 9")


def test_a_conflict_is_refused(tmp_path):
    """When both changed the same line, nothing comes of it and the message says so."""
    with pytest.raises(DriftError, match=r"a/b.md.*same lines in 1 place.*nothing was"):
        merged(tmp_path, text([(8, "mine")]))


def test_binary_files_are_refused(tmp_path):
    """A file that is no text cannot be merged, and the message says so."""
    with pytest.raises(DriftError, match="cannot merge"):
        merged(tmp_path, b"\0mine", b"\0control", b"\0treatment")


def test_binary_files_need_no_merge_when_one_side_is_unchanged(tmp_path):
    """Any bytes go through when only one side changed, without git."""
    assert merged(tmp_path, b"\0c", b"\0c", b"\0t").data == b"\0t"
    assert merged(tmp_path, b"\0t", b"\0c", b"\0t").data == b"\0t"


@pytest.mark.parametrize(
    ("modes", "wanted"),
    [
        ((0o644, 0o644, 0o755), 0o755),
        ((0o600, 0o644, 0o755), 0o600),
        ((0o600, 0o644, 0o644), 0o600),
    ],
)
def test_the_mode_is_merged_too(tmp_path, modes, wanted):
    """A mode that the user changed stays; otherwise the treatment's applies."""
    assert merged(tmp_path, text([(0, "my edit")]), modes=modes).mode == wanted
    assert merged(tmp_path, text(), modes=modes).mode == wanted


def test_without_git_the_way_out_is_named():
    """Where git is missing, the error says what to do instead."""
    sides = (text([(0, "x")]), text(), text([(8, "y")]))
    edited, control, treatment = (Content(data, 0o644) for data in sides)
    with pytest.raises(DependencyError, match="needs git") as caught:
        merge("p", edited=edited, control=control, treatment=treatment, git=None)
    assert "amend" in caught.value.hint
