"""git is blind to what is private and to what stands in, on every branch and in every tree."""

import os
import shutil
from contextlib import nullcontext

import pytest
from tests.everyday import some
from tests.support.git import git
from tests.support.serving import AGENT, COMMAND, SKILL, control, drafted, drafted_in, opened

from meta_experiment.deploy.unseen import HiddenFiles
from meta_experiment.errors import RefusedError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.protocol import places
from meta_experiment.protocol.disk import make_folder, open_private
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.board.board import board
from meta_experiment.services.health import repairing, verifying
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.planning import creating, request
from meta_experiment.services.recording.recording import record
from meta_experiment.store.local.ignore import PRIVATE_PATHS
from meta_experiment.types import Status

META = ".claude/meta"


@pytest.fixture
def root(tmp_path):
    """A repository with prompt files, and a branch `old` that is older than any experiment."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    for path in (COMMAND, SKILL, AGENT):
        write(folder, path)
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "prompts")
    git(folder, "branch", "old")
    return folder


def write(folder, path):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(control(path))


def private_files(root):
    """Every file of the state that is this checkout's alone, with its bytes."""
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in (root / META).rglob("*")
        if path.is_file()
    }
    return {name: data for name, data in files.items() if name.startswith(PRIVATE_PATHS)}


def observed(root, made):
    """Record a trial and look at the board: every private folder has a file then."""
    metrics = {"duration_seconds": 1.0}
    record(opened(root), [{"experiment": made, "variant": "control", "metrics": metrics}])
    look(root)


def look(root):
    space = opened(root)
    board(space.layout, space.clock, lambda: space, None, archived=False)


def committed(root):
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "experiments")


def require_blind(root):
    """Nothing that takes all files takes any of ours, nor does what sweeps untracked ones."""
    before = private_files(root)
    assert before
    git(root, "add", "--all")
    assert git(root, "diff", "--cached", "--name-only") == ""
    git(root, "stash", "--include-untracked")
    git(root, "clean", "-fdq")
    assert private_files(root) == before


@pytest.mark.parametrize("way", ["served", "manual", "planned", "ended"])
@pytest.mark.parametrize("path", some([SKILL, COMMAND, AGENT], 1))
def test_a_branch_older_than_an_experiment_takes_nothing_of_it(root, path, way):
    """The ignore file of the state is not there; that of each folder and git's own list are."""
    made = drafted(root, path)
    if way != "planned":
        lifecycle.start(opened(root), made, manual=way == "manual")
        observed(root, made)
    if way == "ended":
        promotion.stop(opened(root), made, "x", dry_run=False)
    committed(root)
    git(root, "switch", "--quiet", "old")
    assert not (root / META / ".gitignore").exists()
    require_blind(root)
    git(root, "switch", "--quiet", "main")
    require_blind(root)


@pytest.mark.parametrize("kind", ["worktree", "submodule", "subfolder", "clone"])
def test_so_it_is_in_every_kind_of_tree(root, tmp_path, kind):
    """What a tree has for itself alone is hidden there, by its own lists or the shared ones."""
    tree = tmp_path / "tree"
    if kind == "worktree":
        git(root, "worktree", "add", "--quiet", "-b", "side", str(tree))
    elif kind == "subfolder":
        tree = root / "one"
        write(tree, SKILL)
        committed(root)
        git(root, "branch", "--force", "old")
    elif kind == "clone":
        git(tmp_path, "clone", "--quiet", str(root), str(tree))
        git(tree, "branch", "old", "origin/old")
    else:
        around = tmp_path / "around"
        around.mkdir()
        git(around, "init", "--quiet")
        allow = ("-c", "protocol.file.allow=always")
        git(around, *allow, "submodule", "--quiet", "add", str(root), "inner")
        tree = around / "inner"
        git(tree, "branch", "old", "origin/old")
    made = drafted_in(tree, SKILL)
    lifecycle.start(opened(tree), made)
    observed(tree, made)
    committed(tree)
    if kind != "worktree":
        git(tree, "switch", "--quiet", "old")
    else:
        git(tree, "switch", "--quiet", "--detach", "old")
    require_blind(tree)


def test_a_colleagues_look_at_the_board_is_not_seen_either(root, tmp_path):
    """A clone that started nothing has a board and locks of its own."""
    lifecycle.start(opened(root), drafted(root, SKILL))
    committed(root)
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    clone = tmp_path / "clone"
    look(clone)
    git(clone, "switch", "--quiet", "--detach", "origin/old")
    require_blind(clone)


@pytest.mark.parametrize("name", places.PRIVATE)
def test_whoever_makes_a_private_folder_makes_it_ignore_itself(tmp_path, name):
    """Also on the way of a prompt, which may come first; a folder inside needs nothing."""
    one, two = tmp_path / "one" / META, tmp_path / "two" / META
    make_folder(str(one / name / "inner"))
    open_private(str(two / name / "file"), os.O_CREAT | os.O_RDWR)
    for folder in (one, two):
        assert (folder / name / ".gitignore").read_bytes() == b"*\n"
    assert not (one / name / "inner" / ".gitignore").exists()
    assert not (one / ".gitignore").exists()


