"""The runs' own files in the folders of a workspace: read, or named."""

import pytest
from tests.sources import shapes

from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.sources.results.imported import COPIED
from meta_experiment.sources.results.merging import NOT_IN_BENCHMARK, UNTOLD
from meta_experiment.sources.results.reading import read_source
from meta_experiment.sources.results.run_table import RowOptions
from meta_experiment.sources.results.workspace_files import place

WITH, WITHOUT = "with_skill", "without_skill"


def read(folder):
    return read_source(folder, "folder", RowOptions())


def rates(source):
    return {(run.arm, run.case, run.index): run.metrics.get("pass_rate") for run in source.runs}


PLACES = {
    "hello/with_skill/grading.json": ("hello", WITH, None, "grading"),
    "hello/with_skill/run-2/timing.json": ("hello", WITH, 2, "timing"),
    "runs/hello/with_skill/run_2/grading.json": ("hello", WITH, 2, "grading"),
    "with_skill/hello/grading.json": ("hello", WITH, None, "grading"),
    "with_skill/hello/run-3/grading.json": ("hello", WITH, 3, "grading"),
    "with_skill/eval-1-grading.json": ("eval-1", WITH, None, "grading"),
    "without_skill/eval-1_grading.json": ("eval-1", WITHOUT, None, "grading"),
    "eval-1/with_skill-grading.json": ("eval-1", WITH, None, "grading"),
    "eval-1/with_skill_timing.json": ("eval-1", WITH, None, "timing"),
    "eval-1-with_skill/grading.json": ("eval-1", WITH, None, "grading"),
    "with-skill_eval-1-grading.json": ("eval-1", "with-skill", None, "grading"),
    "eval-1/old_skill/grading-2.json": ("eval-1", "old_skill", 2, "grading"),
    "eval-1/mine/grading.json": ("eval-1", "mine", None, "grading"),
    "v2/eval-1/grading.json": ("eval-1", "v2", None, "grading"),
    "v2/case-7/run-3/timing.json": ("case-7", "v2", 3, "timing"),
    "grading.json": None,
    "with_skill/grading.json": None,
    "with_skill/run-1/grading.json": None,
    "hello/with_skill/with_skill/grading.json": None,
    "with_skill/with_skill/grading.json": None,
    "grading_summary.json": None,
    "a/b-grading.json": None,
    "a/b/c/d/grading.json": None,
    "hello/with_skill/outputs.json": None,
}


@pytest.mark.parametrize("path", PLACES)
def test_a_file_is_known_by_the_names_around_it(path):
    """Arm outside or inside, in folders or in the name of the file; copies are none."""
    assert place(path) == PLACES[path]


def test_gradings_by_arm_that_contradict_their_benchmark_are_believed(tmp_path):
    """`ARM/eval-N-grading.json` is a run's own file as well, and the difference is said."""
    for number in (1, 2):
        for arm, passed in ((WITH, 9), (WITHOUT, 4)):
            grading = {"eval_id": number, "mode": arm, "pass_count": passed, "total_count": 10}
            shapes.write(tmp_path / arm / f"eval-{number}-grading.json", grading)
            shapes.write(tmp_path / arm / f"eval-{number}-config.json", {"eval_id": number})
    shapes.write(
        tmp_path / "benchmark.json",
        {
            WITH: {"evals": [{"eval_id": n, "pass_rate": 0.9} for n in (1, 2)]},
            WITHOUT: {"evals": [{"eval_id": n, "pass_rate": 0.9} for n in (1, 2)]},
        },
    )
    source = read(tmp_path)
    assert rates(source) == {
        (arm, case, 0): rate for arm, rate in ((WITH, 0.9), (WITHOUT, 0.4)) for case in "12"
    }
    assert any(note.startswith("2 × the run's own files give another") for note in source.notes)


def test_files_of_results_that_belong_to_no_run_are_named(tmp_path):
    """Whoever looks for them learns that they were not read."""
    shapes.workspace(tmp_path)
    shapes.write(tmp_path / "grading_summary.json", {"pass_rate": 0.1})
    shapes.write(tmp_path / "polite/with_skill/with_skill/grading.json", {"pass_rate": 0.1})
    source = read(tmp_path)
    assert (
        "Files of results that belong to no run and were not read: grading_summary.json, "
        "polite/with_skill/with_skill/grading.json."
    ) in source.notes
    assert set(rates(source).values()) == {0.5}


def test_a_second_folder_with_the_same_runs_counts_once(tmp_path):
    """Some tools keep a run under the number of its case and under its name."""
    for folder, more in (("eval-1/with_skill/run-1", {}), ("hello/with_skill", {"note": "x"})):
        shapes.write(
            tmp_path / folder / "timing.json", {"duration_ms": 50_439, "total_tokens": 31_000}
        )
        shapes.write(tmp_path / folder / "grading.json", {"pass_rate": 0.5, **more})
    shapes.write(tmp_path / "hello/eval_metadata.json", {"eval_id": 1, "eval_name": "hello"})
    document = {"runs": [shapes.run(1, WITH, rate=0.5, seconds=50.4, tokens=31_000)]}
    shapes.write(tmp_path / "benchmark.json", document)
    source = read(tmp_path)
    assert rates(source) == {(WITH, "1", 0): 0.5}
    assert source.excluded == {COPIED: 1}


