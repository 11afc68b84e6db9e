"""Tables as programs and the spreadsheets of several countries write them."""

import codecs
import csv
import io

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.sources import shapes

from meta_experiment.errors import UsageError
from meta_experiment.sources.results.benchmark import Origin
from meta_experiment.sources.results.reading import read_source
from meta_experiment.sources.results.run_table import RowOptions, parse_csv, parse_lines
from meta_experiment.sources.results.values import Decimal

ORIGIN = Origin("r.csv", "0" * 64)


def read(text, **wanted):
    return parse_csv(ORIGIN, text, RowOptions(**wanted))


def scores(source):
    return [run.metrics.get("score") for run in source.runs]


def table(*values, separator=";", column="score"):
    """Two arms in turn, one case for each pair of rows."""
    rows = [
        separator.join(("old" if number % 2 else "new", f"case {number // 2}", value))
        for number, value in enumerate(values)
    ]
    return "\n".join([separator.join(("variant", "case", column)), *rows, ""])


def test_beside_semicolons_the_comma_is_decimal():
    """An eighth is no hundred and twenty-five, and a half is not dropped."""
    source = read(table("0,125", "0,5", "1,250", "2"))
    assert scores(source) == [0.125, 0.5, 1.25, 2.0]
    assert source.excluded == {}
    assert any("decimal comma, as in '0,125' (row 2, score)" in it for it in source.notes)


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        (table("0,5", "0.5"), "'0.5' (row 3, score)", "'0,5' (row 2, score)"),
        (table("1,250", "0.5"), "'0.5' (row 3, score)", "'1,250' (row 2, score)"),
        (
            table('"1,5"', "1.5", separator=","),
            "'1.5' (row 3, score)",
            "'1,5' (row 2, score)",
        ),
        (
            "variant;case;score;cost_usd\nold;a;0,5;0.0123\nnew;a;1;0\n",
            "'0.0123' (row 2, cost_usd)",
            "'0,5' (row 2, score)",
        ),
        (
            table("0,5", "1,234,567"),
            "'1,234,567' (row 3, score)",
            "'0,5' (row 2, score)",
        ),
    ],
)
def test_points_and_commas_mixed_are_refused_with_their_places(text, one, other):
    """Whichever was meant, the other would be read a thousandfold or not at all."""
    with pytest.raises(UsageError, match="decimal point") as caught:
        read(text)
    assert one in caught.value.message
    assert other in caught.value.message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (table("1.250", "2.500"), "'1.250' (row 2, score)"),
        (table("1.250", "2,500"), "'2,500' (row 3, score)"),
        (table("1,250", "2,500", separator="\t"), "'1,250' (row 2, score)"),
        (table("1,250", "2,500", separator="|"), "'1,250' (row 2, score)"),
        (table("1.250", "2.500", separator="\t"), "'1.250' (row 2, score)"),
        (table("1.250", "2.500", separator="|"), "'1.250' (row 2, score)"),
    ],
)
def test_a_thousand_or_one_is_asked_for(text, place):
    """Where nothing tells, both are possible; the flag says it."""
    with pytest.raises(UsageError, match="thousands or decimals") as caught:
        read(text)
    assert place in caught.value.message
    assert "--decimal" in caught.value.hint
    point = scores(read(text, decimal=Decimal.POINT))
    comma = scores(read(text, decimal=Decimal.COMMA))
    assert {*point, *comma} <= {1.25, 2.5, 1250.0, 2500.0}
    assert all(one != other for one, other in zip(point, comma, strict=True))


def test_a_fraction_of_a_token_is_a_thousand_or_is_asked_for():
    """What is counted has no decimals, so that they may be thousands between commas too."""
    with pytest.raises(UsageError, match=r"'1\.250' \(row 2, tokens\) means thousands"):
        read(table("1.250", "900", separator=",", column="tokens"))
    mean = read(table("1.250", "900.5", separator=",", column="tokens"))
    assert [run.metrics["total_tokens"] for run in mean.runs] == [1.25, 900.5]


def test_a_decimal_sign_that_the_numbers_contradict_is_refused():
    """The user's word does not make a number of what is none."""
    with pytest.raises(
        UsageError, match=r"'0\.5' \(row 2, score\) is no number with a decimal"
    ):
        read(table("0.5", "1"), decimal=Decimal.COMMA)


