"""Clones whose git writes line ends otherwise have other bytes: told by name, and mended."""

import pytest
from tests.support.git import git
from tests.support.serving import COMMAND, control, drafted, opened

from meta_experiment.errors import DriftError
from meta_experiment.files.roots import Layout
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.serving import unserved
from meta_experiment.services.serving.line_ends import line_ends_hint


@pytest.fixture
def elsewhere(root, tmp_path):
    """Give a draft, and a clone with it on a machine whose git writes \\r\\n."""
    made = drafted(root, COMMAND)
    clone = tmp_path / "elsewhere"
    git(tmp_path, "clone", "-q", "-c", "core.autocrlf=true", str(root), str(clone))
    assert (clone / COMMAND).read_bytes() == control(COMMAND).replace(b"\n", b"\r\n")
    return made, root, clone


def test_start_says_that_line_ends_alone_differ_and_what_mends_it(elsewhere):
    made, root, clone = elsewhere
    with pytest.raises(DriftError) as refused:
        lifecycle.start(opened(clone), made)
    assert "line ends alone" in refused.value.hint
    line = f"{COMMAND} text eol=lf"
    assert line in refused.value.hint
    (root / ".gitattributes").write_text(f"{line}\n")
    git(root, "add", ".gitattributes")
    git(root, "commit", "-qm", "line ends")
    git(clone, "pull", "-q")
    (clone / COMMAND).unlink()
    git(clone, "checkout", "--", COMMAND)
    lifecycle.start(opened(clone), made)
    assert git(clone, "status", "--short", "--", COMMAND) == ""
    assert unserved.drift_notes(Layout(clone)) == {}


def test_status_says_it_of_what_runs(elsewhere):
    made, root, _ = elsewhere
    lifecycle.start(opened(root), made)
    (root / COMMAND).write_bytes(control(COMMAND).replace(b"\n", b"\r\n"))
    (note,) = unserved.drift_notes(Layout(root)).values()
    assert "line ends alone" in note
    assert f"{COMMAND} text eol=lf" in note
    (root / COMMAND).write_bytes(control(COMMAND) + b"more\r\n")
    (note,) = unserved.drift_notes(Layout(root)).values()
    assert "line ends" not in note


def test_a_text_that_ends_its_lines_with_two_signs_is_told_so():
    assert "eol=crlf" in line_ends_hint("a.md", b"one\ntwo\n", b"one\r\ntwo\r\n".__eq__)
    assert line_ends_hint("a.md", b"one\n", b"one\n".__eq__) == ""
    assert line_ends_hint("a.md", b"one\n", b"two\n".__eq__) == ""
