"""The table of what the client reads at the head of prompt files is true of the real client."""

import contextlib

import pytest
from tests.client.conftest import INSTALLED
from tests.client.harness import Client
from tests.client.reading import FORMS, encoded, read_agents, read_prompts, table, try_all

from meta_experiment.errors import RefusedError
from meta_experiment.prompts.agent_variants import agent_name, agent_under
from meta_experiment.prompts.shim import Line, build_shim, require_alike_as_skill

pytestmark = [pytest.mark.client, pytest.mark.long]

TABLE = table()
LINE = Line("exp@abc", lambda number: [f"copy.{number}.md"], "all.md")
MANY = {"CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS": "1000"}


def stand_in(data, group):
    if group == "commands":
        require_alike_as_skill(data)
    return build_shim({"a": data}, LINE, ["Bash(serve-variant:*)"], describe=True).data


@pytest.fixture
def bare(tmp_path):
    """Return the client without the plugin."""
    if INSTALLED is None:
        pytest.skip("no client is installed; .ci/run installs one")
    return Client(INSTALLED, tmp_path, (), MANY)


@pytest.mark.long(100)
def test_the_table_says_what_the_client_does(tmp_path):
    """Every case, tried anew; `python -m tests.client.reading` writes what is found."""
    if INSTALLED is None:
        pytest.skip("no client is installed; .ci/run installs one")
    tried = try_all(tmp_path, TABLE, INSTALLED)
    for group in ("client", *FORMS):
        assert tried[group] == TABLE[group], group


def test_the_copies_of_agents_are_what_the_agents_are(bare):
    """The same tools, model and text, under another name and with our description."""
    wanted, copies = {}, {}
    for case, row in TABLE["agents"].items():
        data, read = encoded(row["text"]), row["read"]
        if read is not None and len(read["name"]) < 200:
            name = f"{case}-copy"
            copies[case] = agent_under(data, agent_name(data), name)
            words = f"Stands in for the agent {read['name']}; do not choose it yourself."
            wanted[case] = {**read, "name": name, "description": words}
    found = read_agents(bare, copies)
    told = [case for case, read in wanted.items() if read["text"]]  # else nothing says which
    assert {case: found[case] for case in told} == {case: wanted[case] for case in told}


@pytest.mark.long(60)
@pytest.mark.parametrize("group", ["commands", "skills"])
def test_the_stand_ins_of_prompts_are_what_the_prompts_are(bare, group):
    """As a user and the model see them before they are called, and with the same model."""
    shims = {}
    for case, row in TABLE[group].items():
        with contextlib.suppress(RefusedError):  # the everyday test holds which, and why
            shims[case] = stand_in(encoded(row["text"]), group)
    assert len(shims) > len(TABLE[group]) / 2
    found = read_prompts(bare, FORMS["skills"], shims)
    for case in shims:
        for what in ("typed", "told", "model"):
            read = TABLE[group][case]["read"]
            if what != "model" or read["text"]:
                assert found[case][what] == read[what], (case, what)
