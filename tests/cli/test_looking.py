"""Looking without acting: plan, noise, monitor, and a board that is never stale."""

import json
import os
from pathlib import Path

import pytest
from tests.cli.conftest import COMMAND

from meta_experiment.errors import CorruptStoreError
from meta_experiment.protocol import places
from meta_experiment.services.board import alerting


def test_a_plan_is_looked_at_without_writing_anything(project):
    """The smallest improvement at each size, in days, and a warning when none can be found."""
    seen = project("plan", "--sample-size", "20", "--per-day", "2", "--json").json
    assert [item["units"] for item in seen["outlook"]["reach"]] == [20]
    assert seen["outlook"]["reach"][0]["days"] == 20
    assert "can never decide" in seen["warnings"][0]
    assert not project.path(".claude/meta").exists()
    assert project("plan", "--per-day", "100", "--json").json["warnings"] == []


def test_a_margin_of_equivalence_says_what_it_costs(project):
    """A narrower margin takes more units, and the number is said before any is spent."""
    wide, narrow = (
        project("plan", "--equivalence-margin", margin, "--json").json["warnings"]
        for margin in ("20", "5")
    )
    assert "takes about 83 units per arm" in wide[0]
    assert "takes about 2,066 units" in narrow[0]


def test_create_says_what_the_plan_can_show_from_the_projects_own_past(project):
    """With measured values the spread is theirs, without it is assumed and said to be."""
    first = project.create()
    assert (
        "assuming a standard deviation of 0.5"
        in project("plan", "--file", f"{COMMAND}=v2.md").out
    )
    project.observe(first, 15)
    metric = ("--primary-metric", "duration_seconds")
    again = project("plan", "--file", f"{COMMAND}=v2.md", *metric, "--json").json
    assert again["past_experiments"] == [first]
    assert again["past_values"] == 15
    assert not again["outlook"]["spread"]["assumed"]
    cases = project("plan", "--file", f"{COMMAND}=v2.md", *metric, "--unit", "case", "--json")
    assert cases.json["past_values"] == 0  # uses in earnest are no runs on cases


@pytest.mark.parametrize(
    ("flags", "primary", "told"),
    [
        ([], "active_seconds", False),
        (["--primary-metric", "active_seconds"], "active_seconds", False),
        (["--primary-metric", "duration_seconds"], "duration_seconds", True),
        (["--guardrail", "turn_duration_seconds"], "active_seconds", True),
        (["--start", "--manual"], "duration_seconds", False),
        (["--assignment", "external"], "duration_seconds", False),
    ],
)
def test_create_says_what_time_on_the_wall_has_in_it(project, flags, primary, told):
    """Without another wish it is the time of work, where transcripts tell it."""
    made = project("create", "--file", f"{COMMAND}=v2.md", *flags, "--json").json
    assert made["experiment"]["plan"]["metrics"]["primary"]["name"] == primary
    said = [note for note in made["notes"] if "clock on the wall" in note]
    assert len(said) == told
    assert all("name active_seconds" in note for note in said)


@pytest.mark.long
def test_noise_tells_how_far_apart_equal_arms_look(project):
    """The floor falls with the number of units; too few past values are refused."""
    name = project.create()
    assert project("noise", "--json", code=1).error["kind"] == "degenerate_data"
    project.observe(name, 15)
    floors = project("noise", "--json").json["floors"]
    assert [item["units"] for item in floors] == [10, 20, 50, 100, 200]
    assert floors[0]["typical"] > floors[-1]["typical"] > 0
    assert project("noise", "--json").json["floors"] == floors


@pytest.mark.long
def test_noise_is_of_one_prompt_and_of_what_its_plan_is_about(project):
    """Values of several prompts are no past of any; an experiment's own primary is meant."""
    name = project.create("--primary-metric", "output_tokens")
    for number in range(12):
        metrics = ["--metric", f"output_tokens={100 + number}"]
        project("record", name, "--variant", "control", *metrics)
    seen = project("noise", name, "--json").json
    assert (seen["metric"], seen["values"]) == ("output_tokens", 12)
    (project.root / "other.md").write_text("Look.\n")
    (project.root / "other2.md").write_text("Look twice.\n")
    other = project(
        "create", "--file", "other.md=other2.md", "--unit", "invocation", "--start", "--manual",
        "--json",
    ).json["experiment_id"]  # fmt: skip
    project("record", other, "--variant", "control", "--metric", "output_tokens=9000")
    refusal = project("noise", "--metric", "output_tokens", "--json", code=1).error
    assert "2 different prompts" in refusal["message"]
    assert project("noise", name, "--json").json["values"] == 12


