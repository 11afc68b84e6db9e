"""What `start` puts on disk, what git sees of it, and that every end brings everything back."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.everyday import some
from tests.support.git import git
from tests.support.serving import (
    COMMAND,
    FORMS,
    PLACED,
    SKILL,
    TEXTS,
    changed,
    control,
    drafted,
    git_bytes,
    opened,
    treatment,
    unseen_state,
)

from meta_experiment.errors import RefusedError
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import index, places
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.health import recovery
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.planning import creating, request
from meta_experiment.services.serving import unserved
from meta_experiment.services.serving.freshness import stale
from meta_experiment.services.serving.reconciliation import reconcile


@pytest.mark.parametrize("path", some(TEXTS, 2))
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


@pytest.mark.long
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


@pytest.mark.long
@pytest.mark.parametrize("path", some(TEXTS, 2))
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


@pytest.mark.long
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

    def renamed(item):
        plan = replace(item.plan, files=(".envrc",))
        return replace(item, plan=plan, versions={".envrc": item.versions[COMMAND]})

    space.store.change(made, renamed)
    with pytest.raises(RefusedError, match="no prompt file"):
        lifecycle.start(opened(root), made, manual=True)


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


def test_a_repository_made_under_a_running_experiment_sees_nothing_either(tmp_path):
    """From the next command on, what stands there is hidden."""
    root = tmp_path / "project"
    (root / SKILL).parent.mkdir(parents=True)
    (root / SKILL).write_bytes(control(SKILL))
    lifecycle.start(opened(root), drafted(root, SKILL))
    git(root, "init", "--quiet", "--initial-branch=main")
    finish_unless_busy(opened(root))
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