@pytest.mark.parametrize(
    ("values", "separator", "expected", "said"),
    [
        (('"1,250"', "2"), ",", [1250.0, 2.0], "part thousands, as in '1,250' (row 2, score)"),
        (("0.5", "1,250"), "\t", [0.5, 1250.0], "part thousands, as in '1,250'"),
        (("1.250", "2.5"), "\t", [1.25, 2.5], ""),
        (("0.5", "1.250"), ";", [0.5, 1.25], ""),
        (("1.234,5", "1.250"), ";", [1234.5, 1250.0], "decimal comma"),
        (("1 234,5", "2"), ";", [1234.5, 2.0], "decimal comma"),
        (("1'234.5", "2"), ";", [1234.5, 2.0], ""),
    ],
)
def test_what_is_assumed_of_thousands_is_said(values, separator, expected, said):
    """A reading that is not the only one possible stands in the notes."""
    source = read(table(*values, separator=separator))
    assert scores(source) == expected
    assert any(said in note for note in source.notes)


def test_numbers_of_json_lines_are_read_in_one_way_too():
    """A text with a decimal comma is no thousand there either."""
    lines = '{"arm": "a", "score": "0,125"}\n{"arm": "b", "score": "0,5"}\n'
    assert scores(parse_lines(ORIGIN, lines, RowOptions())) == [0.125, 0.5]
    with pytest.raises(UsageError, match=r"'0\.5' \(line 2, score\)"):
        parse_lines(ORIGIN, lines.replace('"0,5"', '"0.5"'), RowOptions())


def test_texts_in_documents_are_read_in_one_way_too(tmp_path):
    """No comma is dropped where another text shows that it stands before decimals."""

    def read_texts(*texts, **wanted):
        runs = [{"arm": f"a{n}", "case": "x", "score": text} for n, text in enumerate(texts)]
        path = shapes.write(tmp_path / "r.json", {"runs": runs})
        return read_source(path, "r.json", RowOptions(**wanted))

    assert scores(read_texts("0,125", "0,25", 0.5)) == [0.125, 0.25, 0.5]
    assert scores(read_texts("1,250", "0,5")) == [1.25, 0.5]
    source = read_texts("1,250", 900)
    assert scores(source) == [1250.0, 900.0]
    assert "Commas in numbers part thousands, as in '1,250' (a0, x, score)." in source.notes
    assert scores(read_texts("1,250", 900, decimal=Decimal.COMMA)) == [1.25, 900.0]
    with pytest.raises(UsageError, match=r"decimal comma, as '0,125' \(a0, x, score\)"):
        read_texts("0,125", "0.5")
    with pytest.raises(UsageError, match=r"'0\.5' .* is no number with a decimal comma"):
        read_texts("0,25", "0.5", decimal=Decimal.COMMA)
    with pytest.raises(UsageError, match="no run has a metric that can be read: score: 'high'"):
        read_texts("high", "low")


@pytest.mark.parametrize(
    ("values", "column"),
    [(("85%", "90"), "score"), (("0.5", "85%"), "zest"), (("12s", "1500"), "secs")],
)
def test_numbers_with_and_without_a_unit_are_refused(values, column):
    """Per cents among shares, or seconds among who knows what, are not one column."""
    metric = {"score": "score", "zest": "zest", "secs": "duration_seconds"}[column]
    with pytest.raises(UsageError, match="have a unit") as caught:
        read(table(*values, column=column), columns={metric: column})
    assert f"row 2, {column}" in caught.value.message
    assert f"row 3, {column}" in caught.value.message


