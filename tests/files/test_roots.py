"""The root is the one that the user means, and everything lies below it."""

from __future__ import annotations

import subprocess

import pytest

from meta_experiment.errors import UnsafePathError, UsageError
from meta_experiment.files.roots import Layout, find_root, git_top


def resolve(directory, explicit=None, *, user=False, environment=None, home=None):
    return find_root(
        explicit,
        user=user,
        environment=environment or {},
        directory=directory,
        home=home or directory,
    )


@pytest.fixture
def project(tmp_path):
    top = tmp_path / "project"
    (top / "sub" / "deep").mkdir(parents=True)
    (top / ".git").mkdir()
    (top / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return top


def test_order_of_precedence(project, tmp_path):
    """An explicit root beats the variable, which beats git, which beats the directory."""
    deep, first, second = project / "sub" / "deep", tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    variable = {"META_EXPERIMENT_ROOT": str(second)}
    assert resolve(deep, first, environment=variable) == first
    assert resolve(deep, environment=variable) == second
    assert resolve(deep, environment={"META_EXPERIMENT_ROOT": ""}) == project
    assert resolve(deep) == project
    assert resolve(first) == first


def test_relative_root_is_relative_to_the_directory(project):
    """A relative root is understood from the working directory."""
    from pathlib import Path

    assert resolve(project, Path("sub")) == project / "sub"


def test_home_is_asked_for_alone(project, tmp_path):
    """The user's own root is the home directory; naming two roots is an error."""
    assert resolve(project, user=True, home=tmp_path) == tmp_path
    with pytest.raises(UsageError):
        resolve(project, project, user=True)


def test_root_must_be_a_directory(project):
    """A root that does not exist, or is a file, is refused before anything is written."""
    (project / "file").write_text("")
    for name in ("missing", "file"):
        with pytest.raises(UsageError):
            resolve(project, project / name)


def test_linked_worktree_is_its_own_root(tmp_path):
    """A linked worktree, whose `.git` is a file, is a root of its own, as git sees it."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    main, linked = tmp_path / "main", tmp_path / "linked"

    def git(*words):
        subprocess.run(
            ["git", "-C", str(main), *words], check=True, env=environment, capture_output=True
        )

    main.mkdir()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "x")
    git("worktree", "add", "-q", str(linked))
    (linked / "deep").mkdir()
    assert git_top(linked / "deep") == linked
    assert git_top(main) == main


def test_empty_git_folder_is_no_repository(tmp_path):
    """A folder that only has the name does not make a repository."""
    (tmp_path / ".git").mkdir()
    assert git_top(tmp_path) != tmp_path


def test_everything_lies_below_the_folder(tmp_path):
    """Every place of the layout is inside `.claude/meta`."""
    layout = Layout(tmp_path)
    plain = [
        getattr(layout, name)
        for name in vars(Layout)
        if isinstance(vars(Layout)[name], property)
    ]
    named = [
        layout.variants("e", "control"),
        *(make("e") for make in (layout.trials, layout.summaries)),
        *(make("e") for make in (layout.history, layout.started, layout.lock)),
    ]
    places = [place for place in (*plain, *named) if place != tmp_path]
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(tmp_path / ".claude" / "meta") for place in places)


@pytest.mark.parametrize("name", ["..", "../x", "/etc", "", "a/b", ".x"])
def test_ids_cannot_leave_their_folder(tmp_path, name):
    """An id from a registry that somebody else wrote does not lead elsewhere."""
    layout = Layout(tmp_path)
    for make in (layout.trials, layout.summaries, layout.history, layout.started, layout.lock):
        with pytest.raises(UnsafePathError):
            make(name)
    with pytest.raises(UnsafePathError):
        layout.variants("e", name)
    with pytest.raises(UnsafePathError):
        layout.variants(name, "control")


def nested(project):
    """Make a repository with prompts of its own and of a package, and a plugin in it."""
    for path in (
        ".claude/commands/top.md",
        "apps/web/.claude/commands/review.md",
        "plugins/tools/skills/look/SKILL.md",
        "plugins/tools/.claude-plugin/plugin.json",
        "docs/notes.md",
    ):
        file = project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    (project / "apps/web/src").mkdir()
    return project


@pytest.mark.parametrize(
    ("prompt", "root"),
    [
        (".claude/commands/top.md", "."),
        (".claude/commands/missing.md", "."),
        ("apps/web/.claude/commands/review.md", "apps/web"),
        ("apps/web/.claude/skills/new/SKILL.md", "apps/web"),
        ("plugins/tools/skills/look/SKILL.md", "plugins/tools"),
        ("plugins/tools/.claude/commands/own.md", "plugins/tools"),
        ("plugins/tools/docs/notes.md", "."),
        ("docs/notes.md", "."),
    ],
)
@pytest.mark.parametrize("directory", [".", "apps/web", "apps/web/src", "sub/deep"])
def test_a_prompt_file_belongs_to_the_nearest_that_owns_it(project, prompt, root, directory):
    """Its `.claude`, or its plugin, from wherever it was named; else the repository's top."""
    nested(project)
    found = find_root(
        None,
        user=False,
        environment={},
        directory=project / directory,
        home=project.parent,
        prompts=[project / prompt],
    )
    assert found == (project / root).resolve()


def test_state_of_ours_makes_a_root(project):
    """Later verbs find it from the folder and from below it; the top has its own."""
    nested(project)
    web = project / "apps/web"
    assert resolve(web / "src") == project
    (web / ".claude/meta").mkdir()
    assert resolve(web / "src") == resolve(web) == web
    assert resolve(project / "apps") == resolve(project) == project
    (project / ".claude/meta").mkdir()
    assert resolve(web / "src") == web
    assert resolve(project / "docs") == project


def test_a_named_root_wins_over_the_nearest(project, tmp_path):
    """`--root`, the variable and `--user`, whatever owns the prompt file."""
    from pathlib import Path

    web = nested(project) / "apps/web"
    (web / ".claude/meta").mkdir()
    prompts = [web / ".claude/commands/review.md"]
    more = {"directory": web, "home": tmp_path, "prompts": prompts}
    assert find_root(Path("../.."), user=False, environment={}, **more) == project
    variable = {"META_EXPERIMENT_ROOT": str(project)}
    assert find_root(None, user=False, environment=variable, **more) == project
    assert find_root(None, user=True, environment={}, **more) == tmp_path


def test_prompt_files_of_two_roots_are_no_one_experiment(project):
    """Which of the two was meant is not guessed."""
    nested(project)
    prompts = [project / ".claude/commands/top.md", project / "apps/web/.claude/a.md"]
    with pytest.raises(UsageError, match="different roots"):
        find_root(
            None,
            user=False,
            environment={},
            directory=project,
            home=project,
            prompts=prompts,
        )


def test_state_above_a_folder_counts_without_a_repository_where_it_is_mine(
    tmp_path, monkeypatch
):
    """Up to the home, whose prompts are asked for by --user; a neighbour's state is none."""
    below = tmp_path / "home/code/project/src"
    below.mkdir(parents=True)
    (tmp_path / "home/.claude/meta").mkdir(parents=True)
    assert resolve(below, home=tmp_path / "home") == below
    (tmp_path / "home/code/project/.claude/meta").mkdir(parents=True)
    assert resolve(below, home=tmp_path / "home") == below.parent
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)
    assert resolve(below, home=tmp_path / "home") == below
    assert resolve(tmp_path / "home", home=tmp_path / "home") == tmp_path / "home"


