"""Edits of a prompt while a stand-in is in its place: no text of anybody is lost."""

from dataclasses import replace

import pytest
from tests.support.git import git
from tests.support.serving import (
    AGENT,
    COMMAND,
    HEAD,
    PLACED,
    SKILL,
    backups,
    changed,
    control,
    drafted,
    opened,
    treatment,
)

from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import index
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.health import recovery
from meta_experiment.services.serving import unserved
from meta_experiment.services.serving.reconciliation import reconcile


def test_an_edit_beside_a_stand_in_is_kept_and_the_stand_in_is_not(root):
    """A user who opens the file sees the stand-in; what they change around it is theirs."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    stand_in_version = (root / SKILL).read_bytes()
    (root / SKILL).write_bytes(stand_in_version.replace(b"Look at it", b"Look closely"))
    assert f"stop {made}" in next(iter(unserved.drift_notes(Layout(root)).values()))
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / SKILL).read_bytes() == control(SKILL).replace(b"Look at it", b"Look closely")


@pytest.mark.long
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
