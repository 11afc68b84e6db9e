"""`workflows pick` as real processes: the files of a runner, a ledger that many write to."""

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest
from tests.schemas.generate import file_of as schema_file
from tests.workflows.test_declarations import compiled

from meta_experiment.workflows.state.parsing import read_state

ROOT = Path(__file__).parents[3]
FAST = [sys.executable, "-E", "-S", "-X", "utf8", str(ROOT / "scripts" / "_pick.py")]
LONG = [sys.executable, "-E", "-X", "utf8", str(ROOT / "scripts" / "meta-experiment.py")]
SPEC = {"engine_variant": ["copilot", "claude"], "tone": {"variants": ["dry", "warm"]}}
SOURCE = (
    "---\nexperiments:\n  engine_variant: [copilot, claude]\n"
    "  tone: {variants: [dry, warm]}\n---\n"
)
FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")


@pytest.fixture
def folder(tmp_path):
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "daily.lock.yml").write_bytes(compiled(SPEC))
    (workflows / "plain.md").write_text(SOURCE)
    return tmp_path


def pick(folder, *words, way=FAST, code=0, **variables):
    home = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    called = subprocess.run(
        [*way, "workflows", "pick", *map(str, words)],
        cwd=folder, capture_output=True, text=True, env=home | variables, check=False,
    )  # fmt: skip
    assert called.returncode == code, called.stderr + called.stdout
    return called.stdout


def ledger(folder):
    return read_state((folder / "state.jsonl").read_bytes(), "state.jsonl")


@pytest.mark.parametrize("way", [FAST, LONG], ids=["fast", "long"])
@pytest.mark.parametrize("workflow", ["daily", "plain", ".github/workflows/plain.md"])
def test_a_run_is_told_in_every_way_it_asks_for(folder, way, workflow):
    files = {name: str(folder / name) for name in FILES}
    said = pick(
        folder, workflow, "--state", "state.jsonl", way=way,
        GITHUB_RUN_ID="42", OTEL_RESOURCE_ATTRIBUTES="service.name=x", **files,
    )  # fmt: skip
    (run,) = ledger(folder).runs
    chosen = run.assignments
    assert set(chosen) == {"engine_variant", "tone"}
    assert said.splitlines()[0] == (
        f"[engine_variant={chosen['engine_variant']}, tone={chosen['tone']}]"
    )
    events = [json.loads(item) for item in said.splitlines() if item.startswith("{")]
    assert [(item["event"], item["variant"], item["run_id"]) for item in events] == [
        ("experiment.assigned", chosen[name], "42") for name in sorted(chosen)
    ]
    output = (folder / "GITHUB_OUTPUT").read_text()
    values = dict(re.findall(r"(?m)^([\w-]+)<<(?:meta_\w+)\n(.*)\n", output))
    assert values.pop("experiment-prefix") == said.splitlines()[0]
    assert json.loads(values.pop("experiments")) == values == chosen
    attributes = re.search(r"\n(service.*)\n", (folder / "GITHUB_ENV").read_text())[1]
    assert attributes == ",".join(
        ["service.name=x", *(f"experiment.{name}={chosen[name]}" for name in sorted(chosen))]
    )
    summary = (folder / "GITHUB_STEP_SUMMARY").read_text()
    assert f"| {chosen['tone']} **this run** | 1 | 20 |" in summary
    assert "###" not in said
    assert json.loads((folder / "assignments.json").read_text()) == chosen


def test_both_ways_say_the_same_and_obey_the_schema(folder):
    schema = json.loads(schema_file("workflows-pick").read_bytes())
    answers = []
    for way in (FAST, LONG):
        words = ("daily", "--state", "state.jsonl", "--run-id", "7", "--json")
        answers.append(json.loads(pick(folder, *words, way=way)))
        jsonschema.validate(answers[-1], schema)
    first, again = answers
    assert first["assignments"] == again["assignments"]
    assert {item["how"] for item in again["experiments"]} == {"kept"}
    assert [item["counts"] for item in first["experiments"]] == [
        item["counts"] for item in again["experiments"]
    ]


def test_a_run_that_is_made_again_keeps_its_variants_and_counts_once(folder):
    words = ("daily", "--state", "state.jsonl", "--run-id", "7")
    said = {pick(folder, *words).splitlines()[0] for _ in range(4)}
    assert len(said) == 1
    assert len(ledger(folder).runs) == 1


ODD = (
    b'{"run_id":"99","timestamp":"2026-01-01T00:00:00.000Z","assignments":{"tone":"dry"},'
    b'"baseline_counts":{"tone":{"dry":2}}}\n{torn\n'
)


