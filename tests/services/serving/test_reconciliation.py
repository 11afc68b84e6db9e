"""What `start` puts on disk, what git sees of it, and that every end brings everything back."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.everyday import some
from tests.faults import Crash, FaultyFileSystem

from meta_experiment.errors import ConflictError, MetaExperimentError, RefusedError
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import index, places
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.acting.registry_commit import settle
from meta_experiment.services.health import recovery
from meta_experiment.services.planning import creating, request
from meta_experiment.services.serving import served, unserved
from meta_experiment.services.serving.reconciliation import reconcile, stale
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Status

COMMAND = ".claude/commands/review.md"
NESTED = ".claude/commands/git/review.md"
SKILL = ".claude/skills/pdf/SKILL.md"
AGENT = ".claude/agents/critic.md"
HEAD = "---\nname: {name}\ndescription: Look at it\n---\n"
TEXTS = {
    COMMAND: HEAD.format(name="review") + "Review $ARGUMENTS {how}.\n",
    NESTED: HEAD.format(name="review") + "Review $ARGUMENTS {how}.\n",
    SKILL: HEAD.format(name="pdf") + "\nRead the file {how}.\n\n",
    AGENT: HEAD.format(name="critic") + "You judge {how}.\n",
}
PLACED = {
    COMMAND: [".claude/skills/review/SKILL.md"],
    NESTED: [".claude/skills/git:review/SKILL.md"],
    SKILL: [],
    AGENT: [".claude/agents/critic-treatment.md"],
}
FORMS = {
    COMMAND: index.SHADOW, NESTED: index.SHADOW, SKILL: index.IN_PLACE, AGENT: index.AGENTS
}  # fmt: skip


def control(path):
    return TEXTS[path].format(how="slowly").encode()


def treatment(path):
    return TEXTS[path].format(how="at once").encode()


def git(root, *words):
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def opened(root, files=None, now=None):
    ticks = itertools.count(1_760_000_000)
    clock = (lambda: now) if now else lambda: float(next(ticks))
    space = Workspace.open(Layout(Path(root).resolve()), clock)
    if files is not None:
        from meta_experiment.deploy import Deployer
        from meta_experiment.git import tracked_in
        from meta_experiment.store.store import Store

        deployer = Deployer(space.layout, files, space.git, space.store.seal)
        store = Store(space.layout, files, partial(tracked_in, space.git))
        space = replace(space, files=files, store=store, deployer=deployer)
    return space


def drafted(root, path, new=None):
    """Write and commit a prompt file, and plan an experiment on it."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_bytes(control(path))
    source = root.parent / "treatment.md"
    source.write_bytes(new or treatment(path))
    space = opened(root)
    wanted = request.from_flags({}, [f"{path}={source}"], root, root)
    made = creating.create(space, wanted).experiment.experiment_id
    if (root / ".git").exists():
        git(root, "add", "-A")
        git(root, "commit", "--quiet", "-m", "start")
    return made


def changed(root):
    """What git sees of the user's own files, beside what this tool keeps."""
    own = ("--", ".", ":!.claude/meta")
    return git(root, "status", "--short", *own) + git(root, "diff-index", "HEAD", *own)


@pytest.fixture
def root(tmp_path):
    """A git repository; its `info` files are those of a user with habits of their own."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / ".git/info/exclude").write_bytes(b"*.log\nscratch")
    return folder


def unseen_state(root):
    """All that this tool may change in git's folder."""
    info = root / ".git/info"
    files = {path.name: path.read_bytes() for path in info.iterdir()}
    ours = (root / ".git/meta-experiment").exists()
    return files, ours, git(root, "config", "--local", "--list")


@pytest.mark.parametrize("path", TEXTS)
def test_git_sees_nothing_and_stop_brings_everything_back(root, path):
    """Each form: placed and hidden while it runs, byte for byte gone afterwards."""
    made = drafted(root, path)
    before = unseen_state(root)
    (root / path).chmod(0o640)
    space = opened(root)
    lifecycle.start(space, made)

    (entry,) = index.entries(str(root))
    assert (entry.form, entry.path, entry.running) == (FORMS[path], path, True)
    assert all((root / placed).exists() for placed in PLACED[path])
    assert ((root / path).read_bytes() == control(path)) is (FORMS[path] != index.IN_PLACE)
    assert (root / path).stat().st_mode & 0o777 == 0o640
    assert changed(root) == ""
    assert [item.path for item in places.roots(places.data_folder(os.environ))] == [str(root)]

    promotion.stop(opened(root), made, "enough", dry_run=False)
    assert (root / path).read_bytes() == control(path)
    assert (root / path).stat().st_mode & 0o777 == 0o640
    assert not any((root / placed).exists() for placed in PLACED[path])
    if path == COMMAND:
        assert not (root / ".claude/skills").exists()
    assert changed(root) == ""
    assert unseen_state(root) == before
    (entry,) = index.entries(str(root))
    assert not entry.running  # a session that is open still has the old text


def test_as_many_treatments_as_a_plan_allows_are_served(root):
    """A hundred of them start, draw ahead from all arms, and stop."""
    path, flags = COMMAND, []
    (root / path).parent.mkdir(parents=True)
    (root / path).write_bytes(control(path))
    for number in range(100):
        source = root.parent / f"{number}.md"
        source.write_bytes(treatment(path) + b"%d\n" % number)
        flags.append(f"t{number}:{path}={source}")
    wanted = request.from_flags({}, flags, root, root)
    made = creating.create(opened(root), wanted).experiment.experiment_id
    lifecycle.start(opened(root), made)
    (entry,) = index.entries(str(root))
    drawn = {index.sequence_arm(entry.sequence, place) for place in range(1000)}
    assert drawn == set(range(101))
    promotion.stop(opened(root), made, "enough", dry_run=False)
    assert (root / path).read_bytes() == control(path)


def test_a_root_whose_name_is_no_text_is_served(tmp_path):
    """A folder may be named by any bytes; what is kept of its path is these bytes."""
    root = tmp_path / os.fsdecode(b"p\xff")
    try:
        root.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    made = drafted(root, COMMAND)
    lifecycle.start(opened(root), made)
    assert not stale(Layout(root))
    assert [item.path for item in places.roots(places.data_folder(os.environ))] == [str(root)]
    promotion.stop(opened(root), made, "enough", dry_run=False)
    assert not list((root / ".claude").glob("skills"))


