"""Other people's results, from their files to a verdict."""

import json
import random
from pathlib import Path

import jsonschema
import pytest
from tests.sources import shapes

from meta_experiment.cli.main import main

REPOSITORY = Path(__file__).resolve().parents[3]
BENCHMARKS = REPOSITORY.parent / "shared" / "data" / "benchmarks"
PLAN = json.loads((REPOSITORY / "schemas" / "experiments.v1.schema.json").read_text("utf-8"))


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Return the command line, called in a folder of its own; it gives (code, document)."""
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.chdir(tmp_path)

    def attempt(*arguments):
        code = main([arguments[0], "--root", str(root), "--json", *map(str, arguments[1:])])
        return code, json.loads(capsys.readouterr().out)

    def run(*arguments, code=0):
        given, document = attempt(*arguments)
        assert given == code, document
        return document

    run.root, run.attempt = root, attempt
    return run


def trials(call, name):
    return call("trials", name, "--limit", 1000)["trials"]


def registry(call):
    return json.loads((call.root / ".claude/meta/experiments.json").read_text("utf-8"))


def test_a_benchmark_becomes_an_experiment_that_can_be_analysed(call, tmp_path):
    """Arms, cases and repeats arrive as trials, the plan obeys its schema."""
    path = shapes.write(tmp_path / "b.json", shapes.canonical(cases=12, repeats=3))
    done = call("import", path)
    assert (done["added"], done["paired_cases"], done["created"]) == (72, 12, True)
    assert (done["control"], done["treatments"]) == ("without_skill", ["with_skill"])
    assert done["primary_metric"] == "pass_rate"
    assert done["arms"]["with_skill"] == {
        "variant": "with_skill", "cases": 12, "runs": 36, "measured": 36,
    }  # fmt: skip
    (entry,) = registry(call)["experiments"]
    jsonschema.validate(registry(call), PLAN)
    assert (entry["status"], entry["started"]) == ("paused", "2026-03-01T10:00:00.000Z")
    assert (entry["files"], entry["plan"]["files"], entry["plan"]["unit"]) == ({}, [], "case")
    assert "imported:skill-creator" in entry["plan"]["tags"]

    recorded = trials(call, done["experiment_id"])
    assert len(recorded) == 72
    assert len({item["unit"] for item in recorded}) == 12
    analysis = call("analyze", done["experiment_id"])
    assert analysis["samples"]["with_skill"]["completed"] == 12
    assert analysis["decision"] == "PROMOTE"
    assert analysis["winner"] == "with_skill"


def test_two_tables_without_a_column_of_the_arm_are_compared_by_their_names(call, tmp_path):
    """`NAME=FILE` says of all rows what a column would; unnamed, the column is asked for."""
    for name, better in (("old", 0), ("new", 1)):
        rows = "".join(f"c{number},{number + better}.5\n" for number in range(3))
        (tmp_path / f"{name}.csv").write_text(f"case,score\n{rows}")
    code, document = call.attempt("import", "old.csv", "new.csv")
    assert (code, "--map variant=" in document["error"]["hint"]) == (2, True)
    done = call("import", "control=old.csv", "treatment=new.csv")
    assert (done["control"], done["treatments"], done["paired_cases"]) == (
        "control", ["treatment"], 3,
    )  # fmt: skip
    found = {
        (it["variant"], it["unit"]): it["metrics"] for it in trials(call, done["experiment_id"])
    }
    assert found["control", "c0"] == {"score": 0.5}
    assert found["treatment", "c2"] == {"score": 3.5}


def test_the_same_import_twice_adds_nothing(call, tmp_path):
    """Neither from the same place nor from a copy elsewhere, and no second experiment."""
    path = shapes.write(tmp_path / "b.json", shapes.canonical())
    first = call("import", path)
    copied = shapes.write(tmp_path / "elsewhere" / "copy.json", shapes.canonical())
    for again in (path, copied):
        done = call("import", again)
        assert (done["experiment_id"], done["added"], done["already_recorded"]) == (
            first["experiment_id"], 0, 6,
        )  # fmt: skip
    assert len(registry(call)["experiments"]) == 1
    assert len(trials(call, first["experiment_id"])) == 6


def test_rows_in_another_order_are_the_same_import(call, tmp_path):
    """A table that was sorted, or written anew, holds the runs that it held before."""
    rows = [f"{arm};{case};{30 + 7 * n},{n}125" for n, (arm, case) in enumerate(
        (arm, case) for arm in ("old", "new") for case in ("a", "a", "b"))]  # fmt: skip
    rows.append(rows[0])
    path = tmp_path / "r.csv"
    path.write_text("\n".join(["variant;case;duration_seconds", *rows]), "utf-8")
    first = call("import", path)
    assert first["added"] == 7
    path.write_text("\r\n".join(["variant;case;duration_seconds", *rows[::-1]]), "utf-16")
    again = call("import", path)
    assert (again["experiment_id"], again["added"]) == (first["experiment_id"], 0)


def test_grades_alone_are_not_counted_twice_either(call, tmp_path):
    """Runs without time or cost are known by the bytes of their file."""
    for place in ("a.json", "b.json"):
        path = shapes.write(tmp_path / place, shapes.nested())
        done = call("import", path)
    assert done["added"] == 0
    assert len(trials(call, done["experiment_id"])) == 4


def test_a_dry_run_writes_nothing(call, tmp_path):
    """The report is the same, the folder stays as it was."""
    path = shapes.write(tmp_path / "b.json", shapes.canonical())
    done = call("import", path, "--dry-run")
    assert (done["added"], done["experiment_id"], done["dry_run"]) == (6, None, True)
    assert list(call.root.rglob("*")) == []
    name = call("import", path)["experiment_id"]
    more = shapes.write(tmp_path / "c.json", shapes.canonical(cases=5))
    assert call("import", more, "--into", name, "--dry-run")["added"] == 4
    assert len(trials(call, name)) == 6


def test_a_file_that_grew_adds_what_is_new(call, tmp_path):
    """Aggregated anew with two more cases, only those are added."""
    path = shapes.write(tmp_path / "b.json", shapes.canonical(cases=3))
    name = call("import", path)["experiment_id"]
    shapes.write(path, shapes.canonical(cases=5, timestamp="2026-03-02T10:00:00Z"))
    done = call("import", path, "--into", name)
    assert (done["added"], done["already_recorded"]) == (4, 6)
    assert len(trials(call, name)) == 10


def test_a_run_that_was_graded_again_keeps_its_first_grade(call, tmp_path):
    """The same run with another grade is one trial; the conflict is said."""
    path = shapes.write(tmp_path / "b.json", shapes.canonical(cases=1))
    name = call("import", path)["experiment_id"]
    regraded = shapes.canonical(cases=1)
    regraded["runs"][0]["result"] |= {"pass_rate": 0.1, "passed": 1, "failed": 9}
    shapes.write(path, regraded)
    done = call("import", path, "--into", name)
    assert done["added"] == 0
    assert any("1 runs were recorded before with other values" in n for n in done["notes"])
    assert {item["metrics"]["pass_rate"] for item in trials(call, name)} == {0.8, 0.4}


def test_metrics_that_were_missing_join_their_trial(call, tmp_path):
    """A column that came later completes the trials instead of doubling them."""
    path = tmp_path / "r.csv"
    path.write_text(
        "variant,case,duration_seconds\ncontrol,a,40.1234\ntreatment,a,30.1234\n", "utf-8"
    )
    name = call("import", path)["experiment_id"]
    path.write_text(
        "variant,case,duration_seconds,score\ncontrol,a,40.1234,1\ntreatment,a,30.1234,2\n",
        "utf-8",
    )
    assert call("import", path, "--into", name)["added"] == 0
    assert [item["metrics"].get("score") for item in trials(call, name)] == [1.0, 2.0]


def test_grades_that_may_be_the_same_runs_are_said(call, tmp_path):
    """Equal grades from another file are added, with the warning that they may be copies."""
    name = call("import", shapes.write(tmp_path / "a.json", shapes.nested()))["experiment_id"]
    other = shapes.nested() | {"iteration": 2}
    done = call("import", shapes.write(tmp_path / "b.json", other), "--into", name)
    assert done["added"] == 4
    assert any("they now count twice" in note for note in done["notes"])


def test_lost_runs_are_recorded_and_counted(call, tmp_path):
    """A run without result is no zero: the analysis counts it as lost."""
    done = call("import", shapes.write(tmp_path / "b.json", shapes.nested()))
    assert done["arms"]["without_skill"]["measured"] == 1
    assert done["excluded"] == {"without a value of the primary metric (pass_rate)": 1}
    analysis = call("analyze", done["experiment_id"])
    assert analysis["checks"]["attrition"]["lost"] == {"without_skill": 1, "with_skill": 0}
    assert analysis["primary"]["variants"]["without_skill"]["mean"] == 0.4


def test_a_plugin_evaluation_is_imported(call, tmp_path):
    """Both arms, in the order of their runs, with the client's version."""
    done = call("import", shapes.write(tmp_path / "r.json", shapes.plugin_eval()))
    assert (done["kind"], done["primary_metric"], done["added"]) == (
        "plugin-eval",
        "success",
        8,
    )
    analysis = call("analyze", done["experiment_id"])
    assert analysis["checks"]["fingerprint"]["clients"] == {"2.1.329": 8}
    assert call("import", "r.json", "--metric", "cost_usd")["added"] == 8


