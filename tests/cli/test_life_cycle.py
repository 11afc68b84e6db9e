"""One experiment from plan to promotion and back, as a user goes through it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import click
import jsonschema
import pytest
import yaml
from tests.cli.conftest import COMMAND, CONTROL, TREATMENT

from meta_experiment.cli import frame

REPOSITORY = Path(__file__).resolve().parents[2]


def validate(document, name):
    schema = json.loads((REPOSITORY / "schemas" / f"{name}.v1.schema.json").read_text())
    jsonschema.validate(document, schema)


def test_an_experiment_is_promoted_by_auto_and_rolled_back_to_the_same_bytes(project):
    """Create, assign, record, auto, rollback: each step leaves what it promises."""
    name = project.create("--auto")
    drawn = project("assign", name, "--json").json
    assert Path(drawn["contents"][COMMAND]).read_bytes() in (CONTROL, TREATMENT)
    project("record", name, "--variant", drawn["variant"], "--trial-id", drawn["trial_id"],
            "--metric", "duration_seconds=80")  # fmt: skip
    assert "EXTEND" in project("auto").out
    assert project.git("status", "--short", "--", COMMAND) == ""
    project.observe(name, 20)

    (step,) = project("auto", "--json").json["experiments"]
    assert (step["decision"], step["action"]) == ("PROMOTE", "promote")
    assert project.path().read_bytes() == TREATMENT
    message = project.git("log", "-1", "--format=%B")
    assert message.startswith(f"experiment: promote {name}")
    for trailer in ("Experiment: ", "Improvement: +", "Evidence: e-value ", "Trials: 4"):
        assert f"\n{trailer}" in message
    assert project.git("show", "--name-only", "--format=").split("\n")[:-1] == [COMMAND]
    assert project("status", name, "--json").json["experiments"][0]["status"] == "promoted"

    project("rollback", name, "--yes", "--reason", "changed my mind")
    assert project.path().read_bytes() == CONTROL
    assert project.git("status", "--short", "--", COMMAND) == ""
    assert "Reason: changed my mind" in project.git("log", "-1", "--format=%B")
    assert project("status", name, "--json").json["experiments"][0]["status"] == "rolled_back"


def entry_of(project, name):
    """Return what the registry holds of an experiment."""
    document = json.loads(project.path(".claude/meta/experiments.json").read_text())
    validate(document, "experiments")
    (entry,) = (item for item in document["experiments"] if item["id"] == name)
    return entry


def one_of_two_bad(project, *flags):
    """Create an experiment with two treatments, of which one is three times as slow."""
    (project.root / "v3.md").write_bytes(TREATMENT + b"\nTwice.\n")
    given = ("--file", f"c:{COMMAND}=v3.md", "--improvement-threshold", "5", *flags)
    name = project.create(*given)
    _, good, bad = entry_of(project, name)["files"][COMMAND]
    lines = [
        {
            "experiment": name,
            "variant": variant,
            "metrics": {"duration_seconds": (100 + 7 * ((number + place) % 5)) * speed},
        }
        for number in range(12)
        for place, (variant, speed) in enumerate({"control": 1.0, good: 1.0, bad: 3.0}.items())
    ]
    project.stdin("record", "--stdin", lines=lines)
    return name, good, bad


@pytest.mark.long
def test_auto_ends_a_harmful_arm_and_lets_the_others_go_on(project):
    """On record, in history and in the draw: its units get the control, and no trial."""
    name, _, bad = one_of_two_bad(project, "--auto")
    (step,) = project("auto", "--dry-run", "--json").json["experiments"]
    assert step["decision"] == "EXTEND"
    assert "ended_arms" not in entry_of(project, name)
    (step,) = project("auto", "--json").json["experiments"]
    assert (step["decision"], step["action"]) == ("EXTEND", None)
    assert f"{bad}. Gets no more units." in step["sentence"]
    assert project("status", name, "--json").json["experiments"][0]["ended"][0]["at"]
    (ended,) = entry_of(project, name)["ended_arms"]
    assert (ended["treatment"], ended["reason_code"]) == (bad, "treatment_worse")
    drawn = [project("assign", name, "--json").json for _ in range(12)]
    assert bad not in {one["variant"] for one in drawn}
    assert {one["variant"] for one in drawn if one["trial_id"] is None} == {"control"}
    said = project("analyze", name, "--json").json
    assert [item["treatment"] for item in said["ended"]] == [bad]
    assert said["checks"]["srm"]["ok"]
    assert f"ENDED  {bad} (treatment_worse)" in project("analyze", name).out
    history = project.path(f".claude/meta/history/{name}.jsonl").read_text()
    assert f"{bad} has ended: " in history.splitlines()[-1]
    again = project("auto", "--json").json["experiments"][0]["sentence"]
    assert "no more units" not in again


def test_one_arm_is_stopped_by_hand_and_the_last_one_is_not(project):
    """What is left to the user is named by `auto`; an end of the last arm is that of all."""
    name, good, bad = one_of_two_bad(project)
    assert f"stop {name} --variant {bad}" in project("auto").out
    board = project("status", name).out
    assert f"Ended       {bad}: " in board
    assert f"end what does harm: meta-experiment stop {name} --variant {bad}" in board
    assert f"Effect      {good} " in board
    done = project("stop", name, "--variant", bad, "--reason", "too slow", "--json").json
    assert (done["status"], done["files"]) == ("running", [])
    (ended,) = entry_of(project, name)["ended_arms"]
    assert (ended["treatment"], ended["reason"]) == (bad, "too slow")
    assert "already" in project("stop", name, "--variant", bad, code=1).err
    assert "no treatment" in project("stop", name, "--variant", "nobody", code=1).err
    assert (
        f"meta-experiment stop {name}" in project("stop", name, "--variant", good, code=1).err
    )


def test_it_works_the_same_without_a_repository(bare_project):
    """No git: the files change, and the answer says that nothing was committed."""
    name = bare_project.create("--auto")
    bare_project.observe(name, 20)
    bare_project("auto")
    assert bare_project.path().read_bytes() == TREATMENT
    done = bare_project("rollback", name, "--yes", "--json").json
    assert done["commit"] is None
    assert done["commit_note"]
    assert bare_project.path().read_bytes() == CONTROL


def test_promote_refuses_without_evidence_and_keeps_an_override_on_the_record(project):
    """Against the evidence only a reason in words goes, and it is shown ever after."""
    name = project.create()
    refused = project("promote", name, "--yes", "--json", code=1).error
    assert refused["kind"] == "refused"
    assert "--override" in refused["hint"]
    assert project.path().read_bytes() == CONTROL
    project("promote", name, "--yes", "--override", "the lead asked for it")
    assert project.path().read_bytes() == TREATMENT
    assert "the lead asked for it" in project("status", name).out
    assert "Override: the lead asked for it" in project.git("log", "-1", "--format=%B")


@pytest.mark.parametrize(("answer", "code"), [(False, 1), (True, 0)])
def test_a_person_on_a_terminal_is_asked_before_files_change(
    project, monkeypatch, answer, code
):
    """The change is shown first; no means that nothing happens; --yes asks nobody."""
    asked = []
    monkeypatch.setattr(frame, "_interactive", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda text, **_: asked.append(text) or answer)
    name = project.create()
    project.observe(name, 20)
    given = project("promote", name, code=code)
    assert "+Review the branch in parallel." in given.err
    assert project.path().read_bytes() == (TREATMENT if answer else CONTROL)
    assert len(asked) == 1
    project("promote" if not answer else "rollback", name, "--yes")
    assert len(asked) == 1


def test_a_dry_run_shows_the_change_and_makes_none(project):
    """The diff is printed; registry, file and history stay."""
    name = project.create("--auto")
    project.observe(name, 20)
    before = project.path(".claude/meta/experiments.json").read_bytes()
    assert "+Review the branch in parallel." in project("promote", name, "--dry-run").out
    assert "would be" in project("auto", "--dry-run").out
    assert project.path().read_bytes() == CONTROL
    assert project.path(".claude/meta/experiments.json").read_bytes() == before


def test_auto_leaves_an_experiment_alone_whose_plan_does_not_allow_it(project):
    """Without --auto in the plan the verdict is reported and left to the user."""
    name = project.create()
    project.observe(name, 20)
    (step,) = project("auto", "--json").json["experiments"]
    assert (step["decision"], step["action"]) == ("PROMOTE", None)
    assert f"promote {name}" in step["sentence"]
    assert project.path().read_bytes() == CONTROL


def test_auto_ends_a_harmful_treatment(project):
    """A treatment twice as slow is rolled back; the control was never replaced."""
    name = project.create("--auto")
    project.observe(name, 12, speed=2.5)
    (step,) = project("auto", "--json").json["experiments"]
    assert (step["decision"], step["action"]) == ("REJECT", "rollback")
    assert project.path().read_bytes() == CONTROL
    assert project("status", name, "--json").json["experiments"][0]["status"] == "rolled_back"


def test_an_experiment_expires_after_its_days(project, monkeypatch):
    """After the maximum days without a decision it ends, and the control stays."""
    name = project.create("--auto", "--max-duration-days", "3")
    project.observe(name, 3, speed=1.0)
    import time

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 4 * 86_400)
    (step,) = project("auto", "--json").json["experiments"]
    assert step["action"] == "expire"
    assert project("status", name, "--json").json["experiments"][0]["status"] == "expired"
    assert project.path().read_bytes() == CONTROL


@pytest.mark.long
def test_what_is_printed_as_json_obeys_the_published_schemas(project):
    """status, analyze and errors are what schemas/ describes."""
    name = project.create("--guardrail", "output_tokens:20%")
    validate(project("status", "--json").json, "status")
    project.observe(name, 12)
    validate(project("analyze", name, "--json").json, "analysis")
    validate(project("status", "--json").json, "status")
    validate(project("analyze", "nonsense", "--json", code=1).json, "error")
    for schema in (REPOSITORY / "schemas").glob("*.json"):
        jsonschema.Draft202012Validator.check_schema(json.loads(schema.read_text()))


def test_analyze_gives_the_exit_code_of_its_verdict_when_asked(project):
    """--gate: 3 while undecided, 0 on PROMOTE; without it always 0."""
    name = project.create()
    project("analyze", name)
    project("analyze", name, "--gate", code=3)
    project.observe(name, 20)
    project("analyze", name, "--gate")


def test_pause_and_resume_and_stop_follow_the_life_of_an_experiment(project):
    """Each verb works in its states and refuses in the others, saying what to do."""
    name = project.create(start=False)
    assert project("assign", name, "--json", code=1).error["hint"].endswith(f"start {name}")
    assert project("resume", name, "--json", code=1).error["kind"] == "invalid_state"
    project("start", name)
    project("pause", name)
    assert project("assign", name, "--json", code=1).error["hint"].endswith(f"resume {name}")
    project("resume", name)
    project("stop", name)
    assert project("start", name, "--json", code=1).error["kind"] == "invalid_state"
    project("archive", name)
    assert project("status", "--json").json["experiments"] == []
    assert project("status", "--json").json["summary"]["archived"] == 1


@pytest.mark.parametrize("name", ["a{x}.md", "{}.md", "%s{id}.md"])
def test_the_name_of_a_prompt_is_never_a_pattern(project, name):
    """Braces and per cent signs are said as they stand."""
    path = f".claude/commands/{name}"
    project.path(path).write_bytes(CONTROL)
    given = ("--file", f"{path}=v2.md", "--primary-metric", "duration_seconds", "--start")
    made = project("create", *given, "--json").json
    assert made["status"] == "running"
    assert f"/'{name.removesuffix('.md')}' is served" in " ".join(made["notes"])
    assert project("pause", made["experiment_id"]).out.startswith(made["experiment_id"])


def test_a_unit_keeps_its_variant(project):
    """The same key gets the same arm, another trial."""
    name = project.create()
    first, again = (project("assign", name, "--unit", "s1", "--json").json for _ in range(2))
    assert first["variant"] == again["variant"]
    assert first["trial_id"] != again["trial_id"]


def test_the_same_trial_recorded_twice_is_one_trial(project):
    """Metrics merge; a conflicting value keeps the first and is reported."""
    name = project.create()
    record = ("record", name, "--variant", "control", "--trial-id", "t1", "--metric")
    project(*record, "duration_seconds=10")
    project(*record, "output_tokens=5")
    project(*record, "duration_seconds=99")
    listed = project("trials", name, "--json").json
    assert listed["total"] == 1
    assert listed["trials"][0]["metrics"] == {"duration_seconds": 10.0, "output_tokens": 5.0}
    assert "t1" in project(*record, "duration_seconds=98", "--json").json["conflicts"][0]
    assert "t1" in listed["conflicts"][0]


def test_several_lines_of_one_trial_are_counted_as_one(project):
    """What is acknowledged is how many trials there are, not how many lines."""
    name = project.create()
    project("stop", name)
    other = project.create("--name", "other")
    lines = [
        {"experiment": of, "variant": "control", "trial_id": trial, "metrics": {metric: 10}}
        for of, trial, metric in (
            (name, "a", "duration_seconds"),
            (name, "b", "duration_seconds"),
            (name, "a", "output_tokens"),
            (other, "a", "duration_seconds"),
        )
    ]
    told = project.stdin("record", "--stdin", lines=lines)
    assert told.out == "Recorded 3 trials, of which 4 observations tell.\n"
    told = project.stdin("record", "--stdin", "--json", lines=lines).json
    assert (told["recorded"], told["trial_ids"]) == (3, ["a", "b", "a", "a"])
    assert told["known"] == 3
    assert project.stdin("record", "--stdin", lines=lines).out == (
        "3 trials were known already; what is new of them was added.\n"
    )
    assert project("trials", name, "--json").json["total"] == 2
    assert project("record", name, "--variant", "control", "--metric", "cost_usd=1").out == (
        "Recorded 1 trial.\n"
    )
    lines.append({**lines[0], "trial_id": "c"})
    assert project.stdin("record", "--stdin", lines=lines).out == (
        "Recorded 4 trials, of which 5 observations tell. "
        "3 of them were known already; what is new of them was added.\n"
    )
    again = (
        "record",
        name,
        "--variant",
        "control",
        "--trial-id",
        "c",
        "--metric",
        "cost_usd=1",
    )
    assert project(*again).out == "1 trial was known already; what is new of it was added.\n"


def test_the_least_used_arm_is_that_with_the_fewest_units_however_they_came(project):
    """Units that were recorded without a draw, and trials that name no unit, are counted."""
    name = project.create("--assignment", "least_used", "--seed", "3")
    record = ("record", name, "--variant", "treatment", "--metric", "duration_seconds=9")
    for unit in (("--unit", "u1"), ("--unit", "u1"), ("--unit", "u2"), ()):
        project(*record, *unit)
    drawn = [project("assign", name, "--json").json["variant"] for _ in range(7)]
    assert drawn[:3] == ["control"] * 3
    assert sorted(drawn[3:5]) == sorted(drawn[5:]) == ["control", "treatment"]


def test_conflicts_that_are_not_listed_are_counted(project):
    """Twenty are named, and of more than that how many there are."""
    name = project.create()
    lines = [
        {
            "experiment": name,
            "variant": "control",
            "trial_id": f"t{n}",
            "metrics": {"cost_usd": 1},
        }
        for n in range(23)
    ]
    project.stdin("record", "--stdin", lines=lines)
    again = [line | {"metrics": {"cost_usd": 2}} for line in lines]
    told = project.stdin("record", "--stdin", "--json", lines=again).json["conflicts"]
    assert (len(told), told[-1]) == (21, "3 more")


def test_files_that_are_not_listed_are_counted(project):
    """The board names three, and says that there are more."""
    flags = []
    for number in range(5):
        project.path(f"docs{number}.md").write_bytes(b"old\n")
        flags += ["--file", f"docs{number}.md=v2.md"]
    name = project("create", *flags, "--primary-metric", "cost_usd", "--json").json
    shown = project("status", name["experiment_id"]).out
    assert shown.count("  File  ") == 3
    assert "and 2 more files" in shown


def test_a_rating_does_not_end_the_trial_it_is_given_to(project):
    """A fixed plan goes on waiting for a trial that is rated before it is recorded."""
    name = project.create("--stopping", "fixed", "--sample-size", "5")
    drawn = [project("assign", name, "--json").json for _ in range(10)]
    last = next(item for item in reversed(drawn) if item["variant"] == "treatment")

    def record(item, seconds):
        line = {
            "experiment": name,
            "variant": item["variant"],
            "trial_id": item["trial_id"],
            "metrics": {"duration_seconds": seconds},
        }
        project.stdin("record", "--stdin", lines=[line])

    def decided():
        found = project("analyze", name, "--json").json
        return found["decision"], found["reason_code"]

    for number, item in enumerate(item for item in drawn if item is not last):
        record(item, {"control": 100, "treatment": 70}[item["variant"]] + number % 4)
    project("rate", "4", "--trial-id", last["trial_id"])
    assert decided() == ("EXTEND", "waiting_for_trials")
    record(last, 400)
    assert decided() == ("INCONCLUSIVE", "evidence_insufficient")


@pytest.mark.long
def test_what_a_crash_cut_off_is_finished_or_undone_by_the_next_command(project):
    """Killed in a commit hook after the file changed: any next verb, and says so."""
    name = project.create()
    hook = project.path(".git/hooks/pre-commit")
    hook.write_text("#!/bin/sh\nkill -9 $(ps -o ppid= -p $PPID) $PPID\nsleep 30\n")
    hook.chmod(0o755)
    script = [sys.executable, str(REPOSITORY / "scripts" / "promote.py"), name]
    given = subprocess.run(
        [*script, "--root", str(project.root), "--override", "x"],
        capture_output=True,
        check=False,
    )
    assert given.returncode < 0
    hook.unlink()
    assert project.path().read_bytes() == TREATMENT
    assert "cut off" in project("status").err
    assert project.path().read_bytes() == CONTROL
    assert project.git("status", "--short", "--", COMMAND) == ""


@pytest.mark.long
def test_a_slow_hook_is_in_nobodys_way(project):
    """While a promotion waits for it, other verbs go on and leave the promotion alone."""
    name = project.create()
    other = ".claude/commands/other.md"
    project.path(other).write_bytes(CONTROL)
    project.path("v3.md").write_bytes(TREATMENT)
    flags = ("--file", f"{other}=v3.md", "--start", "--manual", "--json")
    second = project("create", *flags).json["experiment_id"]
    hook, reached, go = project.path(".git/hooks/pre-commit"), project.path("r"), ".git/go"
    hook.write_text(f"#!/bin/sh\ntouch r\nwhile test ! -e {go}; do sleep 0.05; done\n")
    hook.chmod(0o755)
    script = [sys.executable, str(REPOSITORY / "scripts" / "promote.py"), name]
    promotion = subprocess.Popen([*script, "--root", str(project.root), "--override", "x"])
    try:
        while not reached.exists():
            assert promotion.poll() is None
            time.sleep(0.01)
        project("assign", second)
        project("record", second, "--variant", "control", "--metric", "duration_seconds=3")
        said = project("status").err
        assert promotion.poll() is None
    finally:
        project.path(go).touch()
    assert f"process {promotion.pid} on" in said
    assert said.count(f"promote of {name}") == 1
    assert promotion.wait() == 0
    assert project.path().read_bytes() == TREATMENT
    assert "promote" not in project("status").err


def test_a_mode_that_git_changed_is_no_edit(project):
    """0600 becomes 0644 on a checkout; promotion and rollback go on and leave it."""
    project.path().chmod(0o600)
    name = project.create()
    project.path().chmod(0o644)
    project("promote", name, "--override", "x")
    assert project.path().read_bytes() == TREATMENT
    assert project.path().stat().st_mode & 0o777 == 0o644
    project("rollback", name)
    assert project.path().read_bytes() == CONTROL


def test_a_variant_that_was_tampered_with_is_not_served(project):
    """assign refuses bytes that are not the plan's, before it draws."""
    name = project.create()
    project.path(f".claude/meta/variants/{name}/treatment/{COMMAND}").write_bytes(b"other")
    assert project("assign", name, "--json", code=1).error["kind"] == "corrupt_store"
    assert project("trials", name, "--json").json["total"] == 0


