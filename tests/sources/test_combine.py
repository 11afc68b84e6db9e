import copy

import pytest
from tests.sources import shapes

from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.sources.results.benchmark import Origin, parse
from meta_experiment.sources.results.combine import LabelledSource, combine
from meta_experiment.sources.results.run_table import RowOptions, parse_csv


def source(document, name="benchmark.json", identity="0"):
    return parse(Origin(name, identity), copy.deepcopy(document))


def combined(*given, control=None, treatments=()):
    sources = [
        item if isinstance(item, LabelledSource) else LabelledSource(item) for item in given
    ]
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


@pytest.mark.parametrize(
    ("arms", "offered"),
    [
        (("v2", "v1"), "--control v1 --treatment v2"),
        (("run 10", "run 9"), "--control 'run 9' --treatment 'run 10'"),
        (("candidate", "mine"), "--control mine --treatment candidate"),
        (("2026-03-09", "2026-03-01"), "--control 2026-03-01 --treatment 2026-03-09"),
        (("apple", "pear"), "--control ARM"),
        (("with_skill", "new_skill"), "--control ARM"),
        (("without_skill", "old_skill", "x"), "--control ARM"),
    ],
)
def test_the_older_text_is_offered_as_the_control(arms, offered):
    """As far as names tell; else it is asked for, and nothing is offered at random."""
    with pytest.raises(UsageError, match="Which arm is the control") as caught:
        combined(source(shapes.canonical(arms=arms)))
    assert offered in caught.value.hint
    assert ("ARM" in offered) or "ARM" not in caught.value.hint


def test_many_arms_are_listed_or_counted():
    """A list of thirty names says how many it leaves out."""
    arms = [f"arm {number}" for number in range(30)]
    with pytest.raises(UsageError, match="'arm 19' and 10 more"):
        combined(source(shapes.canonical(arms=arms, cases=1)), control="none of them")


def test_a_control_that_is_the_newer_text_is_asked_about():
    """It may be so on purpose, but seldom is."""
    older = shapes.canonical(timestamp="2026-03-01T10:00:00Z")
    newer = shapes.canonical(timestamp="2026-03-09T10:00:00Z")
    for item in newer["runs"]:
        item["result"]["time_seconds"] += 3.17
    given = [source(older, "1.json", "1"), source(newer, "2.json", "2")]
    for first, second, asked in ((0, 1, False), (1, 0, True)):
        found = combined(
            LabelledSource(given[first], "control", "with_skill"),
            LabelledSource(given[second], "treatment", "with_skill"),
        )
        assert any("is it the older text?" in note for note in found.notes) is asked


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
    """A single configuration compares nothing; which text is older only the user knows."""
    with pytest.raises(RefusedError, match="nothing to compare") as caught:
        combined(source(shapes.one_arm()))
    assert "import control=OLDER treatment=NEWER" in caught.value.hint
    bare = source(shapes.canonical(arms=("without_skill",)), "no skill.json")
    with pytest.raises(RefusedError, match="without_skill only") as caught:
        combined(bare)
    assert "import 'control=no skill.json' treatment=NEWER" in caught.value.hint