@pytest.mark.parametrize("path", TEXTS)
def test_promote_commits_the_treatment_and_rollback_the_control(root, path):
    """The stand-in is never committed and never what a rollback brings back."""
    made = drafted(root, path)
    before = unseen_state(root)
    lifecycle.start(opened(root), made)
    rehearsed = promotion.promote(
        opened(root), made, promotion.ActionOptions(override="x"), dry_run=True
    )
    assert "serve-variant" not in rehearsed.diff
    assert f"-{control(path).decode().splitlines()[4 + (path == SKILL)]}" in rehearsed.diff
    deed = promotion.promote(
        opened(root), made, promotion.ActionOptions(override="x"), dry_run=False
    )
    assert deed.commit, deed.commit_note
    assert (root / path).read_bytes() == treatment(path)
    assert git(root, "show", f"HEAD:{path}").encode() == treatment(path)
    assert git(root, "diff-index", "HEAD", "--", path) == ""
    assert unseen_state(root) == before
    (entry,) = index.entries(str(root))
    assert entry.serve == "treatment"
    promotion.rollback(opened(root), made, promotion.ActionOptions(), dry_run=False)
    assert (root / path).read_bytes() == control(path)
    assert git(root, "show", f"HEAD:{path}").encode() == control(path)


@pytest.mark.parametrize(("undone", "kept"), [(False, "treatment"), (True, "")])
def test_who_still_has_the_old_text_is_served_what_the_file_holds(root, undone, kept):
    """The winner from its promotion on, the control after a rollback; archived or not."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    promotion.promote(opened(root), made, promotion.ActionOptions(override="x"), dry_run=False)
    if undone:
        promotion.rollback(opened(root), made, promotion.ActionOptions(), dry_run=False)
    (entry,) = index.entries(str(root))
    assert entry.serve == kept
    lifecycle.archive(opened(root), made)
    reconcile(opened(root))
    (entry,) = index.entries(str(root))
    assert entry.serve == kept


@pytest.mark.parametrize("path", [COMMAND, SKILL, AGENT])
def test_branches_stashes_and_commits_go_on_as_if_nothing_ran(root, path):
    """commit -a ships no stand-in; a switch there and back finds it again."""
    made = drafted(root, path)
    git(root, "switch", "--quiet", "-c", "other")
    (root / path).write_bytes(b"another text\n")
    git(root, "commit", "--quiet", "-am", "other")
    git(root, "switch", "--quiet", "main")
    lifecycle.start(opened(root), made)
    git(root, "add", "-A", ".claude/meta")
    git(root, "commit", "--quiet", "-m", "state")
    stand_in_version = (root / path).read_bytes()

    (root / "code.py").write_text("1")
    git(root, "add", "code.py")
    git(root, "stash", "--quiet", "--include-untracked")
    git(root, "stash", "pop", "--quiet")
    git(root, "commit", "--quiet", "-am", "work")
    assert git(root, "show", f"HEAD:{path}").encode() == control(path)
    assert git(root, "ls-files", "--", *PLACED[path]) == "" or not PLACED[path]
    assert (root / path).read_bytes() == stand_in_version

    git(root, "switch", "--quiet", "other")
    assert (root / path).read_bytes() == b"another text\n"
    assert len(unserved.drift_notes(Layout(root))) == 1
    git(root, "switch", "--quiet", "main")
    assert (root / path).read_bytes() == stand_in_version
    assert changed(root) == ""
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / path).read_bytes() == control(path)


def entries_of(root):
    """Return the state of each experiment that serving knows."""
    return {entry.id: entry.state for entry in index.entries(str(root))}


def test_a_branch_that_does_not_list_an_experiment_is_no_end_of_it(root):
    """It is told from a pause, so that uses on such a branch can be named as not counted."""
    (root / "code.py").write_text("1")
    git(root, "add", "code.py")
    git(root, "commit", "--quiet", "-m", "before")
    git(root, "branch", "older")
    made, held = drafted(root, COMMAND), drafted(root, SKILL)
    for name in (made, held):
        lifecycle.start(opened(root), name)
    lifecycle.pause(opened(root), held)
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "experiments")
    git(root, "switch", "--quiet", "older")
    reconcile(opened(root))
    assert entries_of(root) == {made: "unlisted", held: "ended"}
    git(root, "switch", "--quiet", "main")
    reconcile(opened(root))
    assert entries_of(root) == {made: "running", held: "ended"}


def test_a_panic_on_a_branch_that_does_not_list_an_experiment_holds_on_those_that_do(root):
    """Whoever stops everything means everything, wherever they stand."""
    (root / "code.py").write_text("1")
    git(root, "add", "code.py")
    git(root, "commit", "--quiet", "-m", "before")
    git(root, "branch", "older")
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "experiments")
    git(root, "switch", "--quiet", "older")
    assert any(made in line for line in recovery.panic(opened(root)).done)
    assert entries_of(root) == {made: "ended"}
    assert recovery.panic(opened(root)).done == ()
    git(root, "switch", "--quiet", "main")
    settle(opened(root))
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert changed(root) == ""
    lifecycle.start(opened(root), made)
    assert entries_of(root)[made] == "running"


def test_a_line_end_conversion_of_git_changes_nothing(root):
    """core.autocrlf: the working tree has CRLF, the repository LF, and the filter both."""
    git(root, "config", "core.autocrlf", "true")
    file = root / SKILL
    file.parent.mkdir(parents=True)
    file.write_bytes(control(SKILL).replace(b"\n", b"\r\n"))
    made = drafted(root, SKILL, treatment(SKILL).replace(b"\n", b"\r\n"))
    assert b"\r" not in git_bytes(root, "show", f"HEAD:{SKILL}")
    lifecycle.start(opened(root), made)
    stand_in_version = file.read_bytes()
    assert b"serve-variant" in stand_in_version
    assert stand_in_version.count(b"\r\n") == stand_in_version.count(b"\n")
    assert changed(root) == ""
    file.unlink()
    git(root, "checkout", "--quiet", "--", SKILL)
    assert file.read_bytes() == stand_in_version
    promotion.promote(opened(root), made, promotion.ActionOptions(override="x"), dry_run=False)
    assert file.read_bytes() == treatment(SKILL).replace(b"\n", b"\r\n")
    assert git_bytes(root, "show", f"HEAD:{SKILL}") == treatment(SKILL)


def test_a_file_that_git_encrypts_gets_no_stand_in(root):
    """Ours would go before the other filter, and a commit would hold the plain bytes."""
    (root / ".gitattributes").write_text(".claude/skills/** filter=crypt\n")
    git(root, "config", "filter.crypt.clean", "tr a-z n-za-m")
    made = drafted(root, SKILL)
    with pytest.raises(RefusedError, match="'crypt'"):
        lifecycle.start(opened(root), made)
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert not (root / ".git/meta-experiment").exists()
    assert changed(root) == ""
    command = drafted(root, COMMAND)  # stays in its place: nothing is hidden there
    lifecycle.start(opened(root), command)
    (root / ".gitattributes").write_text(".claude/skills/** filter\n")  # no filter's name
    git(root, "add", "--renormalize", ".")
    git(root, "commit", "--quiet", "--message", "plain")
    lifecycle.start(opened(root), made)
    assert b"serve-variant" in (root / SKILL).read_bytes()
    assert changed(root) == ""


def git_bytes(root, *words):
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True).stdout


def test_a_linked_worktree_gets_the_control(root, tmp_path):
    """The filter is shared among worktrees; only the one that started has the stand-in."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    other = tmp_path / "other tree"
    git(root, "worktree", "add", "--quiet", str(other), "-b", "side")
    assert (other / SKILL).read_bytes() == control(SKILL)
    assert changed(other) == ""
    lifecycle.start(opened(other), made)  # joined: its own stand-in, its own block
    assert (other / SKILL).read_bytes() not in (control(SKILL), (root / SKILL).read_bytes())
    for tree in (root, other):
        assert changed(tree) == ""
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert changed(other) == ""
    promotion.stop(opened(other), made, "x", dry_run=False)
    assert (other / SKILL).read_bytes() == control(SKILL)
    assert not (root / ".git/meta-experiment").exists()


