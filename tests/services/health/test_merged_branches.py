"""Two branches that both changed experiments, merged by git and by what people do with it."""

import json
import shutil
import subprocess

import pytest
from tests.cli.conftest import CONTROL, TREATMENT, bare_project, project

__all__ = ["bare_project", "project"]


def made(project, name, *flags):
    """Make a draft on a prompt of its own, and commit all there is."""
    path = f".claude/commands/{name}.md"
    if not project.path(path).exists():
        project.path(path).write_bytes(CONTROL)
        project.path(f"{name}.new").write_bytes(TREATMENT)
    project(
        "create", "--file", f"{path}={name}.new", "--name", name,
        "--primary-metric", "duration_seconds", *flags,
    )  # fmt: skip
    commit(project, f"try {name}")
    return f"exp-{project_day(project)}-{name}"


def project_day(project):
    return "-".join(listed(project)[0].split("-")[1:4])


def commit(project, message):
    project.git("add", "-A")
    project.git("commit", "-qm", message)


def listed(project):
    return [row["id"] for row in project("status", "--json").json["experiments"]]


def statuses(project):
    rows = project("status", "--json").json["experiments"]
    return {row["name"]: row["status"] for row in rows}


def merge(project, *words, conflicts=True):
    """Let git merge, and hold whether it could, unless that is git's."""
    done = subprocess.run(
        ["git", *(words or ("merge", "-q", "--no-edit", "side"))],
        cwd=project.root,
        capture_output=True,
        check=False,
    )
    assert conflicts in (None, bool(done.returncode)), (done.stdout, done.stderr)


def registry(project):
    return project.path(".claude/meta/experiments.json")


@pytest.fixture
def parted(project, kept, as_kept):
    """A branch `side` with the experiment bb, and the one that is out with aa; zz on both."""
    if as_kept(project):
        return project
    made(project, "zz")
    project.git("branch", "side")
    made(project, "aa")
    project.git("switch", "-q", "side")
    made(project, "bb")
    project.git("switch", "-q", "-")
    shutil.copytree(project.root, kept)
    return project


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_experiments_of_two_branches_are_merged(parted, style):
    merge(parted, "-c", f"merge.conflictStyle={style}", "merge", "-q", "--no-edit", "side")
    said = parted("status", "--json", code=1).json["error"]
    assert "changed on both branches" in said["message"]
    assert "meta-experiment recover" in said["hint"]
    assert "git add" in parted("recover").out
    assert statuses(parted) == dict.fromkeys(("aa", "bb", "zz"), "draft")
    commit(parted, "merged")
    assert parted("verify", "--json").json["healthy"]
    assert parted("recover").out.startswith("Nothing to recover")
    assert not parted.git("status", "--porcelain")


def test_a_rebase_is_merged_as_well(parted):
    merge(parted, "rebase", "-q", "side")
    parted("recover")
    parted.git("add", "-A")
    parted.git("-c", "core.editor=true", "rebase", "--continue")
    assert statuses(parted) == dict.fromkeys(("aa", "bb", "zz"), "draft")
    assert parted("verify", "--json").json["healthy"]


def test_marks_that_were_committed_are_merged(parted):
    merge(parted)
    commit(parted, "with marks and all")
    parted("recover")
    assert statuses(parted) == dict.fromkeys(("aa", "bb", "zz"), "draft")


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_an_experiment_that_a_merge_left_out_is_named_and_brought_back(parted, side):
    merge(parted)
    parted.git("checkout", f"--{side}", "--", ".claude/meta/experiments.json")
    commit(parted, "merged by hand")
    left = {"ours": "bb", "theirs": "aa"}[side]
    (note,) = parted("status", "--json").json["notes"]
    assert f"-{left} is not in it" in note
    assert "meta-experiment recover" in note
    assert left not in statuses(parted)
    wrong = [it for it in parted("verify", "--json", code=1).json["findings"] if not it["ok"]]
    assert [it["hint"] for it in wrong] == ["meta-experiment recover"]
    assert f"-{left} is not in it" in wrong[0]["detail"]
    assert f"-{left} is registered again (draft)" in parted("recover").out
    assert statuses(parted) == dict.fromkeys(("aa", "bb", "zz"), "draft")
    assert parted("verify", "--json").json["healthy"]


def test_another_branch_has_left_nothing_out(parted):
    (parted.root / ".claude/meta/history").rename(parted.root / "kept")
    parted.git("rm", "-rq", "--cached", ".claude/meta/history")
    parted.git("commit", "-qm", "no history here")
    (parted.root / "kept").rename(parted.root / ".claude/meta/history")
    parted.git("switch", "-q", "side", "-f")
    assert "left it out" not in parted("verify").out


def test_both_changed_one_the_later_stands(parted):
    name = next(name for name in listed(parted) if name.endswith("zz"))
    parted("start", name, "--manual")
    commit(parted, "started")
    merge(parted, "merge", "-q", "--no-edit", "side", conflicts=True)
    parted("recover")
    commit(parted, "merged")
    assert statuses(parted) == {"aa": "draft", "bb": "draft", "zz": "running"}
    parted.git("switch", "-q", "-c", "other")
    parted("pause", name)
    commit(parted, "paused")
    parted.git("switch", "-q", "-")
    parted("stop", name, "--reason", "no need", "--yes")
    commit(parted, "ended")
    merge(parted, "merge", "-q", "--no-edit", "other")
    said = parted("recover").out
    assert "both branches changed where it stands" in said
    assert "came last and stands, not paused" in said
    assert statuses(parted)["zz"] not in ("paused", "running")
    assert parted("verify", "--json").json["healthy"]


def test_what_one_branch_archived_stays_away(parted):
    name = next(name for name in listed(parted) if name.endswith("zz"))
    parted("archive", name)
    commit(parted, "put away")
    merge(parted, "merge", "-q", "--no-edit", "side", conflicts=None)
    parted("recover")
    assert statuses(parted) == {"aa": "draft", "bb": "draft"}
    assert parted("verify", "--json").json["healthy"]


def test_what_both_branches_archived_is_put_away_once(parted):
    name = next(name for name in listed(parted) if name.endswith("zz"))
    for branch in ("main", "side"):
        parted.git("switch", "-q", branch)
        parted("archive", name)
        commit(parted, "put away")
    merge(parted, "merge", "-q", "--no-edit", "main")
    assert "put away once now" in parted("recover").out
    commit(parted, "merged")
    assert statuses(parted) == {"aa": "draft", "bb": "draft"}
    assert parted("verify", "--json").json["healthy"]


def test_two_experiments_of_one_name_are_refused_and_both_kept(project):
    made(project, "zz")
    project.git("branch", "side")
    made(project, "same")
    project.git("switch", "-q", "side")
    made(project, "same", "--hypothesis", "Another one.")
    project.git("switch", "-q", "-")
    merge(project)
    before = registry(project).read_bytes()
    error = project("recover", "--json", code=1).json["error"]
    assert "these are two" in error["message"]
    assert "--ours" in error["hint"]
    assert registry(project).read_bytes() == before


def test_without_git_the_copies_tell_what_was_left_out(bare_project):
    bare_project("create", "--file", ".claude/commands/review.md=v2.md", "--name", "alone",
                 "--primary-metric", "duration_seconds")  # fmt: skip
    whole = json.loads(registry(bare_project).read_text())
    registry(bare_project).write_text(json.dumps(whole | {"experiments": []}))
    assert not bare_project("verify", "--json", code=1).json["healthy"]
    bare_project("recover")
    assert statuses(bare_project) == {"alone": "draft"}
