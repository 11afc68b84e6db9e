"""Stand-ins that nothing knows any more are found, and give way to the user's text."""

import shutil
from pathlib import Path

import pytest
from tests.everyday import some
from tests.support.git import git
from tests.support.serving import (
    COMMAND,
    NESTED,
    PLACED,
    SKILL,
    TEXTS,
    changed,
    control,
    drafted,
    opened,
)

from meta_experiment.protocol import index
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.health import recovery
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.serving import served


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
    assert finish_unless_busy(opened(root)) == [f"{SKILL} is its original again."]
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert git(root, "diff-files") == ""
    assert not (root / ".git/meta-experiment").exists()


@pytest.mark.parametrize("broken", ["local/live/{made}/shim", "active.idx"])
def test_git_sees_no_change_where_the_rest_cannot_be_brought_up_to_date(root, broken):
    """The user's text is back, and git notes its size, though what follows is in the way."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    (root / ".claude/meta/active.idx").write_bytes(b"not ours")
    place = root / ".claude/meta" / broken.format(made=made)
    place.unlink()
    place.mkdir()
    (note,) = recovery.recover(opened(root))
    assert "Is a directory" in note
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert git(root, "diff-files", SKILL) == ""


@pytest.mark.parametrize("path", some(TEXTS, 1))
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
    finish_unless_busy(opened(root))
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
    notes = finish_unless_busy(opened(root))
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
    finish_unless_busy(opened(root))
    assert (root / SKILL).read_bytes() == stand_in_version