def test_a_table_is_imported_with_a_mapping(call, tmp_path):
    """Columns of any name, a metric of the user's own, its direction given."""
    (tmp_path / "r.csv").write_text("who,what,zest\nA,x,1.5\nB,x,2\nA,y,1\nB,y,3\n", "utf-8")
    given = ("import", "r.csv", "--map", "variant=who", "--map", "case=what", "--map",
             "zest=zest", "--control", "A", "--metric", "zest")  # fmt: skip
    assert call(*given, code=1 + 1)["error"]["kind"] == "usage"
    done = call(*given, "--direction", "higher")
    analysis = call("analyze", done["experiment_id"])
    assert analysis["primary"]["comparisons"][0]["effect"]["relative"] == pytest.approx(1.0)


def test_a_decimal_comma_makes_no_thousand(call, tmp_path):
    """`0,125` is an eighth and `0,5` a half; what is assumed is said before it is done."""
    text = "".join(f"control;{n};0,125\ntreatment;{n};0,{51 + n % 3}\n" for n in range(12))
    (tmp_path / "r.csv").write_text("variant;case;score\n" + text, "utf-8")
    seen = call("import", "r.csv", "--dry-run")
    assert any("decimal comma, as in '0,125' (row 2, score)" in note for note in seen["notes"])
    done = call("import", "r.csv")
    values = {item["metrics"]["score"] for item in trials(call, done["experiment_id"])}
    assert values == {0.125, 0.51, 0.52, 0.53}
    analysis = call("analyze", done["experiment_id"])
    assert analysis["primary"]["variants"]["treatment"]["mean"] == pytest.approx(0.52)


