"""Prompt files of packages and plugins within a repository, and those behind links."""

import os

import pytest
from tests.cli.conftest import COMMAND, CONTROL, TREATMENT
from tests.everyday import some
from tests.support.answer import Answer

from meta_experiment.cli.main import main
from meta_experiment.protocol import index

WEB = f"apps/web/{COMMAND}"
METRIC = ("--primary-metric", "duration_seconds", "--unit", "invocation", "--seed", "1")


class Repository:
    """A repository with a package that has a prompt of its own, worked in from anywhere."""

    def __init__(self, root, capsys, monkeypatch):
        self.root, self._capsys, self._monkeypatch = root, capsys, monkeypatch
        self.write(WEB, CONTROL)
        self.write("apps/web/src/index.ts", b"")
        self.write("v2.md", TREATMENT)

    def write(self, path, data):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def link(self, path, target):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def __call__(self, directory, *arguments, code=0):
        """Call a verb from a directory; no root is named."""
        self._monkeypatch.chdir(self.root / directory)
        self._capsys.readouterr()
        given = main([str(item) for item in arguments])
        said = self._capsys.readouterr()
        assert given == code, f"exit {given}\n{said.out}\n{said.err}"
        return Answer(given, said.out, said.err)

    def ids(self, directory, *more):
        return [
            item["id"]
            for item in self(directory, "status", *more, "--json").json["experiments"]
        ]


@pytest.fixture
def repository(project, capsys, monkeypatch):
    return Repository(project.root, capsys, monkeypatch)


@pytest.mark.parametrize(
    ("directory", "prompt", "source"),
    [
        (".", WEB, "v2.md"),
        ("apps/web", COMMAND, "../../v2.md"),
        ("apps/web/src", f"../{COMMAND}", "../../../v2.md"),
        ("apps/web/src", WEB, "v2.md"),
    ],
)
def test_an_experiment_on_a_package_lives_in_the_package(repository, directory, prompt, source):
    """From wherever it was made; it is served there, and the top keeps nothing of it."""
    made = repository(
        directory, "create", "--file", f"{prompt}={source}", *METRIC, "--start", "--json"
    )
    name = made.json["experiment_id"]
    web = repository.root / "apps/web"
    assert made.json["experiment"]["plan"]["files"] == [COMMAND]
    assert index.find_entry(str(web), name).running
    assert (web / ".claude/skills/review/SKILL.md").is_file()
    assert not (repository.root / ".claude/meta").exists()
    assert repository.ids("apps/web") == repository.ids("apps/web/src") == [name]
    repository("apps/web/src", "stop", name)
    assert not (web / ".claude/skills").exists()


def test_a_plan_file_finds_its_prompt_from_the_top(repository):
    """Its paths are below the repository's top, and its experiment in the package."""
    plan = repository.write(
        "plan.yaml",
        f"files:\n  {WEB}: apps/web/v2.md\nmetrics:\n  primary: duration_seconds\n".encode(),
    )
    repository.write("apps/web/v2.md", TREATMENT)
    made = repository("docs" if (repository.root / "docs").exists() else ".", "create",
                      "--plan", plan, "--json").json  # fmt: skip
    assert made["experiment"]["plan"]["files"] == [COMMAND]
    assert repository.ids("apps/web") == [made["experiment_id"]]


def test_a_plan_takes_no_text_from_outside_its_root(repository):
    """As it might have come with a commit; what a person types may lie anywhere."""
    plan = repository.write("plan.yaml", f"files:\n  {WEB}: v2.md\n".encode())
    error = repository(".", "create", "--plan", plan, "--json", code=1).error
    assert error["kind"] == "unsafe_path"
    assert "outside" in error["message"]


def test_each_root_of_a_repository_names_the_others(repository):
    """Neither says that there is nothing, while an experiment runs a folder away."""
    inner = repository(
        ".", "create", "--file", f"{WEB}=v2.md", *METRIC, "--start", "--json"
    ).json["experiment_id"]
    assert f"--root '{repository.root}/apps/web'" in repository(".", "status").err
    outer = repository(".", "create", "--file", f"{COMMAND}=v2.md", *METRIC, "--json").json[
        "experiment_id"
    ]
    top, web = repository(".", "status"), repository("apps/web/src", "status")
    assert (repository.ids("."), repository.ids("apps/web")) == ([outer], [inner])
    assert f"'{repository.root}/apps/web' has experiments of its own, 1 running" in top.err
    assert f"'{repository.root}' has experiments of its own. See:" in web.err
    assert repository.ids("apps/web", "--root", repository.root) == [outer]
    assert repository.ids(".", "--root", "apps/web") == [inner]


def test_a_root_that_was_chosen_is_said(repository):
    """Who stands at the top learns how to reach it from there."""
    made = repository(".", "create", "--file", f"{WEB}=v2.md", *METRIC)
    assert f"--root '{repository.root}/apps/web'" in made.err


def test_a_file_of_another_root_is_not_said_to_be_unknown_to_the_client(repository):
    """`--root` wins; but that the client does not load the file would not be true."""
    made = ("create", "--root", ".", "--file", f"{WEB}=v2.md", *METRIC, "--start")
    said = repository(".", *made).err
    assert "the client loads it in sessions there" in said
    assert f"(--root '{repository.root}/apps/web')" in said
    repository.write("prompts/other.md", CONTROL)
    other = ("create", "--file", "prompts/other.md=v2.md", *METRIC, "--start")
    assert "no folder from which the client loads" in repository(".", *other).err