def test_a_folder_that_cannot_ignore_itself_is_not_made(tmp_path, monkeypatch):
    """A full disk takes a folder, and not the file in it: the next attempt begins anew."""
    from meta_experiment.protocol import disk

    folder = tmp_path / META / "trials"
    full = OSError(28, "No space left on device")
    with monkeypatch.context() as within:
        within.setattr(disk, "put", lambda *_: (_ for _ in ()).throw(full))
        with pytest.raises(OSError, match="No space"):
            make_folder(str(folder))
    assert not folder.exists()
    make_folder(str(folder))
    assert (folder / ".gitignore").read_bytes() == b"*\n"


def found(root):
    return [item.detail for item in verifying.verify(opened(root)).findings if not item.ok]


def lose_its_own_file(root):
    (root / META / "trials/.gitignore").unlink()
    return "trials/.gitignore"


def lose_gits_list(root):
    (root / ".git/info/exclude").unlink()
    return "info/exclude"


def empty_its_own_file(root):
    (root / META / "local/.gitignore").write_bytes(b"")
    return "local/.gitignore"


def lose_the_filter(root):
    (root / ".git/meta-experiment/filter").unlink()
    return "git's filter for .claude/skills/pdf/SKILL.md"


def no_longer_require_the_filter(root):
    git(root, "config", "--unset", "filter.meta-experiment.required")
    return "git's filter for .claude/skills/pdf/SKILL.md"


def lose_gits_attributes(root):
    (root / ".git/info/attributes").unlink()
    return "git's filter for .claude/skills/pdf/SKILL.md"


HARM = [
    lose_its_own_file,
    lose_gits_list,
    empty_its_own_file,
    lose_the_filter,
    no_longer_require_the_filter,
    lose_gits_attributes,
]


@pytest.mark.long
@pytest.mark.parametrize("harm", some(HARM, 2))
def test_verify_names_what_is_missing_and_repair_mends_it(root, harm):
    """As in folders that an older version made."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    observed(root, made)
    committed(root)
    assert found(root) == []
    named = harm(root)
    (detail,) = found(root)
    assert named in detail
    assert repairing.repair(opened(root)).left == ()
    git(root, "switch", "--quiet", "old")
    require_blind(root)


def test_a_rule_that_takes_everything_back_is_named(root):
    """A project may tell git to see all of the client's folder."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    (root / META / ".gitignore").unlink()
    (root / ".gitignore").write_bytes(b"!.claude/**\n")
    assert any("active.idx" in detail for detail in found(root))


@pytest.mark.parametrize("rule", ["!.claude/**", "!SKILL.md", "!.claude/skills/*/**"])
def test_a_projects_own_rules_do_not_show_the_skill_of_a_command(root, rule):
    """They go before git's own list; the folder's own ignore file goes before them."""
    made = drafted(root, COMMAND)
    (root / ".gitignore").write_text(f".claude/*\n{rule}\n")
    git(root, "add", "-A", "--force", ".gitignore", ".claude/commands")
    git(root, "commit", "--quiet", "-m", "rules")
    lifecycle.start(opened(root), made)
    shown = git(root, "status", "--short", "--untracked-files=all")
    assert "skills/review" not in shown
    (root / ".claude/skills/review/notes.md").write_bytes(b"mine\n")
    shown = git(root, "status", "--short", "--untracked-files=all", "--ignored")
    assert "notes.md" in shown
    promotion.stop(opened(root), made, "x", dry_run=False)
    left = [path.name for path in (root / ".claude/skills/review").iterdir()]
    assert left == ["notes.md"]


def test_an_agents_copy_that_git_would_see_is_not_made(root):
    """It lies among the user's own files, so that only git's list could hide it."""
    made = drafted(root, AGENT)
    (root / ".gitignore").write_text("!.claude/agents/*.md\n")
    with pytest.raises(RefusedError, match=r"!\.claude/agents/\*\.md"):
        lifecycle.start(opened(root), made)
    (root / ".gitignore").write_text("!.claude/agents/critic.md\n")
    lifecycle.start(opened(root), made)
    assert (root / ".claude/agents/critic-treatment.md").exists()


@pytest.mark.parametrize("users", [b"", b"one", b"one\ntwo\n", b"\n", b"one\r\n"])
@pytest.mark.parametrize("added", [b"", b"three", b"three\n"])
def test_the_users_own_lines_are_never_joined_to_ours(root, users, added):
    """Two roots come and go in one list, in any order, while the user writes into it."""
    (root / "two").mkdir()
    place = root / ".git/info/exclude"
    place.write_bytes(users)
    one, two = (
        HiddenFiles.around(opened(at).git, FileSystem(), at) for at in (root, root / "two")
    )
    one.apply({"x"}, [])
    two.apply({"x"}, [])
    place.write_bytes(place.read_bytes() + added)
    for space, present in ((one, {"y"}), (one, set()), (two, {"y"}), (two, set())):
        space.apply(present, [])
        left = place.read_bytes() if place.exists() else b""
        assert left.startswith(users)
        assert b"one#" not in left
    gap = b"\n" if added and users and not users.endswith(b"\n") else b""
    assert left == users + gap + added


