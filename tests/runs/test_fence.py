"""What agents write outside of their checkouts is prevented, or else told."""

from __future__ import annotations

import os
import shutil

import pytest
from tests.services.running.test_running import (
    AGENT,
    COMMAND,
    cases,
    create,
    opened,
    project,
    run,
)
from tests.support.git import git

from meta_experiment.git import Git
from meta_experiment.runs.fence import Fence, changed, fence, standing
from meta_experiment.services.running import running
from meta_experiment.types import TrialStatus

__all__ = ["project"]

BWRAP = shutil.which("bwrap")
needs_bwrap = pytest.mark.skipif(BWRAP is None, reason="bubblewrap is not installed")

INTO = """
for path in {paths!r}:
    try:
        open(path, "a").write("changed")
    except OSError:
        pass
"""
CHILD = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0 if open(own, "w").write(said) else 1))
time.sleep(60)
"""


def trials(space, name):
    return space.store.trials(space.store.experiment(name)).trials


def without_bwrap(monkeypatch, tmp_path):
    """Take a PATH that has git and the shell, and no fence."""
    (tmp_path / "bin").mkdir()
    for name in ("git", "sh"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.mark.long
def test_without_a_fence_it_is_told_what_changed(project, monkeypatch, tmp_path):
    without_bwrap(monkeypatch, tmp_path)
    space = opened(project)
    name = create(space, project)
    code = AGENT + INTO.format(paths=[str(project / "mine.txt")])
    code += f'\nos.system("git -C {project} branch -f theirs")\n'
    done = run(space, name, project, code=code, cases=cases(project, 2))
    (told,) = [note for note in done.notes if "while agents ran" in note]
    assert "references" in told
    assert "files" in told
    assert "HEAD" not in told


@pytest.mark.long
def test_nothing_is_told_of_who_stays_inside(project, monkeypatch, tmp_path):
    without_bwrap(monkeypatch, tmp_path)
    space = opened(project)
    done = run(space, create(space, project), project, cases=cases(project, 2))
    assert not [note for note in done.notes if "while agents ran" in note]
    assert changed({"HEAD": b"a"}, {"HEAD": b"a"}) is None


def test_what_this_program_keeps_is_its_own_to_change(project):
    kept = project / ".claude" / "meta" / "experiments.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    git(project, "add", "-f", "-A")
    git(project, "commit", "-qm", "Kept")
    there = Git.find(project)
    before = standing(there)
    kept.write_text("[]")
    assert standing(there) == before
    (project / COMMAND).write_text("Another.\n")
    assert changed(before, standing(there))


@pytest.mark.long
@needs_bwrap
def test_a_fence_keeps_agents_and_commands_of_cases_inside(project, tmp_path):
    home = tmp_path / "home"
    for folder in (".cache", ".ssh", "Documents"):
        (home / folder).mkdir(parents=True)
    outside = [project / "mine.txt", project / ".git/config", home / ".ssh/config"]
    outside += [home / "Documents/a", home / ".bashrc", home / ".local/share/meta-experiment/k"]
    before = (project / ".git/config").read_bytes()
    inside = home / ".cache/kept"
    space = opened(project)
    name = create(space, project)
    code = AGENT + INTO.format(paths=[*map(str, outside), str(inside)])
    reach = {"type": "command", "target": f"! touch {project}/mine.txt && touch here"}
    done = run(space, name, project, code=code, cases=cases(project, 1, criteria=[reach]))
    assert done.counted == 2
    assert [item.metrics["success"] for item in trials(space, name)] == [1.0, 1.0]
    assert (project / ".git/config").read_bytes() == before
    assert [path for path in outside if path.exists()] == [project / ".git/config"]
    assert inside.read_text() == "changed" * 2
    assert not running.run_folder(space, name).slots.exists()


@pytest.mark.long
@needs_bwrap
def test_a_filter_whose_program_an_agent_changes_stays_inside(project, tmp_path):
    """Such as one that a project keeps among its own tools."""
    tool = "#!/bin/sh\ncat\n"
    (project / "filter.sh").write_text(tool)
    (project / ".gitattributes").write_text("*.txt filter=own\n")
    (project / "kept.txt").write_text("kept\n")
    git(project, "config", "filter.own.clean", "sh ./filter.sh")
    git(project, "config", "filter.own.smudge", "sh ./filter.sh")
    outside = [str(project / "mine.md"), str(tmp_path / "home" / "mine.md")]
    evil = "".join(f"touch {path}\n" for path in [*outside, "here"]) + "cat\n"
    space = opened(project)
    name = create(space, project)
    code = (
        f"{AGENT}\nopen('filter.sh', 'w').write({evil!r})\nopen('kept.txt', 'w').write('x')\n"
    )
    done = run(space, name, project, code=code, cases=cases(project, 2))
    assert done.counted == 4
    assert {item.metrics["files_touched"] for item in trials(space, name)} >= {3.0}
    assert not [path for path in outside if os.path.lexists(path)]


@pytest.mark.long
@needs_bwrap
def test_a_program_in_a_fence_is_asked_before_it_is_ended(project):
    """What it says at its end, such as its price, is not lost."""
    space = opened(project)
    name = create(space, project)
    said = "said = '{\"cost_usd\": 0.5}'; own = os.environ['META_EXPERIMENT_METRICS']\n"
    code = f"import os, sys\n{said}{CHILD}"
    done = run(space, name, project, code=code, cases=cases(project, 1, timeout_seconds=1))
    assert {item.status for item in trials(space, name)} == {TrialStatus.TIMEOUT}
    assert done.spent.usd == 1.0


def test_there_is_no_fence_where_the_home_is_the_project_or_the_machine_forbids_it(
    project,
    tmp_path,
):
    git = opened(project).git
    environment = {"PATH": os.environ["PATH"], "HOME": str(project)}
    assert fence(git, tmp_path, environment) == Fence()
    forbidden = tmp_path / "forbidden"
    forbidden.mkdir()
    (forbidden / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (forbidden / "bwrap").chmod(0o755)
    assert fence(git, tmp_path, {"PATH": str(forbidden), "HOME": "/nowhere"}) == Fence()
