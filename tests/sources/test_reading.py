import pytest
from tests.sources import shapes

from meta_experiment.errors import (
    NotFoundError,
    RefusedError,
    StorageError,
    UsageError,
)
from meta_experiment.sources.results import reading
from meta_experiment.sources.results.merging import NOT_IN_BENCHMARK
from meta_experiment.sources.results.reading import read_source
from meta_experiment.sources.results.run_table import RowOptions


def test_a_workspace_is_read_by_its_own_files(tmp_path):
    """The benchmark's rounded seconds give way to the milliseconds of timing.json."""
    document = shapes.canonical(cases=2)
    for item in document["runs"]:
        case, with_skill = item["eval_id"], item["configuration"] == "with_skill"
        item["result"] |= {
            "pass_rate": 0.5, "passed": 1, "failed": 1, "total": 2,
            "time_seconds": 50.4 if with_skill else 41.1,
            "tokens": 80_439 if with_skill and case == 1 else 999,
        }  # fmt: skip
    source = read_source(shapes.workspace(tmp_path, document), "folder", RowOptions())
    first = source.runs[0]
    assert (first.arm, first.case) == ("with_skill", "1")
    assert first.metrics["duration_seconds"] == pytest.approx(50.440)
    assert first.metrics["total_tokens"] == 80_439
    assert any(
        note.startswith("3 × the run's own files give another total_tokens")
        for note in source.notes
    )


def test_a_workspace_without_a_benchmark_is_read(tmp_path):
    """Gradings and timings by folder are enough."""
    source = read_source(shapes.workspace(tmp_path), "folder", RowOptions())
    assert [(run.arm, run.case) for run in source.runs] == [
        ("with_skill", "1"), ("without_skill", "1"),
        ("with_skill", "2"), ("without_skill", "2"),
    ]  # fmt: skip
    assert source.runs[0].metrics["pass_rate"] == 0.5


def test_repeats_in_run_folders_are_repeats(tmp_path):
    """`run-1` and `run-2` of a case are two runs of it."""
    for number in (1, 2):
        shapes.write(
            tmp_path / "a" / "baseline" / f"run-{number}" / "grading.json", {"pass_rate": 0.5}
        )
    source = read_source(tmp_path, "folder", RowOptions())
    assert [(run.case, run.index) for run in source.runs] == [("a", 0), ("a", 1)]


def test_copies_that_lie_deeper_are_not_read(tmp_path):
    """A copied arm inside an arm counts for nothing."""
    shapes.workspace(tmp_path)
    inner = tmp_path / "polite" / "with_skill" / "with_skill"
    shapes.write(inner / "grading.json", {"pass_rate": 0.0})
    runs = read_source(tmp_path, "folder", RowOptions()).runs
    assert [run.metrics["pass_rate"] for run in runs] == [0.5] * 4


def test_gradings_that_the_benchmark_lacks_are_counted(tmp_path):
    """The benchmark says what is compared; the rest is left out and said."""
    document = shapes.canonical(cases=1)
    source = read_source(shapes.workspace(tmp_path, document), "folder", RowOptions())
    assert source.excluded[NOT_IN_BENCHMARK] == 2
    assert any("polite/with_skill/grading.json" in note for note in source.notes)


def test_a_missing_grade_stays_missing_where_both_lack_it(tmp_path):
    """Null in the grading and null in the benchmark are no zero."""
    document = shapes.nested()
    document["evals"] = document["evals"][1:]
    shapes.write(tmp_path / "benchmark.json", document)
    shapes.write(
        tmp_path / "eval-1-goodbye" / "without_skill" / "grading.json",
        {"expectations": [{"text": "x", "passed": None}], "pass_rate": None},
    )
    runs = {run.arm: run.metrics for run in read_source(tmp_path, "folder", RowOptions()).runs}
    assert runs == {"with_skill": {"pass_rate": 0.2}, "without_skill": {}}


def test_several_iterations_are_not_mixed(tmp_path):
    """A folder of iterations is refused, with the two commands that make sense."""
    for number in (1, 2):
        shapes.write(tmp_path / f"iteration-{number}" / "benchmark.json", shapes.canonical())
    with pytest.raises(RefusedError, match="iteration-1, iteration-2") as caught:
        read_source(tmp_path, "evals", RowOptions())
    assert "control=evals/iteration-1:with_skill" in caught.value.hint


@pytest.mark.parametrize("name", ["r.json", "r", "r.txt"])
def test_a_plugin_evaluation_is_known_by_what_it_holds(tmp_path, name):
    """The name of the file does not matter."""
    path = shapes.write(tmp_path / name, shapes.plugin_eval())
    assert read_source(path, name, RowOptions()).kind == "plugin-eval"


