"""`workflows list` and `workflows show`, by the command line."""

import json
import re

import pytest
from tests.support.answer import Answer
from tests.workflows.samples import BODY, RICH

from meta_experiment.cli.main import main

FOLDER = ".github/workflows"


@pytest.fixture
def call(project, capsys):
    """Return what calls a verb of the noun in the project and checks its exit code."""
    del project  # it is the working directory

    def run(*words, code=0):
        capsys.readouterr()
        ended = main(["workflows", *map(str, words)])
        said = capsys.readouterr()
        assert ended == code, f"exit {ended}\n{said.out}\n{said.err}"
        return Answer(ended, said.out, said.err)

    return run


@pytest.fixture
def workflows(project):
    """Write workflow files into the project, by their names."""

    def write(**texts):
        folder = project.root / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            data = text if isinstance(text, bytes) else text.encode()
            (folder / name.replace("__", ".").replace("_", "-")).write_bytes(data)

    return write


def compiled(spec):
    line = json.dumps(spec).replace("'", "''")
    return f"env:\n  GH_AW_EXPERIMENT_SPEC: '{line}'\n"


def test_workflows_are_listed_with_their_experiments_and_oddities(call, workflows):
    workflows(
        daily_report__md=RICH + BODY,
        other__md="# nothing\n",
        broken__md="---\nexperiments: [\n---\n",
        a_b__md="---\nexperiments:\n  e: [x, y]\n  f: [x]\n---\n",
        ab__md="---\nexperiments:\n  e: [x, y]\n---\n",
    )
    found = call("list", "--json").json
    names = [item["workflow"] for item in found["workflows"]]
    assert names == ["a-b", "ab", "broken", "daily-report"]
    assert found["others"] == 1
    assert [(item["errors"], item["warnings"]) for item in found["workflows"]] == [
        (1, 0), (0, 0), (1, 0), (0, 0),
    ]  # fmt: skip
    assert found["shared"] == [{"state": "experiments/ab", "workflows": ["a-b", "ab"]}]
    assert found["workflows"][3]["state"] is None  # storage: cache
    text = call("list").out
    assert "a-b, ab keep their state in one place, experiments/ab" in text
    assert "what is odd about a-b, broken" in text


def test_a_workflow_is_shown_with_the_place_of_whatever_is_odd(call, workflows):
    workflows(
        daily_report__md=RICH.replace("metric: eval:focused", "metric: eval:fcused") + BODY
    )
    for typed in ("daily-report", "daily-report.md", f"{FOLDER}/daily-report.md"):
        found = call("show", typed, "--json").json
        assert found["file"] == f"{FOLDER}/daily-report.md"
    (odd,) = found["specification"]["oddities"]
    assert (odd["line"], odd["column"], odd["level"]) == (15, 13, "error")
    assert "Did you mean 'focused'?" in odd["message"]
    text = call("show", "daily-report").out
    assert "15:13 error: tone: no eval fcused is declared" in text
    assert "dry (60), warm (40)" in text
    assert "gh aw compile daily-report" in text


def test_a_compiled_file_is_up_to_date_stale_missing_or_alone(project, call, workflows):
    source = "---\nexperiments:\n  e:\n    variants: [x, y]\n    guardrail_metrics:\n"
    source += "      - {name: m, direction: min, threshold: 0.5}\n---\n"
    guardrail = {"name": "m", "direction": "min", "threshold": "0.5"}
    spec = {"e": {"variants": ["x", "y"], "guardrail_metrics": [guardrail]}}
    workflows(w__md=source)
    assert call("show", "w", "--json").json["compiled"] == "missing"
    workflows(w__lock__yml=compiled(spec))
    found = call("show", "w", "--json").json
    assert (found["compiled"], found["compile"]) == ("current", None)
    workflows(w__lock__yml=compiled({"e": ["x", "z"]}))
    found = call("show", "w", "--json").json
    assert (found["compiled"], found["compile"]) == ("stale", "gh aw compile w")
    (project.root / FOLDER / "w.md").unlink()
    found = call("show", "w", "--json").json
    assert (found["compiled"], found["specification"]["experiments"][0]["variants"]) == (
        "alone", ["x", "z"],
    )  # fmt: skip