def test_another_checkout_serves_nothing_until_it_joins(root, tmp_path):
    """A clone gets the registry and is left alone; `start` there joins, a pull ends it."""
    made = drafted(root, COMMAND)
    lifecycle.start(opened(root), made)
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "run")
    clone = tmp_path / "clone"
    git(root, "clone", "--quiet", str(root), str(clone))
    assert settle(opened(clone)) == []
    assert not (clone / PLACED[COMMAND][0]).exists()
    moved = lifecycle.start(opened(clone), made)
    assert moved.before is Status.RUNNING
    assert (clone / PLACED[COMMAND][0]).exists()
    promotion.stop(opened(root), made, "x", dry_run=False)
    git(root, "commit", "--quiet", "-am", "stop")
    git(clone, "commit", "--quiet", "-am", "join")
    git(clone, "pull", "--quiet", "--no-rebase", "--no-edit", "-X", "theirs")
    assert stale(Layout(clone))
    assert settle(opened(clone)) == []
    assert not (clone / PLACED[COMMAND][0]).exists()
    assert not stale(Layout(clone)) or settle(opened(clone)) == []


@pytest.mark.parametrize("way", ["pause", "panic", "archive"])
def test_every_way_out_restores_and_resume_serves_again(root, way):
    """pause, panic; an archive after the end has nothing left to take away."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    stand_in_version = (root / SKILL).read_bytes()
    if way == "archive":
        promotion.stop(opened(root), made, "x", dry_run=False)
        lifecycle.archive(opened(root), made)
    elif way == "pause":
        lifecycle.pause(opened(root), made)
    else:
        recovery.panic(opened(root))
    assert (root / SKILL).read_bytes() == control(SKILL)
    if way != "archive":
        lifecycle.resume(opened(root), made)
        assert (root / SKILL).read_bytes() == stand_in_version


def test_an_edit_of_the_users_own_is_never_overwritten(root):
    """Not by start, not by stop; it is said why nothing is served."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    (root / SKILL).write_bytes(b"mine\n")
    assert SKILL in next(iter(unserved.drift_notes(Layout(root)).values()))
    reconcile(opened(root))
    assert (root / SKILL).read_bytes() == b"mine\n"
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / SKILL).read_bytes() == b"mine\n"


