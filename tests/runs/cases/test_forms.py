"""Cases in the plain form: read as they stand, and nothing of them guessed at."""

import json

import jsonschema
import pytest
from tests.published import REPOSITORY

from meta_experiment.errors import (
    NotFoundError,
    UsageError,
)
from meta_experiment.runs.cases.forms import read_cases
from meta_experiment.types.cases import CaseOrigin, CommitSource, CriterionKind

CASE = {"id": "a", "prompt": "Say hello."}


def asked(case):
    return [(item.kind, item.target, item.name) for item in case.criteria]


def test_a_line_says_all_that_a_case_holds(written):
    first, second = written(
        {
            "id": "t-1",
            "prompt": "Fix it.\r\n",
            "criteria": [
                {"type": "contains", "target": "done", "weight": 2},
                {"type": "regex", "target": "ok", "flags": "i", "match": "count:2"},
                {"type": "contains", "target": "done"},
            ],
            "files": ["src/**", "docs/"],
            "needs": ["port 80"],
            "commit": "v1.2~3",
            "timeout_seconds": 60,
            "tags": ["quick"],
        },
        "",
        {"id": "b", "prompt": "/review x", "criteria": None},
    )
    assert (first.case_id, first.prompt) == ("t-1", "Fix it.\r\n")
    assert asked(first) == [
        ("contains", "done", "contains done"),
        ("regex", "ok", "regex ok"),
        ("contains", "done", "contains done (2)"),
    ]
    assert [item.weight for item in first.criteria] == [2.0, 1.0, 1.0]
    assert first.criteria[1].options == {"flags": "i", "match": "count:2"}
    assert (first.files, first.needs) == (("src/**", "docs/"), ("port 80",))
    assert (first.commit, first.timeout_seconds, first.tags) == ("v1.2~3", 60.0, ("quick",))
    assert (second.criteria, second.files, second.commit) == ((), (), None)


def test_a_json_file_holds_a_list_or_one_case(written):
    several = written(json.dumps([CASE, {**CASE, "id": "b"}]), name="cases.json")
    assert [case.case_id for case in several] == ["a", "b"]
    assert written(CASE, name="one.json")[0] == several[0]


def test_the_digest_is_of_what_is_said_and_not_of_how(written, tmp_path):
    said = {**CASE, "criteria": [{"type": "judge", "target": "It greets."}]}
    (plain,) = written(said)
    (other,) = written(
        '\ufeff{"prompt" : "Say hello.", "criteria": [{"target": "It greets.",\r\n'
        ' "type": "judge", "weight": 1.0}], "id":\r\n"a"}',
        name="cases.json",
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "a/prompt.md").write_text("Say hello.\n")
    (tmp_path / "a/graders").mkdir()
    (tmp_path / "a/graders/judge It greets..md").write_text("---\ntype: llm\n---\nIt greets.")
    (folder,) = read_cases(tmp_path / "a")
    assert plain == other == folder
    changes = [
        {"prompt": "Say hello!"},
        {"criteria": []},
        {"files": ["x"]},
        {"needs": ["x"]},
        {"commit": "x"},
        {"timeout_seconds": 1},
        {"tags": ["x"]},
        {"criteria": [{"type": "judge", "target": "It greets.", "weight": 2}]},
    ]
    digests = {written({**said, **change})[0].sha256 for change in changes} | {plain.sha256}
    assert len(digests) == len(changes) + 1
    (known,) = written({**said, "origin": ORIGIN})
    assert known.sha256 == plain.sha256  # no run depends on it
    assert known.origin == CaseOrigin(
        "s-1", "2026-11-21T14:16:58.000Z", CommitSource.BRANCH, clean=None, first=False
    )


