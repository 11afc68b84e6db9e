"""The exact bytes of every variant, checked by their SHA-256 whenever they are used."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.errors import CorruptStoreError, NotFoundError, StorageError, cite
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.confine import Content, confined, plain_path, read_confined
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.types import FileVersion


def save_variant(
    layout: Layout,
    files: FileSystem,
    experiment_id: str,
    variant: str,
    contents: Mapping[str, Content | None],
) -> dict[str, FileVersion | None]:
    """Store the files of one arm by their path below the root (None: no file); durable.

    Raises:
        UnsafePathError: a path leaves the arm's folder. StorageError: the disk refused.
    """
    folder = layout.variants(experiment_id, variant).relative_to(layout.meta).as_posix()
    versions = dict[str, FileVersion | None]()
    for relative, content in contents.items():
        if content is None:
            versions[relative] = None
            continue
        confined(layout.meta, f"{folder}/{plain_path(relative)}")
        path = layout.meta / folder / relative
        try:
            ensure_directory(files, path.parent)
            write_atomically(files, path, content.data, content.mode)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}.") from error
        versions[relative] = FileVersion(content.sha256, content.mode)
    return versions


def load_variant(
    layout: Layout,
    experiment_id: str,
    variant: str,
    versions: Mapping[str, FileVersion | None],
) -> dict[str, Content | None]:
    """Return the files of one arm with the permission bits they had when they were stored.

    The bits are those of the version: a file that came through git has lost its own.

    Raises:
        NotFoundError: a file is gone. CorruptStoreError: it has other bytes.
        UnsafePathError, StorageError: it cannot be read safely, or at all.
    """
    folder = layout.variants(experiment_id, variant)
    contents = dict[str, Content | None]()
    for relative, version in versions.items():
        if version is None:
            contents[relative] = None
            continue
        try:
            inside = folder.relative_to(layout.meta).as_posix()
            stored = read_confined(layout.meta, f"{inside}/{plain_path(relative)}")
        except NotFoundError as error:
            raise NotFoundError(
                f"The stored text of {cite(relative)} in variant {cite(variant)} of "
                f"{experiment_id} is gone; expected it in {folder}.",
                hint="Restore .claude/meta/variants from version control.",
            ) from error
        if stored.sha256 != version.sha256:
            raise CorruptStoreError(
                f"The stored text of {cite(relative)} in variant {cite(variant)} of "
                f"{experiment_id} is not what the plan names (SHA-256 {version.sha256[:12]}…).",
                hint="Restore .claude/meta/variants from version control.",
            )
        contents[relative] = Content(stored.data, version.mode)
    return contents
