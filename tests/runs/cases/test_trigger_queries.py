"""Queries that should trigger a skill, or should not, are cases that ask for just that."""

import json

import pytest

from meta_experiment.errors import UsageError

QUERIES = [
    {"query": "Look over my text.", "should_trigger": True},
    {"query": "What is the time?", "should_trigger": False},
]


def test_queries_ask_whether_a_skill_is_taken_up(written):
    yes, no = written(json.dumps(QUERIES), name="eval_queries.json")
    assert (yes.case_id, yes.prompt) == ("query-1", "Look over my text.")
    assert (no.case_id, no.prompt) == ("query-2", "What is the time?")
    asked = [
        (item.kind, item.target, dict(item.options)) for item in yes.criteria + no.criteria
    ]
    assert asked == [("tool_used", "Skill", {"min": 1}), ("tool_used", "Skill", {"max": 0})]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"query": "x"}, "[2].should_trigger: expected true or false"),
        ({"query": "x", "should_trigger": "no"}, "[2].should_trigger: expected true or false"),
        ({"query": " ", "should_trigger": True}, "[2].query: expected a text"),
        ({"query": "x", "should_trigger": True, "id": 1}, "[2]: there is no field 'id'"),
    ],
)
def test_what_is_no_query_is_refused(written, query, said):
    with pytest.raises(UsageError) as refusal:
        written(json.dumps([*QUERIES, query]), name="eval_queries.json")
    assert refusal.value.message.startswith(f"eval_queries.json{said}")