def test_a_guardrail_of_ones_own_says_its_direction(project):
    """NAME:MARGIN%:DIRECTION describes a metric that nobody knows."""
    project("create", "--file", f"{COMMAND}=v2.md", "--guardrail", "clarity:5%:higher")
    (row,) = project("status", "--json").json["experiments"]
    plan = json.loads(project.path(".claude/meta/experiments.json").read_text())
    (guardrail,) = plan["experiments"][0]["plan"]["metrics"]["guardrails"]
    assert (guardrail["name"], guardrail["margin"]) == ("clarity", 5.0)
    assert guardrail["direction"] == "higher"
    assert row["status"] == "draft"


def test_panic_pauses_everything(project):
    """Every running experiment is paused, the files hold the control."""
    name = project.create()
    assert project("panic", "--json").json["paused"] == [name]
    assert project("status", name, "--json").json["experiments"][0]["status"] == "paused"
    assert project("panic").out.startswith("Nothing was running")


def test_check_finds_a_healthy_project_and_an_unhealthy_one(project):
    """The registry, the variants and the logs are looked at."""
    name = project.create()
    healthy = project("check", "--json").json
    assert healthy["healthy"]
    assert healthy["python"] == sys.executable
    variant = project.path(f".claude/meta/variants/{name}/treatment/{COMMAND}")
    variant.write_bytes(b"something else")
    found = project("check", "--json", code=1).json
    assert [item["name"] for item in found["findings"] if not item["ok"]] == [name]