def test_manual_and_other_files_are_left_to_the_user(root):
    """--manual, and files that the client does not load: nothing is put on disk."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made, manual=True)
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert index.entries(str(root)) == []
    (root / "prompt.md").write_bytes(b"one\n")
    TEXTS["prompt.md"] = "two {how}\n"
    other = drafted(root, "prompt.md")
    moved = lifecycle.start(opened(root), other)
    assert "meta-experiment assign" in moved.sentence
    assert index.entries(str(root)) == []


def test_a_strangers_draft_on_a_file_that_a_shell_runs_is_not_started(root):
    """A registry that came with a commit may name any file."""
    made = drafted(root, COMMAND)
    space = opened(root)
    (root / ".envrc").write_bytes(control(COMMAND))

    def renamed(experiments):
        (item,) = experiments
        plan = replace(item.plan, files=(".envrc",))
        return [replace(item, plan=plan, versions={".envrc": item.versions[COMMAND]})]

    space.store.update(renamed)
    with pytest.raises(RefusedError, match="no prompt file"):
        lifecycle.start(opened(root), made, manual=True)


def refused(root, path, new=None, old=None):
    if old is not None:
        (root / path).parent.mkdir(parents=True)
        (root / path).write_bytes(old)
    made = drafted(root, path, new)
    with pytest.raises((RefusedError, ConflictError)) as caught:
        lifecycle.start(opened(root), made)
    assert "--manual" in caught.value.hint
    (experiment,) = opened(root).store.experiments()
    assert experiment.status is Status.DRAFT
    assert opened(root).store.start_of(experiment) is None
    assert (root / path).read_bytes() == (old or control(path))
    assert index.entries(str(root)) == []
    return caught.value.message


def test_differing_frontmatter_is_refused(root):
    """The client reads it before anything is served; the field is named."""
    other = treatment(COMMAND).replace(b"Look at it", b"Look elsewhere")
    assert "description" in refused(root, COMMAND, other)


def test_a_name_that_the_client_does_not_load_is_refused(root):
    """Nobody could call it."""
    path = ".claude/commands/a$(id>F).md"
    TEXTS[path] = TEXTS[COMMAND]
    assert "loads no command" in refused(root, path)
    del TEXTS[path]


def test_no_name_of_a_file_runs_as_a_command(root):
    """Whatever step of the injected line a shell comes to, a name is a name to it."""
    path = ".claude/commands/a$(touch F).md"
    TEXTS[path] = TEXTS[COMMAND]
    lifecycle.start(opened(root), drafted(root, path))
    del TEXTS[path]
    (text,) = (item.read_text() for item in root.glob(".claude/skills/a*/SKILL.md"))
    line = text.partition("!`")[2].partition("`")[0]
    (root / path).unlink()
    shutil.rmtree(root / ".claude/meta/local/live")
    shutil.rmtree(places.data_folder(os.environ))
    words = ["sh", "-c", line]
    done = subprocess.run(words, cwd=root, check=False, capture_output=True, text=True)
    assert done.stdout.startswith("Read ")
    assert not (root / "F").exists()


def test_a_skill_of_the_same_name_is_refused(root):
    """The client would use it in the command's place already."""
    (root / ".claude/skills/review").mkdir(parents=True)
    (root / ".claude/skills/review/SKILL.md").write_text("x")
    assert "same name" in refused(root, COMMAND)


def test_differing_injections_are_refused(root):
    """They run only while they stand in the file."""
    assert "!`" in refused(root, COMMAND, treatment(COMMAND) + b"!`git status`\n")


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ('{"disableSkillShellExecution": true}', "disableSkillShellExecution"),
        ('{"disableAllHooks": true}', "disableAllHooks"),
        ('{"permissions": {"deny": ["Bash(serve-variant:*)"]}}', "deny"),
        ('{"permissions": {"ask": ["Bash"]}}', "ask"),
        ('{"permissions": {"deny": ["Bash(cat *)"]}}', "deny"),
    ],
)
@pytest.mark.parametrize("where", ["project", "user"])
def test_settings_that_forbid_serving_are_refused(root, settings, word, where):
    """In the project's settings and the user's own."""
    folder = root if where == "project" else Path(os.environ["HOME"])
    (folder / ".claude").mkdir(exist_ok=True)
    (folder / ".claude/settings.json").write_text(settings)
    assert word in refused(root, COMMAND)


@pytest.mark.parametrize("rule", ["Agent(critic)", "Task(critic)", "Agent(critic-treatment)"])
@pytest.mark.parametrize("name", ["deny", "ask"])
def test_a_rule_about_the_agent_is_refused(root, name, rule):
    """The client would not apply it to the variants, which have names of their own."""
    (root / ".claude").mkdir()
    settings = json.dumps({"permissions": {name: [rule]}})
    (root / ".claude/settings.json").write_text(settings)
    assert rule in refused(root, AGENT)


@pytest.mark.parametrize("where", ["project", "user", "plugin"])
def test_a_hook_for_the_agent_by_its_name_is_refused(root, where):
    """It may guard the agent; under the name of a variant nothing would."""
    hook = {"type": "command", "command": "./guard"}
    hooks = {"hooks": {"SubagentStart": [{"matcher": "critic", "hooks": [hook]}]}}
    home = Path(os.environ["HOME"]) / ".claude"
    plugin = home / "plugins/cache/mk/guard"
    path = {
        "project": root / ".claude/settings.json",
        "user": home / "settings.json",
        "plugin": plugin / "hooks/hooks.json",
    }[where]
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(hooks))
    (home / "plugins").mkdir(parents=True, exist_ok=True)
    listed = {"plugins": {"guard@mk": [{"installPath": str(plugin)}]}}
    (home / "plugins/installed_plugins.json").write_text(json.dumps(listed))
    said = refused(root, AGENT)
    assert "a hook of SubagentStart for 'critic'" in said
    assert str(path) in said


@pytest.mark.parametrize("arm", ["control", "treatment"])
@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("memory: project", "keeps a memory"),
        ("hooks: {Stop: [{hooks: [{command: 'grep agent_type | grep critic'}]}]}", "of Stop"),
    ],
)
def test_an_agent_for_which_the_client_works_by_its_name_is_refused(root, arm, field, word):
    """A memory lies in a folder of the agent's name: the arms would begin with two."""
    texts = {"control": control(AGENT), "treatment": treatment(AGENT)}
    texts[arm] = texts[arm].replace(b"\n---\n", f"\n{field}\n---\n".encode(), 1)
    assert word in refused(root, AGENT, texts["treatment"], texts["control"])


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("pr, mode", ["pr,", "mode"]), ("pr 5 mode", ["pr", "mode"]), ("5", []),
        ("[5, pr]", ["pr"]), ("[true, '0', pr]", ["pr"]), ("[pr, null, mode]", ["pr", "mode"]),
        ("['pr,', '', ' ', mode]", ["pr,", "mode"]), ("[{name: pr}, mode]", ["mode"]),
    ],
)  # fmt: skip
def test_the_names_of_arguments_are_those_the_client_takes(root, given, names):
    """It divides a text at blanks alone, and passes over what is no text in a list."""
    head = f"---\ndescription: d\narguments: {given}\n---\n"
    (root / COMMAND).parent.mkdir(parents=True)
    (root / COMMAND).write_text(head + "One $pr.\n")
    lifecycle.start(opened(root), drafted(root, COMMAND, (head + "Two $pr.\n").encode()))
    (entry,) = index.entries(str(root))
    assert entry.arguments == names


def test_harmless_settings_are_no_hindrance(root):
    """Rules about other things, and allow rules, change nothing."""
    (root / ".claude").mkdir()
    (root / ".claude/settings.json").write_text(
        '{"permissions": {"deny": ["Bash(rm:*)", "Read(./.env)"], "allow": ["Bash"]}}'
    )
    lifecycle.start(opened(root), drafted(root, COMMAND))