def test_a_claude_folder_that_is_a_repository_belongs_to_the_folder_around_it(tmp_path):
    """As personal prompts are kept by many; from inside, too."""
    home = tmp_path / "home"
    (home / ".claude/commands").mkdir(parents=True)
    (home / ".claude/.git").mkdir()
    (home / ".claude/.git/HEAD").write_text("ref: refs/heads/main\n")
    assert resolve(home / ".claude/commands", home=home) == home
    prompt = home / ".claude/commands/review.md"
    more = {"user": False, "environment": {}, "home": home, "prompts": [prompt]}
    assert find_root(None, directory=home / ".claude", **more) == home


@pytest.fixture
def trees(tmp_path):
    """A repository with a prompt, its main working tree and a linked one."""
    main, linked = tmp_path / "main", tmp_path / "linked"
    for directory in (main, main / ".claude/commands", main / "apps/web/.claude/commands"):
        directory.mkdir(parents=True, exist_ok=True)
    (main / ".claude/commands/review.md").write_text("Review.\n")
    (main / "apps/web/.claude/commands/review.md").write_text("Review.\n")
    for words in (
        ("init", "-q"),
        ("add", "."),
        ("commit", "-q", "-m", "x"),
        ("worktree", "add", "-q", str(linked)),
    ):
        subprocess.run(["git", "-C", str(main), *words], check=True, capture_output=True)
    return main, linked


def test_linked_worktrees_share_the_root_of_the_main_one(trees):
    """Once there is anything to share: at the top, and for a package within."""
    main, linked = trees
    assert resolve(linked) == linked
    (main / ".claude/meta").mkdir()
    assert resolve(linked) == resolve(linked / "apps/web") == main
    (main / "apps/web/.claude/meta").mkdir()
    assert resolve(linked) == resolve(linked / ".claude/commands") == main
    (linked / "apps/web/.claude/meta").mkdir()  # as a checkout with a registry has it
    assert resolve(linked / "apps/web") == main / "apps/web"
    assert resolve(main, linked) == linked


@pytest.mark.parametrize("path", ["local/started/exp-1", "trials/exp-1/w.jsonl"])
def test_a_worktree_in_which_something_ran_stays_a_root_of_its_own(trees, path):
    """Its trials are not lost from sight."""
    main, linked = trees
    (main / ".claude/meta").mkdir()
    own = linked / ".claude/meta" / path
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert resolve(linked) == linked


def test_a_prompt_that_differs_in_a_worktree_is_that_trees_own(trees):
    """The main tree's is another text, or there is none; where they are equal it is shared."""
    main, linked = trees

    def found(prompt):
        return find_root(
            None,
            user=False,
            environment={},
            directory=linked,
            home=main,
            prompts=[linked / prompt],
        )

    for prompt, root in (
        (".claude/commands/review.md", "."),
        ("apps/web/.claude/commands/review.md", "apps/web"),
    ):
        assert found(prompt) == (main / root).resolve()
        (linked / prompt).write_text("Another.\n")
        assert found(prompt) == (linked / root).resolve()
        (main / prompt).unlink()
        assert found(prompt) == (linked / root).resolve()