@pytest.mark.parametrize(
    ("column", "value", "metric", "number"),
    [
        ("latency_ms", "1500 ms", "duration_seconds", 1.5),
        ("latency_ms", "1500", "duration_seconds", 1.5),
        ("latency_ms", "2 s", "duration_seconds", 2.0),
        ("time_seconds", "2 min", "duration_seconds", 120.0),
        ("tokens", "1 830 tokens", "total_tokens", 1830.0),
        ("cost_usd", "$0.25", "cost_usd", 0.25),
        ("pass_rate", "yes", "pass_rate", 1.0),
        ("passed", "WAHR", "success", 1.0),
    ],
)
def test_a_unit_that_is_written_counts(column, value, metric, number):
    """1500 ms in a column of milliseconds are one and a half seconds, not a thousandth."""
    source = read(table(value, value, column=column))
    assert [run.metrics for run in source.runs] == [{metric: pytest.approx(number)}] * 2


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("duration_seconds", "yes"), ("duration_seconds", "85%"), ("tokens", "12 s"),
        ("cost_usd", "0.5 €"), ("turns", "true"), ("tool_calls", "50%"), ("score", "12 s"),
    ],
)  # fmt: skip
def test_a_unit_that_the_metric_does_not_have_is_left_out(column, value):
    """A yes is no second, and an euro no dollar; how many were left out is counted."""
    source = read(f"variant;case;{column};rating\nold;a;{value};1\nnew;a;N/A;1\n")
    assert source.runs[0].metrics == {"rating": 1.0}
    assert source.excluded == {f"in a unit that the metric does not have ({column})": 1}


def test_per_cents_among_truths_are_not_divided_twice():
    """A yes is a full share whatever the numbers beside it are."""
    source = read(table("yes", "85", column="pass_rate"))
    assert [run.metrics["pass_rate"] for run in source.runs] == [1.0, 0.85]


def test_a_mapped_rate_is_read_as_any_other():
    """85 under a name of the user's own is 85 per cent, not 85."""
    source = read(table("85", "90", column="quote"), columns={"pass_rate": "quote"})
    assert [run.metrics["pass_rate"] for run in source.runs] == [0.85, 0.9]


def test_a_mapped_column_keeps_the_unit_of_its_name():
    """Milliseconds that the user calls a duration are not so many seconds."""
    for column, metric in (("latency_ms", "duration_seconds"), ("wall_ms", "duration_ms")):
        source = read(table("1500", "2500", column=column), columns={metric: column})
        assert [run.metrics for run in source.runs] == [
            {"duration_seconds": 1.5},
            {"duration_seconds": 2.5},
        ]
    with pytest.raises(UsageError, match="by its name") as caught:
        read(
            table("1500", "2", column="Dauer [ms]"), columns={"duration_seconds": "Dauer [ms]"}
        )
    assert caught.value.hint == "Milliseconds: --map 'duration_ms=Dauer [ms]'"


@pytest.mark.parametrize(
    ("metric", "column"),
    [
        ("duration_seconds", "wall_ms"),
        ("duration_seconds", "wall time (min)"),
        ("duration_seconds", "hours"),
        ("duration_seconds", "Zeit [h]"),
        ("duration_seconds", "Dauer in Minuten"),
        ("duration_seconds", "tiempo µs"),
        ("duration_seconds", "wallNs"),
        ("active_seconds", "wall_ms"),
        ("duration_ms", "Zeit (s)"),
        ("duration_ms", "wall seconds"),
        ("cost_usd", "Kosten (€)"),
        ("cost_usd", "price EUR"),
        ("cost_usd", "cost in cents"),
        ("total_tokens", "ktokens"),
        ("output_tokens", "tokens (k)"),
    ],
)
def test_a_mapped_column_in_another_unit_by_its_name_is_refused(metric, column):
    """The user's word says which metric it is, and not that its unit is another."""
    with pytest.raises(UsageError, match="by its name") as caught:
        read(table("1500", "2500", column=column), columns={metric: column})
    assert column in caught.value.message


def test_per_cents_by_name_that_look_like_shares_are_refused():
    """0.9 under a sign of per cents is nine tenths of all or not one in a hundred."""
    with pytest.raises(UsageError, match="per cents by its name") as caught:
        read(table("0.5", "0.9", column="Quote (%)"), columns={"pass_rate": "Quote (%)"})
    assert "'0.5' (row 2, Quote (%))" in caught.value.message
    lines = '{"arm": "a", "q %": 0.5}\n{"arm": "b", "q %": 0.7}\n'
    with pytest.raises(UsageError, match=r"'0\.5' \(line 1, q %\)"):
        parse_lines(ORIGIN, lines, RowOptions({"pass_rate": "q %"}))
    source = read(table("0.5", "90", column="Quote (%)"), columns={"pass_rate": "Quote (%)"})
    assert [run.metrics["pass_rate"] for run in source.runs] == [0.005, 0.9]


