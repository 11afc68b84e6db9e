"""Change under way: forward step by step, or back to how everything was."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from meta_experiment.deploy.apply import expect, observe, put, sweep_folders, sweep_temporaries
from meta_experiment.deploy.backups import Backups
from meta_experiment.deploy.change import FileChange, version_of
from meta_experiment.deploy.commit import NoCommit, Repository
from meta_experiment.deploy.journal import FileStep, Journal, Record
from meta_experiment.errors import GitError, UnsafePathError
from meta_experiment.files.confine import Content, confined
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.types import FileVersion


@dataclass
class Flight:
    """A change whose record is in the journal.

    `touched` are the files that this process has begun to replace.
    """

    layout: Layout
    files: FileSystem
    journal: Journal
    repository: Repository | NoCommit
    record: Record
    touched: set[str] = field(default_factory=set)

    @property
    def backups(self) -> Backups:
        """The folder of the originals."""
        return Backups(self.files, self.layout.backups)

    def begin(self, originals: Sequence[Content | None]) -> None:
        """Put the change on record, then the originals by. Raises OSError."""
        self.journal.write(self.record)
        for original in originals:
            if original is not None:
                self.backups.keep(original.data)

    def replace_files(self, changes: Sequence[FileChange]) -> None:
        """Put every file in place, each checked once more just before.

        Raises:
            DriftError: somebody edited a file in the meantime.
            StorageError: the file system refused.
        """
        for change in changes:
            if expect(self.layout.root, change) != change.target:
                self.touched.add(change.path)
                put(self.files, self.layout.root, change.path, change.target)

    def commit(self, message: str) -> None:
        """Commit what the plan names, through the user's hooks.

        Raises:
            GitError: a hook or git refused, or a file changed while the hooks ran.
            OSError: the file system refused.
        """
        plan, repository = self.record.plan, self.repository
        if plan is None or isinstance(repository, NoCommit):
            return
        scratch = self.journal.path(self.record.change_id)
        commit = repository.build(plan, message, files=self.files, scratch=scratch)
        self._require_targets()
        self.record = replace(self.record, commit=commit)
        self.journal.write(self.record)
        repository.land(plan, commit, message.partition("\n")[0])

    def came_through(self) -> bool:
        """Tell from the branch, or without a commit from the files, how far this got.

        Raises:
            GitError, StorageError: that cannot be read now.
        """
        record, repository = self.record, self.repository
        if record.plan is None:
            return all(self._stands(step, step.after) for step in record.steps)
        if record.commit is None or isinstance(repository, NoCommit):
            return False
        return repository.landed(record.plan, record.commit)

    def undo(self) -> tuple[list[str], list[str]]:
        """Put branch, index and files back to how they were found.

        A file that is neither what was found nor what was put there is somebody's edit.
        Where this process replaced it moments ago, hooks did that: it is restored, and what
        was found kept in the backups. Else it is left alone.

        Returns:
            Sentences about what was kept, and the paths of files left alone.

        Raises:
            GitError, StorageError, OSError: it could not be completed; the record stays.
        """
        record, kept, left = self.record, list[str](), list[str]()
        if record.plan is not None and isinstance(self.repository, Repository):
            self.repository.take_back(record.plan, record.commit)
        for step in record.steps:
            if self._stands(step, step.before):
                continue
            if not self._stands(step, step.after):
                if step.path not in self.touched:
                    left.append(step.path)
                    continue
                kept.append(self._keep(step.path))
            put(self.files, self.layout.root, step.path, self._original(step))
        self.close()
        return kept, left

    def close(self) -> None:
        """Sweep what a crash left half written and forget the record. Raises OSError."""
        for step in self.record.steps:
            if step.before is not None:
                sweep_temporaries(self.files, self.layout.backups / step.before.sha256)
            with contextlib.suppress(UnsafePathError):
                sweep_temporaries(self.files, confined(self.layout.root, step.path))
                if None in (step.before, step.after):
                    sweep_folders(self.files, self.layout.root, step.path)
        self.journal.remove(self.record.change_id)

    def _require_targets(self) -> None:
        for step in self.record.steps:
            if not self._stands(step, step.after):
                raise GitError(
                    f"{step.path} changed while the commit hooks ran; the text promoted "
                    "would not be the text that was tested.",
                    hint="Exempt the file from the hook, or run again with --no-commit.",
                )

    def _stands(self, step: FileStep, version: FileVersion | None) -> bool:
        try:
            return version_of(observe(self.layout.root, step.path)) == version
        except UnsafePathError:
            return False  # a link or a folder now: somebody's own doing

    def _original(self, step: FileStep) -> Content | None:
        if step.before is None:
            return None
        return Content(self.backups.load(step.before.sha256), step.before.mode)

    def _keep(self, path: str) -> str:
        content = observe(self.layout.root, path)
        if content is None:
            return f"{path} had been deleted meanwhile and is back."
        place = self.layout.backups / self.backups.keep(content.data)
        return f"What {path} had become meanwhile is kept in {place}."
