"""The shapes of benchmarks, one by one."""

import copy

import pytest
from tests.sources import shapes

from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.sources.results.benchmark import Origin, parse
from meta_experiment.sources.results.imported import Ledger
from meta_experiment.sources.results.measures import measure
from meta_experiment.types import TrialStatus

ORIGIN = Origin("benchmark.json", "0" * 64)


def values(source, metric):
    return {(run.arm, run.case, run.index): run.metrics.get(metric) for run in source.runs}


TABLE = {
    "runs that name their arm": (
        shapes.canonical(cases=1, repeats=2),
        {
            ("with_skill", "1", 0): 0.8, ("with_skill", "1", 1): 0.8,
            ("without_skill", "1", 0): 0.4, ("without_skill", "1", 1): 0.4,
        },
    ),
    "cases that hold both arms": (
        shapes.nested(),
        {
            ("with_skill", "0", 0): 1.0, ("without_skill", "0", 0): 0.4,
            ("with_skill", "1", 0): 0.2, ("without_skill", "1", 0): None,
        },
    ),
    "arms in the names of fields": (
        shapes.prefixed(),
        {
            ("with_skill", "hello", 0): 1.0, ("without_skill", "hello", 0): 0.4,
            ("with_skill", "bye", 0): 0.5, ("without_skill", "bye", 0): None,
        },
    ),
    "arms that hold the cases": (
        shapes.by_arm(),
        {("with_skill", "1", 0): 1.0, ("without_skill", "1", 0): 4 / 9},
    ),
    "a single unnamed arm, rates as text": (
        shapes.one_arm(),
        {("unnamed", "1", 0): 1.0, ("unnamed", "2", 0): 0.85, ("unnamed", "3", 0): None},
    ),
    "runs that hold both arms": (
        shapes.nested_runs(),
        {("with_skill", "audit", 0): 0.75, ("without_skill", "audit", 0): 0.5},
    ),
    "queries that should or should not trigger": (
        shapes.triggers([1, 1, 0]),
        {
            ("unnamed", "query 0", 0): 1.0, ("unnamed", "query 1", 0): 0.0,
            ("unnamed", "query 2", 0): 0.0,
        },
    ),
    "old and new text": (
        shapes.canonical(cases=1, arms=("new_skill", "old_skill")),
        {("new_skill", "1", 0): 0.8, ("old_skill", "1", 0): 0.4},
    ),
    "arms of any name, known by what they hold": (
        {"evals": [{"id": "a", "v1": {"pass_rate": 0.3}, "v2": {"pass_rate": 0.6}}]},
        {("v1", "a", 0): 0.3, ("v2", "a", 0): 0.6},
    ),
    "cases with runs inside": (
        {
            "evals": [
                {
                    "eval_id": 7,
                    "runs": [
                        {"config": "baseline", "passed": True},
                        {"config": "candidate", "passed": False},
                        {"config": "candidate", "passed": True},
                    ],
                }
            ]
        },
        {("baseline", "7", 0): 1.0, ("candidate", "7", 0): 0.0, ("candidate", "7", 1): 1.0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", TABLE)
def test_every_shape_gives_its_runs(shape):
    """Arms, cases, repeats and grades come out of each shape; missing stays missing."""
    document, expected = TABLE[shape]
    source = parse(ORIGIN, copy.deepcopy(document))
    metric = "success" if shape == "cases with runs inside" else "pass_rate"
    assert values(source, metric) == {
        key: pytest.approx(rate) for key, rate in expected.items()
    }


def test_measurements_are_found_in_their_wrappers():
    """Seconds, tokens and tool calls are read wherever a tool puts them."""
    (one, _) = parse(ORIGIN, shapes.nested_runs()).runs
    assert one.metrics == {
        "pass_rate": 0.75, "duration_seconds": 85.111, "input_tokens": 158_981,
        "output_tokens": 1370, "cache_read_tokens": 0, "tool_calls": 2,
    }  # fmt: skip


def test_a_run_without_any_result_is_kept_as_lost():
    """A pending baseline is neither dropped nor a zero: it counts as interrupted."""
    source = parse(ORIGIN, shapes.nested())
    lost = [run for run in source.runs if not run.metrics]
    assert [(run.arm, run.case, run.status) for run in lost] == [
        ("without_skill", "1", TrialStatus.INTERRUPTED)
    ]
    assert any("without_skill has no result" in note for note in source.notes)


def test_a_skill_that_did_not_load_still_counts_and_is_said():
    """Leaving out runs whose skill did not load would flatter it."""
    source = parse(ORIGIN, shapes.nested())
    assert values(source, "pass_rate")["with_skill", "1", 0] == 0.2
    assert any(note.startswith("1 × a run of with_skill says") for note in source.notes)


def test_zero_seconds_and_zero_tokens_were_never_measured():
    """A tool that writes zero for what it did not record is not believed."""
    document = shapes.canonical(cases=1)
    document["runs"][0]["result"] |= {"time_seconds": 0.0, "tokens": 0}
    source = parse(ORIGIN, document)
    assert source.runs[0].metrics.keys() == {"pass_rate", "tool_calls"}
    assert sum(source.excluded.values()) == 2


def test_a_zero_that_nobody_graded_is_no_failure():
    """An empty list of gradings among full ones means that the grader broke, not the skill."""
    document = {
        "per_case": [
            {"id": 1, "assertions_total": 4, "assertions_passed": 4, "pass_rate": 1.0,
             "assertion_details": [{"passed": True}]},
            {"id": 2, "assertions_total": 4, "assertions_passed": 0, "pass_rate": 0.0,
             "assertion_details": []},
        ]
    }  # fmt: skip
    source = parse(ORIGIN, document)
    assert [run.metrics.get("pass_rate") for run in source.runs] == [1.0, None]
    assert source.excluded == {"not graded": 1}


def test_a_zero_that_was_graded_is_a_failure():
    """Where gradings are listed, a rate of zero is a result like any other."""
    document = shapes.one_arm(("0%", "50%"), expectations=[{"passed": False}])
    assert [run.metrics["pass_rate"] for run in parse(ORIGIN, document).runs] == [0.0, 0.5]


def test_rates_up_to_a_hundred_are_per_cents_for_the_whole_file():
    """85 and 1 in one file are 85% and 1%, and that is said."""
    source = parse(ORIGIN, shapes.one_arm((85, 1, "50%")))
    assert [run.metrics["pass_rate"] for run in source.runs] == [0.85, 0.01, 0.5]
    assert any("per cents" in note for note in source.notes)


@pytest.mark.parametrize("rate", [-0.2, 250, "130%"])
def test_an_impossible_rate_is_left_out_and_counted(rate):
    """A pass rate outside 0…1 is no measurement."""
    source = parse(ORIGIN, shapes.one_arm((rate, 0.5)))
    assert "pass_rate" not in source.runs[0].metrics
    assert sum(count for why, count in source.excluded.items() if "outside" in why) == 1


def test_prose_is_left_out_with_the_words_it_had():
    """`+35% better` is no number; the user sees which text was meant."""
    source = parse(ORIGIN, shapes.one_arm(("+35% better", 0.5)))
    assert "pass_rate" not in source.runs[0].metrics
    assert source.excluded == {"no number where one was expected (pass_rate)": 1}
    assert any("+35% better" in note for note in source.notes)


def test_a_rounded_rate_is_replaced_by_its_counts():
    """0.44 beside 4 of 9 is 4/9."""
    source = parse(ORIGIN, shapes.by_arm())
    assert source.runs[1].metrics["pass_rate"] == 4 / 9


def test_a_rate_that_contradicts_its_counts_stands_and_is_noted():
    """A weighted rate is not overruled by unweighted counts, but the user hears of it."""
    document = shapes.one_arm((0.9, 0.5), passed=1, total=2)
    source = parse(ORIGIN, document)
    assert source.runs[0].metrics["pass_rate"] == 0.9
    assert any(note.startswith("1 × the pass rate is not") for note in source.notes)


def test_model_time_and_title_are_kept():
    """The report can say on which model, when, and for which skill."""
    source = parse(ORIGIN, shapes.canonical())
    assert source.title == "greeter"
    assert source.at == 1_772_359_200.0
    assert {run.fingerprint["model"] for run in source.runs} == {"model-a"}


def test_repeats_are_numbered_however_the_source_counts_them():
    """Two runs with the same number are two repeats."""
    document = shapes.canonical(cases=1, repeats=2)
    for item in document["runs"]:
        item["run_number"] = 1
    indices = [run.index for run in parse(ORIGIN, document).runs if run.arm == "with_skill"]
    assert indices == [0, 1]


def test_cells_without_a_case_are_counted():
    """A run that names no case cannot be paired, and is not silently given one."""
    document = shapes.canonical(cases=2)
    del document["runs"][0]["eval_id"]
    source = parse(ORIGIN, document)
    assert len(source.runs) == 3
    assert source.excluded["names no case"] == 1


def test_repeats_of_a_query_are_not_made_up():
    """Two of three right is one value of the case, not three trials."""
    source = parse(ORIGIN, shapes.triggers([2, 0], runs=3))
    assert [run.metrics["pass_rate"] for run in source.runs] == [pytest.approx(2 / 3), 1.0]
    assert any("summed up" in note for note in source.notes)


REFUSED = {
    "means of runs": (
        {"run_summary": {
            "with_skill": {"pass_rate": {"mean": 1.0, "stddev": 0.1}},
            "without_skill": {"pass_rate": {"mean": 0.571, "stddev": 0.286}},
            "delta": {"pass_rate": "+0.43"}}},
        RefusedError, "a mean is not a trial",
    ),
    "cases to run": ({"evals": [{"prompt": "x", "should_trigger": 1}]}, UsageError, "cases"),
    "queries to run": ([{"query": "x", "should_trigger": True}], UsageError, "cases"),
    "one run's grading": ({"expectations": [], "summary": {}}, RefusedError, "one run"),
    "one run's timing": ({"total_tokens": 1, "duration_ms": 2}, RefusedError, "one run"),
    "counts by variant": ({"counts": {"f": {"A": 4, "B": 9}}}, RefusedError, "f: A 4, B 9"),
    "a list of assignments": (
        {"runs": [{"run_id": "1", "timestamp": "2026-01-01", "assignments": {"f": "A"}}]},
        RefusedError, "f: A 1",
    ),
    "a verdict": ({"decision": "PROMOTE", "reason_code": "x"}, RefusedError, "verdict"),
    "something else": ([{"section": "a", "why": "b"}], UsageError, "found: section, why"),
    "nothing": ({}, UsageError, "found: nothing"),
    "a number": (3, UsageError, "known here"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_holds_no_runs_is_refused_with_the_reason(what):
    """The error says what was found and what would have been read."""
    document, kind, said = REFUSED[what]
    with pytest.raises(kind, match=r".") as caught:
        parse(ORIGIN, document)
    assert said in caught.value.message
    assert caught.value.hint


def test_means_come_with_the_command_that_compares_them():
    """The refusal of means hands over the sums to paste."""
    with pytest.raises(RefusedError) as caught:
        parse(ORIGIN, REFUSED["means of runs"][0])
    assert "--sums control=N,0.571,0.286" in caught.value.hint
    assert "--sums treatment=N,1,0.1" in caught.value.hint


def test_means_of_arms_that_nobody_knows_come_with_a_command_all_the_same():
    """Two treatments would be no comparison; the older one is the control, or is asked for."""

    def hint(*arms):
        summary = {arm: {"pass_rate": {"mean": 0.5}} for arm in arms}
        with pytest.raises(RefusedError) as caught:
            parse(ORIGIN, {"run_summary": summary})
        return caught.value.hint

    assert hint("v2", "v1").endswith(
        "import --sums v2=N,0.5,SD --sums v1=N,0.5,SD --control v1"
    )
    assert hint("my text", "pear").endswith(
        "import --sums 'my text=N,0.5,SD' --sums pear=N,0.5,SD --control ARM"
    )
    assert "--sums" not in hint("a", "b", "c")


def test_milliseconds_become_seconds():
    """The finer of two durations of one run is taken."""
    record = {"duration_ms": 53_439, "total_duration_seconds": 53.4}
    assert measure(record, Ledger())["duration_seconds"] == pytest.approx(53.439)


def test_numbers_without_a_metric_are_named():
    """What is not imported although it is a number is listed."""
    ledger = Ledger()
    measure({"pass_rate": 1.0, "skill_output_len": 7000, "quality": {"humor": 5}}, ledger)
    assert ledger.notes() == ("Numbers that stand for no known metric: skill_output_len.",)