def test_the_mapped_column_is_the_only_one_of_its_metric():
    """A finer column with a usual name does not go before the user's word."""
    text = "variant;case;duration_ms;wall\nold;a;9000;40\nnew;a;9000;30\n"
    source = read(text, columns={"duration_seconds": "wall"})
    assert [run.metrics for run in source.runs] == [
        {"duration_seconds": 40.0},
        {"duration_seconds": 30.0},
    ]


def test_two_columns_of_one_metric_that_disagree_are_said():
    """The finer one is taken, and how often they differ is told."""
    source = read("variant;case;duration_ms;time_seconds\nold;a;9000;40\nnew;a;9000;9\n")
    assert [run.metrics["duration_seconds"] for run in source.runs] == [9.0, 9.0]
    assert "1 × duration_ms and time_seconds of a run differ; duration_ms was taken as" in (
        " ".join(source.notes)
    )


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("variant;case;score;score", "two columns are called 'score'"),
        ("variant;case;Score;score", "'Score' and 'score' have one meaning"),
        ("variant;Variant;case;score", "'variant' and 'Variant' have one meaning"),
        ("variant;Case;case;score", "'Case' and 'case' have one meaning"),
    ],
)
def test_two_columns_with_one_meaning_are_refused(header, said):
    """Neither the first nor the last is taken by chance."""
    with pytest.raises(UsageError, match=said):
        read(f"{header}\na;b;1;2\nc;b;3;4\n")


def test_rows_that_are_sums_over_runs_are_no_runs():
    """A mean is not a trial; the user may know better and say so."""
    text = "mode,task_id,latency_ms,latency_p95\nbaseline,a,4,6\nnaive,a,9,12\n"
    with pytest.raises(UsageError, match="'latency_p95' tells") as caught:
        read(text)
    assert "--map duration_seconds=COLUMN" in caught.value.hint
    source = read(text, columns={"duration_seconds": "latency_ms"})
    assert [run.metrics["duration_seconds"] for run in source.runs] == pytest.approx(
        [0.004, 0.009]
    )


def test_columns_without_a_name_are_not_read():
    """An index before, and separators behind, as some programs write them."""
    source = read(",variant,case,score,\n0,old,a,1,\n1,new,a,2,\n")
    assert scores(source) == [1.0, 2.0]
    assert "Columns that were not read: 'column 1', 'column 5'." in source.notes
    assert "Numbers among them" not in " ".join(source.notes)


def test_numbers_under_a_name_of_somebodys_own_are_offered():
    """With what makes one decide; a text is no number."""
    source = read("variant,case,tokens,Pass Quality,note\nold,a,9,0.5,x\nnew,a,8,75%,y\n")
    said = next(note for note in source.notes if note.startswith("Numbers among them"))
    assert said == (
        "Numbers among them: 'Pass Quality'. One that matters decides by "
        "--map 'pass_quality=Pass Quality' --metric pass_quality --direction higher (or lower)."
    )
    with_it = read(
        "variant,case,tokens,Pass Quality\nold,a,9,0.5\nnew,a,8,0.75\n",
        columns={"pass_quality": "Pass Quality"},
    )
    assert [run.metrics["pass_quality"] for run in with_it.runs] == [0.5, 0.75]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("old;a", "row 3: 2 values under 3 columns"),
        ("old", "row 3: 1 values under 3 columns"),
        ("old;a;1;2", "row 3: 4 values under 3 columns"),
    ],
)
def test_a_ragged_row_is_refused_by_its_number(line, said):
    """What was left out of the middle would shift all that follows."""
    with pytest.raises(UsageError, match=said):
        read(f"variant;case;score\nnew;a;2\n{line}\n")


def test_empty_rows_and_empty_values_behind_the_last_are_nothing():
    """Spreadsheets leave both where somebody once typed."""
    source = read("variant;case;score\nnew;a;2;;\n;;\n\nold;a;1;\n")
    assert scores(source) == [2.0, 1.0]


def test_a_value_that_was_torn_at_its_own_comma_is_refused():
    """An empty value behind the last then is no end of the row but the last value."""
    with pytest.raises(UsageError, match="row 3: 5 values under 4 columns") as caught:
        read("variant,case,tokens,score\nold,a,900,\nnew,a,1,234,\n")
    assert "quotes" in caught.value.hint