def test_amend_keeps_what_it_changed_on_the_record(project):
    """Before data a plan may change, after data only what does not decide their meaning."""
    name = project.create()
    project("amend", name, "--set", "improvement_threshold=5", "--why", "small is fine")
    project("amend", name, "--set", "tags=a, b", "--why", "found more easily")
    empty = project("amend", name, "--set", "tags=c", "--why", "", "--json", code=2).error
    assert "--why" in empty["message"]
    coin = project("amend", name, "--set", "alpha=0.5", "--why", "x", "--json", code=2).error
    assert "coin" in coin["message"]
    project.observe(name, 2)
    refused = project("amend", name, "--set", "alpha=0.2", "--why", "hurry", "--json", code=1)
    assert refused.error["kind"] == "refused"
    done = project("amend", name, "--set", "max_duration_days=30", "--why", "holiday", "--json")
    last = done.json["amendments"][-1]
    assert (last["key"], last["before"], last["after"]) == ("max_duration_days", 14.0, 30)


def test_explain_says_one_sentence_at_every_stage(project):
    """Draft, without data, with few data, decided."""
    name = project.create(start=False)
    assert "not started" in project("explain", name).out
    project("start", name)
    assert project("explain", name, "--json").json["decision"] == "EXTEND"
    project.observe(name, 20)
    assert project("explain", name).out.startswith("PROMOTE")
    project("promote", name, "--yes")
    told = project("explain", name, "--json").json
    assert (told["status"], told["decision"]) == ("promoted", "PROMOTE")
    project("rollback", name, "--yes")
    told = project("explain", name, "--json").json
    assert (told["status"], told["decision"]) == ("rolled_back", None)
    assert told["reason_code"] is None
    assert f"{name} is rolled_back" in told["explanation"]


