"""A fault at every operation: afterwards everything is as before, or everything is done."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass

import pytest
from tests.deploy.conftest import COMMAND, CONTROL, SKILL, TREATMENT, Recording, World
from tests.everyday import some
from tests.faults import FATAL, REFUSING, Crash, FaultyFileSystem, telling

from meta_experiment.deploy import Ending, unseen
from meta_experiment.errors import DependencyError, GitError, MetaExperimentError, StorageError
from meta_experiment.files.confine import Content
from meta_experiment.git import Git, command
from meta_experiment.types import Action

PROMOTE = {"before": CONTROL, "after": TREATMENT, "action": Action.PROMOTE}
ROLLBACK = {"before": TREATMENT, "after": CONTROL, "action": Action.ROLLBACK}
# The folder of a skill: its text changes its mode alone, a program changes, one comes, a
# picture goes, each of these in a folder of its own.
FOLDER = {
    "before": {
        SKILL: CONTROL[SKILL],
        "s/run.sh": Content(b"old\n", 0o644),
        "s/new/add.py": None,
        "s/old/a.png": Content(b"\x89\0", 0o644),
    },
    "after": {
        SKILL: Content(CONTROL[SKILL].data, 0o640),
        "s/run.sh": Content(b"new\n", 0o755),
        "s/new/add.py": Content(b"new\n", 0o755),
        "s/old/a.png": None,
    },
    "action": Action.PROMOTE,
    "beside": SKILL,
}
BACK = {
    **FOLDER, "before": FOLDER["after"], "after": FOLDER["before"], "action": Action.ROLLBACK
}  # fmt: skip
CHANGES = {"promote": PROMOTE, "rollback": ROLLBACK, "folder": FOLDER}
WITH_GIT = {**CHANGES, "back": BACK}


class Counter:
    """Counts the runs of git and says which of them fails, and how."""

    def __init__(self, files, fail_at=None, mode="refuse"):
        self.files = files
        self.fail_at = fail_at
        self.mode = mode
        self.runs = 0


@dataclass(frozen=True)
class FaultyGit(Git):
    """Git that refuses its N-th run, or after which the whole process dies."""

    counter: Counter | None = None

    def _spawn(self, *arguments, **options):
        counter = self.counter
        if counter.files.dead:
            raise Crash
        counter.runs += 1
        due = counter.runs == counter.fail_at
        if due and counter.mode == "refuse":
            raise GitError("injected refusal")
        finished = Git._spawn(self, *arguments, **options)
        if due and counter.mode == "death":
            counter.files.dead = True
            raise Crash
        return finished


class Bench:
    """Starts the same change again and again from the same state, in fresh folders."""

    def __init__(self, folder, change, *, with_git):
        self.folder = folder
        self.change = change
        self.commit = with_git
        template = World(folder / "template")
        template.root.mkdir()
        for path, content in change["before"].items():
            if content is not None:
                template.write(path, content)
        if with_git:
            self._commit_all(template)
        self.template = template
        self.before = self.state(template)
        self.after, self.names, self.runs = self._whole()
        self.operations = len(self.names)

    def _commit_all(self, world):
        world.git("init", "-q", "-b", "main")
        (world.root / ".git/info/exclude").write_text(".claude/meta/\n")
        (world.root / "other.txt").write_text("committed\n")
        world.git("add", "-A")
        world.git("commit", "-qm", "start")
        (world.root / "other.txt").write_text("staged\n")
        world.git("add", "other.txt")
        (world.root / "other.txt").write_text("unstaged\n")

    def fresh(self):
        """Return a copy of the project as it is before the change, for a process of its own."""
        command._versions.clear()
        unseen._found.clear()
        root = self.folder / "copy"
        if root.exists():
            shutil.rmtree(root)
        shutil.copytree(self.template.root, root, symlinks=True)
        return World(root)

    def state(self, world):
        found = world.state()
        found["files"] = {path: world.read(path) for path in self.change["before"]}
        found["folders"] = sorted(
            path.relative_to(world.root).as_posix()
            for path in world.root.rglob("*")
            if path.is_dir() and not {".git", "meta"}.intersection(path.parts)
        )
        return found

    def run(self, world, files, git=None):
        git = git or Git.find(world.root)
        return world.promote(files, git, commit=self.commit, **self.change)

    def _whole(self):
        world, files = self.fresh(), FaultyFileSystem()
        counter = Counter(files)
        self.run(world, files, faulty(world, counter))
        return self.state(world), [name for name, _ in files.operations], counter.runs

    def settle(self, world):
        """Recover with a sound disk and check that the result is whole and clean."""
        report = world.recover()
        found = self.state(world)
        assert found in (self.before, self.after)
        assert world.litter() == []
        assert world.recover() == ()
        assert self.state(world) == found
        finished = found == self.after
        for recovered in report:
            assert recovered.left == ()
            assert (recovered.outcome is Ending.FINISHED) == finished
        return finished


def faulty(world, counter):
    git = Git.find(world.root)
    return FaultyGit(git.program, git.directory, counter=counter)


@pytest.fixture(params=some(CHANGES, 1))
def bench(request, tmp_path):
    return Bench(tmp_path, CHANGES[request.param], with_git=False)


@pytest.fixture
def git_bench(tmp_path):
    return Bench(tmp_path, PROMOTE, with_git=True)


def attempt(bench, world, files, git=None):
    """Run the change and return the error that it was refused with, if any."""
    try:
        bench.run(world, files, git)
    except MetaExperimentError as error:
        return error
    return None


def disks(bench, modes):
    """Return for each mode and operation of the disk one that fails there."""
    return [
        FaultyFileSystem(place, mode) for mode in modes for place in telling(mode, bench.names)
    ]


def disks_of(bench, mode):
    """Return for every operation a disk that fails there in one way."""
    return [FaultyFileSystem(place, mode) for place in range(1, bench.operations + 1)]


def crash_everywhere(bench, failing):
    """Die on every disk; return whether each change came through."""
    finished = []
    for files in failing:
        world = bench.fresh()
        with pytest.raises(Crash):
            bench.run(world, files)
        finished.append(bench.settle(world))
    return finished


def refuse_everywhere(bench, failing):
    """Be refused by every disk."""
    for files in failing:
        world = bench.fresh()
        error = attempt(bench, world, files)
        if error:
            assert isinstance(error, StorageError)
            assert "injected" in error.message
            assert error.hint
            assert bench.state(world) == bench.before, files.operations
            assert world.litter() == []
            assert not world.deployer().pending()
        else:  # an empty folder may be left to the next command
            done = bench.state(world) | {"folders": bench.after["folders"]}
            assert done == bench.after, files.operations
            assert bench.settle(world)


def test_a_death_at_every_operation_is_finished_or_undone(bench):
    """Without git, a process that dies anywhere leaves what the next one makes whole."""
    finished = crash_everywhere(bench, disks(bench, FATAL))
    assert {True, False} == set(finished)


def test_a_refusal_at_every_operation_leaves_everything_as_before(bench):
    """Without git, no space, a broken disk or no permission anywhere undoes everything."""
    refuse_everywhere(bench, disks(bench, REFUSING))


@pytest.mark.long
@pytest.mark.parametrize("change", WITH_GIT)
def test_a_death_at_every_operation_with_git(tmp_path, change):
    """With git, branch and index are part of all or nothing."""
    bench = Bench(tmp_path, WITH_GIT[change], with_git=True)
    finished = crash_everywhere(bench, disks_of(bench, "torn"))
    assert {True, False} == set(finished)


@pytest.mark.long
def test_a_refusal_at_every_operation_with_git(git_bench):
    """With git, a disk that refuses anywhere leaves branch and index as they were."""
    refuse_everywhere(git_bench, disks_of(git_bench, "enospc"))


def test_a_disk_that_stays_full_is_cleared_up_later(bench):
    """When there is no space even for undoing, the next process does it."""
    for fail_at in range(1, bench.operations + 1):
        world = bench.fresh()
        error = attempt(bench, world, FaultyFileSystem(fail_at, "enospc", lasting=True))
        if error and world.deployer().pending():
            assert "still on record" in error.message
        bench.settle(world)


@pytest.mark.long
def test_a_death_after_every_run_of_git(git_bench):
    """A death between any two runs of git is finished or undone."""
    finished = set()
    for fail_at in range(1, git_bench.runs + 1):
        world, files = git_bench.fresh(), FaultyFileSystem()
        counter = Counter(files, fail_at, "death")
        with pytest.raises(Crash):
            git_bench.run(world, files, faulty(world, counter))
        finished.add(git_bench.settle(world))
    assert finished == {True, False}


@pytest.mark.long
def test_a_refusal_at_every_run_of_git(git_bench):
    """Whichever run of git fails, everything is as before, or done when it did not matter."""
    refused = 0
    for fail_at in range(1, git_bench.runs + 1):
        world, files = git_bench.fresh(), FaultyFileSystem()
        error = attempt(git_bench, world, files, faulty(world, Counter(files, fail_at)))
        if error:
            assert isinstance(error, GitError)
            assert "injected" in error.message
            assert git_bench.state(world) == git_bench.before
            refused += 1
        else:
            assert git_bench.state(world) == git_bench.after
        assert world.litter() == []
        assert not world.deployer().pending()
    assert refused >= git_bench.runs - 2  # only the last two are courtesies


def test_a_death_while_recovering_is_recovered(bench):
    """Recovery itself may die anywhere, twice over, and the third one makes it whole."""
    middle = bench.operations // 2
    for first in (middle, bench.operations - 1):
        for second in range(1, 12):
            world = bench.fresh()
            with pytest.raises(Crash):
                bench.run(world, FaultyFileSystem(first, "crash"))
            files = FaultyFileSystem(second, "torn")
            with contextlib.suppress(Crash):
                world.deployer(files).recover(world.registry_step(files))
            bench.settle(world)


def test_an_edit_after_the_death_is_left_alone(tmp_path):
    """A file that somebody edited before recovery keeps the edit, and the report names it."""
    bench = Bench(tmp_path, PROMOTE, with_git=False)
    for fail_at in range(1, bench.operations + 1):
        world = bench.fresh()
        with pytest.raises(Crash):
            bench.run(world, FaultyFileSystem(fail_at))
        mine = Content(b"edited after the crash\n", 0o644)
        world.write(COMMAND, mine)
        report = world.recover()
        assert world.read(COMMAND) == mine
        assert world.read(SKILL) == CONTROL[SKILL] or world.settled
        assert all(recovered.left in ((), (COMMAND,)) for recovered in report)
        assert world.litter() == []


def test_a_link_put_in_the_way_after_the_death_is_left_alone(tmp_path):
    """A file that became a link meanwhile neither stops recovery nor leads it astray."""
    bench = Bench(tmp_path, PROMOTE, with_git=False)
    world = bench.fresh()
    with pytest.raises(Crash):
        bench.run(world, FaultyFileSystem(bench.operations - 4))
    outside = tmp_path / "outside.md"
    outside.write_bytes(b"outside\n")
    (world.root / COMMAND).unlink()
    (world.root / COMMAND).symlink_to(outside)
    (recovered,) = world.recover()
    assert recovered.outcome is Ending.UNDONE
    assert recovered.left == (COMMAND,)
    assert outside.read_bytes() == b"outside\n"
    assert world.read(SKILL) == CONTROL[SKILL]


def test_an_edit_in_the_last_moment_is_not_overwritten(plain):
    """A file edited between the check and its turn is refused, and the others go back."""

    class Editing(FaultyFileSystem):
        def replace(self, source, target, *, within=None):
            super().replace(source, target, within=within)
            if target.name == "review.md":
                plain.write(SKILL, Content(b"just saved\n", 0o600))

    with pytest.raises(MetaExperimentError, match=r"SKÍLL\.md was changed"):
        plain.promote(Editing())
    assert plain.read(SKILL) == Content(b"just saved\n", 0o600)
    assert plain.read(COMMAND) == CONTROL[COMMAND]
    assert plain.litter() == []


def test_a_damaged_original_is_not_put_back(tmp_path):
    """An original whose bytes were damaged stops recovery with the way out, not with harm."""
    bench = Bench(tmp_path, PROMOTE, with_git=False)
    world = bench.fresh()
    fail_at = bench.operations // 2
    while True:
        with pytest.raises(Crash):
            bench.run(world, FaultyFileSystem(fail_at))
        if world.read(COMMAND) == TREATMENT[COMMAND] and not world.settled:
            break
        world, fail_at = bench.fresh(), fail_at + 1
    for backup in world.layout.backups.iterdir():
        backup.write_bytes(b"damaged")
    with pytest.raises(MetaExperimentError, match="does not hold the bytes"):
        world.recover()
    assert world.read(COMMAND) == TREATMENT[COMMAND]
    assert world.deployer().pending()


def test_the_order_survives_a_power_failure(plain):
    """What must be on disk before the next step is made durable before it."""
    files = FaultyFileSystem()
    plain.promote(files)
    meta, done = plain.layout, files.operations
    recorded = done.index(("sync_directory", meta.journal))
    kept = max(i for i, step in enumerate(done) if step == ("sync_directory", meta.backups))
    registered = done.index(("replace", meta.registry))
    removed = done.index(("remove", meta.journal / "c0ffee.json"))
    assert recorded < kept
    last = kept
    for path in CONTROL:
        place = plain.root / path
        replaced = done.index(("replace", place))
        assert last < replaced
        assert done[replaced + 1] == ("sync_directory", place.parent)
        last = replaced + 1
    assert last < registered < removed


def test_a_disk_that_gives_back_something_else_is_noticed(plain):
    """Bytes that do not read back as written undo the change."""

    class Lying(FaultyFileSystem):
        def replace(self, source, target, *, within=None):
            super().replace(source, target, within=within)
            if target.name == "SKÍLL.md" and target.read_bytes() == TREATMENT[SKILL].data:
                target.write_bytes(b"rot")

    before = plain.state()
    with pytest.raises(StorageError, match="does not read back"):
        plain.promote(Lying())
    assert plain.state() == before
    assert plain.litter() == []


@pytest.mark.long
def test_a_commit_made_by_hand_after_the_death_is_not_unstaged(git_bench):
    """Who commits the new text by hand before recovery keeps commit and index as they are."""
    world, files = git_bench.fresh(), FaultyFileSystem()
    landing = None
    for fail_at in range(1, git_bench.runs + 1):
        world, files = git_bench.fresh(), FaultyFileSystem()
        with pytest.raises(Crash):
            git_bench.run(world, files, faulty(world, Counter(files, fail_at, "death")))
        if world.state()["index"] == git_bench.after["index"]:
            landing = world.state()
            break
    assert landing
    assert landing["head"] == git_bench.before["head"]
    world.git("commit", "-qm", "by hand", "--", *CONTROL)
    index = world.state()["index"]
    (recovered,) = world.recover()
    assert recovered.outcome is Ending.UNDONE
    assert world.state()["index"] == index
    assert world.state()["files"] == CONTROL
    assert world.litter() == []


def test_without_git_nobody_guesses_whether_a_commit_landed(git_bench, monkeypatch, tmp_path):
    """A process that cannot find git leaves an interrupted commit to one that can."""
    world, files = git_bench.fresh(), FaultyFileSystem()
    counter = Counter(files, git_bench.runs - 2, "death")
    with pytest.raises(Crash):
        git_bench.run(world, files, faulty(world, counter))
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(DependencyError, match="only git can"):
            world.deployer().recover(Recording(world.settled.append))
    assert world.deployer().pending()
    assert git_bench.settle(world)
