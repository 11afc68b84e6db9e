"""Skills compared with their folders: planned, promoted, rolled back, refused."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.faults import Crash, FaultyFileSystem
from tests.support.git import git

from meta_experiment.errors import (
    ConflictError,
    DriftError,
    MetaExperimentError,
    NotFoundError,
    RefusedError,
    UnsafePathError,
    UsageError,
)
from meta_experiment.files.confine import Content
from meta_experiment.files.roots import Layout
from meta_experiment.model.plan_document import plan_sha256
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.acting.promotion import ActionOptions
from meta_experiment.services.health import recovery, verifying
from meta_experiment.services.planning import creating, request
from meta_experiment.services.recording import assigning
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Status

SKILL = ".claude/skills/notes"
TEXT = "---\nname: notes\ndescription: Writes notes\n---\n\nRun scripts/check.sh.\n"
CONTROL = {
    "SKILL.md": TEXT,
    "scripts/check.sh": "#!/bin/sh\necho old\n",
    "assets/logo.png": b"\x89PNG\0\xff",
    "references/same.md": "The same.\n",
}
PROGRAMS = ("scripts/check.sh",)


def lay(folder, files, programs=()):
    """Write files into a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        path.chmod(0o755 if name in programs else 0o644)


def seen(folder):
    """Return all below a folder: bytes and modes of files, folders by their name."""
    return {
        path.relative_to(folder).as_posix(): (
            None if path.is_dir() else (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        )
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A skill with its folder in a repository."""
    root = tmp_path_factory.mktemp("template")
    lay(root / SKILL, CONTROL, PROGRAMS)
    (root / ".gitignore").write_text("*.log\nbuilt/\n.claude/meta/\n")
    git(root, "init", "--quiet", "--initial-branch=main", ".")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "start")
    return root


@pytest.fixture
def project(template, tmp_path, monkeypatch):
    """A copy of it for one test, and a variant outside."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = tmp_path / "project"
    shutil.copytree(template, root)
    new = {**CONTROL, "scripts/check.sh": "#!/bin/sh\necho new\n", "tools/add.py": "print(1)\n"}
    del new["assets/logo.png"]
    lay(tmp_path / "new", new, (*PROGRAMS, "tools/add.py"))
    return root


@pytest.fixture
def space(project):
    return Workspace.open(Layout(project), iter(range(1_760_000_000, 1_770_000_000)).__next__)


def made(space, *flags, unit="case", **more):
    wanted = {"name": "notes", "unit": unit, "metrics": {"primary": "success"}, **more}
    named = flags or (f"{SKILL}={space.root.parent / 'new'}",)
    return creating.create(
        space, request.from_flags(wanted, named, space.root, space.root), manual=True
    )


def started(space, *flags, **more):
    name = made(space, *flags, **more).experiment_id
    lifecycle.start(space, name, manual=True)
    return name


def promote(space, name, **options):
    wanted = ActionOptions(override="because", **options)
    return promotion.promote(space, name, wanted, dry_run=False)


def rollback(space, name, **options):
    return promotion.rollback(space, name, ActionOptions(**options), dry_run=False)


def test_a_plan_has_every_file_of_both_folders_and_says_what_is_not_alike(space):
    planned = made(space)
    plan, versions = planned.experiment.plan, planned.experiment.versions
    assert plan.files == (f"{SKILL}/SKILL.md",)
    kinds = {
        path.removeprefix(f"{SKILL}/"): tuple(arms[name] is not None for name in arms)
        for path, arms in versions.items()
    }
    assert kinds == {
        "SKILL.md": (True, True),
        "assets/logo.png": (True, False),
        "references/same.md": (True, True),
        "scripts/check.sh": (True, True),
        "tools/add.py": (False, True),
    }
    assert versions[f"{SKILL}/tools/add.py"]["treatment"].mode == 0o755
    (note,) = [note for note in planned.notes if note.startswith("treatment ")]
    assert note == (
        f"treatment changes {SKILL}/scripts/check.sh; adds {SKILL}/tools/add.py; "
        f"removes {SKILL}/assets/logo.png."
    )
    arm = space.store.variant(planned.experiment, "treatment")
    assert arm[f"{SKILL}/assets/logo.png"] is None
    assert arm[f"{SKILL}/tools/add.py"].data == b"print(1)\n"
    assert space.store.experiment(planned.experiment_id) == planned.experiment


def test_the_plan_is_hashed_with_modes_and_what_is_not_there(space):
    experiment = made(space).experiment
    path = f"{SKILL}/scripts/check.sh"
    hashes = {experiment.plan_sha256}
    for other in (None, type(experiment.versions[path]["control"])("0" * 64, 0o755)):
        arms = {**experiment.versions[path], "treatment": other}
        hashes.add(plan_sha256(experiment.plan, {**experiment.versions, path: arms}))
    version = experiment.versions[path]["treatment"]
    arms = {**experiment.versions[path], "treatment": type(version)(version.sha256, 0o644)}
    hashes.add(plan_sha256(experiment.plan, {**experiment.versions, path: arms}))
    assert len(hashes) == 4


@pytest.mark.long
def test_the_winner_is_installed_whole_in_one_commit_and_taken_back_to_the_byte(space):
    before, name = seen(space.root / SKILL), started(space)
    (space.root / "other.txt").write_text("mine\n")
    git(space.root, "add", "other.txt")
    (space.root / SKILL / "mine.md").write_text("A new file of the user's.\n")
    done = promote(space, name)
    assert [(item.path.rpartition("/")[2], item.change) for item in done.files] == [
        ("logo.png", "removed"), ("check.sh", "changed"), ("add.py", "added"),
        ("SKILL.md", "unchanged"), ("same.md", "unchanged"),
    ]  # fmt: skip
    installed = seen(space.root / SKILL)
    assert installed.pop("mine.md")
    assert installed == seen(space.root.parent / "new")
    status = ("show", "--name-status", "--format=", "HEAD")
    assert git(space.root, *status).splitlines() == [
        f"D\t{SKILL}/assets/logo.png",
        f"M\t{SKILL}/scripts/check.sh",
        f"A\t{SKILL}/tools/add.py",
    ]
    assert git(space.root, "ls-files", "-s", "--", f"{SKILL}/tools/add.py").startswith("100755")
    assert [item.detail for item in verifying.verify(space).findings if not item.ok] == []
    lifecycle_before = git(space.root, "status", "--porcelain")
    back = rollback(space, name)
    assert [(item.path.rpartition("/")[2], item.change) for item in back.files] == [
        ("logo.png", "restored"), ("check.sh", "restored"), ("add.py", "removed"),
    ]  # fmt: skip
    (space.root / SKILL / "mine.md").unlink()
    assert seen(space.root / SKILL) == before
    assert git(space.root, "diff", "HEAD~2", "HEAD", "--stat") == ""
    assert git(space.root, "status", "--porcelain") == "A  other.txt\n"
    assert lifecycle_before == f"A  other.txt\n?? {SKILL}/mine.md\n"


@pytest.mark.long
def test_a_program_bit_alone_is_a_difference(space, tmp_path):
    lay(tmp_path / "bits", CONTROL)  # the script is no program here
    name = started(space, f"{SKILL}={tmp_path / 'bits'}")
    promote(space, name)
    script = space.root / SKILL / "scripts/check.sh"
    assert stat.S_IMODE(script.stat().st_mode) == 0o644
    assert "old mode 100755" in git(space.root, "show", "HEAD")
    rollback(space, name)
    assert stat.S_IMODE(script.stat().st_mode) == 0o755


def test_a_promotion_is_refused_when_any_file_of_the_folder_is_another(space):
    name, folder = started(space), space.root / SKILL
    for path in (*CONTROL, "tools/add.py"):
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        known = file.read_bytes() if file.exists() else None
        for spoiled in (b"edited meanwhile\n", None):
            if spoiled is not None:
                file.write_bytes(spoiled)
            elif known is not None and path != "assets/logo.png":  # which is to go
                file.unlink()
            else:
                continue
            before = seen(folder)
            said = f"{re.escape(path)} was changed since"
            with pytest.raises(DriftError, match=said) as refused:
                promote(space, name)
            mergeable = path not in ("assets/logo.png", "tools/add.py")
            assert ("--merge" in refused.value.hint) == mergeable
            assert seen(folder) == before
        file.unlink(missing_ok=True)
        if known is not None:
            lay(folder, {path: known}, PROGRAMS)
    assert promote(space, name).commit


def test_verify_names_what_is_not_the_control(space):
    started(space)
    folder = space.root / SKILL
    (folder / "references/same.md").write_text("edited\n")
    (folder / "assets/logo.png").unlink()
    lay(folder, {"tools/add.py": "mine\n"})
    found = [item.detail for item in verifying.verify(space).findings if not item.ok]
    for said in ("same.md is not the control any more", "logo.png is gone", "add.py is there"):
        assert any(said in detail for detail in found), (said, found)


@pytest.mark.long
def test_edits_are_carried_along_with_merge(space):
    name = started(space)
    same = space.root / SKILL / "references/same.md"
    same.write_text("Edited meanwhile.\n")
    promote(space, name, merge=True)
    assert same.read_text() == "Edited meanwhile.\n"
    assert seen(space.root / SKILL)["tools/add.py"] == (b"print(1)\n", 0o755)
    same.write_text("Edited later.\n")  # what was not promoted is not taken back
    rollback(space, name)
    assert same.read_text() == "Edited later.\n"


def test_a_start_is_refused_where_the_folder_is_not_the_controls(space):
    name = made(space).experiment_id
    lay(space.root / SKILL, {"tools/add.py": "mine\n"})
    with pytest.raises(DriftError, match=r"tools/add\.py is not the control"):
        lifecycle.start(space, name, manual=True)


def test_what_cannot_be_served_is_refused_with_the_way_to_run_it(space):
    name = made(space, unit="session", metrics={"primary": "active_seconds"}).experiment_id
    with pytest.raises(RefusedError, match=r"differ in .*logo\.png and 2 more") as refused:
        lifecycle.start(space, name)
    assert "meta-experiment run ID --cases PATH" in refused.value.hint
    assert space.store.experiment(name).status is Status.DRAFT
    with pytest.raises(ConflictError, match="already under experiment"):
        made(space, f"{SKILL}/SKILL.md={space.root.parent / 'new/scripts/check.sh'}")


def test_on_cases_a_start_names_the_run(space):
    name = made(space).experiment_id
    assert f"meta-experiment run {name} --cases PATH" in lifecycle.start(space, name).sentence


@pytest.mark.long
def test_texts_alone_are_served_as_ever(space, tmp_path):
    lay(tmp_path / "text", {**CONTROL, "SKILL.md": TEXT + "\nBe brief.\n"}, PROGRAMS)
    named = (f"{SKILL}={tmp_path / 'text'}",)
    metric = {"metrics": {"primary": "active_seconds"}}
    name = made(space, *named, unit="session", **metric).experiment_id
    lifecycle.start(space, name)
    assert "serve-variant" in (space.root / SKILL / "SKILL.md").read_text()
    assert git(space.root, "status", "--porcelain") == ""
    promote(space, name)
    assert seen(space.root / SKILL) == seen(tmp_path / "text")


def test_several_variants_and_single_files_beside_a_folder(space, tmp_path):
    lay(tmp_path / "other", {"SKILL.md": TEXT})
    (tmp_path / "claude.md").write_text("Be brief.\n")
    (space.root / "CLAUDE.md").write_text("Be kind.\n")
    planned = made(
        space,
        f"a:{SKILL}={tmp_path / 'new'}",
        f"b:{SKILL}={tmp_path / 'other'}",
        f"b:CLAUDE.md={tmp_path / 'claude.md'}",
    )
    experiment = planned.experiment
    assert experiment.plan.files == (f"{SKILL}/SKILL.md", "CLAUDE.md")
    arms = {
        name: {
            path.rpartition("/")[2]
            for path, content in space.store.variant(experiment, name).items()
            if content
        }
        for name in ("control", "a", "b")
    }
    assert arms == {
        "control": {"SKILL.md", "check.sh", "logo.png", "same.md", "CLAUDE.md"},
        "a": {"SKILL.md", "check.sh", "same.md", "add.py", "CLAUDE.md"},
        "b": {"SKILL.md", "CLAUDE.md"},
    }
    lifecycle.start(space, experiment.experiment_id, manual=True)
    given = assigning.assign(space, experiment.experiment_id, "u")
    names = {path.rpartition("/")[2] for path in given.contents}
    assert names == arms[given.variant]
    assert all(Path(path).is_file() for path in given.contents.values())
    assert {*given.absent} == experiment.versions.keys() - given.contents.keys()


def test_what_git_ignores_in_the_skills_place_is_no_part_of_it(space, tmp_path):
    left = {
        "run.log": "x",
        "built/a.bin": "x",
        "scripts/__pycache__/a.pyc": "x",
        ".DS_Store": "x",
    }
    lay(space.root / SKILL, left)
    lay(tmp_path / "new", {**left, "built/b.bin": "x", ".git/config": "x"})
    names = [path.rpartition("/")[2] for path in made(space).experiment.versions]
    assert names == ["SKILL.md", "logo.png", "same.md", "check.sh", "add.py"]


def test_a_skill_that_git_ignores_as_a_whole_is_compared_all_the_same(space):
    (space.root / ".gitignore").write_text(".claude/\n")
    git(space.root, "rm", "-rq", "--cached", ".claude")
    git(space.root, "commit", "-qam", "ignored")
    name = started(space)
    assert len(space.store.experiment(name).versions) == 5
    done = promote(space, name)
    assert done.commit is None
    assert seen(space.root / SKILL) == seen(space.root.parent / "new")
    rollback(space, name)
    assert git(space.root, "ls-files", "--", ".claude") == ""


def link(folder):
    (folder / "linked.md").symlink_to("/etc/hostname")


def link_of_folders(folder):
    (folder / "linked").symlink_to("/etc")


def fifo(folder):
    os.mkfifo(folder / "pipe")


def many(folder):
    lay(folder, {f"many/{number}.md": "x" for number in range(501)})


def large(folder):
    for name in "abc":
        with (folder / name).open("wb") as stream:
            stream.truncate(12 << 20)


def settings(folder):
    lay(folder, {"assets/hooks.json": "{}"})


def cases(folder):
    lay(folder, {"scripts/Check.sh": "x"})


def file_for_folder(folder):
    lay(folder, {"assets": "x"})


def control_character(folder):
    lay(folder, {"a\nb.md": "x"})


def no_text(folder):
    (folder / os.fsdecode(b"\xff.md")).write_text("x")


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (link, UnsafePathError, "symbolic link"),
        (link_of_folders, UnsafePathError, "symbolic link"),
        (fifo, UnsafePathError, "no regular file"),
        (many, UsageError, "more than 500 files"),
        (large, UsageError, "more than 32 MB"),
        (settings, RefusedError, "holds settings of the client"),
        (cases, RefusedError, "upper and lower case"),
        (file_for_folder, RefusedError, "a folder in another"),
        (control_character, UnsafePathError, "control character"),
        (no_text, UnsafePathError, "no name in UTF-8"),
        (lambda folder: (folder / "SKILL.md").unlink(), NotFoundError, r"no SKILL\.md"),
        (lambda folder: (folder / "SKILL.md").write_text(""), UsageError, "needs a text"),
    ],
)
def test_what_is_no_sound_folder_is_refused_and_nothing_is_written(
    space, tmp_path, spoil, error, said
):
    spoil(tmp_path / "new")
    with pytest.raises(MetaExperimentError, match=said) as refused:
        made(space)
    assert type(refused.value) is error
    assert space.store.experiments() == []


