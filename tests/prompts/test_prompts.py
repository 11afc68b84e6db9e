"""What paths and first lines say of prompt files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.frontmatter import read_frontmatter
from meta_experiment.prompts.identity import (
    PromptKind,
    identify,
    require_files,
    require_text,
    skill_folder,
)
from meta_experiment.prompts.slug import slug


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        (".claude/commands/review_pr.md", PromptKind.COMMAND, "review_pr"),
        (".claude/commands/git/review.md", PromptKind.COMMAND, "git:review"),
        ("plugins/x/commands/a.md", PromptKind.COMMAND, "a"),
        (".claude/skills/pdf/SKILL.md", PromptKind.SKILL, "pdf"),
        (".claude/agents/critic.md", PromptKind.AGENT, "critic"),
        ("CLAUDE.md", PromptKind.OTHER, "CLAUDE"),
        ("SKILL.md", PromptKind.OTHER, "SKILL"),
    ],
)
def test_a_path_says_what_the_client_makes_of_a_file(path, kind, name):
    """Commands, skills and agents are known by their folders."""
    identity = identify(path)
    assert (identity.kind, identity.name) == (kind, name)


@pytest.mark.parametrize(
    "path",
    [
        "CLAUDE.md", ".claude/commands/review.md", "notes.TXT", ".cursor/rules/x.mdc",
        ".cursorrules", "prompts/triage.yaml", "workflows/triage.yml", ".github/x.prompt.yml",
        ".github/workflows/triage.md", "prompts/system.j2", "review.prompt",
    ],
)  # fmt: skip
def test_texts_for_a_model_are_prompt_files(path):
    """Markdown, plain text, templates, and YAML whose path says what it is."""
    require_text(path)


@pytest.mark.parametrize(
    "path",
    [
        ".claude.json", ".bashrc", ".zshenv", ".profile", ".envrc", "Makefile", "x.sh", "x.py",
        ".gitconfig", ".ssh/config", ".config/fish/config.fish", "package.json", "x.toml",
        ".github/workflows/agent.yml", ".GitHub/Workflows/agent.yaml", "docker-compose.yml",
        ".prompt.yml", "requirements.txt", "CMakeLists.txt", "prompt", ".md", "hooks/run",
    ],
)  # fmt: skip
def test_what_a_program_runs_or_is_set_up_by_is_no_prompt_file(path):
    """Shells, build services and the client itself would do what a variant says."""
    with pytest.raises(RefusedError, match="no prompt file"):
        require_text(path)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_frontmatter_is_found_whatever_the_newlines_and_the_mark(newline, bom):
    """CRLF and a byte order mark do not hide the block."""
    text = newline.join(["---", "model: opus   # pinned", "name: Übung", "---", "Body ---", ""])
    assert read_frontmatter(bom + text.encode()).fields == {"model": "opus", "name": "Übung"}


def test_a_file_without_frontmatter_has_no_fields_and_no_error():
    """Neither a plain text nor an unclosed block is an error."""
    for data in (b"", b"# Title\n---\nx: 1\n---\n", b"---\nnever: closed\n"):
        assert read_frontmatter(data) == read_frontmatter(b"plain")


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b'a: "', "not valid YAML"),
        (b"- a", "not a mapping"),
        (b"a: &x [1]\nb: *x", "alias"),
        (b"a: " + b"x" * 70_000, "longer than 64 kB"),
    ],
)
def test_frontmatter_that_the_client_would_ignore_says_why(block, reason):
    """The error is a sentence, not an exception."""
    read = read_frontmatter(b"---\n" + block + b"\n---\nbody")
    assert read.fields == {}
    assert reason in read.error


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(data):
    """Any file can be read as a prompt."""
    read_frontmatter(b"---\n" + data + b"\n---\n")


@given(st.text(max_size=80))
def test_a_slug_is_always_a_plain_name(text):
    """Whatever the name, its slug can stand in a file name."""
    made = slug(text)
    assert 1 <= len(made) <= 40
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-")
    assert not made.endswith("-")


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        (".claude/skills/notes/SKILL.md", ".claude/skills/notes"),
        ("plugin/skills/notes/SKILL.md", "plugin/skills/notes"),
        ("notes/SKILL.md", "notes"),
        ("SKILL.md", None),
        (".github/SKILL.md", None),
        (".claude/SKILL.md", None),
        (".claude/skills/SKILL.md", None),
        (".claude/skills/notes/skill.md", None),
        (".claude/commands/review.md", None),
    ],
)
def test_a_skill_alone_has_a_folder(path, folder):
    assert skill_folder(path) == folder


@pytest.mark.parametrize(
    "path",
    ["Makefile", ".claude/skills/notes.sh", ".claude/skills/other/run.sh", "None/run.sh"],
)
def test_programs_are_taken_from_the_folder_of_a_skill_alone(path):
    prompts = [".claude/skills/notes/SKILL.md", ".claude/commands/review.md"]
    require_files([*prompts, ".claude/skills/notes/scripts/run.sh"], prompts)
    with pytest.raises(RefusedError, match="no prompt file"):
        require_files([*prompts, path], prompts)