@pytest.mark.parametrize("days", ["nan", "inf", "0"])
def test_no_number_of_days_is_taken_for_one(project, days):
    """Neither units per day nor days back."""
    flags = ["--file", f"{COMMAND}=v2.md", "--per-day", days]
    assert project("plan", *flags, "--json", code=2).error["kind"] == "usage"
    assert project("baseline", "review", "--days", days, "--json", code=2).error


def test_a_metric_given_twice_is_refused(project):
    name = project.create()
    twice = ["--metric", "duration_seconds=1", "--metric", "duration_seconds=2"]
    refusal = project("record", name, "--variant", "control", *twice, "--json", code=2).error
    assert "twice" in refusal["message"]


def test_trials_are_counted_as_trials(project):
    """Of several in one unit each counts; the board, the outcome and `check` agree."""
    name = project(
        "create", "--file", f"{COMMAND}=v2.md", "--unit", "session", "--start", "--manual",
        "--json",
    ).json["experiment_id"]  # fmt: skip
    for number in range(24):
        arm = ("control", "treatment")[number % 2]
        flags = ["--variant", arm, "--unit", f"{arm} {number // 6}"]
        project("record", name, *flags, "--metric", f"duration_seconds={number + 1}")
    (row,) = project("status", "--json").json["experiments"]
    assert row["progress"]["trials"] == 24
    assert [arm["n"] for arm in row["variants"]] == [4, 4]
    project("promote", name, "--override", "seen", "--yes")
    assert "Trials: 24" in project.git("log", "-1", "--format=%B")


def test_monitor_reports_alerts_and_changes_nothing(project):
    """An error rate over twice the control's is reported; the experiment runs on."""
    name = project.create()
    assert project("monitor", "--json").json["experiments"] == [
        {"experiment_id": name, "alerts": [], "error": None, "sentence": ""}
    ]
    lines = [
        {"experiment": name, "variant": variant, "metrics": {"duration_seconds": 10 + number},
         "status": "error" if variant == "treatment" and number % 2 else "ok"}
        for number in range(12)
        for variant in ("control", "treatment")
    ]  # fmt: skip
    project.stdin("record", "--stdin", lines=lines)
    (watched,) = project("monitor", "--json").json["experiments"]
    assert any("error" in alert["kind"] for alert in watched["alerts"])
    assert project("status", name, "--json").json["experiments"][0]["status"] == "running"


def test_what_is_wrong_with_one_experiment_hides_no_alert_of_another(project, monkeypatch):
    """It is said beside them, and by the exit code; asked for by name it is the answer."""
    broken = project.create()
    other = ".claude/commands/other.md"
    project.path(other).write_bytes(project.path(COMMAND).read_bytes())
    project.git("add", other)
    project.git("commit", "-qm", "another prompt")
    words = ("--file", f"{other}=v2.md", "--primary-metric", "duration_seconds", "--start")
    sound = project("create", *words, "--manual", "--json").json["experiment_id"]
    examine = alerting.examine

    def examined(workspace, experiment):
        if experiment.experiment_id == broken:
            raise CorruptStoreError("Its log is none.", hint="Look at it.")
        return examine(workspace, experiment)

    monkeypatch.setattr(alerting, "examine", examined)
    seen = project("monitor", "--json", code=1).json["experiments"]
    assert {item["experiment_id"]: item["error"] for item in seen} == {
        broken: "corrupt_store",
        sound: None,
    }
    assert "Its log is none. Look at it." in project("monitor", code=1).out
    refused = project("monitor", broken, "--json", code=1).json
    assert refused["error"]["message"] == "Its log is none."


