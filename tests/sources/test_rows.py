import json

import pytest

from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.sources.results.benchmark import Origin
from meta_experiment.sources.results.run_table import RowOptions, parse_csv, parse_lines
from meta_experiment.types import TrialStatus

ORIGIN = Origin("runs.csv", "0" * 64)
PLAIN = """variant,case,duration_seconds,pass_rate,status
control,a,40.5,50%,ok
control,a,41.5,N/A,ok
treatment,a,30.25,0.75,timeout
treatment,b,,1,interrupted
"""


def read(text, **mapping):
    return parse_csv(ORIGIN, text, RowOptions(mapping))


def test_a_header_that_says_it_all_needs_no_mapping():
    """Variant, case, metrics and status are recognised by their names."""
    source = read(PLAIN)
    assert [(run.arm, run.case, run.index) for run in source.runs] == [
        ("control", "a", 0), ("control", "a", 1), ("treatment", "a", 0), ("treatment", "b", 0),
    ]  # fmt: skip
    assert [dict(run.metrics) for run in source.runs] == [
        {"duration_seconds": 40.5, "pass_rate": 0.5},
        {"duration_seconds": 41.5},
        {"duration_seconds": 30.25, "pass_rate": 0.75},
        {"pass_rate": 1.0},
    ]
    assert [run.status for run in source.runs[2:]] == [
        TrialStatus.TIMEOUT, TrialStatus.INTERRUPTED,
    ]  # fmt: skip


def test_columns_are_mapped_by_hand():
    """Any table is read when its columns are named."""
    text = "who;what;secs;junk\nA;x;12s;q\nB;x;1500ms;q\n"
    source = read(text, variant="who", case="what", duration_seconds="secs")
    assert [run.metrics for run in source.runs] == [
        {"duration_seconds": 12.0}, {"duration_seconds": 1.5},
    ]  # fmt: skip
    assert any("not read: junk" in note for note in source.notes)


def test_tabs_and_counts_are_read():
    """A table with tabs; passed of total gives the rate."""
    source = read("arm\ttask\tpassed\ttotal\nold\tx\t3\t4\nnew\tx\t4\t4\n")
    assert [run.metrics for run in source.runs] == [{"pass_rate": 0.75}, {"pass_rate": 1.0}]


def test_passed_alone_is_success():
    """Without a total, 1, 0, true and pass say whether the run succeeded."""
    source = read("arm,task,passed\nold,x,0\nnew,x,1\nold,y,true\nnew,y,fail\n")
    assert [run.metrics["success"] for run in source.runs] == [0.0, 1.0, 1.0, 0.0]


def test_rows_without_a_case_stand_for_themselves():
    """Without a case column nothing is paired, and that is said."""
    source = read("variant,cost_usd\ncontrol,0.5\ntreatment,0.25\n")
    assert {run.case for run in source.runs} == {None}
    assert any("independent" in note for note in source.notes)


def test_a_row_without_arm_or_case_is_counted():
    """Nothing is guessed for a row that does not say what it belongs to."""
    source = read("variant,case,score\n,a,1\ncontrol,,1\ncontrol,a,1\ntreatment,a,2\n")
    assert source.excluded == {"names no arm": 1, "names no case": 1}
    assert len(source.runs) == 2


def test_a_variant_nobody_recognises_is_asked_for():
    """The error lists the columns and the flag to give."""
    with pytest.raises(UsageError, match="columns are who, secs") as caught:
        read("who,secs\nA,1\nB,2\n")
    assert "--map variant=COLUMN" in caught.value.hint


def test_no_metric_is_asked_for():
    """A table of arms and cases alone holds nothing to compare."""
    with pytest.raises(UsageError, match="no row has a metric") as caught:
        read("variant,case,secs\nA,x,1\nB,x,2\n")
    assert "--map duration_seconds=COLUMN" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("00:01:30", "duration_seconds: '00:01:30' is no number"),
        ("7 €", "duration_seconds: '7 €' is another currency"),
        ("-1", "outside what the metric can be (duration_seconds)"),
        ("0", "a zero that was never measured (duration_seconds)"),
        ("", "duration_seconds holds no value"),
    ],
)
def test_values_that_cannot_be_read_are_named_where_all_are_such(value, said):
    """The column was recognised; to ask for it would send the reader astray."""
    with pytest.raises(UsageError, match="no row has a metric") as caught:
        read(f"variant,case,duration_seconds\nA,x,{value}\nB,x,{value}\n")
    assert said in caught.value.message
    assert "--map" not in caught.value.hint


def test_a_mapped_column_must_exist():
    """A typing error is answered by the nearest column."""
    with pytest.raises(UsageError, match="no column 'varant'") as caught:
        read(PLAIN, variant="varant")
    assert "variant" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "one column\n1\n",
        "a,a\n1,2\n",
        "a,,b\n1,2,3\n",
        "variant,case,score\n",
        "# Title\n\ntext\n",
    ],
)
def test_what_is_no_table_is_refused(text):
    """A header of one, doubled or empty names, or no rows, is no table of runs."""
    with pytest.raises(UsageError):
        read(text)


def test_a_row_with_too_many_values_is_refused_by_its_number():
    """A comma that was not quoted shifts all values behind it."""
    with pytest.raises(UsageError, match="row 3: 4 values under 3 columns"):
        read("variant,case,score\ncontrol,a,1\ncontrol,b,c,1\n")


def test_an_unknown_status_is_counted():
    """A word for the status that means nothing here is read as ok, and said."""
    source = read("variant,case,score,status\ncontrol,a,1,weird\ntreatment,a,1,ok\n")
    assert source.runs[0].status is TrialStatus.OK
    assert any("'weird' is not known" in note for note in source.notes)


def test_json_lines_are_rows():
    """One object a line, numbers as numbers; nested measurements are found too."""
    lines = [
        {"arm": "base", "task": "x", "usage": {"input_tokens": 10, "output_tokens": 5}},
        {"arm": "new", "task": "x", "usage": {"input_tokens": 8, "output_tokens": None}},
    ]
    source = parse_lines(ORIGIN, "\n\n".join(map(json.dumps, lines)), RowOptions())
    assert [dict(run.metrics) for run in source.runs] == [
        {"input_tokens": 10.0, "output_tokens": 5.0}, {"input_tokens": 8.0},
    ]  # fmt: skip


def test_a_broken_line_is_named():
    """The number of the line that is no JSON is in the error."""
    with pytest.raises(UsageError, match="line 2"):
        parse_lines(ORIGIN, '{"arm": "a", "score": 1}\n{"arm": ', RowOptions())


def test_a_line_of_more_than_a_megabyte_is_refused():
    """The bound holds for lines and for rows."""
    with pytest.raises(UsageError, match="longer than 1 MB"):
        parse_lines(ORIGIN, json.dumps({"arm": "a" * 1_100_000}), RowOptions())


def test_a_ledger_of_assignments_is_refused_with_its_balance():
    """Who got what, without what came of it, compares nothing."""
    lines = [{"run_id": str(n), "assignments": {"tone": "AB"[n % 2]}} for n in range(5)]
    with pytest.raises(RefusedError, match="tone: A 3, B 2"):
        parse_lines(ORIGIN, "\n".join(map(json.dumps, lines)), RowOptions())