def test_a_plugin_within_a_repository_is_a_root(repository):
    """As in a marketplace: its skills and commands are called by its name."""
    repository.write("plugins/tools/.claude-plugin/plugin.json", b'{"name": "tools"}')
    repository.write("plugins/tools/skills/look/SKILL.md", b"---\ndescription: x\n---\none\n")
    repository.write("v2.md", b"---\ndescription: x\n---\ntwo\n")
    made = repository(
        ".", "create", "--file", "plugins/tools/skills/look/SKILL.md=v2.md", *METRIC,
        "--start", "--json",
    ).json  # fmt: skip
    entry = index.find_entry(str(repository.root / "plugins/tools"), made["experiment_id"])
    assert (entry.name, entry.path) == ("tools:look", "skills/look/SKILL.md")


SKILL = b"---\nname: look\ndescription: Looks.\n---\nLook.\n"


@pytest.mark.long
@pytest.mark.parametrize(
    ("link", "target", "real"),
    some(
        [
            (".claude", "config/agents", "config/agents"),
            (".claude/skills", "../shared", "shared"),
            (".claude/skills/look", "../../shared/look", "shared"),
        ],
        1,
    ),
)
def test_links_that_stay_inside_are_followed(tmp_path, capsys, monkeypatch, link, target, real):
    """The client follows them; the experiment is on the file where it lies, under its name."""
    import subprocess

    root = tmp_path / "linked"
    root.mkdir()
    subprocess.run(["git", "init", "-q", root], check=True)
    repository = Repository(root, capsys, monkeypatch)
    inner = "skills/look" if link == ".claude" else "look"
    file = repository.write(f"{real}/{inner}/SKILL.md", SKILL)
    repository.link(link, target)
    repository.write("v2.md", SKILL.replace(b"Look.\n", b"Look well.\n"))
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", "commit", "-qm", "x"], cwd=root, check=True)
    made = repository(
        ".", "create", "--file", ".claude/skills/look/SKILL.md=v2.md", *METRIC, "--start",
        "--json",
    ).json  # fmt: skip
    name = made["experiment_id"]
    entry = index.find_entry(str(root), name)
    assert (entry.name, entry.path) == ("look", file.relative_to(root).as_posix())
    assert b"serve-variant" in file.read_bytes()
    assert (
        subprocess.run(
            ["git", "status", "--porcelain", "-uno"], cwd=root, check=True, capture_output=True
        ).stdout
        == b""
    )
    assert repository(".", "verify").code == 0
    repository(".", "promote", name, "--override", "better", "--yes")
    assert file.read_bytes() == (root / "v2.md").read_bytes()
    changed = subprocess.run(
        ["git", "show", "--format=", "--name-only"], cwd=root, check=True, capture_output=True
    ).stdout.decode()
    assert f"{real}/{inner}/SKILL.md" in changed.split()
    repository(".", "rollback", name, "--yes")
    assert file.read_bytes() == SKILL


def test_a_command_behind_a_link_is_shadowed_where_skills_really_lie(repository):
    """What is placed for it goes through no link either, and git is kept from seeing it."""
    repository.link(".claude/skills", "../shared/skills")
    repository.write("shared/skills/other/SKILL.md", SKILL)
    made = repository(".", "create", "--file", f"{COMMAND}=v2.md", *METRIC, "--start", "--json")
    assert (repository.root / "shared/skills/review/SKILL.md").is_file()
    assert (repository.root / ".claude/skills").is_symlink()
    repository(".", "stop", made.json["experiment_id"])
    assert not (repository.root / "shared/skills/review").exists()


@pytest.mark.parametrize("link", [".claude", ".claude/skills", ".claude/skills/look"])
@pytest.mark.parametrize("target", ["outside", ".git/hooks"])
def test_links_that_lead_out_are_refused(tmp_path, capsys, monkeypatch, link, target):
    """Whatever stands there: nothing is read as a prompt, and nothing written."""
    import subprocess

    root = tmp_path / "linked"
    root.mkdir()
    subprocess.run(["git", "init", "-q", root], check=True)
    repository = Repository(root, capsys, monkeypatch)
    place = root / target if target.startswith(".git") else tmp_path / target
    inner = place / (
        "skills/look" if link == ".claude" else "look" if "/look" not in link else ""
    )
    inner.mkdir(parents=True, exist_ok=True)
    (inner / "SKILL.md").write_bytes(SKILL)
    before = sorted(place.rglob("*"))
    repository.link(link, place)
    error = repository(
        ".", "create", "--file", ".claude/skills/look/SKILL.md=v2.md", *METRIC, "--json", code=1
    ).error
    assert error["kind"] == "unsafe_path"
    assert "rm" not in (error["hint"] or "").split()
    assert sorted(place.rglob("*")) == before
    assert not os.path.lexists(root / ".claude/meta")


def test_an_agent_behind_a_link_to_the_file_is_refused_with_the_reason(repository):
    """Its variants would lie beside the file, where the client does not look."""
    agent = b"---\nname: helper\ndescription: Helps.\n---\nHelp.\n"
    repository.write("shared/helper.md", agent)
    repository.link(".claude/agents/helper.md", "../../shared/helper.md")
    repository.write("v2.md", agent + b"Well.\n")
    made = ("create", "--file", ".claude/agents/helper.md=v2.md", *METRIC, "--start", "--json")
    error = repository(".", *made, code=1).error
    assert "by the link .claude/agents/helper.md" in error["message"]


def test_a_skill_that_goes_before_a_packages_command_is_told(repository):
    """The client takes the skill of an outer folder for the name; our stand-in would not."""
    repository.write(".claude/skills/review/SKILL.md", SKILL)
    made = ("create", "--file", f"{WEB}=v2.md", *METRIC, "--start", "--json")
    error = repository(".", *made, code=1).error
    assert (error["kind"], "same name" in error["message"]) == ("conflict", True)
