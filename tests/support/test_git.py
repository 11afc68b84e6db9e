"""A repository that is copied is what git would have made, in its own folder."""

from tests.support.git import committed, git


def filled(folder):
    (folder / "a b").mkdir(parents=True)
    (folder / "a b/é.md").write_text("text\n")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    return folder


def test_each_copy_is_clean_and_sees_what_changes(tmp_path):
    first, second = filled(tmp_path / "1"), filled(tmp_path / "2")
    for root in (first, second):
        committed(root)
        assert git(root, "diff-files") == ""  # which looks at no content where times are known
        assert git(root, "status", "--porcelain") == ""
        assert git(root, "fsck", "--strict") == ""
        assert git(root, "ls-files", "-s").count("100755") == 1
    (first / "run").write_text("#!/bin/zsh\n")
    assert git(first, "status", "--porcelain") == " M run\n"
    assert git(second, "status", "--porcelain") == ""
    git(second, "commit", "--quiet", "--allow-empty", "-m", "next")
    assert git(first, "rev-list", "--count", "HEAD") == "1\n"
    assert git(first, "branch", "--show-current") == "main\n"