CONTROLS = {
    "jj beside git": lambda root: (root / ".jj").mkdir(),
    "jj above git": lambda root: (root.parent / ".jj").mkdir(),
    "jj alone": lambda root: ((root / ".jj").mkdir(), shutil.rmtree(root / ".git")),
    "Sapling alone": lambda root: ((root / ".sl").mkdir(), shutil.rmtree(root / ".git")),
    "Sapling in git": lambda root: (root / ".git/sl").mkdir(),
    "Mercurial": lambda root: (root / ".hg").mkdir(),
    "Subversion": lambda root: (root / ".svn").mkdir(),
}
# what such a program is sure to ignore
ALLOWED = {
    COMMAND: ["jj beside git", "jj above git", "jj alone"],
    AGENT: ["jj beside git", "jj above git"],
    SKILL: [],
}


@pytest.mark.parametrize("kind", some(CONTROLS, 4))
@pytest.mark.parametrize("path", [COMMAND, SKILL, AGENT])
def test_what_another_version_control_would_take_is_not_served(root, path, kind):
    """It knows nothing of git's filters, and would commit a stand-in with its next command."""
    made = drafted(root, path)
    CONTROLS[kind](root)
    if kind in ALLOWED[path]:
        lifecycle.start(opened(root), made)
        if path == COMMAND:
            ignore = (root / ".claude/skills/review/.gitignore").read_text()
            assert ignore.splitlines() == ["/.gitignore", "/SKILL.md"]
        return
    with pytest.raises(RefusedError, match=kind.split()[0]) as caught:
        lifecycle.start(opened(root), made)
    assert "--manual" in caught.value.hint
    assert (root / path).read_bytes() == control(path)
    assert lifecycle.start(opened(root), made, manual=True).experiment.status is Status.RUNNING


def test_a_version_control_around_a_repository_of_git_has_no_say_in_it(root):
    """A home folder may be under one: it does not look into what is git's."""
    (root.parent / ".hg").mkdir()
    lifecycle.start(opened(root), drafted(root, SKILL))
    assert b"serve-variant" in (root / SKILL).read_bytes()


def test_what_is_served_is_taken_away_when_another_version_control_comes(root):
    """By the next command, which says why; and served again when that goes."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    (root / ".jj").mkdir()
    assert any("jj" in note for note in finish_unless_busy(opened(root)))
    assert (root / SKILL).read_bytes() == control(SKILL)
    (root / ".jj").rmdir()
    assert finish_unless_busy(opened(root)) == []
    assert b"serve-variant" in (root / SKILL).read_bytes()


def test_a_folder_of_prompts_that_is_a_repository_of_its_own_is_not_hidden_by_ours(root):
    """As a submodule that a team shares: git asks the lists of that one, not of the root."""
    git(root, "rm", "-rq", ".claude/skills")
    inner = root / ".claude/skills"
    write(root, SKILL)
    git(inner, "init", "--quiet")
    git(inner, "add", "-A")
    git(inner, "commit", "--quiet", "-m", "skills")
    source = root.parent / "treatment.md"
    source.write_bytes(control(SKILL) + b"More.\n")
    wanted = request.from_flags({}, [f"{SKILL}={source}"], root, root)
    made = creating.create(opened(root), wanted).experiment.experiment_id
    with pytest.raises(RefusedError, match="repository of its own"):
        lifecycle.start(opened(root), made)
    assert git(inner, "status", "--short") == ""


@pytest.mark.parametrize("path", [SKILL, AGENT, COMMAND])
def test_where_git_does_not_work_nothing_is_left_for_it_to_find(root, path, monkeypatch):
    """It is not on the path of this shell, but the repository is there."""
    made = drafted(root, path)
    refused = pytest.raises(RefusedError, match="git does not work")
    with monkeypatch.context() as within, nullcontext() if path == COMMAND else refused:
        within.setenv("PATH", "/nowhere")
        lifecycle.start(opened(root), made)
    assert path == COMMAND or git(root, "status", "--short", "--untracked-files=all") == ""
    git(root, "add", "-A")
    assert "skills/review" not in git(root, "diff", "--cached", "--name-only")


def test_git_annex_keeps_its_filter(root):
    """It sets one for every file, by the same list as ours."""
    made = drafted(root, SKILL)
    (root / ".git/info/attributes").write_text("* filter=annex\n.* !filter\n")
    with pytest.raises(RefusedError, match="annex"):
        lifecycle.start(opened(root), made)


def test_a_worktree_with_settings_of_its_own_has_the_filter(root, tmp_path):
    """git then reads two files of settings there; ours stand in the one that all share."""
    git(root, "config", "extensions.worktreeConfig", "true")
    tree = tmp_path / "tree"
    git(root, "worktree", "add", "--quiet", "-b", "side", str(tree))
    git(tree, "config", "--worktree", "core.autocrlf", "input")
    lifecycle.start(opened(tree), drafted_in(tree, SKILL))
    assert b"serve-variant" in (tree / SKILL).read_bytes()
    (tree / SKILL).touch()
    assert git(tree, "status", "--short", "--", ".claude/skills") == ""