ORIGIN = {"session": "s-1", "time": "2026-11-21T14:16:58Z", "commit_by": "branch"}
WRONG = {
    "an origin by something else": (
        {**CASE, "origin": {**ORIGIN, "commit_by": "x"}},
        "(a).origin.commit_by: 'x' is none of recorded",
    ),
    "an origin that is found by nothing": (
        {**CASE, "origin": {"session": "s-1", "time": "2026-11-21T14:16:58Z"}},
        "(a).origin.commit_by: expected a text",
    ),
    "an unknown field": ({**CASE, "promt": 1}, "cases.jsonl:1: there is no field 'promt'"),
    "no id": ({"prompt": "x"}, "cases.jsonl:1.id: expected a text"),
    "a number": ({"id": 3, "prompt": "x"}, "cases.jsonl:1.id: expected a text, found 3"),
    "a path for an id": ({"id": "../a", "prompt": "x"}, "'../a' is no plain name"),
    "an empty prompt": ({"id": "a", "prompt": " \n"}, "cases.jsonl:1 (a).prompt: expected"),
    "a zero in a prompt": ({"id": "a", "prompt": "x\0"}, "(a).prompt holds a zero byte"),
    "a zero byte": ('{"id": "a", "prompt": "\0"}', "cases.jsonl, line 1: holds a zero byte"),
    "not UTF-8": (
        '{"id": "a",\n "prompt": "\udcff"}',
        "cases.jsonl, line 2: not text in UTF-8",
    ),
    "a name twice": ('{"id": "a", "id": "b", "prompt": "x"}', "two values are given for 'id'"),
    "not JSON": ("{", "cases.jsonl:1 is not valid JSON"),
    "half a pair": ('{"id": "a", "prompt": "\\ud800"}', "half of a surrogate pair"),
    "too deep": ("[" * 99 + "]" * 99, "nested deeper than 60 levels"),
    "no mapping": ("[1]", "cases.jsonl:1: expected a mapping"),
    "a path out": ({**CASE, "files": ["../x"]}, "(a).files[0]: '../x' has an empty, '.' or"),
    "an absolute path": ({**CASE, "files": ["/etc"]}, "(a).files[0]: '/etc' is absolute"),
    "braces": ({**CASE, "files": ["*.{js,ts}"]}, "lists alternatives in braces"),
    "no list": ({**CASE, "needs": "db"}, "(a).needs: expected a list"),
    "a need twice": ({**CASE, "needs": ["db", "db"]}, "(a).needs: 'db' is given twice"),
    "an option for a commit": ({**CASE, "commit": "--all"}, "expected a commit of git"),
    "a range": ({**CASE, "commit": "a..b"}, "expected a commit of git"),
    "no time": ({**CASE, "timeout_seconds": 0}, "(a).timeout_seconds: expected a number from"),
    "nothing": ("\n", "cases.jsonl is empty"),
}