def test_how_numbers_are_written_can_be_said(call, tmp_path):
    """Where a table leaves it open it is asked for, and the answer is taken."""
    (tmp_path / "r.csv").write_text("variant;case;score\nold;a;1.250\nnew;a;2.500\n", "utf-8")
    error = call("import", "r.csv", code=2)["error"]
    assert "'1.250' (row 2, score)" in error["message"]
    assert "--decimal point" in error["hint"]
    done = call("import", "r.csv", "--decimal", "point")
    values = [item["metrics"]["score"] for item in trials(call, done["experiment_id"])]
    assert values == [1.25, 2.5]


def test_a_line_separator_inside_a_text_splits_no_run(call, tmp_path):
    """U+2028 and U+0085 may stand in JSON as they are."""
    lines = [
        json.dumps({"arm": arm, "task": f"a{mark}b", "score": 1}, ensure_ascii=False)
        for mark in "\u2028\x85"
        for arm in ("old", "new")
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(lines), "utf-8")
    assert call("import", "r.jsonl")["paired_cases"] == 2


def test_runs_with_ids_of_their_own_come_to_a_decision(call, tmp_path):
    """An id that is different in every row is no case, which would pair nothing for ever."""
    text = "".join(
        f"{2 * n},control,{100 + n % 5}.5\n{2 * n + 1},treatment,{40 + n % 5}.5\n"
        for n in range(20)
    )
    (tmp_path / "r.csv").write_text("id,variant,duration_seconds\n" + text, "utf-8")
    done = call("import", "r.csv")
    assert any("'id' is different in every row" in note for note in done["notes"])
    assert call("analyze", done["experiment_id"])["decision"] == "PROMOTE"


