"""Shapes of documents beside those of skill-creator, and what only looks like one."""

import copy

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.sources import shapes

from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.sources.results.benchmark import Origin, parse

ORIGIN = Origin("benchmark.json", "0" * 64)


def runs(document, metric="pass_rate"):
    source = parse(ORIGIN, copy.deepcopy(document))
    return {(run.arm, run.case, run.index): run.metrics.get(metric) for run in source.runs}


def evals(*rates):
    return {"evals": [{"eval_id": n, "pass_rate": rate} for n, rate in enumerate(rates, 1)]}


def arms(one, other):
    return {"with_skill": {"pass_rate": one}, "without_skill": {"pass_rate": other}}


BOTH = {
    ("a_with_skill", "1", 0): 0.5,
    ("a_with_skill", "2", 0): 0.25,
    ("b_without_skill", "1", 0): 1.0,
    ("b_without_skill", "2", 0): 0.75,
}
READ = {
    "arms of any name that hold cases": (
        {"a_with_skill": evals(0.5, 0.25), "b_without_skill": evals(1.0, 0.75)},
        BOTH,
    ),
    "an arm of any name beside one that is known": (
        {"baseline": evals(0.5), "second try": evals(1.0), "delta": evals(0.5)},
        {("baseline", "1", 0): 0.5, ("second try", "1", 0): 1.0},
    ),
    "an unnamed list beside one arm that is known": (
        {"runs": [{"eval_id": 1, "pass_rate": 0.5}], "baseline": evals(1.0)},
        {("unnamed", "1", 0): 0.5, ("baseline", "1", 0): 1.0},
    ),
    "arms in a list, with their cases": (
        {
            "configurations": [
                {"name": "a_with_skill", "label": "A", **evals(0.5, 0.25)},
                {"name": "b_without_skill", "label": "B", **evals(1.0, 0.75)},
            ]
        },
        BOTH,
    ),
    "one table per metric, by case": (
        {
            "configurations": [
                {
                    "name": arm,
                    "results": {
                        "pass_rate": {"mean": 0.5, "per_eval": {"1": one, "2": two}},
                        "time_seconds": {"mean": 2.5, "per_eval": {"2": 3, "1": 2}},
                    },
                }
                for arm, one, two in (
                    ("a_with_skill", 0.5, 0.25),
                    ("b_without_skill", 1.0, 0.75),
                )
            ]
        },
        BOTH,
    ),
    "one table per metric, arms by name": (
        {
            arm: {"metrics": {"pass_rate": {"stddev": 0, "per_case": per_case}}}
            for arm, per_case in (
                ("a_with_skill", [{"id": 1, "value": 0.5}, {"id": 2, "value": 0.25}]),
                ("b_without_skill", [{"id": 1, "pass_rate": 1.0}, {"id": 2, "score": 0.75}]),
            )
        },
        BOTH,
    ),
    "one table per metric, in the order of the cases": (
        {
            "configurations": {
                "a_with_skill": {"pass_rate": {"per_eval": [0.5, 0.25]}},
                "b_without_skill": {"pass_rate": {"per_eval": [1.0, 0.75]}},
            }
        },
        BOTH,
    ),
    "one table per metric, with repeats": (
        {
            "configurations": [
                {"name": "old", "pass_rate": {"per_eval": {"a": [0.5, 0.25], "b": [1, None]}}},
                {"name": "new", "pass_rate": {"per_eval": {"a": [1, 1]}}},
            ]
        },
        {
            ("old", "a", 0): 0.5,
            ("old", "a", 1): 0.25,
            ("old", "b", 0): 1,
            ("old", "b", 1): None,
            ("new", "a", 0): 1,
            ("new", "a", 1): 1,
        },
    ),
    "cases by name": (
        {
            "metadata": {"skill_name": "greeter"},
            "scenarios": {
                "hello": {"label": "x", **arms(1, 0)},
                "bye": {"label": "y", "with_skill": {"pass_rate": 0.5}, "without_skill": {}},
            },
        },
        {
            ("with_skill", "hello", 0): 1,
            ("without_skill", "hello", 0): 0,
            ("with_skill", "bye", 0): 0.5,
            ("without_skill", "bye", 0): None,
        },
    ),
    "cases by name at the top": (
        {
            "eval-1": arms(1, 0),
            "eval-2": arms(1, 0),
            "summary": arms(1, 0),
        },
        {
            ("with_skill", "eval-1", 0): 1,
            ("without_skill", "eval-1", 0): 0,
            ("with_skill", "eval-2", 0): 1,
            ("without_skill", "eval-2", 0): 0,
        },
    ),
    "arms in a place of their own within each case, means beside": (
        {
            "configurations": [{"name": "with_skill", "pass_rate": {"mean": 1}, "n_evals": 1}],
            "per_eval": [
                {
                    "eval_name": "hello",
                    "configurations": {
                        "with_skill": {"pass_rate": 1, "total_tokens": 9},
                        "without_skill": {"pass_rate": 0.5, "total_tokens": None},
                    },
                }
            ],
        },
        {("with_skill", "hello", 0): 1, ("without_skill", "hello", 0): 0.5},
    ),
    "a single iteration with totals beside its cases": (
        {
            "iterations": {
                "iteration-1": {
                    "with_skill": {"pass_rate": 0.9, "passed": 9, "total": 10},
                    "without_skill": {"pass_rate": 0.4, "passed": 4, "total": 10},
                    "per_eval": {"eval-0": arms(1, 0)},
                }
            }
        },
        {("with_skill", "eval-0", 0): 1, ("without_skill", "eval-0", 0): 0},
    ),
    "arms that hold more measurements inside": (
        {
            "results": [
                {
                    "case": "a",
                    "expected": {"value": 4},
                    "with_skill": {
                        "pass_rate": 1,
                        "math": {"score": 7},
                        "compute": {"tokens": 3},
                    },
                    "no_skill": {"pass_rate": 0, "math": None},
                }
            ]
        },
        {("with_skill", "a", 0): 1, ("no_skill", "a", 0): 0},
    ),
    "a run with its tests and its reference inside": (
        {
            "runs": [
                {
                    "eval_id": 1,
                    "configuration": arm,
                    "pass_rate": rate,
                    "tests": [{"name": "t1", "passed": True}, {"name": "t2", "passed": False}],
                    "reference": {"answer": "x"},
                    "judge": {"score": 3},
                    "baseline": {"pass_rate": 0.125},
                }
                for arm, rate in (("old", 0.5), ("new", 1.0))
            ]
        },
        {("old", "1", 0): 0.5, ("new", "1", 0): 1.0},
    ),
    "arms of any name, one of which a case lacks": (
        {
            "evals": [
                {"id": "a", "mine": {"pass_rate": 1}, "yours": {"pass_rate": 0}},
                {"id": "b", "mine": {"pass_rate": 0.5}, "judge": {"score": 3}},
            ]
        },
        {("mine", "a", 0): 1, ("yours", "a", 0): 0, ("mine", "b", 0): 0.5},
    ),
    "runs of a single arm with measurements inside": (
        {
            "samples": [
                {
                    "id": n,
                    "output": {"usage": {"input_tokens": 3}},
                    "metrics": {"pass_rate": n},
                }
                for n in (0, 1)
            ]
        },
        {("unnamed", "0", 0): 0, ("unnamed", "1", 0): 1},
    ),
    "runs with their baseline inside": (
        {"evals": [{"id": n, "pass_rate": 1, "baseline": {"pass_rate": 0.5}} for n in (1, 2)]},
        {
            ("baseline", "1", 0): 0.5,
            ("unnamed", "1", 0): 1,
            ("baseline", "2", 0): 0.5,
            ("unnamed", "2", 0): 1,
        },
    ),
    "iterations that are the runs": (
        {"iterations": [{"iteration": n, "promptId": "a", "pass_rate": n} for n in (0, 1)]},
        {("unnamed", "a", 0): 0, ("unnamed", "a", 1): 1},
    ),
    "cases that say of which sort they are": (
        {"evals": [{"id": 1, "mode": "standard", **arms(1, 0)}]},
        {("with_skill", "1", 0): 1, ("without_skill", "1", 0): 0},
    ),
    "definitions of cases before their results": (
        {
            "evals": [{"id": 1, "prompt": "x"}],
            "results": [{"id": 1, "arm": "a", "pass_rate": 1}],
        },
        {("a", "1", 0): 1},
    ),
}