def test_settings_of_the_client_that_stay_as_they_are_do_not_matter(space, tmp_path):
    for folder in (space.root / SKILL, tmp_path / "new"):
        settings(folder)
    assert f"{SKILL}/assets/hooks.json" not in made(space).experiment.versions


@pytest.mark.parametrize(
    ("flag", "error", "said"),
    [
        ("{skill}={new}/SKILL.md", UsageError, "is a folder and .* a file"),
        ("{skill}/SKILL.md={new}", UsageError, "is a file and .* a folder"),
        (".claude/skills={new}", NotFoundError, r"no SKILL\.md"),
        ("{skill}={skill}", UsageError, "the same bytes"),
        ("{skill}={skill}/drafts", RefusedError, "lies within"),
        ("{skill}/scripts/check.sh={new}/scripts/check.sh", RefusedError, "no prompt file"),
        ("lonely={new}", UsageError, None),
    ],
)  # fmt: skip
def test_what_is_no_folder_of_a_skill_is_refused(space, tmp_path, flag, error, said):
    lay(space.root / SKILL / "drafts", {"SKILL.md": TEXT})
    named = flag.format(skill=SKILL, new=tmp_path / "new")
    if said is None:
        lay(space.root / ".hidden", {"SKILL.md": TEXT})
        named, error, said = f".hidden={tmp_path / 'new'}", RefusedError, "no folder of a skill"
    with pytest.raises(error, match=said):
        made(space, named)