def test_rows_without_cases_are_compared_as_independent(call, tmp_path):
    """Every row is a unit of its own, so that no unit is in two arms."""
    lines = "".join(f"control,{40 + n}.25\ntreatment,{20 + n}.25\n" for n in range(12))
    (tmp_path / "r.csv").write_text("variant,duration_seconds\n" + lines, "utf-8")
    done = call("import", "r.csv")
    assert (done["unit"], done["paired_cases"]) == ("invocation", 0)
    analysis = call("analyze", done["experiment_id"])
    assert analysis["samples"]["control"]["completed"] == 12
    assert analysis["samples"]["control"]["excluded"] == 0


def test_arms_of_an_existing_experiment_are_found_by_their_part(call, tmp_path):
    """The source's control becomes the experiment's control, and that is said."""
    first = "variant,case,pass_rate\ncontrol,1,0.5\ntreatment,1,0.6\n"
    (tmp_path / "r.csv").write_text(first, "utf-8")
    name = call("import", "r.csv")["experiment_id"]
    path = shapes.write(tmp_path / "b.json", shapes.canonical(cases=2))
    done = call("import", path, "--into", name)
    assert done["added"] == 4
    assert any(f"without_skill is control in {name}" in note for note in done["notes"])
    assert {item["variant"] for item in trials(call, name)} == {"control", "treatment"}


@pytest.mark.parametrize(
    ("text", "flags", "kind"),
    [
        ("variant,pass_rate\nwithout_skill,1\nwith_skill,1\n", (), "usage"),
        ("variant,case,score\nwithout_skill,1,1\nwith_skill,1,2\n", (), "usage"),
        ("variant,case,pass_rate\nwithout_skill,1,1\nA,1,1\nB,1,1\n", (), "not_found"),
        ("variant,case,pass_rate\nbase,1,1\nnew,1,1\n", ("--name", "x"), "usage"),
        ("variant,case,pass_rate\nbase,1,1\nnew,1,1\n", ("--metric", "score"), "usage"),
    ],
)
def test_what_does_not_fit_an_experiment_is_refused(call, tmp_path, text, flags, kind):
    """Another unit, metric or number of arms is refused, and nothing is written."""
    name = call("import", shapes.write(tmp_path / "b.json", shapes.canonical()))[
        "experiment_id"
    ]
    (tmp_path / "r.csv").write_text(text, "utf-8")
    error = call("import", "r.csv", "--into", name, *flags, code=2 if kind == "usage" else 1)
    assert error["error"]["kind"] == kind
    assert len(trials(call, name)) == 6


@pytest.mark.parametrize(
    "flags",
    [
        (), ("--sums", "control=5,1"), ("--sums", "control=5,1", "--sums", "b=5,2", "x.json"),
        ("--sums", "control=5,1", "--sums", "b=5,2", "--decimal", "comma"),
        ("x.json", "--map", "variant"), ("x.json", "--map", "a=b", "--map", "a=c"),
        ("gone.json",), ("control=gone.json", "b=gone.json"),
    ],
)  # fmt: skip
def test_a_call_that_makes_no_sense_writes_nothing(call, flags):
    """Usage errors and missing files leave the project untouched."""
    assert call("import", *flags, code=1 if "gone" in str(flags) else 2)["error"]["hint"] != ""
    assert list(call.root.rglob("*")) == []