@pytest.mark.parametrize("typed", ["dayly-report", "../x", "", "nowhere/x.md"])
def test_a_workflow_that_is_not_there_is_told_where_one_looked(call, workflows, typed):
    workflows(daily_report__md=RICH)
    error = call("show", typed, "--json", code=1).error
    assert error["kind"] == "not_found"
    assert "renamed or deleted" in error["message"]
    assert error["hint"] in ("Did you mean 'daily-report'?", "meta-experiment workflows list")


def test_no_file_behind_a_link_or_outside_is_read(project, call, workflows, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.md"
    outside.write_text(RICH)
    workflows(w__md=RICH)
    (project.root / FOLDER / "linked.md").symlink_to(outside)
    assert call("show", "linked", "--json", code=1).error["kind"] == "unsafe_path"
    assert call("show", outside, "--json", code=1).error["kind"] == "unsafe_path"
    found = call("list", "--json").json["workflows"]
    assert [(item["workflow"], item["errors"]) for item in found] == [("linked", 1), ("w", 0)]


def test_names_that_would_steer_a_screen_or_a_runner_are_shown_as_text(call, workflows):
    name = "\x1b[31m::set-output name=a::b|<b>@team"
    lines = f"---\nexperiments:\n  e: [{json.dumps(name)}, y]\n---\n"
    workflows(w__md=lines)
    text = call("show", "w").out
    assert "\x1b" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    shown = call("show", "w", "--json").json
    assert shown["specification"]["experiments"][0]["variants"][0] == name


def test_the_next_generation_is_told_on_stdout_with_true_exit_codes(project, call, workflows):
    workflows(daily__md=RICH + BODY)
    said = call("darwin", "daily", "tone")
    assert said.err == ""
    assert re.search(r"Recommendation +none\n", said.out)
    assert "Winner         none yet" in said.out
    for words, code in (
        (("daily", "tune"), 1),
        (("nowhere", "tone"), 1),
        (("daily", "tone", "--winner", "gone"), 1),
        (("daily", "tone", "--apply"), 1),
        (("daily", "tone", "--winner", "warm", "--variant", "warm"), 2),
        (("daily",), 2),
    ):
        refused = call("darwin", *words, code=code)
        assert refused.out == ""
        assert refused.err.startswith("Error: ")
    assert (project.root / FOLDER / "daily.md").read_text() == RICH + BODY


def test_one_flag_is_one_value_and_what_was_written_is_in_the_answer(project, call, workflows):
    workflows(daily__md=RICH + BODY)
    words = ("darwin", "daily", "tone", "--winner", "warm", "--variant", "a,b", "--json")
    plan = call(*words).json
    assert plan["next_variants"] == ["warm", "a,b"]
    assert (plan["archive"], "apply" in plan) == (None, False)
    assert '+    variants: [warm, "a,b"]' in plan["diff"]
    done = call(*words, "--apply", "--archive-dir", "kept").json
    assert done["archive"].startswith("kept/daily/tone/")
    assert json.loads((project.root / done["archive"]).read_text())["winner"] == "warm"
    text = (project.root / FOLDER / "daily.md").read_text()
    assert text == (RICH + BODY).replace("[dry, warm]", '[warm, "a,b"]').replace(
        "[60, 40]", "[40, 40]"
    )
    assert "gh aw compile daily" in call("darwin", "daily", "tone", "--winner", "warm").out


@pytest.mark.parametrize("name", ["::set-output name=x::y", "@team", "a|b", "<b>x</b>", "`id`"])
def test_a_new_variant_of_any_name_is_written_as_text(project, call, workflows, name):
    workflows(daily__md=RICH + BODY)
    words = ("darwin", "daily", "tone", "--winner", "warm", "--variant", name)
    said = call(*words, "--apply")
    assert not any(line.strip().startswith("::") for line in said.out.splitlines())
    shown = call("show", "daily", "--json").json
    assert shown["specification"]["experiments"][0]["variants"] == ["warm", name]
    assert (project.root / FOLDER / "daily.md").read_text().endswith(BODY)
