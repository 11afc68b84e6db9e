"""Changing the user's prompt files: all or nothing across files, registry and git."""

from meta_experiment.deploy.backups import Backups
from meta_experiment.deploy.change import (
    ChangeSet,
    FileChange,
    LandedChange,
    RegistryStep,
    new_change_id,
    version_of,
)
from meta_experiment.deploy.deployer import (
    CommitResult,
    Deployer,
    DeployResult,
    Ending,
    RecoveredChange,
)
from meta_experiment.deploy.merge import merge
from meta_experiment.deploy.message import commit_message

__all__ = [
    "Backups",
    "ChangeSet",
    "CommitResult",
    "DeployResult",
    "Deployer",
    "Ending",
    "FileChange",
    "LandedChange",
    "RecoveredChange",
    "RegistryStep",
    "commit_message",
    "merge",
    "new_change_id",
    "version_of",
]
