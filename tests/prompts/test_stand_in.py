"""The stand-in of a prompt file: bodies come out as they were, heads keep their fields."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.agent_variants import agent_name, agent_under
from meta_experiment.prompts.frontmatter import cut, read_frontmatter
from meta_experiment.prompts.parts import LIMIT, part
from meta_experiment.prompts.place import is_installed_copy, locate
from meta_experiment.prompts.shim import Line, build_shim
from meta_experiment.prompts.tools import add_tools, asks_first

TOOLS = ["Bash(serve-variant:*)", "Read(//a b/.claude/meta/**)"]
LINE = Line("exp@abc", lambda number: [f"copy.{number}.md"], "all.md")

HEADS = {
    "none": ("", None),
    "without": ("description: x", None),
    "empty": ("allowed-tools:", None),
    "null": ("allowed-tools: null # none\nmodel: x", None),
    "tilde": ("allowed-tools: ~", None),
    "star within": ("allowed-tools: Bash(git * -v) # * not", "Bash(git * -v)"),
    "words": ("allowed-tools: Read Grep", "Read Grep"),
    "comment": ("allowed-tools: Read # why", "Read"),
    "flow": ('allowed-tools: [Read, "Bash(x:*)"]', ["Read", "Bash(x:*)"]),
    "empty flow": ("allowed-tools: []", []),
    "long flow": ("allowed-tools: [\n  Read,\n  Grep\n]", ["Read", "Grep"]),
    "block": ("allowed-tools:\n  - Read\n  - Grep # c\nmodel: x", ["Read", "Grep"]),
    "flush block": ("allowed-tools:\n- Read", ["Read"]),
    "double": ('allowed-tools: "Read, Grep"', "Read, Grep"),
    "single": ("allowed-tools: 'Read'", "Read"),
    "folded": ("allowed-tools: >-\n  Read,\n  Grep\nmodel: x", "Read, Grep"),
    "continued": ("allowed-tools: Read,\n  Grep", "Read, Grep"),
}


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_permissions_are_added_whatever_form_the_field_has(name, newline, mark):
    """All other fields stay, what was allowed stays, and the markers stay where they were."""
    lines, before = HEADS[name]
    head = (mark + (f"---\n{lines}\n---\n" if lines else "")).replace("\n", newline).encode()
    added = add_tools(head, TOOLS)
    assert cut(added + b"body") == (added, b"body")
    fields, known = read_frontmatter(added), read_frontmatter(head)
    assert fields.error is None
    value = fields.fields.pop("allowed-tools")
    known.fields.pop("allowed-tools", None)
    assert fields.fields == known.fields
    if isinstance(before, list):
        assert value == [*before, *TOOLS]
    else:
        assert value == ", ".join([*([before] if before else []), *TOOLS])
    assert added.startswith(mark.encode())
    if newline == "\r\n" and lines:
        assert b"\n" not in added.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "value", ["*", '"*"', '["*"]', "\n  - '*'", "Read, *", "[Read, '*']", "\n  - Read\n  - '*'"]
)
def test_beside_a_star_no_permission_counts(value):
    """The client keeps the star alone, and would abort every call."""
    with pytest.raises(RefusedError, match="holds `\\*`"):
        add_tools(f"---\nallowed-tools: {value}\n---\n".encode(), TOOLS)


@pytest.mark.parametrize(
    ("line", "asks"),
    [
        ("model: x", False), ("shell: bash", False), ("allowed-tools: []", False),
        ("allowed-tools: null", False), ("hooks: {}", False), ("allowed-tools: Read", True),
        ("'hooks': {Stop: []}", True), ("disallowed-tools: Bash", True),
        ("disallowedTools: [Bash]", True), ("argument-hint: [a] [b]", False),
        ("argument-hint: [a] [b]\n'hooks':\n  Stop: []", True),
    ],
)  # fmt: skip
def test_what_the_client_asks_about_before_the_model_may_call_it(line, asks):
    """By the fields it looks at, also where the head is no YAML that can be read."""
    assert asks_first(f"---\n{line}\n---\nx".encode()) is asks


def test_the_level_of_effort_is_handed_on_where_a_text_has_it():
    arms = {"control": b"One.\n", "b": b"Two ${CLAUDE_EFFORT}.\n"}
    line = b"${CLAUDE_SESSION_ID} --effort ${CLAUDE_EFFORT} 2>/dev/null"
    assert line in build_shim(arms, LINE, TOOLS, describe=True).data


def printed(shim, arm):
    """What a model would get: the injected lines replaced by what serving prints."""
    parts = iter(shim.bodies[arm])
    body = cut(shim.data)[1]
    return re.sub(rb"!`serve-variant[^`]*`", lambda _: next(parts), body)


PIECE = st.sampled_from(
    [b"word", b" ", b"\n", b"\n\n", b"\r\n", b"\t", b"- item", b"$ARGUMENTS", b"`code`",
     b" !`git status`", b"\n!`ls`\n", b"\n```!\nls\n```\n", "ü🎉".encode(), b"!`"]
)  # fmt: skip


@given(st.lists(PIECE, max_size=20).map(b"".join), st.booleans())
def test_a_served_control_is_exactly_its_text(body, has_head):
    """Injections of its own, blank lines and line ends all come out where they were."""
    head = b"---\nname: x\n---\n" if has_head else b""
    data = head + body
    _, text = cut(data)
    try:
        shim = build_shim({"control": data, "b": data}, LINE, TOOLS, describe=True)
    except RefusedError as error:
        assert not text.strip() or "!`" in error.message  # noqa: PT017 - either may be
        return
    assert printed(shim, "control") == text
    for served in shim.bodies["control"]:
        assert served == served.rstrip(b" \t\r\n")
        assert not served.startswith((b"\n", b"\r"))


@given(
    st.lists(st.tuples(st.integers(1, 20_000), st.booleans()), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(1, 20_000), st.booleans()), min_size=1, max_size=12),
)
def test_long_texts_are_served_in_parts_that_fit_and_join(one, two):
    """All arms in the same number of parts, none longer than what one line may print."""
    arms = {name: text_of(sizes) for name, sizes in (("control", one), ("b", two))}
    try:
        parted = part(arms)
    except RefusedError:
        assert min(len(one), len(two)) < max(len(one), len(two))
        return
    assert len(parted.bodies["control"]) == len(parted.bodies["b"])
    for arm, body in arms.items():
        assert parted.joined(arm).strip() == body.strip()
        assert all(0 < len(item) <= LIMIT for item in parted.bodies[arm])


def text_of(sizes):
    paragraphs = [b"x" * size + (b"\nnext" if double else b"") for size, double in sizes]
    return b"\n\n".join(paragraphs) + b"\n"


def test_only_one_line_is_added_to_what_fits():
    """A short body is one injection; its fallbacks never fail."""
    head = b"---\nname: x\ndescription: d\n---\n"
    arms = {"control": head + b"One.\n", "b": head + b"Two.\n"}
    shim = build_shim(arms, LINE, TOOLS, describe=True)
    assert cut(shim.data)[1] == (
        b"!`serve-variant exp@abc ${CLAUDE_SESSION_ID} 2>/dev/null || cat copy.0.md 2>/dev/null"
        b' || echo "Read all.md and follow it."`\n'
    )
    assert shim.bodies == {"control": (b"One.",), "b": (b"Two.",)}


def test_a_file_without_a_description_gets_the_one_the_client_made():
    """The client's first line, without heading marks, at most 100 characters; YAML-safe."""
    long = "A" * 90 + ' "quoted": second'
    shim = build_shim({"a": f"\n# {long}\n\nx".encode()}, LINE, TOOLS, describe=True)
    assert read_frontmatter(shim.data).fields["description"] == long[:97] + "..."
    assert b"description" not in build_shim({"a": b"x"}, LINE, TOOLS, describe=False).data


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (b"---\nname: x\nmodel: haiku\n---\nTwo.\n", "model"),
        (b"---\nname: x\n---\nTwo !`ls`.\n", "commands"),
        (b"---\nname: x\n---\n\n", "no text"),
    ],
)
def test_what_one_file_cannot_serve_is_refused(other, word):
    """The message names what differs."""
    with pytest.raises(RefusedError, match=word):
        build_shim({"a": b"---\nname: x\n---\nOne.\n", "b": other}, LINE, TOOLS, describe=True)