def test_a_case_that_is_a_whole_prompt_keeps_its_identity(call, tmp_path):
    """Two long queries that begin alike are two cases, the same in both arms."""
    lines = [
        {"arm": arm, "query": "please " * 900 + end, "score": 1.5}
        for arm in ("control", "new")
        for end in ("one", "two")
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    done = call("import", "r.jsonl")
    assert done["paired_cases"] == 2
    units = {item["unit"] for item in trials(call, done["experiment_id"])}
    assert len(units) == 2
    assert max(map(len, units)) <= 200


def test_what_cannot_be_stored_leaves_no_half_experiment(call, tmp_path):
    """A trial that the log refuses is found out before the experiment is registered."""
    (tmp_path / "r.csv").write_text("variant,case,zest\ncontrol,a,1\nnew,a,2\n", "utf-8")
    flags = ("--map", f"{'m' * 5000}=zest", "--map", "score=zest", "--metric", "score")
    assert call("import", "r.csv", *flags, code=2)["error"]["kind"] == "usage"
    assert list(call.root.rglob("*")) == []


def test_an_equals_sign_in_a_name_is_no_label(call, tmp_path):
    """A file called a=b.json is that file."""
    shapes.write(tmp_path / "a=b.json", shapes.canonical())
    assert call("import", "a=b.json")["added"] == 6


def test_what_the_user_sees_holds_no_control_characters(tmp_path, monkeypatch, capsys):
    """Names from a foreign file cannot steer the terminal."""
    monkeypatch.chdir(tmp_path)
    document = shapes.canonical(arms=("with\u001b[31m", "without_skill"))
    shapes.write(tmp_path / "b.json", document)
    assert main(["import", "--root", str(tmp_path), "b.json"]) == 0
    assert "\u001b" not in capsys.readouterr().out


def test_a_report_for_people_says_what_was_read_and_what_it_can_show(
    tmp_path, monkeypatch, capsys
):
    """Counts, assumptions, the limit of three cases, and the next command."""
    monkeypatch.chdir(tmp_path)
    shapes.write(tmp_path / "b.json", shapes.canonical(cases=3, repeats=2))
    main(["import", "--root", str(tmp_path), "b.json"])
    said = capsys.readouterr().out
    for part in (
        "imported 12 trials", "without_skill (control): 3 cases, 2 runs a case", "3 cases in",
        "was taken as the control", "in 1 of 8 comparisons", "from 10 cases", "Next  meta-exp",
    ):  # fmt: skip
        assert part in said


def test_sums_are_compared_and_nothing_is_created(call):
    """Counts by the test that `analyze` takes, means by Welch's; what they cannot show."""
    rates = call("import", "--sums", "control=40,22", "--sums", "treatment=40,31")
    assert rates["test"] == "proportion_z"
    assert rates["p_value"] == pytest.approx(0.0333, abs=1e-4)
    assert rates["difference"] == pytest.approx(0.225)
    assert rates["better"] is True
    rare = call("import", "--sums", "control=40,1", "--sums", "treatment=40,3")
    assert rare["test"] == "fisher_exact"
    means = call("import", "--sums", "old=20,41.5,12", "--sums", "new=18,33,9")
    assert (means["test"], means["better"]) == ("welch_t", None)
    # 8.5 / sqrt(144/20 + 81/18), df 34.9
    assert means["p_value"] == pytest.approx(0.0179, abs=2e-4)
    timed = call("import", "--sums", "old=20,41.5,12", "--sums", "new=18,33,9",
                 "--metric", "duration_seconds")  # fmt: skip
    assert timed["better"] is True
    assert any("one look" in sentence for sentence in timed["limits"])
    assert list(call.root.rglob("*")) == []


SHAPES = {
    "canonical": (shapes.canonical(cases=3), 6),
    "nested": (shapes.nested(), 4),
    "prefixed": (shapes.prefixed(), 4),
    "by arm": (shapes.by_arm(), 2),
    "nested runs": (shapes.nested_runs(), 2),
    "plugin eval": (shapes.plugin_eval(), 8),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_imported_and_analysed(call, tmp_path, shape):
    """Each known shape ends in an analysis with as many trials as it has runs."""
    document, expected = SHAPES[shape]
    done = call("import", shapes.write(tmp_path / "r.json", document))
    assert len(trials(call, done["experiment_id"])) == expected
    assert call("analyze", done["experiment_id"])["decision"] in ("EXTEND", "INCONCLUSIVE")


_REASONS = (
    "nothing to compare", "cases to run", "a single run", "no source of results",
    "assignments only",
)  # fmt: skip


@pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="no collection of benchmarks beside it")
def test_the_collected_benchmarks_are_imported_or_refused_rightly(call):
    """Real results: two arms end in an analysis, all else in a refusal with its reason."""
    imported, refused = 0, 0
    for path in sorted(BENCHMARKS.rglob("*.json")):
        if path.name in ("grading.json", "timing.json", "eval_metadata.json"):
            continue
        code, document = call.attempt("import", path)
        if code == 0:
            imported += 1
            analysis = call("analyze", document["experiment_id"])
            assert analysis["decision"] == "EXTEND"
            assert analysis["samples"][document["control"]]["completed"] >= 2
        else:
            refused += 1
            message = document["error"]["message"]
            assert any(reason in message for reason in _REASONS), message
    assert imported >= 10
    assert refused >= 20


@pytest.mark.long
def test_the_order_of_rows_does_not_decide(call, tmp_path):
    """Failures first in one arm, successes first in the other, and the same rows mixed."""
    rows = [("control", 0)] * 10 + [("control", 1)] * 10
    rows += [("new", 1)] * 6 + [("new", 0)] * 4
    found = []
    for name, seed in (("sorted", None), ("mixed", 5), ("again", 6)):
        if seed is not None:
            random.Random(seed).shuffle(rows)  # noqa: S311
        lines = "".join(f"{arm},{value}\n" for arm, value in rows)
        (tmp_path / f"{name}.csv").write_text(f"variant,success\n{lines}")
        done = call("import", f"{name}.csv", "--metric", "success")
        analysis = call("analyze", done["experiment_id"])
        found.append({key: analysis[key] for key in ("decision", "primary", "checks", "notes")})
    assert found[0]["decision"] == "EXTEND"
    assert found[0] == found[1] == found[2]


def test_two_columns_make_a_ratio(call, tmp_path):
    """It is decided on by what was read of both; what lacks a part is told."""
    rows = [
        f"{arm},{number},{1 + number % 3 / 10},{int(number % 4 > 0)}"
        for number in range(12)
        for arm in ("control", "b")
    ]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["arm,case,cost_usd,success", *rows, "b,99,1.5,"]), "utf-8")
    done = call("import", path, "--control", "control", "--metric", "cost_usd.per.success")
    assert done["primary_metric"] == "cost_usd.per.success"
    assert (done["arms"]["b"]["runs"], done["arms"]["b"]["measured"]) == (13, 12)
    assert list(done["excluded"].values()) == [1]
    found = call("analyze", done["experiment_id"])
    assert found["primary"]["kind"] == "ratio"
    assert not any("not in the plan" in note for note in found["notes"])
    again = call("import", path, "--control", "control", "--into", done["experiment_id"])
    assert (again["added"], again["already_recorded"]) == (0, 25)
    code, refused = call.attempt("import", path, "--metric", "cost_usd.per.turns")
    assert (code, "No run has the metric" in refused["error"]["message"]) == (2, True)