def test_counts_of_statements_are_read_as_all_numbers_are():
    """A spreadsheet writes three of four as 3,0 and 4,0, and thousands with their sign."""
    for one, other in (("3;4", "2;4"), ("3,0;4,0", "2,0;4"), ("1'500;2'000", "500;1000")):
        source = read(f"variant;case;passed;total\nold;a;{one}\nnew;a;{other}\n")
        assert [run.metrics["pass_rate"] for run in source.runs] == [0.75, 0.5]


def test_the_line_below_the_header_of_a_markdown_table_is_no_row():
    """Else its dashes were an arm."""
    source = read(
        "| variant | case | score |\n|:---|---|--:|\n| old | a | 1 |\n| new | a | 2 |\n"
    )
    assert [(run.arm, run.metrics) for run in source.runs] == [
        ("old", {"score": 1.0}),
        ("new", {"score": 2.0}),
    ]


def test_the_separator_is_that_of_the_columns():
    """Others inside quoted names, a stated one, and bars are all told apart."""
    for text in (
        '"variant";"case";"score";"a, b, c, d"\nold;x;1;\nnew;x;2;\n',
        "sep=;\r\nvariant;case;score\r\nold;x;1\r\nnew;x;2\r\n",
        "variant|case|score\nold|x|1\nnew|x|2\n",
    ):
        assert scores(read(text)) == [1.0, 2.0]
    with pytest.raises(UsageError, match="row 4: 2 values"):
        read("sep=;\nvariant;case;score\nold;x;1\nnew;x\n")


def test_a_line_separator_inside_a_text_ends_no_line():
    """JSON lets U+2028, U+0085 and their like stand in a string as they are."""
    marks = "\u2028\u2029\x85\u000b\u000c\x1c\x1d\x1e"
    for mark in (mark for mark in marks if mark >= " "):
        lines = f'{{"arm": "a", "task": "x{mark}y", "score": 1}}\r\n' * 2
        source = parse_lines(ORIGIN, lines, RowOptions())
        assert [run.case for run in source.runs] == [f"x{mark}y"] * 2
    source = read(f"variant;case;score\nold;x{marks}y;1\nnew;x{marks}y;2\n")
    assert {run.case for run in source.runs} == {f"x{marks}y"}


def test_a_column_that_is_different_in_every_row_is_no_case():
    """A run's own id pairs nothing, so that the next column is looked at, or none."""
    source = read("id;variant;score\n1;old;1\n2;new;2\n3;old;1\n4;new;2\n")
    assert {run.case for run in source.runs} == {None}
    assert any("'id' is different in every row" in note for note in source.notes)
    source = read("id;task;variant;score\n1;x;old;1\n2;x;new;2\n3;y;old;1\n4;y;new;2\n")
    assert [run.case for run in source.runs] == ["x", "x", "y", "y"]
    source = read("id;variant;score\n1;old;1\n2;new;2\n", columns={"case": "id"})
    assert [run.case for run in source.runs] == ["1", "2"]


@pytest.mark.parametrize("ids", ["abcd", "aabc", "aabb", "abc "])
def test_a_column_that_pairs_arms_goes_before_one_that_does_not(ids):
    """Numbers of runs pair nothing also where one is repeated, missing or of its arm alone."""
    rows = zip(ids, ("old", "old", "new", "new"), "xyxy", strict=True)
    lines = [f"{own.strip()};{arm};{task};1" for own, arm, task in rows]
    source = read("\n".join(["id;variant;task;score", *lines]))
    assert [run.case for run in source.runs] == [*"xyxy"]


def test_a_case_that_is_different_in_every_row_of_one_arm_is_a_case():
    """The other arm stands in another file."""
    source = read("id;variant;score\n1;old;1\n2;old;2\n")
    assert [run.case for run in source.runs] == ["1", "2"]


def test_columns_that_hold_measurements_inside_are_read():
    """Only what was really passed over is called so."""
    lines = '{"arm": "a", "usage": {"input_tokens": 3}, "zest": 1, "note": "x"}\n' * 2
    source = parse_lines(ORIGIN, lines, RowOptions())
    assert "Columns that were not read: zest, note." in source.notes