def test_the_board_is_never_out_of_date(project):
    """Every new trial, plan and status shows at the next status, and each is read once."""
    name = project.create()

    def shown():
        (row,) = project("status", "--json").json["experiments"]
        return row

    assert shown()["progress"]["trials"] == 0
    project.observe(name, 1)
    assert shown()["progress"]["trials"] == 2
    project.observe(name, 1)
    assert shown()["progress"]["trials"] == 4
    project("amend", name, "--set", "name=Other", "--why", "clearer")
    assert shown()["name"] == "Other"
    project("pause", name)
    assert shown()["status"] == "paused"
    board = project.path(".claude/meta/local/board.json")
    before = board.stat().st_mtime_ns
    assert shown()["status"] == "paused"
    assert board.stat().st_mtime_ns == before
    board.write_bytes(b"{")
    assert shown()["status"] == "paused"


def test_a_line_that_is_damaged_is_reported_and_the_rest_is_counted(project):
    """A torn or corrupt line is set aside; status, trials and check say so."""
    name = project.create()
    project.observe(name, 3)
    (log,) = project.path(f".claude/meta/trials/{name}").glob("*.jsonl")
    with log.open("ab") as stream:
        stream.write(b'{"event": "recorded", "at"\n')
    assert "not valid JSON" in project("status").err
    listed = project("trials", name, "--json").json
    assert (listed["total"], len(listed["set_aside"])) == (6, 1)
    project("record", name, "--variant", "control", "--metric", "duration_seconds=5")
    assert project("trials", name, "--json").json["total"] == 7


def test_the_older_registry_is_read_and_analysed_and_not_rewritten(project):
    """The source's template with inline trials: status, analyze, and the same bytes after."""
    registry = {
        "experiments": [
            {
                "id": "exp-2025-10-20-001",
                "name": "Enhanced PR review",
                "created": "2025-10-20T10:30:00Z",
                "status": "running",
                "hypothesis": "Parallel agents save 15min per PR",
                "changes": {"type": "command_modification", "files": {COMMAND: {}}},
                "metrics": {"primary": "time_to_complete_review", "secondary": []},
                "targets": {"improvement_threshold": 15, "max_regression": 10},
                "sample_size_required": 5,
                "max_duration_days": 14,
                "results": {
                    "control_group": [45, 52, 38, 47, 41, 50, 44],
                    "treatment_group": [27, 31, 22, 29, 25, 30, 28],
                },
            }
        ]
    }
    path = project.path(".claude/meta/experiments.json")
    path.parent.mkdir()
    path.write_text(json.dumps(registry, indent=4))
    before = path.read_bytes()
    seen = project("analyze", "exp-2025-10-20-001", "--json").json
    (comparison,) = seen["primary"]["comparisons"]
    assert seen["primary"]["variants"]["control"]["n"] == 7
    assert comparison["effect"]["relative"] > 0.35
    assert "7" in project("status").out
    refused = project("promote", "exp-2025-10-20-001", "--yes", "--json", code=1).error
    assert refused["kind"] == "invalid_state"
    assert path.read_bytes() == before


def test_an_effect_is_shown_from_the_plans_minimum_on(project):
    """Of two units and one nothing is said but their means; of ten the board has its effect."""
    name = project.create("--guardrail", "output_tokens")

    def record(count):
        project.stdin("record", "--stdin", lines=[
            {"experiment": name, "variant": variant,
             "metrics": {"duration_seconds": size + k % 3, "output_tokens": 90 + k % 7}}
            for variant, size, more in (("control", 60, 1), ("treatment", 50, 0))
            for k in range(count + more)
        ])  # fmt: skip

    record(1)
    board, report = project("status").out, project("analyze", name).out
    assert "Effect      shown from 10 units per arm on" in board
    assert (
        "0% of the way to a decision (1 of at least 10 per arm, 9 to go, 14 days left" in board
    )
    assert "treatment against control: an effect is shown from 10 units per arm on" in report
    assert "better" not in board.split("Progress")[1].split("SUMMARY")[0]
    (row,) = project("status", "--json").json["experiments"]
    assert row["improvement"] is None
    record(10)
    board, report = project("status").out, project("analyze", name).out
    assert "% better" in board
    assert "shown from" not in board + report


