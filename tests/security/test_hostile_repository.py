"""A repository's configuration runs nothing that the user's own commit does not run."""

import os
import shutil
import stat

import pytest
from tests.cli.conftest import COMMAND, CONTROL, TREATMENT, Project

# Every one names a program in the repository's own configuration.
PROGRAMS = [
    "core.fsmonitor",
    "core.pager",
    "pager.status",
    "pager.ls-files",
    "core.editor",
    "sequence.editor",
    "core.askPass",
    "core.sshCommand",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "diff.external",
    "diff.evil.textconv",
    "diff.evil.command",
    "merge.evil.driver",
    "gpg.program",
    "credential.helper",
    "alias.rev-parse",
    "alias.ls-files",
    "alias.hash-object",
    "uploadpack.packObjectsHook",
    "remote.origin.uploadpack",
    "remote.origin.vcs",
    "interactive.diffFilter",
    "difftool.evil.cmd",
    "trailer.evil.command",
    "init.templateDir",
]


class Traps:
    """Programs that leave a mark when they are run."""

    def __init__(self, project, folder):
        self.project, self.folder = project, folder
        self.marks = folder / "marks"
        self.marks.mkdir(parents=True)

    def program(self, name, body="cat 2>/dev/null; exit 0"):
        path = self.folder / f"trap-{name}"
        path.write_text(f"#!/bin/sh\ntouch '{self.marks / name}'\n{body}\n")
        path.chmod(0o755)
        return str(path)

    def sprung(self):
        return sorted(path.name for path in self.marks.iterdir())

    def clear(self):
        for path in self.marks.iterdir():
            path.unlink()


@pytest.fixture
def traps(project, tmp_path):
    made = Traps(project, tmp_path / "traps")
    for key in PROGRAMS:
        project.git("config", key, made.program(key))
    for key in ("alias.rev-parse", "alias.ls-files", "alias.hash-object", "credential.helper"):
        project.git("config", key, "!" + made.program(key))
    project.git("config", "remote.origin.url", f"ext::{made.program('ext')}")
    project.git("config", "remote.origin.promisor", "true")
    project.git("config", "protocol.ext.allow", "always")
    project.git("config", "extensions.partialClone", "origin")
    project.git("config", "core.repositoryFormatVersion", "1")
    (project.root / ".gitattributes").write_text("*.md diff=evil merge=evil\n")
    made.clear()
    return made


def test_looking_runs_no_program_of_the_repository(project, traps):
    """Status, analysis, checks and recording are safe in any repository."""
    filter_ = traps.program("filter")
    project.git("config", "filter.evil.clean", filter_)
    project.git("config", "filter.evil.smudge", filter_)
    (project.root / ".gitattributes").write_text("*.md diff=evil merge=evil filter=evil\n")
    for name in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        hook = project.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        os.link(traps.program(f"hook-{name}"), hook)
    made = project.create("--no-auto", start=False)
    traps.clear()
    for call in (("status",), ("check",), ("verify",), ("trials", made), ("explain", made)):
        project(*call)
    assert traps.sprung() == []


def test_promoting_runs_what_a_commit_runs_and_no_more(project, traps):
    """Clean filter and commit hooks, as by `git commit`; none of the programs above."""
    project.git("config", "filter.evil.clean", traps.program("clean"))
    (project.root / ".gitattributes").write_text("*.md diff=evil merge=evil filter=evil\n")
    for name in ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-push"):
        hook = project.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        os.link(traps.program(f"hook-{name}"), hook)
    made = project.create("--no-auto", start=False)
    project("start", made, "--manual")
    traps.clear()
    project("promote", made, "--override", "x", "--yes")
    assert project.path().read_bytes() == TREATMENT
    assert set(traps.sprung()) == {
        "clean",
        "hook-pre-commit",
        "hook-prepare-commit-msg",
        "hook-commit-msg",
        "hook-post-commit",
    }
    traps.clear()
    project("rollback", made, "--yes", "--no-commit")
    assert not [name for name in traps.sprung() if name.startswith("hook")]