@pytest.mark.parametrize(("document", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_case_is_refused_with_its_place(written, document, said):
    with pytest.raises(UsageError) as refusal:
        written(document)
    assert said in refusal.value.message


WRONG_CRITERIA = {
    "no type": ({"target": "x"}, ": has no type"),
    "another type": ({"type": "contain", "target": "x"}, ".type: 'contain' is none of"),
    "no target": ({"type": "contains"}, ".target: expected a text"),
    "an option of another": ({"type": "contains", "target": "x", "flags": "i"}, "'flags'"),
    "no weight": ({"type": "contains", "target": "x", "weight": 0}, ".weight: expected"),
    "less than nothing": ({"type": "contains", "target": "x", "weight": -1}, ".weight"),
    "no pattern": ({"type": "regex", "target": "("}, ".target: '(' is no regular expression"),
    "no flag": ({"type": "regex", "target": "x", "flags": "g"}, "has the flag 'g'"),
    "no match": ({"type": "regex", "target": "x", "match": "count:x"}, ".match: expected"),
    "no schema": ({"type": "json_schema", "target": {"type": "text"}}, "no JSON Schema"),
    "a schema elsewhere": (
        {"type": "json_schema", "target": {"items": {"$ref": "https://x.example/s"}}},
        "refers to 'https://x.example/s'",
    ),
    "another draft": ({"type": "json_schema", "target": {"$schema": "x"}}, "names no draft"),
    "a pattern in a schema": (
        {"type": "json_schema", "target": {"patternProperties": {"(": True}}},
        "no JSON Schema",
    ),
    "a schema in text": ({"type": "json_schema", "target": "{"}, "is not valid JSON"),
    "a file outside": ({"type": "file_exists", "target": "../x"}, "has an empty, '.' or"),
    "many files": ({"type": "contains", "target": "x", "file": "*.md"}, "expected one path"),
    "nothing asked": ({"type": "diff"}, "asks nothing"),
    "crossed bounds": ({"type": "diff", "min_files": 2, "max_files": 1}, "is above"),
    "no paths": ({"type": "diff", "only": []}, ".only: expected a list of paths"),
    "no second tool": ({"type": "tool_order", "target": "Read"}, "has no 'before'"),
    "two names": (
        [{"type": "manual", "target": x, "name": "n"} for x in "ab"],
        "two criteria are named 'n'",
    ),
}


@pytest.mark.parametrize(("criteria", "said"), WRONG_CRITERIA.values(), ids=WRONG_CRITERIA)
def test_what_could_not_be_judged_is_refused_when_it_is_read(written, criteria, said):
    criteria = criteria if isinstance(criteria, list) else [criteria]
    with pytest.raises(UsageError) as refusal:
        written({**CASE, "criteria": criteria})
    assert said in refusal.value.message
    assert refusal.value.message.startswith("cases.jsonl:1 (a).criteria[")


def test_one_id_is_one_case_also_where_files_are_named_without_regard_to_case(written):
    with pytest.raises(UsageError, match=r"cases.jsonl:2: the id A is that of cases.jsonl:1"):
        written(CASE, {**CASE, "id": "A"})


def test_what_holds_no_cases_is_said(tmp_path):
    with pytest.raises(NotFoundError, match="There is no"):
        read_cases(tmp_path / "none")
    (tmp_path / "cases.csv").write_text("id,prompt\n")
    with pytest.raises(UsageError, match="no file of cases"):
        read_cases(tmp_path / "cases.csv")
    with pytest.raises(UsageError, match="holds no cases"):
        read_cases(tmp_path)


def test_a_file_without_end_is_not_read_to_it(tmp_path):
    with (tmp_path / "cases.jsonl").open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(UsageError, match=r"holds no cases.*larger than the limit"):
        read_cases(tmp_path / "cases.jsonl")


SCHEMA = REPOSITORY / "schemas" / "cases.v1.schema.json"
WILD = REPOSITORY.parent / "shared" / "data"
EACH_KIND = [
    {"type": "contains", "target": "x", "file": "out/a.txt", "weight": 0.5, "name": "first"},
    {"type": "regex", "target": "x", "flags": "im", "match": "not_contains"},
    {"type": "json_schema", "target": {"type": "object"}},
    {"type": "file_exists", "target": "out/*.txt", "exists": False},
    {"type": "command", "target": "make check", "timeout_seconds": 5},
    {"type": "test_pass", "target": "make test"},
    {"type": "diff", "min_files": 1, "max_files": 2, "min_lines": 0, "max_lines": 9},
    {"type": "diff", "target": "only the docs", "only": ["docs/"], "never": ["**/*.lock"]},
    {"type": "tool_used", "target": "Read", "min": 0, "max": 3, "input": "a.b"},
    {"type": "tool_order", "target": "Read", "before": "Edit"},
    {"type": "manual", "target": "It looks well."},
    {"type": "judge", "target": "It is right."},
    {"type": "preference", "target": "It is right."},
]


@pytest.fixture(scope="module")
def obeys():
    """Tell whether a document obeys the published schema."""
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_bytes()))
    return validator.is_valid


def test_the_schema_takes_every_kind_of_criterion_that_is_read(written, obeys):
    document = {**CASE, "criteria": EACH_KIND, "files": ["a/**"], "commit": "HEAD~1"}
    (case,) = written(document)
    assert {item.kind for item in case.criteria} == set(CriterionKind)
    assert obeys(document)
    assert obeys([document])


# what no shape of a document can say
BEYOND = {
    "a zero in a prompt", "a path out", "braces", "a range",
    "no pattern", "no schema", "a schema elsewhere", "another draft", "a pattern in a schema",
    "a schema in text", "a file outside", "many files", "nothing asked", "crossed bounds",
    "two names",
}  # fmt: skip


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(document, id=name)
        for name, (document, _) in WRONG.items()
        if isinstance(document, dict) and name not in BEYOND
    ]
    + [
        pytest.param({**CASE, "criteria": [criterion]}, id=name)
        for name, (criterion, _) in WRONG_CRITERIA.items()
        if name not in BEYOND
    ],
)
def test_the_schema_refuses_what_is_refused(obeys, document):
    assert not obeys(document)


@pytest.mark.long
@pytest.mark.skipif(not WILD.exists(), reason="the collection of files is not here")
def test_files_of_the_wild_are_read():
    """Everything in the collection that is named as files of cases are has some."""
    named = ("evals*.json", "eval_queries.json", "eval_metadata.json", "case.yaml", "prompt.md")
    found = [path for pattern in named for path in sorted(WILD.rglob(pattern))]
    assert found
    for path in found:
        assert read_cases(path if path.suffix == ".json" else path.parent)