def test_an_installed_plugin_is_refused(tmp_path):
    """Its next update would replace the file."""
    folder = tmp_path / ".claude/plugins/cache/market/plug/1.0"
    (folder / ".claude-plugin").mkdir(parents=True)
    (folder / ".claude-plugin/plugin.json").write_text('{"name": "plug"}')
    TEXTS["commands/review.md"] = TEXTS[COMMAND]
    assert "installed plugin" in refused(folder, "commands/review.md")


@pytest.mark.parametrize(
    "path",
    [
        "cache/market/plug/1.0/commands/go.md",
        "cache/market/plug/1.0/skills/go/SKILL.md",
        "marketplaces/market/plugins/plug/commands/go.md",
        "marketplaces/market/agents/go.md",
    ],
)
def test_an_installed_plugin_is_refused_below_the_home_too(tmp_path, path):
    """Where the root is not the plugin but all personal files."""
    whole = f".claude/plugins/{path}"
    TEXTS[whole] = TEXTS[COMMAND]
    assert "installed plugin" in refused(tmp_path, whole)


def test_a_plugins_own_repository_is_served_in_place(root):
    """Its commands go before skills of their name, so they have no shadow."""
    (root / ".claude-plugin").mkdir()
    (root / ".claude-plugin/plugin.json").write_text('{"name": "plug"}')
    TEXTS["commands/review.md"] = TEXTS[COMMAND]
    made = drafted(root, "commands/review.md")
    lifecycle.start(opened(root), made)
    (entry,) = index.entries(str(root))
    assert (entry.name, entry.form) == ("plug:review", index.IN_PLACE)
    (listed,) = places.roots(places.data_folder(os.environ))
    assert listed.scope == places.PLUGIN
    assert changed(root) == ""


def test_without_git_everything_works_the_same(tmp_path):
    """Nothing to hide from: the files are exchanged and brought back."""
    folder = tmp_path / "plain"
    folder.mkdir()
    made = drafted(folder, SKILL)
    lifecycle.start(opened(folder), made)
    assert b"serve-variant" in (folder / SKILL).read_bytes()
    promotion.stop(opened(folder), made, "x", dry_run=False)
    assert (folder / SKILL).read_bytes() == control(SKILL)


def test_tombstones_go_after_a_week(root):
    """Served texts, index line and the root's line in the machine's list."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert Path(places.served_text(str(root), made, "control.md")).exists()
    (kept,) = Path(places.data_folder(os.environ), "served").glob(f"*/{made}/*/control.md")
    reconcile(opened(root, now=1_760_000_000 + 8 * 86_400.0))
    assert index.entries(str(root)) == []
    assert not Path(places.served_folder(str(root), made)).exists()
    assert not kept.parents[2].exists()
    assert places.roots(places.data_folder(os.environ)) == []


def test_all_that_git_ignores_may_be_deleted(root):
    """`git clean -x` takes served texts and index along; git's own folder has the original."""
    made = drafted(root, SKILL)
    before = unseen_state(root)
    lifecycle.start(opened(root), made)
    git(root, "clean", "-fdxq")
    assert b"serve-variant" in (root / SKILL).read_bytes()
    assert changed(root) == ""
    assert SKILL in " ".join(recovery.recover(opened(root)))
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert unseen_state(root) == before


def test_a_branch_without_the_registry_serves_nothing_and_a_switch_back_does(root):
    """The plans are committed like everything else; another branch may know none of them."""
    git(root, "commit", "--quiet", "--allow-empty", "-m", "empty")
    git(root, "branch", "bare")
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    git(root, "commit", "--quiet", "-am", "running")
    stand_in_version = (root / SKILL).read_bytes()
    git(root, "switch", "--quiet", "bare")
    assert not (root / SKILL).exists()
    settle(opened(root))
    assert [entry.running for entry in index.entries(str(root))] == [False]
    git(root, "switch", "--quiet", "main")
    settle(opened(root))
    assert (root / SKILL).read_bytes() == stand_in_version
    assert [entry.running for entry in index.entries(str(root))] == [True]


def test_a_root_that_was_moved_is_served_from_its_new_place(root, tmp_path):
    """Every path of the old place is replaced, in the stand-in and on the machine's list."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    moved = tmp_path / "moved"
    root.rename(moved)
    settle(opened(moved))
    assert str(moved).encode() in (moved / SKILL).read_bytes()
    assert str(root).encode() not in (moved / SKILL).read_bytes()
    assert [item.path for item in places.roots(places.data_folder(os.environ))] == [str(moved)]
    assert changed(moved) == ""
    promotion.stop(opened(moved), made, "x", dry_run=False)
    assert (moved / SKILL).read_bytes() == control(SKILL)
    assert str(root) not in (moved / ".git/info/exclude").read_text()


STEPS = {
    "start": (lambda root: drafted(root, SKILL), lifecycle.start),
    "stop": (
        lambda root: lifecycle.start(opened(root), drafted(root, SKILL)).experiment,
        lambda space, made: promotion.stop(space, made, "x", dry_run=False),
    ),
    "promote": (
        lambda root: lifecycle.start(opened(root), drafted(root, SKILL)).experiment,
        lambda space, made: promotion.promote(
            space, made, promotion.ActionOptions(override="x"), dry_run=False
        ),
    ),
    "pause": (
        lambda root: lifecycle.start(opened(root), drafted(root, SKILL)).experiment,
        lifecycle.pause,
    ),
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("step", "mode"), [*((step, "crash") for step in STEPS), ("start", "eio")]
)
def test_a_fault_anywhere_is_healed_by_the_next_command(tmp_path, step, mode):
    """After it, the file is a stand-in exactly while the experiment runs here."""
    prepare, act = STEPS[step]
    template = tmp_path / "work"
    template.mkdir()
    made = prepare(template)
    made = getattr(made, "experiment_id", made)
    kept = tmp_path / "kept"
    template.rename(kept)
    texts = {Status.PROMOTED: treatment(SKILL)}

    operations = None
    for number in itertools.count(1):
        shutil.copytree(kept, template)
        files = FaultyFileSystem(number, mode)
        try:
            act(opened(template, files), made)
            operations = len(files.operations)
        except (Crash, MetaExperimentError):
            pass
        done = not files.fired
        settle(opened(template))
        (experiment,) = opened(template).store.experiments()
        found = (template / SKILL).read_bytes()
        runs = experiment.status is Status.RUNNING
        if runs and opened(template).store.started_here(experiment):
            assert b"serve-variant" in found, (number, files.operations[-1])
        else:
            wanted = texts.get(experiment.status, control(SKILL))
            assert found == wanted, (number, files.operations[-1])
        running = [entry.id for entry in index.entries(str(template)) if entry.running]
        assert running == ([made] if runs else [])
        shutil.rmtree(template)
        if done:
            break
    assert operations is not None
    assert operations > 10


def test_an_edit_beside_a_stand_in_is_kept_and_the_stand_in_is_not(root):
    """A user who opens the file sees the stand-in; what they change around it is theirs."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    stand_in_version = (root / SKILL).read_bytes()
    (root / SKILL).write_bytes(stand_in_version.replace(b"Look at it", b"Look closely"))
    assert f"stop {made}" in next(iter(unserved.drift_notes(Layout(root)).values()))
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / SKILL).read_bytes() == control(SKILL).replace(b"Look at it", b"Look closely")