def test_a_paused_experiment_on_an_edited_file_is_told_a_way_out(project):
    """The hint of the refusal works in the state it is in."""
    name = project.create()
    project("pause", name)
    project.path().write_bytes(b"edited")
    hint = project("resume", name, "--json", code=1).error["hint"]
    assert f"meta-experiment stop {name}" in hint
    project("stop", name)


def test_drift_is_refused_and_merged_on_request(project):
    """An edit made meanwhile is kept: refused without --merge, merged with it."""
    project.path("v2.md").write_bytes(CONTROL.replace(b"Review\r\n", b"Faster\r\n", 1))
    name = project.create()
    edited = CONTROL + b"One more line.\r\n"
    project.path().write_bytes(edited)
    promote = ("promote", name, "--override", "test", "--yes")
    assert project(*promote, "--json", code=1).error["kind"] == "drift"
    assert project.path().read_bytes() == edited
    project(*promote, "--merge")
    merged = project.path().read_bytes()
    assert b"Faster" in merged
    assert merged.endswith(b"One more line.\r\n")
    project("rollback", name, "--yes")
    assert project.path().read_bytes() == edited


def test_a_file_under_a_new_experiment_is_not_changed_by_an_old_one(project):
    """Rolling an old promotion back would pull the control away from under the new plan."""
    first = project.create()
    project("promote", first, "--override", "test", "--yes")
    project.path("v3.md").write_bytes(b"third\n")
    second = project("create", "--file", f"{COMMAND}=v3.md", "--json").json["experiment_id"]
    error = project("rollback", first, "--yes", "--json", code=1).error
    assert error["kind"] == "conflict"
    assert second in error["message"]
    assert project.path().read_bytes() == TREATMENT


