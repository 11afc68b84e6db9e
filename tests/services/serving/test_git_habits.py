"""What people do with git while a skill is served in place: no stand-in is ever committed.

Each habit is a shell script in a repository whose skill is served; afterwards git sees nothing
of it, no commit, stash or index holds any of it, and the file is what the habit made of it.
"""

import shutil
import subprocess
import tarfile
from io import BytesIO
from types import SimpleNamespace

import pytest
from tests.everyday import some
from tests.faults import Crash, FaultyFileSystem
from tests.support.git import git
from tests.support.serving import COMMAND, SKILL, control, drafted, git_bytes, opened

from meta_experiment.deploy import unseen
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.serving import unserved

EDIT = b"Look closely"
# the stand-in stays what it is
HABITS = {
    "commit -a": "echo 1 >code; git add code; git commit -qam work",
    "commit --only": "echo two >code; git commit -q --only code -m only",
    "commit of all there is": "echo 3 >new; git add -A; git commit -qm new",
    "add -p": "echo 4 >code; yes | git add -p >/dev/null; git commit -qm part",
    "stash and pop": "echo 5 >code; git stash -qu; git stash pop -q; git checkout -q code",
    "checkout -f": "git checkout -qf; git checkout -qf -- .",
    "reset --hard": "git reset -q --hard; git reset -q --hard HEAD",
    "deleted and brought back": f"rm {SKILL}; git checkout -q -- {SKILL}; rm {SKILL}; "
    "git restore .",
    "there and back": "git switch -q other; git switch -q main",
    "detached": "git switch -q --detach HEAD~1; git switch -q main",
    "rebase -i": "git switch -q -c side HEAD~1; echo 6 >side; git add side; "
    "git commit -qm side; GIT_SEQUENCE_EDITOR=: git rebase -q -i main; git switch -q main; "
    "git merge -q --ff-only side; git branch -qd side",
    "rebase of its own commits": "GIT_SEQUENCE_EDITOR='sed -i s/^pick/reword/' GIT_EDITOR=true "
    "git rebase -q -i --root",
    "merge": "git switch -q -c apart HEAD~1; echo 7 >apart; git add apart; "
    "git commit -qm apart; git switch -q main; git merge -q --no-edit apart; "
    "git branch -qD apart",
    "cherry-pick and revert": "echo 8 >code; git commit -qam pick; git reset -q --hard HEAD~1; "
    "git cherry-pick ORIG_HEAD >/dev/null; git revert --no-edit HEAD >/dev/null",
    "patches": "echo 9 >code; git commit -qam mail; git format-patch -q -1 --stdout >../p; "
    "git reset -q --hard HEAD~1; git am -q ../p",
    "the file itself in a patch": f"git rm -q --cached {SKILL}; git commit -qm gone; "
    f"git add {SKILL}; git commit -qm again; git format-patch -q -1 --stdout >../p; "
    "git reset -q --hard HEAD~1; git am -q ../p",
    "renormalized": "git add --renormalize .",
    "sparse": "git sparse-checkout set --no-cone '/*' '!.claude/skills'; "
    "git sparse-checkout disable",
    "another filter": "printf '*.bin filter=other\\n' >.gitattributes; "
    "git config filter.other.clean 'tr a b'; git config filter.other.smudge cat; "
    "git config filter.other.required true; "
    'echo aaa >x.bin; git add .; git commit -qm bin; test "$(git show :x.bin)" = bbb',
    "bisect": "git bisect start HEAD HEAD~2 >/dev/null; git bisect reset >/dev/null",
    "lint-staged": "echo 10 >code; git add code; echo 11 >>code; s=$(git stash create); "
    "git stash store -q -m lint $s; git diff --binary >../p; git checkout -q -- .; "
    "git commit -qm linted; git apply ../p; git stash drop -q; git checkout -q code",
    "pack and prune": "git gc -q --prune=now",
    "no place for temporary files": "TMPDIR=/nowhere; export TMPDIR; echo 12 >code; "
    f"touch {SKILL}; git commit -qam tmp; rm {SKILL}; git checkout -q -- {SKILL}",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A repository with some commits, a branch with another text, and a served skill."""
    root = tmp_path_factory.mktemp("git") / "project"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        git(root, "init", "--quiet", "--initial-branch=main")
        git(root, "config", "user.name", "Ada")
        git(root, "config", "user.email", "ada@example.org")
        made = drafted(root, SKILL)
        for number in range(3):
            (root / "code").write_text(f"{number}\n")
            git(root, "add", "-A")
            git(root, "commit", "--quiet", "-m", f"code {number}")
        git(root, "switch", "--quiet", "-c", "other")
        (root / SKILL).write_bytes(b"another text\n")
        git(root, "commit", "--quiet", "-am", "other")
        git(root, "switch", "--quiet", "main")
        lifecycle.start(opened(root), made)
        git(root, "add", "-A")
        git(root, "commit", "--quiet", "-m", "running")
        yield root


def run(root, script):
    words = ["sh", "-ec", script]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def require_none_of_ours(root):
    """No commit, stash or index has a stand-in in it, nor will the next one."""
    everything = git(root, "rev-list", "--all", "--reflog").split()
    for options, where in ((["--cached"], []), ([], everything)):
        words = ["git", "grep", "-l", *options, "serve-variant exp-", *where, "--", ".claude"]
        found = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
        told = [line for line in found.stdout.splitlines() if ".claude/meta/" not in line]
        assert (found.returncode, told) == (1, [])


@pytest.mark.parametrize("habit", some(HABITS, 10))
def test_git_goes_on_as_if_nothing_ran(served, habit):
    """Whatever is done: the stand-in stands, and git has the control."""
    stand_in_version = (served / SKILL).read_bytes()
    assert b"serve-variant" in stand_in_version
    run(served, HABITS[habit])
    require_none_of_ours(served)
    assert (served / SKILL).read_bytes() == stand_in_version
    assert git(served, "status", "--short") == ""
    assert git(served, "diff", "HEAD") == ""
    assert git_bytes(served, "show", f"HEAD:{SKILL}") == control(SKILL)


def test_what_is_given_away_has_the_control(served, tmp_path):
    """An archive, an export, a bundle, another tree, a diff tool: also while it is served."""

    def member(data):
        return tarfile.open(fileobj=BytesIO(data)).extractfile(SKILL).read()

    assert member(git_bytes(served, "archive", "HEAD")) == control(SKILL)
    assert member(git_bytes(served / ".git", "archive", "HEAD")) == control(SKILL)
    git(tmp_path, "clone", "--quiet", "--bare", str(served), "bare")
    assert member(git_bytes(tmp_path / "bare", "archive", "HEAD")) == control(SKILL)
    git(served, "checkout-index", "--all", f"--prefix={tmp_path}/export/")
    assert (tmp_path / "export" / SKILL).read_bytes() == control(SKILL)
    git(served, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    assert (tmp_path / "tree" / SKILL).read_bytes() == control(SKILL)
    assert git(tmp_path / "tree", "status", "--short") == ""
    git(served, "worktree", "remove", str(tmp_path / "tree"))
    shown = git_bytes(served, "cat-file", "--filters", f"HEAD:{SKILL}")
    assert shown == control(SKILL)


# how the user's edit gets into a commit; each ends with it there
WAYS = {
    "commit -a": "git commit -qam edit",
    "commit --only": f"git commit -q --only {SKILL} -m edit",
    "add all": "git add -A; git commit -qm edit",
    "add -p": "yes | git add -p >/dev/null; git commit -qm edit",
    "patch": "git diff >../p; git checkout -q .; git apply --index ../p; git commit -qm edit",
    "stash": "git stash -q; git stash pop -q; git commit -qam edit",
    "lint-staged": f"git add {SKILL}; s=$(git stash create); git stash store -q -m lint $s; "
    "git diff --binary >../p; git commit -qm edit; git stash drop -q",
    "renormalized": "git add --renormalize .; git commit -qm edit",
    "autocrlf": f"git config core.autocrlf true; touch {SKILL}; git commit -qam edit; "
    "git config --unset core.autocrlf",
    "eol": f"echo '*.md text eol=crlf' >.git/info/extra; git config core.attributesFile "
    f".git/info/extra; touch {SKILL}; git commit -qam edit; git config --unset "
    "core.attributesFile",
}


@pytest.fixture
def own(tmp_path):
    """A repository whose skill is served."""
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "running")
    return root, made


def edited(root, before, after):
    text = (root / SKILL).read_bytes()
    assert before in text
    (root / SKILL).write_bytes(text.replace(before, after))


@pytest.mark.long
@pytest.mark.parametrize("way", some(WAYS, 3))
def test_an_edit_of_a_stand_in_is_committed_as_one_of_the_original(own, way):
    """As a formatter makes it, or a person: beside what serves the variants."""
    root, made = own
    edited(root, b"Look at it", EDIT)
    wanted = control(SKILL).replace(b"Look at it", EDIT)
    difference = git(root, "diff", "--unified=0")
    assert [line for line in difference.splitlines() if line[:1] in "+-"][2:] == [
        "-description: Look at it",
        "+description: Look closely",
    ]
    run(root, WAYS[way])
    assert git_bytes(root, "show", f"HEAD:{SKILL}") == wanted
    assert git(root, "diff", "HEAD", "--", SKILL) == ""
    require_none_of_ours(root)
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / SKILL).read_bytes() == wanted
    assert git(root, "status", "--short", "--", ".claude/skills") == ""


@pytest.mark.parametrize("way", ["git add -A", "git commit -qam x", "git stash", "git add -u"])
def test_what_nobody_can_tell_from_the_stand_in_is_not_taken(own, way):
    """git says why, and what to run; the edit is kept by it, and git goes on."""
    root, made = own
    edited(root, b"and follow it", b"and obey it")
    inside = (root / SKILL).read_bytes()
    done = subprocess.run(way.split(), cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"meta-experiment stop {made}" in done.stderr
    assert (root / SKILL).read_bytes() == inside
    require_none_of_ours(root)
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / SKILL).read_bytes() == control(SKILL)
    kept = [path.read_bytes() for path in (root / ".claude/meta/backups").glob("[0-9a-f]*")]
    assert inside in kept
    assert git(root, "status", "--short", "--", ".claude/skills") == ""
    assert (root / ".git/meta-experiment").exists() is False


def test_the_filter_is_required_only_while_something_stands_in(own):
    """git refuses rather than to take a stand-in; afterwards it knows of no filter."""
    root, made = own
    assert git(root, "config", "filter.meta-experiment.required") == "true\n"
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert "meta-experiment" not in git(root, "config", "--list")


def test_a_stand_in_that_was_edited_is_brought_back_when_all_is_lost(own):
    """`git clean -x` takes what serving needs; the edit stays, on the user's own text."""
    root, _ = own
    git(root, "rm", "-rq", "--cached", ".claude/meta")
    git(root, "commit", "-qm", "gone")
    git(root, "clean", "-fdxq")
    edited(root, b"Look at it", EDIT)
    assert unserved.drift_notes(opened(root).layout) == {}
    finish_unless_busy(opened(root))
    assert (root / SKILL).read_bytes() == control(SKILL).replace(b"Look at it", EDIT)
    assert git(root, "diff", "--stat", "--", SKILL).count("1 insertion") == 1


def test_a_stand_in_waits_for_a_command_of_git_that_knows_no_filter_yet(tmp_path, monkeypatch):
    """It began before, holds the index, and may take the file in at any moment."""
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    made = drafted(root, SKILL)
    lock, seen = root / ".git/index.lock", []
    lock.touch()

    def end(_):
        seen.append((root / SKILL).read_bytes())
        lock.unlink(missing_ok=True)

    monkeypatch.setattr(unseen, "time", SimpleNamespace(sleep=end))
    lifecycle.start(opened(root), made)
    assert seen == [control(SKILL)]
    assert b"serve-variant" in (root / SKILL).read_bytes()


def test_the_filter_knows_a_stand_in_until_git_has_taken_in_what_it_read(own, monkeypatch):
    """A command of git's at work may have read it just before it was taken away."""
    root, made = own
    lock, known = root / ".git/index.lock", []
    lock.touch()

    def end(_):
        known.append([*root.glob(".git/meta-experiment/entries/*/name")])
        lock.unlink(missing_ok=True)

    monkeypatch.setattr(unseen, "time", SimpleNamespace(sleep=end))
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert known[0]
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert not (root / ".git/meta-experiment").exists()


@pytest.mark.long
@pytest.mark.parametrize("path", [COMMAND, SKILL])
def test_what_is_being_written_is_seen_by_git_as_little_as_what_stands(tmp_path, path):
    """Dead in the midst of each file that is put up beside the user's own."""
    root, template = tmp_path / "project", tmp_path / "template"
    template.mkdir()
    git(template, "init", "--quiet", "--initial-branch=main")
    made = drafted(template, path)

    def start(files):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template, root)
        lifecycle.start(opened(root, files), made)

    start(FileSystem())  # draws what belongs to the machine
    counting = FaultyFileSystem()
    start(counting)
    ours = (root / ".claude/meta", root / ".git")
    put_up = [
        number
        for number, (what, where) in enumerate(counting.operations, 1)
        if what == "create" and not any(where.is_relative_to(folder) for folder in ours)
    ]
    assert put_up
    for number in put_up:
        with pytest.raises(Crash):
            start(FaultyFileSystem(number, "torn"))
        assert any(root.glob(".claude/skills/*/.*.meta-tmp"))
        seen = git(root, "status", "--porcelain", "--untracked-files=all").splitlines()
        assert [line for line in seen if ".claude/meta/" not in line] == []