def test_tables_are_known_by_what_they_hold(tmp_path):
    """Text that is no JSON is a table; objects line by line are rows."""
    table, lines = tmp_path / "table", tmp_path / "lines"
    table.write_text("arm,task,score\na,x,1\nb,x,2\n", "utf-8")
    lines.write_text('{"arm": "a", "score": 1}\n{"arm": "b", "score": 2}\n', "utf-8")
    assert read_source(table, "table", RowOptions()).kind == "csv"
    assert read_source(lines, "lines", RowOptions()).kind == "json-lines"


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    """Tables saved by spreadsheets are read."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfvariant,case,score\r\na,x,1\r\nb,x,2\r\n")
    assert read_source(path, "t.csv", RowOptions()).arms == ("a", "b")


def test_a_mapping_reads_any_list_of_objects(tmp_path):
    """--map turns a JSON list of records into rows."""
    records = {"items": [{"who": "a", "ms": 5}, {"who": "b", "ms": 6}]}
    path = shapes.write(tmp_path / "r.json", records)
    source = read_source(path, "r.json", RowOptions({"variant": "who", "turns": "ms"}))
    assert [run.metrics["turns"] for run in source.runs] == [5.0, 6.0]


def test_a_mapping_finds_the_rows_that_have_its_columns(tmp_path):
    """Wherever in a document they stand, as in the export of a tool for prompts."""
    document = {
        "prompts": [{"label": "A"}, {"label": "B"}],
        "results": {
            "version": 3,
            "prompts": [{"label": "A"}, {"label": "B"}],
            "results": [
                {"promptIdx": n % 2, "testIdx": n // 2, "promptId": "x", "latencyMs": 100 + n}
                for n in range(4)
            ],
        },
    }
    path = shapes.write(tmp_path / "r.json", document)
    source = read_source(
        path, "r.json", RowOptions({"variant": "promptIdx", "case": "testIdx"})
    )
    assert [(run.arm, run.case) for run in source.runs] == [
        ("0", "0"), ("1", "0"), ("0", "1"), ("1", "1"),
    ]  # fmt: skip
    assert source.runs[0].metrics == {"duration_seconds": 0.1}
    with pytest.raises(UsageError, match="no column 'nothing'"):
        read_source(path, "r.json", RowOptions({"variant": "nothing"}))
    shapes.write(path, {"results": [1, 2]})
    with pytest.raises(UsageError, match="expected a list of JSON objects"):
        read_source(path, "r.json", RowOptions({"variant": "a"}))


BAD = {
    "cut short": (b'{"runs": [', UsageError),
    "empty": (b"  \n", UsageError),
    "not text": (b"\xff\xfe\x00\x01", UsageError),
    "deep": (b"[" * 100 + b"]" * 100, UsageError),
    "very deep": (b"[" * 200_000 + b"]" * 200_000, UsageError),
    "a long number": (b'{"runs": [' + b"9" * 5000 + b"]}", UsageError),
    "deep beside its runs": (
        b'{"runs": [{"eval_id": 1, "pass_rate": 1}], "x": ' + b"[" * 100 + b"]" * 100 + b"}",
        UsageError,
    ),
    "half a pair": (b'{"runs": [{"eval_id": "\\ud800", "pass_rate": 1}]}', UsageError),
    "two values of one name": (
        b'{"runs": [{"eval_id": 1, "pass_rate": 1, "pass_rate": 0}]}',
        UsageError,
    ),
    "a string": (b'"x"', UsageError),
    "null": (b"null", UsageError),
    "list of lists": (b"[[1, 2], [3]]", UsageError),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_be_read_says_why(tmp_path, what):
    """Damaged and hostile files end in one sentence, never in a trace."""
    data, kind = BAD[what]
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(kind, match=r"x\.json"):
        read_source(path, "x.json", RowOptions())


def test_what_is_not_there_is_said(tmp_path):
    """A missing file and an empty folder each have their sentence."""
    with pytest.raises(NotFoundError, match=r"no file gone\.json"):
        read_source(tmp_path / "gone.json", "gone.json", RowOptions())
    with pytest.raises(UsageError, match="no benchmark"):
        read_source(tmp_path, "folder", RowOptions())


def test_a_file_beyond_the_bound_is_refused(tmp_path, monkeypatch):
    """One byte too many is refused before it is parsed."""
    path = shapes.write(tmp_path / "big.json", shapes.canonical())
    monkeypatch.setattr(reading, "LARGEST", path.stat().st_size)
    read_source(path, "big.json", RowOptions())
    monkeypatch.setattr(reading, "LARGEST", path.stat().st_size - 1)
    with pytest.raises(StorageError, match="larger than"):
        read_source(path, "big.json", RowOptions())


def test_a_file_of_nothing_but_brackets_is_refused(tmp_path):
    """Each pair would cost twenty times the memory of its text."""
    path = tmp_path / "r.json"
    path.write_text("[" + "[]," * 1_000_000 + "[]]")
    with pytest.raises(UsageError, match="lists and objects"):
        read_source(path, "r.json", RowOptions())


def test_reading_changes_nothing(tmp_path):
    """Sources are read only: their folder may even forbid writing."""
    shapes.workspace(tmp_path / "w", shapes.canonical(cases=2))
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    (tmp_path / "w").chmod(0o500)
    try:
        read_source(tmp_path / "w", "w", RowOptions())
    finally:
        (tmp_path / "w").chmod(0o700)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before
