"""Prompt files are read as the client reads them: by a table of what it made of many."""

import re
from pathlib import Path

import pytest
from tests.client.reading import encoded, table

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.agent_variants import agent_name, agent_under
from meta_experiment.prompts.frontmatter import cut, read_frontmatter
from meta_experiment.prompts.identity import PromptKind
from meta_experiment.prompts.loading import loading_fault
from meta_experiment.prompts.shim import Line, build_shim, require_alike_as_skill

TABLE = table()
TOOLS = ["Bash(serve-variant:*)", "Read(//a---b/.claude/meta/**)"]
LINE = Line("exp@abc", lambda number: [f"copy.{number}.md"], "all.md")


def rows(group):
    return [(case, encoded(row["text"]), row["read"]) for case, row in TABLE[group].items()]


def plain(text):
    """Return text as the client lists it: one line, with spaces for what cannot be shown."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())


def test_the_table_is_of_the_client_that_is_tested():
    """Else what it says was tried on another version."""
    version = Path(__file__).parents[2] / ".ci/client-version"
    assert TABLE["client"] == version.read_text().strip()


def test_agents_are_loaded_or_not_as_the_client_loads_them():
    """With the name and description that it reads, and for a reason where it reads none."""
    wrong = {}
    for case, data, read in rows("agents"):
        fault = loading_fault(PromptKind.AGENT, data)
        fields = read_frontmatter(data).fields
        found = None if fault else (fields["name"], fields["description"].replace("\\n", "\n"))
        if found != (read and (read["name"], read["description"])):
            wrong[case] = (fault, found, read)
    assert wrong == {}


def test_agents_ask_for_the_model_that_the_client_asks_for():
    """A field is read from where the client reads it, also from what it had to mend."""
    wrong = {}
    for case, data, read in rows("agents"):
        if read and read["model"]:
            model = read_frontmatter(data).fields.get("model")
            wanted = isinstance(model, str) and bool(model.strip())
            known = wanted and model != "inherit"
            if known != ("opus" not in read["model"]):
                wrong[case] = (model, read)
    assert wrong == {}


def test_the_text_below_the_head_begins_where_the_client_begins_it():
    """At the next three dashes, wherever they stand."""
    wrong = {
        case: (cut(data)[1], read["text"])
        for case, data, read in rows("agents")
        if read and read["text"]
        if cut(data)[1].decode("utf-8", "replace").strip() != read["text"]
    }
    assert wrong == {}


def test_forms_whose_reading_is_not_followed_are_named():
    """Neither refused for a reason that is none, nor taken for something else."""
    assert all(read_frontmatter(data).unclear for _, data, _ in rows("unfollowed"))
    assert not any(read_frontmatter(data).unclear for _, data, _ in rows("agents"))
    for _, data, _ in rows("unfollowed"):
        assert loading_fault(PromptKind.AGENT, data) == ""
        with pytest.raises(RefusedError, match="not known"):
            agent_name(data)


@pytest.mark.long
@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)])
def test_the_copy_of_an_agent_says_all_that_the_agent_says(step):
    """Whatever its form, of which every fifth is read each day."""
    for case, data, read in rows("agents")[::step]:
        if read is None:
            with pytest.raises(RefusedError, match="does not load this agent"):
                agent_name(data)
            continue
        other = f"{read['name'][:200]}-b"
        copy = agent_under(data, agent_name(data), other)
        fields = dict(read_frontmatter(copy).fields)
        assert fields.pop("name") == other, case
        assert "do not choose it yourself" in fields.pop("description"), case
        before = read_frontmatter(data).fields
        assert fields == {k: v for k, v in before.items() if k not in ("name", "description")}
        assert cut(copy)[1].strip() == cut(data)[1].strip()


REASONS = ("holds `*`", "no text beside", "`hooks` at the head")


def test_what_the_client_heeds_in_a_skill_alone_is_refused_in_a_command():
    """The skill that stands in for it would be offered for some files only."""
    refused = set()
    for case, data, _ in rows("commands"):
        try:
            require_alike_as_skill(data)
        except RefusedError:
            refused.add(case)
    assert refused == {"field-paths", "field-paths-num"}


@pytest.mark.parametrize("hooks", ["what", "[]", "3"])
def test_hooks_with_which_the_client_would_stop_the_prompt_are_refused(hooks):
    """It passes over them until a line is injected."""
    data = f"---\ndescription: d\nhooks: {hooks}\n---\nBody\n".encode()
    with pytest.raises(RefusedError, match="no mapping"):
        build_shim({"a": data, "b": data}, LINE, TOOLS, describe=True)


@pytest.mark.parametrize("group", ["commands", "skills"])
def test_the_stand_in_of_a_prompt_says_all_that_the_prompt_says(group):
    """Its description as the client shows it, its rules and ours; other fields as before."""
    wrong = {}
    for case, data, read in rows(group):
        try:
            shim = build_shim({"a": data, "b": data}, LINE, TOOLS, describe=True).data
        except RefusedError as error:
            if not any(reason in error.message for reason in REASONS):
                wrong[case] = error.message
            continue
        before, after = read_frontmatter(data).fields, dict(read_frontmatter(shim).fields)
        rules = after.pop("allowed-tools")
        joined = ", ".join(TOOLS)
        if rules[-2:] != TOOLS and not str(rules).endswith(joined):
            wrong[case] = rules
        said = str(after.get("description", ""))
        told = read["told"]
        is_made = told is not None and not before.get("description")  # of the first line
        if is_made and plain(told.partition(" - ")[0]) != plain(said):
            wrong[case] = (said, told)
        if told is not None and not plain(told).startswith(
            plain(said) if said != "True" else "true"
        ):
            wrong[case] = (said, told)
        others = {k: v for k, v in before.items() if k not in ("description", "allowed-tools")}
        if {k: v for k, v in after.items() if k != "description"} != others:
            wrong[case] = (others, after)
    assert wrong == {}


def test_a_rule_of_a_prompt_reaches_the_client_or_not_as_the_table_says():
    """Rules of ours hold beside the prompt's own, however those are written."""
    for case, data, read in rows("commands"):
        if "touch made-" in data.decode("utf-8", "replace"):
            rules = read_frontmatter(data).fields.get("allowed-tools")
            if read["made"]:
                assert re.search(r"Bash\(touch", str(rules)), case