def test_a_rollback_of_a_merge_gives_the_control_with_the_edit_and_no_stand_in(root):
    """What the promotion puts on record as before is what the user had, on disk and in git."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    stand_in_version = (root / SKILL).read_bytes()
    (root / SKILL).write_bytes(stand_in_version.replace(b"Look at it", b"Look closely"))
    wish = promotion.ActionOptions(override="x", merge=True)
    rehearsed = promotion.promote(opened(root), made, wish, dry_run=True)
    assert "serve-variant" not in rehearsed.diff
    promotion.promote(opened(root), made, wish, dry_run=False)
    promotion.rollback(opened(root), made, promotion.ActionOptions(), dry_run=False)
    wanted = control(SKILL).replace(b"Look at it", b"Look closely")
    assert (root / SKILL).read_bytes() == wanted
    assert git(root, "show", f"HEAD:{SKILL}").encode() == wanted
    assert changed(root) == ""


def test_a_promotion_merges_into_an_edit_beside_a_stand_in(root):
    """As it does into an edit of the control itself, and only when asked to."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    stand_in_version = (root / SKILL).read_bytes()
    (root / SKILL).write_bytes(stand_in_version.replace(b"Look at it", b"Look closely"))
    wish = promotion.ActionOptions(override="x")
    with pytest.raises(MetaExperimentError):
        promotion.promote(opened(root), made, wish, dry_run=False)
    promotion.promote(opened(root), made, replace(wish, merge=True), dry_run=False)
    wanted = treatment(SKILL).replace(b"Look at it", b"Look closely")
    assert (root / SKILL).read_bytes() == wanted


@pytest.mark.parametrize("added", [b"\nAlways be polite.\n", b"Always be polite."])
def test_a_line_added_to_a_stand_in_is_added_to_the_control(root, added):
    """What is written after the line that serves does not touch it."""
    before = HEAD.format(name="pdf").encode() + b"Read the file.\nThen stop.\n"
    (root / SKILL).parent.mkdir(parents=True)
    (root / SKILL).write_bytes(before)
    made = drafted(root, SKILL, before.replace(b"Read", b"Skim"))
    lifecycle.start(opened(root), made)
    (root / SKILL).write_bytes((root / SKILL).read_bytes() + added)
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / SKILL).read_bytes() == before + added


@pytest.mark.parametrize("way", ["stop", "panic"])
def test_an_edit_of_the_line_that_serves_is_kept_aside(root, way):
    """The prompt works again after every end; the edit is named and found in the backups."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    edited = (root / SKILL).read_bytes().replace(b'follow it."`', b'follow it, politely."`')
    (root / SKILL).write_bytes(edited)
    space = opened(root)
    if way == "stop":
        notes = promotion.stop(space, made, "x", dry_run=False).notes
    else:
        notes = recovery.panic(space).done
    assert "had been edited" in notes[0]
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert changed(root) == ""
    assert edited in backups(root)


def backups(root):
    """All that is kept in the backups."""
    folder = opened(root).layout.backups
    return [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []


@pytest.mark.parametrize("path", [COMMAND, AGENT])
def test_what_is_not_ours_at_a_place_of_ours_is_not_written_over(root, path):
    """A skill or agent of the user's own appears where ours stood: it stays, and it is said."""
    made = drafted(root, path)
    lifecycle.start(opened(root), made)
    (placed,) = PLACED[path]
    (root / placed).write_bytes(b"my own\n")
    index_before = index.find_entry(str(root), made)
    other = drafted(root, SKILL)
    moved = lifecycle.start(opened(root), other)
    if path == AGENT:  # a copy of an agent bears no mark: it is put back, and the edit kept
        assert b"my own\n" in backups(root)
        assert index_before.running
        return
    assert (root / placed).read_bytes() == b"my own\n"
    assert any("is not of this tool" in note for note in moved.notes)
    assert not index.find_entry(str(root), made).running
    (root / placed).unlink()
    reconcile(opened(root))
    assert made in (root / placed).read_text()


def test_a_prompt_made_after_an_experiment_stays(root):
    """The end of an experiment is no reason to take away what came later to the same place."""
    made = drafted(root, COMMAND)
    lifecycle.start(opened(root), made)
    promotion.stop(opened(root), made, "x", dry_run=False)
    (placed,) = PLACED[COMMAND]
    (root / placed).parent.mkdir(parents=True)
    (root / placed).write_bytes(b"my own\n")
    moved = lifecycle.start(opened(root), drafted(root, SKILL))
    assert (root / placed).read_bytes() == b"my own\n"
    assert moved.notes == ()