@pytest.mark.long
def test_a_pick_waits_for_the_one_before(folder):
    """Its counts are read once that one has written."""
    words = [*FAST, "workflows", "pick", "daily", "--state", "state.jsonl", "--run-id", "1"]
    with (folder / ".state.jsonl.pick.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1.5)
        assert not (folder / "state.jsonl").exists()
    said, _ = waiting.communicate(timeout=240)
    assert said.startswith(b"[engine_variant=")
    assert len(ledger(folder).runs) == 1


@pytest.mark.long
@pytest.mark.parametrize(
    "before", [b"", pytest.param(ODD, marks=pytest.mark.long)], ids=["plain", "odd"]
)
def test_runs_at_once_lose_nothing_and_stay_in_balance(folder, before):
    """Both where all lines are plain, and where the other reader has to be asked."""
    (folder / "state.jsonl").write_bytes(before)
    with ThreadPoolExecutor(8) as pool:
        words = ("daily", "--state", "state.jsonl", "--run-id")
        list(pool.map(lambda n: pick(folder, *words, n), range(16)))
    found = ledger(folder)
    runs = [run for run in found.runs if run.run_id != "99"]
    assert sorted(int(run.run_id) for run in runs) == list(range(16))
    engines = Counter(run.assignments["engine_variant"] for run in runs)
    assert engines == {"copilot": 8, "claude": 8}
    tones = Counter(run.assignments["tone"] for run in runs)
    assert tones["dry"] + (3 if before else 0) - tones["warm"] in (-1, 0, 1)
    assert (folder / "state.jsonl").read_bytes().count(b"{torn") == (1 if before else 0)
    assert not [*folder.glob("*.meta-tmp"), *folder.glob(".*.lock")]


@pytest.mark.long
def test_runs_that_are_killed_leave_a_whole_ledger(folder):
    """At any moment: every line can be read, nobody waits for the dead, no run is twice."""
    words = [*FAST, "workflows", "pick", "daily", "--state", "state.jsonl", "--run-id"]
    for number in range(40):
        process = subprocess.Popen(
            [*words, str(number)], cwd=folder, stdout=subprocess.DEVNULL, env={"HOME": "/"}
        )
        time.sleep(number * 0.002)
        process.kill()
        process.wait()
    pick(folder, "daily", "--state", "state.jsonl", "--run-id", "last")
    found = ledger(folder)
    assert found.bad == ()
    ids = [run.run_id for run in found.runs]
    assert len(ids) == len(set(ids))
    assert ids[-1] == "last"


def test_the_older_form_of_a_state_is_kept_up(folder):
    old = {"counts": {"tone": {"dry": 3}}, "runs": []}
    (folder / "state.json").write_text(json.dumps(old, indent=2) + "\n")
    said = [pick(folder, "daily", "--state", "state.json", "--run-id", n) for n in range(3)]
    assert ["tone=warm" in item for item in said] == [True] * 3
    found = json.loads((folder / "state.json").read_text())
    assert found["counts"]["tone"] == {"dry": 3, "warm": 3}
    assert [item["run_id"] for item in found["runs"]] == ["0", "1", "2"]


def test_no_state_behind_a_link_is_written(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "state.jsonl"
    outside.write_bytes(b"")
    (folder / "state.jsonl").symlink_to(outside)
    pick(folder, "daily", "--state", "state.jsonl", "--run-id", "1", code=1)
    assert outside.read_bytes() == b""


def test_a_run_outside_of_the_dates_gets_the_control_and_is_not_counted(folder):
    spec = {"e": {"variants": ["a", "b"], "end_date": "2020-01-01"}, "f": ["c", "d"]}
    (folder / "old.lock.yml").write_bytes(compiled(spec))
    for n in range(3):
        pick(folder, "old.lock.yml", "--state", "state.jsonl", "--run-id", n)
    found = ledger(folder)
    assert {run.assignments["e"] for run in found.runs} == {"a"}
    assert {run.drawn for run in found.runs} == {frozenset({"f"})}
    words = ("old.lock.yml", "--state", "state.jsonl", "--run-id", "9", "--json")
    answer = json.loads(pick(folder, *words))
    assert answer["experiments"][0]["counts"] == {"a": 0, "b": 0}


def test_the_first_runs_of_a_new_generation_are_drawn_by_chance(folder):
    """The runs that dry and warm had say nothing of how often warm and cool come."""
    old = "".join(
        json.dumps({
            "run_id": f"o{n}", "timestamp": f"2026-01-01T00:{n:02d}:00.000Z",
            "assignments": {"tone": ("warm", "dry")[n % 2]},
        }) + "\n"
        for n in range(60)
    )  # fmt: skip
    (folder / "state.jsonl").write_text(old)
    (folder / "next.md").write_text("---\nexperiments:\n  tone: [warm, cool]\n---\n")
    words = ("next.md", "--state", "state.jsonl", "--json", "--run-id")
    picked = [json.loads(pick(folder, *words, n))["experiments"][0] for n in range(4)]
    assert [item["probability"] for item in picked] == [0.5, 1.0, 0.5, 1.0]
    assert picked[-1]["counts"] == {"warm": 2, "cool": 2}


TORN = '{"run_id":"1","timest'
OLD = '{"run_id":"2","timestamp":"2026-01-01T00:00:00.000Z","assignments":{%s}}'

AGAIN = OLD.replace("00:00:00", "00:01:00")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (TORN, "Ledger: state.jsonl, line 1: no JSON"),
        (OLD % '"hue":"red"', "1 runs are of none of these experiments; is it another"),
        (OLD % '"tone":"loud"', "Ledger: tone does not declare loud"),
        ("\n".join([OLD % '"tone":"dry"', TORN, AGAIN % '"tone":"warm"']),
         "Ledger: run 2 had several variants of tone"),
    ],
)  # fmt: skip
def test_what_of_a_ledger_counts_for_nothing_is_told_and_kept(folder, before, told):
    (folder / "state.jsonl").write_text(before + "\n")
    said = pick(folder, "daily", "--state", "state.jsonl", "--run-id", "9")
    assert told in said
    assert (folder / "state.jsonl").read_text().startswith(before)
    assert ledger(folder).runs[-1].run_id == "9"