def test_a_rating_is_shown_though_nobody_planned_it(project):
    """In the text as in the JSON, said to decide nothing; a planned one without that note."""
    name = project.create("--secondary", "tool_errors")
    lines = [
        {"experiment": name, "variant": variant, "metrics": {"duration_seconds": 9 + number,
         "tool_errors": 0, "output_tokens": 7, "rating": rating}}
        for number in range(3)
        for variant, rating in (("control", 4), ("treatment", 3))
    ]  # fmt: skip
    project.stdin("record", "--stdin", lines=lines)
    seen = project("analyze", name)
    rows = [line.split() for line in seen.out.splitlines()]
    assert ["rating", "control", "3", "4"] in rows
    assert ["rating", "treatment", "3", "3", "too", "few", "units"] in rows
    assert ["tool_errors", "control", "3", "0"] in rows
    assert "rating was recorded and is not in the plan" in seen.out
    assert "tool_errors was recorded" not in seen.out
    found = project("analyze", name, "--json").json
    assert [item["metric"] for item in found["secondary"]] == ["tool_errors", "rating"]


def test_trials_show_their_ids_and_the_metrics_one_looks_for(project):
    """What rate and record ask for can be copied; every metric comes on request."""
    name = project.create()
    metrics = {"duration_seconds": 9, "output_tokens": 1830, "rating": 4}
    one = {"experiment": name, "variant": "control", "trial_id": "t-1", "metrics": metrics}
    project.stdin("record", "--stdin", lines=[one])
    (row,) = [line for line in project("trials", name).out.splitlines() if "t-1" in line]
    assert "duration_seconds 9, rating 4" in row
    assert "output_tokens" not in row
    assert "output_tokens 1,830" in project("trials", name, "--all").out


def test_a_quantile_is_shown_as_one_and_its_trials_with_their_values(project):
    """It is no mean, and no geometric one; what it is made of is what one looks for."""
    name = project.create("--primary-metric", "duration_seconds.p90")
    lines = [
        {"experiment": name, "variant": variant, "metrics": {"duration_seconds": size}}
        for variant in ("control", "treatment")
        for size in range(1, 12)
    ]
    project.stdin("record", "--stdin", lines=lines)
    (heading,) = [
        line for line in project("analyze", name).out.splitlines() if "std. dev." in line
    ]
    assert heading.split() == ["variant", "units", "quantile", "std.", "dev."]
    assert "duration_seconds 11" in project("trials", name).out


def test_a_board_with_nothing_but_archived_experiments_says_so(project):
    name = project.create(start=False)
    project("archive", name)
    assert "1 experiment archived: meta-experiment status --archived" in project("status").out


def test_a_registry_that_git_clean_removed_is_brought_back(project):
    """Status, check and verify lead to recover, and nowhere once it is back."""
    name = project.create()
    project.path(".claude/meta/experiments.json").unlink()
    assert "meta-experiment recover" in project("status").err
    for verb in ("check", "verify"):
        assert "a copy of it is kept" in project(verb, code=1).out
    project("recover")
    assert name in project("status").out
    assert "is gone" not in project("status").err
    assert "damage: verify; not served: doctor" in project("recover").out


def test_an_end_that_changes_no_file_speaks_of_no_commit(project):
    name = project.create()
    rehearsed = project("rollback", name, "--dry-run").out
    assert "would end the experiment; no file changes." in rehearsed
    assert "committed" not in rehearsed + project("stop", name).out


def test_a_damaged_registry_is_told_once(project):
    project.create()
    project.path(".claude/meta/experiments.json").write_text("{")
    seen = project("status", code=1)
    assert seen.err.count("Nothing was changed.") == 1


def test_who_draws_elsewhere_is_not_sent_to_assign(project):
    seen = project(
        "create", "--file", f"{COMMAND}=v2.md", "--assignment", "external", "--start",
        "--manual",
    ).out  # fmt: skip
    (step,) = [line for line in seen.splitlines() if line.startswith("  Next")]
    assert "meta-experiment record" in step
    assert "assign" not in step


def test_check_names_what_is_kept_for_the_whole_machine(project):
    """Who uninstalls learns which folder is left, how large it is, and who is still served."""

    def machine():
        findings = project("check", "--json").json["findings"]
        return next(item["detail"] for item in findings if item["name"] == "machine")

    assert machine() == "nothing is kept outside of this project"
    project("start", project.create(start=False))
    data = Path(places.data_folder(os.environ))
    (data / "venv-0").mkdir()
    (data / "venv-0" / "large").write_bytes(b"." * 2_000_000)
    (data / "venv-0" / "python").symlink_to("/usr/bin/python3")
    assert machine() == f"2.0 MB in {data}, for all projects; served now: {project.root}"
    project("panic")
    assert machine() == f"2.0 MB in {data}, for all projects; served now: none"