def test_the_next_experiment_on_a_command_is_left_alone_by_the_last(root):
    """Both have the same place; only what is served now is looked after."""
    made = drafted(root, COMMAND)
    lifecycle.start(opened(root), made)
    promotion.stop(opened(root), made, "x", dry_run=False)
    again = drafted(root, COMMAND, treatment(COMMAND) + b"Again.\n")
    lifecycle.start(opened(root), again)
    moved = lifecycle.start(opened(root), drafted(root, SKILL))
    assert moved.notes == ()
    stand_in_version = (root / PLACED[COMMAND][0]).read_bytes()
    assert again.encode() in stand_in_version
    assert stand_in_version not in backups(root)


@pytest.mark.parametrize("first", ["one", ""])
def test_roots_in_one_repository_leave_each_other_alone(root, first):
    """Two folders, or a folder and the top: what hides the one's stand-in stays with it."""
    one, two = root / first, root / "two"
    for place in (one, two):
        place.mkdir(exist_ok=True)
        (place / SKILL).parent.mkdir(parents=True)
        (place / SKILL).write_bytes(control(SKILL))
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "start")
    made = {place: drafted_in(place, SKILL) for place in (one, two)}
    stand_in_version = {}
    for place in (two, one):
        lifecycle.start(opened(place), made[place])
        stand_in_version[place] = (place / SKILL).read_bytes()
        assert b"serve-variant" in stand_in_version[place]
    assert (two / SKILL).read_bytes() == stand_in_version[two]
    promotion.stop(opened(one), made[one], "x", dry_run=False)
    assert (two / SKILL).read_bytes() == stand_in_version[two]
    (two / SKILL).touch()
    assert git(root, "status", "--short", "--", SKILL, f"two/{SKILL}") == ""
    promotion.stop(opened(two), made[two], "x", dry_run=False)
    assert not (root / ".git/meta-experiment").exists()
    left = (root / ".git/info/exclude").read_text()
    assert left.startswith("*.log\nscratch\n")
    assert all("/.claude/meta/" in line for line in left.splitlines() if line.startswith("/"))


def drafted_in(place, path):
    """Plan an experiment on a prompt file of a root inside a repository."""
    source = place.parent / "treatment.md"
    source.write_bytes(treatment(path))
    wanted = request.from_flags({}, [f"{path}={source}"], place, place)
    return creating.create(opened(place), wanted).experiment.experiment_id


def test_worktrees_may_start_at_once(root, tmp_path):
    """Each has its block in the files that they share, and none is lost."""
    made = drafted(root, COMMAND)
    trees = [tmp_path / f"tree {number}" for number in range(4)]
    for tree in trees:
        git(root, "worktree", "add", "--quiet", "--detach", str(tree))
    code = (
        "import sys, time; from pathlib import Path\n"
        "from meta_experiment.files.roots import Layout\n"
        "from meta_experiment.services.acting import lifecycle\n"
        "from meta_experiment.services.workspace import Workspace\n"
        "space = Workspace.open(Layout(Path(sys.argv[1]).resolve()), time.time)\n"
        "sys.stdin.read(); lifecycle.start(space, sys.argv[2])"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tree), made],
            stdin=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(lifecycle.__file__).parents[3])},
        )
        for tree in trees
    ]
    for process in started:
        process.stdin.close()
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    exclude = (root / ".git/info/exclude").read_text()
    assert all(
        f"meta-experiment (end of line added) {tree}" in exclude
        or f">>> meta-experiment {tree}" in exclude
        for tree in trees
    )
    assert not (root / ".git/meta-experiment").exists()


def test_a_file_of_git_that_is_a_link_is_not_written_through(root, tmp_path):
    """Other repositories may share it: lines of ours would hide their files too."""
    shared = tmp_path / "ignore"
    shared.write_bytes(b"*.mine\n")
    (root / ".git/info/exclude").unlink()
    (root / ".git/info/exclude").symlink_to(shared)
    made = drafted(root, COMMAND)
    with pytest.raises(RefusedError, match="is a link"):
        lifecycle.start(opened(root), made)
    assert shared.read_bytes() == b"*.mine\n"
    assert (root / ".git/info/exclude").is_symlink()
    assert not (root / PLACED[COMMAND][0]).exists()


@pytest.mark.parametrize("gone", [".claude/meta/local", ".claude/meta"])
@pytest.mark.parametrize("path", [COMMAND, NESTED])
def test_a_stand_in_whose_experiment_is_gone_is_found_and_taken_away(root, gone, path):
    """The command works meanwhile: the last copy the line tries is the command itself."""
    made = drafted(root, path)
    lifecycle.start(opened(root), made)
    (placed,) = PLACED[path]
    line = (root / placed).read_text()
    assert f"cat {root}/{path} 2>/dev/null || cat {path} 2>/dev/null" in line
    assert f"Read(/{root}/{path})" in line
    shutil.rmtree(root / gone)
    found = [
        item.name for item in served.orphans(opened(root), opened(root).store.experiments(), {})
    ]
    assert found == [Path(placed).parent.name]
    notes = recovery.recover(opened(root))
    assert f"{placed} was left by an experiment and is taken away." in notes
    assert not (root / ".claude/skills").exists()
    assert (root / path).read_bytes() == control(path)
    assert recovery.recover(opened(root)) == ()


def test_what_an_experiment_left_is_no_rival(root):
    """After the folder was deleted the same command can be put under experiment again."""
    lifecycle.start(opened(root), drafted(root, COMMAND))
    shutil.rmtree(root / ".claude/meta")
    again = drafted(root, COMMAND)
    lifecycle.start(opened(root), again)
    assert again in (root / PLACED[COMMAND][0]).read_text()