def test_a_ramp_stops_where_the_outcomes_say_so(folder):
    spec = {"e": {"variants": ["a", "b"], "continual": {"seed": "s", "ramp": [100]}}}
    (folder / "ramp.lock.yml").write_bytes(compiled(spec))
    (folder / "outcomes.json").write_text('{"e": {"decision": "REJECT"}}')
    words = ("ramp.lock.yml", "--state", "state.jsonl", "--run-id")
    assert pick(folder, *words, "1").splitlines()[0] == "[e=b]"
    assert pick(folder, *words, "2", "--outcomes", "outcomes.json").splitlines()[0] == "[e=a]"
    assert ledger(folder).stages == {"e": 0}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("daily", "--state", "s.jsonl"), 2, "Which run is this?"),
        (("plain", "--run-id", "1"), 2, "Which file keeps the state"),
        (("gone", "--run-id", "1", "--state", "s"), 1, "renamed or deleted"),
        (("daily", "--run-id", "1", "--state", "bad.jsonl"), 1, "is no state"),
        (("empty.md", "--run-id", "1", "--state", "s"), 1, "declares no experiment"),
        (("daily", "--run-id", "1", "--state", "s", "--outcomes", "bad.jsonl"), 2, "not valid"),
        (("daily", "--run-id", "1", "--state", "s", "--outcomes", "typo.json"), 2, "'tune'"),
        (("daily", "--wrong"), 2, "No such option"),
        (("broken.md", "--run-id", "1", "--state", "s"), 2, "cannot be read"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_written(folder, words, code, message):
    (folder / "bad.jsonl").write_text("no ledger\n")
    (folder / "typo.json").write_text('{"tune": {"decision": "REJECT"}}')
    (folder / "empty.md").write_text("# nothing\n")
    (folder / "broken.md").write_text("---\nexperiments: [\n---\n")
    before = sorted(item.name for item in folder.iterdir() if not item.name.startswith("."))
    error = json.loads(pick(folder, *words, "--json", code=code))["error"]
    assert message in error["message"]
    after = sorted(item.name for item in folder.iterdir() if not item.name.startswith("."))
    assert after == before


def test_names_that_would_command_a_runner_reach_nothing(folder):
    evil = "x\n::error::y"
    (folder / "evil.lock.yml").write_bytes(compiled({"e": [evil, evil + "2"]}))
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    said = pick(folder, "evil.lock.yml", "--state", "s.jsonl", "--run-id", "1", **files)
    assert not any(item.strip().startswith("::") for item in said.splitlines())
    assert "::error" not in (folder / "GITHUB_STEP_SUMMARY").read_text()
    output = (folder / "GITHUB_OUTPUT").read_text()
    assert re.search(r"^e<<(meta_\w+)\nx\n::error::y2?\n\1\n", output)