@pytest.mark.parametrize("begun", [False, True])
def test_a_registry_that_names_a_file_beside_the_folder_is_not_followed(space, begun):
    """What a commit may write into the registry lets no program be put anywhere else."""
    experiment = made(space).experiment
    arms = {"control": None, "treatment": Content(b"all:\n", 0o644).version}

    def spoiled(before):
        return replace(before, versions={**before.versions, "Makefile": arms})

    name = experiment.experiment_id
    if begun:
        lifecycle.start(space, name, manual=True)
    space.store.change(name, spoiled)
    contents = {"Makefile": {"treatment": Content(b"all:\n", 0o644)}}
    space.store.save_variants(name, contents)
    act = promote if begun else partial(lifecycle.start, manual=True)
    with pytest.raises(RefusedError, match="Makefile is no prompt file"):
        act(space, name)
    assert not (space.root / "Makefile").exists()


@pytest.mark.long
@pytest.mark.parametrize("verb", ["promote", "rollback"])
def test_a_death_anywhere_leaves_the_whole_folder_old_or_new(space, tmp_path, verb):
    """Files, commit, registry and status are those of before or after, and nothing between."""
    name = started(space)
    if verb == "rollback":
        promote(space, name)
    act, kept = {"promote": promote, "rollback": rollback}[verb], tmp_path / "kept"
    shutil.copytree(space.root, kept, symlinks=True)

    def anew(files=None):
        shutil.rmtree(space.root)
        shutil.copytree(kept, space.root, symlinks=True)
        return again(files)

    def again(files=None):
        return Workspace.open(Layout(space.root), space.clock, files=files)

    def state():
        tree = git(space.root, "rev-parse", "HEAD^{tree}")
        index = git(space.root, "ls-files", "-s")
        status = again().store.experiment(name).status
        return seen(space.root / SKILL), tree, index, status

    counting = FaultyFileSystem()
    opened = anew(counting)
    before = state()
    act(opened, name)
    after, count = state(), len(counting.operations)
    found = []
    for fail_at in range(1, count + 1, 3):
        opened = anew(FaultyFileSystem(fail_at, "torn"))
        with contextlib.suppress(Crash):
            act(opened, name)
        recovery.recover(again())
        found.append(state())
        assert found[-1] in (before, after), opened.files.operations[-3:]
        assert not again().deployer.pending()
    assert before in found
    assert after in found