def test_several_files_and_several_treatments_go_through_one_experiment(project):
    """Each treatment has its texts; a file it leaves out keeps the control's."""
    project.path("CLAUDE.md").write_bytes(b"Be brief.\n")
    project.path("v3.md").write_bytes(b"third\n")
    project.path("claude2.md").write_bytes(b"Be very brief.\n")
    project("create", "--file", f"short:{COMMAND}=v2.md", "--file", f"long:{COMMAND}=v3.md",
            "--file", "long:CLAUDE.md=claude2.md", "--primary-metric", "cost_usd",
            "--start", "--manual")  # fmt: skip
    project("promote", "review", "--variant", "long", "--override", "test", "--yes")
    assert project.path().read_bytes() == b"third\n"
    assert project.path("CLAUDE.md").read_bytes() == b"Be very brief.\n"


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_plan_file_says_the_same_as_flags(project, form):
    """YAML and JSON plans create the experiment that they describe."""
    plan = {
        "name": "Parallel",
        "hypothesis": "faster",
        "files": {COMMAND: {"treatment": "v2.md"}},
        "metrics": {"primary": "duration_seconds", "guardrails": ["output_tokens:20%"]},
        "stopping": {"sample_size": 25},
    }
    path = project.path(f"plan.{form}")
    path.write_text(json.dumps(plan))
    made = project("create", "--plan", str(path), "--json").json["experiment"]
    assert made["plan"]["stopping"]["sample_size"] == 25
    assert made["name"] == "Parallel"
    validate(dict(plan.items()), "plan")


