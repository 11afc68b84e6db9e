"""What each kind of criterion says of the work of a run, and the score that they make."""

import pytest

from meta_experiment.runs.criteria import bounded, in_text
from meta_experiment.runs.criteria.judging import KINDS, judged, score
from meta_experiment.runs.criteria.run_work import RunWork
from meta_experiment.types.cases import Case, Criterion, CriterionKind, CriterionResult


@pytest.fixture
def verdict(tmp_path):
    """Judge one criterion on some work in an empty folder; return passed and detail."""

    def judge(kind, target="", *, work=None, **options):
        work = {"output": "", "checkout": tmp_path} | (work or {})
        criterion = Criterion("it", CriterionKind(kind), target, options=options)
        (result,) = judged(Case("a", "p", "", (criterion,)), RunWork(**work))
        return result.passed, result.detail

    return judge


def test_every_kind_is_judged():
    assert set(KINDS) == set(CriterionKind) - {CriterionKind.PREFERENCE}


@pytest.mark.parametrize(
    ("kind", "target", "options", "passed"),
    [
        ("contains", "Done", {}, True),
        ("contains", "done", {}, False),
        ("contains", "a.c", {}, False),
        ("regex", "done", {"flags": "i"}, True),
        ("regex", "done", {}, False),
        ("regex", "^Done$", {"flags": "m"}, True),
        ("regex", "^Done$", {}, False),
        ("regex", "Done.two", {"flags": "s"}, True),
        ("regex", "three", {"match": "not_contains"}, True),
        ("regex", "two", {"match": "not_contains"}, False),
        ("regex", "[aeo]", {"match": "count:4"}, True),
        ("regex", "[aeo]", {"match": "count:3"}, False),
    ],
)
def test_the_output_is_looked_through(verdict, kind, target, options, passed):
    work = {"output": "Done\ntwo abc"}
    assert verdict(kind, target, work=work, **options)[0] is passed


def test_a_pattern_with_repetition_counts_alike_in_its_process(verdict):
    assert verdict("regex", "(ab)+", work={"output": "abab ab"}, match="count:2") == (True, "")


def test_a_pattern_that_never_ends_has_no_verdict(verdict, monkeypatch):
    monkeypatch.setattr(bounded, "SECONDS", 0.2)
    said = verdict("regex", "(a+)+$", work={"output": "a" * 60 + "b"})
    assert said == (None, "the pattern took longer than 0.2 s")


def test_a_call_that_fails_says_why():
    with pytest.raises(bounded.NoAnswerError, match="is no regular expression"):
        bounded.call("meta_experiment.runs.criteria.in_text:count", "(", "", [""])


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ('{"n": 3}', ""),
        (" [1]\n", "$: [1] is not of type 'object'"),
        ('It is:\n```json\n{"n": 3}\n```\nDone.', ""),
        ("~~~~\n{\n```\n}\n~~~~", "there is no JSON"),
        ('```\n{"n": 3}\n```\n```\n{"n": 0}\n```', "$.n: 0 is less than the minimum of 1"),
        ('```\n{"n": 3}', "there is no JSON"),
        ('```\n{"n": 3}\n```js\n```', "there is no JSON"),
        ("NaN", "there is no JSON"),
        ("[" * 100_000, "there is no JSON"),
        ("three", "there is no JSON"),
    ],
)
def test_json_is_held_to_a_schema(output, fault):
    schema = '{"type":"object","properties":{"n":{"minimum":1}}}'
    said = in_text.fault_by_schema(schema, output)
    assert said.startswith(fault)
    assert bool(said) == bool(fault)


@pytest.mark.long
def test_a_schema_is_judged_in_its_process(verdict):
    work = {"output": '{"n": 3}'}
    assert verdict("json_schema", '{"type":"object"}', work=work) == (True, "")
    assert verdict("json_schema", '{"type":"array"}', work=work)[0] is False
    passed, detail = verdict("json_schema", '{"$ref":"#/$defs/none"}', work=work)
    assert passed is None
    assert "none" in detail