def sized(path, *, case=False, size=str):
    """Write runs whose cost is mostly their size; the treatment saves a tenth."""
    rng = random.Random(3)  # noqa: S311
    rows = ["variant,cost_usd,task_size" + ",case" * case]
    for number in range(60):
        arm, large = ("control", "b")[number % 2], rng.uniform(1, 9)
        cost = large * (0.9 if arm == "b" else 1.0) + rng.uniform(0, 0.2)
        rows.append(f"{arm},{cost:.6f},{size(large)}" + f",c{number // 2}" * case)
    path.write_text("\n".join(rows) + "\n")
    return path


def test_what_was_known_before_a_run_explains_part_of_its_cost(call, tmp_path):
    """Ninety per cent of the spread is the task's size, which decides with few runs."""
    path = sized(tmp_path / "runs.csv")
    plain = call("import", path, "--metric", "cost_usd")
    adjusted = call("import", path, "--metric", "cost_usd", "--covariate", "task_size")
    assert adjusted["created"]
    assert registry(call)["experiments"][-1]["plan"]["covariates"] == ["task_size"]
    assert "not read" not in " ".join(adjusted["notes"])
    assert any(
        "task_size counts as known before each run" in note for note in adjusted["notes"]
    )
    assert len(trials(call, adjusted["experiment_id"])[0]["covariates"]) == 1
    (before,), (after,) = (
        call("analyze", done["experiment_id"])["primary"]["comparisons"]
        for done in (plain, adjusted)
    )
    assert before.get("adjusted") is None
    assert after["adjusted"]["explained"] > 0.9
    assert after["sequential"]["e_promote"] > 20 > before["sequential"]["e_promote"]
    more = tmp_path / "more.csv"
    more.write_text("variant,cost_usd,chars\ncontrol,1.25,3\nb,1.125,3\n")
    flags = ("--into", adjusted["experiment_id"], "--metric", "cost_usd", "--covariate")
    assert call("import", more, *flags, "task_size=chars")["added"] == 2
    error = call("import", more, *flags, "chars", code=2)["error"]
    assert "no covariate chars in its plan" in error["message"]