def test_repeats_that_look_alike_are_two_runs(tmp_path):
    """Two runs of one folder may well have the same grade and nothing else."""
    for number in (1, 2):
        shapes.write(tmp_path / f"a/baseline/run-{number}/grading.json", {"pass_rate": 1})
    assert len(read(tmp_path).runs) == 2


def graded(folder, case, arm, *rates):
    for number, rate in enumerate(rates, start=1):
        shapes.write(
            folder / case / arm / f"run-{number}" / "grading.json", {"pass_rate": rate}
        )


def test_runs_that_their_benchmark_sums_up_are_read_one_by_one(tmp_path):
    """A mean of three is no run; the three are."""
    graded(tmp_path, "eval-1", WITH, 1, 0.5, 0)
    graded(tmp_path, "eval-1", WITHOUT, 0)
    document = {"evals": [{"eval_id": 1, WITH: {"pass_rate": 0.5}, WITHOUT: {"pass_rate": 0}}]}
    shapes.write(tmp_path / "benchmark.json", document)
    source = read(tmp_path)
    assert rates(source) == {
        (WITH, "1", 0): 1, (WITH, "1", 1): 0.5, (WITH, "1", 2): 0, (WITHOUT, "1", 0): 0,
    }  # fmt: skip
    assert any(note.startswith("1 × a case and arm has more runs") for note in source.notes)
    assert source.excluded == {}


@pytest.mark.parametrize("first", [0, 1])
def test_repeats_are_paired_from_wherever_they_are_counted(tmp_path, first):
    """A benchmark that counts from nought and folders from one mean the same runs."""
    graded(tmp_path, "eval-1", WITH, 1, 0.5)
    listed = [shapes.run(1, WITH, first + n, rate=rate) for n, rate in enumerate((1, 0.5))]
    shapes.write(tmp_path / "benchmark.json", {"runs": listed})
    source = read(tmp_path)
    assert rates(source) == {(WITH, "1", 0): 1, (WITH, "1", 1): 0.5}
    assert not any("own files give another" in note for note in source.notes)


def test_a_run_of_which_nobody_can_tell_which_it_is_is_left_out(tmp_path):
    """Neither one repeat of three, nor a name where the benchmark has numbers alone."""
    shapes.write(tmp_path / f"eval-1/{WITH}/grading.json", {"pass_rate": 0})
    shapes.write(tmp_path / f"polite/{WITH}/grading.json", {"pass_rate": 0})
    listed = [shapes.run(1, WITH, number) for number in (1, 2, 3)]
    shapes.write(tmp_path / "benchmark.json", {"runs": listed})
    source = read(tmp_path)
    assert set(rates(source).values()) == {0.5}
    assert source.excluded == {UNTOLD: 2}


def test_what_the_benchmark_does_not_have_is_said_by_its_name(tmp_path):
    """It is left out for what it is, and for nothing else."""
    graded(tmp_path, "eval-7", WITH, 1)
    shapes.write(tmp_path / "benchmark.json", shapes.canonical(cases=1))
    source = read(tmp_path)
    assert source.excluded == {NOT_IN_BENCHMARK: 1}
    assert any(f"eval-7/{WITH}/run-1/grading.json" in note for note in source.notes)


def test_a_folder_of_one_case_leads_to_the_folder_of_all(tmp_path):
    """It has the gradings of a case and not of cases."""
    graded(tmp_path, "eval-1", WITH, 1)
    graded(tmp_path, "eval-1", WITHOUT, 0)
    with pytest.raises(UsageError, match="a single case") as caught:
        read_source(tmp_path / "eval-1", "my evals/eval-1", RowOptions())
    assert caught.value.hint.endswith("meta-experiment import 'my evals'")


def test_a_folder_of_other_files_says_which_they_are(tmp_path):
    """A result of another name is one argument away."""
    shapes.write(tmp_path / "results.json", shapes.canonical())
    with pytest.raises(UsageError, match=r"it holds results\.json"):
        read(tmp_path)


def test_what_runs_made_is_not_looked_through(tmp_path):
    """Their outputs may be thousands of files."""
    shapes.workspace(tmp_path)
    made = tmp_path / "polite" / WITH / "outputs"
    shapes.write(made / "node_modules/x/grading.json", {"pass_rate": 0})
    assert not any("node_modules" in note for note in read(tmp_path).notes)