@pytest.mark.parametrize("shape", READ)
def test_runs_are_found_wherever_they_stand(shape):
    """Arms, cases and repeats come out right; totals and what lies inside a run do not."""
    document, expected = READ[shape]
    assert runs(document) == expected


def test_all_metrics_of_the_tables_belong_to_one_run():
    """What each table says of a case and repeat is put together."""
    document = READ["one table per metric, by case"][0]
    assert runs(document, "duration_seconds") == {
        key: {"1": 2.0, "2": 3.0}[key[1]] for key in BOTH
    }


def test_cases_known_by_their_place_alone_are_said():
    """That the lists have one order is an assumption."""
    document = READ["one table per metric, in the order of the cases"][0]
    assert any("at one place of the lists" in note for note in parse(ORIGIN, document).notes)


REFUSED = {
    "totals by arm": (
        arms(0.9, 0.4),
        UsageError,
        "found: with_skill, without_skill",
    ),
    "totals by arm in a place of results": (
        {"results": arms(0.9, 0.4)},
        UsageError,
        "found: results",
    ),
    "totals by iteration": (
        {f"iteration-{n}": arms(0.9, 0.4) for n in (1, 2)},
        UsageError,
        "found: iteration-1, iteration-2",
    ),
    "several iterations": (
        {"iterations": [evals(1), evals(0)]},
        RefusedError,
        "holds 2 iterations",
    ),
    "a history of versions": (
        {"iterations": [{"version": f"v{n}", "expectation_pass_rate": n / 2} for n in (0, 1)]},
        UsageError,
        "found: expectation_pass_rate, version",
    ),
    "a run with its prompt": (
        {"eval_id": 1, "prompt": "x", "time_seconds": 31.7, "input_tokens": 11},
        RefusedError,
        "tells of a single run",
    ),
    "one set of values": ({"pass_rate": 0.9, "tokens": 7}, RefusedError, "one set of values"),
    "a grading": (
        {"expectations": [{"text": "x", "passed": True}, {"text": "y", "passed": False}]},
        RefusedError,
        "tells of a single run",
    ),
    "grades by criterion": (
        {"scores": [{"criterion": "a", "score": 1}, {"criterion": "b", "score": 0}]},
        UsageError,
        "found: criterion, score",
    ),
    "means under other names": (
        {"run_summary": {"v1": {"pass_rate": {"mean": 0.5}}, "v2": {"pass_rate": {"mean": 1}}}},
        RefusedError,
        "a mean is not a trial",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_only_looks_like_runs_is_refused_with_the_true_reason(what):
    """A total is no run, a graded statement no case, and a run no case to be run."""
    document, kind, said = REFUSED[what]
    with pytest.raises(kind) as caught:
        parse(ORIGIN, document)
    assert said in caught.value.message


def test_names_that_are_left_out_of_a_list_are_counted():
    """Nobody takes twelve of twenty names for all of them."""
    document = [{f"field{number:02}": "x" for number in range(20)}]
    with pytest.raises(UsageError, match="field11 and 8 more"):
        parse(ORIGIN, document)
    ledger = parse(ORIGIN, shapes.one_arm((1, 0), **{f"n{k:02}": k for k in range(20)})).notes
    assert any(note.endswith("n11 and 8 more.") for note in ledger)


def test_runs_with_numbers_of_their_own_are_paired_by_name_or_stand_alone():
    """A number that is different in every run is that of the run."""
    listed = [
        {"id": number, "arm": "old" if number % 2 else "new", "pass_rate": 0.5}
        for number in range(4)
    ]
    source = parse(ORIGIN, {"runs": listed})
    assert [(run.arm, run.case) for run in source.runs] == [
        ("new", None), ("old", None), ("new", None), ("old", None),
    ]  # fmt: skip
    assert any("a number of its own" in note for note in source.notes)
    assert any("stands for itself" in note for note in source.notes)
    for item in listed:
        item["name"] = f"case {item['id'] // 2}"
    assert [run.case for run in parse(ORIGIN, {"runs": listed}).runs] == [
        "case 0", "case 0", "case 1", "case 1",
    ]  # fmt: skip


@pytest.mark.parametrize("ids", ["abcd", "aabc", "aabb", "abc ", "    "])
def test_names_that_pair_arms_go_before_numbers_that_do_not(ids):
    """Numbers of runs pair nothing also where one is repeated, missing or of its arm alone."""
    runs = [
        {"id": own, "arm": arm, "name": name, "pass_rate": 0.5}
        for own, arm, name in zip(ids, ("old", "old", "new", "new"), "xyxy", strict=True)
    ]
    assert [run.case for run in parse(ORIGIN, {"runs": runs}).runs] == [*"xyxy"]


@pytest.mark.parametrize("document", [{"runs": []}, {"metadata": {}, "evals": {}}])
def test_a_document_of_a_known_form_without_runs_is_known(document):
    """Its form is not what is wrong with it."""
    with pytest.raises(UsageError, match=r"holds no run: '(runs|evals)' is empty"):
        parse(ORIGIN, document)


def test_runs_that_name_no_case_stand_for_themselves():
    """As rows of a table do; where others name one, they are counted and left out."""
    listed = [{"arm": arm, "pass_rate": 1} for arm in ("old", "new")]
    assert [run.case for run in parse(ORIGIN, {"runs": listed}).runs] == [None, None]
    listed.append({"eval_id": 1, "arm": "new", "pass_rate": 1})
    source = parse(ORIGIN, {"runs": listed})
    assert [run.case for run in source.runs] == ["1"]
    assert source.excluded["names no case"] == 2


_RATES = st.integers(0, 20).map(lambda number: number / 20)


def as_runs(rates):
    return {"runs": [
        {"eval_id": case, "configuration": arm, "result": {"pass_rate": rate}}
        for (arm, case), rate in rates
    ]}  # fmt: skip


def as_cases(rates):
    cases = {}
    for (arm, case), rate in rates:
        cases.setdefault(case, {"id": case})[arm] = {"pass_rate": rate}
    return {"evals": [*cases.values()]}


def as_cases_by_name(rates):
    cases = {}
    for (arm, case), rate in rates:
        cases.setdefault(case, {})[arm] = {"pass_rate": rate}
    return {"scenarios": cases}


def as_arms(rates):
    found = {}
    for (arm, case), rate in rates:
        found.setdefault(arm, {"evals": []})["evals"].append({"id": case, "pass_rate": rate})
    return found


def as_tables(rates):
    found = {}
    for (arm, case), rate in rates:
        found.setdefault(arm, {})[case] = rate
    return {
        "configurations": [
            {"name": arm, "results": {"pass_rate": {"mean": 0.5, "per_eval": table}}}
            for arm, table in found.items()
        ]
    }


@pytest.mark.long
@settings(max_examples=40)
@given(
    rates=st.dictionaries(
        st.tuples(
            st.sampled_from(["with_skill", "old_skill", "third"]), st.sampled_from("abcd")
        ),
        _RATES,
        min_size=1,
    ),
    chance=st.randoms(use_true_random=False),
)
def test_the_same_runs_in_any_shape_and_order_are_the_same_import(rates, chance):
    """Which arrangement a tool likes best changes nothing of what was measured."""
    cases = [case for _, case in rates]
    assume(len({arm for arm, _ in rates}) == 1 or len(set(cases)) < len(cases))
    expected = {(arm, case, 0): rate for (arm, case), rate in rates.items()}
    known = {arm for arm, _ in rates} & {"with_skill", "old_skill"}
    written = [as_runs, as_arms, as_tables, *([as_cases, as_cases_by_name] if known else [])]
    for write in written:
        items = [*rates.items()]
        chance.shuffle(items)
        assert runs(write(items)) == expected, write