@pytest.mark.parametrize(
    ("case", "size", "flag", "words"),
    [
        (True, str, "task_size", "eval cases are compared with themselves"),
        (False, str, "cost_usd", "tells what came of a run"),
        (False, str, "output_tokens=task_size", "measured on the unit itself"),
        (False, str, "previous=task_size", "read from no column"),
        (False, str, "tasksize", "no column 'tasksize' (--covariate"),
        (False, str, "=task_size=", "twice or not at all"),
        (False, lambda _: "", "task_size", "its column holds no number"),
    ],
)
def test_what_no_run_can_be_compared_by_is_no_covariate(
    call, tmp_path, case, size, flag, words
):
    path = sized(tmp_path / "runs.csv", case=case, size=size)
    error = call("import", path, "--metric", "cost_usd", "--covariate", flag, code=2)["error"]
    assert words in error["message"]


@pytest.mark.parametrize(
    ("columns", "primary", "why"),
    [
        ("tokens,seconds,correct", "success", "how good the work was goes before"),
        ("tokens,cost_usd,duration_s", "duration_seconds", "how good the work was is not"),
        ("tokens,cost_usd", "cost_usd", "cost before tokens"),
        ("tokens", "total_tokens", "nothing else was measured"),
    ],
)
def test_what_decides_is_chosen_by_what_it_tells_and_not_by_its_place(
    call, tmp_path, columns, primary, why
):
    """Quality, time, cost, tokens; the choice is said, and why."""
    numbers = ",".join("1" for _ in columns.split(","))
    rows = [f"{arm},{case},{numbers}" for arm in ("old", "new") for case in "ab"]
    file = tmp_path / "results.csv"
    file.write_text("\n".join([f"variant,case,{columns}", *rows]), "utf-8")
    answer = call("import", file, "--dry-run")
    assert answer["primary_metric"] == primary
    assert any(why in note for note in answer["notes"])