def test_frontmatter_may_be_written_differently_when_it_says_the_same():
    """A comment or another quote is no difference."""
    one, two = b"---\nname: 'x' # why\n---\nOne.\n", b"---\nname: x\n---\nTwo.\n"
    assert build_shim({"a": one, "b": two}, LINE, TOOLS, describe=True).bodies["b"] == (
        b"Two.",
    )


def test_an_agents_file_gets_another_name_and_an_uninviting_description():
    """Everything else stays, the model as well; a long description goes whole."""
    text = (
        b"---\nname: critic\ndescription: >\n  Use it\n\n  often.\nmodel: haiku\n---\n\nBody.\n"
    )
    assert agent_name(text) == "critic"
    other = agent_under(text, "critic", "critic-b")
    assert cut(other)[1] == b"\nBody.\n"
    fields = read_frontmatter(other).fields
    assert fields == {
        "name": "critic-b",
        "description": "Stands in for the agent critic; do not choose it yourself.",
        "model": "haiku",
    }


@pytest.mark.parametrize(
    ("path", "plugin", "call"),
    [
        (".claude/commands/a.md", "", "a"),
        (".claude/commands/git/a.md", "", "git:a"),
        (".claude/commands/a.md", "plug", "a"),
        ("commands/git/a.md", "plug", "plug:git:a"),
        ("skills/pdf/SKILL.md", "plug", "plug:pdf"),
        (".claude/agents/team/critic.md", "", "critic"),
        ("commands/a.md", "", None),
        (".claude/skills/pdf/notes.md", "", None),
        ("packages/x/.claude/commands/a.md", "", None),
        ("CLAUDE.md", "plug", None),
    ],
)
def test_the_client_knows_files_by_their_place(path, plugin, call):
    """Only what it loads by itself has a name to be called by."""
    place = locate(path, plugin)
    assert (place and place.call) == call


def test_copies_of_installed_plugins_are_known():
    """Their updates replace the files."""
    assert is_installed_copy("/home/u/.claude/plugins/cache/m/p/1.0/commands/a.md")
    assert not is_installed_copy("/home/u/.claude/plugins/mine/commands/a.md")