def test_a_text_can_be_that_of_a_file(verdict, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.txt").write_bytes("für Ada".encode() + b"\xff")
    (tmp_path / "secret").symlink_to("/etc")
    assert verdict("contains", "für", file="out/a.txt") == (True, "")
    assert verdict("contains", "x", file="out/b.txt") == (False, "there is no file 'out/b.txt'")
    passed, detail = verdict("contains", "root", file="secret/passwd")
    assert passed is False
    assert "cannot be read" in detail
    assert verdict("contains", "x", file="out")[0] is False


@pytest.fixture
def _files(tmp_path):
    for name in ("a.py", "src/b.py", "src/deep/c.py", ".git/x.py", "src/empty"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name == "src/empty" else path.write_text("")
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "d.py").write_text("")
    (tmp_path / "link").symlink_to(outside)
    (tmp_path / "src/e.rs").symlink_to(outside / "d.py")


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize(
    ("target", "there"),
    [
        ("a.py", True),
        ("b.py", False),
        ("src", True),
        ("src/", True),
        ("a.py/", False),
        ("*.py", True),
        ("*.md", False),
        ("src/*/c.py", True),
        ("*/c.py", False),
        ("**/c.py", True),
        ("**/a.py", True),
        ("src/**", True),
        ("src/empty/**", False),
        ("src/...", True),
        ("src/?.py", True),
        ("src/??.py", False),
        ("src/*/", True),
        ("*/x.py", False),
        ("**/*/", True),
    ],
)
def test_files_are_looked_for(verdict, target, there):
    assert verdict("file_exists", target)[0] is there
    assert verdict("file_exists", target, exists=False)[0] is not there


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize("target", ["link", "link/d.py", "link/*.py", "src/*.rs", "src/e.rs"])
def test_a_link_is_never_followed_and_never_enough(verdict, target):
    """What it leads to is not the run's work; and yet the place is not empty."""
    for exists in (True, False):
        passed, detail = verdict("file_exists", target, exists=exists)
        assert passed is False
        assert detail.endswith("is a symbolic link")


@pytest.mark.parametrize("kind", ["command", "test_pass"])
def test_a_command_decides_by_its_end(verdict, kind):
    asked = []

    def run(command, within):
        asked.append((command, within))
        return {"good": (0, "fine"), "slow": (None, "")}.get(command, (3, "ä" * 5000 + "!"))

    work = {"run_command": run}
    assert verdict(kind, "good", work=work) == (True, "")
    assert verdict(kind, "slow", work=work, timeout_seconds=2) == (
        False,
        "took longer than 2 s",
    )
    passed, detail = verdict(kind, "bad", work=work)
    assert passed is False
    assert detail.startswith("ended with 3\n…ä")
    assert detail.endswith("ä!")
    assert len(detail) <= 800
    assert asked == [("good", 600.0), ("slow", 2.0), ("bad", 600.0)]
    assert verdict(kind, "good") == (None, "no command can be run here")


@pytest.mark.parametrize(
    ("options", "passed"),
    [
        ({"max_files": 2}, True),
        ({"max_files": 1}, False),
        ({"min_files": 3}, False),
        ({"min_lines": 7, "max_lines": 7}, True),
        ({"max_lines": 6}, False),
        ({"min_lines": 8}, False),
        ({"only": ["docs", "src/*.py"]}, True),
        ({"only": ["docs"]}, False),
        ({"never": ["src/deep/...", "*.py"]}, True),
        ({"never": ["**/*.py"]}, False),
        ({"max_files": 2, "never": ["docs/"]}, False),
    ],
)
def test_changes_are_held_to_bounds(verdict, options, passed):
    work = {"changed": {"src/a.py": 4, "docs/a.md": 3}}
    said = verdict("diff", work=work, **options)
    assert said[0] is passed
    assert bool(said[1]) is not passed


def test_what_is_not_known_has_no_verdict(verdict):
    assert verdict("diff", max_files=1)[0] is None
    assert verdict("tool_used", "Read", work={"tools": ("Read",)}, input="x")[0] is None
    assert verdict("manual", "Looks well") == (None, "not judged yet")
    assert verdict("judge", "Is right") == (None, "not judged yet")


@pytest.mark.parametrize(
    ("target", "options", "passed"),
    [
        ("Read", {}, True),
        ("Write", {}, False),
        ("read", {}, False),
        ("Write", {"max": 0}, True),
        ("Read", {"max": 1}, False),
        ("Read", {"min": 2, "max": 2}, True),
        ("Read", {"min": 3}, False),
        ("Read", {"input": "b.py"}, True),
        ("Read", {"input": "b.py", "min": 2}, False),
        ("Edit", {"input": "b.py"}, False),
    ],
)
def test_uses_of_a_tool_are_counted(verdict, target, options, passed):
    work = {"tools": ("Read", "Edit", "Read"), "inputs": ("a.py", "a.py", "b.py")}
    assert verdict("tool_used", target, work=work, **options)[0] is passed


@pytest.mark.parametrize(
    ("tools", "passed"),
    [
        (("Read", "Edit"), True),
        (("Bash", "Read", "Edit", "Read"), True),
        (("Edit", "Read", "Edit"), False),
        (("Read",), False),
        (("Edit",), False),
        ((), False),
    ],
)
def test_tools_are_used_in_order(verdict, tools, passed):
    assert verdict("tool_order", "Read", work={"tools": tools}, before="Edit")[0] is passed


def test_a_long_detail_keeps_both_ends(verdict):
    _, detail = verdict(
        "diff", work={"changed": {"x" * 300 + str(n): 1 for n in range(9)}}, only=["y"]
    )
    assert len(detail) == 800
    assert "…" in detail


def results(*rows):
    kinds = {"auto": CriterionKind.CONTAINS, "manual": CriterionKind.MANUAL}
    return [
        CriterionResult(f"c{number}", kinds[kind], weight, passed)
        for number, (kind, weight, passed) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([("auto", 1, True), ("auto", 1, True)], 1.0, id="buckley-02"),
        pytest.param([("auto", 1, False), ("auto", 1, False)], 0.0, id="buckley-03"),
        pytest.param([("auto", 1, True), ("auto", 2, False)], 1 / 3, id="buckley-04"),
        pytest.param([("auto", 1, True), ("manual", 1, None)], 1.0, id="buckley-05"),
        pytest.param([("auto", 0, True), ("auto", 0, False)], 0.5, id="buckley-06"),
        pytest.param([("manual", 1, None)], None, id="nothing-judged"),
        pytest.param([("manual", 1, False), ("auto", 1, True)], 0.5, id="judged-by-a-person"),
        pytest.param([], None, id="no-criteria"),
    ],
)
def test_a_score_is_the_weight_that_passed_of_what_was_judged(rows, expected):
    assert score(results(*rows)) == (expected if expected is None else pytest.approx(expected))