def test_two_files_of_one_arm_each_are_compared():
    """The old text's results against the new one's, case by case."""
    found = combined(
        LabelledSource(source(shapes.one_arm((0.5, 0.6)), "old.json", "1"), "control"),
        LabelledSource(source(shapes.one_arm((0.7, 0.8)), "new.json", "2"), "treatment"),
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
        combined(LabelledSource(given, "control"), LabelledSource(given, "treatment"))
    assert "control=benchmark.json:with_skill" in caught.value.hint


def test_two_iterations_are_compared_by_one_arm_of_each():
    """The same arm of two files, the rest counted as not compared."""
    newer = shapes.canonical(timestamp="2026-03-09T10:00:00Z", executor_model="model-b")
    for item in newer["runs"]:
        item["result"]["time_seconds"] += 3.17
    found = combined(
        LabelledSource(source(shapes.canonical(), "1.json", "1"), "control", "with_skill"),
        LabelledSource(source(newer, "2.json", "2"), "treatment", "with_skill"),
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


def judged(case, rate, words, **more):
    """One run with what its grader wrote of it."""
    found = {"eval_id": case, "configuration": "skill", "pass_rate": rate, **more}
    details = [{"text": "greets", "passed": rate == 1, "evidence": text} for text in words]
    return found | ({"expectations": details} if details else {})


def of_two_texts(one, other):
    """Compare the runs of two files of one arm, the first as control."""
    return combined(
        LabelledSource(source({"runs": one}, "1.json", "1"), "control"),
        LabelledSource(source({"runs": other}, "2.json", "2"), "treatment"),
    )


LONG = "The answer greets Ada by her name in its second sentence, and wishes her a good day."


def test_runs_carried_over_between_iterations_are_not_compared_with_themselves():
    """The grader's own words tell that a run was not made again; nothing else may."""
    found = of_two_texts(
        [judged(1, 1, [LONG]), judged(2, 0, [LONG[::-1]])],
        [judged(1, 1, [LONG]), judged(2, 1, ["It greets her twice, in both of its lines."])],
    )
    assert [(item.variant, item.run.case) for item in found.runs] == [
        ("control", "1"), ("control", "2"), ("treatment", "2"),
    ]  # fmt: skip
    assert found.excluded == {"carried over from the source of another arm": 1}
    assert any(note.startswith("1 runs of one source stand in another") for note in found.notes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (judged(1, 1, []), judged(1, 1, [])),
        (judged(1, 1, ["yes"]), judged(1, 1, ["yes"])),
        (judged(1, 1, ["It greets her by name."]), judged(1, 1, ["It greets her by name."])),
        (judged(1, 1, [LONG]), judged(1, 0.5, [LONG])),
        (judged(1, 1, [LONG], tokens=20_011), judged(1, 1, [LONG], tokens=31_502)),
        (judged(1, 1, [LONG]), judged(2, 1, [LONG])),
    ],
)
def test_runs_that_are_only_alike_are_compared(one, other):
    """Equal grades, a short phrase, another case: all of that comes about by chance."""
    more = [judged(3, 0, ["no"])]
    found = of_two_texts([one, *more], [other, *more])
    assert len(found.runs) == 4
    assert not found.excluded


def test_what_a_grader_writes_of_every_run_tells_none_apart():
    """A program that checks for a word says the same of all runs."""
    listed = [judged(case, 1, [LONG]) for case in (1, 2)]
    assert len(of_two_texts(listed, listed).runs) == 4


def test_a_run_that_one_source_rounds_is_the_same_run():
    """A benchmark rounds the milliseconds that the run's own file has."""
    full = [judged(n, 1, [], duration_ms=52_131 + n, tokens=27_581) for n in (1, 2)]
    rough = [judged(1, 1, [], time_seconds=52.1, tokens=27_581),
             judged(2, 1, [], time_seconds=52.2, tokens=27_581)]  # fmt: skip
    found = of_two_texts(full, rough)
    assert [(item.variant, item.run.case) for item in found.runs] == [
        ("control", "1"), ("control", "2"), ("treatment", "2"),
    ]  # fmt: skip
    assert found.runs[0].run.metrics["duration_seconds"] == pytest.approx(52.132)


def test_a_run_of_both_texts_is_one_of_the_older():
    """In whichever order the sources are named: the text that is tried came later."""
    listed = [judged(1, 1, [LONG]), judged(2, 0, [LONG[::-1]])]
    found = combined(
        LabelledSource(source({"runs": listed}, "2.json", "2"), "treatment"),
        LabelledSource(source({"runs": listed[:1]}, "1.json", "1"), "control"),
    )
    assert [(item.variant, item.run.case) for item in found.runs] == [
        ("control", "1"), ("treatment", "2"),
    ]  # fmt: skip


def test_a_run_in_two_files_of_one_arm_counts_once():
    """Also where one of them rounds it or nothing but its grader's words tells."""
    listed = [judged(1, 1, [LONG], configuration="old"), judged(1, 0, [LONG[::-1]])]
    found = combined(
        source({"runs": listed}, "1.json", "1"), source({"runs": listed[:1]}, "2.json", "2"),
        control="old",
    )  # fmt: skip
    assert len(found.runs) == 2
    assert found.excluded == {"the same run twice": 1}


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
            LabelledSource(given, "control", "with_skill"),
            LabelledSource(given, "treatment", "with_skill"),
        )


def test_one_number_for_two_tasks_is_refused():
    """Case 1 of one file must be case 1 of the other."""
    other = {"results": [{"eval_id": 1, "eval_name": "invoice totals", "pass_rate": 1.0}]}
    with pytest.raises(RefusedError, match="different tasks"):
        combined(
            LabelledSource(source(shapes.one_arm((0.5,))), "control"),
            LabelledSource(source(other), "treatment"),
        )


def test_an_edited_name_is_one_case_and_said():
    """A name that was changed a little is noted, not refused."""
    other = {"results": [{"eval_id": 1, "eval_name": "the case 1", "pass_rate": 1.0}]}
    found = combined(
        LabelledSource(source(shapes.one_arm((0.5,))), "control"),
        LabelledSource(source(other, identity="1"), "treatment"),
    )
    assert any("taken as one case" in note for note in found.notes)


def test_cases_and_rows_without_cases_are_not_mixed():
    """A run of no case beside runs of cases can neither be paired nor stand for itself."""
    rows = parse_csv(Origin("r.csv", "1"), "variant,pass_rate\nnew,1\nnew,0.5\n", RowOptions())
    with pytest.raises(UsageError, match=r"r\.csv does not say to which case"):
        combined(source(shapes.canonical()), rows)


def test_arms_get_names_that_a_plan_takes():
    """Spaces and other scripts become plain names, and that is said."""
    found = combined(
        source(shapes.canonical(arms=("新しい", "old skill"), cases=1)), control="old skill"
    )
    assert found.variants == ("old-skill", "variant-1")
    assert any("'新しい' is called variant-1" in note for note in found.notes)