def iterations(folder, *names, arms=(WITH, WITHOUT), **at):
    for name in names:
        document = shapes.canonical(arms=arms, timestamp=at.get(name, "2026-03-01T10:00:00Z"))
        shapes.write(folder / name / "benchmark.json", document)


def several(folder, name="evals"):
    with pytest.raises(RefusedError, match="which to compare is yours") as caught:
        read_source(folder, name, RowOptions())
    return caught.value


def test_iterations_are_found_by_their_runs_where_they_have_no_benchmark(tmp_path):
    """One is read, of two it is asked, and one without is not passed over for another."""
    shapes.workspace(tmp_path / "iteration-1")
    shapes.write(tmp_path / "evals" / "evals.json", {"evals": []})
    assert len(read(tmp_path).runs) == 4
    shapes.workspace(tmp_path / "iteration-2", shapes.canonical(cases=2))
    error = several(tmp_path)
    assert "2 folders (iteration-1, iteration-2)" in error.message
    assert "control=evals/iteration-1:with_skill" in error.hint


def test_the_folder_around_a_run_is_named_so_that_it_can_be_read(tmp_path):
    """From any depth, and only where there is one."""
    shapes.workspace(tmp_path / "all of it")
    for inside in ("polite", "polite/with_skill"):
        with pytest.raises(UsageError, match="single case") as caught:
            read_source(tmp_path / "all of it" / inside, f"all of it/{inside}", RowOptions())
        assert caught.value.hint.endswith("meta-experiment import 'all of it'")
        assert len(read(tmp_path / "all of it").runs) == 4


def test_a_benchmark_that_lists_no_grading_is_still_one_of_grades(tmp_path):
    """What its runs' own files list does not make its pass rates ungraded."""
    document = shapes.canonical(cases=2)
    for item in document["runs"]:
        item["expectations"] = []
    shapes.workspace(tmp_path, document)
    source = read(tmp_path)
    assert source.excluded == {}
    assert any("give another pass_rate than the benchmark" in note for note in source.notes)


def test_a_broken_file_of_a_run_is_named_as_the_user_named_its_folder(tmp_path):
    """With the way to it, and no path that was not typed."""
    shapes.workspace(tmp_path)
    own = tmp_path / "polite" / WITH / "grading.json"
    for text, said in (("", "is empty"), ('{"summary"', "is not valid JSON")):
        own.write_text(text)
        with pytest.raises(UsageError, match=said) as caught:
            read(tmp_path)
        assert caught.value.message.startswith("folder/polite/with_skill/grading.json ")


def test_iterations_are_listed_in_order_and_all_of_them(tmp_path):
    """The tenth comes after the ninth, and none is left out without a word."""
    iterations(tmp_path, *(f"iteration-{number}" for number in range(1, 12)))
    error = several(tmp_path)
    listed = ", ".join(f"iteration-{number}" for number in range(1, 12))
    assert f"11 folders ({listed})" in error.message
    assert "import evals/iteration-11 " in f"{error.hint} "
    assert (
        "control=evals/iteration-1:with_skill treatment=evals/iteration-11:with_skill"
        in error.hint
    )
    iterations(tmp_path, *(f"iteration-{number}" for number in range(12, 25)))
    assert "iteration-20 and 4 more)" in several(tmp_path).message


def test_the_older_text_is_offered_as_the_control(tmp_path):
    """By its number, else by its time; where neither tells it is asked for."""
    numbered = {"v1": "2026-03-09T10:00:00Z", "v2": "2026-03-01T10:00:00Z"}
    iterations(tmp_path / "a", "v1", "v2", **numbered)
    assert "control=evals/v1:with_skill treatment=evals/v2:" in several(tmp_path / "a").hint
    timed = {"alpha": "2026-03-09T10:00:00Z", "beta": "2026-03-01T10:00:00Z"}
    iterations(tmp_path / "b", "alpha", "beta", **timed)
    hint = several(tmp_path / "b").hint
    assert "control=evals/beta:with_skill treatment=evals/alpha:with_skill" in hint
    assert "import evals/alpha " in hint
    iterations(tmp_path / "c", "alpha", "beta")
    assert "control=OLDER:with_skill treatment=NEWER:with_skill" in several(tmp_path / "c").hint


def test_the_commands_that_are_offered_work(tmp_path, monkeypatch):
    """Arms that are not there are not named, nor a comparison that there is none of."""
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        folder = tmp_path / "single" / f"iteration-{number}"
        shapes.write(folder / "benchmark.json", shapes.one_arm((0.5, number / 2)))
    hint = several(tmp_path / "single", "my evals").hint
    assert hint == (
        "One against another: meta-experiment import 'control=my evals/iteration-1' "
        "'treatment=my evals/iteration-2'"
    )
    iterations(tmp_path / "other", "iteration-1", arms=("old", "new"))
    iterations(tmp_path / "other", "iteration-2", arms=("this", "that"))
    assert several(tmp_path / "other").hint == (
        "One of them: meta-experiment import evals/iteration-2"
    )