def test_evidence_from_another_model_promotes_nothing(project):
    """--current names what runs now; evidence that never saw it is stale."""
    name = project.create()
    project.observe(name, 20)
    project("record", name, "--variant", "control", "--metric", "duration_seconds=100",
            "--fingerprint", "model=old")  # fmt: skip
    project("record", name, "--variant", "treatment", "--metric", "duration_seconds=50",
            "--fingerprint", "model=old")  # fmt: skip
    assert (
        project("analyze", name, "--current", "model=old", "--json").json["decision"]
        == "PROMOTE"
    )
    stale = project("analyze", name, "--current", "model=new", "--json").json
    assert stale["reason_code"] == "evidence_stale"
    refused = project("promote", name, "--current", "model=new", "--json", code=1).error
    assert "evidence_stale" in refused["message"]
    assert project.path().read_bytes() == CONTROL


def test_a_difference_too_small_to_matter_is_a_verdict_of_its_own(project):
    """With a margin of equivalence an effect shown to lie within it ends the experiment."""
    name = project.create("--equivalence-margin", "20", "--auto")
    project.observe(name, 60, speed=0.99)
    found = project("analyze", name, "--json").json
    assert (found["decision"], found["reason_code"]) == (
        "INCONCLUSIVE",
        "no_meaningful_difference",
    )
    assert project("auto", "--json").json["experiments"][0]["action"] == "expire"


