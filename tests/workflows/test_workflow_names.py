"""A workflow's state is found by its file's name, however its path is written."""

import pytest

from meta_experiment.workflows.workflow_names import branch_of, workflow_id, workflow_name


@pytest.mark.parametrize(
    ("file", "name", "known"),
    [
        (".github/workflows/daily-fact.md", "daily-fact", "dailyfact"),
        (".github\\workflows\\Daily-Fact.md", "Daily-Fact", "dailyfact"),
        ("daily-fact.lock.yml", "daily-fact", "dailyfact"),
        ("daily-fact", "daily-fact", "dailyfact"),
        ("v1.2.md", "v1.2", "v1.2"),
    ],
)
def test_a_workflow_is_known_by_its_file(file, name, known):
    assert workflow_name(file) == name
    assert workflow_id(file) == known
    assert branch_of(file) == f"experiments/{known}"


def test_two_workflows_can_share_the_name_of_their_state():
    assert workflow_id("a-b.md") == workflow_id("ab.md")
