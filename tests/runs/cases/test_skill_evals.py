"""Evals of a skill are read as cases: what can be checked is, the rest is for a judge."""

import json

import pytest

from meta_experiment.errors import UsageError


def test_evals_are_read_with_what_can_be_checked(written):
    (case,) = written(
        {
            "skill_name": "greeter",
            "evals": [
                {
                    "id": 0,
                    "prompt": "Greet.",
                    "expected_output": "A greeting.",
                    "files": ["in/names.txt"],
                    "skill": "greeter",
                    "mode": "short",
                    "expectations": ["It is friendly"],
                    "assertions": [
                        "contains 'Ada'",
                        "contains 'a.b' or contains 'c'",
                        "does not contain 'x*'",
                        "starts with '{'",
                        'ends with "it\'s"',
                        r"matches regex /a\d+/i",
                        "contains 'Ada' and is polite",
                        {"text": "Names her", "check": "string_match", "value": "Ada"},
                        {"text": "Is warm", "check": "qualitative", "value": "It is warm."},
                    ],
                }
            ],
        },
        name="evals.json",
    )
    assert (case.case_id, case.files, case.tags) == (
        "eval-0",
        ("in/names.txt",),
        ("greeter", "short"),
    )
    assert [(item.kind, item.target) for item in case.criteria] == [
        ("judge", "It is friendly"),
        ("contains", "Ada"),
        ("regex", r"a\.b|c"),
        ("regex", r"x\*"),
        ("regex", r"\A\s*\{"),
        ("regex", r"it's\s*\Z"),
        ("regex", r"a\d+"),
        ("judge", "contains 'Ada' and is polite"),
        ("contains", "Ada"),
        ("judge", "It is warm."),
    ]
    assert case.criteria[3].options == {"match": "not_contains"}
    assert case.criteria[6].options == {"flags": "i"}
    assert [item.name for item in case.criteria[-2:]] == ["Names her", "Is warm"]


def test_evals_stand_as_a_list_or_alone_too(written):
    listed = written(
        json.dumps([{"id": "x", "prompt": "Go.", "expected_output": "Gone."}]),
        name="evals.json",
    )
    assert [(item.kind, item.target) for item in listed[0].criteria] == [("judge", "Gone.")]
    (alone,) = written(
        {"eval_id": 7, "eval_name": "go", "prompt": "Go.", "assertions": []},
        name="eval_metadata.json",
    )
    assert (alone.case_id, alone.criteria) == ("eval-7", ())


WRONG_EVALS = {
    "an unknown field": ({"id": 1, "prompt": "x", "assert": []}, "there is no field 'assert'"),
    "no id": ({"prompt": "x", "assertions": []}, "has no id"),
    "another check": (
        {"id": 1, "prompt": "x", "assertions": [{"text": "t", "check": "magic"}]},
        ".assertions[0].check: 'magic' is none of",
    ),
    "a false id": ({"id": True, "prompt": "x", "assertions": []}, ".id: expected a text"),
    "no prompt": ({"id": 1, "assertions": ["y"]}, ".prompt: expected a text"),
}


@pytest.mark.parametrize(("document", "said"), WRONG_EVALS.values(), ids=WRONG_EVALS)
def test_what_is_no_eval_is_refused(written, document, said):
    with pytest.raises(UsageError) as refusal:
        written({"evals": [document]}, name="evals.json")
    assert refusal.value.message.startswith("evals.json.evals[0]")
    assert said in refusal.value.message