def test_the_documented_plan_is_a_plan(project):
    """What docs/plan.md shows can be created as it stands."""
    text = (REPOSITORY / "docs" / "plan.md").read_text()
    block = text.partition("```yaml\n")[2].partition("```")[0]
    project.path("plan.yaml").write_text(block)
    project.path("drafts").mkdir()
    project.path("drafts/review-parallel.md").write_bytes(TREATMENT)
    validate(yaml.safe_load(block), "plan")
    made = project("create", "--plan", "plan.yaml", "--json").json["experiment"]
    assert made["plan"]["metrics"]["guardrails"][1]["required"] is True


def test_the_scripts_answer_like_the_command(project):
    """scripts/status.py prints what `status` prints, from another directory."""
    project.create()
    script = REPOSITORY / "scripts" / "status.py"
    given = subprocess.run(
        [sys.executable, str(script), "--root", str(project.root), "--json"],
        cwd="/", check=True, capture_output=True, text=True,
    )  # fmt: skip
    (told,) = json.loads(given.stdout)["experiments"]
    (known,) = project("status", "--json").json["experiments"]
    told["progress"].pop("days_left")
    known["progress"].pop("days_left")
    assert told == known


def test_status_needs_neither_scipy_nor_numpy(project):
    """The board is read and made without the heavy packages."""
    name = project.create()
    project.observe(name, 12)
    code = (
        "import sys; sys.argv = ['x']; from meta_experiment.cli.main import main; "
        f"main(['status', '--root', {str(project.root)!r}]); "
        "print(sorted({'scipy', 'numpy', 'jsonschema', 'yaml'} & set(sys.modules)))"
    )
    given = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True,
        env={"PYTHONPATH": str(REPOSITORY / "scripts"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert given.stdout.splitlines()[-1] == "[]"
    assert "Running" in given.stdout


def test_a_new_plan_of_a_team_says_where_it_goes(project):
    """Also what nobody asked for: a pull request."""
    said = project(
        *("create", "--file", f"{COMMAND}=v2.md", "--primary-metric", "duration_seconds"),
        *("--team", "main"),
    )
    assert "main gets what is promoted, by a pull request; decided by hand" in said.out
