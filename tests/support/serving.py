"""A project with a prompt file of each kind under experiment, and what git sees of it."""

import itertools
import subprocess
from pathlib import Path

import pytest
from tests.support.git import git

from meta_experiment.errors import ConflictError, RefusedError
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import index
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.planning import creating, request
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


def opened(root, files=None, now=None):
    ticks = itertools.count(1_760_000_000)
    clock = (lambda: now) if now else lambda: float(next(ticks))
    return Workspace.open(Layout(Path(root).resolve()), clock, files=files)


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


def unseen_state(root):
    """All that this tool may change in git's folder."""
    info = root / ".git/info"
    files = {path.name: path.read_bytes() for path in info.iterdir()}
    ours = (root / ".git/meta-experiment").exists()
    return files, ours, git(root, "config", "--local", "--list")


def entries_of(root):
    """Return the state of each experiment that serving knows."""
    return {entry.id: entry.state for entry in index.entries(str(root))}


def git_bytes(root, *words):
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True).stdout


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
    assert opened(root).checkout.start_of(experiment) is None
    assert (root / path).read_bytes() == (old or control(path))
    assert index.entries(str(root)) == []
    return caught.value.message


def backups(root):
    """All that is kept in the backups."""
    folder = opened(root).layout.backups
    return [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []


def drafted_in(place, path):
    """Plan an experiment on a prompt file of a root inside a repository."""
    source = place.parent / "treatment.md"
    source.write_bytes(treatment(path))
    wanted = request.from_flags({}, [f"{path}={source}"], place, place)
    return creating.create(opened(place), wanted).experiment.experiment_id
