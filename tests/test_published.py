"""The published cases as a collection: whole, unchanged, and each with its test."""

import json

import pytest
from tests.published import FILES, REPOSITORY, Cases

SHARED = REPOSITORY.parent / "shared" / "golden" / "seed-cases.json"
VERDICTS = {"holds", "contradicted", "conflict", "published_but_wrong_idea"}

each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_there_are_cases():
    assert [path.stem.removeprefix("published_") for path in FILES] == [
        "draws", "decisions", "figures", "rules", "workflows",
    ]  # fmt: skip


@each
def test_every_row_is_named_and_every_refusal_has_its_reason(path):
    """No row is kept without a test that names it, and none is set aside without a word."""
    cases = Cases(path)
    tests = [
        text
        for test in path.parent.glob("test_published*.py")
        if f'"{path.name}"' in (text := test.read_text(encoding="utf-8"))
    ]
    assert len(tests) == 1
    assert [name for name in cases if f'"{name}"' not in tests[0]] == []
    for row in cases.values():
        assert row["status"] in VERDICTS
        assert row.get("not_a_rule", "A sentence.").endswith(".")


@pytest.mark.skipif(not SHARED.exists(), reason="the collection of cases is not here")
@each
def test_the_cases_kept_here_are_those_of_the_collection(path):
    """Inputs, expectations and verdicts are unchanged copies."""
    whole = {item["id"]: item for item in json.loads(SHARED.read_text())["cases"]}
    copied = ("input", "expected", "status")
    for name, kept in Cases(path).items():
        assert {key: whole[name][key] for key in copied} == {key: kept[key] for key in copied}
