"""Linked working trees: one experiment, served in each tree that has its text."""

import subprocess

import pytest
from tests.cli.conftest import COMMAND, CONTROL, TREATMENT

from meta_experiment.cli.main import main
from meta_experiment.protocol import index

SKILL = ".claude/skills/look/SKILL.md"
AGENT = ".claude/agents/helper.md"
HEAD = b"---\nname: %s\ndescription: x\n---\n"
TEXTS = {
    COMMAND: (CONTROL, TREATMENT),
    SKILL: (HEAD % b"look" + b"One.\n", HEAD % b"look" + b"Two.\n"),
    AGENT: (HEAD % b"helper" + b"One.\n", HEAD % b"helper" + b"Two.\n"),
}
BESIDE = {
    COMMAND: ".claude/skills/review/SKILL.md",
    SKILL: None,
    AGENT: ".claude/agents/helper-treatment.md",
}
METRIC = ("--primary-metric", "duration_seconds", "--unit", "invocation", "--seed", "1")


class Trees:
    """A main working tree with a prompt of each kind, and a linked one."""

    def __init__(self, project, tmp_path, monkeypatch, capsys):
        self.main, self.linked = project.root, tmp_path / "linked tree"
        self._monkeypatch, self._capsys = monkeypatch, capsys
        for path, (control, treatment) in TEXTS.items():
            self.write(self.main, path, control)
            self.write(self.main, f"new/{path}", treatment)
        self.write(self.main, ".claude/skills/other/SKILL.md", HEAD % b"other")
        self.git("add", ".")
        self.git("commit", "-qm", "prompts")

    def write(self, tree, path, data):
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def git(self, *arguments, tree=None):
        words = ["git", "-C", str(tree or self.main), *arguments]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def add(self):
        self.git("worktree", "add", "-q", "-b", "linked", str(self.linked))

    def __call__(self, tree, *arguments, code=0):
        self._monkeypatch.chdir(tree)
        self._capsys.readouterr()
        given = main([str(item) for item in arguments])
        self.said = self._capsys.readouterr()
        assert given == code, self.said
        return self.said.out

    def start(self, path, tree=None):
        tree = tree or self.main
        self(tree, "create", "--file", f"{path}={self.main}/new/{path}", *METRIC, "--start")
        (entry,) = index.entries(str(self.main))
        return entry.id

    def files(self):
        """What stands in the linked tree, besides what git has there."""
        listed = self.git("ls-files", tree=self.linked).split("\n")
        found = {
            path.relative_to(self.linked).as_posix(): path.read_bytes()
            for path in self.linked.rglob("*")
            if path.is_file()
        }
        return {
            path: data
            for path, data in found.items()
            if path not in {*listed, ".git"} and not path.endswith(".gitignore")
        }

    def changes(self):
        return self.git("status", "--short", "--untracked-files=all", tree=self.linked)


@pytest.fixture
def trees(project, tmp_path, monkeypatch, capsys):
    return Trees(project, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("path", TEXTS)
def test_every_tree_is_served_and_all_is_taken_back(trees, path, first):
    """Whether it was there before the start or came later; git sees no change in it."""
    control = TEXTS[path][0]
    if first:
        trees.add()
    name = trees.start(path)
    if not first:
        trees.add()
        trees(trees.main, "status")
    stands = (trees.linked / path).read_bytes()
    assert (stands == control) == (path != SKILL)
    assert set(trees.files()) == ({BESIDE[path]} - {None})
    assert trees.changes() == ""
    trees(trees.linked, "stop", name)
    assert trees.files() == {}
    assert (trees.linked / path).read_bytes() == control
    assert trees.changes() == ""
    assert (trees.main / path).read_bytes() == control


@pytest.mark.parametrize("path", TEXTS)
def test_a_tree_with_another_text_is_left_alone(trees, path):
    """As on a branch that changed the prompt; what it has stays as it is."""
    trees.add()
    trees.write(trees.linked, path, TEXTS[path][0] + b"More.\n")
    before = trees.git("status", "--short", tree=trees.linked)
    name = trees.start(path)
    assert trees.files() == {}
    assert trees.changes() == before
    trees(trees.main, "stop", name)
    assert trees.changes() == before


def test_a_file_in_the_way_in_a_tree_stays(trees):
    """And the main tree is served all the same."""
    trees.add()
    own = HEAD % b"review" + b"Mine.\n"
    trees.write(trees.linked, BESIDE[COMMAND], own)
    name = trees.start(COMMAND)
    assert (trees.main / BESIDE[COMMAND]).is_file()
    trees(trees.main, "stop", name)
    assert (trees.linked / BESIDE[COMMAND]).read_bytes() == own


def test_a_tree_without_a_folder_of_skills_gets_none(trees):
    """The client takes that of the main tree there, with all its skills, while it has none."""
    trees.git("rm", "-rq", "--cached", ".claude/skills")
    trees.git("commit", "-qm", "no skills")
    trees.add()
    trees.start(COMMAND)
    assert (trees.main / BESIDE[COMMAND]).is_file()
    assert not (trees.linked / ".claude/skills").exists()


def test_verbs_in_a_tree_are_about_the_experiments_of_the_main_one(trees):
    """And say so, where they change something; one that was made there is shared as well."""
    trees.add()
    name = trees.start(COMMAND, trees.linked)
    assert str(trees.main) in trees.said.err
    assert name in trees(trees.linked, "status")
    assert not (trees.linked / ".claude/meta").exists()
    trees(trees.linked, "stop", name)
    assert f"main working tree, {trees.main}" in trees.said.err
    trees(trees.main, "stop", name, code=1)
    assert "main working tree" not in trees.said.err


def test_a_root_elsewhere_is_not_said_to_be_the_main_tree(trees, tmp_path):
    """Whoever stands in a linked tree may name any."""
    trees.add()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    trees(trees.linked, "panic", "--root", elsewhere)
    assert trees.said.err == ""


def test_a_tree_that_is_gone_hinders_nothing(trees):
    """Removed by git, or by hand: what was hidden there is forgotten."""
    trees.add()
    name = trees.start(SKILL)
    trees.git("worktree", "remove", "--force", str(trees.linked))
    trees(trees.main, "stop", name)
    assert not (trees.main / ".git/meta-experiment").exists()


@pytest.mark.long
def test_git_worktree_remove_minds_nothing_of_ours(trees):
    """A tree with a stand-in, or a skill of ours, is clean in its eyes."""
    trees.add()
    for path in TEXTS:
        trees(
            trees.main,
            "create",
            "--file",
            f"{path}={trees.main}/new/{path}",
            *METRIC,
            "--start",
        )
    assert len(trees.files()) == 2
    trees.git("worktree", "remove", str(trees.linked))
    assert not trees.linked.exists()
