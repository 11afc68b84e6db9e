"""The draw of a variant, against what gh-aw's own does and where it should do better."""

import hashlib
from collections import Counter

import pytest
from tests.workflows.samples import BODY, FORMS, RICH, file_of

from meta_experiment.workflows.declarations import read_declarations
from meta_experiment.workflows.document import document_of, read_document
from meta_experiment.workflows.picking.sources import declared_map
from meta_experiment.workflows.picking.variant_draws import arms_of, draw, ramp_stage

DAY = "2026-06-01"


def arms(variants=("A", "B"), **config):
    return arms_of("e", {"variants": list(variants), **config})


def variant(of, *, day=DAY, counts=None, fraction=0.0, key="o/r:w:1", **more):
    return draw(of, day=day, counts=counts or {}, fractions=[fraction], key=key, **more).variant


def test_the_least_used_comes_first_and_ties_fall_to_chance():
    of = arms("ABC")
    assert variant(of, counts={"A": 1, "B": 0, "C": 1}) == "B"
    assert [variant(of, fraction=u) for u in (0.0, 0.34, 0.999)] == ["A", "B", "C"]
    counts = Counter()
    for n in range(9):
        counts[variant(of, counts=counts, fraction=n * 0.37 % 1)] += 1
    assert set(counts.values()) == {3}


@pytest.mark.parametrize(
    ("weight", "fraction", "expected"),
    [
        ([0.7, 0.3], 0.69, "A"),
        ([0.7, 0.3], 0.71, "B"),
        ([0, 1], 0.0, "B"),
        ([1, 0], 0.999, "A"),
        ([0, 0], 0.5, "A"),
    ],
)
def test_weights_are_taken_as_they_are(weight, fraction, expected):
    assert variant(arms(weight=weight), fraction=fraction) == expected


@pytest.mark.parametrize("weight", [[1], [1, 2, 3], [-1, 2], ["1", "2"], [True, 1], "x", None])
def test_weights_that_do_not_fit_count_as_absent(weight):
    of = arms(weight=weight)
    assert of.weight is None
    assert variant(of, counts={"A": 5}) == "B"


def test_a_seed_draws_by_repository_workflow_and_run_alone():
    of = arms(continual={"seed": "s", "ramp": [30]})
    for run in range(200):
        key = f"o/r:ref:{run}"
        whole = hashlib.sha256(f"s:e:{key}".encode()).digest()
        expected = "A" if int.from_bytes(whole[:8], "big") % 100 < 70 else "B"
        assert variant(of, key=key, fraction=run / 200) == expected


@pytest.mark.parametrize(
    ("counts", "stored", "outcome", "stage"),
    [
        ({"B": 9}, 0, None, 0),
        ({"B": 10}, 0, None, 1),
        ({"B": 99}, 0, None, 2),
        ({"B": 0}, 1, None, 1),
        ({"B": 5}, 7, None, 2),
        ({"B": 30}, 0, {"decision": "EXTEND", "samples": {"B": {"completed": 10}}}, 1),
        ({"B": 30}, 0, {"decision": "EXTEND", "samples": {}}, 0),
        ({"B": 30}, 1, {"decision": "EXTEND", "samples": {"B": {"completed": 3}}}, 1),
        ({"B": 30}, 0, {"decision": "REJECT", "samples": {"B": {"completed": 30}}}, 0),
    ],
)
def test_a_ramp_rises_with_runs_whose_outcome_is_known_and_never_falls(
    counts, stored, outcome, stage
):
    of = arms(continual={"seed": "s", "ramp": [5, 25, 100]}, min_samples=10)
    assert ramp_stage(of, counts, stored, outcome) == stage


def test_a_candidate_that_does_harm_gets_no_further_run():
    of = arms(continual={"seed": "s", "ramp": [100]})
    harm = {"decision": "REJECT"}
    keys = [f"o/r:w:{n}" for n in range(50)]
    assert {variant(of, key=key) for key in keys} == {"B"}
    assert {variant(of, key=key, outcome=harm) for key in keys} == {"A"}


def test_what_gh_aw_drops_is_no_experiment():
    for declared in (["x"], [1, "x"], {"metric": "m"}, "x", None, {"variants": "xy"}):
        assert arms_of("e", declared) is None
    assert arms_of("e", ["x", 5, "y"]).variants == ("x", "y")


@pytest.mark.parametrize("text", [RICH + BODY, *map(file_of, FORMS)])
def test_a_source_says_to_the_picker_what_it_says_to_the_reader(text):
    for data in (text, text.replace("\n", "\r\n")):
        read = read_declarations(read_document(data.encode())).experiments
        declared = declared_map(data)
        for item in read:
            of = arms_of(item.name, declared[item.name])
            assert (of.variants, tuple(of.weight or ())) == (item.variants, item.weight or ())
            assert (of.start, of.end) == (item.start_date, item.end_date)
            assert of.min_samples == item.min_samples


@pytest.mark.parametrize(
    "head",
    [
        "on: [push\nexperiments: {e: [a, b]}",
        "experiments: {e: [a, b]}\nfoo: {bar",
        "experiments: {e: [a, b]}\nexperiments: {e: [a, c]}",
        "experiments: {e: [a, b]}\nname: x\0",
    ],
)
def test_nothing_is_drawn_of_a_head_that_is_no_yaml(head):
    """What `show` refuses is refused here too, wherever in the head it stands."""
    text = f"---\n{head}\n---\n"
    assert document_of(text).oddities
    with pytest.raises(ValueError, match=r"expected|twice|U\+0000"):
        declared_map(text)


@pytest.mark.parametrize("odd", ["\x85", "\u2028", "\u2029"])
def test_what_only_yaml_1_1_takes_for_an_end_of_line_is_a_character(odd):
    text = f"---\nname: a{odd}b\nexperiments:\n  e: [x{odd}, 'y{odd}', \ue000]\n---\n"
    document = document_of(text)
    assert document.oddities == ()
    assert document.head.get("name").value == f"a{odd}b"
    expected = [f"x{odd}", f"y{odd}", "\ue000"]
    assert declared_map(text) == {"e": expected}
    assert [text[item.start : item.end] for item in document.experiments.get("e").value] == [
        expected[0], f"'{expected[1]}'", expected[2],
    ]  # fmt: skip