def test_a_missing_object_is_not_fetched(project, traps):
    """In a partial clone git would fetch by a program that the configuration names."""
    blob = project.git("rev-parse", f"HEAD:{COMMAND}").strip()
    made = project.create("--no-auto", start=False)
    project("start", made, "--manual")
    traps.clear()
    path = project.root / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    path.unlink()
    tree = project.git("rev-parse", "HEAD^{tree}").strip()
    inner = project.root / ".git/objects" / tree[:2] / tree[2:]
    inner.unlink()
    answer = project("promote", made, "--override", "x", "--yes", "--json", code=1)
    assert answer.error["kind"] == "git"
    assert traps.sprung() == []


def test_a_repository_that_a_commit_brought_along_runs_nothing(project, traps, monkeypatch):
    """Its files can be committed like any others, and git would take its hooks and filters."""
    inner = project.root / "package"
    prompt = inner / COMMAND
    prompt.parent.mkdir(parents=True)
    prompt.write_bytes(CONTROL)
    git = ("-C", str(inner))
    project.git(*git, "init", "--quiet")
    project.git(*git, "add", ".")
    project.git(*git, "commit", "--quiet", "-m", "x")
    for part in ("HEAD", "config", "index", "objects", "refs"):
        (inner / ".git" / part).rename(inner / part)
    shutil.rmtree(inner / ".git")
    (inner / "hooks").mkdir()
    for name in ("pre-commit", "post-commit", "reference-transaction", "post-index-change"):
        os.link(traps.program(f"hook-{name}"), inner / "hooks" / name)
    project.git("config", "--file", str(inner / "config"), "core.bare", "false")
    project.git("config", "--file", str(inner / "config"), "core.worktree", ".")
    top = ("rev-parse", "--absolute-git-dir")
    assert project.git(*git, *top).strip() == str(inner)  # what git itself would take
    begun = Project(inner, project._capsys)
    monkeypatch.chdir(inner)
    (inner / "v2.md").write_bytes(TREATMENT)
    made = begun.create("--no-auto")
    traps.clear()
    for call in (("status",), ("check",), ("verify",), ("trials", made), ("explain", made)):
        begun(*call)
    refused = begun("promote", made, "--override", "x", "--yes", "--json", code=1).error
    assert refused["kind"] == "git"
    assert "bare repository" in refused["message"]
    assert prompt.read_bytes() == CONTROL
    begun("promote", made, "--override", "x", "--yes", "--no-commit")
    assert prompt.read_bytes() == TREATMENT
    assert traps.sprung() == []


def test_variables_that_point_git_elsewhere_are_not_handed_down(project, traps, monkeypatch):
    """A caller's GIT_* cannot make git run or write elsewhere."""
    made = project.create("--no-auto", start=False)
    project("start", made, "--manual")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", traps.program("external"))
    monkeypatch.setenv("GIT_DIR", str(traps.folder))
    monkeypatch.setenv("GIT_SSH_COMMAND", traps.program("ssh"))
    traps.clear()
    done = project("promote", made, "--override", "x", "--yes", "--json").json
    assert done["commit"]
    assert traps.sprung() == []


@pytest.mark.parametrize(
    "name",
    [
        "--help.md",
        "-x.md",
        "$(touch owned).md",
        "a;touch owned.md",
        "`touch owned`.md",
        "a\tb.md",
        "a'b\"c.md",
        ":(top)x.md",
        "*.md",
    ],
)
def test_a_hostile_file_name_is_only_a_name(project, name):
    """No shell, no option and no pattern is made of it."""
    (project.root / name).write_bytes(b"control\n")
    project.git("--literal-pathspecs", "add", "--", name)
    project.git("commit", "--quiet", "-m", "more")
    given = (
        "create",
        "--file",
        f"{name}=v2.md",
        "--primary-metric",
        "duration_seconds",
        "--json",
    )
    if "\t" in name:
        assert project(*given, code=1).error["kind"] == "unsafe_path"
        return
    made = project(*given).json["experiment_id"]
    project("start", made, "--manual")
    assert project("promote", made, "--override", "x", "--yes", "--json").json["commit"]
    assert project.git("show", "--name-only", "-z", "--format=").split("\0")[:-1] == [name]
    assert (project.root / name).read_bytes() == TREATMENT
    assert not (project.root / "owned").exists()
