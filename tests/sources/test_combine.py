import copy

import pytest
from tests.sources import shapes

from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.sources.benchmark import Origin, parse
from meta_experiment.sources.combine import Labelled, combine
from meta_experiment.sources.rows import Reading, parse_csv


def source(document, name="benchmark.json", identity="0"):
    return parse(Origin(name, identity), copy.deepcopy(document))


def combined(*given, control=None, treatments=()):
    sources = [item if isinstance(item, Labelled) else Labelled(item) for item in given]
    return combine(sources, control=control, treatments=treatments)


@pytest.mark.parametrize(
    "arms",
    [
        ("with_skill", "without_skill"), ("new_skill", "old_skill"), ("treatment", "control"),
        ("candidate", "baseline"), ("With-Skill", "Without-Skill"), ("anything", "baseline"),
    ],
)  # fmt: skip
def test_the_control_is_known_by_its_name_and_said(arms):
    """Usual names of a control are recognised, in any order and spelling."""
    found = combined(source(shapes.canonical(arms=arms)))
    assert found.variants == (arms[1], arms[0])
    assert f"{arms[1]} was taken as the control, by its name." in found.notes


@pytest.mark.parametrize(
    "arms", [("v1", "v2"), ("with_skill", "new_skill"), ("without_skill", "old_skill", "x")]
)
def test_an_unknown_control_is_asked_for(arms):
    """None or several candidates: the error lists the arms and the flag."""
    with pytest.raises(UsageError, match=", ".join(arms)) as caught:
        combined(source(shapes.canonical(arms=arms)))
    assert "--control" in caught.value.hint


def test_the_user_says_which_arms_to_compare():
    """A third arm is left out by name, counted."""
    arms = ("v1", "v2", "v3")
    given = source(shapes.canonical(arms=arms, cases=2))
    found = combined(given, control="v1", treatments=["v3"])
    assert found.variants == ("v1", "v3")
    assert found.excluded["of an arm that is not compared"] == 2
    assert combined(given, control="v2").variants == ("v2", "v1", "v3")


def test_an_arm_that_is_not_there_is_refused():
    """A wrong name is answered by the nearest one."""
    with pytest.raises(UsageError, match="no arm 'with_skil'") as caught:
        combined(source(shapes.canonical()), control="with_skil")
    assert "with_skill" in caught.value.hint


def test_an_arm_is_not_control_and_treatment():
    """Comparing an arm with itself is refused."""
    with pytest.raises(UsageError, match="at once"):
        combined(source(shapes.canonical()), control="with_skill", treatments=["with_skill"])


def test_one_arm_alone_is_refused_with_the_way_out():
    """A single configuration compares nothing; the hint shows how two files do."""
    with pytest.raises(RefusedError, match="nothing to compare") as caught:
        combined(source(shapes.one_arm()))
    assert "import control=OTHER.json treatment=benchmark.json" in caught.value.hint


def test_two_files_of_one_arm_each_are_compared():
    """The old text's results against the new one's, case by case."""
    found = combined(
        Labelled(source(shapes.one_arm((0.5, 0.6)), "old.json", "1"), "control"),
        Labelled(source(shapes.one_arm((0.7, 0.8)), "new.json", "2"), "treatment"),
    )
    assert found.variants == ("control", "treatment")
    assert [(item.variant, item.run.case) for item in found.runs] == [
        ("control", "1"), ("control", "2"), ("treatment", "1"), ("treatment", "2"),
    ]  # fmt: skip
    assert not any("by its name" in note for note in found.notes)


def test_a_label_on_two_arms_asks_which():
    """`control=FILE` of a file with two arms needs the arm, and says how."""
    given = source(shapes.canonical())
    with pytest.raises(UsageError, match="which of them is 'control'") as caught:
        combined(Labelled(given, "control"), Labelled(given, "treatment"))
    assert "control=benchmark.json:with_skill" in caught.value.hint


def test_two_iterations_are_compared_by_one_arm_of_each():
    """The same arm of two files, the rest counted as not compared."""
    newer = shapes.canonical(timestamp="2026-03-09T10:00:00Z", executor_model="model-b")
    for item in newer["runs"]:
        item["result"]["time_seconds"] += 3.17
    found = combined(
        Labelled(source(shapes.canonical(), "1.json", "1"), "control", "with_skill"),
        Labelled(source(newer, "2.json", "2"), "treatment", "with_skill"),
    )
    assert len(found.runs) == 6
    assert found.excluded["of an arm that is not compared"] == 6
    assert any("same model" in note for note in found.notes)
    assert any("8 days apart" in note for note in found.notes)


def test_a_copied_baseline_counts_once():
    """A run with the same seconds and tokens in two files is one run."""
    newer = shapes.canonical()
    for item in newer["runs"]:
        if item["configuration"] == "with_skill":
            item["result"]["time_seconds"] += 5.21
        else:
            del item["result"]["tool_calls"]
    found = combined(source(shapes.canonical(), "1.json", "1"), source(newer, "2.json", "2"))
    arms = [item.variant for item in found.runs]
    assert (arms.count("without_skill"), arms.count("with_skill")) == (3, 6)
    assert found.excluded == {"the same run twice": 3}


def test_equal_grades_of_two_files_are_two_runs():
    """A grade alone does not tell runs apart, so that the file does."""
    found = combined(
        source(shapes.by_arm(), "1.json", "1"), source(shapes.by_arm(), "2.json", "2")
    )
    assert len({item.trial_id for item in found.runs}) == 4


def test_an_arm_that_is_a_copy_of_the_other_is_refused():
    """The same measured runs under two names are no comparison."""
    given = source(shapes.canonical())
    with pytest.raises(RefusedError, match="another arm has already"):
        combined(
            Labelled(given, "control", "with_skill"), Labelled(given, "treatment", "with_skill")
        )


def test_one_number_for_two_tasks_is_refused():
    """Case 1 of one file must be case 1 of the other."""
    other = {"results": [{"eval_id": 1, "eval_name": "invoice totals", "pass_rate": 1.0}]}
    with pytest.raises(RefusedError, match="different tasks"):
        combined(
            Labelled(source(shapes.one_arm((0.5,))), "control"),
            Labelled(source(other), "treatment"),
        )


def test_an_edited_name_is_one_case_and_said():
    """A name that was changed a little is noted, not refused."""
    other = {"results": [{"eval_id": 1, "eval_name": "the case 1", "pass_rate": 1.0}]}
    found = combined(
        Labelled(source(shapes.one_arm((0.5,))), "control"),
        Labelled(source(other, identity="1"), "treatment"),
    )
    assert any("taken as one case" in note for note in found.notes)


def test_cases_and_rows_without_cases_are_not_mixed():
    """A run of no case beside runs of cases can neither be paired nor stand for itself."""
    rows = parse_csv(Origin("r.csv", "1"), "variant,pass_rate\nnew,1\nnew,0.5\n", Reading())
    with pytest.raises(UsageError, match=r"r\.csv does not say to which case"):
        combined(source(shapes.canonical()), rows)


def test_arms_get_names_that_a_plan_takes():
    """Spaces and other scripts become plain names, and that is said."""
    found = combined(
        source(shapes.canonical(arms=("新しい", "old skill"), cases=1)), control="old skill"
    )
    assert found.variants == ("old-skill", "variant-1")
    assert any("'新しい' is called variant-1" in note for note in found.notes)