ENCODINGS = {
    "plain": ("utf-8", b""),
    "marked": ("utf-8", codecs.BOM_UTF8),
    "16 little": ("utf-16-le", codecs.BOM_UTF16_LE),
    "16 big": ("utf-16-be", codecs.BOM_UTF16_BE),
    "32 little": ("utf-32-le", codecs.BOM_UTF32_LE),
    "western": ("cp1252", b""),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_is_the_same_in_every_encoding(tmp_path, encoding):
    """What is guessed, as there is no mark for it, is said."""
    code, mark = ENCODINGS[encoding]
    text = "variant;Fall;score\nalt;Prüfung – é;0,5\nneu;Prüfung – é;1\n"
    (tmp_path / "r.csv").write_bytes(mark + text.encode(code))
    source = read_source(tmp_path / "r.csv", "r.csv", RowOptions({"case": "Fall"}))
    assert [(run.arm, run.case) for run in source.runs] == [
        ("alt", "Prüfung – é"),
        ("neu", "Prüfung – é"),
    ]
    assert any("Windows-1252" in note for note in source.notes) is (encoding == "western")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("variant;score\nalt;1\n".encode("utf-16-le"), "iconv -f UTF-16LE"),
        (
            "variant;score\nälter;1\n".encode("shift_jis", "replace") + b"\x81",
            "Save it as UTF-8",
        ),
        ('{"runs": [{"eval_id": "é"}]}'.encode("latin-1"), "iconv -f WINDOWS-1252"),
        (codecs.BOM_UTF16_LE + b"\x00", "Save it as UTF-8"),
    ],
)
def test_what_is_in_no_known_encoding_is_refused_with_the_way_out(tmp_path, data, said):
    """No mark, and no table of a western spreadsheet."""
    name = "a file.json" if data.startswith(b"{") else "a file.csv"
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=name) as caught:
        read_source(tmp_path / name, name, RowOptions())
    assert said in caught.value.hint


_CELLS = st.integers(0, 9999).map(lambda number: number / 100)
_NAMES = st.text("ab;,|\t\"'é\u2028 ", max_size=4)


@pytest.mark.long
@settings(max_examples=60)
@given(
    data=st.lists(
        st.tuples(st.sampled_from(["old", "näh"]), _NAMES, _CELLS, st.integers(1, 9_999_999)),
        min_size=2,
        max_size=8,
    ),
    chance=st.randoms(use_true_random=False),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from([*ENCODINGS]),
    local=st.booleans(),
    grouped=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_however_a_table_is_written_it_is_the_same_import(
    tmp_path_factory, data, chance, separator, end, encoding, local, grouped, quoting
):
    """Rows and columns in any order, any separator, line end, encoding and notation."""
    assume(local or not grouped or separator != ";")  # there the comma is decimal
    code, mark = ENCODINGS[encoding]

    def written(value, places):
        text = f"{value:,.{places}f}" if grouped else f"{value:.{places}f}"
        return text.translate(str.maketrans(",.", ".,")) if local else text

    rows = [
        {
            "variant": arm,
            "case": f"c{case}{number}".encode(code, "ignore").decode(code),
            "score": written(score, 2),
            "tokens": written(tokens, 0),
            "note": "x",
        }
        for number, (arm, case, score, tokens) in enumerate(data)
    ]
    expected = {
        (row["variant"], row["case"]): {"score": score, "total_tokens": tokens}
        for row, (_, _, score, tokens) in zip(rows, data, strict=True)
    }
    chance.shuffle(rows)
    columns = [*rows[0]]
    chance.shuffle(columns)
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, columns, delimiter=separator, lineterminator=end, quoting=quoting
    )
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path_factory.getbasetemp() / "property.csv"
    path.write_bytes(mark + stream.getvalue().encode(code))
    source = read_source(path, "r.csv", RowOptions({"case": "case"}))
    assert {(run.arm, run.case): run.metrics for run in source.runs} == expected


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04\x14\0\x06\0", "a spreadsheet or an archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet"),
        (b"\x1f\x8b\x08\0", "compressed"),
        (b"SQLite format 3\0", "a database"),
        (b"PAR1\x15\x04", "a Parquet file"),
    ],
)
def test_what_is_no_text_is_named_for_what_it_is(tmp_path, data, what):
    """To convert a spreadsheet from another encoding would make nothing of it."""
    path = tmp_path / "r.xlsx"
    path.write_bytes(data + bytes(40))
    with pytest.raises(UsageError, match=f"is {what} and no text") as caught:
        read_source(path, "r.xlsx", RowOptions())
    assert "iconv" not in caught.value.hint