def test_a_skill_whose_experiment_was_cleaned_away_is_back_with_the_next_command(root):
    """What git keeps of it is enough; git sees no change before and after."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "run")
    git(root, "clean", "-qxfd")
    (finding,) = (
        served.served(opened(root), experiment, None)
        for experiment in opened(root).store.experiments()
    )
    assert "holds a stand-in" in finding.detail
    assert settle(opened(root)) == [f"{SKILL} is its original again."]
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert git(root, "diff-files") == ""
    assert not (root / ".git/meta-experiment").exists()


@pytest.mark.parametrize("path", some(TEXTS, 2))
@pytest.mark.parametrize("kept", [True, False])
def test_a_new_home_brings_every_prompt_back_until_it_is_started_again(
    tmp_path, monkeypatch, path, kept
):
    """Without the key of the machine nothing here is believed, and nothing is left behind."""
    root = tmp_path / "project"
    root.mkdir()
    if kept:
        git(root, "init", "--quiet")
    made = drafted(root, path)
    before = sorted(item for item in root.glob(".claude/[acs]*/**/*") if item.is_file())
    lifecycle.start(opened(root), made)
    monkeypatch.setenv("HOME", str(tmp_path / "new home"))
    settle(opened(root))
    (experiment,) = opened(root).store.experiments()
    after = sorted(item for item in root.glob(".claude/[acs]*/**/*") if item.is_file())
    assert after == before
    assert (root / path).read_bytes() == control(path)
    assert served.served(opened(root), experiment, None).ok
    lifecycle.start(opened(root), made)
    assert index.find_entry(str(root), made).running


@pytest.mark.parametrize("edited", [False, True])
def test_a_stand_in_that_nothing_knows_any_more_gives_way_to_the_control_that_git_has(
    root, monkeypatch, tmp_path, edited
):
    """As one of an older version: neither the index nor git's own folder tells of it."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    if edited:
        with (root / SKILL).open("a") as stream:
            stream.write("And this.\n")
    stand_in_version = (root / SKILL).read_bytes()
    monkeypatch.setenv("HOME", str(tmp_path / "new home"))
    shutil.rmtree(root / ".git/meta-experiment")
    notes = settle(opened(root))
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert any("is kept in" in note for note in notes)
    kept = [item.read_bytes() for item in opened(root).layout.backups.glob("[!.]*")]
    assert stand_in_version in kept
    assert changed(root) == ""
    lifecycle.start(opened(root), made)
    assert index.find_entry(str(root), made).running


def test_a_stand_in_is_left_where_git_holds_another_text_than_the_control(
    root, monkeypatch, tmp_path
):
    """What that was is not ours to say."""
    made = drafted(root, SKILL)
    (root / SKILL).write_bytes(b"Another text.\n")
    git(root, "commit", "--quiet", "-a", "-m", "other")
    (root / SKILL).write_bytes(control(SKILL))
    lifecycle.start(opened(root), made)
    stand_in_version = (root / SKILL).read_bytes()
    monkeypatch.setenv("HOME", str(tmp_path / "new home"))
    shutil.rmtree(root / ".git/meta-experiment")
    settle(opened(root))
    assert (root / SKILL).read_bytes() == stand_in_version


def test_a_repository_made_under_a_running_experiment_sees_nothing_either(tmp_path):
    """From the next command on, what stands there is hidden."""
    root = tmp_path / "project"
    (root / SKILL).parent.mkdir(parents=True)
    (root / SKILL).write_bytes(control(SKILL))
    lifecycle.start(opened(root), drafted(root, SKILL))
    git(root, "init", "--quiet", "--initial-branch=main")
    settle(opened(root))
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "all")
    assert git_bytes(root, "show", f"HEAD:{SKILL}") == control(SKILL)


def test_a_mode_that_the_user_changed_is_not_staged(root):
    """The index is the user's; only the size that it noted for a file is brought up to date."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    (root / SKILL).chmod(0o755)
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert git(root, "diff-index", "--cached", "HEAD") == ""
    assert (
        git(root, "diff-files", "--summary").strip() == f"mode change 100644 => 100755 {SKILL}"
    )


def test_a_skill_that_only_mentions_the_line_is_left_alone(root):
    (root / ".claude/commands").mkdir(parents=True)
    (root / COMMAND).write_bytes(control(COMMAND))
    skill = root / PLACED[COMMAND][0]
    skill.parent.mkdir(parents=True)
    skill.write_text("Write !`serve-variant exp-1@TOKEN` here.\n")
    recovery.recover(opened(root))
    assert skill.exists()


def test_what_cannot_be_served_is_refused_before_anything_is_stored(root):
    """`create --start` leaves no draft behind that holds the file and the old text."""
    (root / COMMAND).parent.mkdir(parents=True)
    (root / COMMAND).write_bytes(control(COMMAND))
    source = root.parent / "treatment.md"
    source.write_bytes(b"---\nmodel: haiku\n---\nReview at once.\n")
    space = opened(root)
    wanted = request.from_flags({}, [f"{COMMAND}={source}"], root, root)
    with pytest.raises(RefusedError, match="frontmatter"):
        creating.create(space, wanted, check=partial(lifecycle.require_startable, space))
    assert not (root / ".claude/meta/variants").exists()
    assert space.store.experiments() == []


def test_a_draft_that_cannot_start_says_how_to_go_on(root):
    made = drafted(root, COMMAND, b"---\nmodel: haiku\n---\nReview at once.\n")
    with pytest.raises(RefusedError) as refusal:
        lifecycle.start(opened(root), made)
    assert f"meta-experiment stop {made}" in refusal.value.hint


def test_a_stand_in_is_nobodys_control(root):
    """A plan made from it would promote the line that serves another plan."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    (root / "copy.md").write_bytes((root / SKILL).read_bytes())
    with pytest.raises(RefusedError, match="serves another experiment"):
        drafted(root, "copy.md", b"other\n")


@pytest.mark.parametrize("path", [COMMAND, SKILL])
def test_copies_of_a_checkout_fall_back_each_to_its_own_control(tmp_path, path):
    """Both call an experiment alike; what is kept of its prompt is not the other's."""
    first, second = tmp_path / "first", tmp_path / "second"
    (first / path).parent.mkdir(parents=True)
    opened(first).store.checkout()
    shutil.copytree(first, second)
    (first / path).write_bytes(control(path))
    (second / path).write_bytes(control(path).replace(b"slowly", b"in turn"))
    own = {root: (root / path).read_bytes() for root in (first, second)}
    made = [drafted(root, path) for root in own]
    assert made[0] == made[1]
    for root in own:
        lifecycle.start(opened(root), made[0])
    for root, text in own.items():
        (stand_in,) = PLACED[path] or [path]
        printed = re.search(r"cat (\S*/served/\S+)", (root / stand_in).read_text())[1]
        assert Path(printed).read_bytes().strip() == text.rpartition(b"---\n")[2].strip()
